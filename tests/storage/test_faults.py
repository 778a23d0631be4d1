"""What real faults leave behind: servers that fail, killed writers, full disks."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import s3fs

from artigraph.errors import BlobNotFoundError, CorruptBlobError, StorageError
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import Storage
from artigraph.storage.file import FileSystemStorage
from tests.storage.conftest import SECRET, S3Server
from tests.storage.proxy import Proxy, Request

MEGABYTE = 2**20
IMPATIENT = {"read_timeout": 0.2, "connect_timeout": 1, "retries": {"max_attempts": 0}}
posix = pytest.mark.skipif(os.name == "nt", reason="signals and limits are a thing of POSIX")


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    """Let go of the sockets that fsspec would keep until the end of the process."""
    yield
    s3fs.S3FileSystem.clear_instance_cache()


def run(code: str, *arguments: str) -> str:
    """Run code in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# A server that fails


def every_third(request: Request) -> None:
    request.fail = request.number % 3 == 0


async def test_a_server_that_fails_every_third_time(s3_server: S3Server, s3_bucket: str) -> None:
    """Requests that fail are sent again, and all bytes arrive and come back."""
    pieces = [os.urandom(MEGABYTE) for _ in range(17)]
    with Proxy(s3_server.url, every_third) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        blobs = [b"%d" % number for number in range(4)]
        locations = await asyncio.gather(*(storage.create(blob) for blob in blobs))
        large = await storage.create_from(lambda file: [file.write(piece) for piece in pieces])
        assert await asyncio.gather(*(storage.read(place) for place in locations)) == blobs
        assert await storage.read(large.location) == b"".join(pieces)
        listed = {info.location async for info in storage.blobs()}
        assert listed == {*locations, large.location}
        assert sum(request.fail for request in proxy.requests) >= 5


async def test_a_server_that_fails_and_nobody_asks_again(
    s3_server: S3Server, s3_bucket: str
) -> None:
    """Without retries each call works or says why, and whatever has a name is whole."""
    retries = {"retries": {"max_attempts": 0}}
    blobs = [bytes([number]) * 10_000 for number in range(9)]
    with Proxy(s3_server.url, every_third) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url, "config_kwargs": retries}
        storage = S3Storage(s3_bucket, **options)
        stored, errors = dict[str, bytes](), list[str]()
        for blob in blobs:
            try:
                stored[await storage.create(blob)] = blob
            except StorageError as error:
                errors.append(str(error))
    assert (len(stored), len(errors)) == (6, 3)
    for message in errors:
        assert "We lost a disk" in message
        assert SECRET not in message
    storage = S3Storage(s3_bucket, **s3_server.options)
    assert {info.location async for info in storage.blobs()} == set(stored)
    for location, blob in stored.items():
        assert await storage.read(location) == blob


