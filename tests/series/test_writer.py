"""Curves written: steps, values, flushes and claims, on all databases."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from artigraph import Node, delete_nodes, get_engine, new_node, new_session, write_node
from artigraph.errors import (
    FilterError,
    LockedError,
    NodeNotFoundError,
    SeriesError,
    SeriesTakenError,
)
from artigraph.filter.node import NodeFilter
from artigraph.series import open_series
from artigraph.series.codec import unpack_points
from artigraph.series.writer import log_point
from artigraph.trash.lock import lock_nodes
from artigraph.trash.trash import empty_trash, trash_nodes

Curves = dict[str, list[tuple[int, float]]]


async def rows(sql: str, **parameters: object) -> list[Any]:
    """Ask the database in SQL, past the package."""
    async with (await get_engine()).connect() as connection:
        return list((await connection.execute(text(sql), parameters)).all())


async def stored(node: Node) -> Curves:
    """All points of a node's curves, as they are stored."""
    found: Curves = {}
    for name, count, data in await rows(
        "SELECT series_name, block_count, block_data FROM artigraph_series "
        "JOIN artigraph_series_block ON block_series_id = series_id "
        "WHERE series_node_id = :node ORDER BY series_name, block_number",
        node=node.node_id,
    ):
        points = unpack_points(bytes(data), count)
        found.setdefault(name, []).extend(zip(points.steps, points.values, strict=True))
    return found


async def summary(node: Node) -> dict[str, tuple[Any, ...]]:
    """What the rows of a node's curves say."""
    return {
        row[0]: tuple(row)[1:]
        for row in await rows(
            "SELECT series_name, series_points, series_last_step, series_last, series_min, "
            "series_max FROM artigraph_series WHERE series_node_id = :node",
            node=node.node_id,
        )
    }


async def written() -> Node:
    """A node."""
    return await write_node(new_node())


async def test_points_are_stored_by_name(store: str) -> None:
    """Each name is a curve of its own, and its row says how many points, the last and extremes."""
    node = await written()
    async with open_series(node) as series:
        for step in range(3):
            series.add(step, loss=1.0 / (step + 1), accuracy=step)
        series.add(7, loss=-2)
    assert await stored(node) == {
        "loss": [(0, 1.0), (1, 0.5), (2, 1.0 / 3), (7, -2.0)],
        "accuracy": [(0, 0.0), (1, 1.0), (2, 2.0)],
    }
    assert await summary(node) == {"loss": (4, 7, -2.0, -2.0, 1.0), "accuracy": (3, 2, 2.0, 0, 2.0)}


async def test_a_step_that_is_left_out_is_the_next(store: str) -> None:
    """Steps count from 0, or from the one before, also where that was stored earlier."""
    node = await written()
    async with open_series(node) as series:
        series.add(loss=1)
        series.add(loss=2)
        series.add(10, loss=3)
        series.add(loss=4)
    series = open_series(node)
    series.add(loss=5)
    series.add(accuracy=6)
    await series.close()
    assert await stored(node) == {
        "loss": [(0, 1), (1, 2), (10, 3), (11, 4), (12, 5)],
        "accuracy": [(13, 6)],
    }


async def test_steps_repeat_and_go_back(store: str) -> None:
    """A step may come again, and a curve may begin anew: all points are kept in order."""
    node = await written()
    steps = [0, 1, 1, 2, 0, -5, 2**63 - 1, -(2**63)]
    async with open_series(node) as series:
        for value, step in enumerate(steps):
            series.add(step, loss=value)
    assert await stored(node) == {"loss": [(step, v) for v, step in enumerate(steps)]}


async def test_what_is_not_finite_is_kept(store: str) -> None:
    """NaN and infinities come back; the row tells of finite values only."""
    node = await written()
    values = [math.nan, math.inf, 2.0, -math.inf, 1.0, math.nan]
    async with open_series(node) as series:
        for value in values:
            series.add(loss=value, never=math.nan)
    found = [value for _, value in (await stored(node))["loss"]]
    assert [str(one) for one in found] == [str(one) for one in values]
    assert await summary(node) == {
        "loss": (6, 5, None, 1.0, 2.0),
        "never": (6, 5, None, None, None),
    }


async def test_a_slow_loop_makes_no_row_a_point(store: str) -> None:
    """The last block is filled up by write after write."""
    node = await written()
    async with open_series(node) as series:
        for step in range(30):
            series.add(step, loss=step)
            await series.flush()
    assert await stored(node) == {"loss": [(step, step) for step in range(30)]}
    assert len(await rows("SELECT 1 FROM artigraph_series_block")) == 1


