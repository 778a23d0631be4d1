"""What one call costs on a SQLite connection's thread, and that nothing else is different."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from artigraph import (
    DataModel,
    LabelExistsError,
    ModelArtifact,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    ParentNotFoundError,
    count_models,
    engine_context,
    get_engine,
    new_node,
    new_session,
    read_model,
    read_models,
    read_node,
    read_nodes,
    write_model,
    write_models,
    write_node,
    write_nodes,
)


class TripsFit(DataModel, version=1):
    loss: float


class TripsPair(DataModel, version=1):
    number: int
    inner: TripsFit


class TripsCurve(DataModel, version=1):
    losses: list[float]
    name: str


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """A SQLite file with one model, set as the store."""
    path = tmp_path / "trips.db"
    with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
        await write_model(label="first", model=TripsFit(0.5))
        yield path


async def trips(monkeypatch: pytest.MonkeyPatch, call: Callable[[], Awaitable[object]]) -> int:
    """How often a call waits for another thread."""
    loop, count = asyncio.get_running_loop(), 0
    answer = loop.call_soon_threadsafe

    def counted(*args: Any, **kwargs: Any) -> asyncio.Handle:
        nonlocal count
        count += 1
        return answer(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "call_soon_threadsafe", counted)
        await call()
    return count


async def test_a_question_is_one_trip(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BEGIN goes along, the cursor is closed on the thread, and nobody awaits the ROLLBACK."""
    here = NodeFilter(label="first")
    questions: list[Callable[[NodeFilter], Awaitable[object]]] = [
        read_model,
        read_node,
        read_models,
        read_nodes,
        count_models,
    ]
    for question in questions:
        assert await trips(monkeypatch, partial(question, here)) == 1, question
    # Many rows are made into objects on a thread of their own.
    await write_models(models={f"m{i}": TripsFit(i / 7) for i in range(300)})
    assert await trips(monkeypatch, lambda: read_models(NodeFilter())) == 3


