"""Where the bytes of one value can be had from, in parts.

Opening one costs nothing: no request is made and no query sent before bytes
are wanted. Files are read in worker threads, never on the event loop.
"""

from __future__ import annotations

import asyncio
import io
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from sqlalchemy import LargeBinary, func, select, type_coerce
from typing_extensions import override

from artigraph.db.session import read
from artigraph.errors import BlobNotFoundError
from artigraph.orm.node import node_table
from artigraph.storage.base import get_storage

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["BlobSource", "DatabaseSource", "StorageSource"]


class BlobSource(Protocol):
    """The bytes of one value."""

    @property
    def size(self) -> int:
        """How many there are, as the value's row tells."""
        ...

    def open(self) -> BinaryIO:
        """A file to read and seek in; call it, and read it, in a worker thread.

        Raises:
            UnknownStorageError: Nobody registered the storage.
            BlobNotFoundError: The bytes are gone.
            StorageError: The store failed.
        """
        ...

    def local_path(self) -> Path | None:
        """The file that holds them, if they are in one on this machine."""
        ...


class StorageSource:
    """Bytes in a storage.

    Args:
        storage: The storage's name; it is looked up when bytes are wanted.
        location: The place in it.
        size: How many bytes there are.
    """

    def __init__(self, storage: str, location: str, size: int) -> None:
        self.storage, self.location, self._size = storage, location, size

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def open(self) -> BinaryIO:
        """A file that reads only the ranges asked for."""
        return get_storage(self.storage).open(self.location, self._size)

    def local_path(self) -> Path | None:
        """The file that holds them, if the storage is a local folder."""
        return get_storage(self.storage).local_path(self.location)


class DatabaseSource:
    """Bytes in a row of the database, read piece by piece.

    Args:
        node_id: The row.
        size: How many bytes there are.
        loop: The event loop that queries run on, which must not be blocked
            while the file is read in a thread.
    """

    def __init__(self, node_id: int, size: int, loop: asyncio.AbstractEventLoop) -> None:
        self.node_id, self._size, self._loop = node_id, size, loop

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def open(self) -> BinaryIO:
        """A file each of whose reads is one query."""
        return cast(BinaryIO, io.BufferedReader(_RowFile(self, self._loop), 1))

    def local_path(self) -> None:
        """No file holds them."""

    def on_loop(self, loop: asyncio.AbstractEventLoop) -> DatabaseSource:
        """The same bytes, for readers that wait for another event loop."""
        return DatabaseSource(self.node_id, self._size, loop)


class _RowFile(io.RawIOBase):
    def __init__(self, source: DatabaseSource, loop: asyncio.AbstractEventLoop) -> None:
        self._source, self._loop, self._at = source, loop, 0
        # Arrow reads from threads of its own, which know of no engine_context().
        self._context = copy_context()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def tell(self) -> int:
        return self._at

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    @override
    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._source.size - self._at)
        if wanted <= 0:
            return 0
        part = (
            self._context.copy()
            .run(
                asyncio.run_coroutine_threadsafe,
                _read_part(self._source.node_id, self._at, wanted),
                self._loop,
            )
            .result()
        )
        view[: len(part)] = part
        self._at += len(part)
        return len(part)


async def _read_part(node_id: int, offset: int, length: int) -> bytes:
    value = node_table.c.database_artifact_value
    # SQL counts from one. All three databases cut bytes, not characters, here.
    part = type_coerce(func.substr(value, offset + 1, length), LargeBinary)
    query = select(part).where(node_table.c.node_id == node_id)
    async with read() as connection:
        found = (await connection.execute(query)).scalar()
    if found is None:
        raise BlobNotFoundError(f"Node {node_id} has no bytes any more; it was deleted.")
    return bytes(found)
