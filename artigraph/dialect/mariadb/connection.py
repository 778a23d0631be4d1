"""What MariaDB must be told on every connection, and the locks that one holds.

A recursive query ends after 1,000 steps without an error: of a deeper tree it would find
the upper part only, unless a connection says otherwise. All is sent as SQLAlchemy's own
statements are, so that a connection that is lost over it is told as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from artigraph.dialect.base import WAIT_SECONDS
from artigraph.errors import DatabaseBusyError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

__all__ = ["SNAPSHOT", "hold_lock", "on_begin", "on_reset"]

# In a connection's record, and as its execution option.
_PREPARED, _HELD, _LEVEL = "artigraph_prepared", "artigraph_locks", "artigraph_isolation"
SNAPSHOT = "artigraph_snapshot"

_LOCK = "CONCAT('artigraph-', :key, '-', MD5(DATABASE()))"


def hold_lock(connection: Connection, key: int) -> None:
    """Wait for a lock of the whole database, and hold it as long as the connection is in use.

    Raises:
        DatabaseBusyError: Another one held it for too long.
    """
    # A lock belongs to a connection and not to its transaction: it is given up when the
    # pool has the connection back, by when the transaction has ended one way or the other.
    if key in connection.info.get(_HELD, ()):
        return
    taken = text(f"SELECT GET_LOCK({_LOCK}, :seconds)")  # no value in it
    if not connection.execute(taken, {"key": key, "seconds": WAIT_SECONDS}).scalar():
        raise DatabaseBusyError(
            f"Another transaction has kept this one waiting for {WAIT_SECONDS} seconds. "
            "Nothing was written. Let it end, and run this again."
        )
    connection.info.setdefault(_HELD, set()).add(key)


def on_begin(connection: Connection) -> None:
    """Say what a connection must be told before its transaction begins."""
    # At the first transaction rather than on connecting: an engine may have been
    # at work before it was given to artigraph.
    if _PREPARED not in connection.info:
        connection.exec_driver_sql("SET SESSION max_recursive_iterations = 4294967295")
        connection.info[_PREPARED] = True
    if SNAPSHOT in connection.get_execution_options():
        if _LEVEL not in connection.info:
            connection.info[_LEVEL] = connection.get_isolation_level()
        if connection.info[_LEVEL] in ("READ COMMITTED", "READ UNCOMMITTED"):
            # Of the next transaction alone.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def on_reset(
    connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState
) -> None:
    """Give up the locks of a connection that its pool has back."""
    held = record.info.pop(_HELD, ())
    # One that is closed for good takes its locks along.
    if not held or state.terminate_only:
        return
    cursor = connection.cursor()
    try:
        for key in held:
            cursor.execute(f"DO RELEASE_LOCK({_LOCK.replace(':key', str(key))})")
    finally:
        cursor.close()
