"""Transactions: each call's own, or one that all calls in a block share.

Once COMMIT is sent, its outcome is awaited whatever cancels the task, and what
follows from it is done: objects learn that they are written, blobs that no row
names any more are removed. Only then a cancellation goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from artigraph.concurrency import to_its_end
from artigraph.context import BlockVar
from artigraph.db.engine import EngineSetting
from artigraph.db.outcome import (
    NOTHING_READ,
    NOTHING_WRITTEN,
    UNKNOWN,
    close,
    is_suspect,
    refuse_given_up,
    told,
)
from artigraph.db.pending import Pending
from artigraph.db.setting import current_setting, get_engine, store_in
from artigraph.db.store import note_stores
from artigraph.db.transaction import Transaction
from artigraph.db.turn import Turns
from artigraph.dialect.base import WRITES
from artigraph.dialect.registry import dialect_of

__all__ = [
    "current_session",
    "new_session",
    "outermost_session",
    "outside_session",
    "read",
    "read_session",
    "refuse_if_read_only",
    "session_is_open",
    "write",
]


@dataclass(eq=False, kw_only=True)
class _Shared(Pending):
    session: AsyncSession
    loop: asyncio.AbstractEventLoop
    outer: _Shared | None = None
    # A session serves one call at a time; asyncio.gather() may bring several.
    lock: Turns = field(default_factory=Turns)
    around: _Shared | None = None
    """What is shared around it, which may be of another store."""
    open: bool = True
    connected: AsyncConnection | None = None
    """What :meth:`connection` has returned last."""

    def serves(self, setting: EngineSetting | None) -> bool:
        """Whether calls share it that use a setting."""
        own = self.setting
        return setting is None or (
            setting.store == self.store and own is not None and own.read_only is setting.read_only
        )

    async def connection(self) -> AsyncConnection:
        """The session's connection, which sees all that its objects are."""
        with told(NOTHING_WRITTEN, connecting=True, own=False):
            await self.session.flush()
            self.connected = connection = await self.session.connection()
            if is_suspect(connection):
                await connection.run_sync(refuse_given_up)
        return connection

    async def commit(self) -> None:
        """Commit for good, whoever wants to stop; nothing is left open behind it."""
        try:
            if self.session.in_transaction() and self._may_be_given_up():
                await self.connection()
            with told(UNKNOWN, own=False):
                await self.session.commit()
        except BaseException:
            # SQLAlchemy takes a COMMIT that failed for the end of the transaction, which
            # may be open still: nobody else must get that connection.
            await self.session.invalidate()
            await self.roll_back()
            raise
        await self._close()
        await self.follow_up()

    def _may_be_given_up(self) -> bool:
        # That is worth a look, but not one before each commit.
        known = self.connected
        return known is None or known.closed or is_suspect(known)

    async def roll_back(self) -> None:
        """Take all of it back, whoever wants to stop; nothing is left open behind it."""
        try:
            await self._close()
        finally:
            self.undo()

    async def _close(self) -> None:
        # As long as objects are the session's, that tells their store.
        note_stores(self.session.identity_map.values(), self.store)
        await close(self.session)


_shared: BlockVar[_Shared | None] = BlockVar("artigraph_session", None)


def _enclosing() -> _Shared | None:
    shared = _open_here()
    # A thread with a loop of its own may have inherited the context.
    return shared if shared and shared.loop is asyncio.get_running_loop() else None


def outermost_session() -> object:
    """What stands for the session that calls here are part of, if any."""
    shared = _enclosing()
    return shared and shared.outermost


def _open_here() -> _Shared | None:
    """The innermost session of the store in use, whichever event loop it is of."""
    shared = _shared.get()
    if shared is None:
        return None
    setting = current_setting()
    # A task may outlive the block that it was started in, and a block may hold another
    # in which another database is set.
    # Nor does one that was set to be read share what may write, or the other way about.
    while shared is not None and not (shared.open and shared.serves(setting)):
        shared = shared.around
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
async def outside_session(session: object) -> AsyncIterator[None]:
    """Write for a block that stands outside of the session here, and commit at once.

    So that others who stand in that block need not wait for this session to end. One that
    has begun is not left: on SQLite nobody else could write before its end.

    Args:
        session: What :func:`outermost_session` was where that block begins.
    """
    async with _joined() as shared:
        if shared and shared.outermost is not session and not shared.session.in_transaction():
            with _shared.entered(None):
                yield
            return
    yield


