"""Adding a sub-command of the magic takes one decorated function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from IPython.core.completer import provisionalcompleter

from artigraph.errors import NameTakenError
from artigraph.notebook.magic.parser import COMMANDS, Call, argument, command
from tests.notebook.shell import Shell


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget what a test declared."""
    yield
    for name in ("shout", "around"):
        COMMANDS.pop(name, None)


async def shout(call: Call) -> str:
    """Say a word loudly.

    As often as it is wanted.
    """
    word = str(call.args.word.text)
    return word.upper() * int(call.args.times)


SHOUT = (argument("word", complete="variable"), argument("--times", type=int, default=1))


def offered(shell: Shell, text: str) -> set[str]:
    """What the Tab key offers behind a text."""
    with provisionalcompleter():
        found = list(shell.ipython.Completer.completions(text, len(text)))
    return {text[: one.start] + one.text for one in found}


def test_a_sub_command_is_run_helped_and_completed(memory_shell: Shell) -> None:
    """One that is declared while the magic is loaded works like those that stand."""
    command("shout", *SHOUT)(shout)
    assert memory_shell.run("%artigraph shout ah --times 2") == "AHAH"
    assert memory_shell.run("x = %ag shout oh", "x") == "OH"
    overview = repr(memory_shell.run("%artigraph --help")).split("\n\n")[1].split("\n")
    assert overview[-1].split() == ["%artigraph", "shout", "Say", "a", "word", "loudly."]
    assert "As often as it is wanted" in repr(memory_shell.run("%artigraph shout --help"))
    assert "%artigraph shout" in offered(memory_shell, "%artigraph sh")
    assert "%artigraph shout --times" in offered(memory_shell, "%artigraph shout --t")
    assert "%artigraph shout x" in offered(memory_shell, "%artigraph shout ")
    assert "no option '--tmes'" in str(memory_shell.fail("%artigraph shout a --tmes 2").error)
    # Loading anew keeps it.
    memory_shell.run("%reload_ext artigraph")
    assert memory_shell.run("%artigraph shout eh") == "EH"


def test_a_sub_command_heads_a_cell(memory_shell: Shell) -> None:
    """One that heads cells puts their other lines into its block, which may await."""
    seen: list[str] = []

    @asynccontextmanager
    async def block(call: Call) -> AsyncIterator[None]:
        seen.append(f"begin {call.args.word.text}")
        yield
        seen.append("end")

    def around(call: Call) -> AbstractAsyncContextManager[None]:
        """Run the cell between two words."""
        return block(call)

    command("around", argument("word"), heads_cell=True)(around)
    memory_shell.ipython.user_ns["seen"] = seen
    cell = "%%artigraph around one\nimport asyncio\nawait asyncio.sleep(0)\nseen.append('body')"
    memory_shell.run(cell)
    assert seen == ["begin one", "body", "end"]
    assert "%%artigraph around" in offered(memory_shell, "%%artigraph a")
    assert "heads a cell" in str(memory_shell.fail("%artigraph around one").error)


def test_twice_or_half_is_refused() -> None:
    """Another function of a known name, and one without its half, are refused by name."""
    command("shout", *SHOUT)(shout)
    command("shout", *SHOUT)(shout)  # its cell ran again

    async def other(call: Call) -> None:
        """Say nothing."""

    with pytest.raises(NameTakenError, match=r"'shout' is .*test_command\.shout; give .*other"):
        command("shout")(other)

    async def unsaid(call: Call) -> None: ...

    with pytest.raises(TypeError, match=r"'unsaid' wants an async function with a docstring"):
        command("unsaid")(unsaid)
    with pytest.raises(TypeError, match=r"'shout2' wants a plain function"):
        command("shout2", heads_cell=True)(shout)
    assert "shout2" not in COMMANDS
