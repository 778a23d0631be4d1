"""What is of one database is never written to, nor read from, another."""

from __future__ import annotations

import asyncio
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Mapped

from artigraph import (
    DataModel,
    EngineURLError,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    OtherStoreError,
    UnknownStorageError,
    count_children,
    count_models,
    count_nodes,
    create_current,
    current_session,
    delete_nodes,
    engine_context,
    get_engine,
    iter_models,
    iter_nodes,
    new_artifact,
    new_node,
    new_session,
    read_first_model,
    read_model,
    read_models,
    read_node,
    read_nodes,
    read_path,
    read_tree,
    set_engine,
    write_artifact,
    write_artifacts,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.db.setting import current_setting
from artigraph.frame.array import StoredArray
from artigraph.frame.frame import StoredFrame
from artigraph.model import base as model_base
from artigraph.serializer.json import json_serializer
from artigraph.storage.base import storages
from artigraph.storage.file import FileSystemStorage

MEMORY = "sqlite+aiosqlite:///:memory:"


class StoresFit(DataModel, version=1):
    loss: float


class StoresRun(Node):
    __mapper_args__ = {"polymorphic_identity": "stores_run"}  # noqa: RUF012  # SQLAlchemy types it as an instance's
    stores_run_by: Mapped[str]


class StoresWeights(DataModel, version=1):
    frame: pd.DataFrame
    weights: np.ndarray


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, which is the current one, and the engine as it was."""
    monkeypatch.chdir(tmp_path)
    reset = set_engine(f"sqlite+aiosqlite:///{tmp_path}/unused.db")
    yield tmp_path
    reset()


@pytest.fixture
async def others(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """The address of a database with a node, and of another one whose first row is a node too."""
    other = f"sqlite+aiosqlite:///{tmp_path}/other.db"
    reset = set_engine(other, create_tables=True)
    await write_nodes([new_node(StoresRun, node_label=f"theirs {n}") for n in range(3)])
    set_engine(database_url, create_tables=True)
    await get_engine()
    yield database_url, other
    reset()


def use(url: str) -> None:
    set_engine(url, create_tables=True)


async def all_labels() -> list[str | None]:
    return [node.node_label for node in await read_nodes(NodeFilter())]


# ------------------------------------------------------------------- addresses


def test_a_relative_address_means_the_folder_of_now(folder: Path) -> None:
    """Wherever the process changes to, the next loop opens the same file."""
    for name in ("a", "b"):
        (folder / name).mkdir()
    os.chdir(folder / "a")
    set_engine("sqlite+aiosqlite:///wine.db", create_tables=True)
    asyncio.run(write_model(label="one", model=StoresFit(0.1)))
    os.chdir(folder / "b")
    asyncio.run(write_model(label="two", model=StoresFit(0.2)))
    assert asyncio.run(count_models(ModelFilter())) == 2
    assert os.listdir(folder / "b") == []


def test_a_relative_uri_means_the_folder_of_now(folder: Path) -> None:
    """The same holds for an address that SQLite itself reads as a URI."""
    (folder / "b").mkdir()
    set_engine("sqlite+aiosqlite:///file:wine.db?uri=true", create_tables=True)
    asyncio.run(write_node(new_node(node_label="one")))
    os.chdir(folder / "b")
    assert asyncio.run(all_labels()) == ["one"]
    assert os.listdir(folder / "b") == []


def test_a_shared_memory_address_is_no_path(folder: Path) -> None:
    """SQLite's own name for memory that connections share is left as it is."""
    reset = set_engine("sqlite+aiosqlite:///file::memory:?cache=shared&uri=true")
    assert str(folder) not in repr(reset)
    setting = current_setting()
    assert setting is not None
    assert setting.url.database == "file::memory:"
    reset()


def test_the_address_that_is_shown_can_be_typed_here(folder: Path) -> None:
    """It is the one that was typed, unless that would lead elsewhere by now."""
    reset = set_engine("sqlite+aiosqlite:///wine.db")
    assert "sqlite+aiosqlite:///wine.db" in repr(reset)
    (folder / "b").mkdir()
    os.chdir(folder / "b")
    assert f"sqlite+aiosqlite:///{folder}/wine.db" in repr(reset)


def test_two_addresses_of_one_file_are_one_store(folder: Path) -> None:
    """A node is written by whatever way leads to its file: another setting, a link, a URI."""
    (folder / "link").symlink_to(folder)

    async def write_twice() -> None:
        set_engine("sqlite+aiosqlite:///wine.db", create_tables=True)
        node = await write_node(new_node(node_label="one"))
        for n, url in enumerate(
            (
                f"sqlite+aiosqlite:///{folder}/wine.db",
                "sqlite+aiosqlite:///link/wine.db",
                f"sqlite+aiosqlite:///file:{folder}/wine.db?uri=true",
                f"sqlite+aiosqlite:///file://localhost{folder}/wine.db?uri=true",
            )
        ):
            set_engine(url)
            node.node_label = str(n)
            await write_node(node)
            assert await all_labels() == [str(n)]

    asyncio.run(write_twice())


async def test_names_of_this_machine_are_one_server(database_url: str) -> None:
    """``localhost`` and ``127.0.0.1``, with the port or without, are one server."""
    with engine_context(database_url, create_tables=True):
        node = await write_node(new_node(node_label="local"))
    with engine_context(database_url.replace("127.0.0.1", "localhost")):
        node.node_label = "again"
        await write_node(node)
        await delete_nodes(NodeRelationshipFilter(child_of=node, include_self=True))


@pytest.fixture
async def own_engine() -> AsyncIterator[AsyncEngine]:
    """An engine that somebody else made, to a memory database."""
    engine = create_async_engine(MEMORY)
    yield engine
    await engine.dispose()


async def test_every_memory_database_is_a_store_of_its_own(own_engine: AsyncEngine) -> None:
    """A node of one is refused by the next, and known again in its own, where nothing is lost."""
    engine = own_engine
    with engine_context(engine, create_tables=True):
        node = await write_node(new_node(node_label="mine"))
    with engine_context(MEMORY, create_tables=True):
        await write_node(new_node(node_label="theirs"))
        with pytest.raises(OtherStoreError, match="of another database: it is of a memory"):
            await write_node(node)
    with engine_context(engine):
        node.node_label = "again"
        await write_node(node)
        assert await all_labels() == ["again"]


async def test_the_memory_of_an_own_engine_is_of_one_loop(own_engine: AsyncEngine) -> None:
    """Another loop is told so, rather than shown an empty database; the advice works."""
    with engine_context(own_engine, create_tables=True):
        await write_node(new_node(node_label="mine"))
        with pytest.raises(EngineURLError, match="would find an empty one") as raised:
            await asyncio.to_thread(lambda: asyncio.run(all_labels()))
    advice = re.search(r"set_engine\((.*)\)", str(raised.value))
    assert advice is not None
    with engine_context(MEMORY, create_tables=True):
        assert advice[1] == f"'{MEMORY}', create_tables=True"
        await write_node(new_node(node_label="mine"))
        assert await asyncio.to_thread(lambda: asyncio.run(all_labels())) == ["mine"]


def test_a_forked_worker_is_told_that_the_memory_is_not_its_own(tmp_path: Path) -> None:
    """A write there would succeed into nowhere; the error's own advice works."""
    script = """
import asyncio, multiprocessing, sys
import pandas as pd
from artigraph import *

class Fit(DataModel, version=1):
    frame: pd.DataFrame

lazy = None

def work(n):
    told = []
    for call in (lambda: write_node(new_node()), lambda: lazy.frame.page(0, 1)):
        try:
            asyncio.run(call())
        except EngineURLError as error:
            told.append(str(error))
    set_engine(f"sqlite+aiosqlite:///{sys.argv[1]}/{n}.db", create_tables=True)
    asyncio.run(write_node(new_node()))
    return told

async def main():
    global lazy
    await write_model(label="a", model=Fit(pd.DataFrame({"x": [1]})))
    lazy = (await read_model(ModelFilter(), lazy=True)).value

set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
asyncio.run(main())
with multiprocessing.get_context("fork").Pool(1) as pool:
    (told,) = pool.map(work, [1])
assert len(told) == 2 and all("was forked from" in one for one in told), told
assert "set_engine('sqlite+aiosqlite:///example.db', create_tables=True)" in told[0]
assert asyncio.run(count_nodes(NodeFilter())) == 2
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, timeout=300)


# ----------------------------------------------------------------------- nodes


async def test_a_node_is_not_written_over_the_row_with_its_id(others: tuple[str, str]) -> None:
    """Neither its own columns nor what is to hang on it go to another store."""
    url, other = others
    mine = await write_node(new_node(StoresRun, node_label="mine", stores_run_by="me"))
    use(other)
    before = [(n.node_id, n.node_label, n.node_updated_at) for n in await read_nodes(NodeFilter())]
    mine.stores_run_by = "me again"

    async def group() -> None:
        async with ModelGroup(mine) as group:
            group.add_model("fit", StoresFit(0.1))

    async def current() -> None:
        async with create_current(mine):
            await write_model(label="fit", model=StoresFit(0.1))

    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: write_node(mine),
        lambda: write_nodes([new_node(node_label="new"), mine]),
        group,
        current,
        lambda: read_nodes(NodeRelationshipFilter(child_of=mine)),
        lambda: delete_nodes(NodeRelationshipFilter(descendant_of=mine, include_self=True)),
        lambda: delete_nodes(NodeFilter(relationship=NodeRelationshipFilter(sibling_of=[mine]))),
        lambda: count_children(mine),
        lambda: read_path(mine),
        lambda: read_tree(mine),
    ]
    for call in calls:
        with pytest.raises(OtherStoreError, match="is of another database: it is of ") as raised:
            await call()
        assert "other.db" in str(raised.value)
    now = [(n.node_id, n.node_label, n.node_updated_at) for n in await read_nodes(NodeFilter())]
    assert now == before
    # What the error says to do: use it with its own.
    with engine_context(url):
        await write_node(mine)
        found = await read_node(NodeFilter(node_id=mine.node_id))
        assert isinstance(found, StoresRun)
        assert found.stores_run_by == "me again"


async def test_whatever_way_a_node_came_it_knows_its_store(others: tuple[str, str]) -> None:
    """Written, read, iterated, of a path, of a session, of a model, pickled: all are known."""
    _, other = others
    label = "mine"
    root = await write_node(new_node(node_label=label))
    model = await write_model(parent_id=root.node_id, label="fit", model=StoresFit(0.1))
    async with new_session() as session:
        added = Node(node_label="added")
        session.add(added)
        await session.flush()
    async with current_session() as session:
        got = await session.get(Node, root.node_id)
    assert got is not None
    mine = NodeFilter(node_id=[root.node_id])
    read_back = await read_model(ModelFilter(label="fit") & _below(root))
    nodes = [
        root,
        added,
        got,
        model.artifact,
        read_back.artifact,
        *await read_nodes(mine),
        *await read_path(root),
        *[node async for node in iter_nodes(mine)],
        pickle.loads(pickle.dumps(root)),
    ]
    use(other)
    for node in nodes:
        with pytest.raises(OtherStoreError):
            await write_node(node)


def _below(node: Node) -> NodeRelationshipFilter:
    return NodeRelationshipFilter(descendant_of=node)


async def test_a_node_whose_session_was_rolled_back_is_of_no_store(
    others: tuple[str, str],
) -> None:
    """It is new again, and may be written anywhere."""
    node = new_node(node_label="new")
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what raises
        async with new_session():
            await write_node(node)
            raise ZeroDivisionError
    use(others[1])
    await write_node(node)
    assert "new" in await all_labels()


async def test_a_filter_that_was_made_of_a_node_is_of_its_store(others: tuple[str, str]) -> None:
    """Asked in another store, it is refused, also as a part of others; ids alone are numbers."""
    _, other = others
    mine = await write_node(new_node(node_label="mine"))
    below = NodeRelationshipFilter(descendant_of=mine)
    use(other)
    for filter in (below, replace(below, max_depth=3), ~below, NodeFilter() & below):
        with pytest.raises(OtherStoreError, match=f"node {mine.node_id} is of another database"):
            await delete_nodes(filter)
    with pytest.raises(OtherStoreError):
        NodeRelationshipFilter(child_of=[await read_node(NodeFilter(node_id=1)), mine])
    assert await count_nodes(NodeRelationshipFilter(descendant_of=mine.node_id)) == 0


async def test_an_artifact_is_not_written_to_another_store(
    others: tuple[str, str], tmp_path: Path
) -> None:
    """It is refused before its bytes are put anywhere, and stays as it was."""
    files = FileSystemStorage(tmp_path / "files", name="stores-files")
    one = await write_artifact(new_artifact("a", [1], json_serializer, storage=files))
    blobs = sorted((tmp_path / "files").rglob("*"))
    use(others[1])
    one.value = [2]
    with pytest.raises(OtherStoreError):
        await write_artifacts([one])
    assert sorted((tmp_path / "files").rglob("*")) == blobs


# --------------------------------------------------- what began in one goes on there


async def test_a_group_ends_where_it_began(others: tuple[str, str]) -> None:
    """A cell that sets another database in the block loses nothing, and writes nothing there."""
    url, other = others
    async with ModelGroup(new_node(node_label="group")) as group:
        group.add_model("fit", StoresFit(0.1))
        use(other)
        count = await count_nodes(NodeFilter())
        async with ModelGroup(new_node(node_label="inner")) as inner:
            inner.add_model("fit", StoresFit(0.2))
        assert inner.node.node_parent_id is None
        assert await count_nodes(NodeFilter()) == count + 2
        assert await group.has_model("fit")
    assert await count_nodes(NodeFilter()) == count + 2
    assert list(await group.read_models()) == ["fit"]
    use(url)
    found = await read_model(ModelFilter(relationship=_below(group.node)))
    assert found.value == StoresFit(0.1)


async def test_a_group_that_is_entered_again_is_where_it_was(others: tuple[str, str]) -> None:
    """While another database is set, all of its block is for its own, groups inside it too."""
    url, other = others
    async with ModelGroup(new_node(node_label="group")) as group:
        pass
    use(other)
    count = await count_nodes(NodeFilter())
    async with group, ModelGroup(new_node(node_label="inner")) as inner:
        inner.add_model("fit", StoresFit(0.2))
    assert await count_nodes(NodeFilter()) == count
    use(url)
    assert inner.node.node_parent_id == group.node.node_id
    assert await count_models(ModelFilter(relationship=_below(group.node))) == 1


async def test_an_id_given_to_a_group_is_an_id_of_its_database(others: tuple[str, str]) -> None:
    """The group is saved where its id was given."""
    url, other = others
    node = await write_node(new_node(node_label="mine"))
    group = ModelGroup(node.node_id)
    use(other)
    group.add_model("fit", StoresFit(0.1))
    await group.save()
    assert await count_models(ModelFilter()) == 0
    use(url)
    assert await count_models(ModelFilter(relationship=_below(node))) == 1


async def test_a_session_is_of_its_database(others: tuple[str, str]) -> None:
    """A call that goes to another one does not join it; the next one that goes to its own does."""
    url, other = others
    await write_node(new_node(node_label="mine"))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is what raises
        async with new_session():
            await write_node(new_node(node_label="undone"))
            with engine_context(other):
                assert "undone" not in await all_labels()
                await write_node(new_node(node_label="kept"))
                async with new_session():
                    with engine_context(url):
                        # On SQLite one that did not join would wait for the outer one.
                        await write_node(new_node(node_label="undone too"))
                        assert {"undone", "undone too"} <= {*await all_labels()}
            raise ZeroDivisionError
    assert not {"undone", "undone too", "kept"} & {*await all_labels()}
    use(other)
    assert "kept" in await all_labels()


async def test_pages_come_from_where_the_first_one_did(others: tuple[str, str]) -> None:
    """A loop over pages goes on in its database when the body sets another."""
    await write_models(models={f"stores {n}": StoresFit(n) for n in range(4)})
    mine = ModelFilter(model_type=StoresFit, label=[f"stores {n}" for n in range(4)])
    seen = []
    async for model in iter_models(mine, page_size=2):
        seen.append(model.value.loss)
        use(others[1])
    assert len(seen) == 4


async def test_blobs_are_removed_by_what_their_own_rows_name(
    others: tuple[str, str], tmp_path: Path
) -> None:
    """Setting another database before a delete is committed takes no blob that a row still has."""
    files = FileSystemStorage(tmp_path / "files", name="stores-shared")
    kept, gone = await write_artifacts(
        [new_artifact(name, [1], json_serializer, storage=files) for name in ("kept", "gone")]
    )
    location = kept.artifact.remote_artifact_location  # type: ignore[attr-defined]  # it is remote
    async with new_session():
        await delete_nodes(NodeFilter(node_id=gone.artifact.node_id))
        use(others[1])
    assert await files.exists(location)


# --------------------------------------------------------------------- handles


async def _written_lazily() -> StoresWeights:
    frame = pd.DataFrame({"x": [1, 1, 1]})
    written = await write_model(label="lazy", model=StoresWeights(frame, np.arange(6.0)))
    lazy: StoresWeights = (
        await read_model(NodeFilter(node_id=written.artifact.node_id), lazy=True)
    ).value
    return lazy


async def _check_lazily(lazy: StoresWeights) -> None:
    assert isinstance(lazy.frame, StoredFrame)
    assert isinstance(lazy.weights, StoredArray)
    assert (await lazy.frame.page(0, 2))["x"].tolist() == [1, 1]
    assert (await lazy.frame.load())["x"].tolist() == [1, 1, 1]
    assert (await lazy.frame.scan()).count_rows() == 3
    assert (await lazy.weights.part(slice(1, 3))).tolist() == [1.0, 2.0]


async def test_a_handle_reads_from_its_own_database(others: tuple[str, str]) -> None:
    """Whatever is set by now: another database, one in a context, or in the middle of a session."""
    url, other = others
    lazy = await _written_lazily()
    use(other)
    await write_model(
        label="lazy", model=StoresWeights(pd.DataFrame({"x": [2, 2, 2]}), np.zeros(6))
    )
    await _check_lazily(lazy)
    with engine_context(url):
        await _check_lazily(lazy)
    async with new_session():
        await _check_lazily(lazy)


async def test_a_handle_sees_what_its_own_session_wrote(others: tuple[str, str]) -> None:
    """Before the commit, too."""
    async with new_session():
        lazy = await _written_lazily()
        await _check_lazily(lazy)


def test_a_handle_outlives_its_event_loop(database_url: str) -> None:
    """One ``asyncio.run`` makes it, the next ones read it."""
    reset = set_engine(database_url, create_tables=True)
    try:
        lazy = asyncio.run(_written_lazily())
        for _ in range(2):
            asyncio.run(asyncio.wait_for(_check_lazily(lazy), 60))
    finally:
        reset()


async def test_an_unknown_storage_is_explained_by_its_own_database(
    others: tuple[str, str], tmp_path: Path
) -> None:
    """The recorded address comes from the database that the handle is of."""
    files = FileSystemStorage(tmp_path / "files", name="stores-gone")

    class StoresKept(DataModel, version=1):
        frame: Annotated[pd.DataFrame, files]

    await write_model(label="kept", model=StoresKept(pd.DataFrame({"x": [1]})))
    found = await read_first_model(ModelFilter(model_type=StoresKept), order_by="-node_id")
    assert found is not None
    lazy = (await read_models(NodeFilter(node_id=found.artifact.node_id), lazy=True))[0].value
    use(others[1])
    # As in a kernel that does not know the class.
    del storages.loaded["stores-gone"], model_base.models_by_name["StoresKept"]
    with pytest.raises(UnknownStorageError, match="It was at "):
        await lazy.frame.page(0, 1)


async def test_a_moved_file_is_known_again(tmp_path: Path) -> None:
    """A store says which one it is: what was read from it holds wherever its file lies now."""
    before, after = tmp_path / "before.db", tmp_path / "after.db"
    with engine_context(f"sqlite+aiosqlite:///{before}", create_tables=True):
        node = await write_node(new_node(node_label="a"))
        await write_node(new_node(node_label="below", node_parent_id=node.node_id))
        group = ModelGroup(node)
        await (await get_engine()).dispose()
    before.rename(after)
    with engine_context(f"sqlite+aiosqlite:///{after}"):
        # The very first call, before anybody has asked the store which one it is.
        (below,) = await read_nodes(NodeRelationshipFilter(child_of=node))
        assert below.node_label == "below"
        node.node_label = "b"
        await write_node(node)
        async with group:
            pass
        assert (await read_node(NodeFilter(node_id=node.node_id))).node_label == "b"
        await (await get_engine()).dispose()


async def test_a_copied_file_is_the_same_store(tmp_path: Path) -> None:
    """What was read from one of the two may be used with the other, in whatever order."""
    one, other = tmp_path / "one.db", tmp_path / "other.db"
    with engine_context(f"sqlite+aiosqlite:///{one}", create_tables=True):
        node = await write_node(new_node(node_label="a"))
        await (await get_engine()).dispose()
    shutil.copy(one, other)
    for file in (other, one):
        with engine_context(f"sqlite+aiosqlite:///{file}"):
            node.node_label = file.stem
            await write_node(node)
            assert (await read_node(NodeFilter())).node_label == file.stem
            await (await get_engine()).dispose()


async def test_a_file_in_the_place_of_another_is_another_store(tmp_path: Path) -> None:
    """The address is the same, and the ids mean other rows."""
    file, newer = tmp_path / "runs.db", tmp_path / "newer.db"
    nodes = {}
    for path in (newer, file):
        with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
            nodes[path] = await write_node(new_node(node_label=path.stem))
            await (await get_engine()).dispose()
    old = nodes[file]
    newer.replace(file)
    with engine_context(f"sqlite+aiosqlite:///{file}"):
        old.node_label = "overwritten"
        with pytest.raises(OtherStoreError, match="is of another database"):
            await write_node(old)
        with pytest.raises(OtherStoreError):
            await read_nodes(NodeRelationshipFilter(child_of=old))
        assert (await read_node(NodeFilter())).node_label == "newer"
        await (await get_engine()).dispose()


async def test_another_store_is_refused_by_the_first_call(tmp_path: Path) -> None:
    """Nobody has asked yet which store it is; the call that does refuses, and only that one."""
    urls = [f"sqlite+aiosqlite:///{tmp_path / name}.db" for name in ("one", "other")]
    with engine_context(urls[0], create_tables=True):
        node = await write_node(new_node(node_label="a"))
        await (await get_engine()).dispose()
    with engine_context(urls[1], create_tables=True):
        with pytest.raises(OtherStoreError, match="is of another database"):
            await read_nodes(NodeRelationshipFilter(child_of=node))
        assert await read_nodes(NodeFilter()) == []
        with pytest.raises(OtherStoreError, match="is of another database"):
            await read_nodes(NodeRelationshipFilter(child_of=node))
        await (await get_engine()).dispose()
