"""Writing a large frame in a stream, and reading a page of one from S3.

``python -m benchmarks.bench_frames`` takes a frame of 200 MB, ``--large`` one
of 1 GB. Memory is what the process needs beside the frame at most, as the
system counts it (Linux only); files go to a temporary folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from artigraph.blob.record import BlobRecord
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.serializer.pyarrow import row_group_size
from artigraph.storage.aws import S3Storage
from benchmarks.report import Report
from benchmarks.s3 import s3_server

MEGABYTE = 10**6
ROUNDS = 3


def make_frame(megabytes: int) -> pd.DataFrame:
    """Floats, whole numbers, times, words and categories, about as many bytes as asked for."""
    # 20 floats, 8 whole numbers, a time, a category of one byte, and about 15 bytes of text.
    rows = megabytes * MEGABYTE // (29 * 8 + 1 + 15)
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"f{i}": random.standard_normal(rows) for i in range(20)}
    columns |= {f"i{i}": random.integers(0, 10 ** (i + 1), rows) for i in range(8)}
    columns["time"] = np.datetime64("2024-01-01", "ns") + np.arange(rows) * np.timedelta64(1, "s")
    words: Any = pa.array(np.char.add("word", np.arange(1000).astype("U")), pa.large_string())
    column = words.take(pa.array(random.integers(0, 1000, rows)))
    columns["text"] = pd.Series(column.to_pandas(), dtype="str")
    columns["category"] = pd.Categorical.from_codes(
        random.integers(0, 5, rows).astype("i1"), pd.Index(list("abcde"))
    )
    return pd.DataFrame(columns)


def plain_write(frame: pd.DataFrame, path: Path) -> None:
    """What anybody would type, with the options that the serializer takes."""
    table = pa.Table.from_pandas(frame)
    pq.write_table(
        table,
        path,
        row_group_size=row_group_size(*frame.shape),
        compression="zstd",
        compression_level=1,
        use_dictionary=[  # type: ignore[arg-type]  # the stubs know bool only
            field.name for field in table.schema if not pa.types.is_floating(field.type)
        ],
        write_page_checksum=True,
    )


def our_write(frame: pd.DataFrame, path: Path) -> None:
    with path.open("wb") as file:
        dataframe_serializer.dump(frame, file)


WAYS = {"ours": our_write, "plain": plain_write}


def measure(way: str, megabytes: int, path: Path) -> None:
    """Write a frame in this process and print what it took."""
    frame = make_frame(megabytes)
    size = int(frame.memory_usage(index=False).sum())
    WAYS[way](frame.iloc[:1000].copy(), path)  # what is loaded at first use does not count
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is used now
    before = _status("VmRSS")
    start = time.perf_counter()
    WAYS[way](frame, path)
    taken = time.perf_counter() - start
    print(json.dumps({"bytes": size, "extra": _status("VmHWM") - before, "seconds": taken}))


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def writing(report: Report, megabytes: int, folder: Path) -> None:
    results: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way, found in results.items():
            command = [sys.executable, "-m", __spec__.name, "--measure", way]
            command += ["--megabytes", str(megabytes), "--path", str(folder / f"{way}.parquet")]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout))
    ours, plain = results["ours"], results["plain"]
    size = ours[0]["bytes"]
    name = f"write a frame of {size / MEGABYTE:,.0f} MB"
    report.ratio(name, [r["seconds"] for r in ours], [r["seconds"] for r in plain], 1.3)
    extra, plain_extra = (max(r["extra"] for r in rs) / size * 100 for rs in (ours, plain))
    report.value("  extra memory, % of the frame", extra, 15)
    print(f"  extra memory of write_table{plain_extra:28.2f} %")


class Counting:
    """A source whose requests are counted."""

    def __init__(self, storage: S3Storage, location: str, size: int) -> None:
        self._storage, self._location, self.size = storage, location, size
        self.requests: Counter[str] = Counter()

    def open(self) -> BinaryIO:
        file: Any = self._storage.open(self._location, self.size)
        read = file.read

        def counted(size: int = -1) -> bytes:
            data: bytes = read(size)
            self.requests["reads"] += 1
            self.requests["bytes"] += len(data)
            return data

        file.read = counted
        return file  # type: ignore[no-any-return]  # as the storage made it

    def local_path(self) -> None:
        """S3 is no folder."""


async def paging(report: Report, folder: Path) -> None:
    with s3_server(folder) as (url, log):
        options = {"endpoint_url": url, "key": "testing", "secret": "testing"}
        storage = S3Storage("bench", **options)
        storage._connect()[0].mkdir("bench")
        frame = await asyncio.to_thread(make_frame, 420)
        made: dict[str, Any] = {}

        def write(file: BinaryIO) -> None:
            made.update(dataframe_serializer.dump(frame, file))

        blob = await storage.create_from(write)
        source = Counting(storage, blob.location, blob.size)
        asked = len(gets(log))
        handle = open_stored(
            BlobRecord(
                node_id=1,
                label="bench",
                serializer=dataframe_serializer.name,
                size=blob.size,
                digest=blob.digest,
                summary=made,
            ),
            source,
        )
        assert isinstance(handle, StoredFrame)
        print(repr(handle))
        report.value("requests to open the handle", len(gets(log)) - asked, 0)
        await handle.read_schema()
        footer = len(gets(log)) - asked
        print(f"requests for the footer {footer}, {source.requests['bytes']:,} bytes")
        whole_groups = row_group_size(*frame.shape)
        for what, offset in (("within", 0), ("across", 3 * whole_groups - 50)):
            source.requests.clear()
            asked = len(gets(log))
            columns = ["f3", "text", "time"]
            start = time.perf_counter()
            page = await handle.page(offset, 100, columns)
            taken = time.perf_counter() - start
            pd.testing.assert_frame_equal(page, frame[columns].iloc[offset : offset + 100])
            share = source.requests["bytes"] / blob.size * 100
            report.value(f"page {what} row groups, requests", len(gets(log)) - asked, 6)
            report.value(f"page {what} row groups, % of the bytes", share, 1)
            print(f"  {source.requests['bytes']:,} bytes in {taken * 1e3:.0f} ms")


def gets(log: Path) -> list[str]:
    """The requests for objects so far."""
    return [line for line in log.read_text().splitlines() if "/bench/" in line]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="write 1 GB, not 200 MB")
    parser.add_argument("--measure", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--megabytes", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.megabytes, arguments.path)
        return 0
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        writing(report, 1000 if arguments.large else 200, Path(folder))
        asyncio.run(paging(report, Path(folder)))
    return report.failures


if __name__ == "__main__":
    sys.exit(min(main(), 1))
