"""The collector and the check: what they find, what they leave alone, and beside whom."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import uuid4

import fsspec
import numpy as np
import pytest
from sqlalchemy import text

from artigraph import (
    FilterError,
    NodeFilter,
    Storage,
    StorageError,
    check_storage,
    collect_garbage,
    create_model,
    delete_nodes,
    get_engine,
    model_field,
    new_artifact,
    new_session,
    orphaned_blobs,
    read_model,
    write_artifact,
    write_artifacts,
    write_model,
)
from artigraph.blob import collect, write
from artigraph.serializer.numpy import array_serializer
from artigraph.storage import location as locations
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import BlobInfo
from artigraph.storage.file import FileSystemStorage
from artigraph.storage.fsspec import FsspecStorage
from tests.storage.conftest import (  # noqa: F401  # fixtures
    S3Server,
    s3_bucket,
    s3_options,
    s3_server,
)

NOW = timedelta(0)
DAY = timedelta(days=1)
TEMPORARY = f".{'0a' * 16}.tmp"


@dataclass
class Place:
    """A storage, and ways past it to its bytes."""

    storage: Storage
    put: Callable[[str, bytes], Any]
    paths: Callable[[], set[str]]


@pytest.fixture(params=["file", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty storage of each kind; S3 is a server's."""
    if request.param == "file":
        folder = tmp_path / "blobs"

        def put_file(path: str, data: bytes) -> None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)

        return Place(FileSystemStorage(folder).register(), put_file, lambda: files(folder))
    if request.param == "memory":
        root = f"/collector-{uuid4().hex}"
        memory = fsspec.filesystem("memory")

        def paths() -> set[str]:
            return {path[len(root) + 1 :] for path in memory.find(root)}

        return Place(
            FsspecStorage(f"memory:/{root}").register(),
            lambda path, data: memory.pipe_file(f"{root}/{path}", data),
            paths,
        )
    bucket: str = request.getfixturevalue("s3_bucket")
    server: S3Server = request.getfixturevalue("s3_server")
    client = server.client()
    request.addfinalizer(client.close)  # noqa: PT021  # of one of three kinds

    def keys() -> set[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="runs/")
        return {found["Key"][5:] for page in pages for found in page.get("Contents", ())}

    return Place(
        S3Storage(bucket, "runs", **server.options).register(),
        lambda path, data: client.put_object(Bucket=bucket, Key=f"runs/{path}", Body=data),
        keys,
    )


def files(folder: Path) -> set[str]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def age(folder: Path, *locations: str, days: float = 2) -> None:
    """Make files old."""
    then = datetime.now(UTC).timestamp() - days * 86_400
    for location in locations:
        os.utime(folder / location, (then, then))


async def write_arrays(storage: Storage, *arrays: Any) -> list[str]:
    """Write arrays as artifacts named a0, a1, ... and return their locations."""
    artifacts: list[Any] = [
        new_artifact(label=f"a{n}", value=array, serializer=array_serializer, storage=storage)
        for n, array in enumerate(arrays)
    ]
    written = await write_artifacts(artifacts)
    return [str(one.artifact.remote_artifact_location) for one in written]


# ------------------------------------------------------------------- finding


async def test_orphans_are_found_and_removed(store: str, place: Place) -> None:
    """A dry run changes nothing; a real one removes the orphans and no other; then none is left."""
    kept = await write_arrays(place.storage, np.arange(3), np.arange(4))
    orphans = {await place.storage.create(data): len(data) for data in (b"one", b"three")}
    found = {blob.location: blob.size async for blob in orphaned_blobs(place.storage)}
    assert found == orphans
    dry = await collect_garbage(place.storage, older_than=NOW)
    assert (dry.storage, dry.removed) == (place.storage.name, False)
    assert (dry.num_blobs, dry.nbytes) == (2, 8)
    assert {blob.location: blob.size for blob in dry.blobs} == orphans
    assert place.paths() == {*kept, *orphans}
    real = await collect_garbage(place.storage, older_than=NOW, dry_run=False)
    assert (real.num_blobs, real.nbytes, real.removed) == (2, 8, True)
    assert {blob.location for blob in real.blobs} == set(orphans)
    assert place.paths() == set(kept)
    again = await collect_garbage(place.storage, older_than=NOW, dry_run=False)
    assert (again.num_blobs, again.nbytes, again.blobs) == (0, 0, [])
    report = await check_storage(place.storage)
    assert (report.ok, report.num_rows, report.orphans.num_blobs) == (True, 2, 0)


