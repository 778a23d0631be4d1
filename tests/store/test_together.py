"""What several do at the same time, and what is told of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.util import await_only

from artigraph import (
    ArtigraphError,
    CycleError,
    DatabaseBusyError,
    DatabaseRefusedError,
    DataModel,
    LabelExistsError,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    SerializationError,
    TransactionFailedError,
    count_models,
    count_nodes,
    create_current,
    current_model_group,
    delete_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    read_model,
    read_node,
    read_nodes,
    read_path,
    set_engine,
    write_model,
    write_models,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.db import turn
from tests.conftest import Statements

pytestmark = pytest.mark.usefixtures("store")


class TogetherFit(DataModel, version=1):
    loss: float


class TogetherWeights(DataModel, version=1):
    weights: np.ndarray[Any, Any]


class TogetherText(DataModel, version=1):
    text: str


class TogetherNote(Node):
    """A node with a long text."""

    __mapper_args__ = {"polymorphic_identity": "together_note"}  # noqa: RUF012  # as SQLAlchemy has it
    together_note: Mapped[str | None] = mapped_column(default=None)


async def labels(of: list[Node]) -> list[str | None]:
    """What the database has now, in the order of the nodes."""
    ids = [node.node_id for node in of]
    by_id = {node.node_id: node.node_label for node in await read_nodes(NodeFilter(node_id=ids))}
    return [by_id[node_id] for node_id in ids]


# ------------------------------------------------------------ labels that change hands


async def test_labels_go_round_in_one_call(statements: Statements) -> None:
    """A call is valid as a whole: a swap, a rotation with a new node; one rename costs the same."""
    top = await write_node(new_node(node_label="top"))
    a, b = await write_nodes(
        [new_node(node_label=label, node_parent_id=top.node_id) for label in "ab"]
    )
    a.node_label, b.node_label = "b", "a"
    await write_nodes([a, b])
    assert await labels([a, b]) == ["b", "a"]
    a.node_label = "older"
    new = new_node(node_label="b", node_parent_id=top.node_id)
    await write_nodes([a, new])
    assert await labels([a, new]) == ["older", "b"]
    statements.clear()
    a.node_label = "oldest"
    await write_node(a)
    assert len(statements) == 1


async def test_parents_are_swapped_in_one_call() -> None:
    """Children of one label change places, in both ways of moving; nothing else is touched."""
    p, q = await write_nodes([new_node(), new_node()])
    x, y = await write_nodes(
        [new_node(node_label="same", node_parent_id=up.node_id) for up in (p, q)]
    )
    await write_parent_child_relationships([(q.node_id, x.node_id), (p.node_id, y.node_id)])
    x, y = await read_nodes(NodeFilter(node_id=[x.node_id, y.node_id]))
    assert (x.node_parent_id, y.node_parent_id) == (q.node_id, p.node_id)
    x.node_parent_id, y.node_parent_id = p.node_id, q.node_id
    x.node_label = "renamed"
    await write_nodes([x, y])
    x, y = await read_nodes(NodeFilter(node_id=[x.node_id, y.node_id]))
    assert (x.node_parent_id, y.node_parent_id) == (p.node_id, q.node_id)
    assert (x.node_label, y.node_label) == ("renamed", "same")


async def test_labels_of_rows_that_are_named_by_id_go_round() -> None:
    """Also where nodes are made anew with the ids of rows."""
    top = await write_node(new_node())
    a, b = await write_nodes(
        [new_node(node_label=label, node_parent_id=top.node_id) for label in "ab"]
    )
    again = [
        new_node(node_id=node.node_id, node_label=label, node_parent_id=top.node_id)
        for node, label in ((a, "b"), (b, "a"))
    ]
    await write_nodes(again)
    assert await labels([a, b]) == ["b", "a"]


async def test_a_label_that_stays_taken_is_refused() -> None:
    """And all of the call with it: nothing has lost its label."""
    top = await write_node(new_node())
    nodes = [new_node(node_label=label, node_parent_id=top.node_id) for label in "abc"]
    a, b, c = await write_nodes(nodes)
    a.node_label, b.node_label = "b", "c"
    with pytest.raises(LabelExistsError, match=f"that of node {c.node_id}"):
        await write_nodes([a, b])
    assert await labels([a, b, c]) == ["a", "b", "c"]
    b.node_label = "a"
    a.node_label = "b"
    await write_nodes([a, b])
    assert await labels([a, b, c]) == ["b", "a", "c"]


# ------------------------------------------------------- at the same rows at once


async def test_a_deletion_beside_those_who_write_below() -> None:
    """It deletes all that is there; who comes too late is told that the parent is gone."""
    for n in range(6):
        old = await write_node(new_node(node_label=f"old {n}"))

        async def write(i: int, under: Node = old) -> None:
            models = {f"{i}-{j}": TogetherFit(j) for j in range(4)}
            await write_models(parent_id=under.node_id, models=models)

        async def delete(node: Node = old) -> int:
            await asyncio.sleep(0.002)
            return await delete_nodes(NodeFilter(node_id=node.node_id))

        results = await asyncio.gather(
            *(write(i) for i in range(4)), delete(), return_exceptions=True
        )
        written = sum(result is None for result in results[:4])
        assert results[4] == 1 + 4 * written, results
        assert all(isinstance(r, ArtigraphError | None) for r in results[:4]), results
    assert await count_nodes(NodeFilter()) == 0


async def test_no_row_goes_that_no_deletion_has_counted() -> None:
    """Whoever writes, moves and deletes in the same trees: what was written is there or counted.

    Who writes or moves below a node that is being deleted either comes first, and is deleted
    and counted with it, or is told that it is gone.
    """
    tops = [node.node_id for node in await write_nodes([new_node() for _ in range(2)])]
    written: list[int] = []
    deleted: list[int] = []
    hung: dict[int, set[int | None]] = {}

    async def work(task: int) -> None:
        dice = random.Random(task)
        for _ in range(15):
            there = [node.node_id for node in await read_nodes(NodeFilter())]
            below = [node_id for node_id in there if node_id not in tops]
            roll = dice.random()
            with suppress(CycleError, NodeNotFoundError):
                if roll < 0.4 or len(below) < 20:
                    above = dice.choice(there)
                    nodes = [new_node(node_parent_id=above) for _ in range(dice.randrange(1, 4))]
                    ids = [node.node_id for node in await write_nodes(nodes)]
                    written.extend(ids)
                    hung.update({node_id: {above} for node_id in ids})
                elif roll < 0.8:
                    above, child = dice.choice(there), dice.choice(below)
                    await write_parent_child_relationships([(above, child)])
                    hung[child].add(above)
                else:
                    chosen = NodeFilter(node_id=dice.choice(below[:4]))  # with most below it
                    deleted.append(await delete_nodes(chosen))

    await asyncio.gather(*(work(task) for task in range(8)))
    left = await read_nodes(NodeFilter())
    assert len(left) - len(tops) == len(written) - sum(deleted)
    for node in left:
        assert node.node_id in tops or node.node_parent_id in hung[node.node_id]


async def test_what_was_moved_away_is_not_deleted() -> None:
    """A node that hangs elsewhere by the time of the deletion stays, with all below it."""
    for _ in range(12):
        old, other = await write_nodes([new_node(), new_node()])
        child = await write_node(new_node(node_parent_id=old.node_id))
        below = await write_node(new_node(node_parent_id=child.node_id))
        moved, deleted = await asyncio.gather(
            write_parent_child_relationships([(other.node_id, child.node_id)]),
            delete_nodes(NodeFilter(node_id=old.node_id)),
            return_exceptions=True,
        )
        assert isinstance(moved, ArtigraphError | None), moved
        if moved is None:
            assert deleted == 1
            assert [n.node_id for n in await read_path(below.node_id)] == [
                other.node_id,
                child.node_id,
                below.node_id,
            ]
        else:
            assert deleted == 3


@pytest.fixture
async def before_the_deletion(store: str) -> AsyncIterator[Callable[[Callable[[], Any]], None]]:
    """Does something once, between a deletion's look and what it does next."""
    if store == "sqlite":
        pytest.skip("there is one writer at a time")
    engine = (await get_engine()).sync_engine
    waiting: list[Callable[[], Any]] = []

    def look(_c: object, _cursor: object, statement: str, *_: object) -> None:
        of_deletion = statement.startswith("DELETE") or "FOR UPDATE" in statement
        if waiting and (of_deletion or "SET node_parent_id" in statement):
            await_only(waiting.pop()())

    event.listen(engine, "before_cursor_execute", look)
    yield waiting.append
    event.remove(engine, "before_cursor_execute", look)
    assert not waiting