async def test_a_server_that_never_answers(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeouts that were asked for are kept, and every call says that time ran out."""
    location = await S3Storage(s3_bucket, **s3_server.options).create(b"there")
    # It tries five times, and reading once more five times around that.
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 2)

    def stall(request: Request) -> None:
        request.stall = True

    with Proxy(s3_server.url, stall) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url, "config_kwargs": IMPATIENT}
        storage = S3Storage(s3_bucket, **options)

        def look() -> None:
            with storage.open(location, size=5) as file:
                file.read()

        async def listing() -> None:
            _ = [info async for info in storage.blobs()]

        began = time.monotonic()
        answers = await asyncio.gather(
            storage.create(b"lost"),
            storage.create_from(lambda file: file.write(bytes(2 * MEGABYTE))),
            storage.read(location),
            storage.exists(location),
            storage.delete(location),
            storage.info(location),
            asyncio.to_thread(look),
            listing(),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 55, "a minute is what botocore waits by itself"
        for answer in answers:
            assert isinstance(answer, StorageError)
            assert not isinstance(answer, BlobNotFoundError | CorruptBlobError)
            assert "imeout" in str(answer)
            assert SECRET not in str(answer)


async def test_a_server_that_hangs_up_in_the_middle(s3_server: S3Server, s3_bucket: str) -> None:
    """A body that breaks off is asked for again, by a read and by an open file."""
    data = os.urandom(MEGABYTE)

    def cut_often(request: Request) -> None:
        request.cut = request.method == "GET" and request.number % 3 != 0

    with Proxy(s3_server.url, cut_often) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        location = await storage.create(data)
        assert await storage.read(location) == data

        def look() -> bytes:
            with storage.open(location, size=len(data)) as file:
                file.seek(1000)
                return file.read(100_000)

        assert await asyncio.to_thread(look) == data[1000:101_000]
        assert any(request.cut for request in proxy.requests)


async def test_an_upload_that_fails_leaves_no_parts(s3_server: S3Server, s3_bucket: str) -> None:
    """When a part cannot be sent, the upload is called off, so that nobody pays for it."""

    def fail_parts(request: Request) -> None:
        request.fail = request.method == "PUT" and "partNumber=2" in request.path

    client = s3_server.client()
    with Proxy(s3_server.url, fail_parts) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url}
        storage = S3Storage(s3_bucket, **options, config_kwargs={"retries": {"max_attempts": 0}})
        with pytest.raises(StorageError, match="We lost a disk"):
            await storage.create_from(lambda file: file.write(bytes(17 * MEGABYTE)))
    assert "Uploads" not in client.list_multipart_uploads(Bucket=s3_bucket)
    assert "Contents" not in client.list_objects_v2(Bucket=s3_bucket)
    client.close()


# Writers that are killed

WRITER = """
import asyncio, os, sys
from artigraph.storage.base import Storage
from artigraph.storage.file import FileSystemStorage

async def write_on():
    storage = FileSystemStorage(sys.argv[1])
    piece = os.urandom(2**20)
    def write(file):
        file.write(os.urandom(16))
        for _ in range(8):
            file.write(piece)
    while True:
        await storage.create_from(write)

# One that has imported everything starts those that are killed.
for line in sys.stdin:
    child = os.fork()
    if not child:
        asyncio.run(write_on())
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def names(folder: Path) -> set[str]:
    """Every file in a storage's folder, temporary ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@posix
def test_killed_streams_leave_no_damaged_blob(tmp_path: Path) -> None:
    """After SIGKILL at any moment, what has a final name is whole, and the rest is temporary."""
    delays = random.Random(4)
    storage = FileSystemStorage(tmp_path)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        for turn in range(10):
            before = names(tmp_path)
            print("go", file=starter.stdin, flush=True)
            child = int(starter.stdout.readline())
            # It is at work, and the first has ended a blob: later on a busy machine.
            while not [n for n in names(tmp_path) - before if turn or not n.endswith(".tmp")]:
                time.sleep(0.01)
            time.sleep(delays.uniform(0.02, 0.25))
            os.kill(child, signal.SIGKILL)
            assert starter.stdout.readline() == "gone\n"
        starter.stdin.close()
    asyncio.run(_check_what_is_left(storage, names(tmp_path)))


async def _check_what_is_left(storage: Storage, files: set[str]) -> None:
    infos = [info async for info in storage.blobs()]
    assert {info.location for info in infos} == files
    whole = [info for info in infos if not info.temporary]
    assert len(infos) > len(whole) > 0
    for info in whole:
        # Reading checks the digest.
        assert len(await storage.read(info.location)) == info.size == 8 * MEGABYTE + 16
    for info in infos:
        if info.temporary:
            await storage.remove_temporary(info)
    assert [info async for info in storage.blobs() if info.temporary] == []


async def test_power_that_went_in_the_middle_of_a_file(tmp_path: Path) -> None:
    """Half a temporary file is not taken for a blob, and the same bytes can be written."""
    storage = FileSystemStorage(tmp_path)
    data = os.urandom(10_000)
    left = f".{'0' * 32}.tmp"
    (tmp_path / left).write_bytes(data[:5000] + bytes(2000))
    location = f"{sha256(data).hexdigest()[:2]}/{sha256(data).hexdigest()}"
    assert not await storage.exists(location)
    blob = await storage.create_from(lambda file: file.write(data))
    assert blob.location == location
    assert await storage.read(location) == data
    infos = {info.location: info async for info in storage.blobs()}
    assert {place: info.temporary for place, info in infos.items()} == {left: True, location: False}


# Disks that are full, memory that is small


@posix
def test_a_full_disk_in_a_stream(tmp_path: Path) -> None:
    """When no more bytes fit, a stream says so, leaves nothing, and earlier blobs are untouched."""
    code = """
import asyncio, os, resource, sys, tempfile
from artigraph.errors import StorageError
from artigraph.storage.base import Storage
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage

tempfile.tempdir = sys.argv[2]
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

async def main():
    for storage in FileSystemStorage(sys.argv[1]), FsspecStorage("memory://full"):
        small = await storage.create_from(lambda file: file.write(b"fits"))
        for piece, times in (1_000, 101), (50_000, 3), (1_000_000, 1):
            try:
                await storage.create_from(
                    lambda file: [file.write(os.urandom(piece)) for _ in range(times)]
                )
            except StorageError as error:
                print(error)
        assert await storage.read(small.location) == b"fits"
        assert [info.location async for info in storage.blobs()] == [small.location]
    assert os.listdir(tempfile.tempdir) == []

asyncio.run(main())
"""
    (tmp_path / "spool").mkdir()
    lines = run(code, str(tmp_path / "store"), str(tmp_path / "spool")).splitlines()
    assert len(lines) == 6
    for line in lines[:3]:
        assert line.startswith(("Could not store a stream in <File", "Could not store 101000 byt"))
        assert "File too large" in line
    for line in lines[3:]:
        assert line.startswith(("Could not keep a stream on this disk on its way to <Fsspec", "Co"))
        assert "File too large" in line


GROWTH = """
import asyncio, os, resource, sys
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import Storage
from artigraph.storage.file import FileSystemStorage

piece = os.urandom(2**20)

async def main(storage, size):
    def write(file):
        for number in range(size):
            file.write(number.to_bytes(8, "big"))
            file.write(piece)
    # What the libraries take for themselves is not of interest.
    await storage.create_from(lambda file: file.write(bytes(20 * 2**20)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await storage.create_from(write)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)

if sys.argv[1] == "s3":
    bucket, url, secret = sys.argv[2:]
    storage = S3Storage(bucket, endpoint_url=url, key="testing", secret=secret)
    asyncio.run(main(storage, 100))
else:
    asyncio.run(main(FileSystemStorage(sys.argv[2]), 200))
"""


@posix
def test_a_stream_to_a_file_takes_little_memory(tmp_path: Path) -> None:
    """200 MB go to a local file with less than 40 MB of memory."""
    assert int(run(GROWTH, "file", str(tmp_path))) < 40


@posix
def test_a_stream_to_s3_takes_little_memory(s3_server: S3Server, s3_bucket: str) -> None:
    """100 MB go to a bucket, with less than 40 MB of memory beyond what 20 MB took."""
    assert int(run(GROWTH, "s3", s3_bucket, s3_server.url, SECRET)) < 40
