"""``%%artigraph run``: what a cell leaves behind, and that it is a cell like any other."""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
from pathlib import Path

import pytest

from artigraph import CellRun, LabelExistsError, OtherStoreError
from tests.notebook.shell import Shell


def strip_numbers(text: str) -> str:
    # IPython names a cell by its number, and by a digest of its text.
    return re.sub(r"Cell In\[\d+\]|<ipython-input-[^>]*>", "the cell", text)


def test_facts_of_run_are_kept(shell: Shell) -> None:
    """Start, end, status, source with its hash, number, parameters and what was saved."""
    shell.run(
        "class Fit(DataModel, version=1):\n    loss: float",
        "rate = 0.5",
        """
        %%artigraph run first --param lr=0.1 --param name=adam --param rate=$rate
        current_model_group().add_model("fit", Fit(0.1))
        %ag log note=good loss=0.1
        """,
    )
    run = shell.run("%ag show first")
    assert isinstance(run, CellRun)
    assert run.cell_run_status == "finished"
    assert run.cell_run_error is None
    assert run.cell_run_started_at is not None
    assert run.cell_run_ended_at is not None
    assert run.cell_run_started_at <= run.cell_run_ended_at
    assert run.cell_run_source is not None
    assert run.cell_run_source.startswith("%%artigraph run first --param lr=0.1")
    assert run.cell_run_source.endswith("%ag log note=good loss=0.1")
    assert run.cell_run_digest == hashlib.sha256(run.cell_run_source.encode()).hexdigest()
    assert run.cell_run_count == shell.ipython.execution_count - 2
    assert run.cell_run_params == {"lr": 0.1, "name": "adam", "rate": 0.5}
    assert run.cell_run_saved is not None
    assert {label.partition(" ")[0] for label in run.cell_run_saved} == {"fit", "log"}
    assert shell.run("%ag load fit --from first") == shell.run("Fit(0.1)")


def test_cell_awaits_and_shows_its_last_line(memory_shell: Shell) -> None:
    """The body is a cell: it awaits, shows its last expression, and its names stay."""
    assert memory_shell.run("%%ag run a\nimport asyncio\nx = await asyncio.sleep(0, 3)\nx + 1") == 4
    assert memory_shell.get("x") == 3
    assert memory_shell.run("%%ag run b\nx + 2;") is None
    assert memory_shell.run("%%ag run c\nx = 5") is None
    assert memory_shell.run("%%ag run\n") is None
    assert memory_shell.run("%%ag run d\nfrom __future__ import annotations\nx") == 5
    memory_shell.ipython.ast_node_interactivity = "all"
    body = "'one'\nif True:\n    'two'\ndef f():\n    'three'\n'four'"
    plain, cell = memory_shell.try_(body), memory_shell.try_(f"%%ag run e\n{body}")
    assert re.sub(r"\d+", "", cell.out) == re.sub(r"\d+", "", plain.out)
    assert cell.value == "four"
    assert len(memory_shell.run("%ag ls")) == 6


def test_runs_and_groups_nest(shell: Shell) -> None:
    """A run hangs under the enclosing group, and what is inside of it under the run."""
    shell.run(
        """
        %%ag run outer
        async with ModelGroup(new_node(node_label="group")):
            %ag log at=group a=1
            get_ipython().run_cell_magic("artigraph", "run inner", "%ag log at=b")
        %ag log at=c
        """
    )
    tree = shell.run("%ag tree outer")
    labels = {node.label.partition(" ")[0]: node for node in tree if node.label}
    assert labels["group"].parent_id == labels["outer"].node_id
    assert labels["inner"].parent_id == labels["group"].node_id
    owners = {
        shell.run(f"(await read_node(NodeFilter(node_id={n.parent_id}))).node_label")
        for n in tree
        if n.kind == "model"
    }
    assert owners == {"outer", "group", "inner"}
    shell.run("%%ag run one\n%%ag run two\n%ag log note=a")
    (two,) = shell.run("%ag ls one")
    assert (two.label, two.child_count) == ("two", 1)


FAILING = """
    import math
    def divide(x):
        return math.sqrt(4) / x

    for number in (1, 0):
        divide(number)
    """


