"""artigraph in a real kernel: cells that run again, change, fail, and are interrupted.

Each test runs cells as JupyterLab does. They share one kernel, whose names
and classes outlive a test just as they do in a notebook of many cells; each
sets a database of its own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from textwrap import dedent

import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

pytestmark = pytest.mark.asyncio(loop_scope="module")


class CellError(Exception):
    """A cell raised: the error's name and message."""


class Kernel:
    """A running kernel, to run cells in.

    Args:
        client: What talks to it.
        manager: What stops it.
    """

    def __init__(self, client: NotebookClient, manager: AsyncKernelManager) -> None:
        self._client, self._manager = client, manager

    async def run(self, *cells: str) -> str:
        """Run cells one after the other; return what the last one printed and showed.

        Raises:
            CellError: One raised; those after it do not run.
        """
        shown = ""
        for source in cells:
            cell = new_code_cell(dedent(source))  # type: ignore[no-untyped-call]  # nbformat has none
            self._client.nb.cells.append(cell)
            await self._client.async_execute_cell(cell, len(self._client.nb.cells) - 1)
            shown = ""
            for output in cell.outputs:
                if output.output_type == "error":
                    raise CellError(f"{output.ename}: {output.evalue}")
                assert output.get("name") != "stderr", output.text
                shown += output.get("text") or output.data["text/plain"]
        return shown.strip()

    async def interrupt_when(self, started: Path) -> None:
        """Press the stop button, once a running cell has made a file, and then make another."""
        await asyncio.to_thread(wait_for, started)
        await self._manager.interrupt_kernel()
        started.with_name("interrupted").touch()

    async def end(self, how: str) -> None:
        """End its process by the menu's *Shut Down* or *Restart*, or by killing it."""
        if how == "restart":
            await self._manager.restart_kernel()
            assert isinstance(self._client.kc, AsyncKernelClient)
            await self._client.kc.wait_for_ready()
        else:
            await self._manager.shutdown_kernel(now=how == "kill")


def wait_for(file: Path) -> None:
    until = time.monotonic() + 300
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.02)


@asynccontextmanager
async def new_kernel(folder: Path) -> AsyncIterator[Kernel]:
    """A kernel of its own, working in a folder; it must leave nothing on stderr."""
    log = folder / "stderr.txt"
    manager = AsyncKernelManager(kernel_name="python3")
    client = NotebookClient(
        new_notebook(),  # type: ignore[no-untyped-call]  # as above
        km=manager,
        timeout=300,
        allow_errors=True,
        # Below that it says that its connection is not encrypted.
        extra_arguments=["--log-level=ERROR"],
    )
    with log.open("w") as stderr:
        setup = client.async_setup_kernel(
            cleanup_kc=True,
            cwd=str(folder),
            env={**os.environ, "PYTHONWARNINGS": "default"},
            stderr=stderr,
        )
        async with setup:
            yield Kernel(client, manager)
    assert log.read_text() == ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kernel]:
    """The kernel that the tests of this module share."""
    async with new_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        await kernel.run(
            """
            import asyncio
            from pathlib import Path
            from artigraph import *
            """
        )
        yield kernel


def use_file(folder: Path) -> str:
    return f'set_engine("sqlite+aiosqlite:///{folder / "test.db"}", create_tables=True);'


USE_MEMORY = 'set_engine("sqlite+aiosqlite:///:memory:", create_tables=True);'


async def test_extension_loads_unloads_and_reloads(kernel: Kernel) -> None:
    """``%load_ext`` is silent and adds no name; it can be undone and done again."""
    await kernel.run("names = {*dir(), 'names'}")
    assert await kernel.run("%load_ext artigraph") == ""
    assert "already loaded" in await kernel.run("%load_ext artigraph")
    assert await kernel.run("%reload_ext artigraph") == ""
    assert await kernel.run("%unload_ext artigraph") == ""
    assert await kernel.run("%load_ext artigraph") == ""
    added = "[n for n in dir() if n not in names and not n.startswith('_')]"
    assert await kernel.run(added) == "[]"


async def test_engine_of_awaiting_cell_is_there_in_next(kernel: Kernel, tmp_path: Path) -> None:
    """A cell that awaits before and after setting the engine sets it for all later cells."""
    shown = await kernel.run(
        f"await asyncio.sleep(0)\n{use_file(tmp_path)}\nawait asyncio.sleep(0)",
        "node = await write_node(new_node(node_label='a'))",
        "(await get_engine()).url.database",
    )
    assert shown == repr(str(tmp_path / "test.db"))
    assert await kernel.run("(await read_node(NodeFilter(label='a'))).node_id") == "1"