async def test_a_write_is_one_trip(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BEGIN, the ids, the rows, and COMMIT; however many rows there are."""
    assert await trips(monkeypatch, lambda: write_model(label="a", model=TripsFit(1.0))) == 1
    listed = TripsCurve([0.1] * 20, "of a run")
    assert await trips(monkeypatch, lambda: write_model(label="b", model=listed)) == 1
    many = {f"m{i}": TripsFit(i / 7) for i in range(100)}
    assert await trips(monkeypatch, lambda: write_models(models=many)) == 1
    # What takes long to encode is encoded on a thread.
    long = TripsCurve([0.1] * 20_000, "of a run")
    assert await trips(monkeypatch, lambda: write_model(label="c", model=long)) == 2


async def test_a_group_is_two_trips(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its node, and its models with the COMMIT."""

    async def block() -> None:
        async with ModelGroup(new_node(node_label="group")) as group:
            for i in range(3):
                group.add_model(f"m{i}", TripsFit(i / 7))

    assert await trips(monkeypatch, block) == 2
    assert await count_models(NodeFilter()) == 4


async def test_a_sessions_statement_is_one_trip(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that sends nothing makes none, and so does its end."""

    async def nothing() -> None:
        async with new_session():
            pass

    assert await trips(monkeypatch, nothing) == 0
    async with new_session() as session:
        await session.execute(text("SELECT 1"))
        statement = text("UPDATE artigraph_node SET node_label = 'b'")
        assert await trips(monkeypatch, lambda: session.execute(statement)) == 1
    assert (await read_node(NodeFilter())).node_label == "b"


async def past_sqlalchemy(connection: AsyncConnection) -> None:
    """Give a statement to the driver in a transaction that has only begun."""
    await connection.begin()
    pooled = await connection.get_raw_connection()
    adapted: Any = pooled.dbapi_connection
    statement = "UPDATE artigraph_node SET node_label = 'no'"
    await connection.run_sync(lambda _: adapted.run_async(lambda d: d.execute(statement)))


async def test_what_was_not_committed_is_taken_back(path: Path) -> None:
    """Whatever was sent, and by which way; the next one to write need not wait."""
    engine = await get_engine()
    ways: dict[str, Callable[[Any], Awaitable[object]]] = {
        "returning": lambda c: c.execute(
            text("UPDATE artigraph_node SET node_label = 'no' RETURNING node_id")
        ),
        "table": lambda c: c.execute(text("CREATE TABLE no (x INTEGER)")),
        "driver": past_sqlalchemy,
        "many": lambda c: c.execute(
            text("UPDATE artigraph_node SET node_label = :a"), [{"a": "no"}, {"a": "none"}]
        ),
    }
    for name, way in ways.items():
        async with engine.connect() as connection:
            await way(connection)
        with closing(sqlite3.connect(path, timeout=0)) as other:
            assert other.execute("SELECT node_label FROM artigraph_node").fetchall() == [
                ("first",)
            ], name
            assert (
                other.execute("SELECT name FROM sqlite_master WHERE name = 'no'").fetchall() == []
            )
            other.execute("UPDATE artigraph_node SET node_label = node_label")
            other.commit()


async def test_rows_can_be_streamed(path: Path) -> None:
    """A stream fetches as it is asked, in the transaction, which is open until then."""
    await write_models(models={f"m{i}": TripsFit(i / 7) for i in range(50)})
    engine = await get_engine()
    async with engine.connect() as connection, AsyncSession(engine) as session:
        for opened in (connection, session):
            rows = await opened.stream(text("SELECT node_label FROM artigraph_node"))
            assert len([row async for row in rows]) == 51
            assert opened.in_transaction()
        stream = await connection.stream(text("SELECT node_label FROM artigraph_node"))
        assert (await stream.first()) is not None


async def test_an_engine_of_ones_own_tells_its_events(tmp_path: Path) -> None:
    """Also one that has connected before it was given to artigraph."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'own.db'}")
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    told: list[str] = []
    for name in ("begin", "commit", "rollback"):
        event.listen(engine.sync_engine, name, lambda _, name=name: told.append(name))

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def _(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.append(statement)

    with engine_context(engine, create_tables=True):
        await write_model(label="a", model=TripsFit(0.5))
        told.clear()
        async with engine.begin() as connection:
            found = await connection.execute(text("SELECT node_label AS label FROM artigraph_node"))
            assert [row.label for row in found] == ["a"]
            made = await connection.execute(text("UPDATE artigraph_node SET node_label = 'b'"))
            assert made.rowcount == 1
        assert [one.split()[0] for one in told] == ["begin", "SELECT", "UPDATE", "commit"]
        assert (await read_node(NodeFilter())).node_label == "b"
    await engine.dispose()


async def test_the_loop_answers_while_a_statement_runs(path: Path) -> None:
    """And a task that is cancelled meanwhile leaves no transaction behind."""
    slow = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) "
        "SELECT max(i) FROM n"
    )

    async def work() -> None:
        async with new_session() as session:
            await session.execute(text("UPDATE artigraph_node SET node_label = 'no'"))
            await session.execute(slow)

    task = asyncio.create_task(work())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await write_model(label="second", model=TripsFit(1.0))
    assert [m.artifact.node_label for m in await read_models(NodeFilter())] == ["first", "second"]


async def test_a_write_that_is_refused_on_the_thread_leaves_nothing(path: Path) -> None:
    """The error is in the same words, and the connection works on."""
    parent = (await write_node(new_node())).node_id
    await write_model(parent_id=parent, label="a", model=TripsFit(0.5))
    for _ in range(3):
        with pytest.raises(LabelExistsError, match="the label 'a' is taken"):
            await write_models(parent_id=parent, models={"b": TripsFit(0.5), "a": TripsFit(1.0)})
    assert await count_models(NodeFilter()) == 2
    await write_model(parent_id=parent, label="b", model=TripsFit(0.5))


async def test_a_write_that_is_cancelled_before_its_turn_is_not_done(path: Path) -> None:
    """It waits for another's transaction, is cancelled meanwhile, and never begins."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        task = asyncio.create_task(write_model(label="no", model=TripsFit(1.0)))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [m.artifact.node_label for m in await read_models(NodeFilter())] == ["first"]
    await write_model(label="second", model=TripsFit(1.0))


async def test_a_write_that_is_cancelled_at_its_end_is_done_or_not(path: Path) -> None:
    """Whatever the moment: what is written is whole, and the next write goes on."""
    for steps in range(12):
        many = {f"{steps}-{i}": TripsFit(i / 7) for i in range(50)}
        task = asyncio.create_task(write_models(models=many))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert await count_models(NodeFilter(label=list(many))) in (0, 50)
    await write_model(label="last", model=TripsFit(1.0))


async def test_who_listens_is_told_on_the_loops_thread(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A listener may use the task and the loop, which costs the trips that it always did."""
    engine, told = await get_engine(), list[tuple[str, asyncio.Task[Any] | None]]()

    def listen(_: object) -> None:
        told.append(("commit", asyncio.current_task()))

    event.listen(engine.sync_engine, "commit", listen)
    write = partial(write_model, label="a", model=TripsFit(1.0))
    assert await trips(monkeypatch, write) == 3
    assert told == [("commit", asyncio.current_task())]
    event.remove(engine.sync_engine, "commit", listen)
    assert await trips(monkeypatch, partial(write, label="b")) == 1


