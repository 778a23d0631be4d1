"""One call at a time, against the bare driver that sends the same rows.

What a cell, a magic or a click costs. Each round makes all calls in turn, and the medians of
many rounds are compared, so that a noisy machine slows them alike.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import make_url

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    delete_nodes,
    engine_context,
    new_node,
    read_model,
    read_node,
    write_model,
    write_node,
)
from benchmarks.bench_growth import SERVERS
from benchmarks.report import Report

ROUNDS = 300

_COLUMNS = (
    "node_id, node_parent_id, node_type, node_label, node_created_at, node_updated_at, "
    "model_artifact_type, model_artifact_version, model_artifact_parts, model_artifact_data"
)
_READ = f"SELECT {_COLUMNS} FROM artigraph_node WHERE node_id = {{}}"  # our own
_INSERT = f"INSERT INTO artigraph_node ({_COLUMNS}) VALUES ({{}})"  # our own

Call = Callable[[], Awaitable[object]]


class CallsFit(DataModel, version=1):
    """Four plain fields."""

    depth: int
    loss: float
    name: str
    converged: bool


FIT = CallsFit(3, 0.25, "of a run", True)


class Bare:
    """What somebody would write who has nothing but the driver."""

    def __init__(self, parent: int, node_id: int) -> None:
        self.parent, self.node_id = parent, node_id
        self.labels = count()

    def row(self, node_id: int, now: Any) -> tuple[Any, ...]:
        """A row of the model that artigraph writes."""
        label = f"bare {next(self.labels)}"
        document = json.dumps(vars(FIT))
        return (
            *(node_id, self.parent, "model_artifact", label, now, now),
            *("CallsFit", 1, 0, document),
        )


class BareSQLite(Bare):
    """aiosqlite."""

    connection: aiosqlite.Connection

    async def read(self) -> Any:
        """Read and parse one row."""
        query = _READ.format("?")
        async with self.connection.execute(query, (self.node_id,)) as cursor:
            row = await cursor.fetchone()
        return json.loads(row[-1])  # type: ignore[index]  # it is there

    async def write(self, rows: int = 1) -> None:
        """Write rows in one transaction, with ids counted as artigraph does."""
        now = str(datetime.now(UTC).replace(tzinfo=None))
        await self.connection.execute("BEGIN IMMEDIATE")
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'artigraph_node'"
        async with self.connection.execute(query) as cursor:
            (used,) = await cursor.fetchone()  # type: ignore[misc]  # it is there
        values = [self.row(used + i + 1, now) for i in range(rows)]
        await self.connection.executemany(_INSERT.format(", ".join("?" * 10)), values)
        await self.connection.execute("COMMIT")


class BarePostgreSQL(Bare):
    """asyncpg."""

    connection: Any

    async def read(self) -> Any:
        """Read and parse one row."""
        row = await self.connection.fetchrow(_READ.format("$1"), self.node_id)
        return json.loads(row[-1])

    async def write(self, rows: int = 1) -> None:
        """Write rows in one transaction."""
        now = datetime.now(UTC).replace(tzinfo=None)
        async with self.connection.transaction():
            query = "SELECT nextval('artigraph_node_id_seq') FROM generate_series(1, $1)"
            ids = await self.connection.fetch(query, rows)
            values = [self.row(one[0], now) for one in ids]
            marks = ", ".join(f"${i}" for i in range(1, 11))
            await self.connection.executemany(_INSERT.format(marks), values)


class BareMariaDB(Bare):
    """asyncmy."""

    connection: Any

    async def read(self) -> Any:
        """Read and parse one row, and let its transaction go."""
        async with self.connection.cursor() as cursor:
            await cursor.execute(_READ.format("%s"), (self.node_id,))
            row = await cursor.fetchone()
        await self.connection.rollback()
        return json.loads(row[-1])

    async def write(self, rows: int = 1) -> None:
        """Write rows in one transaction."""
        now = datetime.now(UTC).replace(tzinfo=None)
        async with self.connection.cursor() as cursor:
            query = f"SELECT nextval(artigraph_node_id_seq) FROM seq_1_to_{rows}"
            await cursor.execute(query)
            values = [self.row(one[0], now) for one in await cursor.fetchall()]
            await cursor.executemany(_INSERT.format(", ".join(["%s"] * 10)), values)
        await self.connection.commit()


@asynccontextmanager
async def bare_sqlite(url: str, parent: int, node_id: int) -> AsyncIterator[BareSQLite]:
    """A connection to the store's file, with what it needs to be told."""
    bare = BareSQLite(parent, node_id)
    path = make_url(url).database or ""
    async with aiosqlite.connect(path, isolation_level=None) as bare.connection:
        await bare.connection.execute("PRAGMA foreign_keys = ON")
        yield bare


