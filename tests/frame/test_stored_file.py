"""A file in a store is read when it is asked for, block by block, and checked."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Annotated, Any

import pytest

from artigraph import (
    DataModel,
    File,
    ModelFilter,
    NodeFilter,
    drop_values,
    new_artifact,
    read_artifact,
    read_artifacts,
    read_model,
    read_models,
    write_artifact,
    write_model,
)
from artigraph.errors import (
    BlobNotFoundError,
    CorruptBlobError,
    DeserializationError,
    PartError,
    StorageError,
    ValueDroppedError,
)
from artigraph.frame.base import StoredValue
from artigraph.frame.file import StoredFile
from artigraph.frame.handles import open_stored
from artigraph.serializer.file import file_serializer
from artigraph.storage.file import FileSystemStorage
from tests.frame.sources import keep

MEGABYTE = 2**20


def stored(value: File, path: Path, **options: Any) -> tuple[StoredFile, Any]:
    """A handle of a file, and its source."""
    handle, source = keep(file_serializer, value, path / "blob", **options)
    assert isinstance(handle, StoredFile)
    return handle, source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files."""
    made = tmp_path / "set"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"a" * 1000)
    (made / "sub" / "b.txt").write_bytes(b"b")
    return made


async def test_row_alone_tells_of_the_file(tmp_path: Path) -> None:
    """Name, media type and size come from the row, as does equality with another stored file."""
    handle, source = stored(File(b"# hi", name="n.md"), tmp_path)
    assert (handle.name, handle.media_type, handle.size) == ("n.md", "text/markdown", 4)
    assert not handle.is_folder
    assert repr(handle) == "<StoredFile 'n.md' text/markdown, 4 B>"
    again, _ = stored(File(b"# hi", name="n.md"), tmp_path)
    assert handle == again
    assert handle == File(b"# hi", name="n.md")
    assert hash(handle) == hash(File(b"# hi", name="n.md"))
    assert handle != File(b"# ho", name="n.md")
    assert "n.md" in handle._repr_html_()
    assert source.opened == 0


@pytest.mark.parametrize("local", [True, False])
async def test_stored_file_is_read(tmp_path: Path, folder: Path, local: bool) -> None:
    """It is read, opened and saved, also where the store is far away."""
    handle, _ = stored(File(folder), tmp_path, local=local)
    assert await handle.names() == ["a.txt", "sub/b.txt"]
    assert await handle.read_bytes("sub/b.txt") == b"b"
    async with handle.open("a.txt") as stream:
        stream.seek(990)
        assert stream.read() == b"a" * 10
    place = await handle.save_to(tmp_path / "copy")
    assert File(place, name="set") == handle
    (tmp_path / "copy" / "set").mkdir()
    with pytest.raises(StorageError, match=r"^'.*set' is there already\."):
        await handle.save_to(place)
    with pytest.raises(PartError, match="folder of 2 files"):
        await handle.read_bytes()
    whole = await handle.load()
    assert type(whole) is File
    assert whole == handle


@pytest.mark.parametrize("local", [True, False])
async def test_large_file_is_saved_in_little_memory(tmp_path: Path, local: bool) -> None:
    """A large file is copied out block by block."""
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(100 * MEGABYTE)
    handle, _ = stored(File(big), tmp_path, local=local)
    tracemalloc.start()
    try:
        place = await handle.save_to(tmp_path / "copy.bin")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert place.stat().st_size == 100 * MEGABYTE
    assert peak < 24 * MEGABYTE


async def test_only_the_start_is_read(tmp_path: Path) -> None:
    """Of a large file far away, the first bytes cost few requests and few bytes."""
    handle, source = stored(File(os.urandom(5 * MEGABYTE), name="a.bin"), tmp_path)
    assert len(handle.read_start(100)) == 100
    assert source.bytes_read < 300_000
    assert len(source.ranges) < 12


