"""Looking into a large frame in S3: first rows, a jump to the middle, a sort.

``python -m benchmarks.bench_viewer`` takes a frame of 1 million rows and 30
columns, ``--large`` one of 10 million. The server is on this machine and
answers ranges of a local file as S3 does: moto reads its whole object for
each range, which at 2 GB is what would be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from artigraph.blob.record import BlobRecord
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.frame.pyarrow.chunk_cache import chunk_cache
from artigraph.frame.query import Condition, SortKey
from artigraph.notebook.frame_handlers import FrameHandlers
from artigraph.serializer.part import summarize_frame
from artigraph.serializer.pyarrow import row_group_size, writing_parquet
from artigraph.storage.aws import S3Storage
from artigraph.storage.location import location_of_digest
from benchmarks.bench_frames import Counting
from benchmarks.report import Report

MEGABYTE = 10**6
KINDS = 4
"""Row groups of random numbers that are made; the frame repeats them."""


def write(rows: int, path: Path) -> dict[str, Any]:
    """Write floats, whole numbers, words and a running number; returns the summary."""
    size = row_group_size(rows, 30)
    random = np.random.default_rng(0)
    words: Any = pa.array([f"word{i}" for i in range(1000)])
    groups = []
    for _ in range(KINDS):
        columns: dict[str, Any] = {f"f{i}": random.standard_normal(size) for i in range(20)}
        columns |= {f"i{i}": random.integers(0, 10 ** (i + 1), size) for i in range(8)}
        columns["text"] = words.take(pa.array(random.integers(0, 1000, size)))
        groups.append(pa.table(columns))
    schema = groups[0].schema.insert(0, pa.field("step", pa.int64()))
    count = 0
    with path.open("wb") as file, writing_parquet(schema, file) as writer:
        for start in range(0, rows, size):
            group = groups[count % KINDS].slice(0, min(size, rows - start))
            steps = pa.array(np.arange(start, start + group.num_rows))
            writer.write_table(group.add_column(0, "step", steps), size)
            count += 1
    return dict(summarize_frame(rows, [(f.name, str(f.type)) for f in schema], count))


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """A server that knows one object, and ranges of it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            start, stop = int(first), min(int(last) + 1, size)
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(stop - start)
            self.send_response(206)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    size = path.stat().st_size
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def looking(report: Report, rows: int, folder: Path) -> None:
    path = folder / "frame.parquet"
    start = time.perf_counter()
    summary = write(rows, path)
    size = path.stat().st_size
    print(f"{size / MEGABYTE:,.0f} MB written in {time.perf_counter() - start:.0f} s")
    with serving(path) as url:
        options = {"endpoint_url": url, "key": "testing", "secret": "testing"}
        storage = S3Storage("bench", **options)
        source = Counting(storage, location_of_digest("0" * 64), size)
        record = BlobRecord(1, "bench", "artigraph-parquet", size, None, summary)
        stored = open_stored(record, source)
        assert isinstance(stored, StoredFrame)
        print(repr(stored))
        # What is loaded and connected at first use is not the frame's cost.
        await stored.page(0, 1, ["step"])

        async def step(name: str, work: Any, limit: float | None = None) -> Any:
            source.requests.clear()
            begun = time.perf_counter()
            result = await work
            taken = (time.perf_counter() - begun) * 1e3
            read, asked = source.requests["bytes"], source.requests["reads"]
            if limit is None:
                print(f"{name:<44}{taken:9.0f} ms")
            else:
                report.value(f"{name}, ms", taken, limit)
            print(f"  {read:,} bytes ({read / size:.2%}) in {asked} requests")
            return result

        fresh = open_stored(record, source)
        assert isinstance(fresh, StoredFrame)
        pages = FrameHandlers(fresh)
        await step("first rows, footer included", pages.first(), 1000)
        view = await pages.view()
        columns = range(8)
        middle = rows // 2
        cells = await step(
            "a jump to the middle",
            view.cells(view.as_stored, middle - 60, middle + 80, columns),
            500,
        )
        assert cells.texts[0][60] == str(middle)
        # One row group of two columns more or less is 2 % of the small one.
        share = source.requests["bytes"] / size * 100
        report.value("  of it, % of the bytes", share, 1 if rows > 10**6 else 3)
        report.value("  of it, requests", source.requests["reads"], 6)
        await step("a page further on", view.cells(view.as_stored, middle, middle + 140, columns))
        await step("the summaries of eight columns", gather(view.summary(i) for i in columns))
        begun = time.perf_counter()
        order = await step("sort by a float", view.arrange([SortKey(5)]))
        taken = time.perf_counter() - begun
        column = parquet.read_table(path, columns=[view.columns[5].label]).column(0)
        begun = time.perf_counter()
        pc.sort_indices(column)
        taken /= time.perf_counter() - begun
        report.value("  of it, times a sort of the column in memory", taken, 1.5)
        await step("  the first screen of it", view.cells(order, 0, 14, columns))
        await step("  its middle", view.cells(order, middle, middle + 14, columns))
        condition = [Condition(0, "gt", str(rows - 100))]
        found = await step("filter by what the footer knows", view.arrange((), condition))
        assert found.num_rows == 99
        first: list[float] = []
        begun = time.perf_counter()

        def early(_: object) -> None:
            first.append(time.perf_counter() - begun)

        asked = [Condition(4, "gt", "4")]
        await step("filter by a float", view.arrange((), asked, early=early))
        report.value("  its first rows, ms", first[0] * 1e3, 500)
        await step("filter by a text", view.arrange((), [Condition(29, "contains", "word99")]))
        report.value("chunks that are kept, MB", chunk_cache.nbytes / MEGABYTE, 68)


async def gather(work: Any) -> list[Any]:
    return [await each for each in work]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="10 million rows, not 1 million")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        rows = 10_000_000 if arguments.large else 1_000_000
        asyncio.run(looking(report, rows, Path(folder)))
    return report.failures


if __name__ == "__main__":
    sys.exit(min(main(), 1))
