"""Statements of SQLite in one trip to the connection's thread each.

aiosqlite does all work of a connection on a thread of its own, and a trip there and back
costs several times what SQLite needs for a small statement. SQLAlchemy makes one each to
open a cursor, execute, fetch and close. Here they are one function on that thread, BEGIN
goes along with the first statement, and nobody waits for a ROLLBACK that ends reading.
What needs several statements goes to that thread once, with all that SQLAlchemy does for it.

Pools, sessions and events see no difference: a statement is executed when SQLAlchemy
executes it, and its errors come out of that.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias, TypeVar

from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
    AsyncAdapt_aiosqlite_ss_cursor,
)
from sqlalchemy.engine.interfaces import Dialect

__all__ = ["Begin", "OneTrip", "travel_less"]

T = TypeVar("T")


def travel_less(dialect: Dialect) -> None:
    """Have an engine's dialect open connections of :class:`OneTrip` from now on."""
    driver = dialect.dbapi
    # Somebody else's driver is left as it is.
    if type(driver) is AsyncAdapt_aiosqlite_dbapi:
        dialect.dbapi = _Driver(driver.aiosqlite, driver.sqlite)


class _Driver(AsyncAdapt_aiosqlite_dbapi):
    def connect(self, *arg: Any, **kw: Any) -> OneTrip:
        return OneTrip(self, super().connect(*arg, **kw)._connection)


@dataclass(frozen=True)
class Begin:
    """A transaction that begins with its first statement."""

    sql: str
    refuse: Callable[[str, sqlite3.Error], NoReturn]
    """Raises what the user is told if it cannot begin."""
    waits: bool = False
    """Whether its end is waited for also if it has only read."""


_Work: TypeAlias = Callable[[sqlite3.Cursor], tuple[list[Any], int]]
"""Executes something; returns its rows, and how many it has changed."""