@pytest.mark.parametrize("local", [True, False])
async def test_damage_is_told(tmp_path: Path, local: bool) -> None:
    """Bytes that are not those that were written are an error, and nothing is saved."""
    text = File(b"x" * 5000, name="x.txt")

    def change(data: bytes) -> bytes:
        return data.replace(b"xxxx", b"yyyy", 1)

    handle, _ = stored(text, tmp_path, local=local, change=change)
    with pytest.raises(CorruptBlobError, match="damaged"):
        await handle.save_to(tmp_path / "out.txt")
    with pytest.raises(CorruptBlobError, match="damaged"):
        await handle.read_bytes()
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    "summary",
    [
        None,
        {},
        {"name": "../x"},
        {"name": 5},
        {"media_type": "\n/x"},
        {"media_type": None},
        {"size": -1},
        {"size": True},
        {"size": "5"},
        {"folder": 1},
    ],
)
async def test_odd_row_is_no_file(tmp_path: Path, summary: Any) -> None:
    """A row that somebody else has written is a value of some kind, and nothing fails."""
    handle, source = stored(File(b"x"), tmp_path)
    odd = summary and {**handle.summary, **summary}
    record = handle._record
    changed = type(record)(
        node_id=1, label="x", serializer="artigraph-file", size=5, digest=None, summary=odd
    )
    found = open_stored(changed, source)
    assert type(found) is StoredValue
    assert repr(found)


async def test_row_that_calls_a_file_a_folder(tmp_path: Path) -> None:
    """A row that says other than the bytes is found out."""
    handle, source = stored(File(b"x", name="a.txt"), tmp_path)
    record = handle._record
    changed = type(record)(
        node_id=1,
        label="x",
        serializer="artigraph-file",
        size=record.size,
        digest=record.digest,
        summary={**handle.summary, "folder": True},
    )
    found = open_stored(changed, source)
    assert isinstance(found, StoredFile)
    with pytest.raises(DeserializationError, match="its row says that it is a folder"):
        await found.save_to(tmp_path / "out")


class Trained(DataModel, version=1):
    loss: float
    weights: File
    data: Any = None


async def test_files_in_models(store: str, tmp_path: Path, folder: Path) -> None:
    """A field holds a file; a listing reads none of them, and they are written anew by copying."""
    storage = FileSystemStorage(tmp_path / "blobs", "files")

    class Kept(DataModel, version=1):
        weights: Annotated[File, storage]
        notes: File

    one = Kept(File(folder), File(b"# hi", name="n.md"))
    written = await write_model(label="one", model=one)
    where = NodeFilter(node_id=written.artifact.node_id)
    for lazy in (False, True):
        found = (await read_model(where, lazy=lazy)).value
        assert isinstance(found.weights, StoredFile)
        assert isinstance(found.weights, File)
        assert found == one
        assert await found.notes.read_bytes() == b"# hi"
        assert await found.weights.read_bytes("a.txt") == b"a" * 1000
    again = await write_model(label="again", model=found)
    copied = (await read_model(NodeFilter(node_id=again.artifact.node_id))).value
    assert copied == one
    assert copied.weights.digest == found.weights.digest
    assert len(list((tmp_path / "blobs").rglob("*"))) < 6, "equal bytes are one blob"
    # A listing stands although the blobs are gone.
    for blob in (tmp_path / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    listed = await read_models(ModelFilter(model_type=Kept))
    assert [one.value.weights.name for one in listed] == ["set", "set"]
    with pytest.raises(BlobNotFoundError):
        await listed[0].value.weights.names()


async def test_files_as_artifacts(store: str, tmp_path: Path) -> None:
    """A file is an artifact, in the database or in a storage, and its bytes may be given up."""
    storage = FileSystemStorage(tmp_path / "blobs", "files2")
    (tmp_path / "model.onnx").write_bytes(b"\x08" * 300_000)
    for where in (None, storage):
        file = File(tmp_path / "model.onnx")
        written = await write_artifact(new_artifact("m", file, file_serializer, storage=where))
        this = NodeFilter(node_id=written.artifact.node_id)
        found = (await read_artifact(this)).value
        assert isinstance(found, File)
        assert found == file
        assert (found.media_type, found.size) == ("application/onnx", 300_000)
        place = await found.save_to(tmp_path / f"out-{where is None}.onnx")
        assert place.read_bytes() == b"\x08" * 300_000
        assert len(await read_artifacts(this, strict=True)) == 1
        await drop_values(this)
        with pytest.raises(ValueDroppedError):
            await found.read_bytes()


async def test_field_of_any_type_holds_a_file(store: str) -> None:
    """A field without a type of its own holds a file as well."""
    model = Trained(0.5, File(b"w", name="w.bin"), File(b"1,2", name="a.csv"))
    written = await write_model(label="t", model=model)
    found = (await read_model(NodeFilter(node_id=written.artifact.node_id))).value
    assert found == model
    assert found.data.media_type == "text/csv"
