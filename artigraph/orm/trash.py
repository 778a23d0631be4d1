"""What was thrown away, and where it hung: one row for each tree in the trash.

The rows themselves stay where they are, with ``node_trashed_at``; the topmost one hangs on
nothing meanwhile, so that its label is free.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, NodeId, UTCDateTime

__all__ = ["TrashRecord"]


class TrashRecord(Base):
    """A tree in the trash."""

    __tablename__ = "artigraph_trash"
    __table_args__ = (Index("artigraph_trash_at", "trash_at"),)

    trash_node_id: Mapped[int] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id", ondelete="CASCADE"), primary_key=True
    )
    """Its topmost node."""
    trash_parent_id: Mapped[int | None] = mapped_column(NodeId)
    """The node that it hung on, which may be gone by now; NULL of a root."""
    trash_count: Mapped[int] = mapped_column(NodeId)
    """How many rows it has."""
    trash_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who threw it away."""
    trash_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When that was, in UTC."""
