"""Transactions: each call's own, or one that all calls in a block share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from artigraph.db.setting import get_engine
from artigraph.db.sqlite import WRITES

__all__ = ["Transaction", "current_session", "new_session", "read", "read_session", "write"]

AfterCommit = Callable[[], Awaitable[None]]


@dataclass(eq=False)
class _Shared:
    session: AsyncSession
    loop: asyncio.AbstractEventLoop
    # A session serves one call at a time; asyncio.gather() may bring several.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    after_commit: list[AfterCommit] = field(default_factory=list)
    open: bool = True


@dataclass(eq=False)
class Transaction:
    """A connection in a transaction, and what to do once it is committed."""

    connection: AsyncConnection
    after_commit: list[AfterCommit]


_shared: ContextVar[_Shared | None] = ContextVar("artigraph_session", default=None)


def _enclosing() -> _Shared | None:
    shared = _shared.get()
    # A task may outlive the block that it was started in, and a thread with a
    # loop of its own may have inherited the context.
    if shared is None or not shared.open or shared.loop is not asyncio.get_running_loop():
        return None
    return shared


@asynccontextmanager
async def new_session(**kwargs: Any) -> AsyncIterator[AsyncSession]:
    """A session that all calls inside share: one transaction for all of them.

    It is committed at the end and rolled back whole on an exception. Inside
    another ``new_session()`` it is a savepoint of that one's transaction.

    Args:
        **kwargs: For ``sqlalchemy.ext.asyncio.AsyncSession``; without effect
            inside another session.

    Yields:
        The session, for your own statements.

    Raises:
        NoEngineError: No engine was set.
    """
    enclosing = _enclosing()
    if enclosing is not None:
        async with enclosing.session.begin_nested():
            yield enclosing.session
        return
    # A transaction may read first and write later; on SQLite only one that
    # begins as a writer can wait for its turn.
    engine = (await get_engine()).execution_options(**{WRITES: True})
    async with AsyncSession(engine, **{"expire_on_commit": False, **kwargs}) as session:
        shared = _Shared(session, asyncio.get_running_loop())
        token = _shared.set(shared)
        try:
            yield session
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
        finally:
            shared.open = False
            _shared.reset(token)
    for task in shared.after_commit:
        await task()


@asynccontextmanager
async def current_session() -> AsyncIterator[AsyncSession]:
    """The session of the enclosing :func:`new_session`, else a new one.

    A new one is committed at the end, rolled back on an exception, and
    shared by the calls inside, as with :func:`new_session`.

    Yields:
        The session.

    Raises:
        NoEngineError: No engine was set.
    """
    enclosing = _enclosing()
    if enclosing is not None:
        yield enclosing.session
        return
    async with new_session() as session:
        yield session


@asynccontextmanager
async def write() -> AsyncIterator[Transaction]:
    """A transaction that may write: whole, or not at all.

    Inside a session it is a savepoint, so that a failed call leaves the rest
    of the session's work as it was.
    """
    shared = _enclosing()
    if shared is not None:
        async with shared.lock:
            await shared.session.flush()
            connection = await shared.session.connection()
            tasks: list[AfterCommit] = []
            async with connection.begin_nested():
                yield Transaction(connection, tasks)
            shared.after_commit += tasks
        return
    engine = await get_engine()
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            transaction = Transaction(connection, [])
            yield transaction
    for task in transaction.after_commit:
        await task()


@asynccontextmanager
async def read() -> AsyncIterator[AsyncConnection]:
    """A connection to read rows with; it sees what its session has written."""
    shared = _enclosing()
    if shared is not None:
        async with shared.lock:
            await shared.session.flush()
            yield await shared.session.connection()
        return
    engine = await get_engine()
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def read_session() -> AsyncIterator[AsyncSession]:
    """A session to read objects with; they stay whole when it is closed."""
    shared = _enclosing()
    if shared is not None:
        async with shared.lock:
            yield shared.session
        return
    async with AsyncSession(await get_engine(), expire_on_commit=False) as session:
        yield session
