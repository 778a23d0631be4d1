"""Which schema a store has, and what this library may do with it.

A store of the first release has no version row and is of version 1. A row names the
oldest versions whose libraries still read and write the store rightly, so that most
steps let older libraries go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Connection, exists, insert, inspect, literal_column, null, select
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from artigraph.db.step import needed_version, steps
from artigraph.db.step.base import create_tables
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import SchemaError
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.schema import SCHEMA_ROW, SchemaRecord
from artigraph.version import __version__

__all__ = [
    "FIRST",
    "SchemaStatus",
    "StoreFacts",
    "create_version_table",
    "look",
    "look_within",
    "refuse_unreadable",
    "stamp",
    "stamp_new",
    "status_of",
    "why_not_written",
]

FIRST = 1
"""The version of a store of the first release, which does not say it."""


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """What a store says of itself."""

    version: int
    """Of its schema; 0 of a database without any of artigraph's tables."""
    begun: int | None = None
    """The step that was begun and not finished."""
    oldest_reader: int = FIRST
    """The oldest version whose libraries read it rightly."""
    oldest_writer: int = FIRST
    """The oldest version whose libraries may write into it."""
    library: str = ""
    """The version of artigraph that took its last step."""
    uid: UUID | None = None
    """Which store it is."""
    user: str | None = None
    """Who the server says that this is; ``None`` on SQLite."""
    unnamed: bool | None = None
    """Whether a library that knows of no uids has written rows."""
    is_there: bool = True
    """Whether connecting makes no file that was not there."""


