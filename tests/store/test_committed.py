"""What is done is done, and what is reported is true: whatever stops a call on its way.

Cancellations come from SQLAlchemy's own events, so that each arrives at the moment that
it is about: while COMMIT is on its way to the database.
"""

# ruff: noqa: PT012  # blocks that raise half way are what many of these are about

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from artigraph import (
    DataModel,
    LabelExistsError,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    TransactionFailedError,
    count_models,
    count_nodes,
    delete_nodes,
    get_engine,
    model_field,
    new_node,
    new_session,
    read_models,
    write_model,
    write_models,
    write_node,
)
from artigraph.notebook.interrupt import interruptible
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage

pytestmark = pytest.mark.usefixtures("store")


class Fit(DataModel, version=1, name="CommittedFit"):
    loss: float


async def sync_engine() -> Any:
    """What SQLAlchemy's events are of."""
    return (await get_engine()).sync_engine


@contextmanager
def at(engine: Any, name: str, action: Callable[[], object]) -> Iterator[None]:
    """Do something each time an event of an engine comes."""

    def listener(*_: object) -> None:
        action()

    event.listen(engine, name, listener)
    try:
        yield
    finally:
        event.remove(engine, name, listener)


def cancel_now() -> None:
    """Cancel the running task; it hears of it when it next waits."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def cancel_soon() -> None:
    """Cancel the running task while it waits."""
    task = asyncio.current_task()
    assert task is not None
    task.get_loop().call_soon(task.cancel)


def cancel_often() -> None:
    """Cancel the running task again and again."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    for after in range(20):
        task.get_loop().call_later(after / 2_000, task.cancel)


CANCELS = pytest.mark.parametrize("cancel", [cancel_now, cancel_soon, cancel_often])


async def cancelled(call: Callable[[], Awaitable[object]], name: str, cancel: Any) -> None:
    """Run a call that is cancelled when an event comes, and see that it is."""

    async def run() -> None:
        await call()

    with at(await sync_engine(), name, cancel):
        task = asyncio.create_task(run())
        with pytest.raises(asyncio.CancelledError):
            await task
    await assert_nothing_is_held()


async def assert_nothing_is_held() -> None:
    """Every connection is back in its pool, and somebody else can write at once."""
    engine = await get_engine()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # a QueuePool's
    async with asyncio.timeout(300):
        await write_node(new_node(node_label="another"))
    await delete_nodes(NodeFilter(label="another"))


# ------------------------------------------------------------------ at a commit


@CANCELS
@pytest.mark.parametrize("in_session", [False, True])
async def test_a_cancelled_write_is_known_to_be_written(cancel: Any, in_session: bool) -> None:
    """The row is there and the object has its id; writing it again writes no second one."""
    node = new_node(node_label="result")

    async def call() -> None:
        if in_session:
            async with new_session(), new_session():
                await write_node(node)
        else:
            await write_node(node)

    await cancelled(call, "commit", cancel)
    assert node.node_id is not None
    await call()
    assert await count_nodes(NodeFilter(label="result")) == 1


@CANCELS
async def test_a_cancelled_group_is_known_to_be_saved(cancel: Any) -> None:
    """Its models are among the saved ones, and saving it again writes nothing."""
    group = ModelGroup(new_node(node_label="run"))
    group.add_model("fit", Fit(0.1))
    await cancelled(group.save, "commit", cancel)
    assert "unsaved" not in repr(group)
    await group.save()
    assert await count_models(ModelFilter()) == 1
    await cancelled(lambda: group.remove_model("fit"), "commit", cancel)
    assert not await group.has_model("fit")
    group.add_model("fit", Fit(0.2))
    await group.save()
    assert [m.value for m in await read_models(ModelFilter())] == [Fit(0.2)]


@CANCELS
async def test_blobs_go_although_the_deletion_was_cancelled(cancel: Any, tmp_path: Path) -> None:
    """Once the rows are gone for good, the bytes that only they named are removed."""
    storage = FileSystemStorage(tmp_path / "blobs", name="committed-blobs")
    storage.register()

    class Holder(DataModel, version=1, name="CommittedHolder"):
        value: Any = model_field(serializer=array_serializer, storage=storage)

    await write_models(models={str(n): Holder(np.arange(n)) for n in range(3)})
    assert len([blob async for blob in storage.blobs()]) == 3

    async def delete_in_session() -> None:
        async with new_session():
            await delete_nodes(NodeFilter(label=["1", "2"]))

    await cancelled(lambda: delete_nodes(NodeFilter(label="0")), "commit", cancel)
    assert await count_models(ModelFilter()) == 2
    assert len([blob async for blob in storage.blobs()]) == 2
    await cancelled(delete_in_session, "commit", cancel)
    assert [blob async for blob in storage.blobs()] == []


