"""Blobs beside rows: shared, refused, damaged, out of reach, and kept or removed with them."""

# ruff: noqa: ASYNC110, ASYNC240, PT012, PT017  # files are polled; sessions and loops are the point

from __future__ import annotations

import asyncio
import logging
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text

from artigraph import (
    ArtifactFilter,
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    LabelExistsError,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    RemoteArtifact,
    SerializationError,
    Serializer,
    Storage,
    StorageError,
    UnknownStorageError,
    check_storage,
    collect_garbage,
    create_model,
    delete_artifacts,
    delete_models,
    delete_nodes,
    get_engine,
    model_field,
    new_artifact,
    new_node,
    new_session,
    read_artifact,
    read_artifacts,
    read_model,
    read_models,
    read_nodes,
    write_artifact,
    write_artifacts,
    write_model,
    write_models,
    write_node,
)
from artigraph.blob import write as blob_write
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import StoredBlob, storages
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage
from tests.storage.conftest import (  # noqa: F401  # fixtures
    SECRET,
    S3Server,
    s3_bucket,
    s3_options,
    s3_server,
)

NOW = timedelta(0)
FRAME = pd.DataFrame({"step": range(50), "loss": np.linspace(1, 0, 50)})


def model_of(storage: Storage, name: str = "BlobsFit", **fields: Any) -> Any:
    """A model with a frame in a storage."""
    frame = model_field(serializer=dataframe_serializer, storage=storage, default=None)
    return create_model(name, frame=(Any, frame), **fields)


def array_model(storage: Storage, *names: str) -> Any:
    """A model with arrays in a storage."""
    fields: dict[str, Any] = {
        name: (Any, model_field(serializer=array_serializer, storage=storage)) for name in names
    }
    return create_model("BlobsArrays", **fields)


def files(folder: Path) -> list[str]:
    """Every file below a folder, temporary ones too."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


async def sql(statement: str, **values: Any) -> list[Any]:
    """Run a statement past artigraph, in a transaction of its own."""
    engine = await get_engine()
    async with engine.begin() as connection:
        done = await connection.execute(text(statement), values)
        return list(done.all()) if done.returns_rows else []


async def blob_rows() -> list[Any]:
    """Id, storage and location of every row that names a blob."""
    return await sql(
        "SELECT node_id, remote_artifact_storage, remote_artifact_location FROM artigraph_node "
        "WHERE remote_artifact_location IS NOT NULL ORDER BY node_id"
    )


async def count_rows() -> int:
    """How many rows there are."""
    return int((await sql("SELECT count(*) FROM artigraph_node"))[0][0])


def labeled(label: str) -> NodeFilter:
    """A filter for a label."""
    return NodeFilter(label=label)


class Failing(Storage):
    """A folder that does not do every third thing it is asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        self.inner = FileSystemStorage(folder)
        self.name = name
        self.calls = 0
        self.fails = True

    def _call(self) -> None:
        self.calls += 1
        if self.fails and self.calls % 3 == 0:
            raise StorageError(f"The disk of {self.name} is on fire.")

    async def create(self, data: bytes, /) -> str:
        self._call()
        return await self.inner.create(data)

    async def create_from(self, write: Callable[[BinaryIO], object], /) -> StoredBlob:
        self._call()
        return await self.inner.create_from(write)

    async def read(self, location: str, /) -> bytes:
        self._call()
        return await self.inner.read(location)

    async def delete(self, location: str, /) -> None:
        self._call()
        await self.inner.delete(location)

    async def exists(self, location: str, /) -> bool:
        self._call()
        return await self.inner.exists(location)


# ------------------------------------------------------------------- sharing


