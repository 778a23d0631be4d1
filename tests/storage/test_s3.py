"""S3Storage against a real S3 server on this machine."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs

from artigraph.errors import BlobNotFoundError, MissingLibraryError, StorageError
from artigraph.storage.aws import S3Storage
from artigraph.storage.base import Storage
from artigraph.storage.fsspec import FsspecStorage
from artigraph.testing.storage import StorageTests
from tests.storage.conftest import SECRET, S3Server
from tests.storage.proxy import Proxy, Request


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    """Let go of the sockets that fsspec would keep until the end of the process."""
    yield
    s3fs.S3FileSystem.clear_instance_cache()


class TestS3Storage(StorageTests):
    secrets = (SECRET, "testing")

    @pytest.fixture(autouse=True)
    def _client(self, s3_server: S3Server, s3_bucket: str) -> Iterator[None]:
        self.client, self.bucket = s3_server.client(), s3_bucket
        yield
        self.client.close()

    @pytest.fixture
    def storage(self, s3_bucket: str, s3_options: dict[str, Any]) -> Storage:
        return S3Storage(s3_bucket, "team/runs", **s3_options)

    def put_raw(self, storage: Storage, location: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"team/runs/{location}", Body=data)

    def get_raw(self, storage: Storage, location: str) -> bytes:
        body = self.client.get_object(Bucket=self.bucket, Key=f"team/runs/{location}")["Body"]
        data: bytes = body.read()
        return data

    def list_raw(self, storage: Storage) -> set[str]:
        listing = self.client.list_objects_v2(Bucket=self.bucket)
        return {found["Key"] for found in listing.get("Contents", [])}


async def test_a_bucket_without_a_prefix(s3_bucket: str, s3_options: dict[str, Any]) -> None:
    """The prefix may be left out, and blobs lie at the bucket's root."""
    storage = S3Storage(s3_bucket, **s3_options)
    assert await storage.read(await storage.create(b"root")) == b"root"
    assert storage.name == f"s3://{s3_bucket}"


async def test_a_small_blob_is_one_request(s3_server: S3Server, s3_bucket: str) -> None:
    """Storing few bytes, the first time or again, costs one request, and so does reading them."""
    with Proxy(s3_server.url) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        location = await storage.create(b"small")
        await storage.create(b"small")
        await storage.read(location)
        assert [one.method for one in proxy.requests] == ["PUT", "PUT", "GET"]


async def test_an_existing_blob_is_not_sent_again(s3_server: S3Server, s3_bucket: str) -> None:
    """Storing many equal bytes again costs two requests: a look, and a copy in the bucket."""
    storage = S3Storage(s3_bucket, **s3_server.options)
    data = bytes(2**20 + 1)
    location = await storage.create(data)
    with Proxy(s3_server.url) as proxy:
        again = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        assert await again.create(data) == location
        blob = await again.create_from(lambda file: file.write(data))
        assert blob.location == location
        assert [one.method for one in proxy.requests] == ["HEAD", "PUT"] * 2
        assert sum(one.received for one in proxy.requests) == 0
    assert await storage.read(location) == data


async def test_a_blob_that_goes_in_the_last_moment_is_sent(
    s3_server: S3Server, s3_bucket: str
) -> None:
    """A blob deleted between the look at it and the copy is sent again."""
    data = bytes(2**20 + 1)
    client = s3_server.client()

    def delete_before_copy(request: Request) -> None:
        if request.copies:
            client.delete_object(Bucket=s3_bucket, Key=location)

    with Proxy(s3_server.url, delete_before_copy) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        location = await storage.create(data)
        assert await storage.create(data) == location
        assert [one.method for one in proxy.requests] == [
            "HEAD",
            "GET",
            "PUT",
            "HEAD",
            "PUT",
            "PUT",
        ]
        assert await storage.read(location) == data
    client.close()