async def test_an_interrupt_at_a_commit(store: str) -> None:
    """The stop button, as a notebook hands it on, ends the cell after the commit."""
    node = new_node(node_label="result")

    async def cell() -> None:
        with interruptible(computes=False):
            async with new_session():
                await write_node(node)

    # As in a kernel; whoever runs tests in the background may have it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        await cancelled(cell, "commit", lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
    assert node.node_id is not None
    assert await count_nodes(NodeFilter(label="result")) == 1


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_commit_that_fails_leaves_all_as_it_was(in_session: bool) -> None:
    """Nothing is in the database, objects and groups know it, and a second try writes all."""
    node, group = new_node(node_label="result"), ModelGroup(new_node(node_label="run"))
    group.add_model("fit", Fit(0.1))

    async def call() -> None:
        if in_session:
            async with new_session():
                await write_node(node)
                await group.save()
        else:
            await write_node(node)

    def fail() -> None:
        raise ZeroDivisionError

    with at(await sync_engine(), "commit", fail), pytest.raises(ZeroDivisionError):
        await call()
    await assert_nothing_is_held()
    assert node.node_id is None
    assert "unsaved" in repr(group)
    assert await count_nodes(NodeFilter()) == 0
    await call()
    assert await count_nodes(NodeFilter(label="result")) == 1


# ---------------------------------------------------------------- before a commit


@CANCELS
@pytest.mark.parametrize("name", ["savepoint", "release_savepoint", "begin"])
async def test_what_is_cancelled_before_the_commit_is_not_there(cancel: Any, name: str) -> None:
    """A session whose savepoint is cancelled, or its beginning, is rolled back whole."""
    first, second = new_node(node_label="first"), new_node(node_label="second")

    async def call() -> None:
        async with new_session():
            await write_node(first)
            async with new_session():
                await write_node(second)

    if name == "begin" and (await get_engine()).dialect.name == "postgresql":
        pytest.skip("a begin waits for nothing here")
    await cancelled(call, name, cancel)
    assert first.node_id is None
    assert second.node_id is None
    assert await count_nodes(NodeFilter()) == 0
    await call()
    assert await count_nodes(NodeFilter()) == 2


async def test_a_cancellation_that_was_caught_in_a_session() -> None:
    """The session cannot be committed any more, and says so rather than write a part."""
    node = new_node(node_label="first")

    async def call(again: bool) -> None:
        async with new_session():
            await write_node(node)
            with (
                at(await sync_engine(), "release_savepoint", cancel_now),
                suppress(asyncio.CancelledError),
            ):
                await write_node(new_node(node_label="second"))
            if again:
                await write_node(new_node(node_label="third"))

    for again in (True, False):
        with pytest.raises(TransactionFailedError, match="Nothing of this session can be written"):
            await asyncio.create_task(call(again))
        assert node.node_id is None
        await assert_nothing_is_held()
        assert await count_nodes(NodeFilter()) == 0


@CANCELS
async def test_a_rollback_is_ended_although_it_is_cancelled(cancel: Any) -> None:
    """Nothing is written and nothing stays locked, however often it is told to stop."""
    node = new_node(node_label="gone")

    async def call() -> None:
        async with new_session():
            await write_node(node)
            raise ZeroDivisionError

    with at(await sync_engine(), "rollback", cancel):
        task = asyncio.create_task(call())
        with suppress(ZeroDivisionError, asyncio.CancelledError):
            await task
    await assert_nothing_is_held()
    assert node.node_id is None
    assert await count_nodes(NodeFilter()) == 0


async def test_a_cancelled_upload_writes_no_row(tmp_path: Path) -> None:
    """Whoever is stopped while blobs are put has written nothing; a second try writes all."""
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(FileSystemStorage):
        """Tells that it has begun."""

        @override
        async def create_from(self, write: Any) -> Any:
            loop.call_soon(started.set)
            await asyncio.sleep(0.01)
            return await super().create_from(write)

    storage = Slow(tmp_path / "blobs", name="committed-slow")
    storage.register()

    class Holder(DataModel, version=1, name="CommittedSlow"):
        value: Any = model_field(serializer=array_serializer, storage=storage)

    models = {str(n): Holder(np.arange(n)) for n in range(4)}
    task = asyncio.create_task(write_models(models=models))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await assert_nothing_is_held()
    assert await count_nodes(NodeFilter()) == 0
    await write_models(models=models)
    assert await count_models(ModelFilter()) == 4


# ------------------------------------------- what a session does not tell by itself


