"""FsspecStorage over memory, local files, and file systems that misbehave."""

from __future__ import annotations

import asyncio
import copy
import errno
import io
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from uuid import uuid4

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings, strategies as st

from artigraph.errors import (
    BlobLocationError,
    CorruptBlobError,
    MissingLibraryError,
    StorageError,
)
from artigraph.storage import remote
from artigraph.storage.base import Storage
from artigraph.storage.fsspec import FsspecStorage
from artigraph.storage.location import blob_info
from artigraph.testing.storage import HOSTILE, StorageTests

DIGEST = "ab" * 32
WELL_FORMED = f"ab/{DIGEST}"
# Near misses of a location.
MALFORMED = [
    DIGEST,
    f"ba/{DIGEST}",
    f"AB/{DIGEST.upper()}",
    f"ab/{DIGEST}0",
    f"ab/{DIGEST[:-1]}",
    f"ab//{DIGEST}",
    f"ab\\{DIGEST}",
    f"/ab/{DIGEST}",
    f"./ab/{DIGEST}",
    f"ab/{DIGEST}?versionId=1",
    f"ab/{DIGEST}\x00",
    f"a\u0431/{DIGEST}",
]


class FsspecTests(StorageTests):
    """Looks into the store with a file system of its own."""

    hostile_locations = HOSTILE + MALFORMED
    resolution = 0.0

    def files(self, storage: Storage) -> tuple[Any, str]:
        assert isinstance(storage, FsspecStorage)
        return fsspec.core.url_to_fs(storage.name)  # type: ignore[no-any-return]  # untyped

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        file_system, root = self.files(storage)
        file_system.makedirs(f"{root}/{location}".rpartition("/")[0], exist_ok=True)
        file_system.pipe_file(f"{root}/{location}", data)

    def get_raw(self, storage: Storage, location: str) -> bytes:
        file_system, root = self.files(storage)
        data: bytes = file_system.cat_file(f"{root}/{location}")
        return data

    def list_raw(self, storage: Storage) -> set[str]:
        file_system, root = self.files(storage)
        return set(file_system.find(root)) if file_system.isdir(root) else set()


class TestMemory(FsspecTests):
    @pytest.fixture
    def storage(self) -> Storage:
        return FsspecStorage(f"memory://{uuid4().hex}")


class TestMemoryRoot(FsspecTests):
    """Without a folder, the root of the memory store itself."""

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        MemoryFileSystem.store.clear()
        yield FsspecStorage("memory://")
        MemoryFileSystem.store.clear()


class TestFileURL(FsspecTests):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return FsspecStorage(f"file://{tmp_path}/not/made/yet")


class TestRename(FsspecTests):
    """A store with a rename, as over SFTP, FTP or SMB."""

    @pytest.fixture
    def storage(self) -> Storage:
        return FsspecStorage(f"renaming://{uuid4().hex}")


class RenamingFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Memory with a rename of its own."""

    protocol = "renaming"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("renaming://")))

    def mv(self, path1: str, path2: str, *_: Any, **__: Any) -> None:
        path1, path2 = self._strip_protocol(path1), self._strip_protocol(path2)
        self.store[path2] = self.store.pop(path1)


class WriteOnlyFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Memory that forbids to look, as S3 does without permission to list."""

    protocol = "writeonly"
    store: ClassVar[dict[str, Any]] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("writeonly://")))

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        raise PermissionError("Forbidden")