async def test_a_question_alone_needs_no_transaction(path: Path) -> None:
    """Nothing is begun for it, so nothing is left open; what comes next begins as ever."""
    engine = await get_engine()
    await read_model(NodeFilter(label="first"))
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("ROLLBACK")
    async with engine.connect() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_label = 'no'"))
    assert (await read_node(NodeFilter())).node_label == "first"


async def test_a_subclass_that_is_defined_later_is_found_by_id(path: Path) -> None:
    """The statement for an id is made once, for the classes that there are."""
    first = await read_model(NodeFilter(label="first"))
    by_id = ModelFilter(node_id=first.artifact.node_id)
    assert (await read_model(by_id)).value == first.value

    class TripsArtifact(ModelArtifact):
        __mapper_args__ = {"polymorphic_identity": "trips_artifact"}  # noqa: RUF012  # as SQLAlchemy has it

    later = TripsArtifact(node_label="later", **_columns(first.artifact))
    await write_node(later)
    assert (await read_model(ModelFilter(node_id=later.node_id))).value == TripsFit(0.5)


def _columns(artifact: ModelArtifact) -> dict[str, Any]:
    names = ("type", "version", "data", "parts")
    return {f"model_artifact_{name}": getattr(artifact, f"model_artifact_{name}") for name in names}


async def test_a_model_and_its_parts_are_of_one_moment(path: Path) -> None:
    """Although they are two statements: what is changed between these is read whole."""
    pair = await write_model(label="pair", model=TripsPair(1, TripsFit(1.0)))
    engine = (await get_engine()).sync_engine
    changes: list[str] = []

    def change(_: object, _cursor: object, statement: str, *_more: object) -> None:
        if changes or "model_artifact_parts" not in statement:
            return
        changes.append(statement)
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "UPDATE artigraph_node SET model_artifact_data = json_set(model_artifact_data, "
                "'$.number', 2) WHERE node_label = 'pair'"
            )
            other.execute(
                "UPDATE artigraph_node SET model_artifact_data = json_set(model_artifact_data, "
                "'$.loss', 2.0) WHERE node_label = 'inner'"
            )
            other.commit()

    event.listen(engine, "after_cursor_execute", change)
    by_id = ModelFilter(node_id=pair.artifact.node_id)
    assert (await read_model(by_id)).value == TripsPair(2, TripsFit(2.0))
    assert changes


async def test_listeners_of_any_kind(path: Path) -> None:
    """One that is written in C, and one of errors, which is told where a loop runs."""
    engine, told = (await get_engine()).sync_engine, list[object]()
    note = told.append
    event.listen(engine, "commit", note)
    await write_model(label="a", model=TripsFit(1.0))
    assert len(told) == 1
    event.remove(engine, "commit", note)

    def failed(_: object) -> None:
        told.append(asyncio.get_running_loop())

    event.listen(engine, "handle_error", failed)
    with pytest.raises(ParentNotFoundError):
        await write_model(parent_id=987_654, label="b", model=TripsFit(1.0))
    assert told[1:] == [asyncio.get_running_loop()]


async def test_a_change_that_begins_with_a_query_tells_its_rows(tmp_path: Path) -> None:
    """The driver does not count rows of WITH … UPDATE; whoever asks is told all the same."""
    with engine_context(f"sqlite+aiosqlite:///{tmp_path / 'with.db'}", create_tables=True):
        await write_nodes([new_node(node_label=label) for label in "abc"])
        async with new_session() as session:
            some = "WITH some(id) AS (SELECT node_id FROM artigraph_node WHERE node_label > 'a') "
            change = "UPDATE artigraph_node SET node_label = node_label || '!' WHERE node_id IN "
            done = await session.execute(text(f"{some}{change}(SELECT id FROM some)"))
            assert done.rowcount == 2  # type: ignore[attr-defined]  # as of every change
            none = await session.execute(text(f"{some}{change}(SELECT id FROM some WHERE id < 0)"))
            assert none.rowcount == 0  # type: ignore[attr-defined]  # as above
        await (await get_engine()).dispose()