async def test_a_large_stream_goes_up_and_comes_down_in_parts(
    s3_server: S3Server, s3_bucket: str
) -> None:
    """A stream is sent in parts of 8 MB and read in ranges of as many."""
    piece = os.urandom(2**20)
    with Proxy(s3_server.url) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        blob = await storage.create_from(lambda file: [file.write(piece) for _ in range(20)])
        methods = [one.method for one in proxy.requests]
        # A look, a listing since nothing is there, and the upload's begin, parts and end.
        assert methods == ["HEAD", "GET", "POST", "PUT", "PUT", "PUT", "POST"]
        sent = sorted(one.received for one in proxy.requests if one.method == "PUT")
        assert [size // 2**20 for size in sent] == [4, 8, 8]
        del proxy.requests[:]
        assert await storage.read(blob.location) == piece * 20
        assert [one.method for one in proxy.requests] == ["GET", "HEAD", "GET", "GET"]
        assert sum(one.sent for one in proxy.requests) == 20 * 2**20


async def test_a_listing_is_paged(
    s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is listed in pages, which are not kept, and foreign folders are not opened."""
    monkeypatch.setattr("artigraph.storage.location._S3_PAGE", 3)
    client = s3_server.client()
    made = {f"{folder}/{folder}{number:062x}" for folder in ("00", "ab") for number in range(7)}
    for key in made | {f"zz/{number}" for number in range(9)}:
        client.put_object(Bucket=s3_bucket, Key=f"team/{key}", Body=b"")
    client.close()
    with Proxy(s3_server.url) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url}
        storage = S3Storage(s3_bucket, "team", **options)
        assert {info.location async for info in storage.blobs()} == made
        # One for the folders, and three for each of the two.
        assert len(proxy.requests) == 1 + 3 + 3
    assert not s3fs.S3FileSystem(**options).dircache


async def test_listing_a_missing_bucket(s3_options: dict[str, Any]) -> None:
    """A bucket that is gone is an error, not an empty listing."""
    with pytest.raises(StorageError, match=r"Could not list the blobs of .*bucket does not exist"):
        _ = [info async for info in S3Storage("no-such-bucket", **s3_options).blobs()]


async def test_a_page_of_a_frame_costs_few_requests(s3_server: S3Server, s3_bucket: str) -> None:
    """Opening costs nothing; the footer is one request, and a page no byte beyond its columns."""
    rows, group, columns = 200_000, 20_000, 10
    arrays = [pa.array(np.random.default_rng(n).random(rows)) for n in range(columns)]
    table = pa.table(arrays, names=[f"c{n}" for n in range(columns)])
    with Proxy(s3_server.url) as proxy:
        storage = S3Storage(s3_bucket, **{**s3_server.options, "endpoint_url": proxy.url})
        blob = await storage.create_from(
            lambda file: pq.write_table(table, file, row_group_size=group)
        )
        del proxy.requests[:]

        def look() -> None:
            with storage.open(blob.location, size=blob.size) as file:
                assert proxy.requests == []
                frame = pq.ParquetFile(file, pre_buffer=True)
                assert [one.method for one in proxy.requests] == ["GET"]
                footer = proxy.requests.pop()
                assert footer.sent <= 64 * 1024
                page = frame.read_row_group(4, columns=["c1", "c2", "c7"])
                assert page.equals(table.select(["c1", "c2", "c7"]).slice(4 * group, group))
                meta = frame.metadata.row_group(4)
                exact = sum(meta.column(n).total_compressed_size for n in (1, 2, 7))
                between = sum(meta.column(n).total_compressed_size for n in (3, 4, 5, 6))
                assert [one.method for one in proxy.requests] in (["GET"], ["GET"] * 2)
                assert sum(one.sent for one in proxy.requests) in (exact, exact + between)

        await asyncio.to_thread(look)


async def test_a_blob_cut_short_is_sent_again(s3_server: S3Server, s3_bucket: str) -> None:
    """A blob of another size under the name is replaced by the right one."""
    storage = S3Storage(s3_bucket, **s3_server.options)
    location = await storage.create(b"whole")
    client = s3_server.client()
    client.put_object(Bucket=s3_bucket, Key=location, Body=b"who")
    client.close()
    assert await storage.create(b"whole") == location
    assert await storage.read(location) == b"whole"


async def test_a_listing_made_elsewhere_hides_nothing(
    s3_bucket: str, s3_options: dict[str, Any]
) -> None:
    """The cache of an s3fs that the user works with does not fool the storage."""
    storage = S3Storage(s3_bucket, **s3_options)
    location = await storage.create(b"seen")
    file_system = s3fs.S3FileSystem(**s3_options)
    assert file_system.find(s3_bucket) == [f"{s3_bucket}/{location}"]
    file_system.ls(f"{s3_bucket}/{location[:2]}")
    other = s3fs.S3FileSystem(**s3_options, skip_instance_cache=True)
    other.rm_file(f"{s3_bucket}/{location}")
    assert not await storage.exists(location)


async def test_a_blob_in_parts(s3_bucket: str, s3_options: dict[str, Any]) -> None:
    """A blob above 16 MB, which is sent in parts, comes back."""
    data = bytes(17 * 2**20)
    storage = S3Storage(s3_bucket, **s3_options)
    location = await storage.create(data)
    assert await storage.read(location) == data


async def test_a_missing_bucket_is_named(s3_options: dict[str, Any]) -> None:
    """Writing to a bucket that is not there fails with S3's words, and makes none."""
    storage = S3Storage("no-such-bucket", **s3_options)
    with pytest.raises(StorageError, match="bucket does not exist") as caught:
        await storage.create(b"lost")
    assert not isinstance(caught.value, BlobNotFoundError)
    assert "store 4 bytes in <S3Storage 's3://no-such-bucket'>" in str(caught.value)


async def test_reading_from_a_missing_bucket(s3_options: dict[str, Any]) -> None:
    """A blob in a bucket that is gone is a missing blob."""
    storage = S3Storage("no-such-bucket", **s3_options)
    with pytest.raises(BlobNotFoundError, match=r"The store answered: .*bucket does not exist"):
        await storage.read("ab/" + "ab" * 32)


async def test_a_server_that_is_down() -> None:
    """Nobody answering is a StorageError for every method, not a missing blob."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        storage = S3Storage(
            "bucket",
            endpoint_url=url,
            key="testing",
            secret=SECRET,
            config_kwargs={"retries": {"max_attempts": 0}, "connect_timeout": 1},
        )
        for call in (
            storage.create(b"lost"),
            storage.exists("ab/" + "ab" * 32),
            storage.read("ab/" + "ab" * 32),
            storage.delete("ab/" + "ab" * 32),
        ):
            with pytest.raises(StorageError, match="s3://bucket") as caught:
                await call
            assert not isinstance(caught.value, BlobNotFoundError)
            assert url in str(caught.value)
            assert SECRET not in str(caught.value)


async def test_an_unknown_option_is_named(s3_bucket: str, s3_options: dict[str, Any]) -> None:
    """A misspelt option is reported at the first use, without the credentials."""
    storage = S3Storage(s3_bucket, **s3_options, sceret="hush")
    with pytest.raises(StorageError, match="sceret") as caught:
        await storage.create(b"lost")
    assert "hush" not in str(caught.value)


def test_naming_a_bucket_needs_neither_library_nor_network() -> None:
    """A model may name a bucket where s3fs is missing; using it says what to install."""
    code = """
import asyncio, sys
sys.modules["s3fs"] = None
from artigraph.errors import MissingLibraryError
from artigraph.storage.aws import S3Storage
storage = S3Storage("my-bucket", key="k", secret="very-hush")
print(storage)
try:
    asyncio.run(storage.create(b"x"))
except MissingLibraryError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<S3Storage 's3://my-bucket'>\n")
    assert "pip install 'artigraph[s3]'" in done.stdout
    assert "very-hush" not in done.stdout
    assert issubclass(MissingLibraryError, ImportError)


@pytest.mark.parametrize(
    "bucket", ["", "ab", "a/b", "s3://bucket", "two words", "-begin", "end.", "dots..dots", "a:b"]
)
def test_an_impossible_bucket_is_refused(bucket: str) -> None:
    """A bucket's name is checked when it is named, and the error says the rule."""
    with pytest.raises(StorageError, match="cannot be the name of a bucket: letters, digits"):
        S3Storage(bucket)


def test_credentials_in_the_bucket_are_not_repeated() -> None:
    """What stands before an @ may be a secret."""
    with pytest.raises(StorageError, match="'bucket' cannot be") as caught:
        S3Storage("key:hush@bucket")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["../other", "a/./b", "a//b", "a?versionId=1", "a::b", "a\nb"])
def test_an_impossible_prefix_is_refused(prefix: str) -> None:
    """A prefix that could lead elsewhere is refused."""
    with pytest.raises(StorageError, match="cannot be a prefix"):
        S3Storage("bucket", prefix)


def test_a_long_prefix_is_refused() -> None:
    """A prefix that leaves no room for a location is refused at once."""
    with pytest.raises(StorageError, match="957 bytes is too long"):
        S3Storage("bucket", "x" * 957)
    assert S3Storage("bucket", "x" * 956).name.endswith("x")


def test_slashes_around_a_prefix_are_ignored() -> None:
    """However the prefix is written, the storage is the same."""
    assert S3Storage("bucket", "/team/runs/") == S3Storage("bucket", "team/runs")
    assert S3Storage("bucket", "team/runs").name == "s3://bucket/team/runs"


def test_a_server_is_part_of_a_storage() -> None:
    """Equal buckets on two servers differ; equal buckets asked by two people don't."""
    here = S3Storage("bucket", endpoint_url="http://127.0.0.1:1", key="a", secret="b")
    assert here == S3Storage("bucket", endpoint_url="http://127.0.0.1:1", token="c")
    assert here != S3Storage("bucket", client_kwargs={"endpoint_url": "http://127.0.0.1:2"})
    assert here != S3Storage("bucket")
    assert here == FsspecStorage("s3://bucket", endpoint_url="http://127.0.0.1:1")


def test_a_storage_may_have_a_name_of_its_own() -> None:
    """A bucket that may move gets a name that stays."""
    assert S3Storage("bucket", name="team-results").name == "team-results"