async def test_an_empty_or_missing_place(store: str, place: Place) -> None:
    """Nothing was ever written: nothing is found, and nothing made."""
    for dry_run in (True, False):
        report = await collect_garbage(place.storage, older_than=NOW, dry_run=dry_run)
        assert (report.num_blobs, report.nbytes) == (0, 0)
    check = await check_storage(place.storage)
    assert (check.ok, check.num_rows, check.nbytes) == (True, 0, 0)
    assert place.paths() == set()


async def test_what_is_young_is_left_alone(store: str, place: Place) -> None:
    """By default a dry run that looks for what is older than a day."""
    location = await place.storage.create(b"just now")
    assert (await collect_garbage(place.storage)).num_blobs == 0
    assert (await collect_garbage(place.storage, dry_run=False)).num_blobs == 0
    assert [blob async for blob in orphaned_blobs(place.storage, older_than=DAY)] == []
    assert place.paths() == {location}
    assert (await check_storage(place.storage)).orphans.num_blobs == 1


async def test_foreign_and_temporary_files(store: str, place: Place) -> None:
    """What unfinished writes left is collected; what no storage made is not touched."""
    temporary = {TEMPORARY, f"ab/{TEMPORARY}"}
    foreign = {"readme.txt", "ab/notes", "ab/.hidden", "sub/deep/file", f"cd/ab{'0' * 62}"}
    for path in temporary | foreign:
        place.put(path, b"12345")
    location = await place.storage.create(b"orphan")
    dry = await collect_garbage(place.storage, older_than=NOW)
    found = {blob.location for blob in dry.blobs}
    # Object stores show nothing unfinished, but what has that form is none of a row's.
    assert found == {location, *temporary}
    assert {blob.location for blob in dry.blobs if blob.temporary} == temporary
    assert dry.nbytes == 16
    assert (await collect_garbage(place.storage, dry_run=False)).num_blobs == 0
    real = await collect_garbage(place.storage, older_than=NOW, dry_run=False)
    assert real.num_blobs == 3
    assert place.paths() == foreign


async def test_ages_are_told_apart(store: str, tmp_path: Path) -> None:
    """Only what is older than asked for goes, temporary or not; a put again makes it young."""
    folder = tmp_path / "blobs"
    storage = FileSystemStorage(folder)
    old, again, young = [await storage.create(data) for data in (b"old", b"again", b"young")]
    named = (await write_arrays(storage.register(), np.arange(3)))[0]
    for path in (TEMPORARY, f".{'0b' * 16}.tmp"):
        (folder / path).write_bytes(b"")
    age(folder, old, again, named, TEMPORARY)
    await storage.create(b"again")
    report = await collect_garbage(storage, older_than=timedelta(days=3), dry_run=False)
    assert report.num_blobs == 0
    report = await collect_garbage(storage, older_than=DAY, dry_run=False)
    assert {blob.location for blob in report.blobs} == {old, TEMPORARY}
    assert files(folder) == {again, young, named, f".{'0b' * 16}.tmp"}