async def test_equal_frames_share_a_blob_until_the_last_row_goes(
    store: str, tmp_path: Path
) -> None:
    """Two models with equal frames, one deleted: the other reads; both deleted: no file stays."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="a", model=fit_model(frame=FRAME))
    await write_model(label="b", model=fit_model(frame=FRAME.copy()))
    assert len(files(tmp_path / "blobs")) == 1
    await delete_models(labeled("a"))
    pd.testing.assert_frame_equal((await read_model(labeled("b"))).value.frame, FRAME)
    await delete_models(labeled("b"))
    assert files(tmp_path / "blobs") == []


async def test_equal_fields_of_one_model_share_a_blob(store: str, tmp_path: Path) -> None:
    """Deleting the model removes the one blob that both of its fields name."""
    storage = FileSystemStorage(tmp_path / "blobs")
    arrays_model = array_model(storage, "x", "y")
    await write_model(label="m", model=arrays_model(x=np.arange(9), y=np.arange(9)))
    assert len(await blob_rows()) == 2
    assert len(files(tmp_path / "blobs")) == 1
    await delete_models(labeled("m"))
    assert files(tmp_path / "blobs") == []


async def test_two_names_for_one_place_share_bytes(store: str, tmp_path: Path) -> None:
    """A row keeps its bytes when another one goes that knows the place by another name."""
    one = FileSystemStorage(tmp_path / "blobs", name="one")
    two = FileSystemStorage(tmp_path / "blobs", name="two")
    one_model, two_model = model_of(one, "BlobsOne"), model_of(two, "BlobsTwo")
    await write_model(label="a", model=one_model(frame=FRAME))
    await write_model(label="b", model=two_model(frame=FRAME))
    assert len(files(tmp_path / "blobs")) == 1
    await delete_models(labeled("a"))
    pd.testing.assert_frame_equal((await read_model(labeled("b"))).value.frame, FRAME)
    for storage in (one, two):
        report = await collect_garbage(storage, older_than=NOW, dry_run=False)
        assert report.num_blobs == 0
        assert (await check_storage(storage)).ok
    await delete_models(labeled("b"))
    assert files(tmp_path / "blobs") == []


async def test_two_places_do_not_keep_each_others_bytes(store: str, tmp_path: Path) -> None:
    """Equal bytes in another storage are another blob: each goes with its own row."""
    one, two = FileSystemStorage(tmp_path / "1"), FileSystemStorage(tmp_path / "2")
    one_model, two_model = model_of(one, "BlobsOne"), model_of(two, "BlobsTwo")
    await write_model(label="a", model=one_model(frame=FRAME))
    await write_model(label="b", model=two_model(frame=FRAME))
    await delete_models(labeled("a"))
    assert (len(files(tmp_path / "1")), len(files(tmp_path / "2"))) == (0, 1)


async def test_an_artifact_written_again_gives_up_its_old_bytes(store: str, tmp_path: Path) -> None:
    """A changed artifact keeps the new blob, and the old one goes unless a row names it."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    made = [
        new_artifact(label=label, value=np.arange(5), serializer=array_serializer, storage=storage)
        for label in "ab"
    ]
    a, b = await write_artifacts(made)
    a.value = np.arange(6)
    await write_artifact(a)
    assert len(files(tmp_path / "blobs")) == 2
    b.value = np.arange(6)
    await write_artifact(b)
    assert len(files(tmp_path / "blobs")) == 1
    assert [v.value.tolist() for v in await read_artifacts(NodeFilter())] == [
        [0, 1, 2, 3, 4, 5]
    ] * 2


# ------------------------------------------------- writes that fail, and sessions


async def test_a_second_value_that_cannot_be_stored(store: str, tmp_path: Path) -> None:
    """Then the first has put no blob either, and there is no row."""
    storage = FileSystemStorage(tmp_path / "blobs")
    arrays_model = array_model(storage, "x", "y")
    with pytest.raises(SerializationError, match=r"BlobsArrays\.y"):
        await write_model(label="m", model=arrays_model(x=np.arange(3), y=np.array([object()])))
    models = {
        "a": arrays_model(x=np.arange(3), y=np.arange(4)),
        "b": arrays_model(x=1, y=np.arange(5)),
    }
    with pytest.raises(SerializationError, match=r"BlobsArrays\.x"):
        await write_models(models=models)
    good: Any = new_artifact(
        label="g", value=FRAME, serializer=dataframe_serializer, storage=storage
    )
    bad: Any = new_artifact(label="b", value=object(), serializer=array_serializer, storage=storage)
    with pytest.raises(SerializationError):
        await write_artifacts([good, bad])
    assert files(tmp_path) in ([], ["test.db"], ["test.db", "test.db-shm", "test.db-wal"])
    assert await count_rows() == 0


