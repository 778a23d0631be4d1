"""The magic in a real kernel, as JupyterLab and nbclient run it; interrupted as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.notebook.test_kernel import CellError, Kernel, new_kernel

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kernel]:
    """The kernel that the tests of this module share."""
    async with new_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        await kernel.run(
            """
            %load_ext artigraph
            import asyncio, time
            from pathlib import Path
            from artigraph import *
            """
        )
        yield kernel


@pytest_asyncio.fixture(loop_scope="module")
async def folder(kernel: Kernel, tmp_path: Path) -> Path:
    """An empty database in a folder of its own."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    await kernel.run(f"%ag connect {url} --create-tables;")
    return tmp_path


async def test_question_is_saved_and_asked_in_a_kernel(kernel: Kernel, folder: Path) -> None:
    """What was asked is saved and shown, and its name asks it again in the next cell."""
    await kernel.run("%ag log loss=0.5\n%ag log loss=0.1")
    saved = await kernel.run("x = %ag find Log loss<0.3 --save low\nlen(x)")
    assert saved.startswith("SavedQuery '@low'")
    assert saved.endswith("1")
    assert await kernel.run("x = %ag find @low\nx[0].value['loss']") == "0.1"
    assert "with loss < 0.3" in await kernel.run("(await read_query('low'))")
    with pytest.raises(CellError, match="Did you mean 'low'"):
        await kernel.run("%ag find @lo")


async def test_lines_and_runs_in_a_kernel(kernel: Kernel, folder: Path) -> None:
    """What is run is kept and shown, awaited or not, and the cell's number is the kernel's."""
    shown = await kernel.run(
        """
        %%artigraph run first --param lr=0.1
        await asyncio.sleep(0)
        for step in range(2):
            %ag log step loss=0.5
            %ag log step note=done
        step + 41
        """
    )
    assert shown == "42"
    assert await kernel.run("x = %ag ls first\nlen(x)") == "2"
    assert "finished" in await kernel.run("%ag tree")
    assert await kernel.run("def f():\n    x = %ag find Log step=1\n    return x\nlen(f())") == "1"
    same = "run = %ag show first\nrun.cell_run_count, len(run.cell_run_source.strip().splitlines())"
    count, lines = (await kernel.run(same)).strip("()").split(", ")
    assert int(count) > 1
    assert lines == "6"
    curve = "one, = await list_series(run)\none.name, one.points, one.last_step, one.last"
    assert await kernel.run(curve) == "('loss', 2, 1, 0.5)"


async def test_errors_end_the_cell_with_one_message(kernel: Kernel, folder: Path) -> None:
    """A notebook stops there, and what it saves of the error is its message alone."""
    with pytest.raises(CellError, match=r"NodeNotFoundError: No node is called 'nothing'"):
        await kernel.run("%ag show nothing")
    outputs = kernel._client.nb.cells[-1].outputs
    assert [len(output.traceback) for output in outputs] == [1]
    with pytest.raises(AssertionError, match="Nobody can be asked"):  # on stderr
        await kernel.run("%ag log a=1;", "x = %ag ls", "%ag rm --final {x[0]}")


async def test_failing_run_shows_its_traceback_once(kernel: Kernel, folder: Path) -> None:
    """One error output, whose frames are those of the cell, and a node that says failed."""
    with pytest.raises(CellError, match="ZeroDivisionError"):
        await kernel.run("%%ag run bad\nx = 1\nx / 0")
    (output,) = kernel._client.nb.cells[-1].outputs
    text = "\n".join(output.traceback)
    assert "artigraph/notebook" not in text
    assert "line 3" in text
    assert await kernel.run("(await read_node(NodeFilter(label='bad'))).cell_run_status") == (
        "'failed'"
    )


INTERRUPTED = {
    "awaiting": "while True:\n    await asyncio.sleep(0.01)",
    # Nothing else comes to pass that would wake the loop.
    "waiting": "await asyncio.Event().wait()",
    "computing": "while True:\n    time.sleep(0.01)",
}


