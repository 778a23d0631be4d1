"""PostgreSQL.

It shows one moment to each statement; with asyncpg a transaction's level comes with its
BEGIN, at no cost. After an error that somebody has caught, it answers a COMMIT with a
ROLLBACK that no driver tells of.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    case,
    event,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import REAL, TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.base import LABEL_INDEX, Dialect
from artigraph.dialect.json import DECIMAL, JsonFunctions, is_plain_key
from artigraph.dialect.order import in_order, json_in_order, says_order, with_order
from artigraph.dialect.postgresql.guard import PostgreSQLGuards
from artigraph.dialect.postgresql.roles import PostgreSQLRoles
from artigraph.dialect.postgresql.tag import PostgreSQLTags
from artigraph.errors import FilterError, ReadOnlyError

if TYPE_CHECKING:
    from sqlalchemy import Dialect as SQLAlchemyDialect
    from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["POSTGRESQL", "PostgreSQL"]

_INDEXED_LENGTH = 300
"""Characters of a text that are indexed: a key ends at 2.7 kB."""

_BITS: dict[type[TypeEngine[Any]], int] = {SmallInteger: 16, BigInteger: 64}

_STEPS = 100_000
"""Ids that are counted over one by one: a moment's work."""

_BEFORE = "artigraph_isolation_before"