@asynccontextmanager
async def bare_postgresql(url: str, parent: int, node_id: int) -> AsyncIterator[BarePostgreSQL]:
    """A connection to the server."""
    import asyncpg

    bare = BarePostgreSQL(parent, node_id)
    bare.connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        yield bare
    finally:
        await bare.connection.close()


@asynccontextmanager
async def bare_mariadb(url: str, parent: int, node_id: int) -> AsyncIterator[BareMariaDB]:
    """A connection to the server."""
    import asyncmy

    at = make_url(url)
    bare = BareMariaDB(parent, node_id)
    bare.connection = await asyncmy.connect(
        host=at.host, port=at.port, user=at.username, password=at.password or "", db=at.database
    )
    try:
        yield bare
    finally:
        await bare.connection.ensure_closed()


async def medians(calls: dict[str, Call]) -> dict[str, float]:
    """The median of each call's times, all of them taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            await call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken[ROUNDS // 10 :]) for name, taken in times.items()}


async def measure(report: Report, name: str, url: str, connect: Any) -> None:
    """All calls on one database."""
    labels = count()
    with engine_context(url, create_tables=True):
        root = await write_node(new_node(node_label="bench of calls"))
        fit = await write_model(parent_id=root, label="fit", model=FIT)
        node_id = fit.artifact.node_id

        async def write() -> None:
            await write_model(parent_id=root, label=f"m{next(labels)}", model=FIT)

        async def group() -> None:
            node = new_node(node_parent_id=root.node_id, node_label=f"g{next(labels)}")
            async with ModelGroup(node) as block:
                for i in range(3):
                    block.add_model(f"m{i}", FIT)

        try:
            async with connect(url, root.node_id, node_id) as bare:
                calls: dict[str, Call] = {
                    "bare read": bare.read,
                    "read a model by id": partial(read_model, ModelFilter(node_id=node_id)),
                    "read a node by id": partial(read_node, NodeFilter(node_id=node_id)),
                    "bare write": bare.write,
                    "write a model": write,
                    "bare write of four": partial(bare.write, 4),
                    "a group of three models": group,
                }
                taken = await medians(calls)
        finally:
            await delete_nodes(NodeFilter(node_id=root.node_id))
    peers = {
        "read a model by id": "bare read",
        "read a node by id": "bare read",
        "write a model": "bare write",
        "a group of three models": "bare write of four",
    }
    for call, peer in peers.items():
        limit = LIMITS.get((name, call))
        report.ratio(f"{name}: {call}", [taken[call]], [taken[peer]], limit)


LIMITS = {
    ("SQLite", "read a model by id"): 8,
    ("SQLite", "read a node by id"): 9,
    ("SQLite", "write a model"): 4,
    ("SQLite", "a group of three models"): 6,
    ("PostgreSQL", "read a model by id"): 5,
    ("PostgreSQL", "write a model"): 3,
    ("MariaDB", "read a model by id"): 5,
    ("MariaDB", "write a model"): 3,
}
"""A quarter above what was measured; ``docs/decisions/0030`` says what the rest is."""


async def main() -> int:
    """All databases that answer."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'calls.db'}"
        await measure(report, "SQLite", url, bare_sqlite)
    if os.environ.get("ARTIGRAPH_BENCH_SERVERS", "1") != "0":
        await measure(report, "PostgreSQL", SERVERS["PostgreSQL"], bare_postgresql)
        await measure(report, "MariaDB", SERVERS["MariaDB"], bare_mariadb)
    return report.failures


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