@pytest.mark.parametrize(
    "body",
    [
        FAILING,
        "import asyncio\nasync def f():\n    raise KeyError('x')\nawait asyncio.gather(f())",
        "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('b') from error",
        # Python's own traceback of a group names IPython's line that awaits.
        "async def f():\n    raise ExceptionGroup('several', [ValueError('a')])\nawait f()",
        "x = 1\nassert x == 2, 'no'",
        "x = 1\nx +",
    ],
)
def test_failing_cell_shows_its_own_traceback(memory_shell: Shell, body: str) -> None:
    """What a failing cell prints is, to the character, what it prints without the magic."""
    body = body.replace("\n    ", "\n").strip("\n") if body is FAILING else body
    plain = memory_shell.fail(f"# no magic\n{body}")
    run = memory_shell.fail(f"%%ag run bad\n{body}")
    assert type(run.error) is type(plain.error)
    shown = strip_numbers(run.out).splitlines()
    wanted = strip_numbers(plain.out).splitlines()
    # The first line of the cell may be quoted: there the two are another text.
    assert len(shown) == len(wanted), run.out + plain.out
    different = [pair for pair in zip(shown, wanted, strict=True) if pair[0] != pair[1]]
    assert all("# no magic" in was and "# %%artigraph run bad" in now for now, was in different)
    assert strip_numbers(run.err) == strip_numbers(plain.err)


def test_traceback_shows_the_cell_as_it_was_typed(shell: Shell) -> None:
    """Its first line stands there as a comment, not as what was made of it."""
    cell = shell.fail("%%ag run bad --param url=redis://:hush@h\nfit = 1\nraise ValueError('no')")
    assert "# %%artigraph run bad --param url=redis://***@h" in cell.out
    assert "raise ValueError('no')" in cell.out
    assert "get_ipython" not in cell.out
    assert "hush" not in cell.out


def test_secrets_of_a_run_are_not_kept(shell: Shell) -> None:
    """Neither parameters nor the source hold what looks like a credential."""
    shell.run(
        """
        %%ag run a --param url=postgresql://me:hu/sh@host/db --param api_token=hush --param rate=0.1
        api_key = "hush"
        link = "https://host/c?sv=1&sig=hush"
        """
    )
    run = shell.run("%ag show a")
    assert run.cell_run_params == {
        "url": "postgresql://***@host/db",
        "api_token": "***",
        "rate": 0.1,
    }
    assert "hush" not in run.cell_run_source
    assert "hu/sh" not in run.cell_run_source


def test_failing_cell_keeps_its_node(shell: Shell) -> None:
    """It is marked as failed with the exception's text; what was saved stays, the rest does not."""
    shell.run("class Fit(DataModel, version=1):\n    loss: float", "fit = Fit(0.5)")
    shell.fail(
        """
        %%ag run bad
        current_model_group().add_model("added", fit)
        %ag save fit
        raise ValueError("no \\0 good: postgresql://me:hidden@host/db?password=hidden")
        """
    )
    run = shell.run("%ag show bad")
    assert run.cell_run_status == "failed"
    assert run.cell_run_ended_at is not None
    assert run.cell_run_error.startswith("ValueError: no \\x00 good: postgresql://")
    assert "hidden" not in run.cell_run_error + run.cell_run_source
    assert list(run.cell_run_saved) == ["fit"]
    assert [node.label for node in shell.run("%ag ls bad")] == ["fit"]
    assert "failed" in repr(shell.run("%ag graph"))
    assert shell.run("current_model_group()") is None


def test_exception_without_a_text_marks_the_node(memory_shell: Shell) -> None:
    """An exception whose own text raises is kept by its type."""
    body = "class E(Exception):\n    def __str__(self):\n        raise KeyError('e')\nraise E"
    memory_shell.fail(f"%%ag run bad\n{body}")
    run = memory_shell.run("%ag show bad")
    assert (run.cell_run_status, run.cell_run_error) == ("failed", "E")


