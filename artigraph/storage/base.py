"""Where an artifact's bytes live.

A storage turns bytes into a location and back. It knows nothing of
values, models or the database; ``artigraph.blob`` joins them.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Self, cast

from typing_extensions import override

from artigraph.concurrency import run_in_thread
from artigraph.display.escape import cut
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import StorageError, UnknownStorageError
from artigraph.home import home
from artigraph.redact import without_passwords
from artigraph.registry import Registry
from artigraph.storage.badge import storage_badges
from artigraph.storage.stream import RangeFile
from artigraph.storage.transfer import Sink

__all__ = ["BlobInfo", "Storage", "StoredBlob", "get_storage", "storages"]


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """What became of bytes that were streamed into a storage."""

    location: str
    """Where they are."""
    size: int
    """How many they are."""
    digest: str
    """Their sha256 in hex."""


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What a storage tells of a blob without reading it."""

    location: str
    """Where it is; of a temporary one, its path below the storage's root."""
    size: int
    """How many bytes it has."""
    modified: datetime
    """When it was last written or used again, in UTC and aware of it; now, if the
    store does not say."""
    temporary: bool = False
    """Whether it is what an unfinished write left, or is about to finish."""


LONGEST = 400
"""Characters of a name or a URL that are shown."""


class Storage(Shown, ABC):
    """Keeps blobs: bytes under a location.

    Subclass it, give it a ``name`` that never changes, and call
    :meth:`register` on an instance. A storage is content-addressed: equal
    bytes may share one location, so a location is never written twice with
    different bytes. ``artigraph.testing.storage.StorageTests`` is the suite
    that every storage must pass.

    The four abstract methods are enough for a storage of one's own. Streams
    and random access then go through memory; :meth:`info`, :meth:`blobs` and
    :meth:`remove_temporary` are needed for finding and removing garbage only.
    """

    name: str
    """Stored beside every location; it never changes."""

    @property
    def url(self) -> str:
        """The store's address, without any secret: it is kept in the database."""
        return self.name

    @abstractmethod
    async def create(self, data: bytes, /) -> str:
        """Store bytes and return their location.

        The same bytes may be given the same location again. Their blob then
        counts as modified now, so that no collector takes it away from a
        writer who has just stored the bytes anew.

        Raises:
            StorageError: The store failed; nothing is left half written
                under a location.
        """

    @abstractmethod
    async def read(self, location: str, /) -> bytes:
        """Return the bytes at a location.

        Raises:
            BlobNotFoundError: Nothing is there.
            BlobLocationError: This storage never made such a location.
            CorruptBlobError: The bytes are not those that were stored.
        """

    @abstractmethod
    async def delete(self, location: str, /) -> None:
        """Remove the bytes at a location; a missing one is no error.

        Raises:
            BlobLocationError: This storage never made such a location.
        """

    @abstractmethod
    async def exists(self, location: str, /) -> bool:
        """Whether there are bytes at a location.

        Raises:
            BlobLocationError: This storage never made such a location.
        """

    async def create_from(self, write: Callable[[BinaryIO], object], /) -> StoredBlob:
        """Store what a function writes, without holding it in memory where possible.

        Args:
            write: Called once, in a worker thread, with a binary file that
                can be written and told, neither read nor sought. Whatever it
                raises goes on to the caller, and nothing is stored.

        Returns:
            Where the bytes are, with size and digest.

        Raises:
            StorageError: The store failed; nothing is left half written
                under a location.
        """

        def fill() -> tuple[bytes, Sink]:
            buffer = BytesIO()
            sink = Sink(buffer.write)
            sink.fill(write)
            return buffer.getvalue(), sink

        data, sink = await run_in_thread(fill)
        return StoredBlob(await self.create(data), sink.size, sink.digest)

    def open(self, location: str, /, size: int | None = None) -> BinaryIO:
        """Open a blob for reading any part of it; this blocks, so call it in a thread.

        Each read asks the store for the bytes in question and no others;
        nothing is buffered or read ahead, and nothing is checked but the size.
        Wrap it in ``io.BufferedReader`` for many small reads. One thread at a
        time may use the file.

        Args:
            location: What ``create`` returned.
            size: The blob's size, if it is known; it may spare a request.

        Raises:
            BlobLocationError: This storage never made such a location.
            BlobNotFoundError: Nothing is there; maybe only at the first read.
            CorruptBlobError: The blob has another size; maybe only when
                bytes are missing.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            data = asyncio.run(self.read(location))
            return cast(BinaryIO, RangeFile(lambda start, end: data[start:end], len(data)))
        raise StorageError(f"Opening a blob of {self!r} blocks: call open() in a thread.")

    def local_path(self, location: str, /) -> Path | None:
        """The file that holds a blob, for mapping it into memory.

        Returns:
            Its path, whether it exists or not, or None if blobs are no
            local files. Nobody may write to it.

        Raises:
            BlobLocationError: This storage never made such a location.
        """
        return None

    async def info(self, location: str, /) -> BlobInfo | None:
        """What the store tells of a blob now, or None if it is missing.

        Raises:
            BlobLocationError: This storage never made such a location.
            StorageError: The store failed, or it cannot tell.
        """
        raise StorageError(f"{self!r} cannot tell the age of its blobs: override info() in it.")

    def blobs(self) -> AsyncIterator[BlobInfo]:
        """Every blob, page by page and in no order, and what unfinished writes left.

        What is written or deleted meanwhile may be listed or not. What this
        storage never made is not listed.

        Raises:
            StorageError: The store failed, or it cannot list.
        """
        raise StorageError(f"{self!r} cannot list its blobs: override blobs() in it.")

    async def remove_temporary(self, info: BlobInfo, /) -> None:
        """Remove what an unfinished write left; if it is gone, that is no error.

        Nothing here knows whether its writer still lives: go by the age.

        Raises:
            BlobLocationError: It is not what :meth:`blobs` lists as temporary.
            StorageError: The store failed.
        """
        raise StorageError(f"{self!r} makes nothing temporary: override remove_temporary() in it.")

    def register(self) -> Self:
        """Make this storage known by its name; returns itself."""
        storages.register(self)
        return self

    def __eq__(self, other: object) -> bool:
        # By the class's name: the cell that defines a class may run again.
        return isinstance(other, Storage) and _identity(self) == _identity(other)

    def __hash__(self) -> int:
        return hash(_identity(self))

    @override
    def _describe(self, limits: Limits) -> Facts:
        url = getattr(self, "url", self.name)
        notes = () if url == self.name else (("url", cut(without_passwords(str(url)), LONGEST)),)
        name = cut(without_passwords(self.name), LONGEST)
        return Facts(type(self).__name__, name, storage_badges(str(url), None), notes)

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{type(self).__name__} {cut(without_passwords(self.name), LONGEST)!r}>"


def _identity(one: Storage) -> tuple[str, str]:
    # A class says itself whether it stores as another does; what derives from it may not.
    return vars(type(one)).get("_stores_like", home(type(one))), one.name


storages: Registry[Storage] = Registry(
    "storage",
    "storage",
    UnknownStorageError,
    "Import the model that uses it, or call register() on an instance of it.",
)
"""Every storage, by name."""


def get_storage(name: str) -> Storage:
    """Look a storage up by its stored name.

    Raises:
        UnknownStorageError: Nobody registered the name.
    """
    return storages.get(name)
