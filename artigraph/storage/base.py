"""Where an artifact's bytes live.

A storage turns bytes into a location and back. It knows nothing of
values, models or the database; ``artigraph.graph`` joins them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from artigraph.errors import UnknownStorageError
from artigraph.registry import Registry

__all__ = ["Storage", "get_storage", "storages"]


BUILT_IN = {
    "artigraph-temp-file": "artigraph.storage.file:temp_file_storage",
}
"""Stored names of the built-in storages, and where each is found."""


class Storage(ABC):
    """Keeps blobs: bytes under a location.

    Subclass it, give it a ``name`` that never changes, and call
    :meth:`register` on an instance. A storage is content-addressed: equal
    bytes may share one location, so a location is never written twice with
    different bytes. ``artigraph.testing.storage.StorageTests`` is the suite
    that every storage must pass.
    """

    name: str
    """Stored beside every location; it never changes."""

    @abstractmethod
    async def create(self, data: bytes, /) -> str:
        """Store bytes and return their location.

        The same bytes may be given the same location again.

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
    async def update(self, location: str, data: bytes, /) -> str:
        """Store bytes in place of those at a location.

        Returns:
            Their location. Under content addressing it is a new one, and
            the old bytes stay, since others may name them.

        Raises:
            BlobNotFoundError: Nothing is at the old location.
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

    def register(self) -> Self:
        """Make this storage known by its name; returns itself."""
        storages.register(self)
        return self

    def __eq__(self, other: object) -> bool:
        # By the class's name: the cell that defines a class may run again.
        return isinstance(other, Storage) and _identity(self) == _identity(other)

    def __hash__(self) -> int:
        return hash(_identity(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _identity(one: Storage) -> tuple[str, str, str]:
    return type(one).__module__, type(one).__qualname__, one.name


storages: Registry[Storage] = Registry(
    "storage",
    BUILT_IN,
    "artigraph.storage",
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