@pytest.mark.parametrize("calls", [False, True])
async def test_an_error_of_an_own_statement_that_was_caught(store: str, calls: bool) -> None:
    """PostgreSQL gives the transaction up, and says so nowhere: the session does. Others go on."""
    node = new_node(node_label="first")

    async def session_with_an_error() -> None:
        async with new_session() as session:
            if calls:
                await write_node(node)
            else:
                session.add(new_node(node_label="first"))
                await session.flush()
            with pytest.raises(DBAPIError):
                await session.execute(text("SELECT nonsense FROM nowhere"))

    if store != "postgresql":
        await session_with_an_error()
        assert await count_nodes(NodeFilter(label="first")) == 1
        return
    with pytest.raises(TransactionFailedError, match=r"nowhere.*begin_nested\(\)"):
        await session_with_an_error()
    assert node.node_id is None
    await assert_nothing_is_held()
    assert await count_nodes(NodeFilter()) == 0


async def test_the_advice_for_own_statements_works() -> None:
    """In a block of its own a statement may fail, and the session is committed."""
    async with new_session() as session:
        await write_node(new_node(node_label="first"))
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("SELECT nonsense FROM nowhere"))
        parent = await write_node(new_node(node_label="second"))
        await write_node(new_node(node_label="x", node_parent_id=parent.node_id))
        with pytest.raises(LabelExistsError):
            await write_node(new_node(node_label="x", node_parent_id=parent.node_id))
    assert await count_nodes(NodeFilter()) == 3


async def test_a_session_that_lost_a_deadlock_does_not_write_its_end(store: str) -> None:
    """MariaDB rolls back what came before the error: what comes after it is not written alone."""
    if store != "mariadb":
        pytest.skip("the others do not go on by themselves")
    a, b = await write_node(new_node()), await write_node(new_node())
    meet = asyncio.Barrier(2)
    rename = text("UPDATE artigraph_node SET node_label = :label WHERE node_id = :id")

    async def work(label: str, ids: list[int]) -> None:
        async with new_session() as session:
            await write_node(new_node(node_label=f"{label} begins"))
            await session.execute(rename, {"label": label, "id": ids[0]})
            await meet.wait()
            with suppress(DBAPIError):
                await session.execute(rename, {"label": label, "id": ids[1]})
            await write_node(new_node(node_label=f"{label} ends"))

    results = await asyncio.gather(
        work("x", [a.node_id, b.node_id]),
        work("y", [b.node_id, a.node_id]),
        return_exceptions=True,
    )
    assert sorted(type(r).__name__ for r in results) == ["NoneType", "TransactionFailedError"]
    winner = "x" if results[0] is None else "y"
    for label in "xy":
        for part in ("begins", "ends"):
            assert await count_nodes(NodeFilter(label=f"{label} {part}")) == (label == winner)


# -------------------------------------------------------------- after the commit


async def test_a_storage_that_breaks_after_the_commit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows are gone, so the call says so; what is left over is logged, and others go."""

    class Broken(FileSystemStorage):
        """Fails as no storage should."""

        @override
        async def delete(self, location: str) -> None:
            raise RuntimeError("a bug in somebody's storage")

    broken = Broken(tmp_path / "broken", name="committed-broken")
    sound = FileSystemStorage(tmp_path / "sound", name="committed-sound")
    broken.register()
    sound.register()

    class Holder(DataModel, version=1, name="CommittedTwo"):
        first: Any = model_field(serializer=array_serializer, storage=broken)
        second: Any = model_field(serializer=array_serializer, storage=sound)

    await write_model(label="m", model=Holder(np.arange(3), np.arange(4)))
    caplog.set_level(logging.WARNING, "artigraph")
    assert await delete_nodes(NodeFilter(), everything=True) == 3
    assert "Blobs in 'committed-broken' are left over: a bug" in caplog.text
    assert len([blob async for blob in broken.blobs()]) == 1
    assert [blob async for blob in sound.blobs()] == []


async def test_a_removal_that_is_rolled_back_with_its_session() -> None:
    """A group has again what a session around remove_models() did not keep."""
    async with ModelGroup(new_node(node_label="run")) as group:
        group.add_models({"a": Fit(0.1), "b": Fit(0.2)})
    with pytest.raises(ZeroDivisionError):
        async with new_session():
            await group.remove_models()
            assert not await group.has_model("a")
            raise ZeroDivisionError
    assert await group.get_models() == {"a": Fit(0.1), "b": Fit(0.2)}
    assert await count_models(ModelFilter()) == 2


async def test_a_group_that_several_save_at_once() -> None:
    """Each model is written once, and whoever has awaited save() finds all of them."""
    group = ModelGroup(new_node(node_label="sweep"))
    group.add_model("first", Fit(0))

    async def one(n: int) -> int:
        await asyncio.sleep(0.001 * n)
        group.add_model(f"fit {n}", Fit(n))
        await group.save()
        return await count_models(ModelFilter(label=["first", f"fit {n}"]))

    found = await asyncio.gather(*(one(n) for n in range(6)), return_exceptions=True)
    assert found == [2] * 6
    assert await count_models(ModelFilter()) == 7
    assert await count_nodes(NodeFilter(label="sweep")) == 1
