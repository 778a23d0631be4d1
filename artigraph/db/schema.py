"""Missing tables, columns and indexes, made or complained about.

Nothing that exists is dropped or altered: a column that no class declares
any more stays, and so does one whose type a class has changed.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateColumn

from artigraph.db.sqlite import WRITES
from artigraph.errors import SchemaError
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.base import Base
from artigraph.orm.node import node_table

__all__ = ["ensure_schema", "schema_generation"]

LOCK_KEY = 0x6172_7469_6772_6168
"""Any number that nothing else locks: ASCII for "artigrah"."""
LOCK_SECONDS = 60


def schema_generation() -> tuple[int, int]:
    """Changes whenever a class adds a column or an index to the table."""
    table = ModelArtifact.__table__  # the artifacts' columns come with their module
    return len(table.columns), len(node_table.indexes)


async def ensure_schema(engine: AsyncEngine, *, create: bool, shown: str) -> None:
    """See that the database has all that the classes defined by now need.

    Args:
        engine: Leads to the database.
        create: Make what is missing, rather than raise.
        shown: The database's address as an error may show it.

    Raises:
        SchemaError: A table or column is missing and ``create`` is false.
    """
    async with engine.connect() as connection:
        if await connection.run_sync(_is_complete, create, shown):
            return
    # Look again, now with a lock: another process may be making them as well.
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            await connection.run_sync(_create_missing)


def _is_complete(connection: Connection, create: bool, shown: str) -> bool:
    inspector = inspect(connection)
    table = node_table.name
    remedy = f"set_engine({shown!r}, create_tables=True) makes them."
    if not inspector.has_table(table):
        if not create:
            raise SchemaError(f"The database {shown} has no table {table!r}. {remedy}")
        return False
    present = {column["name"] for column in inspector.get_columns(table)}
    missing = [column.name for column in node_table.columns if column.name not in present]
    if missing and not create:
        raise SchemaError(
            f"The table {table!r} of {shown} has no columns {', '.join(missing)}, which classes "
            f"defined here need. {remedy}"
        )
    indexes = {index["name"] for index in inspector.get_indexes(table)}
    return not missing and (not create or {i.name for i in node_table.indexes} <= indexes)


def _create_missing(connection: Connection) -> None:
    name = connection.dialect.name
    if name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
    elif name in ("mysql", "mariadb"):
        # Its CREATE commits by itself, so the lock must not hang on the transaction.
        connection.execute(
            text("SELECT GET_LOCK('artigraph', :seconds)"), {"seconds": LOCK_SECONDS}
        )
    try:
        Base.metadata.create_all(connection)
        inspector = inspect(connection)
        present = {column["name"] for column in inspector.get_columns(node_table.name)}
        quote = connection.dialect.identifier_preparer.format_table
        for column in node_table.columns:
            if column.name not in present:
                specification = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(
                    f"ALTER TABLE {quote(node_table)} ADD COLUMN {specification}"
                )
        indexes = {index["name"] for index in inspector.get_indexes(node_table.name)}
        for index in node_table.indexes:
            if index.name not in indexes:
                index.create(connection)
    finally:
        if name in ("mysql", "mariadb"):
            connection.execute(text("SELECT RELEASE_LOCK('artigraph')"))