def test_cell_that_cannot_be_saved_fails(shell: Shell) -> None:
    """A model that cannot be stored is told at the end, and the node says that it failed."""
    shell.run("class Held(DataModel, version=1):\n    thing: object")
    cell = shell.fail("%%ag run bad\ncurrent_model_group().add_model('held', Held(object()))")
    assert "SerializationError" in cell.out
    assert "Traceback" not in cell.out
    run = shell.run("%ag show bad")
    assert run.cell_run_status == "failed"
    assert "Held.thing" in run.cell_run_error


def test_node_is_there_while_cell_runs(shell: Shell) -> None:
    """A kernel that dies leaves a run behind that says it is running."""
    status = shell.run("%%ag run now\n(await read_node(NodeFilter(label='now'))).cell_run_status")
    assert status == "running"


def test_own_kind_of_run(memory_shell: Shell) -> None:
    """A subclass of CellRun is taken by its name, its identity or a variable; others are told."""
    memory_shell.run(
        """
        from sqlalchemy.orm import Mapped

        class Training(CellRun):
            __mapper_args__ = {"polymorphic_identity": "training"}
            training_dataset: Mapped[str | None] = None

        class Run(Node):
            __mapper_args__ = {"polymorphic_identity": "run"}
            own_run_began: Mapped[int | None] = None
        """
    )
    for word in ("Training", "training", "$Training"):
        memory_shell.run(f"%%ag run {{word}} --node-type {word}\npass".replace("{word}", "mine"))
    assert [node.node_type for node in memory_shell.run("%ag ls")] == ["training"] * 3
    assert "class Run(CellRun)" in memory_shell.fail("%%ag run a --node-type Run\nx = 1").err
    assert (
        "takes a subclass of CellRun" in memory_shell.fail("%%ag run a --node-type Rum\nx = 1").err
    )


def test_cell_with_wrong_first_line_does_not_run(memory_shell: Shell) -> None:
    """A wrong option, parameter or label is told before the first line of the body runs."""
    for line in ("run a --pram x=1", "run a --param x", "run a b", "run a --param x=$nothing"):
        cell = memory_shell.fail(f"%%ag {line}\nran = True")
        assert cell.err.startswith("UsageError")
        memory_shell.run("some = {1}")
    cell = memory_shell.fail("%%ag run a --param x=$some\nran = True")
    assert "x is a set that JSON cannot hold" in cell.err
    assert "ran" not in memory_shell.ipython.user_ns
    memory_shell.run("node = await write_node(new_node())", "%%ag run a --to $node\npass")
    cell = memory_shell.fail("%%ag run a --to $node\nran = True")
    assert isinstance(cell.error, LabelExistsError)
    assert "Traceback" not in cell.out
    assert "ran" not in memory_shell.ipython.user_ns
    assert "usage: %%artigraph run" in repr(memory_shell.run("%%ag run --help\nran = True"))
    assert "ran" not in memory_shell.ipython.user_ns
    assert "%%artigraph run" in memory_shell.fail("%ag run a").err
    assert "%artigraph ls" in memory_shell.fail("%%ag ls\nran = True").err


def test_cell_shows_what_ipython_is_told_to_show(memory_shell: Shell) -> None:
    """With ``last_expr_or_assign`` a run shows what its last line assigns, as any cell does."""
    memory_shell.ipython.ast_node_interactivity = "last_expr_or_assign"
    assert memory_shell.run("%%ag run a\nx = 5") == 5
    assert memory_shell.run("%%ag run b\nx = y = 5") is None


def test_body_may_be_another_cell_magic(memory_shell: Shell) -> None:
    """%%time below the run, and the run below %%capture, both work."""
    memory_shell.run("%%ag run timed\n%%capture captured\nprint('inside')\n%ag log note=a")
    assert memory_shell.get("captured").stdout == "inside\n"
    memory_shell.run("%%capture captured\n%%ag run below\nprint('inside')\n%ag log note=a\n7")
    assert memory_shell.get("captured").stdout.startswith("inside\n")
    counts = {node.label: node.child_count for node in memory_shell.run("%ag ls")}
    assert counts == {"timed": 1, "below": 1}