@pytest.mark.parametrize("asked", ["label", "label and parent", "label and relation"])
async def test_what_was_renamed_meanwhile_is_not_deleted(
    before_the_deletion: Callable[[Callable[[], Any]], None], asked: str
) -> None:
    """A deletion by label takes what has the label when it goes, and looks again otherwise."""
    root = await write_node(new_node(node_label="root"))
    old, other = await write_nodes(
        [new_node(node_label=label, node_parent_id=root.node_id) for label in ("old", "other")]
    )
    await write_node(new_node(node_label="below", node_parent_id=old.node_id))
    relation = {
        "label": None,
        "label and parent": NodeRelationshipFilter(child_of=root.node_id),
        "label and relation": NodeRelationshipFilter(descendant_of=root.node_id),
    }[asked]
    filter = NodeFilter(label="old")
    if relation is not None:
        filter = NodeFilter(label="old", relationship=relation)

    async def swap() -> None:
        old.node_label, other.node_label = "kept", "old"
        await write_nodes([old, other])

    before_the_deletion(swap)
    assert await delete_nodes(filter) == 1
    left = await read_nodes(NodeFilter())
    assert sorted(node.node_label or "" for node in left) == ["below", "kept", "root"]


async def test_renames_of_the_same_nodes_in_any_order() -> None:
    """Each takes its turn: no deadlock reaches anybody, and each is written whole."""
    nodes = await write_nodes([new_node(node_label=f"k{i}") for i in range(6)])
    ids = [node.node_id for node in nodes]

    async def rename(task: int) -> None:
        for n in range(5):
            found = await read_nodes(NodeFilter(node_id=ids))
            for node in found:
                node.node_label = f"{task}.{n}"
            await write_nodes(found[:: 1 if task % 2 else -1])

    await asyncio.gather(*(rename(task) for task in range(4)))
    assert len(set(await labels(nodes))) == 1


