"""What every storage must do with streams, and with a blob that is read in parts."""

from __future__ import annotations

import asyncio
import os
import threading
from array import array
from hashlib import sha256
from typing import BinaryIO

import pytest

from artigraph.errors import BlobNotFoundError, CorruptBlobError
from artigraph.storage.base import Storage
from artigraph.testing.storage_hooks import MEGABYTE, StorageHooks

__all__ = ["StorageStreamTests"]


class StorageStreamTests(StorageHooks):
    """A part of :class:`artigraph.testing.storage.StorageTests`."""

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
