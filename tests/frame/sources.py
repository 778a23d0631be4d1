"""Sources over local files, which count what is asked of them."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

from artigraph.blob.record import BlobRecord
from artigraph.frame.base import StoredValue
from artigraph.frame.handles import open_stored
from artigraph.serializer.base import Serializer
from artigraph.storage.stream import RangeFile
from artigraph.storage.transfer import Sink

__all__ = ["CountingSource", "OnlyWritten", "keep"]


class CountingSource:
    """The bytes of a file, as a remote store would give them: range by range."""

    def __init__(self, path: Path, local: bool = False) -> None:
        self.path, self.local = path, local
        self.size = path.stat().st_size
        self.opened = 0
        self.ranges: list[tuple[int, int]] = []
        self.threads: set[int] = set()

    @property
    def bytes_read(self) -> int:
        """How many bytes were asked for."""
        return sum(end - start for start, end in self.ranges)

    def open(self) -> BinaryIO:
        """A file that notes each range that is read."""
        self.opened += 1
        return cast(BinaryIO, RangeFile(self._fetch, self.size))

    def local_path(self) -> Path | None:
        """The file, if it is to be known."""
        return self.path if self.local else None

    def _fetch(self, start: int, end: int) -> bytes:
        self.ranges.append((start, end))
        self.threads.add(threading.get_ident())
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(end - start)


class OnlyWritten(io.RawIOBase):
    """A file that can be written and nothing else, as storages give one to serializers."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.sink = Sink(lambda data: self.parts.append(bytes(data)))

    def value(self) -> bytes:
        """What was written."""
        return b"".join(self.parts)


def keep(
    serializer: Serializer[Any],
    value: Any,
    path: Path,
    *,
    local: bool = False,
    label: str | None = "value",
    change: Callable[[bytes], bytes] = bytes,
) -> tuple[Any, CountingSource]:
    """Write a value to a file, perhaps change the bytes, and make its handle."""
    with path.open("wb") as file:
        summary = dict(serializer.dump(value, file))
    data = path.read_bytes()
    path.write_bytes(change(data))
    source = CountingSource(path, local)
    handle: StoredValue = open_stored(
        BlobRecord(
            node_id=7,
            label=label,
            serializer=serializer.name,
            size=len(data),
            digest=hashlib.sha256(data).hexdigest(),
            summary=summary,
        ),
        source,
    )
    return handle, source
