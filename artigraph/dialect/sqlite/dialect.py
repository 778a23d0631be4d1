"""SQLite: no server, columns that keep values of any type, and one writer at a time.

So it needs no locks, and ids are counted by whoever writes. What its connections are told
is in ``connection``, what addresses of files and memory mean, in ``address``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, Integer, Numeric, Table, text
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.base import Dialect, Traveller
from artigraph.dialect.json import JsonFunctions
from artigraph.dialect.sqlite import address, label
from artigraph.dialect.sqlite.connection import file_of, prepare_engine, refuse_writes
from artigraph.dialect.sqlite.guard import SQLiteGuards
from artigraph.dialect.sqlite.tag import SQLiteTags
from artigraph.dialect.sqlite.trip import OneTrip

__all__ = ["SQLITE", "SQLite"]

_CHANGES: dict[str, set[str]] = {
    "boolean": {"text"},
    "decimal": {"text"},
    "float": {"text"},
    "integer": {"text", "float"},
    "text": {"integer", "float", "numeric"},
    "uuid": {"integer", "float", "numeric"},
}
"""For each kind of values the affinities that change some: a column keeps values of any
type, but makes numbers of texts, or texts of numbers."""

_AFFINITY = {"integer": "integer", "text": "text", "enum": "text", "uuid": "text"}
_AFFINITY |= {"float": "float", "bytes": "blob"}


class _FloatDecimal(TypeDecorator[Decimal]):
    """A number, which SQLite keeps as a float and can order; read by its digits."""

    impl = Numeric
    cache_ok = True

    @override
    def bind_processor(self, dialect: object) -> Callable[[Decimal | None], Any]:
        return lambda value: None if value is None else float(value)

    @override
    def result_processor(self, dialect: object, coltype: object) -> Callable[[Any], Any]:
        return lambda stored: None if stored is None else Decimal(repr(stored))


class _Json(JsonFunctions):
    numbers, string, object, null = ("integer", "real"), "text", "object", "null"

    def _at(self, keys: Sequence[str]) -> tuple[str, str]:
        document, path = self.document, "$"
        for key in keys:
            if '"' in key or "\\" in key or any(ord(character) < 32 for character in key):
                # Its paths have no escapes: look for the key among all.
                inner = document
                if path != "$":
                    inner = f"json_extract({document}, {self.literal(path)})"
                value = (
                    "CASE WHEN type IN ('true', 'false') THEN json(type) "
                    "WHEN type IN ('object', 'array') THEN json(value) ELSE value END"
                )
                document = (
                    f"(SELECT json_object('v', {value}) FROM json_each({inner}) "
                    f"WHERE key = {self.literal(key)})"
                )
                path = '$."v"'
            else:
                path += f'."{key}"'
        return document, self.literal(path)

    @override
    def type(self, keys: Sequence[str]) -> str:
        return "json_type({}, {})".format(*self._at(keys))

    @override
    def text(self, keys: Sequence[str]) -> str:
        return "json_extract({}, {})".format(*self._at(keys))

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        return self.text(keys)

    @override
    def infinity(self, form: str) -> str:
        return "9e999"

    @override
    def to_number(self, text: str, form: str) -> str:
        # No regular expressions here: neither NaN nor a word begins with a digit.
        return (
            f"CASE WHEN ltrim({text}, '-') GLOB '[0-9.]*' AND {text} NOT GLOB '*[^0-9.eE+-]*' "
            f"THEN CAST({text} AS REAL) END"
        )

    @override
    def true(self, keys: Sequence[str]) -> str:
        return f"CASE {self.type(keys)} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"


class SQLite(SQLiteGuards, SQLiteTags, Dialect):
    """SQLite."""

    name = "sqlite"
    title = "SQLite"
    driver, raises = "aiosqlite", "sqlite3"
    example = "sqlite+aiosqlite:///example.db"
    extra = "artigraph"
    json: ClassVar[type[JsonFunctions]] = _Json
    # It counts only INTEGER PRIMARY KEY up by itself.
    column_types: ClassVar[Mapping[str, TypeEngine[Any]]] = {
        "id": Integer(),
        "decimal": _FloatDecimal(),
    }
    # Never hand a deleted row's id out again.
    table_options: ClassVar[Mapping[str, Any]] = {"sqlite_autoincrement": True}
    index_options: ClassVar[Mapping[str, str]] = {"sqlite_where": "where"}
    is_server = checks_types = False
    keeps_infinity = decimals_are_floats = True
    waits = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
    only_reads = frozenset({sqlite3.SQLITE_READONLY})
    labels = (
        "SELECT json_group_array(CAST(label AS TEXT)) "
        "FROM (SELECT label FROM up ORDER BY steps DESC)"
    )

    @override
    def advice(self, error: BaseException) -> str:
        code = self.code(error)
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return "See that its disk has room, and run this again."
        if code == sqlite3.SQLITE_CANTOPEN:
            return "See that a file's folder exists, and that you may write to it."
        return "Name another file: one that is not there is made."

    resolved = staticmethod(address.resolved)
    is_memory = staticmethod(address.is_memory)
    is_missing = staticmethod(address.is_missing)
    share_memory = staticmethod(address.share_memory)
    location = staticmethod(address.location)
    prepare = staticmethod(prepare_engine)
    refuse_writes = staticmethod(refuse_writes)
    refuse_missing = staticmethod(address.refuse_missing)

    @override
    def make_whole(self, engine: Engine) -> None:
        if (file := file_of(engine)) is not None:
            file.make_whole()

    @override
    def may_give_up(self, connection: Connection, error: BaseException) -> bool:
        driver: Any = connection.connection.driver_connection
        return not driver.in_transaction

    @override
    def code(self, error: BaseException) -> object:
        # Of an extended one the last byte.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF

    @override
    def ask_once(self, connection: Connection) -> None:
        # Nor has anybody to wake the thread once more, for a ROLLBACK.
        adapted = connection.connection.dbapi_connection
        if isinstance(adapted, OneTrip):
            adapted.stands_alone = True

    @override
    def traveller(self, connection: Connection) -> Traveller | None:
        adapted = connection.connection.dbapi_connection
        return adapted.travel_with if isinstance(adapted, OneTrip) else None

    @override
    def reserve_ids(
        self,
        connection: Connection,
        table: str,
        sequence: str,
        count: int,
        chosen: int,
        parents: Collection[int],
    ) -> tuple[Iterable[int], int | None]:
        # The transaction has the write lock, so nobody else counts meanwhile.
        query = "SELECT seq, {} FROM sqlite_sequence WHERE name = '{}'"
        if parents:
            asked = self.with_parents(query.format(self.closed_sql(table), table), parents)
        else:
            asked = text(query.format("NULL", table))
        used, closed = connection.execute(asked).first() or (0, None)
        used = max(used, chosen)
        return range(used + 1, used + count + 1), closed

    @override
    def count_past(self, connection: Connection, sequence: str, highest: int) -> None:
        pass  # it sees to that by itself

    @override
    def index_names(self, connection: Connection, table: Table) -> set[str]:
        # The inspector warns of every index on an expression, as fields have.
        query = text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = :table")
        return {str(name) for (name,) in connection.execute(query, {"table": table.name})}

    @override
    def gives_back(self, values: str, column: str) -> bool:
        return _AFFINITY.get(column, "numeric") not in _CHANGES.get(values, ())

    @override
    def rows_of(self, array: str, values: str) -> str:
        return f"(SELECT value FROM json_each({array}))"

    create_label_index = staticmethod(label.create_label_index)
    label_candidates = staticmethod(label.label_candidates)


SQLITE = SQLite()