async def test_a_blob_used_again_since_it_was_listed_stays(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer puts it again between the listing and the removal: it is young, and stays."""
    folder = tmp_path / "blobs"
    storage = FileSystemStorage(folder)
    first, second = await storage.create(b"first"), await storage.create(b"second")
    age(folder, first, second)
    lock_storages = write.lock_storages

    async def use_and_lock(*arguments: Any) -> None:
        await storage.create(b"first")
        await lock_storages(*arguments)

    monkeypatch.setattr(collect, "lock_storages", use_and_lock)
    report = await collect_garbage(storage, older_than=DAY, dry_run=False)
    assert [blob.location for blob in report.blobs] == [second]
    assert files(folder) == {first}


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_negative_age_is_refused(store: str, tmp_path: Path, dry_run: bool) -> None:
    """It would take what will be written."""
    storage = FileSystemStorage(tmp_path / "blobs")
    location = await storage.create(b"x")
    with pytest.raises(FilterError, match="older_than"):
        await collect_garbage(storage, older_than=timedelta(seconds=-1), dry_run=dry_run)
    assert files(tmp_path / "blobs") == {location}


async def test_removing_inside_a_session_is_refused(store: str, tmp_path: Path) -> None:
    """Blobs would not come back with the rows; a dry run may look."""
    storage = FileSystemStorage(tmp_path / "blobs")
    await storage.create(b"x")
    async with new_session():
        assert (await collect_garbage(storage, older_than=NOW)).num_blobs == 1
        with pytest.raises(StorageError, match="inside new_session"):
            await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert (await collect_garbage(storage, older_than=NOW, dry_run=False)).num_blobs == 1


async def test_rows_of_another_storage_keep_nothing_here(store: str, tmp_path: Path) -> None:
    """Equal bytes that a row names in another place are an orphan in this one."""
    one, two = FileSystemStorage(tmp_path / "1"), FileSystemStorage(tmp_path / "2")
    (location,) = await write_arrays(one.register(), np.arange(3))
    await two.create((tmp_path / "1" / location).read_bytes())
    assert (await collect_garbage(two, older_than=NOW, dry_run=False)).num_blobs == 1
    assert (await collect_garbage(one, older_than=NOW, dry_run=False)).num_blobs == 0
    assert files(tmp_path / "1") == {location}


async def test_a_storage_that_cannot_list_says_so(store: str) -> None:
    """Five methods are enough to store; to collect, it needs more, and the error says what."""

    class Plain(Storage):
        name = "collector-plain"

        async def create(self, data: bytes, /) -> str:
            return ""

        async def read(self, location: str, /) -> bytes:
            return b""

        async def delete(self, location: str, /) -> None: ...

        async def exists(self, location: str, /) -> bool:
            return False

    for dry_run in (True, False):
        with pytest.raises(StorageError, match="override blobs"):
            await collect_garbage(Plain(), older_than=NOW, dry_run=dry_run)


# ------------------------------------------------------------------ checking


async def test_missing_and_damaged_rows_are_told(store: str, place: Place) -> None:
    """By node, label, location and reason; bytes and rows are counted."""
    good, missing, damaged, short = await write_arrays(
        place.storage, np.arange(3), np.arange(4), np.arange(5), np.arange(6)
    )
    engine = await get_engine()
    async with engine.begin() as connection:
        query = text("SELECT node_label, node_id, artifact_size FROM artigraph_node")
        rows = {label: (node_id, size) for label, node_id, size in await connection.execute(query)}
    await place.storage.delete(missing)
    place.put(damaged, bytes(rows["a2"][1]))
    place.put(short, b"short")
    await place.storage.create(b"orphan")
    report = await check_storage(place.storage)
    assert not report.ok
    assert (report.num_rows, report.num_missing, report.num_damaged) == (4, 1, 2)
    assert report.nbytes == sum(size for _, size in rows.values())
    assert [(row.node_id, row.label, row.location) for row in report.rows] == [
        (rows["a1"][0], "a1", missing),
        (rows["a2"][0], "a2", damaged),
        (rows["a3"][0], "a3", short),
    ]
    assert all(row.location in row.reason for row in report.rows)
    assert (report.orphans.num_blobs, report.orphans.nbytes) == (1, 6)
    quick = await check_storage(place.storage, verify=False)
    assert (quick.num_missing, quick.num_damaged) == (1, 0)
    assert [row.label for row in quick.rows] == ["a1"]
    assert place.paths() >= {good, damaged, short}


async def test_many_pages(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are of all pages; examples are the first 100; what rows name stays on every page."""
    monkeypatch.setattr(collect, "PAGE", 50)
    folder = tmp_path / "blobs"
    storage = FileSystemStorage(folder).register()
    kept = await write_arrays(storage, *(np.arange(n) for n in range(130)))
    orphans = {}
    for n in range(270):
        location = f"{n % 256:02x}/{n % 256:02x}{n:062x}"
        (folder / location).parent.mkdir(exist_ok=True)
        (folder / location).write_bytes(bytes(n))
        orphans[location] = n
    assert len([b async for b in orphaned_blobs(storage)]) == 270
    for path in kept[::2]:
        (folder / path).write_bytes(b"damaged")
    report = await check_storage(storage)
    assert (report.num_rows, report.num_damaged, report.num_missing) == (130, 65, 0)
    assert report.orphans.num_blobs == 270
    for path in kept:
        (folder / path).unlink()
    report = await check_storage(storage)
    assert (report.num_missing, len(report.rows)) == (130, 100)
    ids = [row.node_id for row in report.rows]
    assert ids == sorted(ids)
    for path in kept:
        (folder / path).write_bytes(b"x")
    real = await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert (real.num_blobs, real.nbytes) == (270, sum(range(270)))
    assert len(real.blobs) == 100
    assert files(folder) == set(kept)


async def test_an_s3_folder_of_several_pages(
    store: str,
    s3_bucket: str,  # noqa: F811
    s3_server: S3Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More objects in one folder than S3 tells at once: all are found and removed."""
    monkeypatch.setattr(locations, "_S3_PAGE", 20)
    storage = S3Storage(s3_bucket, **s3_server.options).register()
    (kept,) = await write_arrays(storage, np.arange(3))
    client = s3_server.client()

    def fill() -> None:
        for n in range(50):
            client.put_object(Bucket=s3_bucket, Key=f"ab/ab{n:062x}", Body=b"1")

    await asyncio.to_thread(fill)
    client.close()
    real = await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert (real.num_blobs, real.nbytes) == (50, 50)
    assert [blob.location async for blob in storage.blobs()] == [kept]


class Endless(FileSystemStorage):
    """A folder with very many blobs that nobody has to write."""

    async def blobs(self) -> AsyncIterator[BlobInfo]:
        now = datetime.now(UTC) - DAY
        for n in range(30_000):
            yield BlobInfo(f"{n % 256:02x}/{n % 256:02x}{n:062x}", 7, now)


async def test_memory_does_not_grow_with_the_blobs(store: str, tmp_path: Path) -> None:
    """30,000 orphans are counted in the memory of some pages."""
    storage = Endless(tmp_path / "blobs")
    await collect_garbage(FileSystemStorage(tmp_path / "none"), older_than=NOW)
    tracemalloc.start()
    try:
        report = await collect_garbage(storage, older_than=NOW)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (report.num_blobs, report.nbytes, len(report.blobs)) == (30_000, 210_000, 100)
    # All of them would take 30,000 times some 300 bytes.
    assert peak < 5_000_000


async def test_checking_large_blobs_takes_no_more_memory(store: str, tmp_path: Path) -> None:
    """A digest is computed of chunks: blobs larger than memory can be checked."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    size = 40_000_000
    await write_arrays(storage, np.zeros(size, dtype=np.uint8))
    tracemalloc.start()
    try:
        assert (await check_storage(storage)).ok
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size * 0.75


# -------------------------------------------------------- beside running writers

COLLECTOR = """
import asyncio, os, sys
from datetime import timedelta
from artigraph import *
from artigraph.storage.file import FileSystemStorage

url, folder, seconds, stop = sys.argv[1:]

async def main():
    set_engine(url, create_tables=True)
    storage = FileSystemStorage(folder)
    runs = removed = 0
    age = timedelta(seconds=float(seconds))
    print("ready", flush=True)
    while runs == 0 or not os.path.exists(stop):
        report = await collect_garbage(storage, older_than=age, dry_run=False)
        runs, removed = runs + 1, removed + report.num_blobs
    print(runs, removed)

asyncio.run(main())
"""


TURNS = 12


@pytest.mark.parametrize("seconds", [0, 1000])
async def test_collecting_beside_writers(
    store: str, database_url: str, tmp_path: Path, seconds: int
) -> None:
    """Another process collects all the time: no row ever lacks its bytes.

    With an age above that of a write no writer notices; with none at all, one may
    lose the file that it was about to rename, which is a StorageError and no row.
    """
    folder, stop = tmp_path / "blobs", tmp_path / "stop"
    storage = FileSystemStorage(folder)
    field = model_field(serializer=array_serializer, storage=storage)
    other = model_field(serializer=array_serializer, storage=storage)
    raced_model: Any = create_model("CollectorRaced", x=(Any, field), y=(Any, other))
    arguments = (database_url, str(folder), str(seconds), str(stop))
    process = subprocess.Popen(  # noqa: ASYNC220  # starting one takes no time
        [sys.executable, "-W", "error", "-c", COLLECTOR, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    failed: list[str] = []
    ended = asyncio.Event()

    async def keep_writing(task: int) -> None:
        for turn in range(1, TURNS + 1):  # of four models one stays
            model = raced_model(x=np.arange(turn % 3), y=np.arange((turn + task) % 4))
            try:
                root = await write_model(label=f"{task}.{turn}", model=model)
            except StorageError as error:
                failed.append(str(error))
                continue
            if turn % 4:
                await delete_nodes(NodeFilter(node_id=root.artifact.node_id))

    async def keep_checking() -> int:
        checks = 0
        while not ended.is_set():
            report = await check_storage(storage)
            assert report.ok, report.rows
            checks += 1
            await asyncio.sleep(0.05)
        return checks

    try:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        writing = [asyncio.ensure_future(keep_writing(task)) for task in range(2)]
        checking = asyncio.ensure_future(keep_checking())
        await asyncio.gather(*writing)
        ended.set()
        assert await checking > 0
    finally:
        ended.set()
        stop.touch()
        output, errors = await asyncio.to_thread(process.communicate, timeout=300)
    assert (process.returncode, errors) == (0, "")
    runs, removed = map(int, output.split())
    assert runs > 0
    if seconds:
        assert failed == []
        assert removed == 0
    assert all("Could not store" in error for error in failed), failed
    report = await check_storage(storage)
    assert report.ok
    assert report.num_rows > 0
    await collect_garbage(storage, older_than=NOW, dry_run=False)
    assert (await check_storage(storage)).ok


async def test_the_first_write_of_all_beside_the_collector(store: str, tmp_path: Path) -> None:
    """A storage that is not recorded yet: the collector waits for its first writer as well."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    collecting: asyncio.Task[Any]
    async with new_session():
        await write_arrays(storage, np.arange(3))
        # In a context of its own: a task would inherit the session.
        collecting = asyncio.create_task(_collect_outside(storage))
        await asyncio.sleep(0.5)
        assert not collecting.done()
        assert len(files(tmp_path / "blobs")) == 1
    async with asyncio.timeout(300):
        await collecting
    assert (await check_storage(storage)).ok


async def _collect_outside(storage: Storage) -> None:
    # Sessions belong to a loop, so a thread with one of its own is outside.
    def run() -> None:
        asyncio.run(_collect(storage))

    await asyncio.to_thread(run)


async def _collect(storage: Storage) -> None:
    await collect_garbage(storage, older_than=NOW, dry_run=False)


async def test_a_write_waits_for_the_collector(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a page's removal takes is put again by the write that comes to name it."""
    storage = FileSystemStorage(tmp_path / "blobs")
    field = model_field(serializer=array_serializer, storage=storage)
    waits_model: Any = create_model("CollectorWaits", x=(Any, field))
    await write_model(label="first", model=waits_model(x=np.arange(1)))
    buffer = BytesIO()
    array_serializer.dump(np.arange(9), cast(BinaryIO, buffer))
    location = await storage.create(buffer.getvalue())
    removing, go_on = asyncio.Event(), asyncio.Event()
    delete = FileSystemStorage.delete

    async def slow_delete(self: FileSystemStorage, place: str, /) -> None:
        removing.set()
        await go_on.wait()
        await delete(self, place)

    monkeypatch.setattr(FileSystemStorage, "delete", slow_delete)
    collecting = asyncio.create_task(_collect(storage))
    await removing.wait()
    writing = asyncio.create_task(write_model(label="second", model=waits_model(x=np.arange(9))))
    await asyncio.sleep(0.3)
    assert not writing.done()
    go_on.set()
    async with asyncio.timeout(300):
        await collecting
        await writing
    assert files(tmp_path / "blobs") >= {location}
    second = await read_model(NodeFilter(label="second"))
    assert second.value.x.tolist() == list(range(9))
    assert (await check_storage(storage)).ok


async def test_a_failed_removal_is_an_error(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's error reaches the caller, and the rows and their bytes are as they were."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    kept = await write_arrays(storage, np.arange(3))
    await storage.create(b"x")

    async def fail(self: FileSystemStorage, place: str, /) -> None:
        raise StorageError("It is read-only.")

    monkeypatch.setattr(FileSystemStorage, "delete", fail)
    with pytest.raises(StorageError, match="read-only"):
        await collect_garbage(storage, older_than=NOW, dry_run=False)
    monkeypatch.undo()
    assert files(tmp_path / "blobs") >= set(kept)
    one = new_artifact(label="z", value=np.arange(3), serializer=array_serializer, storage=storage)
    await write_artifact(one)
    assert (await check_storage(storage)).ok


@pytest.mark.parametrize("given", ["files", None, 7])
async def test_what_is_no_storage_is_refused(store: str, given: Any) -> None:
    """A name, say, is told how the storage of that name is looked up."""
    told = f"{given!r} is no storage.*get_storage\\('files'\\)"
    for ask in (collect_garbage, check_storage):
        with pytest.raises(FilterError, match=told):
            await ask(given)
    with pytest.raises(FilterError, match=told):
        [blob async for blob in orphaned_blobs(given)]
