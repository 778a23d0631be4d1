"""Files and folders come back with name, type and every byte; hostile archives do not."""

from __future__ import annotations

import io
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from artigraph import File
from artigraph.errors import (
    DeserializationError,
    PartError,
    SerializationError,
    StorageError,
)
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.file import file_serializer
from artigraph.testing.serializer import SerializerTests

SAYS = {"artigraph": "file", "version": 1, "name": "a.txt", "type": "text/plain", "folder": False}
MEGABYTE = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files, one of them below, and an empty folder."""
    made = tmp_path / "set"
    (made / "sub" / "empty").mkdir(parents=True)
    (made / "b.txt").write_bytes(b"b")
    (made / "sub" / "é.bin").write_bytes(bytes(range(256)))
    return made


class TestFileSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return file_serializer

    @pytest.fixture
    def values(self, folder: Path) -> list[Any]:
        return [
            File(b""),
            File(b"text", "text/markdown", name="notes"),
            File(folder / "sub" / "é.bin"),
            File(folder),
            File(folder, "application/x-dataset", name="other"),
        ]

    @pytest.fixture
    def bad_values(self, folder: Path) -> list[Any]:
        (folder / "link").symlink_to("b.txt")
        return [object(), b"bytes", "path", File(folder)]


def packed(
    members: list[tuple[str, bytes]], says: object = SAYS, compression: int = zipfile.ZIP_STORED
) -> bytes:
    """An archive that anybody may have made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.filename = name  # as it is given, whatever zipfile thinks of it
            info.compress_type = compression
            archive.writestr(info, data)
        archive.comment = says if isinstance(says, bytes) else json.dumps(says).encode()
    return file.getvalue()


FOLDER = {**SAYS, "name": "set", "type": "inode/directory", "folder": True}


def test_packed_by_others_is_read() -> None:
    """What the hostile cases vary is right as it stands."""
    assert file_serializer.deserialize(packed([("a.txt", b"a")])) == File(b"a", name="a.txt")
    assert file_serializer.deserialize(packed([("a/b", b"1"), ("c/", b"")], FOLDER)).is_folder


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/a", "a//b", "./a", "a\\b", "..", "a/..", "a\x1fb", "x" * 300, "/"],
)
def test_path_outside_is_refused(name: str) -> None:
    """A path that leaves the folder, or that some system takes for such a one, is refused."""
    with pytest.raises(DeserializationError):
        file_serializer.deserialize(packed([(name, b"a")], FOLDER))


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"[]",
        b"{",
        {},
        {**SAYS, "artigraph": "other"},
        {**SAYS, "version": 2},
        {**SAYS, "name": "../a.txt"},
        {**SAYS, "name": None},
        {**SAYS, "name": "b.txt"},
        {**SAYS, "type": "text"},
        {**SAYS, "type": ["text/plain"]},
        {**SAYS, "type": "text/\nplain"},
        {**SAYS, "folder": 0},
        {**SAYS, "more": "x" * 9_000},
    ],
)
def test_odd_description_is_refused(says: object) -> None:
    """What an archive says of itself is looked at."""
    with pytest.raises(DeserializationError):
        file_serializer.deserialize(packed([("a.txt", b"a")], says))


