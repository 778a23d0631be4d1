"""Curves read: as one frame, and told of without their points, on all databases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from artigraph import Node, get_engine, new_node, write_node
from artigraph.errors import FilterError, SeriesWarning
from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.series import list_series, open_series, read_series, read_series_table
from artigraph.series.read import summaries_of
from artigraph.trash.trash import trash_nodes
from tests.conftest import Statements

COLUMNS = ["node_id", "path", "name", "step", "time", "value", "attempt"]


async def logged(label: str | None = None, parent: int | None = None, **curves: Any) -> Node:
    """A node with curves: lists of values, or of pairs of step and value."""
    node = await write_node(new_node(node_label=label, node_parent_id=parent))
    async with open_series(node) as series:
        for name, points in curves.items():
            for at, point in enumerate(points):
                step, value = point if isinstance(point, tuple) else (at, point)
                series.add(step, **{name: value})
    return node


async def test_curves_of_many_nodes_are_one_frame(store: str) -> None:
    """Points by node and name, with the path of the node."""
    top = await write_node(new_node(node_label="sweep"))
    one = await logged("r1", top.node_id, loss=[3.0, 2.0], acc=[(7, 0.5)])
    two = await logged("r2", top.node_id, loss=[1.0])
    await logged("elsewhere", loss=[9.0])
    frame = await read_series(NodeRelationshipFilter(child_of=top))
    assert list(frame.columns) == COLUMNS
    assert frame[["node_id", "path", "name", "step", "value", "attempt"]].to_dict("split")[
        "data"
    ] == [
        [one.node_id, "sweep/r1", "acc", 7, 0.5, 0],
        [one.node_id, "sweep/r1", "loss", 0, 3.0, 0],
        [one.node_id, "sweep/r1", "loss", 1, 2.0, 0],
        [two.node_id, "sweep/r2", "loss", 0, 1.0, 0],
    ]
    assert abs((pd.Timestamp.now(tz="UTC") - frame.time.iloc[0]).total_seconds()) < 60


async def test_names_choose_curves(store: str) -> None:
    """One name, several, or none at all; a table of Arrow's has the same."""
    node = await logged(a=[1.0], b=[2.0], c=[3.0])
    assert list((await read_series(node, "b")).name) == ["b"]
    assert list((await read_series(node, ["c", "a", "lost"])).name) == ["a", "c"]
    assert (await read_series(node, [])).empty
    assert (await read_series_table(node, "b")).column_names == COLUMNS


async def test_nothing_found_is_an_empty_frame(store: str) -> None:
    """With all columns and their types."""
    node = await write_node(new_node())
    frame = await read_series(node)
    assert frame.empty
    assert list(frame.columns) == COLUMNS
    assert frame.value.dtype == np.float64
    assert await list_series(node) == []


async def test_attempts_are_counted(store: str) -> None:
    """Each time the steps go back another attempt begins; a repeated step is none."""
    node = await logged(loss=[(0, 1.0), (1, 1.0), (1, 2.0), (0, 3.0), (5, 4.0), (2, 5.0)])
    frame = await read_series(node)
    assert list(frame.step) == [0, 1, 1, 0, 5, 2]
    assert list(frame.attempt) == [0, 0, 0, 1, 1, 2]


async def test_long_curves_are_thinned(store: str) -> None:
    """The first and last point stay, and so do the extremes; None reads all points."""
    values = [math.sin(step / 90) for step in range(3_000)]
    values[1_234], values[777] = 5.0, -5.0
    node = await logged(loss=values)
    frame = await read_series(node, max_points=100)
    assert 60 < len(frame) <= 100
    assert {0, 777, 1_234, 2_999} <= set(frame.step)
    assert list(frame.step) == sorted(frame.step)
    whole = await read_series(node, max_points=None)
    assert list(whole.value) == values
    assert len(await read_series(node)) <= 500
    assert len(await read_series(node, max_points=3_000)) == 3_000


