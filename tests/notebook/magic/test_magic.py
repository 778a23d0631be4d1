"""The magic as such: where it works, what it shows of errors, and that it leaves no trace."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from artigraph import NodeNotFoundError, NoEngineError
from artigraph.notebook.magic.words import split
from tests.notebook.shell import Shell


def test_line_works_wherever_it_stands(memory_shell: Shell) -> None:
    """At the top level, in blocks, in async and in plain functions, by any of its names."""
    memory_shell.run(
        """
        node = await write_node(new_node(node_label="top"))
        found = []
        for name in ["top"]:
            if True:
                x = %artigraph ls
                found.append(x)

        async def awaiting(which):
            x = %ag show $which
            return x

        def plain(which):
            x = %ag show {which}
            return x

        class Body:
            x = %ag ls

        found.append([(await awaiting(node.node_id)).node_id, plain("top").node_id])
        found.append(get_ipython().run_line_magic("ag", "ls"))
        found.append(Body.x)
        """
    )
    first, second, third, fourth = memory_shell.get("found")
    assert [node.label for node in first] == ["top"]
    assert second == [memory_shell.get("node").node_id] * 2
    assert len(third) == len(fourth) == 1
    memory_shell.ipython.automagic = True
    assert len(memory_shell.run("artigraph ls")) == 1


def test_line_is_awaited_where_python_allows_it(shell: Shell) -> None:
    """A session of the cell is joined: what it has written is seen, and rolled back with it."""
    shell.run(
        """
        try:
            async with new_session():
                node = await write_node(new_node(node_label="lost"))
                %ag log a=1 --to $node
                seen = %ag ls
                1 / 0
        except ZeroDivisionError:
            pass
        left = %ag ls
        """
    )
    assert [node.label for node in shell.get("seen")] == ["lost"]
    assert len(shell.get("left")) == 0


def test_line_in_plain_function_refuses_open_session(shell: Shell) -> None:
    """It could neither see what the session wrote nor wait for its lock, and says so at once."""
    cell = shell.fail(
        """
        def helper():
            %ag log a=1

        async with new_session():
            await write_node(new_node())
            helper()
        """
    )
    assert "async def" in cell.err
    assert len(shell.run("%ag ls")) == 0


def test_line_in_plain_function_knows_current_node_and_engine(shell: Shell) -> None:
    """The portal sees the context of the cell: its group, and a database of its own."""
    shell.run(
        """
        def helper():
            %ag log a=1
            %ag log note=a

        async with ModelGroup(new_node(node_label="group")):
            helper()
        with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
            helper()
            inside = get_ipython().run_line_magic("ag", "ls")
        outside = get_ipython().run_line_magic("ag", "ls")
        """
    )
    # Without a node there is nothing that has curves.
    assert [node.kind for node in shell.get("inside")] == ["model", "model"]
    (group,) = shell.get("outside")
    assert (group.label, group.child_count) == ("group", 1)
    (curve,) = shell.run(f"await list_series({group.node_id})")
    assert (curve.name, curve.points, curve.last) == ("a", 1, 1.0)


def test_other_magics_may_stand_around_it(memory_shell: Shell) -> None:
    """%time, %timeit and %%capture run the line as they run any other."""
    memory_shell.run("%ag log a=1", "%time x = %ag ls", "%timeit -n1 -r1 %ag ls")
    assert len(memory_shell.get("x")) == 1
    memory_shell.run("%%capture captured\n%ag ls")
    memory_shell.run("%%time\ny = %ag ls\nz = %ag status")
    assert len(memory_shell.get("y")) == 1
    memory_shell.run("%autoawait off", "x = %ag ls", "%autoawait asyncio")
    assert len(memory_shell.get("x")) == 1


def test_semicolon_hides_the_result(memory_shell: Shell) -> None:
    """As behind any other expression; an assigned one is kept."""
    assert memory_shell.run("%ag ls;") is None
    assert memory_shell.run("%ag ls") is not None
    assert memory_shell.run("x = %ag ls;\nlen(x)") == 0


def test_error_is_one_message_and_can_be_caught(memory_shell: Shell) -> None:
    """Artigraph's own errors show no traceback, and are the exceptions that they are."""
    cell = memory_shell.fail("%ag show nothing")
    assert isinstance(cell.error, NodeNotFoundError)
    assert (
        cell.out.strip()
        == "NodeNotFoundError: No node is called 'nothing'. %artigraph tree shows them."
    )
    memory_shell.run(
        """
        try:
            %ag show nothing
        except LookupError as error:
            caught = error
        """
    )
    assert isinstance(memory_shell.get("caught"), NodeNotFoundError)
    assert "Traceback" not in memory_shell.fail("def f():\n    %ag show nothing\nf()").out