class BrokenFileSystem(MemoryFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Fails at everything, and blurts out what it was given."""

    protocol = "broken"

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    def _fail(self, *_: Any, **__: Any) -> Any:
        try:
            raise KeyError(f"while connecting with {self.options}")
        except KeyError:
            raise RuntimeError(self.options.get("message", "out of order")) from None

    info = cat_file = pipe_file = put_file = rm_file = _fail


for implementation in (RenamingFileSystem, WriteOnlyFileSystem, BrokenFileSystem):
    fsspec.register_implementation(implementation.protocol, implementation)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    """Whatever the bytes, reading what was stored gives them back."""
    storage = FsspecStorage("memory://any")

    async def round_trip() -> bytes:
        return await storage.read(await storage.create(data))

    assert asyncio.run(round_trip()) == data


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.text())
def test_any_text_is_a_safe_location(location: str) -> None:
    """No text but a digest in its folder reaches the store."""
    # The protocol is unknown to fsspec, so touching the store would be another error.
    storage = FsspecStorage("nowhere://root")
    with pytest.raises(BlobLocationError, match="is no location of"):
        asyncio.run(storage.read(location))


async def test_a_location_is_the_digest() -> None:
    """The location of bytes is their sha256, so that anybody can check it."""
    location = await FsspecStorage("memory://digest").create(b"")
    assert location == "e3/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


async def test_a_location_that_is_no_text_is_refused() -> None:
    """A number out of a damaged row is refused like any other wrong location."""
    with pytest.raises(BlobLocationError, match="12 is no location of"):
        await FsspecStorage("memory://digest").read(12)  # type: ignore[arg-type]  # the point


async def test_a_blob_cut_short_is_stored_again() -> None:
    """A blob of the wrong size under its name is replaced at the next write."""
    storage = FsspecStorage("memory://cut")
    location = await storage.create(b"whole")
    MemoryFileSystem().pipe_file(f"/cut/{location}", b"who")
    with pytest.raises(CorruptBlobError, match="delete it and write the value again"):
        await storage.read(location)
    assert await storage.create(b"whole") == location
    assert await storage.read(location) == b"whole"


async def test_a_folder_in_place_of_a_blob_is_no_blob() -> None:
    """A folder under a blob's name counts as nothing there."""
    storage = FsspecStorage("memory://folder")
    MemoryFileSystem().makedirs(f"/folder/{WELL_FORMED}", exist_ok=True)
    assert not await storage.exists(WELL_FORMED)


async def test_losing_the_race_to_rename_is_no_error() -> None:
    """Where rename replaces nothing, a writer that comes second finds its blob there."""
    storage = FsspecStorage("renaming://race")

    class Racing(RenamingFileSystem):
        def mv(self, path1: str, path2: str, *args: Any, **options: Any) -> None:
            self.store[self._strip_protocol(path2)] = self.store[self._strip_protocol(path1)]
            raise FileExistsError(path2)

    fsspec.register_implementation("renaming", Racing, clobber=True)
    try:
        location = await storage.create(b"raced")
    finally:
        fsspec.register_implementation("renaming", RenamingFileSystem, clobber=True)
    assert await storage.read(location) == b"raced"
    assert Racing().find("/race") == [f"/race/{location}"]


async def test_what_a_killed_rename_leaves_is_listed() -> None:
    """A temporary blob that was never renamed is listed as such, and can be removed."""
    storage = FsspecStorage("renaming://left")
    location = await storage.create(b"whole")
    left = f"{location[:2]}/.{'ab' * 16}.tmp"
    RenamingFileSystem().pipe_file(f"/left/{left}", b"hal")
    infos = {info.location: info async for info in storage.blobs()}
    assert {place: info.temporary for place, info in infos.items()} == {location: False, left: True}
    await storage.remove_temporary(infos[left])
    await storage.remove_temporary(infos[left])
    assert [info.location async for info in storage.blobs()] == [location]


async def test_a_failing_rename_leaves_nothing() -> None:
    """When the rename fails, the temporary blob is removed and the store's words are passed on."""
    storage = FsspecStorage("renaming://fail")

    class Failing(RenamingFileSystem):
        def mv(self, path1: str, path2: str, *_: Any, **__: Any) -> None:
            raise OSError("Failure (code 4)")

    fsspec.register_implementation("renaming", Failing, clobber=True)
    try:
        with pytest.raises(StorageError, match=r"Could not store 4 bytes .* Failure \(code 4\)"):
            await storage.create(b"lost")
    finally:
        fsspec.register_implementation("renaming", RenamingFileSystem, clobber=True)
    assert RenamingFileSystem().find("/fail") == []


async def test_writing_needs_no_permission_to_look() -> None:
    """Who may write but not list can write; asking whether a blob exists says why not."""
    storage = FsspecStorage("writeonly://box")
    location = await storage.create(b"posted")
    assert await storage.read(location) == b"posted"
    with pytest.raises(StorageError, match=r"Could not look for .*PermissionError: Forbidden"):
        await storage.exists(location)


async def test_every_failure_says_what_was_asked() -> None:
    """Whatever a store raises becomes a StorageError with the question and the answer."""
    storage = FsspecStorage("broken://store")
    said = "<FsspecStorage 'broken://store'>. The store answered: RuntimeError: out of order"
    for asked, call in {
        "store 4 bytes in": storage.create(b"lost"),
        f"read {WELL_FORMED!r} from": storage.read(WELL_FORMED),
        f"delete {WELL_FORMED!r} from": storage.delete(WELL_FORMED),
        f"look for {WELL_FORMED!r} in": storage.exists(WELL_FORMED),
    }.items():
        with pytest.raises(StorageError) as caught:
            await call
        assert str(caught.value) == f"Could not {asked} {said}"
        assert isinstance(caught.value.__cause__, RuntimeError)


async def test_a_store_that_quotes_credentials_is_cut_short() -> None:
    """Neither the message nor the chain of causes shows a secret, however deep it was given."""
    storage = FsspecStorage(
        "broken://store",
        token="hush-token",
        client_kwargs={"headers": ["X-Auth: hush-header"]},
        message="refused hush-token at http://me:hush-url@127.0.0.1/",
    )
    with pytest.raises(StorageError, match=r"refused \*\*\* at http://\*\*\*@127") as caught:
        await storage.create(b"lost")
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_an_unknown_protocol_is_an_error_at_use() -> None:
    """A protocol that fsspec doesn't know may be defined, and fails when it is used."""
    with pytest.raises(StorageError, match="Protocol not known: nowhere"):
        await FsspecStorage("nowhere://root").create(b"lost")


async def test_a_missing_library_is_named() -> None:
    """A URL whose library is not installed says which one to install."""
    fsspec.register_implementation("gone", "no_such_library.FS", errtxt="Install no-such-library")
    with pytest.raises(MissingLibraryError, match="Install no-such-library"):
        await FsspecStorage("gone://root").create(b"lost")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("memory://", "memory://"),
        ("memory://a/b/", "memory://a/b"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("gs://bucket", "gs://bucket"),
        ("file:///abs/dir/", "file:///abs/dir"),
        ("file:///abs/../dir", "file:///dir"),
        ("local:///abs/a?b@c::d", "file:///abs/a?b@c::d"),
        ("/abs/dir", "file:///abs/dir"),
        ("sftp://me:hush@host:22/runs", "sftp://host:22/runs"),
        ("sftp://me@host/runs", "sftp://host/runs"),
        ("ftp://me:hu@sh@host/runs", "ftp://host/runs"),
        ("https://host/runs?sig=hush", "https://host/runs"),
        ("abfs://container@account.net/runs", "abfs://container@account.net/runs"),
        ("abfs://me:hush@account.net/runs", "abfs://account.net/runs"),
        ("simplecache::ftp://me:hush@host/runs", "simplecache::ftp://host/runs"),
        ("zip://x?hush::ftp://me:hush@host/a.zip", "zip://x::ftp://host/a.zip"),
    ],
)
def test_the_name_is_the_url_without_credentials(url: str, name: str) -> None:
    """The default name is stable and holds neither user, password nor query."""
    assert FsspecStorage(url).name == name
    assert repr(FsspecStorage(url)) == f"<FsspecStorage {name!r}>"


