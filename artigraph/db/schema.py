"""Missing tables, columns and indexes, made or complained about.

Nothing that exists is dropped or altered: a column that no class declares
any more stays. One whose type a class has changed is complained about, if
it would change values.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import SchemaType

from artigraph.db.column import check_types
from artigraph.db.outcome import is_of_driver, unreachable, without_frames
from artigraph.dialect.base import SCHEMA, WRITES
from artigraph.dialect.registry import dialect_of
from artigraph.errors import SchemaError
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.base import Base
from artigraph.orm.run import CellRun
from artigraph.orm.storage import StorageRecord
from artigraph.redact import MASK

__all__ = ["ensure_schema"]

# All tables, and all columns of ours, are there once these are.
_ = (ModelArtifact, CellRun, StorageRecord)


async def ensure_schema(engine: AsyncEngine, *, create: bool, shown: str) -> None:
    """See that the database has all that the classes defined by now need.

    Args:
        engine: Leads to the database.
        create: Make what is missing, rather than raise.
        shown: The database's address as an error may show it.

    Raises:
        EngineURLError: The database cannot be reached.
        ConnectionLostError: It was, and has hung up.
        SchemaError: A table or column is missing and ``create`` is false, or a column
            has a type that would change a class's values.
    """
    await _reach(engine, shown)
    async with engine.connect() as connection:
        await dialect_of(connection).field_columns(connection)
        if await connection.run_sync(_is_complete, create, shown):
            return
    # Look again, now with a lock: another process may be making them as well.
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            await connection.run_sync(_create_missing)
    async with engine.connect() as connection:
        # As the database has made them.
        await connection.run_sync(_is_complete, create, shown)


async def _reach(engine: AsyncEngine, shown: str) -> None:
    try:
        async with engine.connect():
            pass
    except Exception as error:
        if not is_of_driver(error, dialect_of(engine)):
            raise
        # aiosqlite's thread has yet to tell this loop that it ends.
        await asyncio.sleep(0.1)
        raise unreachable(error, dialect_of(engine), shown) from without_frames(error)


def _is_complete(connection: Connection, create: bool, shown: str) -> bool:
    inspector = inspect(connection)
    # An address without its secrets is none to type.
    address = "address" if MASK in shown else repr(shown)
    remedy = f"set_engine({address}, create_tables=True) makes them."
    complete = True
    for table in Base.metadata.sorted_tables:
        try:
            present = {column["name"]: column for column in inspector.get_columns(table.name)}
        except NoSuchTableError:
            if create:
                return False
            raise SchemaError(
                f"The database {shown} has no table {table.name!r}. {remedy}"
            ) from None
        check_types(connection, table, present, shown)
        missing = [column.name for column in table.columns if column.name not in present]
        if missing and not create:
            raise SchemaError(
                f"The table {table.name!r} of {shown} has no columns {', '.join(missing)}, which "
                f"classes defined here need. {remedy}"
            )
        complete = complete and not missing
        if create:
            # Without its indexes a database is slow, but not wrong.
            indexes = dialect_of(connection).index_names(connection, table)
            complete = complete and {index.name for index in table.indexes} <= indexes
    return complete


def _create_missing(connection: Connection) -> None:
    # MariaDB's CREATE commits by itself; the lock is the connection's there.
    dialect_of(connection).lock(connection, SCHEMA)
    Base.metadata.create_all(connection)
    for table in Base.metadata.sorted_tables:
        _complete_table(connection, table)


def _complete_table(connection: Connection, table: Table) -> None:
    inspector = inspect(connection)
    present = {column["name"] for column in inspector.get_columns(table.name)}
    quote = connection.dialect.identifier_preparer.format_table
    for column in table.columns:
        if column.name not in present:
            if isinstance(column.type, SchemaType):
                # PostgreSQL's enumerations are things of their own.
                column.type.create(connection, checkfirst=True)
            specification = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {specification}")
    indexes = dialect_of(connection).index_names(connection, table)
    for index in table.indexes:
        if index.name not in indexes:
            index.create(connection)