async def test_memory_is_one_database_for_all_cells(kernel: Kernel) -> None:
    """What one cell writes to ``:memory:``, the next reads, and so does another thread's loop."""
    shown = await kernel.run(
        USE_MEMORY,
        "node = await write_node(new_node(node_label='a'))",
        "len(await read_nodes(NodeFilter()))",
    )
    assert shown == "1"
    in_thread = "await asyncio.to_thread(lambda: asyncio.run(nodes_exist(NodeFilter(label='a'))))"
    assert await kernel.run(in_thread) == "True"
    assert await kernel.run(USE_MEMORY, "await read_nodes(NodeFilter())") == "[]"


async def test_model_cell_runs_again(kernel: Kernel) -> None:
    """A cell that defines a model runs again unchanged, and what was written is still read."""
    define = """
        class Fit(DataModel, version=1):
            loss: float
        """
    await kernel.run(USE_MEMORY, define, "old = await write_model(label='a', model=Fit(0.5))")
    await kernel.run(define)
    found = "found = (await read_model(ModelFilter(model_type=Fit))).value"
    assert await kernel.run(found, "found, type(found) is Fit") == "(Fit(loss=0.5), True)"


async def test_changed_model_cell_reads_old_rows(kernel: Kernel) -> None:
    """A field added with a default is filled in; one added without is explained."""
    await kernel.run(
        USE_MEMORY,
        """
        class Changing(DataModel, version=1):
            loss: float
        """,
        "old = await write_model(label='a', model=Changing(0.5))",
        """
        class Changing(DataModel, version=1):
            loss: float
            tags: frozenset[str] = frozenset({"new"})
        """,
        "new = await write_model(label='b', model=Changing(0.1, frozenset('xy')))",
    )
    shown = await kernel.run(
        "values = [m.value for m in await read_models(ModelFilter(model_type=Changing))]",
        "values == [Changing(0.5), Changing(0.1, frozenset('xy'))]",
    )
    assert shown == "True"
    with pytest.raises(CellError, match=r"ModelVersionError: .*lacks 'seed'.*model_migrate"):
        await kernel.run(
            """
            class Changing(DataModel, version=1):
                seed: int
                loss: float
            """,
            "await read_models(ModelFilter(model_type=Changing, label='a'), strict=True)",
        )


async def test_new_version_of_model_migrates_old_rows(kernel: Kernel) -> None:
    """A cell changed to a new version reads what the old one wrote."""
    shown = await kernel.run(
        USE_MEMORY,
        """
        class Moving(DataModel, version=1):
            some_value: int
        """,
        "old = await write_model(label='a', model=Moving(42))",
        """
        class Moving(DataModel, version=2):
            renamed_value: int

            @classmethod
            def model_migrate(cls, version, data):
                assert version == 1
                return cls(renamed_value=data["some_value"])
        """,
        "(await read_model(ModelFilter(model_type=Moving))).value",
    )
    assert shown == "Moving  [v2]\n  renamed_value  int  42"


async def test_node_cell_runs_again_and_changes(kernel: Kernel, tmp_path: Path) -> None:
    """A node class takes an older database, runs again, and gains and changes columns."""
    shown = await kernel.run(
        use_file(tmp_path),
        "before = await write_node(new_node(node_label='before the class'))",
        """
        from sqlalchemy.orm import Mapped

        class Trial(Node):
            __mapper_args__ = {"polymorphic_identity": "trial"}
            trial_seed: Mapped[int]
        """,
        "first = await write_node(new_node(Trial, trial_seed=1))",
        """
        class Trial(Node):
            __mapper_args__ = {"polymorphic_identity": "trial"}
            trial_seed: Mapped[int]
        """,
        """
        class Trial(Node):
            __mapper_args__ = {"polymorphic_identity": "trial"}
            trial_seed: Mapped[float]
            trial_note: Mapped[str] = "none"
        """,
        "second = await write_node(new_node(Trial, trial_seed=2.5))",
        """
        trials = await read_nodes(NodeTypeFilter(type=Trial))
        [(type(t) is Trial, float(t.trial_seed), t.trial_note) for t in trials]
        """,
    )
    assert shown == "[(True, 1.0, None), (True, 2.5, 'none')]"
    assert await kernel.run("[n.node_label for n in await read_nodes(NodeFilter())]") == (
        "['before the class', None, None]"
    )


async def test_two_loops_in_two_threads_at_once(kernel: Kernel, tmp_path: Path) -> None:
    """Two threads with a loop each write at once, beside the kernel's own loop; nothing is lost."""
    shown = await kernel.run(
        use_file(tmp_path),
        """
        class Count(DataModel, version=1):
            n: int

        async def count(name):
            for n in range(50):
                await write_model(label=f"{name} {n}", model=Count(n))
        """,
        """
        threads = [asyncio.to_thread(lambda name=name: asyncio.run(count(name))) for name in "ab"]
        done = await asyncio.gather(*threads, count("c"))
        """,
        """
        models = await read_models(ModelFilter(model_type=Count))
        sorted(m.value.n for m in models) == sorted([*range(50)] * 3)
        """,
    )
    assert shown == "True"