def test_a_relative_path_is_settled_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of the working directory moves no storage."""
    monkeypatch.chdir(tmp_path)
    assert FsspecStorage("runs").name == f"file://{tmp_path}/runs"
    assert FsspecStorage("file://runs").name == f"file://{tmp_path}/runs"


def test_a_storage_needs_a_url() -> None:
    """An empty URL is not taken for the working directory."""
    with pytest.raises(StorageError, match="A storage needs a URL, such as"):
        FsspecStorage("")


@pytest.mark.parametrize("url", ["s3://id:hush@bucket/runs", "simplecache::gs://hush@bucket"])
def test_buckets_take_credentials_as_options(url: str) -> None:
    """Credentials before a bucket would be sent as its name, so they are refused unquoted."""
    with pytest.raises(StorageError, match="Pass them as options") as caught:
        FsspecStorage(url)
    assert "hush" not in str(caught.value)


def test_a_password_that_breaks_the_url_is_refused() -> None:
    """A password with a slash cannot be told from the path, and is not repeated."""
    with pytest.raises(StorageError, match="Percent-encode it") as caught:
        FsspecStorage("sftp://me:hu/sh@host/runs")
    assert "hu/sh" not in str(caught.value)


async def test_a_password_in_the_url_stays_out_of_errors() -> None:
    """A password is blackened as it was written and as it was meant."""
    storage = FsspecStorage("broken://me:hu%2Fsh@host/", message="refused hu/sh and hu%2Fsh")
    with pytest.raises(StorageError, match=r"refused \*\*\* and \*\*\*"):
        await storage.create(b"lost")


def test_equality_is_about_the_place() -> None:
    """Who asks and how is not part of a storage; name, class and place are."""
    storage = FsspecStorage("sftp://me:old@host/runs", timeout=5)
    assert storage == FsspecStorage("sftp://you:new@host/runs", timeout=9)
    assert hash(storage) == hash(FsspecStorage("sftp://host/runs"))
    assert storage != FsspecStorage("sftp://host/runs", name="other")
    assert storage != FsspecStorage("sftp://host/other", name="sftp://host/runs")
    assert storage != FsspecStorage("sftp://host/runs", port=2222)
    assert storage != "sftp://host/runs"


async def test_a_storage_can_be_copied_and_pickled() -> None:
    """A storage goes to another process with its options."""
    storage = FsspecStorage("memory://copied")
    location = await storage.create(b"x")
    for same in (copy.deepcopy(storage), pickle.loads(pickle.dumps(storage))):
        assert same == storage
        assert await same.read(location) == b"x"


# Streams and random access


async def test_a_cancelled_stream_ends() -> None:
    """Once nobody waits for it, a stream that goes on is stopped at its next write."""
    storage = FsspecStorage(f"memory://{uuid4().hex}")
    begun, ended = threading.Event(), threading.Event()

    def write(file: BinaryIO) -> None:
        try:
            while True:
                file.write(b"on and on")
                begun.set()
                time.sleep(0.001)
        finally:
            ended.set()

    task = asyncio.create_task(storage.create_from(write))
    await asyncio.to_thread(begun.wait, 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 30)
    assert [info async for info in storage.blobs()] == []


async def test_a_cancelled_read_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once nobody waits for it, a large read asks for no further chunk."""
    monkeypatch.setattr(remote, "CHUNK", 10)
    monkeypatch.setattr(remote, "_AT_ONCE", 1)
    storage = FsspecStorage(f"memory://{uuid4().hex}")
    location = await storage.create(bytes(1000))
    asked, go_on = threading.Semaphore(0), threading.Semaphore(0)
    original = MemoryFileSystem.cat_file

    def slow(*arguments: Any, **options: Any) -> bytes:
        asked.release()
        go_on.acquire(timeout=300)
        data: bytes = original(*arguments, **options)
        return data

    monkeypatch.setattr(MemoryFileSystem, "cat_file", slow)
    task = asyncio.create_task(storage.read(location))
    assert await asyncio.to_thread(asked.acquire, timeout=300)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.release(100)
    assert not await asyncio.to_thread(asked.acquire, timeout=0.3)


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(st.binary(max_size=100), st.integers(1, 40))
def test_reading_in_chunks_is_reading(data: bytes, chunk: int) -> None:
    """However large the chunks, a blob comes back whole."""
    storage = FsspecStorage("memory://chunks")

    async def round_trip() -> bytes:
        return await storage.read(await storage.create(data))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote, "CHUNK", chunk)
        assert asyncio.run(round_trip()) == data


