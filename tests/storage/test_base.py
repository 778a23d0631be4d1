"""A storage of one's own that has the five methods and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from artigraph.errors import BlobLocationError, BlobNotFoundError, CorruptBlobError, StorageError
from artigraph.storage.base import BlobInfo, Storage
from artigraph.storage.location import location_of
from artigraph.testing.storage import StorageTests

EPOCH = datetime.fromtimestamp(0, UTC)


class DictStorage(Storage):
    """Blobs in a dictionary."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blobs_of_mine: dict[str, bytes] = {}

    def check(self, location: str) -> None:
        if location[:2] + "/" != location[:3] or len(location) != 67 or not location.isprintable():
            raise BlobLocationError(f"{location!r} is no location of {self!r}.")

    async def create(self, data: bytes, /) -> str:
        location = location_of(data)
        self.blobs_of_mine[location] = data
        return location

    async def read(self, location: str, /) -> bytes:
        self.check(location)
        if location not in self.blobs_of_mine:
            raise BlobNotFoundError(f"{self!r} has no blob at {location!r}.")
        data = self.blobs_of_mine[location]
        if location_of(data) != location:
            raise CorruptBlobError(f"The blob at {location!r} of {self!r} is damaged.")
        return data

    async def delete(self, location: str, /) -> None:
        self.check(location)
        self.blobs_of_mine.pop(location, None)

    async def exists(self, location: str, /) -> bool:
        self.check(location)
        return location in self.blobs_of_mine


class TestDictStorage(StorageTests):
    @pytest.fixture
    def storage(self) -> Storage:
        return DictStorage("dict")

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        assert isinstance(storage, DictStorage)
        storage.blobs_of_mine[location] = data

    def get_raw(self, storage: Storage, location: str) -> bytes:
        assert isinstance(storage, DictStorage)
        return storage.blobs_of_mine[location]

    def list_raw(self, storage: Storage) -> set[str]:
        assert isinstance(storage, DictStorage)
        return set(storage.blobs_of_mine)

    async def test_the_event_loop_goes_on(self, storage: Storage) -> None:
        """A dictionary needs no thread, so it may block for as long as it takes to hash."""
        assert await storage.read(await storage.create(b"x")) == b"x"


async def test_what_a_storage_cannot_do_is_said() -> None:
    """Listing, ages and temporary files need methods that are named by the error."""
    storage = DictStorage("dict")
    location = await storage.create(b"x")
    with pytest.raises(StorageError, match=r"cannot tell the age .* override info\(\)"):
        await storage.info(location)
    with pytest.raises(StorageError, match=r"cannot list its blobs: override blobs\(\)"):
        _ = [info async for info in storage.blobs()]
    with pytest.raises(StorageError, match=r"override remove_temporary\(\)"):
        await storage.remove_temporary(BlobInfo("x", 0, EPOCH, temporary=True))


async def test_opening_in_the_loop_is_refused() -> None:
    """A storage that opens by reading says that it blocks, where it would block a loop."""
    storage = DictStorage("dict")
    location = await storage.create(b"x")
    with pytest.raises(StorageError, match=r"call open\(\) in a thread"):
        storage.open(location)
