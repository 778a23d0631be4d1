"""Stores that earlier code wrote, in every database: see tests/data/README.md."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import plotly.graph_objects as go
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from scipy import sparse

from artigraph import (
    ArtifactFilter,
    DataModel,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeRelationshipFilter,
    check_storage,
    create_field_index,
    delete_models,
    get_engine,
    orphaned_blobs,
    read_artifact,
    read_model,
    read_models,
    read_node,
    read_nodes,
    read_tree,
    set_engine,
    upgrade_schema,
    write_model,
)
from artigraph.frame.array import StoredArray
from artigraph.frame.frame import StoredFrame
from tests.data.v0_1 import values as old
from tests.model.values import same
from tests.store.old import FIRST as FOLDER, old_store as copy_of


@pytest.fixture(scope="session")
def old_url(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database of its own that holds the old rows."""
    with copy_of(database, FOLDER, tmp_path_factory.mktemp("old")) as url:
        yield url


@pytest.fixture
async def old_store(old_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """The old store, set as the default; its blobs are those of the folder."""
    old.files.register()  # what another test made known is forgotten after it
    reset = set_engine(old_url, create_tables=True)
    await upgrade_schema()
    yield old_url
    await (await get_engine()).dispose()
    reset()


async def below(label: str) -> NodeFilter:
    parent = await read_node(NodeFilter(label=label))
    return NodeFilter(relationship=NodeRelationshipFilter(child_of=parent))


INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes WHERE tablename = 'artigraph_node'",
    "mariadb": "SELECT DISTINCT index_name FROM information_schema.statistics "
    "WHERE table_schema = DATABASE()",
}


async def index_names() -> set[str]:
    engine = await get_engine()
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql(INDEXES[engine.dialect.name])
        return {str(name) for (name,) in rows}


def assert_same(one: Any, other: Any) -> None:
    """Compare what the libraries of serializers make, and all else strictly."""
    assert type(one) is type(other)
    match one:
        case pl.DataFrame():
            assert_frame_equal(one, other)
        case pa.Table() | pa.RecordBatch():
            assert one.equals(other, check_metadata=True)
        case PIL.Image.Image():
            assert one.mode == other.mode
            assert_same(np.asarray(one), np.asarray(other))
        case go.Figure():
            assert json.loads(one.to_json()) == json.loads(other.to_json())
        case sparse.csr_array():
            assert_same(one.toarray(), other.toarray())
        case DataModel():
            for field in fields(one):
                assert_same(getattr(one, field.name), getattr(other, field.name))
        case dict() if all(isinstance(key, str) for key in one):
            assert one.keys() == other.keys()
            for key, value in one.items():
                assert_same(value, other[key])
        case _:
            assert same(one, other), f"{one!r} came back as {other!r}"


@pytest.mark.parametrize("label", list(old.models()))
async def test_every_value_comes_back(old_store: str, label: str) -> None:
    """Each field of each model is what was written, of the same type."""
    found = await read_model(await below("models") & ModelFilter(label=label))
    assert_same(found.value, old.models()[label])


async def test_frames_and_arrays_open_without_being_loaded(old_store: str) -> None:
    """What stands in rows and in files is read a page at a time."""
    for label in ("in row", "in files"):
        lazy = (await read_model(ModelFilter(label=label), lazy=True)).value
        assert isinstance(lazy.frame, StoredFrame)
        assert isinstance(lazy.array, StoredArray)
        assert_same(await lazy.frame.page(1, 2), old.frame().iloc[1:3])
        assert_same(await lazy.array.load(), old.models()[label].array)


async def test_an_old_version_is_migrated(old_store: str) -> None:
    """A row of version 1 is read by the class of version 2."""
    found = await read_model(ModelFilter(label="migrated"))
    assert found.artifact.model_artifact_version == 1
    assert found.value == old.MIGRATED


@pytest.mark.parametrize("label", list(old.COLUMNS))
async def test_columns_of_subclasses_come_back(old_store: str, label: str) -> None:
    """A row of a subclass of ``Node`` is of that class, with its columns."""
    node_type, columns = old.COLUMNS[label]
    node = await read_node(NodeFilter(node_type=node_type))
    assert type(node) is node_type
    assert node.node_label == label
    assert_same({name: getattr(node, name) for name in columns}, columns)


@pytest.mark.parametrize("label", list(old.ARTIFACTS))
async def test_artifacts_come_back(old_store: str, label: str) -> None:
    """An artifact of its own has its value, from the row or from its file."""
    found = await read_artifact(await below("artifacts") & ArtifactFilter(label=label))
    assert_same(found.value, old.ARTIFACTS[label][0])


async def test_a_group_has_its_models(old_store: str) -> None:
    """The models that a group wrote are found by it."""
    group = ModelGroup(await read_node(NodeFilter(label="group")))
    assert await group.read_models() == old.GROUP


async def test_no_blob_is_missing_or_left_over(old_store: str) -> None:
    """The rows name the folder's files, and all of them."""
    report = await check_storage(old.files)
    assert report.num_rows >= 6
    assert (report.num_missing, report.num_damaged) == (0, 0)
    assert [one async for one in orphaned_blobs(old.files)] == []


async def test_fields_are_asked_for_and_their_index_is_known(old_store: str) -> None:
    """A question finds the value, and making the same index again makes nothing."""
    found = await read_models(old.Scalars.where(lambda one: one.real < 0.2))
    assert [one.artifact.node_label for one in found] == ["scalars"]
    before = await index_names()
    assert any("field" in name for name in before)
    await create_field_index(old.Scalars, "real")
    assert await index_names() == before


async def test_what_is_written_now_stands_beside_it(old_store: str) -> None:
    """Rows are added, changed and deleted; no id of an old row is handed out again."""
    newest = max(node.node_id for node in await read_nodes(NodeFilter()))
    added = await write_model(label="new", model=old.Leaf(5, old.frame()))
    assert added.artifact.node_id > newest
    assert_same((await read_model(ModelFilter(label="new"))).value, old.Leaf(5, old.frame()))
    await delete_models(ModelFilter(label="new"))
    assert max(node.node_id for node in await read_nodes(NodeFilter())) == newest


async def test_the_tree_is_read(old_store: str) -> None:
    """The tree of the rows has a node for each label."""
    drawn = {node.label for node in await read_tree()}
    labels = [*old.models(), *old.COLUMNS, *old.ARTIFACTS, *old.GROUP, "group", "migrated"]
    assert [label for label in labels if label not in drawn] == []
