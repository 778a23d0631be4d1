"""Older artigraphs at a store of today's: one that knows no versions, and the one before this."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from artigraph import (
    CellRun,
    DataModel,
    ModelFilter,
    NodeFilter,
    count_nodes,
    delete_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    read_models,
    read_node,
    read_nodes,
    write_model,
    write_node,
)
from artigraph.db.step import needed_version
from artigraph.orm.node import node_table
from tests.conftest import own_database

COMMITS = {1: "f03c29cc112a853d8166d8e8d473fbd67e716e83", 2: "6c058ee"}
"""The last commits with each schema; the first one knew no versions."""


@pytest.fixture(scope="session")
def old_libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Folders with the package as it was, by its schema."""
    folders = {}
    for schema, commit in COMMITS.items():
        packed = subprocess.run(
            ["git", "archive", "--format=tar", commit, "artigraph"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=False,
        )
        if packed.returncode:
            pytest.skip("this copy of the repository has no history")
        folders[schema] = tmp_path_factory.mktemp(f"old-library-{schema}")
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(folders[schema], filter="data")
    return folders


@pytest.fixture
def own_url(database: str, tmp_path: Path) -> Iterator[str]:
    """A store of its own: what an old library adds to its tables is none of others' tests."""
    if database == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
        return
    with own_database(database, "artigraph_shared") as url:
        yield url


def run_old(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script with an old library."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


class OldLibraryFit(DataModel, version=1):
    """A model that both write."""

    loss: float
    words: list[str]


SCRIPT = """
import asyncio, sys
from artigraph import *

class OldLibraryFit(DataModel, version=1):
    loss: float
    words: list[str]

async def main(url, locked, shown):
    set_engine(url, create_tables=True)
    parent = await read_node(NodeFilter(label="both"))
    mine = await write_model(
        parent_id=parent.node_id, label="old", model=OldLibraryFit(0.5, ["old"])
    )
    models = await read_models(ModelFilter(model_type=OldLibraryFit), order_by="loss")
    assert [m.value for m in models] == [OldLibraryFit(0.25, ["new"]), mine.value], models
    run = CellRun(node_label="old run", node_parent_id=parent.node_id)
    run.cell_run_status, run.cell_run_params = "finished", {"lr": 0.1}
    seen = (await read_node(NodeFilter(label="run"))).cell_run_status
    if shown == "shown":
        # It reads what runs say, and the database lets it write none of that.
        assert seen == "failed", seen
        try:
            await write_node(run)
        except ArtigraphError as error:
            assert "cell_run_" in str(error), error
        else:
            raise AssertionError("a run was written into columns that only show others")
    else:
        assert seen is None, seen
        await write_node(run)
    renamed = await read_node(NodeFilter(label="renamed by the old one"))
    renamed.node_label = "was renamed"
    await write_node(renamed)
    assert await delete_nodes(NodeFilter(label="deleted by the old one")) == 1
    try:
        await delete_nodes(NodeFilter(node_id=locked))
    except ArtigraphError as error:
        assert "locked" in str(error), error
    else:
        raise AssertionError("a locked row was deleted")
    assert [one.label for one in await read_tree(parent)][:1] == ["both"]
    await (await get_engine()).dispose()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""


async def test_it_reads_and_writes_what_this_one_does(
    database: str, own_url: str, old_libraries: dict[int, Path]
) -> None:
    """Where it may make columns each finds the other's rows whole, and a lock holds for both."""
    with engine_context(own_url, create_tables=True):
        parent = await write_node(new_node(node_label="both"))
        below = {"node_parent_id": parent.node_id}
        for label in ("renamed by the old one", "deleted by the old one", "locked"):
            await write_node(new_node(node_label=label, **below))
        await write_model(parent_id=parent, label="new", model=OldLibraryFit(0.25, ["new"]))
        await write_node(new_node(CellRun, node_label="run", cell_run_status="failed", **below))
        locked = await read_node(NodeFilter(label="locked"))
        async with new_session() as session:
            here = node_table.c.node_id == locked.node_id
            now = datetime.now(UTC)
            await session.execute(update(node_table).where(here).values(node_locked_at=now))
        await (await get_engine()).dispose()
    # PostgreSQL has no column that shows another one and takes no room: there it makes its own.
    shown = "made anew" if database == "postgresql" else "shown"
    given = (own_url, str(locked.node_id), shown)
    done = await asyncio.to_thread(run_old, old_libraries[1], SCRIPT, *given)
    assert done.returncode == 0, done.stderr
    # Whoever opens the store next names what it has written, and reads its runs.
    with engine_context(own_url, create_tables=True):
        nodes = await read_nodes(NodeFilter())
        labels = {node.node_label for node in nodes}
        theirs = {"old run"} if shown == "made anew" else set()
        assert labels == {"both", "was renamed", "locked", "new", "old", "run"} | theirs
        assert all(node.node_uid is not None for node in nodes)
        models = await read_models(ModelFilter(model_type=OldLibraryFit), order_by="loss")
        assert [m.value for m in models] == [
            OldLibraryFit(0.25, ["new"]),
            OldLibraryFit(0.5, ["old"]),
        ]
        runs = await read_nodes(NodeFilter(node_type=CellRun), order_by="node_id")
        told = [(r.tracked_run_status, r.tracked_run_params) for r in runs]  # type: ignore[attr-defined]  # they are
        assert told == [("failed", None), ("finished", {"lr": 0.1})][: 1 + len(theirs)]
        async with new_session() as session:
            await session.execute(update(node_table).where(here).values(node_locked_at=None))
        await delete_nodes(NodeFilter(label="both"))
        assert await count_nodes(NodeFilter()) == 0
        await (await get_engine()).dispose()


OPEN = """
import asyncio, sys
from artigraph import *

async def main(url, create):
    set_engine(url, create_tables=create == "create")
    try:
        await read_nodes(NodeFilter())
    finally:
        await (await get_engine()).dispose()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_it_would_misread_is_refused(
    database: str, own_url: str, old_libraries: dict[int, Path]
) -> None:
    """One that looks for versions is told which it is; one that does not, what it lacks."""
    with engine_context(own_url, create_tables=True):
        await write_node(new_node(CellRun, node_label="run", cell_run_status="failed"))
        await (await get_engine()).dispose()
    for how in ("create", "read"):
        done = await asyncio.to_thread(run_old, old_libraries[2], OPEN, own_url, how)
        told = done.stderr.splitlines()[-1]
        assert told.startswith("artigraph.errors.SchemaError")
        assert f"has schema {needed_version()}" in told
        assert "knows schemas up to 2. Nothing was read or written." in told
        assert "pip install --upgrade artigraph" in told
    done = await asyncio.to_thread(run_old, old_libraries[1], OPEN, own_url, "read")
    if database != "postgresql":
        assert done.returncode == 0, done.stderr  # it finds the columns, and reads them rightly
        return
    told = done.stderr.splitlines()[-1]
    assert told.startswith("artigraph.errors.SchemaError")
    assert "has no columns cell_run_status" in told
