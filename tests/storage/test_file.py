"""Files in a folder, full disks, killed writers, and the temporary storage."""

from __future__ import annotations

import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path

import pytest

from artigraph.concurrency import run_in_thread
from artigraph.errors import (
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    StorageError,
)
from artigraph.storage.base import Storage
from artigraph.storage.file import FileSystemStorage, TempFileStorage, temp_file_storage
from artigraph.storage.fsspec import FsspecStorage
from artigraph.testing.storage import StorageTests

WELL_FORMED = "ab/" + "ab" * 32


def files_in(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


class FolderTests(StorageTests):
    """Looks at the files themselves."""

    resolution = 0.0

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        assert isinstance(storage, FileSystemStorage)
        path = storage.directory / location
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)

    def get_raw(self, storage: Storage, location: str) -> bytes:
        assert isinstance(storage, FileSystemStorage)
        return (storage.directory / location).read_bytes()

    def list_raw(self, storage: Storage) -> set[str]:
        assert isinstance(storage, FileSystemStorage)
        return files_in(storage.directory)


class TestFileSystemStorage(FolderTests):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> Storage:
        return FileSystemStorage(tmp_path / "a::b" / "me@host?x")


class TestTempFileStorage(FolderTests):
    @pytest.fixture
    def storage(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Storage:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return TempFileStorage("test-temp")


async def test_the_folder_is_made_at_the_first_write(tmp_path: Path) -> None:
    """Defining and reading make no folder; writing does."""
    storage = FileSystemStorage(tmp_path / "new" / "folder")
    assert not await storage.exists(WELL_FORMED)
    await storage.delete(WELL_FORMED)
    with pytest.raises(BlobNotFoundError):
        await storage.read(WELL_FORMED)
    assert not (tmp_path / "new").exists()
    location = await storage.create(b"x")
    assert (tmp_path / "new" / "folder" / location).read_bytes() == b"x"


def test_a_folder_is_settled_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Home and the working directory are looked up when the storage is defined."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert FileSystemStorage("runs").directory == tmp_path / "runs"
    assert FileSystemStorage(Path("~/runs")).directory == tmp_path / "home" / "runs"
    assert FileSystemStorage("~/runs").name == f"file://{tmp_path}/home/runs"


def test_a_folder_is_not_taken_for_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose name looks like a URL is a folder."""
    monkeypatch.chdir(tmp_path)
    assert FileSystemStorage("s3://bucket").directory == tmp_path / "s3:" / "bucket"


def test_a_folder_may_have_a_name_of_its_own(tmp_path: Path) -> None:
    """A folder that may move gets a name that stays."""
    assert FileSystemStorage(tmp_path, name="results").name == "results"
    assert FileSystemStorage(tmp_path) == FileSystemStorage(f"{tmp_path}/")
    assert FileSystemStorage(tmp_path) != FileSystemStorage(tmp_path / "other", str(tmp_path))
    assert FileSystemStorage(tmp_path) == FsspecStorage(str(tmp_path))  # they store alike


async def test_others_may_read_the_files(tmp_path: Path) -> None:
    """Blobs follow the umask, so that a shared folder is shared."""
    umask = os.umask(0o022)
    try:
        location = await FileSystemStorage(tmp_path).create(b"shared")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / location).stat().st_mode) == 0o644


async def test_an_existing_blob_is_not_written_again(tmp_path: Path) -> None:
    """Storing equal bytes leaves the file as it is, but for its time."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"again")
    before = (tmp_path / location).stat()
    os.utime(tmp_path / location, (0, 0))
    await storage.create(b"again")
    await storage.create_from(lambda file: file.write(b"again"))
    after = (tmp_path / location).stat()
    assert before.st_ino == after.st_ino
    assert after.st_mtime_ns >= before.st_mtime_ns


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_blob_that_goes_in_the_last_moment_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    """A blob deleted between the look at it and its new time is put there again."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"raced")

    def delete_first(path: Path, *arguments: object) -> None:
        Path(path).unlink()
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "utime", delete_first)
    if streamed:
        await storage.create_from(lambda file: file.write(b"raced"))
    else:
        await storage.create(b"raced")
    assert await storage.read(location) == b"raced"


async def test_a_blob_of_somebody_else_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the owner may set a file's time, a young file takes its place."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"shared")
    before = (tmp_path / location).stat()

    def refuse(*_: object) -> None:
        raise PermissionError("not the owner")

    monkeypatch.setattr(os, "utime", refuse)
    assert await storage.create(b"shared") == location
    assert (tmp_path / location).stat().st_ino != before.st_ino


async def test_a_local_blob_is_opened_as_a_file(tmp_path: Path) -> None:
    """A local blob can be mapped into memory, and another size is noticed at once."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"mapped")
    with storage.open(location) as file, mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
        assert mapped[:] == b"mapped"
    assert storage.local_path(location) == tmp_path / location
    with pytest.raises(CorruptBlobError, match="it has 6 bytes, where 7 are expected"):
        storage.open(location, size=7)


async def test_what_unfinished_writes_left_is_listed_and_removed(tmp_path: Path) -> None:
    """Temporary files at both places where they may lie are listed as such, with their age."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"whole")
    left = [f".{'ab' * 16}.tmp", f"{location[:2]}/.{'cd' * 16}.tmp"]
    for name in left:
        (tmp_path / name).write_bytes(b"hal")
        os.utime(tmp_path / name, (1e9, 1e9))
    (tmp_path / ".editor.tmp").write_bytes(b"somebody else's")
    infos = [info async for info in storage.blobs()]
    temporary = [info for info in infos if info.temporary]
    assert sorted(info.location for info in temporary) == sorted(left)
    assert {(info.size, info.modified.timestamp()) for info in temporary} == {(3, 1e9)}
    with pytest.raises(BlobLocationError):
        await storage.delete(temporary[0].location)
    for info in temporary * 2:
        await storage.remove_temporary(info)
    assert files_in(tmp_path) == {location, ".editor.tmp"}


async def test_odd_things_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    """Links, folders and pipes under names of blobs are no blobs."""
    storage = FileSystemStorage(tmp_path)
    location = await storage.create(b"x")
    for digit in "012":
        (tmp_path / f"0{digit}").mkdir()
    (tmp_path / "00" / ("00" + "1" * 62)).mkdir()
    os.mkfifo(tmp_path / "01" / ("01" + "1" * 62))
    (tmp_path / "02" / ("02" + "1" * 62)).symlink_to(tmp_path / location)
    assert [info.location async for info in storage.blobs()] == [location]


def test_a_url_is_not_the_name(tmp_path: Path) -> None:
    """A storage of another name still tells its address; a temporary one has none."""
    assert FileSystemStorage(tmp_path, name="results").url == f"file://{tmp_path}"
    assert temp_file_storage.url == "artigraph-temp-file"


async def test_a_location_never_leaves_the_folder(tmp_path: Path) -> None:
    """A neighbour of the folder can be neither read nor deleted through it."""
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"mine")
    storage = FileSystemStorage(tmp_path / "store")
    await storage.create(b"x")
    for location in ("../secret.txt", str(secret), "ab/../../secret.txt", f"file://{secret}"):
        for call in (storage.read, storage.delete, storage.exists):
            with pytest.raises(StorageError, match="is no location of"):
                await call(location)
    assert secret.read_bytes() == b"mine"


# Faults


async def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    """A file in the way is named by the error, and left alone."""
    (tmp_path / "store").write_bytes(b"in the way")
    storage = FileSystemStorage(tmp_path / "store")
    with pytest.raises(StorageError, match=r"Could not store 1 bytes in .*NotADirectoryError"):
        await storage.create(b"x")
    with pytest.raises(StorageError, match=r"Could not look for .*NotADirectoryError"):
        await storage.exists(WELL_FORMED)
    assert (tmp_path / "store").read_bytes() == b"in the way"


async def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    """If the final name cannot be had, what was written under another is removed."""
    storage = FileSystemStorage(tmp_path)
    digest = sha256(b"x").hexdigest()
    (tmp_path / digest[:2] / digest).mkdir(parents=True)
    with pytest.raises(StorageError, match="IsADirectoryError"):
        await storage.create(b"x")
    assert files_in(tmp_path) == set()


@pytest.mark.skipif(os.name == "nt", reason="limits of a process are a thing of POSIX")
def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """When no more bytes fit, the error says so, and earlier blobs are untouched."""
    code = f"""
import asyncio, resource
from artigraph.errors import StorageError
from artigraph.storage.file import FileSystemStorage

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

async def main():
    storage = FileSystemStorage({str(tmp_path)!r})
    small = await storage.create(b"fits")
    try:
        await storage.create(bytes(20_000))
    except StorageError as error:
        print(error)
    assert await storage.read(small) == b"fits"

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Could not store 20000 bytes in <FileSystemStorage")
    assert "File too large" in done.stdout
    digest = sha256(b"fits").hexdigest()
    assert files_in(tmp_path) == {f"{digest[:2]}/{digest}"}


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a thing of POSIX")
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_no_damaged_blob(tmp_path: Path, seed: int) -> None:
    """After SIGKILL in the middle of a write, whatever has a final name is whole."""
    code = f"""
import asyncio, os
from artigraph.storage.file import FileSystemStorage

async def main():
    storage = FileSystemStorage({str(tmp_path)!r})
    for _ in range(20):
        await storage.create(os.urandom(16 * 2**20))

asyncio.run(main())
"""
    writer = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 300
    # Kill it while a temporary file grows, at another moment each time.
    growing = random.Random(seed).randrange(1, 12) * 2**20
    try:
        while time.monotonic() < deadline and writer.poll() is None:
            if any(_size(path) >= growing for path in tmp_path.rglob(".*.tmp")):
                break
        else:
            pytest.fail("The writer never wrote a temporary file")
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=300)
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.name.endswith(".tmp"):
            assert sha256(path.read_bytes()).hexdigest() == path.name


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


