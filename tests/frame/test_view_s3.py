"""A frame in S3 is looked at for few requests and bytes, and survives a bad network."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artigraph.blob.record import BlobRecord
from artigraph.blob.source import StorageSource
from artigraph.errors import StorageError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.frame.query import Condition, SortKey
from artigraph.frame.view import FrameView
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.aws import S3Storage
from tests.storage.conftest import S3Server, s3_bucket, s3_server
from tests.storage.proxy import Proxy, Request

__all__ = ["s3_bucket", "s3_server"]  # fixtures

ROWS = 100_000
COLUMNS = 12


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Five row groups of columns that do not compress, and a running number."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{i}": random.standard_normal(ROWS) for i in range(COLUMNS - 1)}
    return pd.DataFrame({"step": np.arange(ROWS), **columns})


async def keep_in(storage: S3Storage, frame: pd.DataFrame) -> StoredFrame:
    """Write a frame, and make its handle."""
    made: dict[str, Any] = {}
    blob = await storage.create_from(
        lambda file: made.update(dataframe_serializer.dump(frame, file))
    )
    storage.register()
    stored = open_stored(
        BlobRecord(
            node_id=3,
            label="remote",
            serializer=dataframe_serializer.name,
            size=blob.size,
            digest=blob.digest,
            summary=made,
        ),
        StorageSource(storage.name, blob.location, blob.size),
    )
    assert isinstance(stored, StoredFrame)
    return stored


async def test_looking_costs_few_requests_and_bytes(
    s3_server: S3Server, s3_bucket: str, frame: pd.DataFrame
) -> None:
    """Opening, a jump to the middle, a sort and a filter each read what they show."""
    with Proxy(s3_server.url) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url}
        stored = await keep_in(S3Storage(s3_bucket, **options), frame)

        def spent() -> tuple[int, float]:
            gets = [request for request in proxy.requests if request.method == "GET"]
            proxy.requests.clear()
            return len(gets), sum(request.sent for request in gets) / stored.nbytes

        spent()
        view = await FrameView.open(stored)
        requests, share = spent()
        # The footer: its end first, or all of it at once.
        assert requests <= 3
        assert share < 0.02
        cells = await view.cells(view.as_stored, ROWS // 2, ROWS // 2 + 100, range(5))
        assert cells.texts[0][0] == str(ROWS // 2)
        requests, share = spent()
        # Adjacent columns of one row group come in one request.
        assert requests <= 2
        assert share < 0.1
        await view.cells(view.as_stored, ROWS // 2 + 500, ROWS // 2 + 600, range(5))
        assert spent() == (0, 0)
        order = await view.arrange([SortKey(7)])
        requests, share = spent()
        assert requests == 5
        assert share < 1.2 / COLUMNS
        cells = await view.cells(order, 0, 5, [0])
        assert cells.texts[0] == [str(n) for n in frame.sort_values("x6")["step"][:5]]
        assert spent()[0] <= 5
        found = await view.arrange((), [Condition(0, "ge", str(ROWS - 10))])
        assert found.num_rows == 10
        # One row group of five can hold such a row.
        assert spent()[0] <= 1
        # The summary's own bars come from a sample, its extremes from the footer.
        summary = await view.summary(3)
        assert summary.exact
        assert spent()[1] < 0.1


async def test_store_that_is_down_is_told_and_comes_back(
    s3_server: S3Server, s3_bucket: str, frame: pd.DataFrame
) -> None:
    """While S3 fails a window fails with an error that names the frame; later it works."""
    broken = False

    def fault(request: Request) -> None:
        request.fail = broken and request.method == "GET"

    with Proxy(s3_server.url, fault) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url}
        quick: dict[str, Any] = {"config_kwargs": {"retries": {"max_attempts": 1}}}
        stored = await keep_in(S3Storage(s3_bucket, **options, **quick), frame[:1000])
        view = await FrameView.open(stored)
        broken = True
        with pytest.raises(StorageError, match="artifact 'remote' of node 3"):
            await view.cells(view.as_stored, 0, 5, [0])
        broken = False
        assert (await view.cells(view.as_stored, 0, 2, [0])).texts == [["0", "1"]]


async def test_request_that_never_answers_can_be_given_up(
    s3_server: S3Server, s3_bucket: str, frame: pd.DataFrame
) -> None:
    """A window that waits for a silent server is cancelled at once, and the next is read."""
    silent, waits = False, threading.Event()

    def fault(request: Request) -> None:
        request.stall = silent and request.method == "GET"
        if request.stall:
            waits.set()

    with Proxy(s3_server.url, fault) as proxy:
        options = {**s3_server.options, "endpoint_url": proxy.url}
        config = {"retries": {"max_attempts": 0}}
        quick: dict[str, Any] = {"config_kwargs": config}
        stored = await keep_in(S3Storage(s3_bucket, **options, **quick), frame[:1000])
        view = await FrameView.open(stored)
        silent = True
        task = asyncio.ensure_future(view.cells(view.as_stored, 0, 5, [0]))
        assert await asyncio.to_thread(waits.wait, 300)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        silent = False
        assert (await view.cells(view.as_stored, 0, 2, [0])).texts == [["0", "1"]]
