"""What people write about a node: notes in Markdown."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, LongText, NodeId, UTCDateTime
from artigraph.orm.uid import Uid

__all__ = ["NoteRecord"]


class NoteRecord(Base):
    """A note on a node."""

    __tablename__ = "artigraph_note"
    __table_args__ = (Index("artigraph_note_node", "note_node_id", "note_uid"),)

    note_uid: Mapped[UUID] = mapped_column(Uid, primary_key=True)
    """Which note it is; they sort as they were written."""
    note_node_id: Mapped[int] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id", ondelete="CASCADE")
    )
    """The node."""
    note_text: Mapped[str] = mapped_column(LongText)
    """Its text, Markdown."""
    note_by: Mapped[str | None] = mapped_column(BinaryName(255))
    """Who wrote it."""
    note_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When that was, in UTC."""