def test_compressed_archive_is_refused() -> None:
    """Nothing compressed is taken out, so that a small archive cannot fill a disk."""
    data = packed([("a.txt", bytes(10 * MEGABYTE))], compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 20_000
    with pytest.raises(DeserializationError, match="compressed"):
        file_serializer.deserialize(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_same_path_twice_is_refused() -> None:
    """Two files of one path, or many that share their bytes, are refused."""
    with pytest.raises(DeserializationError, match="twice"):
        file_serializer.deserialize(packed([("a", b"1"), ("a", b"2")], FOLDER))


def test_shared_bytes_are_refused() -> None:
    """Many entries that stand for the same bytes are more than the archive can hold."""
    body = os.urandom(100_000)
    data = packed([(f"{n}", body if n == 0 else b"") for n in range(50)], FOLDER)
    start = data.index(b"PK\x01\x02")
    first = data[start:]
    size = struct.unpack_from("<III", first, 16)
    damaged, at = bytearray(data), start
    while data[at : at + 4] == b"PK\x01\x02":
        struct.pack_into("<III", damaged, at + 16, *size)
        struct.pack_into("<I", damaged, at + 42, 0)
        lengths = struct.unpack_from("<HHH", data, at + 28)
        at += 46 + sum(lengths)
    with pytest.raises(DeserializationError):
        file_serializer.deserialize(bytes(damaged))


def test_long_list_of_files_is_not_read() -> None:
    """A list of files that claims to be huge is refused before it is read."""
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, 40 * MEGABYTE, 0, 0)
    tracemalloc.start()
    try:
        with pytest.raises(DeserializationError, match="at once"):
            file_serializer.deserialize(bytes(41 * MEGABYTE) + end)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 90 * MEGABYTE  # the bytes themselves, once made and once joined


_NAMES = st.text(min_size=1, max_size=20).filter(
    lambda t: t not in (".", "..") and not any(c in "/\\" or ord(c) < 32 or c == "\x7f" for c in t)
)


def _encodes(text: str) -> bool:
    try:
        return len(text.encode()) <= 255
    except UnicodeEncodeError:
        return False


@given(st.binary(max_size=200), _NAMES.filter(_encodes))
def test_any_file_comes_back(data: bytes, name: str) -> None:
    """Bytes and name come back, and the media type is the same wherever it is guessed."""
    file = File(data, name=name)
    back = file_serializer.deserialize(file_serializer.serialize(file))
    assert back == file
    assert (back.name, back.media_type, back.size) == (name, file.media_type, len(data))
    assert hash(back) == hash(file)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(
    st.dictionaries(
        st.lists(st.sampled_from(["a", "b", "C", "d e"]), min_size=1, max_size=3).map(tuple),
        st.binary(max_size=20),
        max_size=5,
    )
)
async def test_any_folder_comes_back(tmp_path: Path, files: dict[tuple[str, ...], bytes]) -> None:
    """A folder comes back on the disk, file by file."""
    import shutil

    shutil.rmtree(tmp_path, ignore_errors=True)
    source = tmp_path / "source"
    source.mkdir(parents=True)
    for path, data in files.items():
        at = source.joinpath(*path)
        if not at.exists() and all(not one.is_file() for one in at.parents):
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_bytes(data)
    back = file_serializer.deserialize(file_serializer.serialize(File(source)))
    place = await back.save_to(tmp_path / "copy")
    assert _tree(place) == _tree(source)
    assert File(place, name="source") == back


def _tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(one.relative_to(folder)): one.read_bytes() if one.is_file() else None
        for one in folder.rglob("*")
    }


def test_same_bytes_whatever_is_written_to(folder: Path) -> None:
    """A file that can be sought gets the bytes of one that cannot, at any time, from anyone."""

    class Written:
        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> int:
            self.data += bytes(data)
            return len(data)

    written = Written()
    file_serializer.dump(File(folder), cast(BinaryIO, written))
    os.utime(folder / "b.txt", (1, 1))
    os.chmod(folder / "b.txt", 0o755)
    assert written.data == file_serializer.serialize(File(folder))


def test_zip_tool_opens_what_is_stored(folder: Path) -> None:
    """What is stored is a zip that holds the files under their own paths."""
    with zipfile.ZipFile(io.BytesIO(file_serializer.serialize(File(folder)))) as archive:
        assert archive.namelist() == ["b.txt", "sub/empty/", "sub/é.bin"]
        assert archive.read("b.txt") == b"b"


def test_large_file_is_streamed(tmp_path: Path) -> None:
    """A large file is packed, compared and summarized block by block."""
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(100 * MEGABYTE)

    class Counted:
        def __init__(self) -> None:
            self.size = 0

        def write(self, data: bytes) -> int:
            self.size += len(data)
            return len(data)

    counted = Counted()
    tracemalloc.start()
    try:
        summary = file_serializer.dump(File(big), cast(BinaryIO, counted))
        assert File(big) == File(big, name="big.bin")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert summary["size"] == 100 * MEGABYTE
    assert 100 * MEGABYTE < counted.size < 101 * MEGABYTE
    assert peak < 8 * MEGABYTE


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.png", "image/png"),
        ("A.PNG", "image/png"),
        ("model.onnx", "application/onnx"),
        ("notes.md", "text/markdown"),
        ("x.tar.gz", "application/gzip"),
        ("data.csv", "text/csv"),
        ("data:text,x", "application/octet-stream"),
        ("README", "application/octet-stream"),
    ],
)
def test_media_type_is_guessed_by_name(name: str, media_type: str) -> None:
    """The name's ending tells the media type, and nothing in the file."""
    assert File(b"<html>", name=name).media_type == media_type


