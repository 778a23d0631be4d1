"""The curves of runs: a row for each metric of a node, its points in packed blocks, who writes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float, ForeignKey, Index, Sequence
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.orm.base import Base, BinaryName, LargeBytes, NodeId, UTCDateTime

__all__ = ["SERIES_ID_SEQUENCE", "SeriesBlockRecord", "SeriesRecord", "SeriesWriterRecord"]

SERIES_ID_SEQUENCE = "artigraph_series_id_seq"
"""Where PostgreSQL and MariaDB count ids of series."""


class SeriesRecord(Base):
    """A metric of a node: what lists and conditions ask of it, without its points."""

    __tablename__ = "artigraph_series"
    __table_args__ = (
        Index("artigraph_series_node_name", "series_node_id", "series_name", unique=True),
        Index("artigraph_series_name_last", "series_name", "series_last"),
    )

    series_id: Mapped[int] = mapped_column(NodeId, Sequence(SERIES_ID_SEQUENCE), primary_key=True)
    """Its key."""
    series_node_id: Mapped[int] = mapped_column(
        NodeId, ForeignKey("artigraph_node.node_id", ondelete="CASCADE")
    )
    """The node, most often a run."""
    series_name: Mapped[str] = mapped_column(BinaryName(255))
    """The metric."""
    series_points: Mapped[int] = mapped_column(NodeId)
    """How many points it has."""
    series_last_step: Mapped[int] = mapped_column(NodeId)
    """The step of the last point."""
    series_last: Mapped[float | None] = mapped_column(Float(53))
    """The last value; NULL if it is NaN or infinite."""
    series_min: Mapped[float | None] = mapped_column(Float(53))
    """The smallest finite value; NULL if there is none."""
    series_max: Mapped[float | None] = mapped_column(Float(53))
    """The largest finite value; NULL if there is none."""
    series_line: Mapped[bytes | None] = mapped_column(LargeBytes)
    """The curve as lists draw it: a few buckets, packed as ``artigraph.series.line`` says."""


class SeriesBlockRecord(Base):
    """Some points of a metric, one after another."""

    __tablename__ = "artigraph_series_block"

    block_series_id: Mapped[int] = mapped_column(
        NodeId,
        ForeignKey("artigraph_series.series_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    """The metric."""
    block_number: Mapped[int] = mapped_column(NodeId, primary_key=True, autoincrement=False)
    """Which block of it this is, counted from 0."""
    block_count: Mapped[int] = mapped_column(NodeId)
    """How many points it has."""
    block_data: Mapped[bytes] = mapped_column(LargeBytes)
    """Their steps, times and values, packed as ``artigraph.series.codec`` says."""


class SeriesWriterRecord(Base):
    """Who writes the curves of a node: one at a time, so that nobody spoils another one's."""

    __tablename__ = "artigraph_series_writer"

    writer_node_id: Mapped[int] = mapped_column(
        NodeId,
        ForeignKey("artigraph_node.node_id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    """The node; its row goes as soon as the writer has ended."""
    writer_token: Mapped[str] = mapped_column(BinaryName(64))
    """A name that only this writer has."""
    writer_at: Mapped[datetime] = mapped_column(UTCDateTime())
    """When it last wrote, in UTC."""
