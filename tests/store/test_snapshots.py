"""Reads of several statements, or of rows and blobs, while somebody deletes."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine
from typing_extensions import override

from artigraph import (
    BlobNotFoundError,
    DataModel,
    ModelFilter,
    NodeFilter,
    UnfitModelWarning,
    UnknownModel,
    count_nodes,
    delete_nodes,
    engine_context,
    get_engine,
    model_field,
    new_node,
    new_session,
    read_artifacts,
    read_frame,
    read_models,
    read_tree,
    write_model,
    write_node,
)
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage


class Holder(DataModel, version=1, name="SnapshotsHolder"):
    value: Any = model_field(serializer=array_serializer)
    inner: Any = None


async def write_two() -> int:
    """Two models with parts below a node; return the node's id."""
    root = await write_node(new_node(node_label="root"))
    for label in "ab":
        model = Holder(np.arange(3), Holder(np.arange(2)))
        await write_model(parent_id=root.node_id, label=label, model=model)
    return root.node_id


class Meanwhile:
    """Deletes a node from another connection once a first SELECT of a read has its answer."""

    def __init__(self, engine: Any, label: str) -> None:
        self.engine = engine
        self.label = label
        self.done = False

    def __enter__(self) -> Meanwhile:
        event.listen(self.engine, "after_cursor_execute", self._on_execute)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "after_cursor_execute", self._on_execute)

    def _on_execute(self, _c: object, _cursor: object, statement: str, *_: object) -> None:
        if self.done or "artigraph_node" not in statement:
            return
        self.done = True
        # The loop stands still meanwhile, so this is between two statements.
        context = contextvars.copy_context()
        delete = delete_nodes(NodeFilter(label=self.label))
        thread = threading.Thread(target=context.run, args=(asyncio.run, delete))
        thread.start()
        thread.join()


@pytest.fixture(params=["default", "read committed"])
async def engine(
    request: pytest.FixtureRequest, database: str, database_url: str
) -> AsyncIterator[Any]:
    """An engine of the user's, with the server's level or a lower one."""
    options: dict[str, Any] = {}
    if request.param != "default":
        if database == "sqlite":
            pytest.skip("there is no such level")
        options["isolation_level"] = "READ COMMITTED"
    given = create_async_engine(database_url, **options)
    with engine_context(given, create_tables=True):
        await delete_nodes(NodeFilter(), everything=True)
        yield (await get_engine()).sync_engine
        await delete_nodes(NodeFilter(), everything=True)
        await given.dispose()


@pytest.mark.parametrize("read", ["models", "tree", "frame"])
async def test_what_is_deleted_during_a_read_is_there_whole(engine: Any, read: str) -> None:
    """The read shows the moment at which it began; the next one shows the next."""
    root = await write_two()
    with Meanwhile(engine, "b") as meanwhile:
        if read == "models":
            found = [model.artifact.node_label for model in await read_models(ModelFilter())]
            assert {"a", "b"} <= {*found}
        elif read == "tree":
            # The root, and in each of two models a value, a model and its value.
            assert str(await read_tree(root)) == "<Tree of 9 nodes>"
        else:
            frame = await read_frame(ModelFilter(label=["a", "b"]))
            assert [*frame["path"]] == ["root/a", "root/b"]
        assert meanwhile.done
    left = await read_models(ModelFilter(label=["a", "b"]))
    assert [model.artifact.node_label for model in left] == ["a"]


async def test_only_reads_are_read_only(engine: Any, database: str) -> None:
    """The connection of a read writes the next time, at the level that it had."""
    await write_two()
    assert await count_nodes(NodeFilter(label="a")) == 1
    levels = {"postgresql": "SHOW transaction_isolation", "mariadb": "SELECT @@tx_isolation"}
    before: object = None
    for _ in range(2):
        async with new_session() as session:
            if database in levels:
                level = await session.scalar(text(levels[database]))
                assert before in (None, level)
                before = level
            await write_node(new_node())
        assert await count_nodes(NodeFilter(label="a")) == 1
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("DELETE FROM artigraph_node WHERE node_label IS NULL"))


async def test_a_session_keeps_its_own_level(engine: Any, database: str) -> None:
    """Inside of new_session() a read sees what the session's level lets it see."""
    if database != "postgresql":
        pytest.skip("the others show one moment there, too, or keep writers out")
    await write_two()
    outside = contextvars.copy_context()
    async with new_session():
        assert await count_nodes(NodeFilter(label="b")) == 1
        delete = delete_nodes(NodeFilter(label="b"))
        await asyncio.get_running_loop().create_task(delete, context=outside)
        assert await count_nodes(NodeFilter(label="b")) == 0


class Slow(FileSystemStorage):
    """Somebody deletes a row, and its bytes, before any are read."""

    label: str | None = None
    lock: asyncio.Lock

    @override
    async def read(self, location: str) -> bytes:
        async with self.lock:
            label, self.label = self.label, None
            if label is not None:
                await delete_nodes(NodeFilter(label=label))
        return await super().read(location)


@pytest.mark.usefixtures("store")
async def test_blobs_that_are_deleted_with_their_rows_during_a_read(tmp_path: Path) -> None:
    """The model that is gone is left out; one whose bytes alone are gone says so."""
    storage = Slow(tmp_path / "blobs", name="snapshots-slow")
    storage.lock = asyncio.Lock()
    storage.register()

    class Stored(DataModel, version=1, name="SnapshotsStored"):
        value: Any = model_field(serializer=array_serializer, storage=storage)

    for n in range(4):
        await write_model(label=str(n), model=Stored(np.arange(n)))
    storage.label = "1"
    found = await read_models(ModelFilter())
    assert [model.artifact.node_label for model in found] == ["0", "2", "3"]
    storage.label = "2"
    parts = await read_artifacts(NodeFilter(label="value"))
    assert len(parts) == 2
    for blob in [blob async for blob in storage.blobs()]:
        await storage.delete(blob.location)
    with pytest.warns(UnfitModelWarning, match="2 models could not be made"):
        left = await read_models(ModelFilter())
    assert [type(model.value) for model in left] == [UnknownModel, UnknownModel]
    with pytest.raises(BlobNotFoundError):
        await read_models(ModelFilter(), strict=True)
    with pytest.raises(BlobNotFoundError):
        await read_artifacts(NodeFilter(label="value"), strict=True)