async def test_an_only_value_that_cannot_be_stored(store: str, tmp_path: Path) -> None:
    """It is streamed to its place, and what was sent by then is gone again."""
    storage = FileSystemStorage(tmp_path / "blobs")

    class Breaks(Serializer[bytes]):
        name = "blobs-breaks"
        types = (bytes,)

        def serialize(self, value: bytes, /) -> bytes:
            raise NotImplementedError

        def dump(self, value: bytes, file: BinaryIO, /) -> dict[str, Any]:
            file.write(value)
            raise SerializationError("It broke half way.")

        def deserialize(self, data: bytes, /) -> bytes:
            raise NotImplementedError

    field = model_field(serializer=Breaks(), storage=storage)
    broken_model: Any = create_model("BlobsBroken", value=(Any, field))
    with pytest.raises(SerializationError, match=r"BlobsBroken.value.*half way"):
        await write_model(label="m", model=broken_model(value=bytes(3_000_000)))
    assert files(tmp_path / "blobs") == []
    assert await count_rows() == 0


async def test_a_label_clash_leaves_no_row(store: str, tmp_path: Path) -> None:
    """Its blob was put before: it is an orphan, and the collector takes it and no other."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    root = await write_node(new_node(node_label="root"))
    await write_model(parent_id=root.node_id, label="m", model=fit_model(frame=FRAME))
    kept = files(tmp_path / "blobs")
    before = await count_rows()
    with pytest.raises(LabelExistsError):
        await write_model(parent_id=root.node_id, label="m", model=fit_model(frame=FRAME[:9]))
    assert await count_rows() == before
    report = await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert report.num_blobs == 1
    assert files(tmp_path / "blobs") == kept


@pytest.mark.parametrize("how", ["session", "group"])
async def test_what_is_rolled_back_leaves_no_row(store: str, tmp_path: Path, how: str) -> None:
    """An exception in a session or a group: no row, and at worst a blob without one."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    with pytest.raises(ZeroDivisionError):
        async with new_session():
            if how == "group":
                async with ModelGroup(new_node(node_label="g")) as group:
                    group.add_model("m", fit_model(frame=FRAME))
            else:
                await write_model(label="m", model=fit_model(frame=FRAME))
            assert await count_blobs_seen_by_session() == 1
            raise ZeroDivisionError
    assert await count_rows() == 0
    report = await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert report.num_blobs == 1
    assert files(tmp_path / "blobs") == []


async def count_blobs_seen_by_session() -> int:
    """How many artifacts the running session can read."""
    return len([a for a in await read_artifacts(ArtifactFilter()) if a.artifact.artifact_size])


async def test_a_delete_removes_blobs_after_the_commit(store: str, tmp_path: Path) -> None:
    """Inside a session the blob stays as long as the row may come back."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    async with new_session():
        await delete_models(labeled("m"))
        assert len(files(tmp_path / "blobs")) == 1
        async with new_session():
            assert await delete_nodes(NodeFilter(), everything=True) == 0
        assert len(files(tmp_path / "blobs")) == 1
    assert files(tmp_path / "blobs") == []


@pytest.mark.parametrize("level", ["session", "savepoint"])
async def test_a_rolled_back_delete_removes_no_blob(store: str, tmp_path: Path, level: str) -> None:
    """The row is back, and reads."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    if level == "session":
        with pytest.raises(ZeroDivisionError):
            async with new_session():
                await delete_models(labeled("m"))
                raise ZeroDivisionError
    else:
        async with new_session():
            with pytest.raises(ZeroDivisionError):
                async with new_session():
                    await delete_models(labeled("m"))
                    raise ZeroDivisionError
    pd.testing.assert_frame_equal((await read_model(labeled("m"))).value.frame, FRAME)


async def test_a_delete_and_an_equal_write_in_one_session(store: str, tmp_path: Path) -> None:
    """What is named again before the commit keeps its bytes."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="old", model=fit_model(frame=FRAME))
    async with new_session():
        await delete_models(labeled("old"))
        await write_model(label="new", model=fit_model(frame=FRAME))
    pd.testing.assert_frame_equal((await read_model(labeled("new"))).value.frame, FRAME)
    assert (await check_storage(storage)).ok


async def test_collecting_inside_a_session_takes_nothing_that_may_come_back(
    store: str, tmp_path: Path
) -> None:
    """A row that is deleted but not committed keeps its bytes, whatever the collector does."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    with pytest.raises((ZeroDivisionError, StorageError)):
        async with new_session():
            await delete_models(labeled("m"))
            await collect_garbage(storage, older_than=NOW, dry_run=False)
            raise ZeroDivisionError
    pd.testing.assert_frame_equal((await read_model(labeled("m"))).value.frame, FRAME)