async def test_two_deletions_of_one_subtree() -> None:
    """They come to an end, and together have deleted each row once."""
    for _ in range(8):
        top = await write_node(new_node())
        await write_nodes([new_node(node_parent_id=top.node_id) for _ in range(5)])
        counts = await asyncio.gather(
            *(delete_nodes(NodeFilter(node_id=top.node_id)) for _ in range(3))
        )
        assert sorted(counts) == [0, 0, 6]


async def test_prunes_in_sessions_beside_those_who_write_below() -> None:
    """Each either holds whole, with its receipt, or says that it lost and may be run again.

    By itself it is not: of a session the other statements would have to be run again as well.
    """
    receipts = await write_node(new_node(node_label="receipts"))
    grown: list[int] = []
    pruned: list[int] = []

    async def again(body: Callable[[], Awaitable[None]]) -> None:
        for _ in range(200):
            try:
                return await body()
            except DatabaseBusyError as error:
                if not error.is_conflict:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01))
        raise AssertionError("It goes on losing.")

    async def grow(top: int) -> None:
        for _ in range(6):

            async def body() -> None:
                async with new_session():
                    nodes = await write_nodes([new_node(node_parent_id=top) for _ in range(3)])
                    below = [new_node(node_parent_id=node.node_id) for node in nodes]
                    await write_nodes(below)
                grown.append(6)

            with suppress(NodeNotFoundError):
                await again(body)

    async def prune(top: int) -> None:
        async def body() -> None:
            async with new_session():
                rows = await delete_nodes(NodeFilter(node_id=top))
                await write_node(new_node(node_parent_id=receipts.node_id))
            pruned.append(rows)

        await asyncio.sleep(random.uniform(0, 0.02))
        await again(body)

    tops = [node.node_id for node in await write_nodes([new_node() for _ in range(4)])]
    async with asyncio.TaskGroup() as group:
        for top in tops:
            for work in (grow, grow, prune, prune):
                group.create_task(work(top))
    on_receipts = NodeRelationshipFilter(child_of=receipts.node_id)
    assert await count_nodes(NodeFilter(relationship=on_receipts)) == len(pruned) == 8
    assert sum(pruned) == len(tops) + sum(grown)
    assert await count_nodes(NodeFilter()) == 1 + len(pruned)


