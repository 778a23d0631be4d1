"""Which handle stands for which stored value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.blob.source import BlobSource
from artigraph.frame.array import StoredArray
from artigraph.frame.base import StoredValue
from artigraph.frame.frame import StoredFrame

__all__ = ["open_stored"]

HANDLES: dict[str, type[StoredValue]] = {
    "artigraph-numpy": StoredArray,
    "artigraph-pandas": StoredFrame,
    "artigraph-polars": StoredFrame,
    "artigraph-parquet": StoredFrame,
    "artigraph-feather": StoredFrame,
}
"""Handles by the stored name of the serializer; others get a plain one."""


def open_stored(
    *,
    node_id: int,
    label: str | None,
    serializer: str,
    size: int | None,
    digest: str | None,
    summary: Mapping[str, Any] | None,
    source: BlobSource,
) -> StoredValue:
    """Make the handle of a stored value, without reading any of it.

    Args:
        node_id: The id of the value's row.
        label: The label of the row.
        serializer: The stored name of the serializer that wrote it; it need
            not be registered before the value is read.
        size: Bytes in the store.
        digest: The sha256 of the bytes, in hex.
        summary: What the serializer told of the value.
        source: Where the bytes are to be had.

    Returns:
        A ``StoredFrame`` or a ``StoredArray`` where the serializer is known to
        write such and the summary describes one, else a ``StoredValue``.
    """
    handle = HANDLES.get(serializer, StoredValue)
    facts = dict(summary or {})
    if handle is StoredFrame and not _describes_frame(facts):
        handle = StoredValue
    if handle is StoredArray and not _describes_array(facts):
        handle = StoredValue
    return handle(
        node_id=node_id,
        label=label,
        serializer=serializer,
        nbytes=source.size if size is None else size,
        digest=digest,
        summary=facts,
        source=source,
    )


def _describes_frame(summary: Mapping[str, Any]) -> bool:
    # Somebody else may have written the row, and a repr must not fail over it.
    columns = summary.get("columns")
    return (
        summary.get("kind") == "frame"
        and _is_count(summary.get("rows"))
        and _is_count(summary.get("num_columns", 0))
        and isinstance(columns, list)
        and all(
            isinstance(column, list) and len(column) == 2 and all(type(t) is str for t in column)
            for column in columns
        )
    )


def _describes_array(summary: Mapping[str, Any]) -> bool:
    shape = summary.get("shape")
    return (
        summary.get("kind") == "array"
        and isinstance(shape, list)
        and all(map(_is_count, shape))
        and type(summary.get("dtype")) is str
    )


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0
