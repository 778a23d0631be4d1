"""What cells show with the extension loaded, whatever they call: errors, and a forgotten await."""

from __future__ import annotations

import pytest

from artigraph.errors import ArtigraphError
from tests.notebook.shell import Shell

FAILING = """
async def mine(label):
    found = await read_node(NodeFilter(label=label))
    return found

await mine("nothing")
"""


def test_an_error_ends_with_ones_own_line(shell: Shell) -> None:
    """No line of artigraph's or of a driver's is shown; the whole traceback is one word away."""
    cell = shell.fail(FAILING)
    assert 'await mine("nothing")' in cell.out
    assert "found = await read_node" in cell.out
    assert "NodeNotFoundError: " in cell.out
    assert "existing.py" not in cell.out
    assert len(cell.out.splitlines()) < 30
    assert "%tb shows the whole traceback" in cell.out.splitlines()[-1]
    whole = shell.try_("%tb").out
    assert "existing.py" in whole
    assert 'await mine("nothing")' in whole


def test_what_an_error_was_raised_from_is_not_drawn(shell: Shell) -> None:
    """The driver's error is in the whole traceback alone, and still the cause of ours."""
    shell.run("a = await write_node(new_node(node_label='a'))")
    cell = shell.fail("b = await write_node(new_node(node_label='a', node_parent_id=10**9))")
    assert "direct cause" not in cell.out
    assert "site-packages" not in cell.out
    assert "10**9" in cell.out
    assert isinstance(cell.error, ArtigraphError)
    caught = "try:\n    await read_node(NodeFilter(label='b'))\nexcept Exception as e:\n    x = e"
    shell.run(caught)
    assert shell.get("x").__traceback__.tb_next is not None


def test_one_of_ones_own_below_the_library_is_shown(memory_shell: Shell) -> None:
    """A function of the notebook's that artigraph calls is part of what one wrote."""
    memory_shell.run(
        """
        class Picky(DataModel, version=1):
            a: int
            def __post_init__(self):
                if self.a == 2:
                    raise FilterError("no two")
        from artigraph.errors import FilterError
        """
    )
    out = memory_shell.fail("Picky(2)").out
    assert "Picky(2)" in out
    assert 'raise FilterError("no two")' in out
    assert "%tb shows" not in out  # nothing below it was left out


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
def test_in_every_mode_of_ipython(memory_shell: Shell, mode: str) -> None:
    """Whatever lines one has IPython draw, those of libraries are not among them."""
    memory_shell.try_(f"%xmode {mode}")
    out = memory_shell.fail("await read_node(NodeFilter(label='b'))").out
    assert "NodeNotFoundError" in out
    assert "existing.py" not in out
    memory_shell.try_("%xmode Context")


def test_unloaded_it_draws_all(memory_shell: Shell) -> None:
    """Without the extension IPython draws errors as it draws others."""
    memory_shell.run("%unload_ext artigraph")
    assert "existing.py" in memory_shell.fail("await read_node(NodeFilter(label='b'))").out
    memory_shell.run("%load_ext artigraph")
    assert "existing.py" not in memory_shell.fail("await read_node(NodeFilter(label='b'))").out


def test_a_failing_run_shows_its_own_lines(memory_shell: Shell) -> None:
    """The first line stands there as it was typed, and errors of any kind end in the cell."""
    for body, error in (
        ("1 / 0", "ZeroDivision"),
        ("await read_node(NodeFilter(label='b'))", "NotFound"),
    ):
        out = memory_shell.fail(f"%%artigraph run bad --param a=1\n{body}").out
        assert "%%artigraph run bad --param a=1" in out
        assert body in out
        assert error in out
        assert "find_cell_magic" not in out
        assert "existing.py" not in out


LAST = "await [*Out.values()][-1]"


def test_a_forgotten_await_is_told(memory_shell: Shell) -> None:
    """A cell that ends with a coroutine says what to put before it, and it can still be awaited."""
    cell = memory_shell.try_("read_nodes(NodeFilter())")
    assert "a coroutine of read_nodes(…), which has not run: put await before it" in cell.out
    assert memory_shell.run(LAST) == []
    assert "of count_nodes(…)" in memory_shell.try_("count_nodes(NodeFilter())").out
    memory_shell.run(LAST)
    cell = memory_shell.try_("async def own():\n    return 7\nown()")
    assert "of own(…)" in cell.out
    assert memory_shell.run(LAST) == 7
    cell = memory_shell.try_("iter_nodes(NodeFilter())")
    assert "of iter_nodes(…): use it in async for" in cell.out
    memory_shell.run("[one async for one in [*Out.values()][-1]]")
    memory_shell.run("%unload_ext artigraph")
    assert "<coroutine object own" in memory_shell.try_("own()").out
    memory_shell.run(LAST)
    memory_shell.run("%load_ext artigraph")
