"""Which values a column gives back as they were, for each affinity of column.

Databases round, cut and convert without a word: MariaDB a ``0.5`` for a column
of integers, SQLite a ``"007"``. A check knows the column as the table has it,
which may be narrower than what the class declares today, and refuses what
would come back otherwise. What a user's own ``TypeDecorator`` makes of a value
is that one's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import (
    BINARY,
    JSON,
    VARBINARY,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    TypeDecorator,
    TypeEngine,
    Uuid,
)

from artigraph.orm.base import StoredType, UTCDateTime
from artigraph.orm.check.base import Check, CheckedColumn
from artigraph.orm.check.document import check_document
from artigraph.orm.check.number import check_boolean, check_decimal, check_float, check_integer
from artigraph.orm.check.text import check_bytes, check_enum, check_text, check_uuid
from artigraph.orm.check.time import check_date, check_datetime, check_interval, check_time

__all__ = ["affinity_of", "check_of", "unwrapped"]


def affinity_of(type_: TypeEngine[Any]) -> str | None:
    """Which of the types below a column's type is one of; ``None`` if that is not known here."""
    if isinstance(type_, StoredType):
        type_ = type_.usual
    if isinstance(type_, UTCDateTime):
        return "datetime"
    own = isinstance(type_, TypeDecorator) and not isinstance(type_, Interval)
    if own or type_.__visit_name__ == "SET":  # several names in one text
        return None
    found = (
        affinity for affinity, (classes, _) in _AFFINITIES.items() if isinstance(type_, classes)
    )
    return next(found, None) or _BY_VALUE.get(_python_type(type_))


def _python_type(type_: TypeEngine[Any]) -> type[Any] | None:
    try:
        return type_.python_type
    except NotImplementedError:
        return None


@lru_cache(maxsize=256)
def check_of(
    declared: TypeEngine[Any], stored: TypeEngine[Any] | None, dialect: Dialect
) -> Check | None:
    """What tells whether a column gives a value back as it was.

    Args:
        declared: The column's type, as its class has it.
        stored: Its type in the table, as the database tells; as declared, unless given.
        dialect: The database.

    Returns:
        A function, or ``None`` if nothing is known of such a type.
    """
    affinity = affinity_of(declared)
    if affinity is None or not getattr(declared, "as_uuid", True):
        return None
    if affinity in ("decimal", "float") and getattr(declared, "asdecimal", False) != (
        affinity == "decimal"
    ):
        return None  # a column of Decimals that is read as floats, or the reverse
    column = CheckedColumn(declared, stored or unwrapped(declared, dialect), dialect)
    return _AFFINITIES[affinity][1](column)


def unwrapped(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """The type that a database has for another one."""
    inner: TypeEngine[Any] = type_.dialect_impl(dialect)
    while isinstance(inner, TypeDecorator):
        inner = inner.load_dialect_impl(dialect)
    return inner


_BY_VALUE: dict[type[Any] | None, str] = {bytes: "bytes", timedelta: "interval"}
"""Of types that only one database has."""

# The first that fits counts: an Enum is a String, a Float a Numeric.
_AFFINITIES: dict[str, tuple[tuple[type[Any], ...], Callable[[CheckedColumn], Check]]] = {
    "boolean": ((Boolean,), check_boolean),
    "enum": ((Enum,), check_enum),
    "uuid": ((Uuid,), check_uuid),
    "interval": ((Interval,), check_interval),
    "document": ((JSON,), check_document),
    "integer": ((Integer,), check_integer),
    "float": ((Float, Double), check_float),
    "decimal": ((Numeric,), check_decimal),
    "bytes": ((LargeBinary, BINARY, VARBINARY), check_bytes),
    "datetime": ((DateTime,), check_datetime),
    "date": ((Date,), check_date),
    "time": ((Time,), check_time),
    "text": ((String,), check_text),
}
