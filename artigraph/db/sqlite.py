"""What SQLite must be told on every connection.

Foreign keys are off, readers and writers shut each other out, and a second
writer fails at once, unless a connection says otherwise. Transactions that
write begin IMMEDIATE: one that only finds out later cannot wait its turn.
"""

from __future__ import annotations

import sqlite3
from typing import Any, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import AdaptedConnection

from artigraph.errors import DatabaseBusyError

__all__ = ["BUSY_SECONDS", "WRITES", "prepare_sqlite"]

BUSY_SECONDS = 60
"""How long a connection waits for another one's lock."""

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


def _on_connect(connection: Any, _record: Any) -> None:
    # The driver would begin transactions by itself, and never IMMEDIATE ones.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA foreign_keys = ON")
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


def _on_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    # Past SQLAlchemy's cursors: each of their steps is a trip to the driver's
    # thread and back, and a transaction of one statement is mostly such trips.
    adapted = cast(AdaptedConnection, connection.connection.dbapi_connection)
    try:
        adapted.run_async(lambda driver: driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN"))
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise DatabaseBusyError(
                f"Another connection has been writing to the database for {BUSY_SECONDS} seconds. "
                "Nothing was written. Let it end its transaction, and run this again."
            ) from error
        raise
