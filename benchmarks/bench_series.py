"""Curves against a row a point in the same database, and against reading their blocks alone.

``add()`` is timed in a thread of its own, as a training loop calls it: each call, with whatever
the thread that writes takes of the interpreter meanwhile.
"""

from __future__ import annotations

import asyncio
import math
import random
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import select, text

from artigraph import NodeFilter, get_engine, new_node, set_engine, write_node, write_nodes
from artigraph.orm.series import SeriesBlockRecord
from artigraph.series import open_series, read_series
from benchmarks.report import Report, seconds_async

ROUNDS = 5
CALL_LIMIT = 2.0
BYTES_LIMIT = 11.0
POINTS = 10_000
CURVES, LENGTH = 1_000, 500


def noisy(count: int) -> list[float]:
    """A loss as runs have one: it falls, with noise in every digit."""
    dice = random.Random(1)
    return [math.exp(-at / 300) + dice.gauss(0, 0.01) for at in range(count)]


async def calls(report: Report) -> None:
    """How long a call of add() takes in its caller."""
    node = await write_node(new_node())
    async with open_series(node) as series:
        for names in (("loss",), ("loss", "accuracy")):
            given = dict.fromkeys(names, 0.5)
            add, rounds = series.add, []
            for _ in range(20):
                began = time.perf_counter()
                for at in range(900):
                    add(at, **given)
                rounds.append((time.perf_counter() - began) / 900 * 1e6)
                await series.flush()
            figure = statistics.median(rounds)
            report.value(f"add() of {len(names)} numbers, us a call", figure, CALL_LIMIT)


async def size(report: Report, file: Path) -> None:
    """How many bytes a point takes in the file."""
    node = await write_node(new_node())

    def used() -> int:
        with sqlite3.connect(file) as connection:
            ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
            ((free,),) = connection.execute("PRAGMA freelist_count").fetchall()
            ((each,),) = connection.execute("PRAGMA page_size").fetchall()
        return int((pages - free) * each)

    before, values = used(), noisy(100_000)
    async with open_series(node) as series:
        for at, value in enumerate(values):
            series.add(at, loss=value)
            if at % 1_000 == 0:
                await series.flush()
    report.value("bytes a point in a SQLite file", (used() - before) / len(values), BYTES_LIMIT)


async def one_curve(report: Report) -> None:
    """A curve of 10,000 points against the same points as rows."""
    node, values = await write_node(new_node()), noisy(POINTS)
    async with open_series(node) as series:
        for at, value in enumerate(values):
            series.add(at, loss=value)
    engine = await get_engine()
    async with engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE point (run INTEGER, name TEXT, step INTEGER, at REAL, value REAL)")
        )
        await connection.execute(text("CREATE INDEX point_of ON point (run, name, step)"))
        rows = [
            {"run": 1, "step": at, "at": time.time(), "value": value}
            for at, value in enumerate(values)
        ]
        await connection.execute(
            text("INSERT INTO point VALUES (:run, 'loss', :step, :at, :value)"), rows
        )

    async def by_rows() -> None:
        import pandas as pd

        async with engine.connect() as connection:
            query = text(
                "SELECT run, name, step, at, value FROM point WHERE run = 1 AND name = 'loss' "
                "ORDER BY step"
            )
            found = (await connection.execute(query)).all()
        frame = pd.DataFrame(found, columns=["run", "name", "step", "at", "value"])
        assert len(frame) == POINTS

    async def ours() -> None:
        assert len(await read_series(node, max_points=None)) == POINTS

    await ours()
    await by_rows()
    report.ratio(
        f"a curve of {POINTS:,} points / as rows",
        [await seconds_async(ours) for _ in range(ROUNDS)],
        [await seconds_async(by_rows) for _ in range(ROUNDS)],
        1 / 6,
    )


async def many_curves(report: Report) -> None:
    """1,000 curves of 500 points against one SELECT of their blocks."""
    nodes = await write_nodes([new_node() for _ in range(CURVES)])
    values = noisy(LENGTH)
    for node in nodes:
        async with open_series(node) as series:
            for at, value in enumerate(values):
                series.add(at, loss=value)
    ids = [node.node_id for node in nodes]
    engine = await get_engine()

    async def blocks() -> None:
        async with engine.connect() as connection:
            columns = SeriesBlockRecord.__table__.c
            query = select(columns.block_series_id, columns.block_count, columns.block_data)
            assert len((await connection.execute(query)).all()) >= CURVES

    async def ours() -> None:
        frame = await read_series(NodeFilter(node_id=ids))
        assert len(frame) == CURVES * LENGTH

    await ours()
    await blocks()
    report.ratio(
        f"{CURVES:,} curves x {LENGTH} points / one SELECT of the blocks",
        [await seconds_async(ours) for _ in range(ROUNDS)],
        [await seconds_async(blocks) for _ in range(ROUNDS)],
        4.0,
    )


async def main(report: Report) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.db"
        reset = set_engine(f"sqlite+aiosqlite:///{file}", create_tables=True)
        await calls(report)
        await size(report, file)
        await one_curve(report)
        await many_curves(report)
        reset()


if __name__ == "__main__":
    report = Report()
    asyncio.run(main(report))
    raise SystemExit(report.failures > 0)
