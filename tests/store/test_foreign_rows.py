"""Cells that somebody else wrote: SQLite keeps anything, and one bad cell spoils no listing."""

from __future__ import annotations

import re
import sqlite3
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artigraph import (
    ArtigraphError,
    CorruptBlobError,
    DataModel,
    DeserializationError,
    ModelFilter,
    NodeFilter,
    UnfitModelWarning,
    check_storage,
    collect_garbage,
    count_models,
    iter_nodes,
    read_artifacts,
    read_first_model,
    read_frame,
    read_model,
    read_models,
    read_nodes,
    read_tree,
    set_engine,
    to_graphviz,
    to_mermaid,
    to_networkx,
    write_model,
)
from artigraph.storage.file import FileSystemStorage

Change = Callable[[str], None]


class Row(DataModel, version=1):
    a: float
    price: Decimal = Decimal(1)
    array: np.ndarray[Any, Any] | None = None


@pytest.fixture
async def change(tmp_path: Path) -> AsyncIterator[Change]:
    """A store with two models and the array of the first, and what changes its rows."""
    file = tmp_path / "rows.db"
    reset = set_engine(f"sqlite+aiosqlite:///{file}", create_tables=True)
    one = await write_model(label="one", model=Row(1.0, array=np.arange(3)))
    await write_model(label="two", model=Row(2.0))
    assert one.artifact.node_id == 1

    def run(assignment: str) -> None:
        where = "node_label = 'array'" if assignment.startswith("*") else "node_id = 1"
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"UPDATE artigraph_node SET {assignment.lstrip('*')} WHERE {where}")
            connection.commit()

    yield run
    reset()


@pytest.mark.parametrize(
    "assignment",
    [
        "node_created_at = 'abc'",
        "node_created_at = 7",
        "node_updated_at = x'ff'",
        "node_label = x'ff00'",
        "node_label = CAST(x'fffe' AS TEXT)",
        "model_artifact_version = 'abc'",
        "model_artifact_type = x'ff'",
        """model_artifact_data = '{"a": NaN}'""",
        "model_artifact_data = x'ff'",
        "*artifact_summary = '5'",
        "*artifact_summary = '[1]'",
        "*artifact_summary = '{'",
        "*artifact_size = 'abc'",
        "*artifact_serializer = x'ff'",
        "*database_artifact_value = 'abc'",
    ],
)
async def test_one_bad_cell_spoils_no_listing(
    change: Change, assignment: str, tmp_path: Path
) -> None:
    """Rows, trees, drawings and counts still tell of all rows, and reads name the bad one."""
    change(assignment)
    storage = FileSystemStorage(tmp_path / "files", name="foreign-rows")
    nodes = await read_nodes(NodeFilter())
    assert [node.node_id for node in nodes] == [1, 2, 3] or len(nodes) == 3
    assert repr(nodes)
    assert all(node._repr_html_() for node in nodes)
    paged = [node async for node in iter_nodes(NodeFilter(), order_by="node_id", page_size=1)]
    assert len(paged) == 3
    assert "two" in (await read_tree())._repr_html_()
    drawings: list[Callable[[], Awaitable[object]]] = [to_mermaid, to_graphviz, to_networkx]
    for draw in drawings:
        assert repr(await draw())
    assert await count_models(Row.where(lambda f: f.a > 1.5)) == 1
    await check_storage(storage)
    await collect_garbage(storage)
    listings: list[Callable[[], Awaitable[Sized]]] = [
        lambda: read_models(ModelFilter()),
        lambda: read_models(ModelFilter(), lazy=True),
        lambda: read_frame(ModelFilter()),
    ]
    for listing in listings:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnfitModelWarning)
            found = await listing()
            assert len(found) == 2
            assert repr(found)
    reads: list[Callable[[], Awaitable[object]]] = [
        lambda: read_models(ModelFilter(), strict=True),
        lambda: read_models(ModelFilter(), lazy=True, strict=True),
        lambda: read_first_model(ModelFilter(node_id=1), strict=True),
        lambda: read_model(ModelFilter(node_id=1)),
        lambda: read_frame(ModelFilter(), strict=True),
        lambda: read_artifacts(NodeFilter(), strict=True),
    ]
    for read in reads:
        told = await read_or_error(read)
        assert not isinstance(told, ArtigraphError) or re.search("[Nn]ode 1|'array'", str(told))


async def read_or_error(read: Callable[[], Awaitable[object]]) -> object:
    """What was read, or artigraph's own word on why it was not."""
    try:
        return repr(await read())
    except ArtigraphError as error:
        return error


async def test_what_is_wrong_is_said(change: Change) -> None:
    """An unreadable document names its row, and bytes that are a text are damaged."""
    change("*database_artifact_value = 'abc'")
    with pytest.raises(CorruptBlobError, match="'array' is damaged"):
        await read_models(ModelFilter(), strict=True)
    change("model_artifact_data = '{'")
    with pytest.raises(DeserializationError, match=r"Node 1 .*is no JSON object"):
        await read_models(ModelFilter(), lazy=True, strict=True)
    (read,) = await read_models(Row.where(lambda f: f.a > 0))
    assert read.value.a == 2.0


async def test_frames_lack_what_is_no_time_and_no_number(change: Change) -> None:
    """In a frame a cell that holds something else is missing, and the others are there."""
    change("node_created_at = 'abc', model_artifact_version = 'x', node_label = x'ff00'")
    frame = await read_frame(ModelFilter())
    assert frame["node_created_at"].isna().tolist() == [True, False]
    assert frame["model_version"].isna().tolist() == [True, False]
    assert frame["node_label"].isna().tolist() == [True, False]
    assert frame["a"].tolist() == [1.0, 2.0]
    await write_model(label="three", model=Row(3.0, Decimal("sNaN")))
    assert (await read_frame(ModelFilter(label="three")))["price"].isna().tolist() == [True]
