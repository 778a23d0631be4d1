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

from artigraph.blob.record import BlobRecord
from artigraph.concurrency import waiting_loop
from artigraph.db.fetch import ask
from artigraph.db.setting import current_setting, using
from artigraph.errors import BlobNotFoundError
from artigraph.filter.base import PRESENT
from artigraph.orm.node import node_table
from artigraph.storage.base import get_storage

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["BlobSource", "DatabaseSource", "StorageSource", "source_of"]


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
        self.setting = current_setting()
        """The database that names them, which tells where the storage was."""

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

    They are read from the database that is set when it is made, whatever is set
    later: the id means nothing in another.

    Args:
        node_id: The row.
        size: How many bytes there are.
    """

    def __init__(self, node_id: int, size: int) -> None:
        self.node_id, self._size = node_id, size
        self.setting = current_setting()
        self._made_on = asyncio.get_running_loop()

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    def open(self) -> BinaryIO:
        """A file each of whose reads is one query, on the event loop that waits for them."""
        # The one that made this may have ended since; in a thread of somebody else's it
        # is all that is known.
        loop = waiting_loop() or self._made_on
        return cast(BinaryIO, io.BufferedReader(_RowFile(self, loop), 1))

    def local_path(self) -> None:
        """No file holds them."""


def source_of(record: BlobRecord) -> BlobSource:
    """Where the bytes are that a row of the database speaks of; nothing is asked."""
    if record.dropped_at is not None:
        from artigraph.blob.dropped import DroppedSource  # seldom wanted

        return DroppedSource(record)
    size = record.size or 0
    if record.storage is None:
        return DatabaseSource(record.node_id, size)
    return StorageSource(record.storage, record.location or "", size)


class _RowFile(io.RawIOBase):
    def __init__(self, source: DatabaseSource, loop: asyncio.AbstractEventLoop) -> None:
        self._source, self._loop, self._at = source, loop, 0
        # Arrow reads from threads of its own, which know of no new_session().
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
                _read_part(self._source, self._at, wanted),
                self._loop,
            )
            .result()
        )
        view[: len(part)] = part
        self._at += len(part)
        return len(part)


async def _read_part(source: DatabaseSource, offset: int, length: int) -> bytes:
    value = node_table.c.database_artifact_value
    # SQL counts from one. All three databases cut bytes, not characters, here.
    part = type_coerce(func.substr(value, offset + 1, length), LargeBinary)
    query = select(part).where(node_table.c.node_id == source.node_id, PRESENT)
    with using(source.setting):
        found = await ask(query)
        if found and found[0][0] is None:
            from artigraph.blob.dropped import dropped_since  # seldom wanted

            if (dropped := await dropped_since(source.node_id)) is not None:
                raise dropped
    if not found or found[0][0] is None:
        raise BlobNotFoundError(
            f"Node {source.node_id} has no bytes any more; it was deleted, or is in the trash."
        )
    return bytes(found[0][0])
