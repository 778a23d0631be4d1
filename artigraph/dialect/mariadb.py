"""MariaDB, which SQLAlchemy also calls MySQL.

It has no indexes on expressions, so an indexed field is a generated column there that
takes no room in the rows. A recursive query ends after 1,000 steps without an error: of
a deeper tree it would find the upper part only, unless a connection says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    FromClause,
    SmallInteger,
    Text,
    Uuid,
    event,
    func,
    literal_column,
    select,
    table as bare_table,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.base import EPOCH, FIELD_COLUMN, FIELD_COLUMNS, WAIT_SECONDS, Dialect
from artigraph.dialect.json import DECIMAL, JsonFunctions, is_plain_key
from artigraph.errors import DatabaseBusyError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

__all__ = ["MARIADB", "MariaDB"]

_COLLATION = "utf8mb4_nopad_bin"
"""Names differ when their bytes differ, as in the other databases: the default takes
``a``, ``A`` and ``a `` for one."""
_BINARY = f"CHARACTER SET utf8mb4 COLLATE {_COLLATION}"

_LARGEST = "1.7976931348623157e308"
"""What is compared instead of infinity, which it has not."""

_DOUBLE = "^-?([0-9]{1,300}([.][0-9]+)?|[0-9]{1,8}([.][0-9]+)?[eE]([+]?[12]?[0-9]{1,2}|-[0-9]+))$"
"""What is surely no larger than a double."""

_DEADLOCK = 1213
"""The number of the error that rolls the whole transaction back."""

_ALSO_KEPT = {"boolean": {"integer"}, "interval": {"datetime"}, "text": {"enum", "document"}}
_ALSO_KEPT |= {"document": {"text"}, "enum": {"text"}, "uuid": {"text"}}
"""What it has no type for, it keeps in columns of another one."""

# In a connection's record, and as its execution option.
_PREPARED, _HELD, _LEVEL = "artigraph_prepared", "artigraph_locks", "artigraph_isolation"
_SNAPSHOT = "artigraph_snapshot"

_LOCK = "CONCAT('artigraph-', :key, '-', MD5(DATABASE()))"


class _ExactDecimal(TypeDecorator[Decimal]):
    """As many digits as MariaDB has. Its own default has ten, and none behind the point."""

    impl = mysql.DECIMAL(65, 30)
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: object) -> object:
        # With an exponent it would be a literal of a float.
        return format(value, "f") if value is not None and "E" in str(value) else value

    @override
    def process_result_value(self, value: object, dialect: object) -> Decimal | None:
        if value is None:
            return None
        # It fills up with noughts.
        digits = format(value, "f")
        return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)


class _Duration(TypeDecorator[timedelta]):
    """As SQLAlchemy's for databases without such a type, but with microseconds."""

    impl = mysql.DATETIME(fsp=6)
    cache_ok = True

    @override
    def process_bind_param(self, value: timedelta | None, dialect: object) -> datetime | None:
        return None if value is None else EPOCH + value

    @override
    def process_result_value(self, value: datetime | None, dialect: object) -> timedelta | None:
        return None if value is None else value - EPOCH


_TYPES: dict[str, TypeEngine[Any]] = {
    "bytes": mysql.LONGBLOB(),
    "decimal": _ExactDecimal(),
    "duration": _Duration(),
    "moment": mysql.DATETIME(fsp=6),
    "name": mysql.VARCHAR(255, charset="utf8mb4", collation=_COLLATION),
    "text": mysql.LONGTEXT(charset="utf8mb4", collation=_COLLATION),
    "time": mysql.TIME(fsp=6),
}
"""Its plain ``BLOB`` ends at 64 kB, its plain times at the second."""

_BITS: dict[type[TypeEngine[Any]], int] = {mysql.TINYINT: 8, mysql.MEDIUMINT: 24}
_BITS |= {SmallInteger: 16, BigInteger: 64}
_BYTES: dict[type[TypeEngine[Any]], int] = {mysql.TINYTEXT: 255, mysql.MEDIUMTEXT: 16_777_215}
_BYTES |= {Text: 65_535}

_TABLE = {
    f"{name}_{option}": value
    for name in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}

_FIELD_TYPES = {
    "integer": ("DECIMAL(65, 30)", ""),
    "boolean": ("BOOLEAN", ""),
    "moment": (f"VARCHAR(27) {_BINARY}", ""),
    "time": (f"VARCHAR(15) {_BINARY}", ""),
    "name": (f"VARCHAR(255) {_BINARY}", ""),
    "text": (f"LONGTEXT {_BINARY}", "(191)"),
}
"""Of generated columns: the type, and how much of it is indexed."""


_NOT_KEYS = str.maketrans("", "", '"$\\')


def _dumped(key: str) -> str:
    return orjson.dumps(key).decode()


