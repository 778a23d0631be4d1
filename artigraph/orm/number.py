"""Column types of exact numbers and durations, where a database's own would round.

Only the databases that need it get such a type; the others keep SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Dialect, Interval, Numeric, Time
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

__all__ = ["EPOCH", "Duration", "ExactDecimal", "TimeOfDay"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Where SQLAlchemy counts durations from, in databases without a type for them."""


class _SQLiteDecimal(TypeDecorator[Decimal]):
    """A number, which SQLite keeps as a float and can order; read by its digits."""

    impl = Numeric
    cache_ok = True

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[Decimal | None], Any]:
        return lambda value: None if value is None else float(value)

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return lambda stored: None if stored is None else Decimal(repr(stored))


class _MariaDBDecimal(TypeDecorator[Decimal]):
    """As many digits as MariaDB has. Its own default has ten, and none behind the point."""

    impl = mysql.DECIMAL(65, 30)
    cache_ok = True

    @override
    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        # With an exponent it would be a literal of a float.
        return format(value, "f") if value is not None and "E" in str(value) else value

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None:
            return None
        # It fills up with noughts.
        digits = format(value, "f")
        return Decimal(digits.rstrip("0").rstrip(".") if "." in digits else digits)


class _MariaDBDuration(TypeDecorator[timedelta]):
    """As SQLAlchemy's for databases without such a type, but with microseconds."""

    impl = mysql.DATETIME(fsp=6)
    cache_ok = True

    @override
    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> timedelta | None:
        return None if value is None else value - EPOCH


ExactDecimal = (
    Numeric()
    .with_variant(_SQLiteDecimal(), "sqlite")
    .with_variant(_MariaDBDecimal(), "mysql", "mariadb")
)
"""A decimal number, equal when it is read."""

Duration = Interval().with_variant(_MariaDBDuration(), "mysql", "mariadb")
"""A length of time, with microseconds."""

TimeOfDay = Time().with_variant(mysql.TIME(fsp=6), "mysql", "mariadb")
"""A time of day, with microseconds."""