def test_called_as_a_function_it_runs_what_does_not_await(memory_shell: Shell) -> None:
    """From a function the body runs in the group; one that fails raises, and is marked."""
    memory_shell.run(
        """
        def run(line, body):
            get_ipython().run_cell_magic("artigraph", line, body)

        run("run good", "%ag log note=a\\nseen = current_model_group().node.node_label")
        """
    )
    assert memory_shell.get("seen") == "good"
    cell = memory_shell.fail("run('run bad', 'x = 1\\n1 / 0')")
    assert isinstance(cell.error, ZeroDivisionError)
    assert (
        "awaits"
        in memory_shell.fail("import asyncio\nawait asyncio.sleep(0)\nrun('run b', 'await x')").err
    )
    states = [node.columns["tracked_run_status"] for node in memory_shell.run("%ag ls")]
    assert states == ["finished", "failed"]
    memory_shell.run("%autoawait off", "%%ag run off\n%ag log note=a", "%autoawait asyncio")
    assert len(memory_shell.run("%ag ls off")) == 1


INTERRUPT = """
import asyncio, signal, threading
interrupt = lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
"""


@pytest.mark.parametrize(
    ("waits", "raised"),
    [
        ("await asyncio.sleep(60)", asyncio.CancelledError),
        ("while True: pass", KeyboardInterrupt),
    ],
)
def test_interrupted_cell_of_a_terminal_ends(
    memory_shell: Shell, waits: str, raised: type[BaseException]
) -> None:
    """Ctrl-C stops a cell that awaits and one that computes; both say so on their node."""
    memory_shell.run(INTERRUPT)
    before = signal.getsignal(signal.SIGINT)
    cell = memory_shell.fail(f"%%ag run a\nthreading.Timer(0.2, interrupt).start()\n{waits}")
    assert isinstance(cell.error, raised)
    assert memory_shell.run("%ag show a").cell_run_status == "interrupted"
    assert memory_shell.run("current_model_group()") is None
    assert signal.getsignal(signal.SIGINT) is before


def test_interrupted_line_of_a_terminal_ends(memory_shell: Shell, tmp_path: Path) -> None:
    """Ctrl-C amid a line that waits for the database rolls it back; the next one works."""
    memory_shell.ipython.user_ns["file"] = str(tmp_path / "test.db")
    memory_shell.run(
        INTERRUPT,
        "_ = %ag connect sqlite+aiosqlite:///{file} --create-tables",
        """
        import sqlite3
        other = sqlite3.connect(file, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(1, other.rollback)
        """,
    )
    cell = memory_shell.fail(
        "release.start(); threading.Timer(0.3, interrupt).start()\n%ag log a=1"
    )
    assert isinstance(cell.error, asyncio.CancelledError)
    memory_shell.run("release.join(); other.close()", "%ag log b=2")
    (left,) = memory_shell.run("%ag find Log")
    assert dict(left.value) == {"b": 2}


def test_a_run_ends_in_the_database_that_it_began_in(shell: Shell, tmp_path: Path) -> None:
    """A cell that sets another database changes no row there; what it saves then is saved there."""
    other = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    shell.run(
        "class Fit(DataModel, version=1):\n    loss: float",
        f"""
        with engine_context("{other}", create_tables=True):
            await write_nodes([new_node(node_label=f"theirs {{n}}") for n in range(2)])
        """,
        f"""
        %%artigraph run mine
        current_model_group().add_model("fit", Fit(0.1))
        %artigraph connect {other}
        there = Fit(0.2)
        %artigraph save there
        """,
    )
    nodes = shell.run("await read_nodes(NodeFilter())")
    assert [node.node_label for node in nodes] == ["theirs 0", "theirs 1", "there"]
    assert {node.node_parent_id for node in nodes} == {None}
    run = shell.run("%artigraph connect $url", "mine = %artigraph show mine\nmine")
    assert isinstance(run, CellRun)
    assert run.cell_run_status == "finished"
    assert set(run.cell_run_saved or ()) == {"fit"}
    shell.run(f"%artigraph connect {other}")
    assert isinstance(shell.fail("%artigraph show $mine").error, OtherStoreError)
