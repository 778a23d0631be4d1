"""What a step says, and what it may do to a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, inspect, text
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import SchemaType

from artigraph.dialect.registry import dialect_of
from artigraph.errors import SchemaError
from artigraph.orm.base import Base

__all__ = [
    "ROWS",
    "Fill",
    "Step",
    "add_columns",
    "create_guards",
    "create_indexes",
    "create_tables",
    "refuse_without_triggers",
    "rename_columns",
]

ROWS = 10_000
"""How many rows are filled in at a time on a server, so that no lock is held for long."""


@dataclass(frozen=True)
class Fill:
    """Values for rows that are there already, in a column of the step's own."""

    table: str
    """The table."""
    key: str
    """Its key, a whole number."""
    column: str
    """The column, which is NULL in rows that want a value."""
    value: str
    """SQL for it, by the attribute of the database's that holds the template."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What stands for each name in the template."""
    unless: str = "NULL"
    """A column; rows with a value there stay as they are, since the database refuses to change
    them."""

    def fill(self, connection: Connection, after: int, count: int) -> int | None:
        """Fill some rows in.

        Args:
            connection: In a transaction.
            after: The last key that was seen to.
            count: How many rows at the most.

        Returns:
            The last key that is seen to now; ``None`` if there was none left.
        """
        open_ = f"{self.column} IS NULL AND {self.unless} IS NULL"
        wanted = f"FROM {self.table} WHERE {open_} AND {self.key} > :after"
        last = connection.execute(
            text(
                f"SELECT MAX({self.key}) FROM (SELECT {self.key} {wanted} "  # noqa: S608  # names of our own
                f"ORDER BY {self.key} LIMIT {count}) AS wanting"
            ),
            {"after": after},
        ).scalar()
        if last is None:
            return None
        database = dialect_of(connection)
        database.prepare_fill(connection)
        value = getattr(database, self.value).format(**self.names)
        connection.exec_driver_sql(
            f"UPDATE {self.table} SET {self.column} = {value} WHERE {open_} "  # noqa: S608  # as above
            f"AND {self.key} > {int(after)} AND {self.key} <= {int(last)}"
        )
        return int(last)

    def rows(self, connection: Connection) -> int:
        """How many there are at the most, for whoever shows how far it is."""
        found = connection.execute(text(f"SELECT MAX({self.key}) FROM {self.table}")).scalar()  # noqa: S608  # as above
        return int(found or 0)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step: what it adds, in this order. Each part looks first, so all may be done again."""

    number: int
    """The version that it leads to."""
    title: str
    """What it brings, in words."""
    oldest_reader: int
    """The oldest version whose libraries read the store rightly then."""
    oldest_writer: int
    """The oldest version whose libraries may write into it then."""
    columns: Mapping[str, Sequence[str]]
    """Columns that it adds, by table."""
    renames: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Columns that get another name, by table: the new name by the old one. Rows stay as they
    are, locked ones and indexes included; SQL of somebody's own finds them by the old name as
    well, where a database can show a column by two."""
    tables: Sequence[str] = ()
    """Tables that it makes."""
    fills: Sequence[Fill] = ()
    """Values for rows that are there."""
    indexes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Indexes that it makes, by table."""
    guarded: Sequence[str] = ()
    """Tables whose triggers it makes."""

    def take_over(self, connection: Connection) -> None:
        """Give renamed columns what a library that looks for no version has written since.

        It makes columns anew under the names that it knows, and goes on with them.
        """
        for name, names in self.renames.items():
            table = _table(name)
            found = inspect(connection).get_columns(name)
            # What shows the new column by its old name holds nothing of its own.
            present = {column["name"] for column in found if "computed" not in column}
            for old, new in names.items():
                # One that a class of a user's declares by now is theirs.
                if old in present and old not in table.c:
                    connection.exec_driver_sql(
                        f"UPDATE {name} SET {new} = {old} WHERE {new} IS NULL "  # noqa: S608  # names of our own
                        f"AND {old} IS NOT NULL AND node_locked_at IS NULL"
                    )

    def new_columns(self, table: str) -> list[str]:
        """The columns of a table that there were none of by that name before."""
        return [*self.renames.get(table, {}).values(), *self.columns.get(table, ())]

    def begin(self, connection: Connection) -> None:
        """Make room: tables and columns."""
        create_tables(connection, self.tables)
        for table, renamed in self.renames.items():
            rename_columns(connection, _table(table), renamed)
        for table, names in self.columns.items():
            add_columns(connection, _table(table), names)

    def show_older_names(self, connection: Connection) -> None:
        """Let columns be read by the names that they had, unless something is called so."""
        shown_as = dialect_of(connection).second_name_sql
        if shown_as is None:
            return
        preparer = connection.dialect.identifier_preparer
        for name, names in self.renames.items():
            table = _table(name)
            present = {column["name"] for column in inspect(connection).get_columns(name)}
            for old, new in names.items():
                if old not in present and old not in table.c:
                    kind = table.c[new].type.compile(connection.dialect)
                    connection.exec_driver_sql(
                        f"ALTER TABLE {preparer.format_table(table)} ADD COLUMN "
                        f"{preparer.quote(old)} {kind} {shown_as.format(preparer.quote(new))}"
                    )

    def finish(self, connection: Connection) -> None:
        """What wants the values to be there: indexes, triggers, and second names."""
        self.show_older_names(connection)
        for table, names in self.indexes.items():
            create_indexes(connection, _table(table), names)
        for table in self.guarded:
            create_guards(connection, table)


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


def create_tables(connection: Connection, names: Iterable[str]) -> None:
    """Make tables, with their indexes, unless they are there."""
    Base.metadata.create_all(connection, tables=[_table(name) for name in names])


def add_columns(connection: Connection, table: Table, names: Iterable[str]) -> None:
    """Add columns to a table, unless it has them."""
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    quote = connection.dialect.identifier_preparer.format_table
    for column in (table.c[name] for name in names if name not in present):
        if isinstance(column.type, SchemaType):
            # PostgreSQL's enumerations are things of their own.
            column.type.create(connection, checkfirst=True)
        specification = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {specification}")


def rename_columns(connection: Connection, table: Table, names: Mapping[str, str]) -> None:
    """Give columns of a table other names, unless they have them.

    Args:
        connection: In a transaction.
        table: The table.
        names: The new name by the old one. Those that it has neither of are made anew.
    """
    preparer = connection.dialect.identifier_preparer
    present = {column["name"] for column in inspect(connection).get_columns(table.name)}
    for old, new in names.items():
        if old in present and new not in present:
            connection.exec_driver_sql(
                f"ALTER TABLE {preparer.format_table(table)} "
                f"RENAME COLUMN {preparer.quote(old)} TO {preparer.quote(new)}"
            )
    add_columns(connection, table, names.values())


def create_indexes(connection: Connection, table: Table, names: Iterable[str | None]) -> None:
    """Make indexes of a table, unless it has them."""
    there, wanted = dialect_of(connection).index_names(connection, table), set(names)
    for index in table.indexes:
        if index.name in wanted - there:
            index.create(connection)


def create_guards(connection: Connection, table: str) -> None:
    """Make the triggers of a table, unless it has them."""
    database = dialect_of(connection)
    there = database.guard_names(connection, table)
    for name, statements in database.guards(table).items():
        if name not in there:
            for statement in statements:
                connection.exec_driver_sql(statement)


def refuse_without_triggers(connection: Connection, shown: str) -> None:
    """Refuse an account that may not make triggers, before it makes anything else.

    Raises:
        SchemaError: It may not.
    """
    if not dialect_of(connection).shows_guards(connection):
        raise SchemaError(
            f"This account may make no triggers in {shown}, which keep locked rows as they are. "
            "Nothing was changed. Let an account do this that may; or have an administrator GRANT "
            "TRIGGER ON the database TO this one, and run this again."
        )
