"""Locks of a whole database, which a transaction holds until it has ended.

They shut out only who asks for the same one: nobody else pays for them. SQLite
needs none, since one transaction writes at a time there. MariaDB's belong to a
connection and not to its transaction: they are given up when the pool has the
connection back, for by then the transaction has ended one way or the other.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, text

from artigraph.errors import DatabaseBusyError

__all__ = ["MOVES", "SCHEMA", "lock", "prepare_locks"]

SCHEMA = 0x6172_7469_6772_6168
"""Of who makes tables. Any number that nothing else locks: ASCII for "artigrah"."""
MOVES = SCHEMA + 1
"""Of who hangs nodes under other parents."""

LOCK_SECONDS = 60
"""How long MariaDB waits for one."""

_HELD = "artigraph_locks"
_NAME = "CONCAT('artigraph-', :key, '-', MD5(DATABASE()))"


def prepare_locks(engine: Engine) -> None:
    """Have an engine give the locks of a connection up that comes back, if it is MariaDB's.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """
    mariadb = engine.dialect.name in ("mysql", "mariadb")
    if mariadb and not event.contains(engine, "reset", _on_reset):
        event.listen(engine, "reset", _on_reset)


def lock(connection: Connection, key: int) -> None:
    """Wait for a lock, and hold it until the connection's transaction has ended.

    Args:
        connection: A connection in a transaction that writes.
        key: Which lock.

    Raises:
        DatabaseBusyError: Another one held it for too long.
    """
    name = connection.dialect.name
    if name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    elif name in ("mysql", "mariadb") and key not in connection.info.get(_HELD, ()):
        taken = text(f"SELECT GET_LOCK({_NAME}, :seconds)")  # no value in it
        if not connection.execute(taken, {"key": key, "seconds": LOCK_SECONDS}).scalar():
            raise DatabaseBusyError(
                f"Another transaction has kept this one waiting for {LOCK_SECONDS} seconds. "
                "Nothing was written. Let it end, and run this again."
            )
        connection.info.setdefault(_HELD, set()).add(key)


def _on_reset(connection: Any, record: Any, state: Any) -> None:
    held = record.info.pop(_HELD, ())
    # One that is closed for good takes its locks along.
    if not held or state.terminate_only:
        return
    cursor = connection.cursor()
    try:
        for key in held:
            name = _NAME.replace(":key", str(key))
            cursor.execute(f"DO RELEASE_LOCK({name})")
    finally:
        cursor.close()