@dataclass(frozen=True, slots=True, repr=False)
class SchemaStatus(Shown):
    """How a store's schema stands to this library."""

    version: int
    """The store's version; 0 of a database without artigraph's tables."""
    needed: int
    """The version that this library makes."""
    steps: tuple[str, ...]
    """The steps that are missing, in words."""
    can_read: bool
    """Whether this library reads the store as it is."""
    can_write: bool
    """Whether it may write into it as it is."""

    @override
    def _describe(self, limits: Limits) -> Facts:
        able = "read and written" if self.can_write else "read" if self.can_read else "not used"
        return Facts(
            "Schema",
            f"version {self.version}, needed: {self.needed}",
            (Badge(able),),
            lines=tuple(f"missing: {step}" for step in self.steps)
            + (("await upgrade_schema() takes what is missing.",) if self.steps else ()),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        return (
            f"SchemaStatus(version={self.version}, needed={self.needed}, steps={self.steps!r}, "
            f"can_read={self.can_read}, can_write={self.can_write})"
        )


_columns = SchemaRecord.__table__.c
_ROW = [
    _columns.schema_version,
    _columns.schema_begun,
    _columns.schema_oldest_reader,
    _columns.schema_oldest_writer,
    _columns.schema_library,
    _columns.schema_store_uid,
]


def look(connection: Connection) -> StoreFacts:
    """What a database says of its schema, in one statement if it has the version row.

    Args:
        connection: To the database, and in no transaction that is to go on.
    """
    try:
        return _asked(connection, named=True)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        connection.rollback()
        return look_within(connection)


def look_within(connection: Connection) -> StoreFacts:
    """The same in a transaction that goes on, in which no statement may fail."""
    inspector = inspect(connection)
    tables = set(inspector.get_table_names())
    if SchemaRecord.__tablename__ not in tables:
        return StoreFacts(FIRST if node_table.name in tables else 0)
    here = {column["name"] for column in inspector.get_columns(SchemaRecord.__tablename__)}
    if lacking := [column.name for column in _ROW if column.name not in here]:
        raise SchemaError(
            f"The table {SchemaRecord.__tablename__!r}, which says a store's version, is none of "
            f"artigraph's: it has no columns {', '.join(lacking)}. Nothing was read or written. "
            f"Rename it: ALTER TABLE {SchemaRecord.__tablename__} RENAME TO "
            f"my_{SchemaRecord.__tablename__}"
        )
    # A step that was broken off may not have made all tables and columns yet.
    columns = inspector.get_columns(node_table.name) if node_table.name in tables else ()
    named = {"node_uid", "node_locked_at"} <= {column["name"] for column in columns}
    return _asked(connection, named=named)


def _asked(connection: Connection, *, named: bool) -> StoreFacts:
    user = dialect_of(connection).user_sql
    nodes = node_table.c
    # Locked ones are named once they are unlocked.
    wanting = nodes.node_uid.is_(None), nodes.node_locked_at.is_(None)
    unnamed = exists(select(nodes.node_id).where(*wanting))
    asked = (
        null() if user is None else literal_column(user),
        unnamed if named else null(),
    )
    here = _columns.schema_id == SCHEMA_ROW
    row = connection.execute(select(*_ROW, *asked).where(here)).first()
    if row is None:
        there = inspect(connection).has_table(node_table.name)
        return StoreFacts(FIRST if there else 0)
    version, begun, reader, writer, library, uid, *rest = row
    for told in (version, reader, writer):
        if type(told) is not int or told < FIRST:
            raise SchemaError(
                f"The store's version row is damaged: {cut(repr(told), 80)} is no version. "
                "Nothing was read or written. Take the row from a backup; or run this and type: "
                "await upgrade_schema(), which looks at each part, and makes the row anew.\n"
                "DELETE FROM artigraph_schema"
            )
    known = uid if isinstance(uid, UUID) else None
    return StoreFacts(version, begun, reader, writer, cut(library, 80), known, *rest)


def status_of(facts: StoreFacts) -> SchemaStatus:
    """How a store stands to this library."""
    needed = needed_version()
    missing = tuple(
        f"{step.number}: {step.title}" for step in steps() if step.number > facts.version > 0
    )
    newer = facts.version > needed
    can_read = facts.version > 0 and not missing and (not newer or needed >= facts.oldest_reader)
    can_write = can_read and (not newer or needed >= facts.oldest_writer)
    return SchemaStatus(facts.version, needed, missing, can_read, can_write)


def refuse_unreadable(facts: StoreFacts, shown: str, *, read_only: bool = False) -> None:
    """Refuse a store that this library does not read rightly.

    Args:
        facts: What the store says of itself.
        shown: Its address, as an error may show it.
        read_only: It was set so, and cannot be upgraded that way.

    Raises:
        SchemaError: It is older or newer.
    """
    needed = needed_version()
    if facts.version > needed and needed < facts.oldest_reader:
        raise SchemaError(
            f"{shown} has schema {facts.version}, made by artigraph {facts.library}, and this "
            f"artigraph knows schemas up to {needed}. Nothing was read or written. Install a newer "
            "one: pip install --upgrade artigraph"
        )
    if facts.version < needed:
        old = all(step.oldest_writer <= facts.version for step in steps())
        first = "set it without read_only=True (or --read-only), then " if read_only else "then "
        after = " Older artigraphs can go on using it." if old else ""
        error = SchemaError(
            f"{shown} has schema {facts.version}, and this artigraph needs {needed}. Nothing was "
            f"read or written. Back it up, {first}type: await upgrade_schema()   (or: %artigraph "
            f"upgrade).{after}"
        )
        error.can_upgrade = True
        raise error


def why_not_written(facts: StoreFacts, shown: str) -> str | None:
    """Why this library may read a store and not write into it; ``None`` if it may."""
    needed = needed_version()
    if facts.version <= needed or needed >= facts.oldest_writer:
        return None
    return (
        f"{shown} has schema {facts.version}, made by artigraph {facts.library}: this artigraph "
        f"knows schemas up to {needed}, and only reads it. Nothing was written. Install a newer "
        "one: pip install --upgrade artigraph"
    )


def create_version_table(connection: Connection) -> None:
    """Make the table of the version row, unless it is there.

    Everybody may read it, who has rights to the nodes and none to tables that came later:
    nothing in it is anybody's, and without it nobody would know what the others are.
    """
    table = SchemaRecord.__tablename__
    if not inspect(connection).has_table(table):
        create_tables(connection, [table])
        dialect_of(connection).let_all_read(connection, table)


def stamp_new(connection: Connection) -> None:
    """Say of a new database which version it has, and which store it is, unless it is said."""
    create_version_table(connection)
    here = select(_columns.schema_id).where(_columns.schema_id == SCHEMA_ROW)
    if connection.execute(here).first() is None:
        stamp(
            connection,
            version=needed_version(),
            oldest_reader=max(step.oldest_reader for step in steps()),
            oldest_writer=max(step.oldest_writer for step in steps()),
        )


def stamp(
    connection: Connection,
    *,
    version: int,
    begun: int | None = None,
    oldest_reader: int = FIRST,
    oldest_writer: int = FIRST,
) -> None:
    """Say of a store that has not said it which version it has, and which store it is.

    Args:
        connection: To the store.
        version: As :class:`StoreFacts` has it, and so the others.
        begun: A step that is begun.
        oldest_reader: See there.
        oldest_writer: See there.
    """
    connection.execute(
        insert(SchemaRecord).values(
            schema_id=SCHEMA_ROW,
            schema_version=version,
            schema_begun=begun,
            schema_oldest_reader=oldest_reader,
            schema_oldest_writer=oldest_writer,
            schema_library=__version__,
            schema_upgraded_at=utc_now(),
            schema_store_uid=uuid4(),
        )
    )