async def test_failing_cell_in_group_leaves_no_model(kernel: Kernel) -> None:
    """The group's models are dropped, the error goes on, and no later cell is inside the group."""
    await kernel.run(
        USE_MEMORY,
        """
        class Result(DataModel, version=1):
            loss: float
        """,
    )
    with pytest.raises(CellError, match="ZeroDivisionError: division by zero"):
        await kernel.run(
            """
            async with ModelGroup(new_node(node_label="failing")) as group:
                group.add_model("result", Result(0.5))
                1 / 0
            """
        )
    assert await kernel.run("current_model_group(), await read_nodes(NodeFilter())") == "(None, [])"
    shown = await kernel.run(
        """
        async with ModelGroup(new_node(node_label="working")) as group:
            group.add_model("result", Result(0.1))
        """,
        "await ModelGroup(group.node.node_id).read_models(), group.node.node_parent_id",
    )
    assert shown == "({'result': Result(loss=0.1)}, None)"


INTERRUPTED = {
    # ipykernel cancels a cell that awaits when its loop wakes up next: not amid a
    # long sleep, and not amid a long computation but at the next await after it.
    "awaiting": """
        async with new_session(), ModelGroup(new_node(node_label="group")):
            node = await write_node(new_node(node_label="lost"))
            started.touch()
            while True:
                await asyncio.sleep(0.01)
        """,
    "computing": """
        async with ModelGroup(new_node(node_label="group")):
            started.touch()
            while not started.with_name("interrupted").exists():
                time.sleep(0.01)
        """,
    "writing": """
        while True:
            async with new_session():
                nodes = await write_nodes([new_node(node_label="lost") for _ in range(500)])
                started.touch()
                await delete_nodes(NodeFilter(), everything=True)
        """,
}
"""Cells by what they are at when the stop button is pressed."""


@pytest.mark.parametrize("address", ["file", "memory"])
@pytest.mark.parametrize("cell", INTERRUPTED)
async def test_interrupted_cell_leaves_store_usable(
    kernel: Kernel, tmp_path: Path, address: str, cell: str
) -> None:
    """The stop button, pressed amid a transaction, rolls it back and frees the database."""
    started = tmp_path / "started"
    await kernel.run(
        use_file(tmp_path) if address == "file" else USE_MEMORY,
        f"import time; started = Path({str(started)!r})",
    )
    interrupting = asyncio.create_task(kernel.interrupt_when(started))
    with pytest.raises(CellError, match=r"KeyboardInterrupt|CancelledError"):
        await kernel.run(INTERRUPTED[cell])
    await interrupting
    # Another thread, since a lock left behind would not keep its own connection out.
    shown = await kernel.run(
        "left = await delete_nodes(NodeFilter(label=['lost', 'group']))",
        """
        write = lambda: asyncio.run(write_node(new_node(node_label="whole")))
        node = await asyncio.wait_for(asyncio.to_thread(write), 10)
        """,
        "left, [n.node_label for n in await read_nodes(NodeFilter())], current_model_group()",
    )
    assert shown == "(0, ['whole'], None)"


async def test_restarted_kernel_reads_everything(kernel: Kernel, tmp_path: Path) -> None:
    """A new kernel with the definitions reads nodes, models and frames; without, it lists them."""
    define = f"""
        from datetime import datetime, timezone
        from typing import Annotated
        import numpy as np, pandas as pd
        from sqlalchemy.orm import Mapped
        from artigraph import *
        from artigraph.serializer.pandas import dataframe_serializer
        from artigraph.storage.file import FileSystemStorage

        files = FileSystemStorage({str(tmp_path / "files")!r}, name="kept-files")

        class Session(Node):
            __mapper_args__ = {{"polymorphic_identity": "session"}}
            session_started_at: Mapped[datetime]

        class Kept(DataModel, version=1):
            when: datetime
            weights: np.ndarray
            frame: Annotated[pd.DataFrame, dataframe_serializer, files]

        moment = datetime(2026, 1, 2, tzinfo=timezone.utc)
        kept = Kept(moment, np.arange(6.0).reshape(2, 3), pd.DataFrame({{"x": [1, 2]}}))
        """
    await kernel.run(
        use_file(tmp_path),
        define,
        """
        async with ModelGroup(new_node(Session, session_started_at=moment)) as group:
            group.add_model("kept", kept)
        """,
    )
    (tmp_path / "fresh").mkdir()
    async with new_kernel(tmp_path / "fresh") as fresh:
        listing = await fresh.run(
            "from artigraph import *",
            use_file(tmp_path),
            "[type(n).__name__ for n in await read_nodes(NodeFilter())]",
        )
        assert listing == "['Node', 'ModelArtifact', 'RemoteArtifact', 'DatabaseArtifact']" or (
            listing == "['Node', 'ModelArtifact', 'DatabaseArtifact', 'RemoteArtifact']"
        )
        shown = await fresh.run(
            define,
            """
            session = await read_node(NodeTypeFilter(type=Session))
            found = await read_model(ModelFilter(model_type=Kept))
            """,
            "found.value == kept, session.session_started_at == moment",
        )
        assert shown == "(True, True)"