# The temporary storage


def test_the_temporary_folder_goes_with_the_process(tmp_path: Path) -> None:
    """Importing makes nothing, the first use makes one folder, the exit removes it."""
    code = """
import asyncio, os, tempfile
before = os.listdir(tempfile.gettempdir())
from artigraph.storage.file import temp_file_storage
assert os.listdir(tempfile.gettempdir()) == before
location = asyncio.run(temp_file_storage.create(b"short-lived"))
assert asyncio.run(temp_file_storage.read(location)) == b"short-lived"
assert len(os.listdir(tempfile.gettempdir())) == len(before) + 1
print(location, temp_file_storage.directory)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stdout
    assert list(tmp_path.iterdir()) == []


async def test_a_temporary_blob_of_another_process_explains_itself() -> None:
    """A location out of an earlier session says why its blob is gone, and what to use."""
    with pytest.raises(BlobNotFoundError, match="only as long as the process") as caught:
        await temp_file_storage.read(WELL_FORMED)
    assert "FileSystemStorage(directory)" in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is a thing of POSIX")
def test_a_forked_child_leaves_the_folder_alone(tmp_path: Path) -> None:
    """A child that ends takes nothing away from its parent."""
    code = """
import asyncio, os, sys
from artigraph.storage.file import temp_file_storage
location = asyncio.run(temp_file_storage.create(b"parent's"))
child = os.fork()
if not child:
    sys.exit(asyncio.run(temp_file_storage.read(location)) != b"parent's")