def test_equality_is_of_content(tmp_path: Path) -> None:
    """Two files are equal by name, type and bytes, wherever they are."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    assert File(path) == File(b"a", name="a.txt") == File(str(path))
    assert File(path) != File(b"b", name="a.txt")
    assert File(path) != File(b"a", name="b.txt")
    assert File(path) != File(b"a", "text/html", name="a.txt")
    assert File(path) != b"a"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: File("/nowhere/x.bin"), "There is no file"),
        (lambda: File(cast(Any, 5)), "takes a path or bytes"),
        (lambda: File(b"", "png"), "no media type"),
        (lambda: File(b"", name="a/b"), "cannot be called"),
        (lambda: File(b"", name=".."), "cannot be called"),
        (lambda: File(b"", name="\ud800"), "cannot be called"),
        (lambda: File(b"", name=""), "cannot be called"),
    ],
)
def test_odd_file_is_refused(make: Any, told: str) -> None:
    """What is no file, no name and no media type is refused, with what to type."""
    with pytest.raises(SerializationError, match=told):
        make()


def test_links_and_devices_are_not_followed(folder: Path) -> None:
    """A folder with a link or a pipe in it is refused; a link to a file that is named is not."""
    (folder.parent / "there").symlink_to(folder / "b.txt")
    assert File(folder.parent / "there", name="b.txt") == File(folder / "b.txt")
    os.mkfifo(folder / "pipe")
    with pytest.raises(SerializationError, match="pipe' is a link or a device"):
        file_serializer.serialize(File(folder))
    with pytest.raises(SerializationError, match="neither a file nor a folder"):
        file_serializer.serialize(File(folder / "pipe"))


def test_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """A file that vanishes before it is stored is an error that names it."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    file = File(path)
    path.unlink()
    with pytest.raises(SerializationError, match=r"a\.txt' cannot be read"):
        file_serializer.serialize(file)


async def test_saving_takes_no_place(tmp_path: Path, folder: Path) -> None:
    """Saving makes folders, takes its own name in one that is there, and replaces when told."""
    file = File(b"new", name="a.txt")
    assert await file.save_to(tmp_path / "x" / "y.txt") == tmp_path / "x" / "y.txt"
    assert await file.save_to(tmp_path / "x") == tmp_path / "x" / "a.txt"
    with pytest.raises(StorageError, match=r"there already.*overwrite=True"):
        await file.save_to(tmp_path / "x" / "a.txt")
    (tmp_path / "x" / "a.txt").write_bytes(b"old")
    await file.save_to(tmp_path / "x" / "a.txt", overwrite=True)
    assert (tmp_path / "x" / "a.txt").read_bytes() == b"new"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="there already"):
        await file.save_to(tmp_path / "link")
    with pytest.raises(StorageError, match="there already"):
        await File(folder).save_to(tmp_path, overwrite=True)
    assert not [name for name in await File(tmp_path / "x").names() if ".artigraph" in name]


async def test_reading_files_of_a_folder(folder: Path) -> None:
    """Files of a folder are read by their paths; without one the error lists what to do."""
    for file in (
        File(folder),
        file_serializer.deserialize(file_serializer.serialize(File(folder))),
    ):
        assert await file.names() == ["b.txt", "sub/é.bin"]
        assert file.size == 257
        assert await file.read_bytes("sub/é.bin") == bytes(range(256))
        async with file.open("b.txt") as stream:
            assert stream.read() == b"b"
        with pytest.raises(PartError, match="folder of 2 files"):
            await file.read_bytes()
        with pytest.raises(PartError, match=r"Did you mean 'b\.txt'"):
            await file.read_bytes("c.txt")


def test_shown_without_being_read(tmp_path: Path) -> None:
    """A file shows itself without being read, and what its name holds is escaped."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    file = File(path, name="<b>\u202e.txt")
    path.unlink()
    assert repr(file) == r"<File '<b>\u202e.txt' text/plain>"
    assert "<b>" not in file._repr_html_()
    assert repr(File(b"1234")) == "<File 'file' application/octet-stream, 4 B>"


def test_found_by_its_type() -> None:
    """A field that is annotated with File needs no serializer."""
    assert find_serializer(File) is file_serializer
