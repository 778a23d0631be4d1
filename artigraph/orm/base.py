"""What every table shares: the declarative base and the column types.

The types make one Python value out of what SQLite, PostgreSQL and MariaDB
each store in their own way.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, LargeBinary, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Base", "BinaryName", "Document", "LargeBytes", "LongText", "NodeId", "UTCDateTime", "utc_now"]

MARIADB_COLLATION = "utf8mb4_nopad_bin"
"""Names differ when their bytes differ, as in the other databases: MariaDB's
default takes ``a``, ``A`` and ``a `` for one."""


def utc_now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC with microseconds and read back aware.

    A naive value is taken for local time, as ``datetime.astimezone`` does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def BinaryName(length: int) -> TypeEngine[str]:  # noqa: N802  # a column type, so named like one
    """Text of at most ``length`` characters, compared by its bytes everywhere."""
    mariadb = mysql.VARCHAR(length, charset="utf8mb4", collation=MARIADB_COLLATION)
    return String(length).with_variant(mariadb, "mysql", "mariadb")


NodeId = BigInteger().with_variant(Integer, "sqlite")
"""An id. SQLite counts only ``INTEGER PRIMARY KEY`` up by itself."""

Document = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document that the database can look into; ``None`` is SQL NULL."""

LargeBytes = LargeBinary().with_variant(mysql.LONGBLOB, "mysql", "mariadb")
"""Bytes of any length. MariaDB's plain ``BLOB`` ends at 64 kB."""


LongText = Text().with_variant(
    mysql.LONGTEXT(charset="utf8mb4", collation=MARIADB_COLLATION), "mysql", "mariadb"
)
"""Text of any length, compared by its bytes everywhere."""


class Base(DeclarativeBase):
    """Declarative base of all of artigraph's tables."""

    # A registry of our own making, so that a class whose cell is run again can
    # give its name up.
    registry = registry(
        class_registry={},
        type_annotation_map={
            bytes: LargeBytes,
            datetime: UTCDateTime(),
            dict[str, Any]: Document,
            int: BigInteger(),
            str: LongText,
        },
    )
