"""What people say of a node later: tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Table
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, Document, NodeId, SortedKey, UTCDateTime

__all__ = ["TAG_NAME_LENGTH", "TagRecord", "tag_table"]

TAG_NAME_LENGTH = 100
"""Characters of a tag's name."""


class TagRecord(Base):
    """A tag of a node: a name, and perhaps a value."""

    __tablename__ = "artigraph_tag"
    __table_args__ = (
        # Finds the nodes of a tag, by its value and in its order, from the index alone.
        Index("artigraph_tag_name", "tag_name", "tag_key", "tag_node_id"),
        # Of rows without a scope none is equal to another.
        Index("artigraph_tag_alias", "tag_scope_id", "tag_name", "tag_digest", unique=True),
    )

    tag_node_id: Mapped[int] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id", ondelete="CASCADE"), primary_key=True
    )
    """The node."""
    tag_name: Mapped[str] = mapped_column(BinaryName(255), primary_key=True)
    """The tag's name."""
    tag_value: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """Its value in a document under ``"value"``; NULL for a tag without one."""
    tag_key: Mapped[str] = mapped_column(SortedKey)
    """What its value is compared and ordered by; empty for a tag without one."""
    tag_digest: Mapped[str] = mapped_column(BinaryName(64))
    """Lower-case hexadecimal SHA-256 of the value: equal values have an equal one."""
    tag_scope_id: Mapped[int | None] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id", ondelete="SET NULL")
    )
    """The node below which only one may have this tag with this value; NULL for any number."""
    tag_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who set it last."""
    tag_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When that was, in UTC."""


tag_table: Table = TagRecord.__table__  # type: ignore[assignment]  # a table, as of every record
