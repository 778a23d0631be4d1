"""How often one call waits for a server, and that nothing is lost by waiting less."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    DataModel,
    LabelExistsError,
    ModelGroup,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    count_models,
    count_nodes,
    get_engine,
    new_node,
    read_model,
    read_models,
    read_node,
    read_nodes,
    write_model,
    write_models,
    write_node,
)
from tests.store.line import Line, line_to

Call = Callable[[], Awaitable[object]]


class RoundTripFit(DataModel, version=1):
    loss: float


class RoundTripCurve(DataModel, version=1):
    values: Any


@pytest.fixture
async def line(database: str, database_url: str) -> AsyncIterator[Line]:
    """A line to a server, and an empty store at its other end."""
    if database == "sqlite":
        pytest.skip("a file is no server")
    async with line_to(database_url, pool_size=1) as opened:
        yield opened


async def round_trips(line: Line, call: Call) -> int:
    """How often a call sends something; it has been made before, so nothing is prepared."""
    await call()
    await call()
    line.sent.clear()
    await call()
    return len(line.sent)


@pytest.fixture
async def root() -> Node:
    """A node to write under."""
    return await write_node(new_node())


async def test_a_question_of_one_statement_is_no_transaction(
    line: Line, database: str, root: Node
) -> None:
    """On PostgreSQL it is sent alone; MariaDB opens a transaction by itself, which must end."""
    fit = (await write_model(parent_id=root, label="fit", model=RoundTripFit(0.5))).artifact
    curve = await write_model(parent_id=root, label="curve", model=RoundTripCurve(np.arange(3)))
    here, there = NodeFilter(node_id=fit.node_id), NodeFilter(node_id=curve.artifact.node_id)
    end = 0 if database == "postgresql" else 1
    questions = (read_model, read_node, read_nodes, count_nodes)
    for question in questions:
        asked: Call = partial(question, here)
        assert await round_trips(line, asked) == 1 + end, question
    assert await round_trips(line, partial(read_model, there)) == 2 + end
    # Of many, the rows and their parts are of one moment.
    begin = 1 if database == "postgresql" else 0
    below = NodeRelationshipFilter(child_of=root)
    assert await round_trips(line, partial(read_models, below)) == begin + 3


async def test_a_write_of_one_batch_is_few_trips(line: Line, database: str, root: Node) -> None:
    """Ids, rows, COMMIT; and no ROLLBACK behind that."""
    count = iter(range(1000))

    async def model() -> None:
        await write_model(parent_id=root, label=f"m{next(count)}", model=RoundTripFit(0.5))

    async def node() -> None:
        await write_node(new_node(node_parent_id=root.node_id))

    async def models() -> None:
        many = {f"m{next(count)}": RoundTripFit(0.5) for _ in range(20)}
        await write_models(parent_id=root, models=many)

    async def group() -> None:
        async with ModelGroup(new_node(node_parent_id=root.node_id)) as group:
            for i in range(3):
                group.add_model(f"m{i}", RoundTripFit(i / 7))

    begin = 1 if database == "postgresql" else 0
    for write in (model, models, node):
        assert await round_trips(line, write) == begin + 3, write
    assert await round_trips(line, group) == begin + 5


async def test_a_batch_that_is_refused_leaves_nothing(line: Line, root: Node) -> None:
    """Whole or not at all, and the connection is kept."""
    await write_model(parent_id=root, label="a", model=RoundTripFit(0.5))
    opened = line.opened
    for _ in range(2):
        many = {name: RoundTripFit(0.5) for name in ("b", "c", "a", "d")}
        with pytest.raises(LabelExistsError, match="the label 'a' is taken"):
            await write_models(parent_id=root, models=many)
    assert await count_models(NodeFilter()) == 1
    assert line.opened == opened


async def test_a_write_that_waits_for_a_lock_can_be_cancelled(line: Line, root: Node) -> None:
    """It ends at once, and is not written once the lock is gone."""
    locked = text("SELECT * FROM artigraph_node WHERE node_id = :id FOR UPDATE")
    direct = create_async_engine((await get_engine()).url)
    async with direct.connect() as other:
        await other.execute(locked, {"id": root.node_id})
        task = asyncio.create_task(
            write_model(parent_id=root, label="late", model=RoundTripFit(0.5))
        )
        await asyncio.sleep(0.3)
        task.cancel()
        async with asyncio.timeout(30):
            with pytest.raises(asyncio.CancelledError):
                await task
        await other.rollback()
    await direct.dispose()
    assert await count_models(NodeFilter(label="late")) == 0


async def test_a_batch_that_is_cancelled_is_whole(line: Line, root: Node) -> None:
    """At whatever moment, and the objects know."""
    for wait in range(12):
        many = {f"{wait}-{i}": RoundTripFit(i / 7) for i in range(20)}
        task = asyncio.create_task(write_models(parent_id=root, models=many))
        await asyncio.sleep(wait / 2000)
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        written = await count_models(NodeFilter(label=list(many)))
        assert written in (0, 20)
        assert written or isinstance(outcome, asyncio.CancelledError)


async def test_an_error_of_ones_own_is_rolled_back(line: Line, root: Node) -> None:
    """What its statement has begun ends with the session, whatever the server last said."""
    engine = await get_engine()
    async with engine.connect() as connection:
        with pytest.raises(Exception, match="no_such_table"):
            await connection.execute(text("SELECT * FROM no_such_table"))
    async with engine.connect() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_label = 'no'"))
    assert (await read_node(NodeFilter(node_id=root.node_id))).node_label is None
