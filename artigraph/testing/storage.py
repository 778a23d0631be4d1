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
from array import array
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from time import perf_counter
from typing import BinaryIO, ClassVar, TypeVar

import pytest

from artigraph.errors import (
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    NameTakenError,
)
from artigraph.storage.base import BlobInfo, Storage, get_storage, storages

__all__ = ["StorageTests"]

T = TypeVar("T")

MEGABYTE = 2**20
HOSTILE = [
    "",
    ".",
    "..",
    "/",
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\secrets.txt",
    "C:\\secrets.txt",
    "%2e%2e/%2e%2e/etc/passwd",
    "file:///etc/passwd",
    "s3://another-bucket/key",
    "http://127.0.0.1/key",
    "ab/../../etc/passwd",
    "ab\x00cd",
    "~/.ssh/id_ed25519",
    "*",
]


class StorageTests:
    """The conformance suite of :class:`artigraph.storage.base.Storage`.

    Override the fixture. The ``_raw`` methods look at the stored bytes past
    the code under test; a test that needs one you leave out is skipped.
    """

    hostile_locations: ClassVar[list[str]] = HOSTILE
    """What ``create`` never returns, and every method must refuse."""

    secrets: ClassVar[tuple[str, ...]] = ()
    """Credentials that the fixture hands to the storage."""

    resolution: ClassVar[float] = 1.0
    """The seconds by which the store's times of change may differ from the truth."""

    @pytest.fixture
    def storage(self) -> Storage:
        """The storage under test; override this."""
        raise NotImplementedError("Override the fixture 'storage' in your subclass.")

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        """Put bytes under a location that ``create`` returned, or any name beside it."""
        pytest.skip("put_raw is not overridden")

    def get_raw(self, storage: Storage, location: str) -> bytes:
        """The bytes as they lie in the store."""
        pytest.skip("get_raw is not overridden")

    def list_raw(self, storage: Storage) -> set[str]:
        """Everything that lies in the store, by any name; empty if nothing was ever written."""
        pytest.skip("list_raw is not overridden")

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

    # Streams

    @pytest.mark.parametrize("sizes", [(), (0, 1), (1, 0, 70_000), (3 * MEGABYTE, 5)])
    @pytest.mark.asyncio
    async def test_a_stream_is_stored(self, storage: Storage, sizes: tuple[int, ...]) -> None:
        """Whatever is written to a stream comes back, and its size and sha256 are told."""
        pieces = [os.urandom(size) for size in sizes]
        data = b"".join(pieces)
        blob = await storage.create_from(lambda file: [file.write(piece) for piece in pieces])
        assert await storage.read(blob.location) == data
        assert (blob.size, blob.digest) == (len(data), sha256(data).hexdigest())
        assert self.get_raw(storage, blob.location) == data

    @pytest.mark.asyncio
    async def test_streams_and_bytes_are_blobs_alike(self, storage: Storage) -> None:
        """Equal bytes work both ways, whichever came first."""
        first = await storage.create(b"alike")
        blob = await storage.create_from(lambda file: file.write(b"alike"))
        assert await storage.read(first) == await storage.read(blob.location) == b"alike"

    @pytest.mark.asyncio
    async def test_the_file_of_a_stream(self, storage: Storage) -> None:
        """It only writes, takes whatever has bytes, and lives in a worker thread."""
        seen: list[object] = []

        def write(file: BinaryIO) -> None:
            seen.extend((file.writable(), file.readable(), file.seekable(), file.closed))
            seen.extend((file.write(b"bytes"), file.tell(), file.write(array("H", [1, 2]))))
            seen.append(threading.current_thread() is threading.main_thread())
            file.write(memoryview(b"_a_b_c")[1::2])
            file.flush()
            file.close()

        blob = await storage.create_from(write)
        assert seen == [True, False, False, False, 5, 5, 4, False]
        data = b"bytes" + array("H", [1, 2]).tobytes() + b"abc"
        assert await storage.read(blob.location) == data

    @pytest.mark.asyncio
    async def test_a_stream_that_fails_stores_nothing(self, storage: Storage) -> None:
        """The writer's own error goes on as it is, and no byte of it stays."""
        before = self.list_raw(storage)

        def write(file: BinaryIO) -> None:
            file.write(os.urandom(100_000))
            raise ZeroDivisionError("of the writer")

        with pytest.raises(ZeroDivisionError, match="of the writer"):
            await storage.create_from(write)
        assert self.list_raw(storage) == before

    # Random access

    @pytest.mark.parametrize("told", [True, False])
    @pytest.mark.asyncio
    async def test_any_part_can_be_read(self, storage: Storage, told: bool) -> None:
        """An open blob gives any range, whether its size is known before or not."""
        data = os.urandom(100_000)
        location = await storage.create(data)

        def look() -> None:
            with storage.open(location, size=len(data) if told else None) as file:
                assert file.readable()
                assert file.seekable()
                assert not file.writable()
                assert (file.tell(), file.read(3)) == (0, data[:3])
                assert (file.seek(-5, os.SEEK_END), file.read(100)) == (99_995, data[-5:])
                assert (file.read(1), file.read(0), file.read()) == (b"", b"", b"")
                assert file.seek(50_000) == 50_000
                assert file.seek(10, os.SEEK_CUR) == 50_010
                assert file.read(1000) == data[50_010:51_010]
                assert file.tell() == 51_010
                assert file.read() == data[51_010:]
                file.seek(200_000)
                assert file.read(1) == b""
                with pytest.raises((ValueError, OSError)):
                    file.seek(-1)
            assert file.closed
            with pytest.raises(ValueError, match="closed"):
                file.read(1)

        await asyncio.to_thread(look)

    @pytest.mark.asyncio
    async def test_opening_a_missing_blob(self, storage: Storage) -> None:
        """A blob that is gone is noticed at the first read at the latest."""
        location = await storage.create(b"gone")
        await storage.delete(location)

        def look(size: int | None) -> None:
            with pytest.raises(BlobNotFoundError), storage.open(location, size=size) as file:
                file.read(2)

        await asyncio.to_thread(look, 4)
        await asyncio.to_thread(look, None)

    @pytest.mark.parametrize("damage", [b"", b"dat"])
    @pytest.mark.asyncio
    async def test_opening_a_blob_cut_short(self, storage: Storage, damage: bytes) -> None:
        """Bytes that should be there and are not are never made up."""
        location = await storage.create(b"data")
        self.put_raw(storage, location, damage)

        def look() -> None:
            with storage.open(location, size=4) as file:
                file.seek(3)
                file.read(1)

        with pytest.raises(CorruptBlobError):
            await asyncio.to_thread(look)

    @pytest.mark.asyncio
    async def test_a_local_path_holds_the_bytes(self, storage: Storage) -> None:
        """What is said to be a file holds the very bytes."""
        location = await storage.create(b"mapped")
        path = storage.local_path(location)
        assert path is None or path.read_bytes() == b"mapped"

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

    @pytest.mark.asyncio
    async def test_update_leaves_the_old_bytes_alone(self, storage: Storage) -> None:
        """An update never changes what other rows see at a shared location."""
        old = await storage.create(b"old")
        new = await storage.update(old, b"new")
        assert await storage.read(new) == b"new"
        if new != old:
            assert await storage.read(old) == b"old"

    @pytest.mark.asyncio
    async def test_update_needs_the_old_blob(self, storage: Storage) -> None:
        """Updating a missing blob is an error."""
        location = await storage.create(b"gone")
        await storage.delete(location)
        with pytest.raises(BlobNotFoundError):
            await storage.update(location, b"new")

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
                lambda place: storage.update(place, b"new"),
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
        """A refused update leaves the store as it was."""
        before = self.list_raw(storage)
        for location in self.hostile_locations:
            with pytest.raises(BlobLocationError):
                await storage.update(location, b"hostile")
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
        monkeypatch.setattr(storages, "_registered", {})
        assert storage.register() is storage
        assert storage.register() is storage
        assert get_storage(storage.name) == storage

    def test_a_name_belongs_to_one_storage(
        self, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A different storage under the same name is refused."""
        monkeypatch.setattr(storages, "_registered", {})
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

    async def update(self, location: str, data: bytes, /) -> str:
        raise NotImplementedError

    async def delete(self, location: str, /) -> None:
        raise NotImplementedError

    async def exists(self, location: str, /) -> bool:
        raise NotImplementedError


def _needs(storage: Storage, method: str) -> None:
    if getattr(type(storage), method) is getattr(Storage, method):
        pytest.skip(f"{method} is not overridden")


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