class _OrderedDocument(TypeDecorator[Any]):
    """JSONB, with the order of keys beside it where that is another one than JSONB's."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: object, dialect: object) -> Any:
        return with_order(value)

    @override
    def result_processor(self, dialect: SQLAlchemyDialect, coltype: object) -> Any:
        load = self.impl_instance.dialect_impl(dialect).result_processor(dialect, coltype)

        def process(stored: object) -> object:
            value = stored if load is None else load(stored)
            return in_order(value) if says_order(stored) else value

        return process


class _Json(JsonFunctions):
    text_collation = ' COLLATE "C"'
    numbers, string, object, null = ("number",), "string", "object", "null"

    def _at(self, keys: Sequence[str]) -> str:
        return "".join([self.document, *(f" -> {self.key(key)}" for key in keys)])

    def key(self, key: str) -> str:
        return self.literal(key) if is_plain_key(key) else f"CAST({self.literal(key)} AS TEXT)"

    @override
    def type(self, keys: Sequence[str]) -> str:
        return f"jsonb_typeof({self._at(keys)})"

    @override
    def text(self, keys: Sequence[str]) -> str:
        return f"({self._at(keys[:-1])} ->> {self.key(keys[-1])})"

    @override
    def number(self, keys: Sequence[str], form: str) -> str:
        return f"CAST({self._at(keys)} AS NUMERIC)"

    @override
    def infinity(self, form: str) -> str:
        return "CAST('Infinity' AS NUMERIC)"

    @override
    def to_number(self, text: str, form: str) -> str:
        # Of very many digits no number is made, and a write to an index would fail.
        is_number = f"{text} ~ '{DECIMAL}' AND length({text}) < 1000"
        return f"CASE WHEN {is_number} THEN CAST({text} AS NUMERIC) END"

    @override
    def true(self, keys: Sequence[str]) -> str:
        at = self._at(keys)
        return f"CASE jsonb_typeof({at}) WHEN 'boolean' THEN CAST({at} AS BOOLEAN) END"


class PostgreSQL(PostgreSQLGuards, PostgreSQLTags, PostgreSQLRoles, Dialect):
    """PostgreSQL."""

    name = "postgresql"
    title = "PostgreSQL"
    driver = "asyncpg"
    example = "postgresql+asyncpg://user@host/database"
    extra = "artigraph[postgres]"
    port = 5432
    json = _Json
    document_json = staticmethod(json_in_order)
    number_type = Numeric()
    labels = "SELECT COALESCE(jsonb_agg(label ORDER BY steps DESC), '[]') FROM up"
    column_types: ClassVar[Mapping[str, TypeEngine[Any]]] = {
        "document": _OrderedDocument(),
        "key": String(255, collation="C"),
    }
    index_options: ClassVar[Mapping[str, str]] = {"postgresql_where": "where"}
    integer_bits = _BITS
    keeps_zones = keeps_durations = keeps_infinity = keeps_nan = fills_char = True
    conflicts = frozenset({"40001", "40P01"})
    waits = frozenset({"55P03"})
    losses = frozenset({"57P01", "57P02", "57P03"})
    denials, only_reads = frozenset({"42501", "25006"}), frozenset({"25006"})

    @override
    def index_names(self, connection: Connection, table: Table) -> set[str]:
        # All that the inspector tells of an index costs more than the rest of a first call.
        query = text(
            "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "WHERE indrelid = to_regclass(quote_ident(:table))"
        )
        return {str(name) for (name,) in connection.execute(query, {"table": table.name})}

    @override
    def code(self, error: BaseException) -> object:
        return getattr(error, "sqlstate", None)

    @override
    def is_lost(self, error: BaseException) -> bool:
        # The driver's own errors have no code.
        code = self.code(error) or ("08" if "connection is closed" in str(error) else "")
        return str(code)[:2] == "08" or super().is_lost(error)

    @override
    def prepare(self, engine: Engine) -> None:
        if not event.contains(engine, "checkin", _on_checkin):
            event.listen(engine, "checkin", _on_checkin)

    @override
    def _refuse_writes(self, connection: AsyncAdapt_asyncpg_connection, record: object) -> None:
        # Of all transactions to come, and in none, which somebody might roll back.
        only = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
        connection.run_async(lambda driver: driver.execute(only))

    @override
    def see_one_moment(self, connection: Connection) -> None:
        _set_level(connection, "repeatable_read")

    @override
    def ask_once(self, connection: Connection) -> None:
        # One statement sees one moment, so BEGIN and ROLLBACK would be two trips for nothing.
        _set_level(connection, "autocommit")

    @override
    def has_given_up(self, connection: Connection) -> bool:
        # Unless a savepoint has taken the error back, which the server knows.
        try:
            connection.execute(text("SELECT 1"))
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            return True
        return False

    @override
    def refusing_tables(
        self, connection: Connection, error: BaseException, table: str
    ) -> Sequence[str]:
        name = getattr(error.__cause__, "table_name", None)
        return [] if name is None else [str(name)]

    @override
    def count_past(self, connection: Connection, sequence: str, highest: int) -> None:
        used = (
            select(literal_column("last_value", BigInteger))
            .select_from(table(sequence))
            .scalar_subquery()
        )
        may_set = func.has_sequence_privilege(sequence, "UPDATE")
        moved = case((may_set, func.setval(sequence, func.greatest(highest, used))))
        called = select(literal_column("is_called::int", Integer)).select_from(table(sequence))
        counted = used - 1 + called.scalar_subquery()
        at, now = connection.execute(select(counted, moved)).one()
        if now is not None or at >= highest:
            return
        # Who may not set a sequence may count on, which takes its time.
        if highest - at > _STEPS:
            raise ReadOnlyError(
                f"The id {highest} was chosen and the next one here is {at + 1}. To pass over so "
                f"many, your role needs one more right: GRANT UPDATE ON SEQUENCE {sequence} TO "
                "your_role. Or leave the id out. Nothing was written."
            )
        passed = f"SELECT {self.next_id(sequence)} FROM {self.series(highest - at)}"
        connection.execute(text(passed))

    @override
    def lock(self, connection: Connection, key: int) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    @override
    def second_digits(self, stored: TypeEngine[Any]) -> int:
        digits = getattr(stored, "precision", None)
        return 6 if digits is None else digits

    @override
    def keeps_float(self, stored: TypeEngine[Any], number: float) -> bool:
        if not isinstance(stored, REAL):
            return True
        try:
            return bool(struct.unpack("f", struct.pack("f", number))[0] == number)
        except OverflowError:
            return False

    @override
    def shows_numeric(self, stored: TypeEngine[Any]) -> bool:
        return isinstance(stored, JSONB)

    @override
    def bound_number(self, value: Any) -> object:
        return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)

    @override
    def rows_of(self, array: str, values: str) -> str:
        value = {"integer": "value::bigint", "number": "value::numeric", "text": "value"}[values]
        return f"(SELECT {value} FROM jsonb_array_elements_text(CAST({array} AS JSONB)))"

    @override
    def begin_alike(self, value: str, text: str) -> str:
        return f"left({value}, {_INDEXED_LENGTH}) = left({text}, {_INDEXED_LENGTH})"

    @override
    async def create_field_index(
        self, connection: AsyncConnection, table: str, column: str, sql: str, form: str, *, of: str
    ) -> None:
        # A longer text would be refused at every write.
        indexed = f"(left({sql}, {_INDEXED_LENGTH}))" if form == "text" else sql
        if of == "column" and form == "moment":
            # As it is ordered by most often, the newest of all types first.
            await connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS {column}_ix ON {table} "
                f"({sql} DESC NULLS LAST, node_id DESC)"
            )
        else:
            await super().create_field_index(connection, table, column, indexed, form, of=of)
        # Only so does it learn how selective the expression is.
        await connection.exec_driver_sql(f"ANALYZE {table}")

    @override
    async def create_label_index(self, connection: AsyncConnection, table: str) -> None:
        try:
            await connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        except DBAPIError as error:
            raise FilterError(
                "PostgreSQL finds a part of a text with its extension pg_trgm, which is not in "
                f"this database and cannot be created ({error.orig}). Have its owner run: CREATE "
                "EXTENSION pg_trgm"
            ) from error
        await connection.exec_driver_sql(
            f"CREATE INDEX IF NOT EXISTS {LABEL_INDEX} ON {table} "
            "USING gin (lower(node_label) gin_trgm_ops)"
        )
        await connection.exec_driver_sql(f"ANALYZE {table}")

    @override
    async def label_candidates(
        self, connection: AsyncConnection, table: str, part: str, most: int
    ) -> list[int] | None:
        there = text("SELECT to_regclass(:name) IS NOT NULL")
        if len(part) < 3 or not (await connection.execute(there, {"name": LABEL_INDEX})).scalar():
            return None
        query = text(
            f"SELECT node_id FROM {table} WHERE lower(node_label) LIKE lower(:pattern) LIMIT :most"
        )
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", part) + "%"
        asked = {"pattern": pattern, "most": most + 1}
        found = (await connection.execute(query, asked)).scalars().all()
        return None if len(found) > most else list(found)


def _set_level(connection: Connection, level: str) -> None:
    """Choose the isolation level of the next transaction, which reads, unless others chose more."""
    if connection.dialect.driver != "asyncpg":
        return
    # SQLAlchemy's own option for it, and events, cost a good part of a short query.
    adapted: Any = connection.connection.dbapi_connection
    if adapted.isolation_level in (None, "read_committed", "read_uncommitted"):
        connection.info[_BEFORE] = adapted.isolation_level, adapted.readonly
        adapted.isolation_level, adapted.readonly = level, True


def _on_checkin(adapted: AsyncAdapt_asyncpg_connection | None, record: ConnectionPoolEntry) -> None:
    if (before := record.info.pop(_BEFORE, None)) and adapted is not None:
        adapted.isolation_level, adapted.readonly = before


POSTGRESQL = PostgreSQL()
