"""What every storage must do, as tests to inherit.

Subclass :class:`StorageTests` in your own test suite, give it a fixture named
``storage``, and pytest runs all of it against your storage. It needs pytest and
pytest-asyncio, in either of its modes.

* what happens when the store itself fails is yours to test
* what your storage does not override of listing and ages is skipped
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable
from itertools import pairwise
from time import perf_counter
from typing import TypeVar

import pytest

from artigraph.errors import (
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    NameTakenError,
)
from artigraph.storage.base import Storage, get_storage, storages
from artigraph.testing.storage_hooks import HOSTILE, MEGABYTE
from artigraph.testing.storage_listing import StorageListingTests
from artigraph.testing.storage_streams import StorageStreamTests

__all__ = ["HOSTILE", "StorageTests"]

T = TypeVar("T")


class StorageTests(StorageStreamTests, StorageListingTests):
    """The conformance suite of :class:`artigraph.storage.base.Storage`.

    Override the fixture. The ``_raw`` methods look at the stored bytes past
    the code under test; a test that needs one you leave out is skipped.
    """

    # Bytes come back

    @pytest.mark.parametrize("size", [0, 1, 1000, 4 * MEGABYTE])
    @pytest.mark.asyncio
    async def test_bytes_come_back(self, storage: Storage, size: int) -> None:
        """Bytes of any size come back as they were."""
        data = os.urandom(size)
        assert await storage.read(await storage.create(data)) == data

    @pytest.mark.asyncio
    async def test_bytes_are_stored_as_they_are(self, storage: Storage) -> None:
        """What lies in the store is the bytes themselves, so other tools can read them."""
        data = os.urandom(1000)
        location = await storage.create(data)
        assert self.get_raw(storage, location) == data

    @pytest.mark.asyncio
    async def test_different_bytes_have_different_locations(self, storage: Storage) -> None:
        """Two blobs never overwrite each other."""
        one, two = await storage.create(b"one"), await storage.create(b"two")
        assert one != two
        assert (await storage.read(one), await storage.read(two)) == (b"one", b"two")

    @pytest.mark.asyncio
    async def test_equal_bytes_may_be_stored_again(self, storage: Storage) -> None:
        """Storing equal bytes twice works, whether they share a location or not."""
        first, second = await storage.create(b"same"), await storage.create(b"same")
        assert await storage.read(first) == await storage.read(second) == b"same"

    @pytest.mark.asyncio
    async def test_a_location_is_plain_text(self, storage: Storage) -> None:
        """A location is short, printable text that the database can hold."""
        location = await storage.create(b"portable")
        assert type(location) is str
        assert location == location.strip() != ""
        assert location.isprintable()
        assert len(location) <= 1000

    @pytest.mark.asyncio
    async def test_thirty_two_writers_at_once(self, storage: Storage) -> None:
        """Concurrent writers, some with equal bytes, all find their own."""
        blobs = [bytes([number % 24]) * 10_000 for number in range(32)]
        locations = await asyncio.gather(*(storage.create(blob) for blob in blobs))
        assert await asyncio.gather(*(storage.read(place) for place in locations)) == blobs

    # Existing, missing, deleting, replacing

    @pytest.mark.asyncio
    async def test_exists(self, storage: Storage) -> None:
        """A blob exists from its creation to its deletion."""
        location = await storage.create(b"here")
        assert await storage.exists(location) is True
        await storage.delete(location)
        assert await storage.exists(location) is False

    @pytest.mark.asyncio
    async def test_deleting_twice_is_harmless(self, storage: Storage) -> None:
        """Deleting what is gone is no error, and the bytes may come again."""
        location = await storage.create(b"going")
        await storage.delete(location)
        await storage.delete(location)
        assert await storage.read(await storage.create(b"going")) == b"going"

    @pytest.mark.asyncio
    async def test_deleting_one_leaves_the_others(self, storage: Storage) -> None:
        """Only the blob at the location goes."""
        going, staying = await storage.create(b"going"), await storage.create(b"staying")
        await storage.delete(going)
        assert await storage.read(staying) == b"staying"

    @pytest.mark.asyncio
    async def test_a_missing_blob_says_where_it_was_looked_for(self, storage: Storage) -> None:
        """Reading a missing blob names the location and the storage."""
        location = await storage.create(b"gone")
        await storage.delete(location)
        with pytest.raises(BlobNotFoundError) as caught:
            await storage.read(location)
        assert repr(location) in str(caught.value)
        assert storage.name in str(caught.value)
        assert not any(secret in str(caught.value) for secret in self.secrets)

    # Hostile databases and damaged stores

    @pytest.mark.asyncio
    async def test_hostile_locations_are_refused(self, storage: Storage) -> None:
        """A location that the storage never made is refused by every method."""
        safe = await storage.create(b"safe")
        foreign = [*self.hostile_locations, f"{safe}/", f"{safe}\n", f"../{safe}", f"{safe}/.."]
        for location in foreign:
            calls: list[Callable[[str], Awaitable[object]]] = [
                storage.read,
                storage.delete,
                storage.exists,
            ]
            for call in calls:
                with pytest.raises(BlobLocationError):
                    await call(location)
            with pytest.raises(BlobLocationError):
                await asyncio.to_thread(storage.open, location, 4)
            if type(storage).local_path is not Storage.local_path:
                with pytest.raises(BlobLocationError):
                    storage.local_path(location)
            if type(storage).info is not Storage.info:
                with pytest.raises(BlobLocationError):
                    await storage.info(location)
        assert await storage.read(safe) == b"safe"

    @pytest.mark.asyncio
    async def test_refusing_a_location_writes_nothing(self, storage: Storage) -> None:
        """A refused location leaves the store as it was."""
        before = self.list_raw(storage)
        for location in self.hostile_locations:
            with pytest.raises(BlobLocationError):
                await storage.delete(location)
        assert self.list_raw(storage) == before

    @pytest.mark.parametrize("damage", [b"", b"dat", b"Data", b"data and more"])
    @pytest.mark.asyncio
    async def test_damaged_bytes_are_noticed(self, storage: Storage, damage: bytes) -> None:
        """Bytes that were cut, changed or lengthened are never returned."""
        location = await storage.create(b"data")
        self.put_raw(storage, location, damage)
        with pytest.raises(CorruptBlobError, match=re.escape(storage.name)):
            await storage.read(location)

    @pytest.mark.asyncio
    async def test_a_finished_write_leaves_only_the_blob(self, storage: Storage) -> None:
        """Neither writing nor deleting leaves temporary files behind."""
        before = self.list_raw(storage)
        location = await storage.create(os.urandom(1000))
        assert len(self.list_raw(storage) - before) == 1
        await storage.delete(location)
        assert self.list_raw(storage) == before

    # Loops and threads

    @pytest.mark.asyncio
    async def test_the_event_loop_goes_on(self, storage: Storage) -> None:
        """While bytes are hashed and travel, other tasks run."""
        data = os.urandom(16 * MEGABYTE)
        writing = reading = 1.0
        # A busy machine may stop the whole process for a while; blocking code fails each time.
        for _ in range(5):
            location, pause = await _share_of_longest_pause(storage.create(data))
            writing = min(writing, pause)
            _, pause = await _share_of_longest_pause(storage.read(location))
            reading = min(reading, pause)
            await storage.delete(location)
            if max(writing, reading) < 0.5:
                return
        pytest.fail(f"The loop stood still for {writing:.0%} of a write, {reading:.0%} of a read")

    def test_one_loop_after_another(self, storage: Storage) -> None:
        """A storage serves a second event loop once the first is closed."""
        location = asyncio.run(storage.create(b"first loop"))
        assert asyncio.run(storage.read(location)) == b"first loop"

    def test_two_threads_with_a_loop_each(self, storage: Storage) -> None:
        """A storage serves two event loops at the same time."""
        written, read = set[bytes](), set[bytes]()

        async def work(thread: int) -> None:
            for turn in range(5):
                data = b"%d in thread %d" % (turn, thread)
                written.add(data)
                read.add(await storage.read(await storage.create(data)))

        threads = [
            threading.Thread(target=lambda n=number: asyncio.run(work(n))) for number in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len(written) == 10
        assert read == written

    # Names

    def test_it_has_a_name(self, storage: Storage) -> None:
        """The name is text that the database can hold."""
        assert storage.name
        assert storage.name.isprintable()

    def test_it_has_a_url(self, storage: Storage) -> None:
        """The URL is text that the database can hold."""
        assert storage.url
        assert storage.url.isprintable()

    def test_nothing_shown_holds_a_secret(self, storage: Storage) -> None:
        """Name, URL and repr may be printed and stored."""
        for shown in (storage.name, storage.url, repr(storage), str(storage)):
            assert not any(secret in shown for secret in self.secrets)

    def test_registering_twice_is_harmless(
        self, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A cell that registers a storage may be run again."""
        monkeypatch.setattr(storages, "loaded", {})
        assert storage.register() is storage
        assert storage.register() is storage
        assert get_storage(storage.name) == storage

    def test_a_name_belongs_to_one_storage(
        self, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A different storage under the same name is refused."""
        monkeypatch.setattr(storages, "loaded", {})
        storage.register()
        with pytest.raises(NameTakenError, match="belongs to"):
            _Impostor(storage.name).register()
        assert get_storage(storage.name) == storage


class _Impostor(Storage):
    """Another storage that claims a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def create(self, data: bytes, /) -> str:
        raise NotImplementedError

    async def read(self, location: str, /) -> bytes:
        raise NotImplementedError

    async def delete(self, location: str, /) -> None:
        raise NotImplementedError

    async def exists(self, location: str, /) -> bool:
        raise NotImplementedError


async def _share_of_longest_pause(work: Awaitable[T]) -> tuple[T, float]:
    """Await something beside a ticking task; also say how long no tick came, as a share."""
    ticks = [perf_counter()]

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.001)
            ticks.append(perf_counter())

    ticker = asyncio.ensure_future(tick())
    await asyncio.sleep(0)
    try:
        result = await work
    finally:
        ticker.cancel()
    ticks.append(perf_counter())
    longest = max(after - before for before, after in pairwise(ticks))
    return result, longest / (ticks[-1] - ticks[0])
