"""A frame of 100,000 models, against ``pandas.read_sql`` with the JSON parsed.

The yardstick reads the same columns of the same rows, parses each document with
orjson and spreads them with ``pandas.json_normalize``. It does without the
paths, which take artigraph a further query. The leanest way that can be typed
for these very fields, columns made by list comprehensions, is shown as well.
On PostgreSQL pandas reads through the same driver.

``--others 900000`` puts as many models of another class beside them. Memory is
what a process of its own needs beside what it has loaded (Linux only).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    DataModel,
    ModelFilter,
    get_engine,
    new_node,
    read_frame,
    set_engine,
    write_models,
    write_node,
)
from benchmarks.report import Report, seconds_async

COUNT = 100_000
ROUNDS = 5
POSTGRESQL = os.environ.get(
    "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
)
QUERY = """
    SELECT node_id, node_label, node_parent_id, node_created_at, node_updated_at,
           model_artifact_type AS model_type, model_artifact_version AS model_version,
           CAST(model_artifact_data AS TEXT) AS document
    FROM artigraph_node WHERE model_artifact_type = 'Fit' ORDER BY node_id
"""
TIMES = ["node_created_at", "node_updated_at"]


class Fit(DataModel, version=1):
    """Five plain fields."""

    depth: int
    loss: float
    name: str
    converged: bool
    layers: list[int]


class Other(DataModel, version=1):
    """What else is in the store."""

    x: int


async def fill(others: int) -> None:
    """Write the others, and the models after them."""
    parent = (await write_node(new_node(node_label="fits"))).node_id
    for start in range(0, others, 100_000):
        holder = (await write_node(new_node(node_label=f"others{start}"))).node_id
        more = {f"o{i}": Other(i) for i in range(start, min(start + 100_000, others))}
        await write_models(parent_id=holder, models=more)
    await write_models(
        parent_id=parent,
        models={f"m{i}": Fit(i, i / 7, f"name{i}", i % 2 == 0, [1, 2, 3]) for i in range(COUNT)},
    )


def plain_frame(connection: Any) -> pd.DataFrame:
    """What anybody would type."""
    query = text(QUERY) if isinstance(connection, Connection) else QUERY
    frame = pd.read_sql(query, connection, parse_dates=TIMES)
    documents = [orjson.loads(document) for document in frame.pop("document")]
    return pd.concat([frame, pd.json_normalize(documents)], axis=1)


def lean_frame(connection: Any) -> pd.DataFrame:
    """What somebody would type who knows that the documents all have these fields."""
    query: Any = text(QUERY) if isinstance(connection, Connection) else QUERY
    rows = connection.execute(query).fetchall()
    *columns, documents = zip(*rows, strict=True)
    parsed = orjson.loads("[" + ",".join(documents) + "]")
    made: dict[str, Any] = {str(i): column for i, column in enumerate(columns)}
    made |= {name: [document[name] for document in parsed] for name in parsed[0]}
    return pd.DataFrame(made)


async def our_frame() -> pd.DataFrame:
    return await read_frame(ModelFilter(model_type=Fit))


async def plainly(way: Callable[[Any], pd.DataFrame], path: Path | None) -> pd.DataFrame:
    """Call one of the plain ways with a connection."""
    if path is not None:
        connection = sqlite3.connect(path)
        try:
            return way(connection)
        finally:
            connection.close()
    async with (await get_engine()).connect() as asynchronous:
        return await asynchronous.run_sync(way)


async def compare(report: Report, database: str, path: Path | None) -> None:
    ours: list[float] = []
    plain: list[float] = []
    lean: list[float] = []
    for _ in range(ROUNDS):
        plain.append(await seconds_async(partial(plainly, plain_frame, path)))
        lean.append(await seconds_async(partial(plainly, lean_frame, path)))
        ours.append(await seconds_async(our_frame))
    found, expected = await our_frame(), await plainly(plain_frame, path)
    fields = ["node_id", "depth", "loss", "name", "converged", "layers"]
    pd.testing.assert_frame_equal(found[fields], expected[fields])
    assert found["path"].iloc[-1] == f"fits/m{COUNT - 1}"
    report.ratio(f"{database}: read_frame / read_sql", ours, plain, 1.5)
    report.ratio(f"{database}: read_frame / leanest by hand", ours, lean)


async def use(url: str, path: Path | None, way: str) -> None:
    """Read one frame in this process and print what memory it took."""
    set_engine(url)
    calls: dict[str, Callable[[], Awaitable[pd.DataFrame]]] = {
        "read_frame": our_frame,
        "read_sql": partial(plainly, plain_frame, path),
        "by hand": partial(plainly, lean_frame, path),
    }
    await read_frame(ModelFilter(model_type="Nothing"))  # what is loaded at first use
    before = _memory_from_now()
    frame = await calls[way]()
    taken, kept = _status("VmHWM") - before, int(frame.memory_usage(deep=True).sum())
    print(f"  {way:<12} {taken / 1e6:6.0f} MB at its peak, for a frame of {kept / 1e6:.0f} MB")


def _memory_from_now() -> int:
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is used now
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def measure(way: str, url: str, path: Path | None) -> None:
    command = [sys.executable, "-m", __spec__.name, "--measure", way, "--url", url]
    if path is not None:
        command += ["--path", str(path)]
    subprocess.run(command, check=True)


async def bench(report: Report, database: str, url: str, path: Path | None, others: int) -> None:
    reset = set_engine(url, create_tables=True)
    print(f"filling {database}: {await seconds_async(partial(fill, others)):.1f} s")
    await compare(report, database, path)
    for way in ("read_frame", "read_sql", "by hand"):
        measure(way, url, path)
    await (await get_engine()).dispose()
    reset()


async def on_postgresql(report: Report, others: int) -> None:
    """In a database of its own, if a server answers."""
    url = make_url(POSTGRESQL)
    name = f"artigraph_bench_{os.getpid()}"
    server = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    except OSError as error:
        print(f"postgresql: left out, {url.host}:{url.port} does not answer ({error})")
        await server.dispose()
        return
    try:
        own = url.set(database=name).render_as_string(hide_password=False)
        await bench(report, "postgresql", own, None, others)
    finally:
        async with server.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name}"))
        await server.dispose()


async def main(others: int) -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artigraph.db"
        await bench(report, "sqlite", f"sqlite+aiosqlite:///{path}", path, others)
    await on_postgresql(report, others)
    return report.failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--others", type=int, default=0, help="models of another class")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        asyncio.run(use(given.url, given.path, given.measure))
        sys.exit(0)
    sys.exit(min(asyncio.run(main(given.others)), 1))