def test_no_database_says_what_to_type(bare_shell: Shell) -> None:
    """Every way leads to the one line that sets one."""
    wanted = "%artigraph connect sqlite+aiosqlite:///example.db --create-tables"
    for source in ("%ag tree", "def f():\n    %ag tree\nf()", "%%ag run a\nx = 1"):
        cell = bare_shell.fail(source)
        assert isinstance(cell.error, NoEngineError)
        assert wanted in cell.out
        assert "Traceback" not in cell.out
    assert wanted in repr(bare_shell.run("%ag status"))


def test_wrong_usage_is_told_with_the_usage(bare_shell: Shell) -> None:
    """An unknown sub-command names the nearest; a wrong option prints how it goes."""
    assert "Did you mean 'tree'?" in bare_shell.fail("%artigraph tre").err
    assert "Known are" in bare_shell.fail("%artigraph xyzzy").err
    cell = bare_shell.fail("%artigraph tree --dpeth 3")
    assert "Did you mean '--depth'?" in cell.err
    assert "usage: %artigraph tree" in cell.err
    assert "Traceback" not in cell.out + cell.err
    assert "usage" in bare_shell.fail("%artigraph tree a b").err
    assert "required: TYPE\n" in bare_shell.fail("%artigraph find").err
    assert "no option '--dpeth'" in bare_shell.fail("%artigraph tree\t--dpeth 3").err
    assert "never closed" in bare_shell.fail("%artigraph show it's").err
    assert "There is no variable 'lable'" in bare_shell.fail("%artigraph show $lable").err


def test_help_of_all_and_of_each(bare_shell: Shell) -> None:
    """--help lists every sub-command, and each tells its own arguments."""
    overview = repr(bare_shell.run("%artigraph --help"))
    names = re.findall(r"^ +%%?artigraph (\w+) ", overview, re.MULTILINE)
    assert len(names) == 25
    for name in names:
        told = repr(bare_shell.run(f"%artigraph {name} --help"))
        assert f"artigraph {name}" in told
        assert len(told.splitlines()) > 2
    assert repr(bare_shell.run("%ag")) == overview
    assert "%artigraph tree" in bare_shell.try_("%artigraph?").out


URL = "postgresql+asyncpg://me:hush-hush@127.0.0.1:1/none"