@pytest.mark.parametrize("cell", INTERRUPTED)
async def test_interrupted_run_says_so(kernel: Kernel, folder: Path, cell: str) -> None:
    """The stop button leaves a run that was interrupted, and no group open."""
    started = folder / "started"
    await kernel.run(f"started = Path({str(started)!r})")
    interrupting = asyncio.create_task(kernel.interrupt_when(started))
    with pytest.raises(CellError, match=r"KeyboardInterrupt|CancelledError"):
        await kernel.run(
            f"%%ag run stopped\n%ag log note=a\n%ag log a=1\nstarted.touch()\n{INTERRUPTED[cell]}"
        )
    await interrupting
    run = "run = %ag show stopped\nrun.cell_run_status, len(run.cell_run_saved)"
    assert await kernel.run(run) == "('interrupted', 1)"
    assert await kernel.run("one, = await list_series(run)\none.last") == "1.0"
    assert await kernel.run("current_model_group()", "%ag log b=2;", "x = %ag ls\nlen(x)") == "2"


@pytest.mark.parametrize(
    "line", ["%ag log a=1", "def f():\n    %ag log a=1\nf()"], ids=["awaited", "portal"]
)
async def test_interrupted_line_leaves_store_usable(
    kernel: Kernel, folder: Path, line: str
) -> None:
    """A line that waits for the database can be stopped; it writes nothing, and the next works."""
    started = folder / "started"
    await kernel.run(
        f"""
        import sqlite3, threading
        other = sqlite3.connect({str(folder / "test.db")!r}, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        # Were nobody to stop the line, it would write once the other one ends.
        release = threading.Timer(2, other.rollback)
        started = Path({str(started)!r})
        """
    )
    interrupting = asyncio.create_task(kernel.interrupt_when(started))
    with pytest.raises(CellError, match=r"KeyboardInterrupt|CancelledError"):
        await kernel.run(f"release.start(); threading.Timer(0.5, started.touch).start()\n{line}")
    await interrupting
    assert await kernel.run("release.join(); other.close()", "x = %ag ls\nlen(x)") == "0"
    assert await kernel.run("%ag log b=2;", "x = %ag ls\nlen(x)") == "1"


async def test_graph_is_a_widget_where_those_are_shown(kernel: Kernel, folder: Path) -> None:
    """In a kernel the graph is the explorer; the picture is still to be had."""
    await kernel.run("%ag log a=1;")
    for source in ("g = %ag graph", "def f():\n    g = %ag graph\n    return g\ng = f()"):
        assert await kernel.run(f"{source}\ntype(g).__name__") == "'Explorer'"
    assert await kernel.run("g = %ag graph --picture\ntype(g).__name__") == "'Picture'"


async def test_unload_and_reload_in_a_kernel(kernel: Kernel, folder: Path) -> None:
    """Unloading takes the magic away; loading again finds the same database."""
    await kernel.run("%ag log a=1;", "%unload_ext artigraph")
    with pytest.raises(AssertionError, match="not found"):  # on stderr
        await kernel.run("%ag ls")
    assert await kernel.run("%load_ext artigraph", "x = %ag ls\nlen(x)") == "1"


async def test_tags_in_a_kernel(kernel: Kernel, folder: Path) -> None:
    """Set on a line, found by one, and shown as chips by what a cell ends with."""
    await kernel.run(
        """
        class KernelTagged(DataModel, version=1):
            loss: float
        tagged = await write_model(label="fit", model=KernelTagged(0.5))
        """
    )
    await kernel.run("%artigraph tag fit best stage=prod")
    shown = await kernel.run("(await read_model(TagFilter(name='best')))")
    assert "#stage=prod" in str(shown)
    assert "#best" in str(await kernel.run("%artigraph show fit"))
    assert "1" in str(await kernel.run("len(get_ipython().run_line_magic('ag', 'find #best'))"))