async def test_a_deadlock_in_a_session_is_told(store: str) -> None:
    """It cannot be run again by itself; the error says that it lost, and that it may be."""
    if store == "sqlite":
        pytest.skip("there is one writer at a time")
    a, b = await write_nodes([new_node(), new_node()])
    meet = asyncio.Barrier(2)

    async def work(label: str, nodes: list[Node]) -> None:
        one, two = await read_nodes(NodeFilter(node_id=[n.node_id for n in nodes]))
        if one.node_id != nodes[0].node_id:
            one, two = two, one
        one.node_label = two.node_label = label
        async with new_session():
            await write_node(one)
            await meet.wait()
            await write_node(two)

    results = await asyncio.gather(work("x", [a, b]), work("y", [b, a]), return_exceptions=True)
    lost = [result for result in results if result is not None]
    assert len(lost) == 1
    assert isinstance(lost[0], DatabaseBusyError), lost
    assert lost[0].is_conflict
    assert await labels([a, b]) == (["x", "x"] if results[0] is None else ["y", "y"])


async def test_what_goes_on_being_in_the_way_is_told(store: str) -> None:
    """A call is made again a few times, not for ever, and then says what was in the way."""
    if store == "sqlite":
        pytest.skip("there is one writer at a time")
    node = await write_node(new_node())
    engine = (await get_engine()).sync_engine
    tries = 0

    def fail(_c: Any, cursor: Any, statement: str, *_: object) -> None:
        nonlocal tries
        if statement.startswith("DELETE"):
            tries += 1
            raised = {
                "postgresql": "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
                "mariadb": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'lost'",
            }
            cursor.execute(raised[store])

    event.listen(engine, "before_cursor_execute", fail)
    try:
        with pytest.raises((DatabaseBusyError, DBAPIError)):
            await delete_nodes(NodeFilter(node_id=node.node_id))
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert tries >= 1
    assert await count_nodes(NodeFilter(node_id=node.node_id)) == 1


# ------------------------------------------------------------------ one session, many tasks


