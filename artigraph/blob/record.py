"""What the row of a value tells of its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from artigraph.orm.artifact import RemoteArtifact

__all__ = ["RECORD_COLUMNS", "BlobRecord", "record_of"]


@dataclass(frozen=True, slots=True)
class BlobRecord:
    """The facts of one value's bytes, as they stand in the value's row."""

    node_id: int
    """The row's id."""
    label: str | None
    """The row's label."""
    serializer: str
    """The stored name of the serializer that wrote them."""
    size: int | None
    """How many there are."""
    digest: str | None
    """Their sha256 in hex."""
    summary: Mapping[str, Any] | None = None
    """What the serializer told of the value."""
    storage: str | None = None
    """The stored name of the storage that has them; ``None`` where the row itself has."""
    location: str | None = None
    """Where they are in that storage."""
    data: bytes | None = field(default=None, repr=False)
    """The bytes themselves, where the row has them and they were read with it."""
    dropped_at: object = None
    """When they were given up; ``None`` if they are there."""


RECORD_COLUMNS = [
    RemoteArtifact.__table__.c[name]
    for name in (
        "node_id",
        "node_label",
        "artifact_serializer",
        "artifact_size",
        "artifact_digest",
        "artifact_summary",
        "artifact_dropped_at",
        "remote_artifact_storage",
        "remote_artifact_location",
    )
]
"""What to select for a record without the bytes."""


def record_of(row: Any) -> BlobRecord:
    """The record of a row.

    Args:
        row: A row with the columns of an artifact as its attributes, read by a
            statement or as an object; one that keeps its bytes elsewhere may lack
            ``database_artifact_value``, and one that holds them the other two.
    """
    # Somebody else may have written the row, and a column may keep anything.
    size, summary = row.artifact_size, row.artifact_summary
    data = getattr(row, "database_artifact_value", None)
    return BlobRecord(
        row.node_id,
        _text(row.node_label),
        _text(row.artifact_serializer) or "",
        size if isinstance(size, int) else None,
        _text(row.artifact_digest),
        summary if isinstance(summary, dict) else None,
        _text(getattr(row, "remote_artifact_storage", None)),
        _text(getattr(row, "remote_artifact_location", None)),
        data if data is None or isinstance(data, bytes) else str(data).encode(),
        row.artifact_dropped_at,
    )


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)
