"""Missing tables, columns and indexes, made or complained about.

Nothing that exists is dropped or altered: a column that no class declares
any more stays. One whose type a class has changed is complained about, if
it would change values.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.ext.asyncio import AsyncEngine

from artigraph.concurrency import run_in_own_thread
from artigraph.db.column import check_types
from artigraph.db.outcome import is_of_driver, unreachable, without_frames
from artigraph.db.step import later_columns, needed_version, steps
from artigraph.db.step.base import (
    ROWS,
    add_columns,
    create_guards,
    create_indexes,
    refuse_without_triggers,
)
from artigraph.db.version import StoreFacts, look, refuse_unreadable, stamp_new, why_not_written
from artigraph.dialect.base import SCHEMA, WRITES
from artigraph.dialect.registry import dialect_of
from artigraph.errors import SchemaError
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.base import Base
from artigraph.orm.node import Node, is_users, node_table, users_columns
from artigraph.orm.run import TrackedRun
from artigraph.orm.storage import StorageRecord
from artigraph.redact import MASK

if TYPE_CHECKING:
    from artigraph.db.upgrade import SchemaUpgrade

__all__ = ["ensure_schema", "look_at"]

_log = logging.getLogger("artigraph")

# All tables, and all columns of ours, are there once these are.
_ = (ModelArtifact, TrackedRun, StorageRecord)


async def ensure_schema(
    engine: AsyncEngine, *, create: bool, shown: str, read_only: bool
) -> tuple[StoreFacts, SchemaUpgrade | None]:
    """See that the database has all that the classes defined by now need.

    Args:
        engine: Leads to the database.
        create: Make what is missing, rather than raise. A file is upgraded as well.
        shown: The database's address as an error may show it.
        read_only: Nothing may be written through the engine.

    Returns:
        What the store says of itself, and what was done if it was an older one.

    Raises:
        EngineURLError: The database cannot be reached.
        ConnectionLostError: It was, and has hung up.
        SchemaError: A table or column is missing and ``create`` is false, a column
            has a type that would change a class's values, or the store is of a version
            that this library does not read.
    """
    facts, upgrade = await look_at(engine, shown), None
    needed, database = needed_version(), dialect_of(engine)
    if create and 0 < facts.version < needed and database.upgrades_by_itself:
        from artigraph.db.upgrade import take_steps  # wanted once in a store's life

        upgrade = await take_steps(engine, facts, shown=shown)
        _log.warning("%s was upgraded from schema %d. %s", shown, facts.version, upgrade.told())
        facts = await look_at(engine, shown)
    if facts.version:
        if facts.version < needed:
            await _refuse_others_table(engine, shown)
        refuse_unreadable(facts, shown, read_only=read_only)
    elif not create and not facts.is_there:
        # Connecting to it would make an empty one.
        raise SchemaError(
            f"The database {shown} is not there, and so has no table {node_table.name!r}. "
            f"{_remedy(shown)}"
        )
    may_write = why_not_written(facts, shown) is None
    create = create and may_write
    there = facts.unnamed is not None  # it could be asked of its rows
    if facts.version >= needed and there and not create and not _has_users_columns():
        return facts, upgrade  # as it says itself
    async with engine.connect() as connection:
        await dialect_of(connection).field_columns(connection)
        complete = await connection.run_sync(_is_complete, create, shown)
    if complete and not (create and facts.unnamed):
        return facts, upgrade
    # Look again, now with a lock: another process may be making them as well.
    async with engine.connect() as connection:
        await connection.execution_options(**{WRITES: True})
        async with connection.begin():
            await connection.run_sync(_create_missing, shown)
    async with engine.connect() as connection:
        # As the database has made them.
        await connection.run_sync(_is_complete, create, shown)
    return await look_at(engine, shown), upgrade


async def look_at(engine: AsyncEngine, shown: str) -> StoreFacts:
    """What a store says of itself.

    Raises:
        EngineURLError: The database cannot be reached.
        ConnectionLostError: It was, and has hung up.
    """
    if await run_in_own_thread(dialect_of(engine).is_missing, engine.url):
        return StoreFacts(0, is_there=False)
    await _reach(engine, shown)
    async with engine.connect() as connection:
        return await connection.run_sync(look)


async def _refuse_others_table(engine: AsyncEngine, shown: str) -> None:
    """Refuse a table that no version of artigraph has made: no step makes it one of ours.

    Raises:
        SchemaError: It lacks columns that every version has.
    """
    async with engine.connect() as connection:
        await connection.run_sync(_lacking, node_table, shown, later_columns(node_table.name))


def _lacking(connection: Connection, table: Table, shown: str, later: Collection[str]) -> None:
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    own = [c.name for c in table.columns if c.name not in later and not is_users(c)]
    _refuse_without([name for name in own if name not in present], table, shown)


def _refuse_without(missing: Sequence[str], table: Table, shown: str) -> None:
    if missing:
        raise SchemaError(
            f"The table {table.name!r} of {shown} has no columns {', '.join(missing)}, which "
            f"classes defined here need. {_remedy(shown)}"
        )


def _remedy(shown: str) -> str:
    # An address without its secrets is none to type.
    address = "address" if MASK in shown else repr(shown)
    return f"set_engine({address}, create_tables=True) makes them."


def _has_users_columns() -> bool:
    classes = (mapper.class_ for mapper in dict(Node.__mapper__.polymorphic_map).values())
    return any(map(users_columns, classes))


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
    complete = True
    for table in Base.metadata.sorted_tables:
        try:
            present = {column["name"]: column for column in inspector.get_columns(table.name)}
        except NoSuchTableError:
            if create:
                return False
            raise SchemaError(
                f"The database {shown} has no table {table.name!r}. {_remedy(shown)}"
            ) from None
        check_types(connection, table, present, shown)
        missing = [column.name for column in table.columns if column.name not in present]
        if not create:
            _refuse_without(missing, table, shown)
        complete = complete and not missing
        if create:
            # Without its indexes a database is slow, but not wrong.
            indexes = dialect_of(connection).index_names(connection, table)
            complete = complete and {index.name for index in table.indexes} <= indexes
    if create and complete:
        database = dialect_of(connection)
        guards = database.guards(node_table.name).keys()
        there = database.guard_names(connection, node_table.name)
        complete = guards <= there or not (there or database.shows_guards(connection))
    return complete


def _create_missing(connection: Connection, shown: str) -> None:
    if not inspect(connection).has_table(node_table.name):
        refuse_without_triggers(connection, shown)
    # MariaDB's CREATE commits by itself; the lock is the connection's there.
    dialect_of(connection).lock(connection, SCHEMA)
    # First the row: what is broken off after it is a store of this version all the same.
    stamp_new(connection)
    Base.metadata.create_all(connection)
    for table in Base.metadata.sorted_tables:
        add_columns(connection, table, table.c.keys())
        create_indexes(connection, table, (index.name for index in table.indexes))
    create_guards(connection, node_table.name)
    for step in steps():
        step.show_older_names(connection)
    _fill_in(connection)


def _fill_in(connection: Connection) -> None:
    """Give rows their values that a library has written which knows nothing of these."""
    dialect_of(connection).hold_upgrades(connection)
    try:
        for step in steps():
            step.take_over(connection)
        for fill in (fill for step in steps() for fill in step.fills):
            done: int | None = 0
            while done is not None:
                done = fill.fill(connection, done, ROWS)
        dialect_of(connection).release_upgrades(connection)
    except BaseException:
        # It gives up what it holds, which a transaction that has failed cannot.
        connection.invalidate()
        raise
