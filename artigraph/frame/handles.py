"""Which handle stands for which stored value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.blob.record import BlobRecord
from artigraph.blob.source import BlobSource, source_of
from artigraph.errors import MissingLibraryError, UnknownNameError
from artigraph.frame.array import StoredArray
from artigraph.frame.base import StoredValue
from artigraph.frame.frame import StoredFrame
from artigraph.serializer.base import get_serializer

__all__ = ["open_later", "open_stored"]


def open_stored(record: BlobRecord, source: BlobSource | None = None) -> StoredValue:
    """Make the handle of a stored value, without reading any of it.

    Args:
        record: What the value's row tells. The serializer need not be registered
            before the value is read.
        source: Where the bytes are to be had; where the row says, unless given.

    Returns:
        A ``StoredFrame``, a ``StoredArray`` or a ``StoredFile`` where the summary describes
        one, whoever wrote it, else a ``StoredValue``.
    """
    summary = record.summary or {}
    handle: type[StoredValue] = StoredValue
    if _describes_frame(summary):
        handle = StoredFrame
    elif _describes_array(summary):
        handle = StoredArray
    elif summary.get("kind") == "file":
        from artigraph.frame.file import StoredFile, describes_file  # seldom wanted

        handle = StoredFile if describes_file(summary) else StoredValue
    return handle(record, source_of(record) if source is None else source)


def open_later(record: BlobRecord) -> StoredValue | None:
    """The handle of a value that is never read along with its row.

    Args:
        record: What the value's row tells.

    Returns:
        ``None`` where the value is to be read, or its row does not describe it.
    """
    try:
        if not get_serializer(record.serializer).reads_later:
            return None
    except (UnknownNameError, MissingLibraryError):
        return None
    handle = open_stored(record)
    return None if type(handle) is StoredValue else handle


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