assert os.waitpid(child, 0)[1] == 0
assert asyncio.run(temp_file_storage.read(location)) == b"parent's"
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_temporary_storages_differ_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a folder of its own, made in the system's temporary one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    one, two = TempFileStorage("one"), TempFileStorage("two")
    assert one != two
    assert one == TempFileStorage("one")
    assert one.directory != two.directory
    assert one.directory.parent == two.directory.parent == tmp_path


@pytest.fixture
async def linked(tmp_path: Path) -> tuple[FileSystemStorage, str, Path]:
    """A storage with a blob, its location, and a place outside with a file of the blob's name."""
    storage = FileSystemStorage(tmp_path / "store")
    location = await storage.create(b"secret")
    outside = tmp_path / "outside" / location
    outside.parent.mkdir(parents=True)
    outside.write_bytes(b"secret")
    return storage, location, outside


async def test_a_blob_that_is_a_link_out_of_the_folder_is_not_read(
    linked: tuple[FileSystemStorage, str, Path],
) -> None:
    """Neither whole nor by parts; it is no blob, a delete removes the link, a write replaces it."""
    storage, location, outside = linked
    blob = storage.directory / location
    blob.unlink()
    blob.symlink_to(outside)
    with pytest.raises(BlobLocationError, match="link that leads out of the storage"):
        await storage.read(location)
    for size in (None, 6):
        with pytest.raises(BlobLocationError, match="link that leads out"):
            await run_in_thread(storage.open, location, size)
    assert not await storage.exists(location)
    assert [info async for info in storage.blobs()] == []
    old = outside.stat().st_mtime_ns
    assert await storage.create(b"secret") == location
    assert not blob.is_symlink()
    assert await storage.read(location) == b"secret"
    blob.unlink()
    blob.symlink_to(outside)
    await storage.delete(location)
    assert not blob.is_symlink()
    assert (outside.read_bytes(), outside.stat().st_mtime_ns) == (b"secret", old)