@pytest.mark.parametrize(
    "source",
    [
        f"%ag connect {URL}",
        f"%ag connect {URL}?password=hush-hush2 --create-tables",
        "%ag connect nonsense://me:hush-hush@host/db",
        f"%ag connect {URL} too many",
        f"%ag conect {URL}",
        f"%ag show {URL}",
        f"%ag {URL}",
        "%ag connect $url",
        "%ag connect --url-from-env ARTIGRAPH_TEST_URL",
        f"def f():\n    %ag connect {URL}\nf()",
        f"try:\n    %ag connect {URL}\nexcept Exception:\n    pass\n1 / 0",
        "%ag connect sqlite+aiosqlite:///:memory:?password=hush-hush\n1 / 0",
        f"%%ag run a\n%ag connect {URL}",
    ],
)
def test_password_is_never_shown(
    bare_shell: Shell, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Not in a message, not in a traceback near it, not in what IPython has made of the cell."""
    monkeypatch.setenv("ARTIGRAPH_TEST_URL", URL)
    bare_shell.ipython.user_ns["url"] = URL
    cell = bare_shell.fail(source)
    del bare_shell.ipython.user_ns["url"]
    assert "hush" not in cell.out + cell.err
    assert "hush" not in str(cell.error)
    assert not any("hush" in text for text in bare_shell.ipython.user_ns["In"])


def test_password_of_working_database_is_not_shown(shell: Shell) -> None:
    """Neither the connection's own repr nor the status nor a run's source shows it."""
    shell.run("undo = %ag connect $url")
    source = "%%ag run a\nold = 'mysql://me:hush-hush@host/db'"
    shell.run(source)
    run = shell.run("%ag show a")
    assert "hush" not in run.cell_run_source
    shown = repr(shell.get("undo")) + repr(shell.run("%ag status"))
    assert "***" in run.cell_run_source
    assert "hush" not in shown


HOSTILE = "</script>\x1b[31mred\u202egnp.exe\u200b --yes {fit} $fit"


def test_hostile_label_is_one_word_and_shown_escaped(shell: Shell) -> None:
    """A label out of a variable is no option, is not expanded, and steers no terminal."""
    shell.ipython.user_ns["label"] = HOSTILE
    shell.run("node = await write_node(new_node(node_label=label))", "fit = 1")
    assert shell.run("%ag show $label").node_label == HOSTILE
    cell = shell.fail("%ag rm $label --final")  # nobody can be asked here
    shown = cell.out + cell.err + repr(shell.run("%ag ls")) + repr(shell.run("%ag tree"))
    shown += repr(shell.run("%ag rm $label --final --yes"))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_tasks_side_by_side_leave_interrupts_alone(memory_shell: Shell) -> None:
    """Lines of several tasks end in any order; Ctrl-C is then what it was before."""
    before = signal.getsignal(signal.SIGINT)
    memory_shell.run(
        """
        import asyncio

        async def note(number):
            await asyncio.sleep(0.001 * (number % 3))
            %ag log number=$number

        _ = await asyncio.gather(*(note(number) for number in range(9)))
        """
    )
    assert len(memory_shell.run("%ag find Log")) == 9
    assert signal.getsignal(signal.SIGINT) is before


class Registries:
    """Everything of IPython that an extension may change."""

    def __init__(self, ipython: InteractiveShell) -> None:
        magics = ipython.magics_manager.magics
        formatters = ipython.display_formatter.formatters if ipython.display_formatter else {}
        self.state: dict[str, Any] = {
            "line": dict(magics["line"]),
            "cell": dict(magics["cell"]),
            "cleanup": list(ipython.input_transformers_cleanup),
            "post": list(ipython.input_transformers_post),
            "ast": list(ipython.ast_transformers),
            "matchers": list(ipython.Completer.custom_matchers),
            "hooks": dict(vars(ipython.hooks)),
            "commands": dict(ipython.strdispatchers),
            "events": {name: list(called) for name, called in ipython.events.callbacks.items()},
            "handlers": dict(ipython.custom_exceptions and {}),
            "types": {
                name: dict(one.type_printers) | dict(one.deferred_printers)
                for name, one in formatters.items()
            },
            "names": {name for name in ipython.user_ns if not re.match(r"_i*\d*$", name)},
        }


def test_unload_leaves_ipython_as_it_was(bare_shell: Shell) -> None:
    """Magics, transformers, completers, hooks, events and formatters: all are what they were."""
    ipython = bare_shell.ipython
    bare_shell.run("%unload_ext artigraph")
    before = Registries(ipython).state
    for _ in range(2):
        bare_shell.run("%load_ext artigraph")
        loaded = Registries(ipython).state
        assert {key for key in before if before[key] != loaded[key]} == {
            *("line", "cell", "cleanup", "post", "ast", "matchers", "types"),
        }
        bare_shell.run("%reload_ext artigraph")
        again = Registries(ipython).state
        assert {key: len(value) for key, value in again.items()} == {
            key: len(value) for key, value in loaded.items()
        }
        bare_shell.run("%unload_ext artigraph")
        assert Registries(ipython).state == before
    assert "not found" in bare_shell.fail("%artigraph tree").err
    bare_shell.run("%load_ext artigraph")


def test_unload_puts_back_a_magic_of_that_name(bare_shell: Shell) -> None:
    """Somebody's own %ag is there again afterwards; one that came later stays."""
    ipython = bare_shell.ipython
    bare_shell.run("%unload_ext artigraph")
    ipython.magics_manager.register_function(lambda line: f"mine {line}", magic_name="ag")
    bare_shell.run("%load_ext artigraph", "%ag --help", "%unload_ext artigraph")
    assert bare_shell.run("%ag x") == "mine x"
    bare_shell.run("%load_ext artigraph")
    ipython.magics_manager.register_function(lambda line: f"later {line}", magic_name="ag")
    bare_shell.run("%unload_ext artigraph")
    assert bare_shell.run("%ag x") == "later x"
    bare_shell.run("%load_ext artigraph")


def complete(shell: Shell, text: str) -> set[str]:
    """The lines that the Tab key makes of one."""
    with provisionalcompleter():
        found = list(shell.ipython.Completer.completions(text, len(text)))
    return {f"{text[: one.start]}{one.text}" for one in found}


def test_tab_offers_what_may_stand_there(memory_shell: Shell) -> None:
    """Sub-commands, options, model classes with their fields, variables; no query is sent."""
    memory_shell.run(
        "class Fit(DataModel, version=1):\n    loss: float\n    depth: int", "fit = Fit(0.5, 3)"
    )
    assert {"%artigraph tree", "%artigraph connect"} <= complete(memory_shell, "%artigraph ")
    assert complete(memory_shell, "%ag tre") == {"%ag tree"}
    assert complete(memory_shell, "x = %ag sh") == {"x = %ag show"}
    assert complete(memory_shell, "%%ag r") == {"%%ag run"}
    assert complete(memory_shell, "%ag tree --d") == {"%ag tree --depth"}
    assert complete(memory_shell, "%ag find Fi") == {"%ag find Fit"}
    assert complete(memory_shell, "%ag find Fit lo") == {"%ag find Fit loss"}
    assert "%ag find Fit --limit Fit" not in complete(memory_shell, "%ag find Fit --limit ")
    assert "%ag save fit" in complete(memory_shell, "%ag save fi")
    assert "%%ag run a --node-type CellRun" in complete(memory_shell, "%%ag run a --node-type Cell")
    assert complete(memory_shell, "%ag show $fi") == {"%ag show $fit"}
    assert complete(memory_shell, "%ag export me") == {"%ag export mermaid"}
    assert not any("loss" in text for text in complete(memory_shell, "%ag find Unknown lo"))
    assert not any("fit" in text for text in complete(memory_shell, "%ag unknown fi"))
    # What JupyterLab writes beside each.
    for line, kind in {
        "%ag tre": "command",
        "%ag tree --d": "option",
        "%ag find Fi": "model",
        "%ag find Fit lo": "field",
        "%ag show $fi": "variable",
        "%ag export me": "form",
        "%%ag run a --node-type Cell": "class",
    }.items():
        with provisionalcompleter():
            found = memory_shell.ipython.Completer.completions(line, len(line))
            assert {one.type for one in found} == {kind}, line
    assert "range" in complete(memory_shell, "ran")


@given(text=st.text(st.characters(exclude_characters='"')))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_quoted_text_is_one_word(text: str) -> None:
    """Whatever stands between quotes is one word, and so is whatever a variable holds."""
    assert [word.text for word in split("a $x b", {"x": text})] == ["a", text, "b"]
    if "'" not in text:
        (word,) = split(f"'{text}'", {})
        assert word.text == text
        assert not word.startswith("-")


@given(line=st.text(st.sampled_from("ab $x{}[].:!'\"\\-=<> \t")))
def test_any_line_is_words_or_a_usage_error(line: str) -> None:
    """No line raises anything but a usage error."""
    try:
        words = split(line, {"x": [1, 2], "a": "b"})
    except UsageError:
        return
    assert all(isinstance(word.text, str) for word in words)


def test_address_may_come_from_environment(
    bare_shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--url-from-env reads the address where no notebook keeps it."""
    monkeypatch.setenv("ARTIGRAPH_TEST_URL", f"sqlite+aiosqlite:///{tmp_path}/env.db")
    bare_shell.run("undo = %ag connect --url-from-env ARTIGRAPH_TEST_URL --create-tables")
    assert "env.db" in repr(bare_shell.run("%ag status"))
    bare_shell.run("undo()")
    assert "no variable" in bare_shell.fail("%ag connect --url-from-env NO_SUCH").err
    assert "one address" in bare_shell.fail("%ag connect").err
