"""A frame in memory as a stored one, for code that looks at stored frames.

It is written to memory as it would be to a store, so what is looked at is the
frame of that moment; a column that could not be stored cannot be looked at.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from artigraph.blob.record import BlobRecord
from artigraph.errors import SerializationError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.serializer.base import find_serializer, get_serializer

__all__ = ["store_in_memory"]


class _MemorySource:
    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def open(self) -> BinaryIO:
        return io.BytesIO(self._data)

    def local_path(self) -> None:
        """No file holds them."""


def store_in_memory(value: object) -> StoredFrame:
    """Write a frame to memory.

    Args:
        value: A frame of pandas or Polars, or a table of Arrow.

    Returns:
        Its handle, without a node or a label.

    Raises:
        SerializationError: It is no frame, or would not come back equal.
    """
    serializer: Any = find_serializer(type(value))
    if serializer is not None and serializer.name == "artigraph-parquet":
        # Parquet lacks some of Arrow's types, which matters to files only.
        serializer = get_serializer("artigraph-feather")
    file = io.BytesIO()
    summary = serializer and serializer.dump(value, file)
    stored = serializer and open_stored(
        BlobRecord(
            node_id=0,
            label=None,
            serializer=serializer.name,
            size=None,
            digest=None,
            summary=summary,
        ),
        _MemorySource(file.getvalue()),
    )
    if not isinstance(stored, StoredFrame):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise SerializationError(
            f"A frame was expected, not a {kind}. Give a frame of pandas or Polars, a "
            "pyarrow.Table, or a stored frame that a lazy field holds."
        )
    return stored
