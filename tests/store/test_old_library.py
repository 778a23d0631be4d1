"""The artigraph before there were versions, at work in a store of today's beside this one."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from artigraph import (
    DataModel,
    ModelFilter,
    NodeFilter,
    count_nodes,
    delete_nodes,
    get_engine,
    new_node,
    new_session,
    read_models,
    read_node,
    read_nodes,
    set_engine,
    write_model,
    write_node,
)
from artigraph.orm.node import node_table

BEFORE = "f03c29cc112a853d8166d8e8d473fbd67e716e83"
"""The last commit that knew no versions."""


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package as it was."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", BEFORE, "artigraph"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        pytest.skip("this copy of the repository has no history")
    folder = tmp_path_factory.mktemp("old-library")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


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

async def main(url, locked):
    set_engine(url, create_tables=True)
    parent = await read_node(NodeFilter(label="both"))
    mine = await write_model(
        parent_id=parent.node_id, label="old", model=OldLibraryFit(0.5, ["old"])
    )
    models = await read_models(ModelFilter(model_type=OldLibraryFit), order_by="loss")
    assert [m.value for m in models] == [OldLibraryFit(0.25, ["new"]), mine.value], models
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

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_it_reads_and_writes_what_this_one_does(
    store: str, database_url: str, old_library: Path
) -> None:
    """Each finds the other's rows whole, and a lock holds for both."""
    parent = await write_node(new_node(node_label="both"))
    below = {"node_parent_id": parent.node_id}
    for label in ("renamed by the old one", "deleted by the old one", "locked"):
        await write_node(new_node(node_label=label, **below))
    await write_model(parent_id=parent, label="new", model=OldLibraryFit(0.25, ["new"]))
    locked = await read_node(NodeFilter(label="locked"))
    async with new_session() as session:
        here = node_table.c.node_id == locked.node_id
        now = datetime.now(UTC)
        await session.execute(update(node_table).where(here).values(node_locked_at=now))
    await (await get_engine()).dispose()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", SCRIPT, str(database_url), str(locked.node_id)],
        env={**os.environ, "PYTHONPATH": str(old_library)},
        cwd=old_library,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    labels = {node.node_label for node in await read_nodes(NodeFilter())}
    assert labels == {"both", "was renamed", "locked", "new", "old"}
    models = await read_models(ModelFilter(model_type=OldLibraryFit), order_by="loss")
    assert [m.value for m in models] == [
        OldLibraryFit(0.25, ["new"]),
        OldLibraryFit(0.5, ["old"]),
    ]
    # Whoever opens the store next names what it has written.
    reset = set_engine(database_url, create_tables=True)
    try:
        assert all(node.node_uid is not None for node in await read_nodes(NodeFilter()))
        async with new_session() as session:
            await session.execute(update(node_table).where(here).values(node_locked_at=None))
        await delete_nodes(NodeFilter(label="both"))
        assert await count_nodes(NodeFilter()) == 0
    finally:
        reset()
