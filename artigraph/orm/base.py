"""What every table shares: the declarative base and the column types.

The types make one Python value out of what each database stores in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_origin

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Text,
    Time,
    event,
)
from sqlalchemy.orm import DeclarativeBase, TypeResolve, registry
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.registry import dialect_of

if TYPE_CHECKING:
    from sqlalchemy.sql.operators import OperatorType

__all__ = [
    "Base",
    "BinaryName",
    "Document",
    "LargeBytes",
    "LongText",
    "NodeId",
    "SortedKey",
    "StoredType",
    "UTCDateTime",
    "is_clean",
    "is_moment",
    "utc_now",
]


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def is_clean(text: str) -> bool:
    """Whether every database keeps a text: PostgreSQL no NUL, none a lone surrogate."""
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def is_moment(value: datetime) -> bool:
    """Whether a datetime lies between the years 1 and 9999 in UTC, too."""
    try:
        value.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return False
    return True


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC with microseconds and read back aware.

    A naive value is taken for local time, as ``datetime.astimezone`` does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        moment = dialect_of(dialect).column_types.get("moment", DateTime(timezone=True))
        return dialect.type_descriptor(moment)

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        store = self.impl_instance.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
        aware = dialect_of(dialect).keeps_zones

        def process(value: datetime | None) -> object:
            if value is None:
                return None
            if not isinstance(value, datetime):
                return value  # as it was read: somebody else's
            moment = value.astimezone(UTC)
            return store(moment if aware else moment.replace(tzinfo=None))

        return _remember_last(process)

    @override
    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        load = self.impl_instance.dialect_impl(dialect).result_processor(dialect, coltype)
        load = load or _as_it_is

        def process(stored: object) -> datetime | None:
            if stored is None:
                return None
            try:
                value: datetime = load(stored)  # type: ignore[assignment]  # a stored one is not None
            except (TypeError, ValueError):
                # Somebody else's, where a column keeps anything: it spoils no other row.
                return stored  # type: ignore[return-value]  # for whoever looks at it
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

        return _remember_last(process)


def _as_it_is(value: object) -> object:
    return value


_remember_last = lru_cache(maxsize=2)
"""The rows of one write share their times, so most need no second conversion; nor does a NULL."""


class StoredType(TypeDecorator[Any]):
    """A type that a database may have another one for, asked when a statement is made.

    It stands for the usual one otherwise. SQLAlchemy's ``with_variant`` would have to
    know all databases when a table is declared.

    Args:
        purpose: What is kept, of :attr:`artigraph.dialect.base.Dialect.column_types`.
        usual: SQLAlchemy's type for it.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, purpose: str, usual: TypeEngine[Any]) -> None:
        super().__init__()
        self.purpose = purpose
        self.usual = self.impl_instance = usual
        self.impl = usual  # type: ignore[assignment]  # as SQLAlchemy's own does

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own = dialect_of(dialect).column_types.get(self.purpose, self.usual)
        if length := getattr(self.usual, "length", None):
            own = own.adapt(type(own), length=length)
        return own

    @property
    @override
    def comparator_factory(self) -> Any:  # type: ignore[override]  # as TypeDecorator's own is
        return self.usual.comparator_factory  # that one makes a class for every column

    @property
    @override
    def python_type(self) -> type[Any]:
        return self.usual.python_type

    @override
    def coerce_compared_value(self, op: OperatorType | None, value: object) -> TypeEngine[Any]:
        compared = self.usual.coerce_compared_value(op, value)
        return self if compared is self.usual else compared

    @override
    def __repr__(self) -> str:
        return repr(self.usual)


def BinaryName(length: int) -> TypeEngine[str]:  # noqa: N802  # a column type, so named like one
    """Text of at most ``length`` characters, compared by its bytes everywhere."""
    return StoredType("name", String(length))


NodeId = StoredType("id", BigInteger())
"""An id."""

Document = StoredType("document", JSON(none_as_null=True))
"""A JSON document that the database can look into; ``None`` is SQL NULL."""

SortedKey = StoredType("key", String(255))
"""Text of at most 255 characters, compared and ordered by its bytes everywhere."""

LargeBytes = StoredType("bytes", LargeBinary())
"""Bytes of any length."""

LongText = StoredType("text", Text())
"""Text of any length, compared by its bytes everywhere."""

ExactDecimal = StoredType("decimal", Numeric())
"""A decimal number, equal when it is read."""

Duration = StoredType("duration", Interval())
"""A length of time, with microseconds."""

TimeOfDay = StoredType("time", Time())
"""A time of day, with microseconds."""


class Base(DeclarativeBase):
    """Declarative base of all of artigraph's tables."""

    # A registry of our own making, so that a class whose cell is run again can
    # give its name up.
    registry = registry(
        class_registry={},
        type_annotation_map={
            bytes: LargeBytes,
            datetime: UTCDateTime(),
            Decimal: ExactDecimal,
            dict[str, Any]: Document,
            int: BigInteger(),
            str: LongText,
            time: TimeOfDay,
            timedelta: Duration,
        },
    )


@event.listens_for(Base, "resolve_type_annotation")
def _document_of(resolved: TypeResolve) -> TypeEngine[Any] | None:
    """Lists and other dicts are documents, as ``dict[str, Any]`` is."""
    annotation: Any = resolved.resolved_type
    outer = get_origin(annotation) or annotation
    return Document if outer in (dict, list) else None


@event.listens_for(Base.metadata, "before_create")
def _for_database(metadata: MetaData, connection: Connection, **_: object) -> None:
    database = dialect_of(connection)
    for table in metadata.tables.values():
        table.dialect_kwargs.update(database.table_options)
        for index in table.indexes:
            for option, key in database.index_options.items():
                if key in index.info:
                    index.dialect_kwargs[option] = index.info[key]
