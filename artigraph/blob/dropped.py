"""Values whose bytes were given up: what is said where one is read, and what made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Row, select

from artigraph.blob.record import RECORD_COLUMNS, BlobRecord, record_of
from artigraph.db.fetch import ask
from artigraph.display.escape import cut
from artigraph.display.value import format_size, format_time
from artigraph.errors import ValueDroppedError
from artigraph.filter.node import with_subclasses
from artigraph.filter.value import among
from artigraph.filter.way import ways_up
from artigraph.orm.node import node_table
from artigraph.orm.run import TrackedRun

__all__ = ["DroppedSource", "dropped_error", "dropped_errors", "dropped_since"]


class DroppedSource:
    """The source of bytes that are there no more.

    Args:
        record: What their row tells.
    """

    def __init__(self, record: BlobRecord) -> None:
        self.record = record

    @property
    def size(self) -> int:
        """How many bytes there were."""
        return self.record.size or 0

    def open(self) -> BinaryIO:
        """Refuse.

        Raises:
            ValueDroppedError: In any case.
        """
        raise dropped_error(self.record)

    def local_path(self) -> Path | None:
        """No file holds them."""
        return None


def dropped_error(record: BlobRecord, made_by: str = "") -> ValueDroppedError:
    """What to raise where a value is read that was given up.

    Args:
        record: What its row tells.
        made_by: What made it, as a sentence or two.
    """
    size = "" if record.size is None else f", {format_size(record.size)}"
    digest = "" if record.digest is None else f", sha256 {cut(record.digest, 13)}"
    return ValueDroppedError(
        f"The bytes of {cut(repr(record.label), 80)} (node {record.node_id}{size}{digest}) were "
        f"dropped at {format_time(record.dropped_at)}; what its row tells of them is "  # type: ignore[arg-type]  # whatever it is
        f"all that is left. {made_by}".rstrip()
    )


async def dropped_errors(records: Iterable[BlobRecord]) -> Mapping[int, ValueDroppedError]:
    """What to raise for each of some values that were given up, in one query.

    Args:
        records: Any values' records.

    Returns:
        By node, for those that were given up; each names the nearest run above, if there is one.
    """
    dropped = {one.node_id: one for one in records if one.dropped_at is not None}
    if not dropped:
        return {}
    runs = await _runs_above(dropped)
    return {
        node_id: dropped_error(record, _made_by(runs.get(node_id)))
        for node_id, record in dropped.items()
    }


async def dropped_since(node_id: int) -> ValueDroppedError | None:
    """What to raise for a value whose bytes are not where they were, if it was given up.

    Args:
        node_id: Its row.
    """
    found = await ask(select(*RECORD_COLUMNS).where(node_table.c.node_id == node_id))
    return next(iter((await dropped_errors(map(record_of, found))).values()), None)


def _made_by(run: Row[Any] | None) -> str:
    if run is None:
        return "No run is above it that has made it: write it again with what did."
    label = "" if run.node_label is None else f" ({cut(repr(run.node_label), 80)})"
    return (
        f"Run {run.node_id}{label} has made it. Its cell is in "
        f"(await read_node(NodeFilter(node_id={run.node_id}))).tracked_run_source: run that again."
    )


async def _runs_above(node_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """The nearest run above each of some nodes."""
    c = node_table.c
    types = with_subclasses({str(TrackedRun.__mapper__.polymorphic_identity)})
    ids = list(node_ids)
    up = ways_up(lambda node: among(node.c.node_id, ids))
    query = (
        select(up.c.start_id, c.node_id, c.node_label)
        .join(node_table, c.node_id == up.c.node_id)
        .where(among(c.node_type, types))
        .order_by(up.c.steps.desc())
    )
    # The nearest comes last.
    return {row.start_id: row for row in await ask(query)}