async def test_a_folder_that_is_a_link_out_of_the_folder_is_not_entered(
    linked: tuple[FileSystemStorage, str, Path],
) -> None:
    """Nothing is read, listed, written or deleted there."""
    storage, location, outside = linked
    folder = storage.directory / location[:2]
    shutil.rmtree(folder)
    folder.symlink_to(outside.parent)
    for call in (storage.read(location), storage.delete(location), storage.create(b"secret")):
        with pytest.raises(BlobLocationError, match="link that leads out of the storage"):
            await call
    with pytest.raises(BlobLocationError, match="link that leads out"):
        await storage.create_from(lambda file: file.write(b"secret"))
    assert not await storage.exists(location)
    assert [info async for info in storage.blobs()] == []
    assert files_in(outside.parent.parent) == {location}


async def test_links_inside_the_folder_and_of_the_folder_itself_are_followed(
    linked: tuple[FileSystemStorage, str, Path], tmp_path: Path
) -> None:
    """A folder that has moved to another disk is at its place still."""
    storage, location, _ = linked
    (tmp_path / "link").symlink_to(storage.directory)
    (storage.directory / "kept").mkdir()
    (storage.directory / location).rename(storage.directory / "kept" / "blob")
    (storage.directory / location).symlink_to(storage.directory / "kept" / "blob")
    for one in (storage, FileSystemStorage(tmp_path / "link")):
        assert await one.read(location) == b"secret"
        assert await one.exists(location)


async def test_circles_and_pipes_are_told(linked: tuple[FileSystemStorage, str, Path]) -> None:
    """A link to itself, a folder that is its own, a pipe that would be waited for, a folder."""
    storage, location, _ = linked
    blob = storage.directory / location
    blob.unlink()
    blob.symlink_to(blob)
    with pytest.raises(BlobLocationError, match="leads out"):
        await storage.read(location)
    blob.unlink()
    os.mkfifo(blob)
    with pytest.raises(BlobLocationError, match="is no file"):
        await storage.read(location)
    with pytest.raises(BlobLocationError, match="is no file"):
        await run_in_thread(storage.open, location)
    assert not await storage.exists(location)
    blob.unlink()
    blob.mkdir()
    with pytest.raises(BlobNotFoundError):
        await storage.read(location)
    shutil.rmtree(blob.parent)
    blob.parent.symlink_to(blob.parent)
    with pytest.raises(BlobLocationError, match="leads out"):
        await storage.read(location)
    assert [info async for info in storage.blobs()] == []
