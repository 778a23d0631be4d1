"""A file that reads ranges, for libraries that want a file object; one thread at a time."""

from __future__ import annotations

import io
from collections.abc import Callable

from typing_extensions import Buffer

__all__ = ["RangeFile"]


class RangeFile(io.RawIOBase):
    """A file that asks for exactly the bytes that are read from it.

    Args:
        fetch: Called with start and end of a range, neither empty nor
            beyond the size; it returns all of these bytes.
        size: The size, or a function that finds it once it is needed.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int | Callable[[], int]) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can be sought: yes."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position; nothing is asked for."""
        self._check_open()
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self._find_size()
        elif whence != io.SEEK_SET:
            raise ValueError(f"whence must be 0, 1 or 2, not {whence!r}")
        if offset < 0:
            raise ValueError(f"Cannot seek to {offset}, before the beginning")
        self._position = offset
        return offset

    def read(self, size: int | None = -1, /) -> bytes:
        """Read that many bytes, fewer only at the end; all that is left without a number."""
        self._check_open()
        end = self._find_size()
        if size is not None and size >= 0:
            end = min(end, self._position + size)
        if end <= self._position:
            return b""
        data = self._fetch(self._position, end)
        self._position = end
        return data

    def readall(self) -> bytes:
        """Read all that is left."""
        return self.read()

    def readinto(self, buffer: Buffer, /) -> int:
        """Read into a buffer and return how many bytes that were."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _find_size(self) -> int:
        if not isinstance(self._size, int):
            self._size = self._size()
        return self._size

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")
