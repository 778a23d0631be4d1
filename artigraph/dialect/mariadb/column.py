"""Columns of MariaDB, where SQLAlchemy's usual types do not do."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.base import EPOCH

__all__ = ["BINARY", "COLLATION", "TYPES"]

COLLATION = "utf8mb4_nopad_bin"
"""Names differ when their bytes differ, as in the other databases: the default takes
``a``, ``A`` and ``a `` for one."""
BINARY = f"CHARACTER SET utf8mb4 COLLATE {COLLATION}"


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


TYPES: dict[str, TypeEngine[Any]] = {
    "bytes": mysql.LONGBLOB(),
    "decimal": _ExactDecimal(),
    "duration": _Duration(),
    "key": mysql.VARCHAR(255, charset="utf8mb4", collation=COLLATION),
    "moment": mysql.DATETIME(fsp=6),
    "name": mysql.VARCHAR(255, charset="utf8mb4", collation=COLLATION),
    "text": mysql.LONGTEXT(charset="utf8mb4", collation=COLLATION),
    "time": mysql.TIME(fsp=6),
    "uid": mysql.BINARY(16),
}
"""Its plain ``BLOB`` ends at 64 kB, its plain times at the second."""