@dataclass(slots=True)
class _Done:
    """What is known of a statement once it was executed."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1


class _NotBegunError(Exception):
    """BEGIN was refused, and the statement behind it was not sent."""

    def __init__(self, begin: Begin, cause: sqlite3.Error) -> None:
        super().__init__(str(cause))
        self.begin, self.cause = begin, cause


class OneTrip(AsyncAdapt_aiosqlite_connection):
    """A connection whose statements are one trip each.

    Args:
        dbapi: The driver, as SQLAlchemy adapts it.
        connection: An open connection of aiosqlite's.
    """

    __slots__ = ("_before", "_begin", "_open", "_reads", "_waits", "is_here", "stands_alone")

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._begin: Begin | None = None
        self.is_here = False
        """Whether this is the connection's thread, where nobody else uses it meanwhile."""
        self.stands_alone = False
        """Whether the next statement is the only one, which needs no transaction around it."""
        self._open = False
        """Whether a transaction may be open; only a trip that came back tells."""
        self._reads = False
        """Whether all that was sent in it were questions."""
        self._waits = True
        self._before = 0
        """How many rows the connection had changed before it."""

    def begin_with_next(self, begin: Begin) -> None:
        """Begin a transaction with the next statement; one that has none costs nothing."""
        if not self.stands_alone:
            self._begin = begin

    async def travel_with(self, work: Callable[[], None]) -> None:
        """Call a function on the connection's thread; its statements need no trips of their own.

        Await it to its end, since nothing stops the function half way.

        Args:
            work: What uses this connection, by way of SQLAlchemy.
        """
        async with self._execute_mutex:
            await self._connection._execute(self._be_there, partial(copy_context().run, work))

    def _be_there(self, work: Callable[[], None]) -> None:
        self.is_here = True
        try:
            work()
        finally:
            self.is_here = False

    def run_async(self, fn: Callable[[Any], Awaitable[T]]) -> T:
        """Give the driver's connection to a coroutine function, inside the transaction."""
        if self.is_here:
            raise RuntimeError(
                "This is the connection's own thread, where nothing can be awaited: use "
                "connection.exec_driver_sql(…) in place of run_async()."
            )

        async def run(connection: Any) -> T:
            await self.begin_now()
            self._open, self._reads = True, False  # nobody knows what it does
            return await fn(connection)

        return super().run_async(run)

    def commit(self) -> None:
        """Commit, unless nothing was sent."""
        if self._has_begun():
            if self.is_here:
                self._connection._conn.commit()
            else:
                super().commit()
            self._open = False

    def rollback(self) -> None:
        """Roll back, unless nothing was sent; what has only been read is let go of unawaited."""
        if not self._has_begun():
            return
        if self.is_here:
            self._connection._conn.rollback()
        elif self._reads and not self._waits:
            # The thread does one thing after another, so whatever comes next comes later.
            self._connection._tx.put_nowait((None, self._connection._conn.rollback))
        else:
            super().rollback()
        self._open = False

    async def travel(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something on the connection's thread, in the transaction if there is one.

        Args:
            work: It is given the connection, and may use it until it returns.
        """
        begin, self._begin = self._begin, None
        only_reads, self._reads = begin is not None or self._reads, False
        was_open, self._open = self._open, True  # until it is back
        try:
            driver = self._connection._conn
            if self.is_here:
                done = _work(driver, begin, work)
            else:
                done = await self._connection._execute(_work, driver, begin, work)
        except _NotBegunError as error:
            self._open = was_open
            error.begin.refuse(error.begin.sql, error.cause)
        result: T
        result, before, after, self._open = done
        if begin is not None:
            self._before, self._waits = before, begin.waits
        self._reads = only_reads and after == self._before
        return result

    async def begin_now(self) -> None:
        """Begin the transaction that waits for its first statement."""
        if self._begin is not None:
            await self.travel(lambda _: None)

    def note_change(self) -> None:
        """Know that something else than a question was sent, if it changed rows or not."""
        self._reads = False

    def _has_begun(self) -> bool:
        self._begin, self.stands_alone = None, False
        return self._open and self._connection._connection is not None


def _work(
    driver: sqlite3.Connection, begin: Begin | None, work: Callable[[sqlite3.Connection], T]
) -> tuple[T, int, int, bool]:
    """What is done on the thread.

    Returns:
        The result, how many rows were changed before and after it, and whether a
        transaction is open.
    """
    if begin is not None:
        try:
            driver.execute(begin.sql)
        except sqlite3.Error as error:
            raise _NotBegunError(begin, error) from error
    before = driver.total_changes
    return work(driver), before, driver.total_changes, driver.in_transaction


class _Cursor(AsyncAdapt_aiosqlite_cursor):
    __slots__ = ()
    _cursor: Any
    _adapt_connection: OneTrip

    def _aenter_cursor(self, cursor: object) -> Any:
        return cursor

    def _make_new_cursor(self, connection: object) -> Any:
        return _Done()

    async def _async_soft_close(self) -> None:
        pass  # it is closed already

    def close(self) -> None:
        self._rows.clear()

    def execute(self, operation: str, parameters: Any = None) -> None:
        if not self._adapt_connection.is_here:
            super().execute(operation, parameters)
            return
        work = partial(_execute, sql=operation, parameters=parameters or ())
        _without_waiting(self._do(work))

    def executemany(self, operation: str, seq_of_parameters: Any) -> None:
        if not self._adapt_connection.is_here:
            super().executemany(operation, seq_of_parameters)
            return
        work = partial(_execute_many, sql=operation, parameters=seq_of_parameters)
        _without_waiting(self._do(work))

    async def _execute_async(self, operation: str, parameters: object) -> None:
        await self._send(partial(_execute, sql=operation, parameters=parameters or ()))

    async def _executemany_async(self, operation: str, seq_of_parameters: object) -> None:
        await self._send(partial(_execute_many, sql=operation, parameters=seq_of_parameters))

    async def _send(self, work: _Work) -> None:
        async with self._adapt_connection._execute_mutex:
            await self._do(work)

    async def _do(self, work: _Work) -> None:
        connection = self._adapt_connection
        done, rows = await connection.travel(partial(_with_cursor, work))
        if done.description is None:
            connection.note_change()
        self._cursor, self._rows = done, deque(rows)


def _without_waiting(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    raise RuntimeError("On a connection's own thread nothing can be awaited.")


def _with_cursor(work: _Work, driver: sqlite3.Connection) -> tuple[_Done, list[Any]]:
    cursor = driver.cursor()
    try:
        rows, count = work(cursor)
        return _Done(cursor.description, count, cursor.lastrowid), rows
    finally:
        # Here, so that no traceback keeps a statement open.
        cursor.close()


def _execute(cursor: sqlite3.Cursor, sql: str, parameters: Any) -> tuple[list[Any], int]:
    cursor.execute(sql, parameters)
    if cursor.description:
        return cursor.fetchall(), cursor.rowcount
    if cursor.rowcount < 0 and sql.lstrip()[:4].upper() == "WITH":
        # Of a change that begins so the driver does not tell how many rows it were.
        return [], int(cursor.connection.execute("SELECT changes()").fetchone()[0])
    return [], cursor.rowcount


def _execute_many(cursor: sqlite3.Cursor, sql: str, parameters: Any) -> tuple[list[Any], int]:
    cursor.executemany(sql, parameters)
    return [], cursor.rowcount


class _Stream(AsyncAdapt_aiosqlite_ss_cursor):
    """A cursor whose rows are fetched as they are asked for."""

    __slots__ = ()
    _adapt_connection: OneTrip

    async def _execute_async(self, operation: str, parameters: Any) -> object:
        await self._adapt_connection.begin_now()
        self._adapt_connection.note_change()  # its rows come later
        return await super()._execute_async(operation, parameters)


OneTrip._cursor_cls = _Cursor
OneTrip._ss_cursor_cls = _Stream