@pytest.mark.parametrize("wait", ["await", "gather", "wait", "group", "between"])
async def test_a_task_that_an_inner_session_waits_for(
    wait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for that session to end, which waits for it: it is told so, and both go on."""
    monkeypatch.setattr("artigraph.db.turn.LOOK_SECONDS", 0.01)

    async def beside() -> None:
        await write_node(new_node(node_label="beside"))

    async def between(task: asyncio.Task[None]) -> None:
        await task

    async def nested(task: asyncio.Task[None]) -> None:
        async with new_session():
            await write_node(new_node(node_label="inside"))
            if wait == "await":
                await task
            elif wait == "gather":
                await asyncio.gather(task, asyncio.sleep(0))
            elif wait == "wait":
                await asyncio.wait({task})
                await task
            elif wait == "between":
                await asyncio.create_task(between(task))
            else:
                async with asyncio.TaskGroup() as group:
                    group.create_task(between(task))

    async with new_session():
        task = asyncio.create_task(beside())
        with pytest.raises((TransactionFailedError, ExceptionGroup)):
            await nested(task)
        with pytest.raises(TransactionFailedError, match="neither would ever end"):
            await task
        await write_node(new_node(node_label="after"))
    assert [n.node_label for n in await read_nodes(NodeFilter())] == ["after"]


async def test_a_turn_that_is_promised_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes as it is handed on looks as well whether it waits in vain."""
    monkeypatch.setattr(turn, "LOOK_SECONDS", 0.05)
    turns, newcomer = turn.Turns(), asyncio.current_task()

    async def first() -> None:
        async with turns:
            await asyncio.wait([one for one in [newcomer] if one])

    async with turns:
        waiting = asyncio.create_task(first())
        await asyncio.sleep(0)
    with pytest.raises(TransactionFailedError, match="waits for this task"):
        async with asyncio.timeout(300), turns:
            pass
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_a_table_of_the_user_that_refers_to_a_node(
    statements: Statements, store: str
) -> None:
    """A deletion that its constraint stands against is refused at once, and told by its name."""
    node, below = new_node(node_label="a"), new_node(node_label="b")
    await write_node(node)
    below.node_parent_id = node.node_id
    await write_node(below)
    engine = await get_engine()
    id_type = "INTEGER" if store == "sqlite" else "BIGINT"
    key = "FOREIGN KEY (id) REFERENCES artigraph_node (node_id)"
    async with engine.begin() as connection:
        await connection.execute(text(f"CREATE TABLE together_mine (id {id_type}, {key})"))
        await connection.execute(text(f"INSERT INTO together_mine VALUES ({below.node_id})"))
    try:
        statements.clear()
        with pytest.raises(DatabaseRefusedError, match=r"table 'together_mine' refer.*deleted"):
            await delete_nodes(NodeFilter(label="a"))
        assert sum(s.startswith("DELETE") for s in statements) == 1
        assert await count_nodes(NodeFilter()) == 2
        async with new_session():
            await write_node(new_node(node_label="c"))
            with pytest.raises(DatabaseRefusedError, match="together_mine"):
                await delete_nodes(NodeFilter(label="a"))
        assert await count_nodes(NodeFilter()) == 3
        async with engine.begin() as connection:
            await connection.execute(text("DELETE FROM together_mine"))
        assert await delete_nodes(NodeFilter(label="a")) == 2
    finally:
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE together_mine"))


async def test_a_task_that_nobody_waits_for_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the inner session is."""
    monkeypatch.setattr("artigraph.db.turn.LOOK_SECONDS", 0.005)
    async with new_session():
        task = asyncio.create_task(write_node(new_node(node_label="beside")))
        async with new_session():
            await write_node(new_node(node_label="inside"))
            await asyncio.sleep(0.03)
        await task
    assert await count_nodes(NodeFilter()) == 2


# ----------------------------------------------- entered in one context, left in another


async def in_a_task(work: Callable[[], Awaitable[Any]]) -> Any:
    """As a cell of a notebook: a task, and a context, of its own."""
    return await asyncio.create_task(work())  # type: ignore[arg-type]  # it is a coroutine


async def test_a_group_that_one_cell_enters_and_another_leaves() -> None:
    """It is current in the cells between, is saved by the last one, and is then over."""
    stack = AsyncExitStack()
    day, step = ModelGroup(new_node(node_label="day")), ModelGroup(new_node(node_label="step"))

    async def enter() -> None:
        await stack.enter_async_context(day)

    async def between() -> None:
        assert current_model_group() is day
        day.add_model("fit", TogetherFit(0.1))
        async with step:
            assert step.get_parent_group() is day
        async with create_current(Node, node_label="other"):
            pass

    await in_a_task(enter)
    await in_a_task(between)
    await in_a_task(stack.aclose)
    assert current_model_group() is None
    assert step.node.node_parent_id == day.node.node_id
    below = NodeRelationshipFilter(child_of=day.node)
    assert [n.node_label for n in await read_nodes(below)] == ["step", "other", "fit"]

    async def after() -> Node:
        async with ModelGroup(new_node()) as group:
            return group.node

    assert (await in_a_task(after)).node_parent_id is None


async def test_groups_of_several_cells_are_left_in_any_order() -> None:
    """The innermost that is not left is the current one."""
    first, second = ModelGroup(new_node()), ModelGroup(new_node())
    await in_a_task(first.__aenter__)
    await in_a_task(second.__aenter__)
    assert current_model_group() is second
    await in_a_task(lambda: first.__aexit__(None, None, None))
    assert current_model_group() is second
    await in_a_task(lambda: second.__aexit__(None, None, None))
    assert current_model_group() is None
    assert second.node.node_parent_id == first.node.node_id


async def test_a_block_of_a_task_that_runs_is_its_own() -> None:
    """Another task does not see it."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with ModelGroup(new_node()):
            entered.set()
            await leave.wait()

    task = asyncio.create_task(work())
    await entered.wait()
    assert current_model_group() is None
    leave.set()
    await task


async def test_a_session_that_one_cell_enters_and_another_leaves() -> None:
    """The calls between are part of it; it is committed, or rolled back, by who leaves it."""
    for error in (None, ValueError("no")):
        opened = new_session()
        await in_a_task(opened.__aenter__)
        await in_a_task(lambda: write_node(new_node(node_label="between")))
        end = (None, None, None) if error is None else (ValueError, error, None)
        with suppress(ValueError):
            await in_a_task(partial(opened.__aexit__, *end))
        assert await count_nodes(NodeFilter(label="between")) == 1
    await in_a_task(lambda: write_node(new_node(node_label="after")))
    assert await count_nodes(NodeFilter()) == 2


async def test_a_database_that_one_cell_enters_and_another_leaves() -> None:
    """As with groups: the cells between use it."""
    stack = AsyncExitStack()

    async def enter() -> None:
        stack.enter_context(engine_context("sqlite+aiosqlite:///:memory:", create_tables=True))

    await in_a_task(enter)
    await in_a_task(lambda: write_node(new_node(node_label="elsewhere")))
    assert await count_nodes(NodeFilter()) == 1
    await in_a_task(stack.aclose)
    assert await count_nodes(NodeFilter()) == 0


# ----------------------------------------------------------------- connections


async def test_a_setting_that_is_set_again_leaves_no_connections(
    store: str, database_url: str
) -> None:
    """A cell that runs again has one connection open, however often; the old ones still serve."""
    resets = []
    engines = []
    for _ in range(4):
        resets.append(set_engine(database_url, create_tables=True))
        engines.append(await get_engine())
        assert await count_nodes(NodeFilter()) == 0
    for _ in range(50):
        await asyncio.sleep(0.01)
        opened = [engine.sync_engine.pool.checkedin() for engine in engines]  # type: ignore[attr-defined]  # of a QueuePool
        if opened == [0, 0, 0, 1]:
            break
    else:
        pytest.fail(f"{opened} connections are open")
    while resets:
        resets.pop()()
        await write_node(new_node())
    assert await count_nodes(NodeFilter()) == 4


async def test_a_setting_that_is_replaced_while_it_is_at_work(
    store: str, database_url: str
) -> None:
    """A session goes on to its end on the connection that it has, which is closed then."""
    set_engine(database_url, create_tables=True)
    engine = await get_engine()
    pool: Any = engine.sync_engine.pool
    async with new_session():
        await write_node(new_node(node_label="a"))
        reset = set_engine(database_url, create_tables=True)
        assert await count_nodes(NodeFilter()) == 1
        await asyncio.sleep(0.05)
        assert pool.checkedout() == 1
        await write_node(new_node(node_label="b"))
    for _ in range(100):
        await asyncio.sleep(0.01)
        if (pool.checkedout(), pool.checkedin()) == (0, 0):
            break
    else:
        pytest.fail("the connection is open still")
    assert await count_nodes(NodeFilter()) == 2
    reset()
    assert await get_engine() is engine
    assert await count_nodes(NodeFilter()) == 2


async def test_an_engine_of_ones_own_is_closed_by_its_owner(store: str, database_url: str) -> None:
    """Whoever made it may use it elsewhere: replaced, it stays as it is until it is disposed of."""
    first, second = create_async_engine(database_url), create_async_engine(database_url)
    pools: list[Any] = []
    for engine in (first, second):
        set_engine(engine, create_tables=True)
        assert await count_nodes(NodeFilter()) == 0
        pools.append(engine.sync_engine.pool)
    await asyncio.sleep(0.05)
    assert [pool.checkedin() for pool in pools] == [1, 1]
    async with first.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    await first.dispose()
    assert [pool.checkedin() for pool in pools] == [0, 1]
    assert await count_nodes(NodeFilter()) == 0
    await second.dispose()


# ------------------------------------------------------------ what drivers' errors look like


async def limit_of(store: str) -> int:
    """How many bytes a statement may have."""
    async with (await get_engine()).connect() as connection:
        return int(str((await connection.execute(text("SELECT @@max_allowed_packet"))).scalar()))


async def test_a_value_that_is_too_long_for_the_server(store: str) -> None:
    """It is refused by name before the server hangs up, whatever else its session has written."""
    if store != "mariadb":
        value = TogetherText("x" * 200_000)
        await write_model(label="long", model=value)
        assert (await read_model(ModelFilter(label="long"))).value == value
        return
    half = await limit_of(store) // 2 + 1
    long: list[Awaitable[Any]] = [
        # What needs a backslash takes two bytes.
        write_model(label="fit", model=TogetherWeights(np.zeros(half, np.uint8))),
        write_model(label="fit", model=TogetherText("'" * half)),
        write_node(TogetherNote(node_label="fit", together_note="\n" * half)),
    ]
    async with new_session():
        await write_node(new_node(node_label="before"))
        for call in long:
            with pytest.raises(SerializationError, match=r"(?s)'fit'.*max_allowed_packet"):
                await call
    note = await write_node(TogetherNote())
    note.together_note = "'" * half
    with pytest.raises(SerializationError, match="together_note"):
        await write_node(note)
    assert await count_nodes(NodeFilter()) == 2
    await write_model(label="fits", model=TogetherText("x" * half))


async def test_a_right_that_is_missing(store: str) -> None:
    """The driver's words are told as artigraph's error, and nothing is written."""
    if store == "sqlite":
        pytest.skip("a file has no grants; see test_read_only.py")
    engine = (await get_engine()).sync_engine
    codes = {
        "postgresql": "DO $$ BEGIN RAISE SQLSTATE '53100' USING MESSAGE = 'disk full'; END $$",
        "mariadb": "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'disk full'",
    }

    async with new_session() as session:
        # Of a statement of one's own the driver's error is one's own.
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text(codes[store]))

    def fill(connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("INSERT"):
            connection.exec_driver_sql(codes[store])

    event.listen(engine, "before_cursor_execute", fill)
    try:
        with pytest.raises(DatabaseRefusedError, match="disk full"):
            await write_node(new_node())
    finally:
        event.remove(engine, "before_cursor_execute", fill)
    assert await count_nodes(NodeFilter()) == 0
    assert await count_models(ModelFilter()) == 0
    node = await write_node(new_node())
    assert (await read_node(NodeFilter())).node_id == node.node_id
