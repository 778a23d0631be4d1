"""Which values a column gives back as they were, for each kind of column.

Databases round, cut and convert without a word: MariaDB a ``0.5`` for a column
of integers, SQLite a ``"007"``. A keeper knows the column as the table has it,
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
from artigraph.orm.kept.base import Keeper, KeptColumn
from artigraph.orm.kept.document import keep_document
from artigraph.orm.kept.number import keep_boolean, keep_decimal, keep_float, keep_integer
from artigraph.orm.kept.text import keep_bytes, keep_enum, keep_text, keep_uuid
from artigraph.orm.kept.time import keep_date, keep_datetime, keep_interval, keep_time

__all__ = ["keeper", "kind_of", "unwrapped"]


def kind_of(type_: TypeEngine[Any]) -> str | None:
    """What kind of values a type has; ``None`` if that is not known here."""
    if isinstance(type_, StoredType):
        type_ = type_.usual
    if isinstance(type_, UTCDateTime):
        return "datetime"
    own = isinstance(type_, TypeDecorator) and not isinstance(type_, Interval)
    if own or type_.__visit_name__ == "SET":  # several names in one text
        return None
    found = (kind for kind, (classes, _) in _KINDS.items() if isinstance(type_, classes))
    return next(found, None) or _BY_VALUE.get(_python_type(type_))


def _python_type(type_: TypeEngine[Any]) -> type[Any] | None:
    try:
        return type_.python_type
    except NotImplementedError:
        return None


@lru_cache(maxsize=256)
def keeper(
    declared: TypeEngine[Any], stored: TypeEngine[Any] | None, dialect: Dialect
) -> Keeper | None:
    """What tells whether a column keeps a value.

    Args:
        declared: The column's type, as its class has it.
        stored: Its type in the table, as the database tells; as declared, unless given.
        dialect: The database.

    Returns:
        A function, or ``None`` if nothing is known of such a type.
    """
    kind = kind_of(declared)
    if kind is None or not getattr(declared, "as_uuid", True):
        return None
    if kind in ("decimal", "float") and getattr(declared, "asdecimal", False) != (
        kind == "decimal"
    ):
        return None  # a column of Decimals that is read as floats, or the reverse
    column = KeptColumn(declared, stored or unwrapped(declared, dialect), dialect)
    return _KINDS[kind][1](column)


def unwrapped(type_: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    """The type that a database has for another one."""
    inner: TypeEngine[Any] = type_.dialect_impl(dialect)
    while isinstance(inner, TypeDecorator):
        inner = inner.load_dialect_impl(dialect)
    return inner


_BY_VALUE: dict[type[Any] | None, str] = {bytes: "bytes", timedelta: "interval"}
"""Of types that only one database has."""

# The first that fits counts: an Enum is a String, a Float a Numeric.
_KINDS: dict[str, tuple[tuple[type[Any], ...], Callable[[KeptColumn], Keeper]]] = {
    "boolean": ((Boolean,), keep_boolean),
    "enum": ((Enum,), keep_enum),
    "uuid": ((Uuid,), keep_uuid),
    "interval": ((Interval,), keep_interval),
    "document": ((JSON,), keep_document),
    "integer": ((Integer,), keep_integer),
    "float": ((Float, Double), keep_float),
    "decimal": ((Numeric,), keep_decimal),
    "bytes": ((LargeBinary, BINARY, VARBINARY), keep_bytes),
    "datetime": ((DateTime,), keep_datetime),
    "date": ((Date,), keep_date),
    "time": ((Time,), keep_time),
    "text": ((String,), keep_text),
}
