"""What MariaDB must be told on every connection.

A recursive query ends after 1,000 steps there, without an error: of a deeper
tree it would find the upper part only.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["FIELD_COLUMN", "FIELD_COLUMNS", "prepare_mariadb", "read_field_columns"]

FIELD_COLUMN = "artigraph_field_"
"""How the generated columns begin that stand for an indexed field: MariaDB has no
indexes on expressions."""
FIELD_COLUMNS = "artigraph_field_columns"
"""The attribute of a dialect that holds the names of those that the database has."""

MOST_STEPS = 4_294_967_295
_PREPARED = "artigraph_prepared"


def prepare_mariadb(engine: Engine) -> None:
    """Set every connection up that an engine has or will open, if it is MariaDB's.

    Args:
        engine: The synchronous half of an asynchronous engine.
    """
    mariadb = engine.dialect.name in ("mysql", "mariadb")
    if mariadb and not event.contains(engine, "begin", _on_begin):
        event.listen(engine, "begin", _on_begin)


def _on_begin(connection: Connection) -> None:
    # At the first transaction rather than on connecting: an engine may have been
    # at work before it was given to artigraph.
    if _PREPARED in connection.info:
        return
    cursor = connection.connection.cursor()
    try:
        cursor.execute(f"SET SESSION max_recursive_iterations = {MOST_STEPS}")
    finally:
        cursor.close()
    connection.info[_PREPARED] = True


async def read_field_columns(connection: AsyncConnection) -> frozenset[str]:
    """See which fields are indexed, so that statements name their columns.

    Args:
        connection: To the database; its engine remembers them.

    Returns:
        The names of the columns.
    """
    query = text(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND column_name LIKE :begin"
    )
    found = await connection.execute(query, {"begin": FIELD_COLUMN.replace("_", r"\_") + "%"})
    names = frozenset(str(name) for (name,) in found)
    if getattr(connection.dialect, FIELD_COLUMNS, frozenset()) != names:
        setattr(connection.dialect, FIELD_COLUMNS, names)
        connection.engine.sync_engine.clear_compiled_cache()
    return names
