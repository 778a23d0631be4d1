"""What SQLite must be told on every connection.

Foreign keys are off, readers and writers shut each other out, and a second
writer fails at once, unless a connection says otherwise. Transactions that
write begin IMMEDIATE: one that only finds out later cannot wait its turn.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import AdaptedConnection
from sqlalchemy.util.concurrency import in_greenlet

from artigraph.errors import DatabaseBusyError

__all__ = ["BUSY_SECONDS", "WRITES", "prepare_sqlite"]

BUSY_SECONDS = 60
"""How long a connection waits for another one's lock."""

_PREPARED = "artigraph_prepared"
WRITES = "artigraph_writes"
"""The execution option of a connection whose transaction will write."""


def prepare_sqlite(engine: Engine) -> None:
    """Set every connection up that an engine will open, if it is SQLite's.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """
    if engine.dialect.name == "sqlite" and not event.contains(engine, "connect", _on_connect):
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
        event.listen(engine, "invalidate", _on_invalidate)


def _on_connect(connection: Any, record: Any) -> None:
    record.info[_PREPARED] = True
    # The driver would begin transactions by itself, and never IMMEDIATE ones.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA foreign_keys = ON")
        # As in the other databases; ILIKE is there for the rest.
        cursor.execute("PRAGMA case_sensitive_like = ON")
        cursor.execute("PRAGMA journal_mode")
        # A memory database answers "memory" and stays so.
        if cursor.fetchone()[0] == "delete":
            try:
                cursor.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                # Another connection is changing it this very moment, or the file is
                # read-only: both work on as they are.
                if not any(word in str(error) for word in ("locked", "readonly")):
                    raise
    finally:
        cursor.close()


def _on_invalidate(connection: Any, _record: Any, _error: BaseException | None) -> None:
    # Of a cancelled task: while a traceback keeps its cursor, SQLite puts closing off,
    # and nobody else could write as long as its transaction is open.
    if in_greenlet():
        with suppress(sqlite3.Error, ValueError):
            connection.run_async(lambda driver: driver.rollback())


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    # Past SQLAlchemy's cursors: each of their steps is a trip to the driver's
    # thread and back, and a transaction of one statement is mostly such trips.
    adapted = cast(AdaptedConnection, connection.connection.dbapi_connection)
    if _PREPARED not in connection.info:
        # Of an engine that was at work before it was given to artigraph.
        _on_connect(adapted, connection)
    try:
        adapted.run_async(lambda driver: driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN"))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise DatabaseBusyError(
                f"Another connection has been writing to the database for {BUSY_SECONDS} seconds. "
                "Nothing was written. Let it end its transaction, and run this again."
            ) from error
        raise
