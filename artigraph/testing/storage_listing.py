"""What every storage must tell of its blobs, where it tells anything."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

import pytest

from artigraph.errors import BlobLocationError
from artigraph.storage.base import BlobInfo, Storage
from artigraph.testing.storage_hooks import MEGABYTE, StorageHooks

__all__ = ["StorageListingTests"]


class StorageListingTests(StorageHooks):
    """A part of :class:`artigraph.testing.storage.StorageTests`."""

    # Listing and age

    @pytest.mark.asyncio
    async def test_the_age_of_a_blob(self, storage: Storage) -> None:
        """A blob tells its size and when it was made, a missing one nothing."""
        _needs(storage, "info")
        location = await storage.create(b"young")
        info = await storage.info(location)
        assert info is not None
        assert (info.location, info.size, info.temporary) == (location, 5, False)
        assert info.modified.tzinfo is UTC
        assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=1)
        await storage.delete(location)
        assert await storage.info(location) is None

    @pytest.mark.parametrize("size", [10, 2 * MEGABYTE])
    @pytest.mark.asyncio
    async def test_storing_again_makes_young_again(self, storage: Storage, size: int) -> None:
        """A blob that a writer has just reused is not old, whichever way it was stored."""
        _needs(storage, "info")
        data = os.urandom(size)
        ages = []
        for _ in range(2):
            location = await storage.create(data)
            ages.append(await storage.info(location))
            await asyncio.sleep(self.resolution + 0.02)
        location = (await storage.create_from(lambda file: file.write(data))).location
        ages.append(await storage.info(location))
        times = [info.modified for info in ages if info is not None]
        assert len(times) == 3
        assert times[0] < times[1] < times[2]
        assert await storage.read(location) == data

    @pytest.mark.asyncio
    async def test_all_blobs_are_listed(self, storage: Storage) -> None:
        """Every blob is listed once, with what is known of it, and none that was deleted."""
        _needs(storage, "blobs")
        assert [info async for info in storage.blobs()] == []
        made = {await storage.create(bytes(size)): size for size in range(40)}
        gone = await storage.create(b"gone")
        await storage.delete(gone)
        infos = [info async for info in storage.blobs()]
        assert {info.location: info.size for info in infos} == made
        assert len(infos) == len(made)
        for info in infos:
            assert not info.temporary
            assert info.modified.tzinfo is UTC
            assert abs(datetime.now(UTC) - info.modified) < timedelta(minutes=1)

    @pytest.mark.asyncio
    async def test_foreign_files_are_not_listed(self, storage: Storage) -> None:
        """What somebody else put beside the blobs is neither listed nor removed."""
        _needs(storage, "blobs")
        location = await storage.create(b"ours")
        foreign = ["notes.txt", f"{location}.bak", f"{location[:2]}/notes.txt", "zz/notes.txt"]
        for name in foreign:
            self.put_raw(storage, name, b"theirs")
        assert [info.location async for info in storage.blobs()] == [location]

    @pytest.mark.asyncio
    async def test_only_what_is_temporary_is_removed_as_such(self, storage: Storage) -> None:
        """A blob cannot be removed by way of calling it temporary."""
        _needs(storage, "remove_temporary")
        location = await storage.create(b"stays")
        for place in (location, *self.hostile_locations):
            with pytest.raises(BlobLocationError):
                await storage.remove_temporary(BlobInfo(place, 5, datetime.now(UTC), True))
        assert await storage.read(location) == b"stays"


def _needs(storage: Storage, method: str) -> None:
    if getattr(type(storage), method) is getattr(Storage, method):
        pytest.skip(f"{method} is not overridden")
