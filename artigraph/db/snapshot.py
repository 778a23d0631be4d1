"""Reads of several statements that see one moment.

A model and its parts are read by two statements: without this, somebody's delete
in between would leave half a model. SQLite shows one moment to every transaction,
and so does MariaDB unless its settings say otherwise. PostgreSQL shows one to each
statement; with asyncpg a transaction's level comes with its BEGIN, at no cost.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["prepare_snapshot", "see_one_moment"]

_SNAPSHOT = "artigraph_snapshot"
_BEFORE = "artigraph_isolation_before"
_LEVEL = "artigraph_isolation"


def prepare_snapshot(engine: Engine) -> None:
    """Have an engine's connections ready for :func:`see_one_moment`.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """
    if engine.dialect.driver == "asyncpg" and not event.contains(engine, "checkin", _on_checkin):
        event.listen(engine, "checkin", _on_checkin)
    mariadb = engine.dialect.name in ("mysql", "mariadb")
    if mariadb and not event.contains(engine, "begin", _on_mariadb):
        event.listen(engine, "begin", _on_mariadb)


def see_one_moment(connection: AsyncConnection) -> None:
    """Let all statements of a connection's next transaction see one moment.

    A higher level that its engine was made with stays, and so does ``AUTOCOMMIT``.

    Args:
        connection: One that is not in a transaction yet, and will only read.
    """
    known = connection.sync_connection
    assert known is not None  # noqa: S101  # it is open
    if connection.dialect.driver == "asyncpg":
        _raise_asyncpg(known)
    elif connection.dialect.name in ("mysql", "mariadb"):
        known.execution_options(**{_SNAPSHOT: True})


def _raise_asyncpg(connection: Connection) -> None:
    # SQLAlchemy's own option for it, and events, cost a good part of a short query.
    adapted: Any = connection.connection.dbapi_connection
    if adapted.isolation_level in (None, "read_committed", "read_uncommitted"):
        connection.info[_BEFORE] = adapted.isolation_level, adapted.readonly
        adapted.isolation_level, adapted.readonly = "repeatable_read", True


def _on_checkin(adapted: Any, record: Any) -> None:
    if (before := record.info.pop(_BEFORE, None)) and adapted is not None:
        adapted.isolation_level, adapted.readonly = before


def _on_mariadb(connection: Connection) -> None:
    if _SNAPSHOT not in connection.get_execution_options():
        return
    adapted: Any = connection.connection.dbapi_connection
    if _LEVEL not in connection.info:
        connection.info[_LEVEL] = connection.dialect.get_isolation_level(adapted)
    if connection.info[_LEVEL] in ("READ COMMITTED", "READ UNCOMMITTED"):
        cursor = adapted.cursor()
        try:
            # Of the next transaction alone.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        finally:
            cursor.close()
