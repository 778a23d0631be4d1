"""Transactions: each call's own, or one that all calls in a block share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from artigraph.db.engine import EngineSetting
from artigraph.db.setting import current_setting, current_store, get_engine, store_in, using
from artigraph.db.sqlite import WRITES
from artigraph.db.store import Store, note_stores

__all__ = [
    "Transaction",
    "current_session",
    "new_session",
    "read",
    "read_session",
    "session_is_open",
    "write",
]

AfterCommit = Callable[[], Awaitable[None]]
OnRollback = Callable[[], None]


@dataclass(eq=False)
class _Shared:
    session: AsyncSession
    store: Store | None
    loop: asyncio.AbstractEventLoop
    # A session serves one call at a time; asyncio.gather() may bring several.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    after_commit: list[AfterCommit] = field(default_factory=list)
    on_rollback: list[OnRollback] = field(default_factory=list)
    outer: _Shared | None = None
    """What is shared around it: what it is a savepoint of, or a session of another store."""
    open: bool = True

    def undo(self) -> None:
        """Take back in memory what the database has taken back."""
        for undo in reversed(self.on_rollback):
            undo()


@dataclass(eq=False)
class Transaction:
    """A connection in a transaction, and what to do once its outcome is known."""

    connection: AsyncConnection
    store: Store | None
    after_commit: list[AfterCommit] = field(default_factory=list)
    """Done once it is committed for good."""
    on_rollback: list[OnRollback] = field(default_factory=list)
    """Done, last first, if it held but a session around it is rolled back."""


_shared: ContextVar[_Shared | None] = ContextVar("artigraph_session", default=None)


def _enclosing() -> _Shared | None:
    shared = _open_here()
    # A thread with a loop of its own may have inherited the context.
    return shared if shared and shared.loop is asyncio.get_running_loop() else None


def _open_here() -> _Shared | None:
    """The innermost session of the store in use, whichever event loop it is of."""
    shared = _shared.get()
    if shared is None:
        return None
    here = current_store()
    # A task may outlive the block that it was started in, and a block may hold another
    # in which another database is set.
    while shared is not None and not (shared.open and here in (None, shared.store)):
        shared = shared.outer
    return shared


def session_is_open() -> bool:
    """Whether this is inside a session's block, whichever event loop that is of.

    A call on another loop than the session's does not join it, and on SQLite
    waits for it in vain.
    """
    return _open_here() is not None


@asynccontextmanager
async def _joined() -> AsyncIterator[_Shared | None]:
    """The enclosing session, for nobody else meanwhile; ``None`` if there is none."""
    while (shared := _enclosing()) is not None:
        async with shared.lock:
            # Its block may have ended while this call waited.
            if shared.open:
                yield shared
                return
    yield None


@asynccontextmanager
async def _sharing(shared: _Shared) -> AsyncIterator[None]:
    token = _shared.set(shared)
    try:
        yield
    finally:
        _shared.reset(token)
        try:
            # A task that is at work in it comes to its end first.
            async with shared.lock:
                pass
        finally:
            shared.open = False


@asynccontextmanager
async def new_session(**kwargs: Any) -> AsyncIterator[AsyncSession]:
    """A session that all calls inside share: one transaction for all of them.

    It is committed at the end and rolled back whole on an exception. Inside
    another ``new_session()`` it is a savepoint of that one's transaction, and
    what other tasks do in that one waits until the savepoint is done.

    Args:
        **kwargs: For ``sqlalchemy.ext.asyncio.AsyncSession``; without effect
            inside another session.

    Yields:
        The session, for your own statements.

    Raises:
        NoEngineError: No engine was set.
    """
    async with _joined() as outer:
        if outer is not None:
            inner = _Shared(outer.session, outer.store, outer.loop, outer=outer)
            try:
                async with outer.session.begin_nested(), _sharing(inner):
                    yield inner.session
            except BaseException:
                inner.undo()
                raise
            outer.after_commit += inner.after_commit
            outer.on_rollback += inner.on_rollback
            return
    # A transaction may read first and write later; on SQLite only one that
    # begins as a writer can wait for its turn.
    setting = current_setting()
    engine = (await get_engine()).execution_options(**{WRITES: True})
    async with AsyncSession(engine, **{"expire_on_commit": False, **kwargs}) as session:
        loop = asyncio.get_running_loop()
        shared = _Shared(session, store_in(setting), loop, outer=_shared.get())
        try:
            async with _sharing(shared):
                yield session
            await session.commit()
        except BaseException:
            await session.rollback()
            shared.undo()
            raise
        finally:
            # Of objects that live on; while they are the session's, that tells it.
            note_stores(session.identity_map.values(), shared.store)
    await _finish(shared.after_commit, setting)


async def _finish(tasks: Iterable[AfterCommit], setting: EngineSetting | None) -> None:
    # Another database may be set by now; what its rows name says nothing of this one's.
    with using(setting):
        for task in tasks:
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
    async with _joined() as shared:
        if shared is not None:
            await shared.session.flush()
            connection = await shared.session.connection()
            transaction = Transaction(connection, shared.store)
            async with connection.begin_nested():
                yield transaction
            shared.after_commit += transaction.after_commit
            shared.on_rollback += transaction.on_rollback
            return
    setting = current_setting()
    engine = await get_engine()
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            transaction = Transaction(connection, store_in(setting))
            yield transaction
    await _finish(transaction.after_commit, setting)


@asynccontextmanager
async def read() -> AsyncIterator[AsyncConnection]:
    """A connection to read rows with; it sees what its session has written."""
    async with _joined() as shared:
        if shared is not None:
            await shared.session.flush()
            yield await shared.session.connection()
            return
    engine = await get_engine()
    async with engine.connect() as connection:
        yield connection


@asynccontextmanager
async def read_session() -> AsyncIterator[AsyncSession]:
    """A session to read objects with; they stay whole when it is closed."""
    async with _joined() as shared:
        if shared is not None:
            yield shared.session
            return
    store = current_store()
    async with AsyncSession(await get_engine(), expire_on_commit=False) as session:
        yield session
        note_stores(session.identity_map.values(), store)