async def test_what_is_not_finite_is_read(store: str) -> None:
    """NaN and infinities are points as any other, and a gap stays one when thinned."""
    node = await logged(loss=[1.0, math.nan, math.inf, -math.inf, 2.0])
    found = list((await read_series(node)).value)
    assert [str(one) for one in found] == ["1.0", "nan", "inf", "-inf", "2.0"]
    gap = await logged(loss=[0.0] * 500 + [math.nan] * 500 + [1.0] * 500)
    assert (await read_series(gap, max_points=20)).value.isna().any()


async def test_the_number_of_statements_is_fixed(store: str, statements: Statements) -> None:
    """However many nodes and curves there are."""
    counts = []
    nodes = []
    for _ in range(2):
        nodes += [await logged(a=[1.0], b=[2.0]) for _ in range(3)]
        statements.clear()
        await read_series(NodeFilter())
        counts.append(len([one for one in statements if not one.startswith("SET")]))
        statements.clear()
        await list_series(NodeFilter())
        assert len([one for one in statements if not one.startswith("SET")]) == 1
    assert counts == [3, 3]


async def test_the_trash_is_not_read(store: str) -> None:
    """Nor is it told of."""
    node = await logged(loss=[1.0])
    await trash_nodes(NodeFilter(node_id=node.node_id))
    assert (await read_series(NodeFilter())).empty
    assert (await read_series(node.node_id)).empty
    assert await list_series(NodeFilter()) == []


@pytest.mark.parametrize("given", [None, new_node(), [None], "run", True])
async def test_nothing_never_means_everything(store: str, given: Any) -> None:
    """What is no node is refused, and not taken for all nodes."""
    for read in (read_series, list_series):
        with pytest.raises(FilterError):
            await read(given)


@pytest.mark.parametrize(
    "options", [{"names": [None]}, {"names": 3}, {"max_points": 3}, {"max_points": "all"}]
)
async def test_options_are_looked_at(store: str, options: dict[str, Any]) -> None:
    """What is no name, and no count, is refused."""
    with pytest.raises(FilterError):
        await read_series(NodeFilter(), **options)


async def test_damaged_blocks_are_left_out(store: str) -> None:
    """The rest of the curve is read, with one warning."""
    node = await logged(loss=[float(step) for step in range(1_200)])
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_series_block SET block_data = :data WHERE block_number = 1"),
            {"data": b"\x01nonsense"},
        )
    with pytest.warns(SeriesWarning, match="1 blocks of curves are damaged"):
        frame = await read_series(node, max_points=None)
    assert list(frame.step) == [*range(512), *range(1_024, 1_200)]


async def test_rows_tell_of_curves_without_points(store: str) -> None:
    """Count, last value and extremes, with a small drawing in text and HTML."""
    one = await logged(None, None, **{"<b>loss": [4.0, 2.0, 3.0]})
    two = await logged(acc=[math.nan])
    found = await list_series(NodeFilter())
    assert [(s.name, s.points, s.last_step, s.last, s.min, s.max) for s in found] == [
        ("<b>loss", 3, 2, 3.0, 2.0, 4.0),
        ("acc", 1, 0, None, None, None),
    ]
    html = found._repr_html_()  # type: ignore[attr-defined]  # a list that shows itself
    assert "<svg" in html
    assert "&lt;b&gt;loss" in html
    assert "<b>loss" not in html
    assert "█▁" in html
    assert "█▁" in repr(found)
    assert {
        node: [s.name for s in several]
        for node, several in (await summaries_of([one.node_id, two.node_id])).items()
    } == {one.node_id: ["<b>loss"], two.node_id: ["acc"]}


async def test_rows_of_others_do_no_harm(store: str) -> None:
    """Whatever stands in a row is shown, or left out."""
    node = await logged(loss=[1.0, 2.0])
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_series SET series_line = :line, series_last = NULL"),
            {"line": b"\xff" * 5_000},
        )
    (summary,) = await list_series(node)
    assert summary.line == ()
    assert "loss" in repr([summary])
    async with open_series(node) as series:
        series.add(loss=3)
    (summary,) = await list_series(node)
    assert summary.points == 3
    assert summary.line[-1] == (3.0, 3.0)