async def test_many_points_are_cut_into_blocks(store: str) -> None:
    """A long curve has several blocks, and goes on in the last one."""
    node = await written()
    async with open_series(node) as series:
        for step in range(1_500):
            series.add(step, loss=step)
        await series.flush()
        for step in range(1_500, 1_600):
            series.add(step, loss=step)
    async with open_series(node) as series:
        series.add(loss=0)
    assert await stored(node) == {"loss": [*((s, s) for s in range(1_600)), (1_600, 0)]}
    counts = await rows("SELECT block_count FROM artigraph_series_block ORDER BY block_number")
    assert [count for (count,) in counts] == [512, 512, 512, 65]


async def test_a_loop_that_never_yields_is_written_meanwhile(store: str) -> None:
    """Points are stored by a thread while the event loop stands still."""
    node = await written()
    series = open_series(node)
    ends = time.monotonic() + 1.8
    while time.monotonic() < ends:
        series.add(loss=1.0)
        time.sleep(0.01)  # noqa: ASYNC251  # a loop that never yields
    ((points,),) = await rows("SELECT series_points FROM artigraph_series")
    assert points > 40
    await series.close()


async def test_all_curves_are_one_transaction_of_few_statements(
    store: str, database_url: str
) -> None:
    """However many curves: who writes, their rows, the blocks that grow and those that are new."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    node, sent = await written(), []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement.split()[0])

    async with open_series(node) as series:
        series.add(0, **{f"metric {one}": one for one in range(40)})
        await series.flush()
        event.listen(Engine, "before_cursor_execute", note)
        try:
            for step in range(600):
                series.add(step, **{f"metric {one}": one for one in range(40)})
            await series.flush()
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    # 24,000 points may take a second write.
    assert len(sent) <= 8, sent
    assert sent[:4] == ["UPDATE", "UPDATE", "UPDATE", "INSERT"]


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("high", "run.note(text)"),
        (True, "int(value)"),
        (np.bool_(True), "int(value)"),
        (None, "float('nan')"),
        ([1.0], "run.keep(loss=…)"),
        (np.zeros(3), "run.keep(loss=value)"),
        (1j, "run.keep"),
        (10**400, "64 bits"),
    ],
)
async def test_what_is_no_number_is_refused_at_once(value: Any, advice: str) -> None:
    """The call says what to use instead, and nothing of it is noted."""
    series = open_series(1)
    with pytest.raises(SeriesError, match=r"loss=") as refused:
        series.add(0, good=1.0, loss=value)
    assert advice in str(refused.value)
    assert not series._queue


async def test_numbers_of_libraries_are_numbers(store: str) -> None:
    """Scalars and arrays without a dimension are taken for the number that they hold."""
    node = await written()
    async with open_series(node) as series:
        series.add(np.int64(3), a=np.float32(0.5), b=np.int8(7), c=np.array(2.5), d=np.float64(1))
    assert await stored(node) == {"a": [(3, 0.5)], "b": [(3, 7)], "c": [(3, 2.5)], "d": [(3, 1)]}


@pytest.mark.parametrize("step", [1.0, "1", True, 2**63, -(2**63) - 1])
async def test_a_step_is_an_integer(step: Any) -> None:
    """Any other is refused, and nothing of the call is noted."""
    series = open_series(1)
    with pytest.raises(SeriesError, match="integer of 64 bits"):
        series.add(step, loss=1.0)
    assert not series._queue


@pytest.mark.parametrize("name", ["", "x" * 256, "a\0b", "\ud800"])
async def test_a_name_is_one_that_databases_keep(name: str) -> None:
    """Any other is refused."""
    with pytest.raises(SeriesError, match="name is a text"):
        open_series(1).add(0, **{name: 1.0})


async def test_a_point_has_a_value(store: str) -> None:
    """A call without a number says how to give one."""
    with pytest.raises(SeriesError, match=r"loss=0\.1"):
        open_series(1).add(3)


@pytest.mark.parametrize("node", [None, new_node(), NodeFilter(node_id=1), [1, 2], "run", True])
async def test_one_written_node_has_curves(store: str, node: Any) -> None:
    """Curves are opened of one node that is written."""
    with pytest.raises(FilterError):
        open_series(node)


async def test_two_writers_of_a_node_are_refused(store: str) -> None:
    """The second one is told who writes, and can write once the first has ended."""
    node = await written()
    async with open_series(node) as first:
        first.add(loss=1)
        with pytest.raises(SeriesTakenError, match="another writer of this process"):
            async with open_series(node):
                pass
        second = open_series(node)
        second.add(loss=2)
        with pytest.raises(SeriesTakenError) as refused:
            await second.close()
        assert "1 points" in "".join(refused.value.__notes__)
    await second.close()
    assert await stored(node) == {"loss": [(0, 1), (1, 2)]}


async def test_one_that_nobody_refers_to_is_no_obstacle(store: str) -> None:
    """A cell that runs again makes a new writer, and the old one has written what it had."""
    node = await written()
    series = open_series(node)
    series.add(loss=1)
    await series.flush()
    series = open_series(node)
    series.add(loss=2)
    await series.close()
    assert await stored(node) == {"loss": [(0, 1), (1, 2)]}


async def test_a_closed_one_takes_nothing(store: str) -> None:
    """It says so, and closing it again does nothing."""
    node = await written()
    async with open_series(node) as series:
        series.add(loss=1)
    with pytest.raises(SeriesError, match="are closed"):
        series.add(loss=2)
    await series.close()
    assert await stored(node) == {"loss": [(0, 1)]}


async def test_a_block_that_raises_keeps_its_points(store: str) -> None:
    """What was noted before is written, and the exception goes on."""
    node = await written()
    with suppress(ZeroDivisionError):
        async with open_series(node) as series:
            series.add(loss=1)
            raise ZeroDivisionError
    assert await stored(node) == {"loss": [(0, 1)]}


async def test_deleted_nodes_take_their_curves_along(store: str) -> None:
    """Deleting a node, and emptying the trash, leaves nothing of its curves."""
    top = await written()
    below = await write_node(new_node(node_parent_id=top.node_id))
    other = await written()
    for node in (top, below, other):
        async with open_series(node) as series:
            series.add(loss=1)
        unclosed = open_series(node)
        await unclosed.open()
    await delete_nodes(NodeFilter(node_id=top.node_id))
    assert [row[0] for row in await rows("SELECT series_node_id FROM artigraph_series")] == [
        other.node_id
    ]
    await trash_nodes(NodeFilter(node_id=other.node_id))
    await empty_trash()
    for table in ("series", "series_block", "series_writer"):
        assert await rows(f"SELECT * FROM artigraph_{table}") == []


async def test_a_node_that_is_gone_takes_no_points(store: str) -> None:
    """Deleted, in the trash or locked: it is refused."""
    node = await written()
    await lock_nodes(NodeFilter(node_id=node.node_id))
    with pytest.raises(LockedError):
        await open_series(node).open()
    other = await written()
    await trash_nodes(NodeFilter(node_id=other.node_id))
    with pytest.raises(NodeNotFoundError, match="in the trash"):
        await open_series(other).open()
    with pytest.raises(NodeNotFoundError, match="no node"):
        await open_series(2**40).open()


async def test_a_session_has_the_curves_of_its_nodes(store: str) -> None:
    """Inside of a session points are part of it: whole with its node, or not at all."""
    async with new_session():
        node = await written()
        async with open_series(node) as series:
            series.add(loss=1)
            await series.flush()
            series.add(loss=2)
    assert await stored(node) == {"loss": [(0, 1), (1, 2)]}
    with suppress(ZeroDivisionError):
        async with new_session():
            async with open_series(node) as series:
                series.add(loss=3)
            raise ZeroDivisionError
    assert await stored(node) == {"loss": [(0, 1), (1, 2)]}


async def test_writers_side_by_side_write_at_once(store: str) -> None:
    """Tasks log to nodes of their own."""
    nodes = [await written() for _ in range(8)]

    async def log(node: Node) -> None:
        async with open_series(node) as series:
            for step in range(50):
                series.add(step, loss=step)
                await asyncio.sleep(0)

    await asyncio.gather(*map(log, nodes))
    for node in nodes:
        assert await stored(node) == {"loss": [(step, step) for step in range(50)]}


async def test_one_line_may_log(store: str) -> None:
    """A point at a time, through the writer that is open, or without one."""
    node = await written()
    await log_point(node.node_id, None, {"loss": 1})
    await log_point(node.node_id, None, {"loss": 2})
    async with open_series(node) as series:
        series.add(loss=3)
        await log_point(node.node_id, None, {"loss": 4})
        assert await stored(node) == {"loss": [(0, 1), (1, 2), (2, 3), (3, 4)]}
