"""MariaDB, which SQLAlchemy also calls MySQL.

It has no indexes on expressions, so an indexed field is a generated column there that
takes no room in the rows. What its connections are told is in ``connection``, its columns
of other types in ``column``, and how it reads JSON in ``json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    SmallInteger,
    Text,
    Uuid,
    event,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from artigraph.dialect.base import FIELD_COLUMN, FIELD_COLUMNS, Dialect
from artigraph.dialect.mariadb.column import BINARY, TYPES
from artigraph.dialect.mariadb.connection import SNAPSHOT, hold_lock, on_begin, on_reset
from artigraph.dialect.mariadb.guard import MariaDBGuards
from artigraph.dialect.mariadb.json import LARGEST, MariaDBJson
from artigraph.dialect.mariadb.roles import MariaDBRoles
from artigraph.dialect.mariadb.tag import MariaDBTags

__all__ = ["MARIADB", "MariaDB"]

_DEADLOCK = 1213
"""The number of the error that rolls the whole transaction back."""

_REFUSING = re.compile(r"fails \(`[^`]+`\.`([^`]+)`, CONSTRAINT")

_ALSO_KEPT = {"boolean": {"integer"}, "interval": {"datetime"}, "text": {"enum", "document"}}
_ALSO_KEPT |= {"document": {"text"}, "enum": {"text"}, "uuid": {"text"}}
"""What it has no type for, it keeps in columns of another one."""

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
    "moment": (f"VARCHAR(27) {BINARY}", ""),
    "time": (f"VARCHAR(15) {BINARY}", ""),
    "name": (f"VARCHAR(255) {BINARY}", ""),
    "text": (f"LONGTEXT {BINARY}", "(191)"),
}
"""Of generated columns: the type, and how much of it is indexed."""


class MariaDB(MariaDBGuards, MariaDBTags, MariaDBRoles, Dialect):
    """MariaDB."""

    name = "mariadb"
    title = "MariaDB"
    driver = "asyncmy"
    example = "mariadb+asyncmy://user@host/database"
    extra = "artigraph[mysql]"
    connect_timeout = "connect_timeout"
    names_database = ("db", "database", "read_default_file")
    port = 3306
    json = MariaDBJson
    exact_integers = 10**35
    locks_gaps = shows_first_read = checks_row_by_row = commits_before_index = True
    takes_any_parameters = True
    decimal_digits = 10
    column_types = TYPES
    statement_limit, escaped = "max_allowed_packet", b"\0\n\r\x1a\"'\\"
    conflicts, waits = frozenset({_DEADLOCK, 1020, 1412}), frozenset({1205})
    losses = frozenset({0, 2003, 2006, 2013, 2014, 2045, 2055, 4031})
    denials = frozenset({1142, 1143, 1227, 1290, 1792, 1836})
    only_reads = frozenset({1792})
    table_options = _TABLE
    index_options: ClassVar[Mapping[str, str]] = {"mysql_length": "most", "mariadb_length": "most"}
    integer_bits = _BITS
    text_bytes = _BYTES

    @override
    def prepare(self, engine: Engine) -> None:
        if not event.contains(engine, "begin", on_begin):
            event.listen(engine, "begin", on_begin)
            event.listen(engine, "reset", on_reset)
            if engine.dialect.driver == "asyncmy":
                from artigraph.dialect.mariadb.trip import travel_less

                travel_less(engine.dialect)

    @override
    def _refuse_writes(self, connection: Any, record: object) -> None:
        cursor = connection.cursor()
        try:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
        finally:
            cursor.close()

    @override
    def see_one_moment(self, connection: Connection) -> None:
        # It does already, unless its settings say otherwise.
        connection.execution_options(**{SNAPSHOT: True})

    @override
    def may_give_up(self, connection: Connection, error: BaseException) -> bool:
        return _DEADLOCK in error.args[:1]

    @override
    def is_lost(self, error: BaseException) -> bool:
        # Of somebody who speaks otherwise, or of a message that was cut off.
        return "sequence number wrong" in str(error) or super().is_lost(error)

    @override
    def lock(self, connection: Connection, key: int) -> None:
        hold_lock(connection, key)

    @override
    def refusing_tables(
        self, connection: Connection, error: BaseException, table: str
    ) -> Sequence[str]:
        return _REFUSING.findall(str(error))

    @override
    def next_id(self, sequence: str) -> str:
        return f"NEXTVAL({sequence})"

    @override
    def series(self, count: int) -> str:
        # Not its tables seq_1_to_…: to read one, an account wants a right to that very one.
        if count == 1:
            return "(SELECT 1) AS counted"
        numbers = f"CONCAT('[0', REPEAT(',0', {count - 1}), ']')"
        return f"JSON_TABLE({numbers}, '$[*]' COLUMNS (number FOR ORDINALITY)) AS counted"

    @override
    def count_past(self, connection: Connection, sequence: str, highest: int) -> None:
        # Here SETVAL never counts backwards.
        connection.execute(select(func.setval(literal_column(sequence), highest)))

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
            return float(LARGEST) if value > 0 else -float(LARGEST)
        return super().bound_number(value)

    @override
    def rows_of(self, array: str, values: str) -> str:
        types = {"integer": "BIGINT", "number": "DOUBLE", "text": f"VARCHAR(1024) {BINARY}"}
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
        self, connection: AsyncConnection, table: str, column: str, sql: str, form: str, *, of: str
    ) -> None:
        lead = "model_artifact_type" if of == "models" else "node_type"
        type_, length = _FIELD_TYPES.get(form, ("DOUBLE", ""))
        generated = f"{column} {type_} GENERATED ALWAYS AS ({sql}) VIRTUAL INVISIBLE"
        there = of == "column" or column in await self.field_columns(connection)
        indexed = sql[1:-1] if of == "column" else column
        await connection.exec_driver_sql(
            f"ALTER TABLE {table} {'' if there else f'ADD COLUMN {generated}, '}"
            f"ADD INDEX IF NOT EXISTS {column}_ix ({lead}, {indexed}{length})"
        )
        await self.field_columns(connection)

    @override
    async def drop_field_index(self, connection: AsyncConnection, table: str, column: str) -> None:
        # The column takes no room, and statements of other processes may name it.
        await connection.exec_driver_sql(f"ALTER TABLE {table} DROP INDEX IF EXISTS {column}_ix")


MARIADB = MariaDB()