async def test_bytes_that_vanish_before_the_commit_are_put_again(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody removes the blob between the put and the transaction: the row has it again."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model, arrays_model = model_of(storage), array_model(storage, "x", "y")
    _vanish(monkeypatch, tmp_path / "blobs")
    await write_model(label="streamed", model=fit_model(frame=FRAME))
    await write_model(label="staged", model=arrays_model(x=np.arange(3), y=np.arange(4)))
    assert len(files(tmp_path / "blobs")) >= 2
    monkeypatch.undo()
    report = await check_storage(storage)
    # The second write's vanishing took the first one's blob: that was no writer's fault.
    assert {row.label for row in report.rows} <= {"frame"}
    assert (await read_model(labeled("staged"))).value.y.tolist() == [0, 1, 2, 3]


def _vanish(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Remove every blob just before a write opens its transaction."""
    put_blobs = blob_write.put_blobs

    async def put_and_lose(blobs: Any) -> Any:
        done = await put_blobs(blobs)
        for name in files(folder):
            (folder / name).unlink()
        return done

    monkeypatch.setattr("artigraph.model.write.put_blobs", put_and_lose)


async def test_a_value_that_becomes_other_bytes_when_put_again(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either the row names what was put, or the write fails: never a row without its bytes."""
    storage = FileSystemStorage(tmp_path / "blobs")

    class Random(Serializer[bytes]):
        name = "blobs-random"
        types = (bytes,)

        def serialize(self, value: bytes, /) -> bytes:
            return value + os.urandom(8)

        def deserialize(self, data: bytes, /) -> bytes:
            return data[:-8]

    field = model_field(serializer=Random(), storage=storage)
    noisy_model: Any = create_model("BlobsNoisy", value=(Any, field))
    _vanish(monkeypatch, tmp_path / "blobs")
    try:
        await write_model(label="m", model=noisy_model(value=b"value"))
    except StorageError as error:
        assert "BlobsNoisy.value" in str(error)
        assert await count_rows() == 0
    assert (await check_storage(storage)).ok
    for found in await read_models(NodeFilter()):
        assert found.value.value == b"value"


# ------------------------------------------------------------ storages that fail


async def test_a_storage_that_fails_every_third_time(store: str, tmp_path: Path) -> None:
    """Every call works or raises StorageError, and whatever has a row reads."""
    storage = Failing(tmp_path / "blobs", f"blobs-failing-{tmp_path}")
    arrays_model = array_model(storage, "x", "y")
    written, failed = [], 0
    for number in range(12):
        x, y = np.full(10, number), np.full(20, number)
        try:
            await write_model(label=f"m{number}", model=arrays_model(x=x, y=y))
            written.append(number)
        except StorageError as error:
            assert "on fire" in str(error)
            failed += 1
    assert failed > 0
    storage.fails = False
    found = await read_models(ModelFilter(model_type=arrays_model))
    assert sorted(int(m.value.x[0]) for m in found) == written
    assert all(m.value.y.tolist() == [m.value.x[0]] * 20 for m in found)
    inner = FileSystemStorage(tmp_path / "blobs", name=storage.name)
    report = await check_storage(inner)
    assert report.ok
    assert report.num_rows == 2 * len(written)
    # A put that was cancelled since another failed comes to its end in its thread.
    async with asyncio.timeout(300):
        while any(name.endswith(".tmp") for name in files(tmp_path / "blobs")):
            await asyncio.sleep(0.01)


async def test_reading_from_a_storage_that_fails(store: str, tmp_path: Path) -> None:
    """The error is a StorageError that names the artifact."""
    storage = Failing(tmp_path / "blobs", f"blobs-failing-{tmp_path}")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    storage.calls = 2
    with pytest.raises(StorageError, match=r"'frame'.*on fire"):
        await read_model(labeled("m"))
    storage.calls = 0
    pd.testing.assert_frame_equal((await read_model(labeled("m"))).value.frame, FRAME)


async def test_deleting_from_a_storage_that_fails(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows are gone for good, so no error; what is left over is logged and collected."""
    storage = Failing(tmp_path / "blobs", f"blobs-failing-{tmp_path}")
    storage.fails = False
    arrays_model = array_model(storage, "x", "y")
    await write_model(label="m", model=arrays_model(x=np.arange(1), y=np.arange(2)))
    storage.fails, storage.calls = True, 1
    with caplog.at_level(logging.WARNING, "artigraph"):
        assert await delete_models(labeled("m")) == 3
    assert "blobs-failing" in caplog.text
    assert await count_rows() == 0
    left = len(files(tmp_path / "blobs"))
    assert left >= 1
    inner = FileSystemStorage(tmp_path / "blobs", name=storage.name)
    assert (await collect_garbage(inner, older_than=NOW, dry_run=False)).num_blobs == left
    assert files(tmp_path / "blobs") == []


async def test_deleting_where_the_storage_or_its_library_is_unknown(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A delete never fails once its rows are gone: it logs what it could not remove."""
    gone = FileSystemStorage(tmp_path / "gone")
    gone_model = model_of(gone, "BlobsGone")
    await write_model(label="gone", model=gone_model(frame=FRAME))
    storages.loaded.pop(gone.name)
    assert await delete_nodes(labeled("gone")) >= 1
    lacking = FsspecStorage("abfs://container/path", name="blobs-lacking").register()
    await _hostile_row("h", lacking.name, f"ab/ab{'0' * 62}")
    assert await delete_nodes(labeled("h")) == 1
    assert "gone" in caplog.text
    assert "blobs-lacking" in caplog.text
    assert await count_rows() == 0


# ------------------------------------------------------------------ hostile rows


async def _hostile_row(label: str, storage: str, location: str) -> None:
    """A row that artigraph would never write."""
    await sql(
        "INSERT INTO artigraph_node (node_id, node_type, node_label, node_created_at, "
        "node_updated_at, artifact_serializer, artifact_size, artifact_digest, "
        "remote_artifact_storage, remote_artifact_location) VALUES (:id, 'remote_artifact', "
        ":label, :now, :now, 'artigraph-json', 3, :digest, :storage, :location)",
        id=900_000 + sum(map(ord, label)),
        label=label,
        now=pd.Timestamp("2024-01-01").to_pydatetime()
        if (await get_engine()).dialect.name != "sqlite"
        else "2024-01-01 00:00:00.000000",
        digest="0" * 64,
        storage=storage,
        location=location,
    )


@pytest.mark.parametrize(
    "location",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://other-bucket/ab/abc",
        "ab/../../etc/passwd",
        "ab/" + "ab" * 32 + "\n",
        "AB/" + "AB" * 32,
        "",
    ],
)
async def test_a_hostile_location_is_refused(store: str, tmp_path: Path, location: str) -> None:
    """Reading says that it is no location, checking reports it, and deleting removes no file."""
    outside = tmp_path / "etc" / "passwd"
    outside.parent.mkdir()
    outside.write_bytes(b"{}\n")
    storage = FileSystemStorage(tmp_path / "a" / "b").register()
    fit_model = model_of(storage)
    await write_model(label="good", model=fit_model(frame=FRAME))
    await _hostile_row("evil", storage.name, location)
    with pytest.raises(BlobLocationError, match=r"is no location of .*'evil'|'evil'.*is no loc"):
        await read_artifact(labeled("evil"))
    report = await check_storage(storage)
    assert (report.num_damaged + report.num_missing, report.num_rows) == (1, 2)
    assert report.rows[0].label == "evil"
    assert "is no location" in report.rows[0].reason
    await delete_artifacts(labeled("evil"))
    assert outside.read_bytes() == b"{}\n"
    assert Path("/etc/passwd").exists()
    assert (await check_storage(storage)).ok
    pd.testing.assert_frame_equal((await read_model(labeled("good"))).value.frame, FRAME)


async def test_a_hostile_location_in_s3_is_refused(
    store: str,
    s3_bucket: str,  # noqa: F811
    s3_options: dict[str, Any],  # noqa: F811
    s3_server: S3Server,  # noqa: F811
) -> None:
    """A row cannot reach another bucket, nor another prefix of its own."""
    client = s3_server.client()
    other = f"{s3_bucket}-other"
    client.create_bucket(Bucket=other)
    client.put_object(Bucket=other, Key="key", Body=b"{}")
    client.put_object(Bucket=s3_bucket, Key="secret", Body=b"{}")
    storage = S3Storage(s3_bucket, "mine", **s3_options).register()
    for number, location in enumerate((f"../../{other}/key", f"s3://{other}/key", "../secret")):
        await _hostile_row(f"evil{number}", storage.name, location)
        with pytest.raises(BlobLocationError, match="is no location"):
            await read_artifact(labeled(f"evil{number}"))
    assert await delete_artifacts(NodeFilter(), everything=True) == 3
    assert client.get_object(Bucket=other, Key="key")["Body"].read() == b"{}"
    assert client.get_object(Bucket=s3_bucket, Key="secret")["Body"].read() == b"{}"
    assert not s3_server.requests(f"{s3_bucket}-other/key")[2:]
    client.close()


async def test_a_row_of_an_unregistered_storage_is_refused(store: str, tmp_path: Path) -> None:
    """A name in the database opens nothing, even if it is a path or an address."""
    data = b"{}\n"
    storage = FileSystemStorage(tmp_path / "there")
    location = await storage.create(data)
    for label, name in (("path", storage.name), ("url", "memory://x"), ("module", "os:remove")):
        await _hostile_row(label, name, location)
        with pytest.raises(UnknownStorageError, match=f"'{label}' cannot be read.*{name}"):
            await read_artifact(labeled(label))
    await delete_artifacts(NodeFilter(), everything=True)
    assert await storage.read(location) == data


@pytest.mark.parametrize("damage", ["truncated", "emptied", "flipped", "foreign", "folder"])
async def test_a_damaged_file_is_an_error(store: str, tmp_path: Path, damage: str) -> None:
    """The error names the artifact and says that it is damaged; check_storage finds its row."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    ((node_id, _, location),) = await blob_rows()
    path = tmp_path / "blobs" / location
    data = path.read_bytes()
    path.unlink()
    expected: type[StorageError] = CorruptBlobError
    if damage == "folder":
        path.mkdir()
        expected = StorageError
    else:
        broken = {
            "truncated": data[:-1],
            "emptied": b"",
            "flipped": data[:99] + bytes([data[99] ^ 1]) + data[100:],
            "foreign": b"PAR1" + bytes(len(data) - 8) + b"PAR1",
        }
        path.write_bytes(broken[damage])
    with pytest.raises(expected, match="'frame'") as caught:
        await read_model(labeled("m"))
    if damage == "folder":
        return
    assert "is damaged" in str(caught.value)
    report = await check_storage(storage)
    assert (report.num_rows, report.num_damaged, report.num_missing) == (1, 1, 0)
    assert [(row.node_id, row.label, row.location) for row in report.rows] == [
        (node_id, "frame", location)
    ]


async def test_a_missing_file_is_an_error(store: str, tmp_path: Path) -> None:
    """The error names the artifact and the location."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    ((_, _, location),) = await blob_rows()
    (tmp_path / "blobs" / location).unlink()
    with pytest.raises(BlobNotFoundError, match="'frame'") as caught:
        await read_model(labeled("m"))
    assert location in str(caught.value)


async def test_a_row_that_names_another_blob_is_damaged(store: str, tmp_path: Path) -> None:
    """A whole blob that is not the row's own: its digest tells, when read and when checked."""
    storage = FileSystemStorage(tmp_path / "blobs")
    fit_model = model_of(storage)
    await write_model(label="a", model=fit_model(frame=FRAME))
    await write_model(label="b", model=fit_model(frame=FRAME[:9]))
    (a_id, _, a), (_, _, b) = await blob_rows()
    await sql(
        "UPDATE artigraph_node SET remote_artifact_location = :b "
        "WHERE remote_artifact_location = :a",
        a=a,
        b=b,
    )
    with pytest.raises(CorruptBlobError, match="'frame'"):
        await read_model(labeled("a"))
    report = await check_storage(storage)
    assert [row.node_id for row in report.rows] == [a_id]
    assert (report.num_damaged, report.orphans.num_blobs) == (1, 1)


# ------------------------------------------------------------------- disk full

FULL = """
import asyncio, resource, signal, sys
import numpy as np
from typing import Any
from artigraph import *
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage

url, folder = sys.argv[1:]
storage = FileSystemStorage(folder)
field = lambda: model_field(serializer=array_serializer, storage=storage)
full_model = create_model("BlobsFull", x=(Any, field()), y=(Any, field()))
one_model = create_model("BlobsFullOne", x=(Any, field()))

async def main():
    set_engine(url, create_tables=True)
    await write_model(label="small", model=full_model(x=np.arange(3), y=np.arange(4)))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    for large in (full_model(x=np.arange(5), y=np.zeros(100_000)), one_model(x=np.ones(100_000))):
        try:
            await write_model(label="large", model=large)
        except StorageError as error:
            print(type(error).__name__, error)
    await write_model(label="after", model=full_model(x=np.arange(5), y=np.arange(6)))

asyncio.run(main())
"""


async def test_a_full_disk_commits_nothing(store: str, database_url: str, tmp_path: Path) -> None:
    """The error says so, no row is left, no half a file, and smaller writes go on."""
    folder = tmp_path / "blobs"
    done = await asyncio.to_thread(_python, FULL, database_url, str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert all(re.match("StorageError .*File too large", line) for line in lines), lines
    nodes = await read_nodes(NodeFilter(label=["small", "large", "after"]))
    assert [node.node_label for node in nodes] == ["small", "after"]
    assert (await check_storage(FileSystemStorage(folder))).ok
    assert not [name for name in files(folder) if name.endswith(".tmp")]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


# ------------------------------------------------------- storages in the database


async def recorded(name: str) -> list[str]:
    """The addresses that the database has of a storage."""
    query = "SELECT storage_url FROM artigraph_storage WHERE storage_name = :name"
    return [row[0] for row in await sql(query, name=name)]


async def test_a_storage_is_recorded_without_secrets(
    store: str,
    tmp_path: Path,
    s3_bucket: str,  # noqa: F811
    s3_options: dict[str, Any],  # noqa: F811
) -> None:
    """The database has the bucket and the prefix, and neither key nor secret in any byte."""
    key = "AKIA-very-own-key"
    storage = S3Storage(s3_bucket, "runs", **{**s3_options, "key": key})
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    assert await recorded(storage.name) == [f"s3://{s3_bucket}/runs"]
    everything = repr(await sql("SELECT * FROM artigraph_node")) + repr(
        await sql("SELECT * FROM artigraph_storage")
    )
    found = [everything.encode()]
    if store == "sqlite":
        found += [path.read_bytes() for path in tmp_path.glob("test.db*")]
        assert len(found) >= 2
        assert any(s3_bucket.encode() in data for data in found[1:])
    for data in found:
        assert key.encode() not in data
        assert SECRET.encode() not in data
        assert str(s3_options["endpoint_url"]).encode() not in data


async def test_a_url_with_credentials_is_recorded_without_them(store: str) -> None:
    """Neither in the name nor in the address."""
    url = "memory://user:pass-word@blobs-credentials/x?token=se-cret"
    storage = FsspecStorage(url)
    fit_model = model_of(storage)
    await write_model(label="m", model=fit_model(frame=FRAME))
    everything = repr(await sql("SELECT * FROM artigraph_node")) + repr(
        await sql("SELECT * FROM artigraph_storage")
    )
    assert "blobs-credentials" in everything
    assert "pass-word" not in everything
    assert "se-cret" not in everything


async def test_a_storage_that_moved_is_recorded_anew(store: str, tmp_path: Path) -> None:
    """The next write under its name records where it is now."""
    name = f"blobs-moving-{tmp_path}"
    for place in ("old", "new", "new"):
        storages.loaded.pop(name, None)
        storage = FileSystemStorage(tmp_path / place, name=name)
        fit_model = model_of(storage, f"Blobs{place.title()}{len(await blob_rows())}")
        await write_model(label="m", model=fit_model(frame=FRAME))
        assert await recorded(name) == [f"file://{tmp_path / place}"]


async def test_writers_of_a_new_or_moved_storage_do_not_lock_each_other_out(
    store: str, tmp_path: Path
) -> None:
    """Many at once write into a storage that has just appeared, or moved: none fails."""
    name = f"blobs-many-{tmp_path}"
    for place in ("first", "moved", "again"):
        storages.loaded.pop(name, None)
        storage = FileSystemStorage(tmp_path / place, name=name)
        arrays_model: Any = create_model(
            f"BlobsMany{place}",
            x=(Any, model_field(serializer=array_serializer, storage=storage)),
        )
        models = [
            write_model(label=f"{place}{n}", model=arrays_model(x=np.arange(n))) for n in range(12)
        ]
        async with asyncio.timeout(300):
            await asyncio.gather(*models)
        assert len(files(tmp_path / place)) == 12
        await write_model(label=place, model=arrays_model(x=np.arange(99)))
        assert await recorded(name) == [f"file://{tmp_path / place}"]


UNKNOWN = """
import asyncio, sys
from artigraph import *
url, label = sys.argv[1:3]
async def main():
    set_engine(url)
    if sys.argv[3:]:
        exec(sys.argv[3])
    try:
        found = await read_artifact(NodeFilter(label=label))
        print("read", found.value.shape)
    except UnknownStorageError as error:
        print(error)
asyncio.run(main())
"""


async def test_an_unknown_storage_shows_the_line_that_registers_it(
    store: str, database_url: str, tmp_path: Path
) -> None:
    """In a fresh process the error shows the address and a line that works when typed."""
    storage = FileSystemStorage(tmp_path / 'it\'s "here"', name="blobs' own").register()
    artifact = new_artifact(
        label="frame", value=FRAME, serializer=dataframe_serializer, storage=storage
    )
    await write_artifact(artifact)
    done = await asyncio.to_thread(_python, UNKNOWN, database_url, "frame")
    assert (done.returncode, done.stderr) == (0, "")
    assert "'frame' cannot be read" in done.stdout
    assert repr(f"file://{storage.directory}") in done.stdout
    line = done.stdout.strip().partition("type: ")[2]
    assert line.startswith("from artigraph.storage.fsspec import FsspecStorage; ")
    done = await asyncio.to_thread(_python, UNKNOWN, database_url, "frame", line)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "read (50, 2)\n")


DEFINITION = """
from typing import Any
import pandas as pd
from artigraph import DataModel, model_field
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage

class FreshFit(DataModel, version=1):
    frame: Any = model_field(
        serializer=dataframe_serializer, storage=FileSystemStorage({one!r}, name="fresh-one")
    )
    array: Any = model_field(
        serializer=array_serializer, storage=FsspecStorage("file://" + {two!r})
    )
    inside: Any = model_field(serializer=array_serializer)
"""

FRESH = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
import fresh_definition
from artigraph import *
async def main():
    set_engine(sys.argv[1], create_tables=True)
    if sys.argv[3] == "write":
        import numpy as np, pandas as pd
        model = fresh_definition.FreshFit(
            pd.DataFrame({"a": [1, 2]}), np.arange(3), np.arange(4)
        )
        await write_model(label="m", model=model)
        return
    value = (await read_model(NodeFilter(label="m"))).value
    print(type(value).__name__, value.frame.a.tolist(), value.array.tolist(), value.inside.tolist())
    every = [a.artifact.node_label for a in await read_artifacts(ArtifactFilter())]
    print(sorted(every))
asyncio.run(main())
"""


async def test_a_fresh_process_needs_the_definition_only(
    store: str, database_url: str, tmp_path: Path
) -> None:
    """Another process reads every value after importing nothing but the model's module."""
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    (tmp_path / "fresh_definition.py").write_text(DEFINITION.format(one=one, two=two))
    for task, output in (
        ("write", ""),
        ("read", "FreshFit [1, 2] [0, 1, 2] [0, 1, 2, 3]\n['array', 'frame', 'inside', 'm']\n"),
    ):
        done = await asyncio.to_thread(_python, FRESH, database_url, str(tmp_path), task)
        assert (done.returncode, done.stderr, done.stdout) == (0, "", output)
    assert len(await blob_rows()) == 2
    assert RemoteArtifact.__mapper__.polymorphic_identity == "remote_artifact"