def nodes_in_copy(folder: Path) -> int:
    """How many nodes the file alone has; -1 if it has not even their table."""
    shutil.copyfile(folder / "test.db", folder / "copy.db")
    with closing(sqlite3.connect(folder / "copy.db")) as connection:
        try:
            (found,) = connection.execute("SELECT count(*) FROM artigraph_node").fetchone()
        except sqlite3.OperationalError:
            found = -1
    return int(found)


NOT_WHEN_IDLE = """
    from artigraph import *
    from artigraph.dialect.sqlite import checkpoint
    checkpoint.QUIET = 3600
    """
"""What is whole thereafter is so because something ended."""

WRITE = "node = await write_node(new_node(node_label='a'))"


@pytest.mark.parametrize("how", ["shutdown", "restart", "kill"])
async def test_kernel_that_ends_leaves_a_whole_file(
    kernel: Kernel, tmp_path: Path, how: str
) -> None:
    """A kernel shut down or restarted leaves one file with all rows; after a kill, the next does.

    The kernel has used the file from its own loop, and from a magic in a block.
    """
    (tmp_path / "ending").mkdir()
    async with new_kernel(tmp_path / "ending") as ending:
        await ending.run(
            NOT_WHEN_IDLE,
            use_file(tmp_path),
            WRITE,
            "%load_ext artigraph",
            "_ = get_ipython().run_line_magic('artigraph', 'tree')",
        )
        assert nodes_in_copy(tmp_path) == -1
        await ending.end(how)
        if how == "kill":
            assert nodes_in_copy(tmp_path) == -1
            await kernel.run(use_file(tmp_path), "await count_nodes(NodeFilter())")
            await asyncio.to_thread(wait_until_empty, tmp_path / "test.db-wal")
        assert nodes_in_copy(tmp_path) == 1


def wait_until_empty(file: Path) -> None:
    until = time.monotonic() + 300
    while file.stat().st_size and time.monotonic() < until:
        time.sleep(0.02)


async def test_file_of_an_idle_kernel_is_whole(kernel: Kernel, tmp_path: Path) -> None:
    """A moment after a cell has written, and at once after ``%unload_ext``."""
    await kernel.run("%load_ext artigraph", use_file(tmp_path), WRITE)
    await asyncio.to_thread(wait_until_empty, tmp_path / "test.db-wal")
    assert nodes_in_copy(tmp_path) == 1
    await kernel.run(WRITE.replace("'a'", "'b'"), "%unload_ext artigraph")
    assert nodes_in_copy(tmp_path) == 2


async def test_ipython_that_ends_leaves_a_whole_file(tmp_path: Path) -> None:
    """So does IPython in a terminal, left with ``exit``."""
    cells = [*map(str.strip, NOT_WHEN_IDLE.strip().splitlines()), use_file(tmp_path), WRITE, "exit"]
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"],
        input="\n".join([*cells, ""]),
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    assert nodes_in_copy(tmp_path) == 1


async def test_a_notebook_that_only_reads(kernel: Kernel, tmp_path: Path) -> None:
    """A cell sets it, later cells read, and whatever writes says what to type, which works."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'read.db'}"
    await kernel.run(
        "import artigraph as ag; ag.load_ipython_extension(get_ipython())",
        f"ag.set_engine({url!r}, create_tables=True);",
        "await ag.write_node(ag.new_node(node_label='wine'));",
        f"%artigraph connect {url} --read-only",
    )
    assert "wine" in await kernel.run("%artigraph tree")
    assert "read only" in await kernel.run("%artigraph status")
    with pytest.raises(CellError, match=r"it was set with read_only=True\. Nothing was written"):
        await kernel.run("await ag.write_node(ag.new_node())")
    with pytest.raises(CellError, match="was set with read_only=True"):
        await kernel.run("%%artigraph run lost\npass")
    with pytest.raises(CellError, match="give one of the two"):
        await kernel.run(f"%artigraph connect {url} --read-only --create-tables")
    await kernel.run(f"ag.set_engine({url!r})", "await ag.write_node(ag.new_node());")
    assert await kernel.run("await ag.count_nodes(ag.NodeFilter())") == "2"
