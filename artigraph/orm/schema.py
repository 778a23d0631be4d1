"""Which schema a store has, and which store it is: one row."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, UTCDateTime
from artigraph.orm.uid import Uid

__all__ = ["SCHEMA_ROW", "SchemaRecord"]

SCHEMA_ROW = 1
"""The key of the one row."""


class SchemaRecord(Base):
    """The store's version; a store of the first release has none, and is of version 1."""

    __tablename__ = "artigraph_schema"

    schema_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    """Always 1."""
    schema_version: Mapped[int] = mapped_column(Integer)
    """The number of the last step that was taken."""
    schema_begun: Mapped[int | None] = mapped_column(Integer)
    """The number of a step that was begun, and may have been broken off."""
    schema_oldest_reader: Mapped[int] = mapped_column(Integer)
    """The oldest version whose libraries read this store rightly."""
    schema_oldest_writer: Mapped[int] = mapped_column(Integer)
    """The oldest version whose libraries may write into it."""
    schema_library: Mapped[str] = mapped_column(BinaryName(64))
    """The version of artigraph that took the last step."""
    schema_upgraded_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When that was, in UTC."""
    schema_store_uid: Mapped[UUID] = mapped_column(Uid)
    """Which store this is, wherever it is copied or moved to."""