def _path(keys: Sequence[str]) -> str:
    return "$" + "".join("." + _without_dash(key) for key in keys)


def _without_dash(key: str) -> str:
    # A key in a path is escaped as it is in the document, but for a dash in front, which
    # since 10.9 is an error.
    return re.sub('^"-', r'"\\u002d', _dumped(key))


class _Json(JsonFunctions):
    text_collation = f" COLLATE {_COLLATION}"
    numbers = ("INTEGER", "DOUBLE", "DECIMAL")
    string, object, null = "STRING", "OBJECT", "NULL"

    @override
    def literal(self, text: str) -> str:
        if "\\" not in text or not is_plain_key(text.translate(_NOT_KEYS)):
            return super().literal(text)
        # A backslash in quotes is one or not, as a server's mode has it.
        parts = "', CHAR(92 USING utf8mb4), '".join(text.split("\\"))
        return f"CONCAT('{parts}')"

    def _at(self, keys: Sequence[str]) -> str:
        return f"{self.document}, {self.literal(_path(keys))}"

    @override
    def type(self, keys: Sequence[str]) -> str:
        value = f"JSON_EXTRACT({self._at(keys)})"
        dashed = {key for key in keys if key.startswith("-")}
        if dashed:
            # It finds no key that is escaped otherwise than in the document.
            document = self.document
            for key in sorted(dashed):
                old, new = (self.literal(f"{one}:") for one in (_dumped(key), _without_dash(key)))
                document = f"REPLACE({document}, {old}, {new})"
            value = f"JSON_EXTRACT({document}, {self.literal(_path(keys))})"
        if not all(key.isascii() and is_plain_key(key) for key in dashed):
            # A document may hold them escaped. JSON_TABLE finds them, but serves no index.
            columns = f"COLUMNS (v JSON PATH {super().literal(_path(keys))})"
            value = f"(SELECT v FROM JSON_TABLE({self.document}, '$' {columns}) AS found)"
        return f"JSON_TYPE({value})"

    @override
    def text(self, keys: Sequence[str]) -> str:
        return f"JSON_VALUE({self._at(keys)})"

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        # A DOUBLE rounds integers of more than 53 bits, a DECIMAL small fractions.
        type_ = "DECIMAL(65, 30)" if form == "integer" else "DOUBLE"
        return f"CAST(JSON_VALUE({self._at(keys)}) AS {type_})"

    @override
    def infinity(self, form: str) -> str:
        return "9" * 35 if form == "integer" else _LARGEST

    @override
    def beyond(self, form: str) -> str:
        return "1" + "0" * 19

    @override
    def to_number(self, text: str, form: str) -> str:
        number, beyond = f"CAST({text} AS DOUBLE)", ""
        # A generated column refuses, and a write fails on, what its type has no digits for.
        if form == "integer":
            beyond = f"WHEN ABS({number}) > 9e34 THEN SIGN({number}) * {self.infinity(form)} "
            number = f"CAST({text} AS DECIMAL(65, 30))"
        if form == "decimal":
            sign = f"IF(substr({text}, 1, 1) = '-', -1, 1)"
            beyond = f"WHEN {text} NOT REGEXP '{_DOUBLE}' THEN {sign} * {_LARGEST} "
        return f"CASE WHEN {text} NOT REGEXP '{DECIMAL}' THEN NULL {beyond}ELSE {number} END"

    @override
    def true(self, keys: Sequence[str]) -> str:
        return f"CASE {self.type(keys)} WHEN 'BOOLEAN' THEN JSON_VALUE({self._at(keys)}) = '1' END"

    @override
    def without_fold(self, text: str) -> str:
        return f"TRIM(TRAILING '[' FROM SUBSTR({text}, 1, 27))"


