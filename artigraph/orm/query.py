"""Questions that are kept under a name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, Document, UTCDateTime

__all__ = ["QueryRecord"]


class QueryRecord(Base):
    """A question of the store's."""

    __tablename__ = "artigraph_query"

    query_name: Mapped[str] = mapped_column(BinaryName(255), primary_key=True)
    """Its name."""
    query_question: Mapped[dict[str, Any]] = mapped_column(Document)
    """The filter and the order, as ``Filter.to_json`` writes them."""
    query_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who saved it last."""
    query_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When that was, in UTC."""