async def test_a_library_that_changes_the_error_hides_nothing() -> None:
    """A full disk is told as such, though the writer made something else of it."""
    storage = FsspecStorage(f"memory://{uuid4().hex}")

    def write(file: BinaryIO) -> None:
        try:
            file.write(memoryview(b"x"))
        except StorageError:
            raise ValueError("could not encode") from None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("artigraph.storage.local.open", _full, raising=False)
        with pytest.raises(StorageError, match=r"keep a stream on this disk .* No space left"):
            await storage.create_from(write)


def _full(*_: object) -> Any:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return Full()


async def test_a_stream_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file on the way to a remote store goes, whether the store took it or not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[Path] = []

    def write(file: BinaryIO) -> None:
        file.write(b"spooled")
        seen.extend(tmp_path.iterdir())

    await FsspecStorage(f"memory://{uuid4().hex}").create_from(write)
    with pytest.raises(StorageError, match="out of order"):
        await FsspecStorage("broken://store").create_from(write)
    assert len(seen) == 2
    assert os.listdir(tmp_path) == []


def test_the_url_is_told_under_any_name() -> None:
    """The address stays, without its secrets, where the name is another one."""
    storage = FsspecStorage("sftp://me:hush@host/runs?x=hush", name="team")
    assert (storage.name, storage.url) == ("team", "sftp://host/runs")


@pytest.mark.parametrize(
    ("told", "understood"),
    [
        ({"mtime": 1e9}, datetime.fromtimestamp(1e9, UTC)),
        ({"last_modified": datetime(2020, 1, 1)}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"updated": "2020-01-01T01:00:00+01:00"}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"modified": "last week", "created": 0}, datetime.fromtimestamp(0, UTC)),
    ],
)
def test_every_store_tells_time_its_own_way(told: dict[str, Any], understood: datetime) -> None:
    """Times come as numbers, texts and datetimes, and become aware ones in UTC."""
    assert blob_info("x", {"size": 1, **told}).modified == understood


def test_a_store_that_tells_no_time_has_young_blobs() -> None:
    """A blob of unknown age is never old enough to be removed."""
    age = datetime.now(UTC) - blob_info("x", {"size": 1}).modified
    assert age < timedelta(minutes=1)
