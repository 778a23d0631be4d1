"""What SQLite must be told on every connection.

Foreign keys are off, readers and writers shut each other out, and a second
writer fails at once, unless a connection says otherwise. Transactions that
write begin IMMEDIATE: one that only finds out later cannot wait its turn.
What a commit must leave behind is said in ``checkpoint``, and what to do where
nothing can be written, in ``readonly``.
"""

from __future__ import annotations

import sqlite3
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util.concurrency import in_greenlet

from artigraph.dialect.base import WAIT_SECONDS, WRITES
from artigraph.dialect.sqlite.address import options_of
from artigraph.dialect.sqlite.checkpoint import DatabaseFile, database_file
from artigraph.dialect.sqlite.foreign import read_whatever_is_there
from artigraph.dialect.sqlite.readonly import (
    SNAPSHOT,
    explain_refused_write,
    locks_as_usual,
    open_where_nothing_can_be_made,
    raise_if_read_only,
    refuse_if_changed,
)
from artigraph.dialect.sqlite.trip import Begin, OneTrip, travel_less
from artigraph.errors import DatabaseBusyError

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection as Adapted
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["file_of", "prepare_engine", "refuse_writes"]

_PREPARED = "artigraph_prepared"


def prepare_engine(engine: Engine) -> None:
    """Set every connection up that an engine will open."""
    if engine not in _setups:
        _setups[engine] = _Setup(engine)
        travel_less(engine.dialect)


def refuse_writes(engine: Engine) -> None:
    """Have all connections that an engine will open refuse whatever writes."""
    prepare_engine(engine)
    _setups[engine].only_reads = True


def file_of(engine: Engine) -> DatabaseFile | None:
    """The file that an engine's connections write to.

    Returns:
        ``None`` before the first connection, and for what is no file.
    """
    setup = _setups.get(engine)
    return setup.file if setup else None


class _Setup:
    """What the connections of one engine are told.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """

    def __init__(self, engine: Engine) -> None:
        self.file: DatabaseFile | None = None
        self.only_reads = False
        self._engine = weakref.ref(engine)
        options = options_of(str(engine.url.database), engine.url.query)
        self._wait = float(options.get("timeout", WAIT_SECONDS))
        # Another way to lock the file, or none, must not meet the usual one.
        self._writes_file = locks_as_usual(options) and options.get("mode") != "ro"
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "begin", self._on_begin)
        event.listen(engine, "commit", self._on_commit)
        event.listen(engine, "invalidate", _on_invalidate)
        event.listen(engine, "handle_error", explain_refused_write)
        # Engines that are made after a given one share its dialect.
        if not event.contains(engine.dialect, "do_connect", open_where_nothing_can_be_made):
            event.listen(engine.dialect, "do_connect", open_where_nothing_can_be_made)
            event.listen(engine.dialect, "do_execute", read_whatever_is_there)

    def _on_connect(self, connection: Adapted, record: ConnectionPoolEntry | Connection) -> None:
        record.info[_PREPARED] = True
        _tell(connection, self._wait, only_reads=self.only_reads)
        engine = self._engine()
        if SNAPSHOT in record.info:
            if engine is not None and not event.contains(engine, "checkout", refuse_if_changed):
                event.listen(engine, "checkout", refuse_if_changed)
        elif self._writes_file and not self.only_reads:
            if self.file is None or not self.file.is_still():
                self.file = _file_of(connection)
            # A process that was killed may have left something there.
            if self.file is not None and self.file.has_journal():
                self.file.mark_written()

    def _on_begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITES, False)
        adapted = cast("Adapted", connection.connection.dbapi_connection)
        if _PREPARED not in connection.info:
            # Of an engine that was at work before it was given to artigraph.
            self._on_connect(adapted, connection)
        # What only reads lets nobody wait, but in a memory that connections share.
        begin = Begin(
            "BEGIN IMMEDIATE" if writes else "BEGIN", self._refuse, waits=self.file is None
        )
        if isinstance(adapted, OneTrip):
            adapted.begin_with_next(begin)
            return
        try:
            adapted.run_async(lambda driver: driver.execute(begin.sql))
        except sqlite3.Error as error:
            self._refuse(begin.sql, error)

    def _refuse(self, begin: str, error: sqlite3.Error) -> NoReturn:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise DatabaseBusyError(
                "Another connection has been writing to the database for "
                f"{self._wait:g} seconds. Nothing was written. Let it end its transaction, "
                "and run this again."
            ) from error
        engine = self._engine()
        if engine is not None:
            raise_if_read_only(error, engine.url)
        # As SQLAlchemy would, had it sent that.
        raise DBAPIError.instance(begin, None, error, sqlite3.Error) from error

    def _on_commit(self, _connection: Connection) -> None:
        if self.file is not None:
            self.file.mark_written()


_setups: weakref.WeakKeyDictionary[Engine, _Setup] = weakref.WeakKeyDictionary()


def _tell(connection: Adapted, wait: float, *, only_reads: bool) -> None:
    # The driver would begin transactions by itself, and never IMMEDIATE ones.
    connection.isolation_level = None
    pragmas = f"PRAGMA busy_timeout = {int(wait * 1000)};{_PRAGMAS}"
    if only_reads:
        # Nor is the file's journal changed.
        pragmas += "PRAGMA query_only = ON;"
    connection.run_async(lambda driver: driver.executescript(pragmas))
    if only_reads:
        return
    ((mode,),) = _fetch(connection, "PRAGMA journal_mode")
    # A memory database answers "memory" and stays so.
    if mode == "delete":
        try:
            _fetch(connection, "PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Another connection is changing it this very moment, or the file is
            # read-only: both work on as they are.
            if not any(word in str(error) for word in ("locked", "readonly")):
                raise


# Of the last: as in the other databases; ILIKE is there for the rest.
_PRAGMAS = """
PRAGMA foreign_keys = ON;
PRAGMA case_sensitive_like = ON;
"""


def _fetch(connection: AdaptedConnection, pragma: str) -> list[tuple[Any, ...]]:
    # Past SQLAlchemy's cursors, as in _on_begin: one trip to the driver's thread.
    return list(connection.run_async(lambda driver: driver.execute_fetchall(pragma)))


def _file_of(connection: AdaptedConnection) -> DatabaseFile | None:
    # SQLite's own word for it: an address may be relative, or have options and signs in it.
    rows = _fetch(connection, "PRAGMA database_list")
    path = next(path for _, name, path in rows if name == "main")
    return database_file(Path(path)) if path else None


def _on_invalidate(
    connection: AdaptedConnection, _record: object, _error: BaseException | None
) -> None:
    # Of a cancelled task: while a traceback keeps its cursor, SQLite puts closing off,
    # and nobody else could write as long as its transaction is open.
    with suppress(sqlite3.Error, ValueError):
        if isinstance(connection, OneTrip) and connection.is_here:
            connection.rollback()
        elif in_greenlet():
            connection.run_async(lambda driver: driver.rollback())