class MariaDB(Dialect):
    """MariaDB."""

    name = "mariadb"
    title = "MariaDB"
    driver = "asyncmy"
    example = "mariadb+asyncmy://user@host/database"
    extra = "artigraph[mysql]"
    names_database = ("db", "database", "read_default_file")
    port = 3306
    json = _Json
    exact_integers = 10**35
    locks_gaps = shows_first_read = checks_row_by_row = commits_before_index = True
    takes_any_parameters = True
    decimal_digits = 10
    column_types = _TYPES
    statement_limit, escaped = "max_allowed_packet", b"\0\n\r\x1a\"'\\"
    conflicts, waits = frozenset({_DEADLOCK, 1020, 1412}), frozenset({1205})
    denials = frozenset({1142, 1143, 1227, 1290, 1792, 1836})
    table_options = _TABLE
    index_options: ClassVar[Mapping[str, str]] = {"mysql_length": "most", "mariadb_length": "most"}
    integer_bits = _BITS
    text_bytes = _BYTES

    @override
    def prepare(self, engine: Engine) -> None:
        if not event.contains(engine, "begin", _on_begin):
            event.listen(engine, "begin", _on_begin)
            event.listen(engine, "reset", _on_reset)

    @override
    def see_one_moment(self, connection: Connection) -> None:
        # It does already, unless its settings say otherwise.
        connection.execution_options(**{_SNAPSHOT: True})

    @override
    def may_give_up(self, connection: Connection, error: BaseException) -> bool:
        return _DEADLOCK in error.args[:1]

    @override
    def lock(self, connection: Connection, key: int) -> None:
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

    @override
    def series(self, count: int) -> FromClause:
        return bare_table(f"seq_1_to_{count}")

    @override
    async def count_past(self, connection: AsyncConnection, sequence: str, highest: int) -> None:
        # Here SETVAL never counts backwards.
        await connection.execute(select(func.setval(literal_column(sequence), highest)))

    @override
    def gives_back(self, values: str, column: str) -> bool:
        return values == column or column in _ALSO_KEPT.get(values, ())

    @override
    def second_digits(self, stored: TypeEngine[Any]) -> int:
        return getattr(stored, "fsp", None) or 0

    @override
    def keeps_float(self, stored: TypeEngine[Any], number: float) -> bool:
        if not isinstance(stored, mysql.FLOAT) or (stored.precision or 0) > 24:
            return True
        # It shows six digits, whatever it holds.
        small = 1.2e-38 <= abs(number) <= 3.4e38 or number == 0
        return small and float(f"{number:.6g}") == number

    @override
    def keeps_uuid(self, stored: TypeEngine[Any], value: UUID) -> bool:
        # Of a version and variant that it refuses.
        return not (isinstance(stored, Uuid) and value.bytes[6] >= 0x80 and value.bytes[8] < 0x80)

    @override
    def bound_number(self, value: object) -> object:
        if value in (float("inf"), float("-inf")):
            return float(_LARGEST) if value > 0 else -float(_LARGEST)
        return super().bound_number(value)

    @override
    def rows_of(self, array: str, values: str) -> str:
        types = {"integer": "BIGINT", "number": "DOUBLE", "text": f"VARCHAR(1024) {_BINARY}"}
        rows = f"JSON_TABLE({array}, '$[*]' COLUMNS (value {types[values]} PATH '$')) AS packed"
        return f"(SELECT packed.value FROM {rows})"

    @override
    def nulls_last(self, value: Callable[[], str], ordered: str) -> str:
        return f"{value()} IS NULL, {ordered}"

    @override
    async def field_columns(self, connection: AsyncConnection) -> frozenset[str]:
        query = text(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND column_name LIKE :begin"
        )
        begin = FIELD_COLUMN.replace("_", r"\_") + "%"
        found = (await connection.execute(query, {"begin": begin})).scalars()
        names = frozenset(map(str, found))
        if getattr(connection.dialect, FIELD_COLUMNS, frozenset()) != names:
            setattr(connection.dialect, FIELD_COLUMNS, names)
            connection.engine.sync_engine.clear_compiled_cache()
        return names

    @override
    async def create_field_index(
        self, connection: AsyncConnection, table: str, column: str, sql: str, form: str
    ) -> None:
        type_, length = _FIELD_TYPES.get(form, ("DOUBLE", ""))
        generated = f"{column} {type_} GENERATED ALWAYS AS ({sql}) VIRTUAL INVISIBLE"
        there = column in await self.field_columns(connection)
        await connection.exec_driver_sql(
            f"ALTER TABLE {table} {'' if there else f'ADD COLUMN {generated}, '}"
            f"ADD INDEX IF NOT EXISTS {column}_ix (model_artifact_type, {column}{length})"
        )
        await self.field_columns(connection)

    @override
    async def drop_field_index(self, connection: AsyncConnection, table: str, column: str) -> None:
        # The column takes no room, and statements of other processes may name it.
        await connection.exec_driver_sql(f"ALTER TABLE {table} DROP INDEX IF EXISTS {column}_ix")


def _on_begin(connection: Connection) -> None:
    # At the first transaction rather than on connecting: an engine may have been
    # at work before it was given to artigraph.
    if _PREPARED not in connection.info:
        _tell(connection, "SET SESSION max_recursive_iterations = 4294967295")
        connection.info[_PREPARED] = True
    if _SNAPSHOT in connection.get_execution_options():
        if _LEVEL not in connection.info:
            adapted: Any = connection.connection.dbapi_connection
            connection.info[_LEVEL] = connection.dialect.get_isolation_level(adapted)
        if connection.info[_LEVEL] in ("READ COMMITTED", "READ UNCOMMITTED"):
            # Of the next transaction alone.
            _tell(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _tell(connection: Connection, statement: str) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement)
    finally:
        cursor.close()


def _on_reset(
    connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState
) -> None:
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


MARIADB = MariaDB()