@asynccontextmanager
async def _sharing(shared: _Shared) -> AsyncIterator[None]:
    try:
        with _shared.entered(shared):
            yield
    finally:
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
            inner = _Shared(
                setting=outer.setting,
                session=outer.session,
                loop=outer.loop,
                outer=outer,
                around=outer,
            )
            try:
                with told(NOTHING_WRITTEN, connecting=True, own=False):
                    async with outer.session.begin_nested(), _sharing(inner):
                        yield inner.session
            except BaseException:
                inner.undo()
                raise
            inner.hand_over()
            return
    # A transaction may read first and write later; on SQLite only one that
    # begins as a writer can wait for its turn.
    setting, engine = current_setting(), await get_engine()
    if setting is None or setting.refusal is None:
        engine = engine.execution_options(**{WRITES: True})
    session = AsyncSession(engine, **{"expire_on_commit": False, **kwargs})
    shared = _Shared(
        setting=setting,
        session=session,
        loop=asyncio.get_running_loop(),
        around=_shared.get(),
    )
    try:
        with told(NOTHING_WRITTEN, own=False):
            async with _sharing(shared):
                yield session
    except BaseException:
        await to_its_end(shared.roll_back())
        raise
    await to_its_end(shared.commit())


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


async def refuse_if_read_only() -> None:
    """Refuse what :func:`write` would refuse later, before anything else is done for it.

    Raises:
        ReadOnlyError: The database is only read.
    """
    shared = _enclosing()
    setting = current_setting() if shared is None else shared.setting
    if setting is not None:
        setting.refuse_write()
        if shared is None:
            # A newer artigraph's says so only once it is asked.
            await setting.engine()
            setting.refuse_write()


@asynccontextmanager
async def write() -> AsyncIterator[Transaction]:
    """A transaction that may write: whole, or not at all.

    Inside a session it is a savepoint, so that a failed call leaves the rest
    of the session's work as it was.

    Raises:
        ReadOnlyError: The database is only read.
    """
    async with _joined() as shared:
        if shared is not None:
            if shared.setting is not None:
                shared.setting.refuse_write()
            connection = await shared.connection()
            transaction = Transaction(setting=shared.setting, outer=shared, connection=connection)
            try:
                with told(NOTHING_WRITTEN):
                    async with transaction.connection.begin_nested():
                        yield transaction
            except BaseException as error:
                transaction.release()
                if isinstance(error, Exception) and is_suspect(transaction.connection):
                    await transaction.connection.run_sync(refuse_given_up, just_now=True)
                raise
            transaction.hold_good()
            transaction.hand_over()
            return
    setting = current_setting()
    await refuse_if_read_only()
    connection = await _connect(await get_engine(), NOTHING_WRITTEN)
    transaction = Transaction(setting=setting, connection=connection)
    try:
        with told(NOTHING_WRITTEN):
            if (known := transaction.connection.sync_connection) is not None:
                # Of an option of its own the database hears nothing, so nobody need await that.
                known.execution_options(**{WRITES: True})
            yield transaction
    except BaseException:
        await to_its_end(transaction.give_up())
        raise
    await to_its_end(transaction.commit())


@asynccontextmanager
async def read(*, once: bool = False) -> AsyncIterator[AsyncConnection]:
    """A connection to read rows with; it sees what its session has written.

    Outside of a session all statements of the block see one moment.

    Args:
        once: It is asked one thing only.
    """
    async with _joined() as shared:
        if shared is not None:
            connection = await shared.connection()
            with told(NOTHING_WRITTEN):
                yield connection
            return
    connection = await _connect(await get_engine(), NOTHING_READ)
    try:
        with told(NOTHING_READ):
            known = connection.sync_connection
            if known is not None:  # it is open
                database = dialect_of(known)
                (database.ask_once if once else database.see_one_moment)(known)
            yield connection
    finally:
        await to_its_end(close(connection))


@asynccontextmanager
async def read_session() -> AsyncIterator[AsyncSession]:
    """A session to read objects with; they stay whole when it is closed."""
    async with _joined() as shared:
        if shared is not None:
            await shared.connection()
            with told(NOTHING_WRITTEN):
                yield shared.session
            return
    setting = current_setting()
    session = AsyncSession(await get_engine(), expire_on_commit=False)
    try:
        with told(NOTHING_READ, connecting=True):
            yield session
    finally:
        note_stores(session.identity_map.values(), store_in(setting))
        await to_its_end(close(session))


async def _connect(engine: AsyncEngine, outcome: str) -> AsyncConnection:
    with told(outcome, connecting=True):
        return await engine.connect()
