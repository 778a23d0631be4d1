"""Runs found by columns and parameters, against SQL written by hand on the same database.

The SQL asks for the same columns through the same driver and makes the same Python values of
documents and times, so that a ratio is what artigraph adds: making the statement and the nodes.
100,000 runs unless ``--million`` is said; ``--small`` takes 10,000.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import insert, text

from artigraph import (
    NodeFilter,
    TrackedRun,
    create_field_index,
    get_engine,
    read_frame,
    read_nodes,
    set_engine,
)
from artigraph.filter.order import ordering_of
from artigraph.orm.node import node_table
from benchmarks.own_database import own_database
from benchmarks.report import Report, seconds_async

ROUNDS = 9
START = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = ", ".join(column.name for column in node_table.columns)
NUMBERS = {
    "SQLite": "json_extract(tracked_run_params, '$.{}')",
    "PostgreSQL": "CAST(tracked_run_params ->> '{}' AS float8)",
}
TYPES = "node_type IN ('artigraph_cell_run', 'artigraph_run') AND node_trashed_at IS NULL"


def row(at: int) -> dict[str, Any]:
    """A run; every tenth has failed, and the learning rates are spread between 0 and 1."""
    moment = START + timedelta(seconds=at)
    return {
        "node_type": "artigraph_run",
        "node_label": f"run {at}",
        "node_created_at": moment,
        "node_updated_at": moment,
        "tracked_run_status": "failed" if at % 10 == 0 else "finished",
        "tracked_run_started_at": moment,
        "tracked_run_ended_at": moment + timedelta(seconds=30),
        "tracked_run_params": {
            "lr": (at * 7919 % 1_000_003) / 1_000_003,
            "depth": at % 20,
            "optimizer": "adam",
            "data": {"name": f"set {at % 5}", "rows": at},
        },
    }


async def fill(count: int) -> None:
    """Write the runs."""
    engine = await get_engine()
    async with engine.begin() as connection:
        for start in range(0, count, 10_000):
            rows = [row(at) for at in range(start, min(start + 10_000, count))]
            await connection.execute(insert(node_table), rows)


async def by_hand(sql: str) -> list[Any]:
    """What the hand-written SQL finds, with documents and times as Python has them."""
    engine = await get_engine()
    async with engine.connect() as connection:
        found = (await connection.execute(text(sql))).all()
    return [tuple(map(_parsed, one)) for one in found]


def _parsed(value: Any) -> Any:
    if isinstance(value, str) and value[:1] == "{":
        return orjson.loads(value)
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == " ":
        return datetime.fromisoformat(value)
    return value


async def questions(report: Report, name: str, count: int) -> None:
    """The questions, in turn with their SQL."""
    lr = NUMBERS[name].format("lr")
    two = TrackedRun.where(lambda r: (r.status == "finished") & (r.params["lr"] < 0.1))
    rare = TrackedRun.where(lambda r: (r.status == "failed") & (r.params["lr"] < 0.001))
    find = f"SELECT {COLUMNS} FROM artigraph_node WHERE {TYPES}"
    common = f"{find} AND tracked_run_status = 'finished' AND {lr} < 0.1"
    scarce = f"{find} AND tracked_run_status = 'failed' AND {lr} < 0.001"
    newest = "ORDER BY tracked_run_started_at DESC NULLS LAST, node_id DESC LIMIT 50"

    async def compare(title: str, filter: NodeFilter, order: str, sql: str, limit: float) -> None:
        mine: list[float] = []
        plain: list[float] = []
        found = [node.node_id for node in await read_nodes(filter, order_by=order, limit=50)]
        place = COLUMNS.split(", ").index("node_id")
        assert found == [one[place] for one in await by_hand(sql)], title
        for _ in range(ROUNDS):
            plain.append(await seconds_async(lambda: by_hand(sql)))
            mine.append(await seconds_async(lambda: read_nodes(filter, order_by=order, limit=50)))
        report.ratio(f"{name}: {count:,} runs, {title}", mine, plain, limit)

    for indexed in ("", ", indexes"):
        if indexed:
            await create_field_index(TrackedRun, "params.lr")
            await create_field_index(TrackedRun, "started_at")
            engine = await get_engine()
            async with engine.begin() as connection:
                # Those that somebody would make by hand, for the hand-written queries.
                await connection.exec_driver_sql(
                    f"CREATE INDEX by_hand_lr ON artigraph_node (node_type, ({lr}))"
                )
                if name == "PostgreSQL":
                    await connection.exec_driver_sql("ANALYZE artigraph_node")
            print(f"  {await plan(two)}")
        await compare(
            f"newest 50 of two conditions{indexed}", two, "-started_at", f"{common} {newest}", 2
        )
        await compare(f"newest 50 of few{indexed}", rare, "-started_at", f"{scarce} {newest}", 2)
        await compare(
            f"last 50 written{indexed}", two, "-id", f"{common} ORDER BY node_id DESC LIMIT 50", 2
        )
    mine = [await seconds_async(lambda: read_frame(two, order_by="-started_at", limit=10_000))]
    plain = [await seconds_async(lambda: by_hand(f"{common} {newest[:-2]}10000"))]
    report.ratio(f"{name}: frame of up to 10,000 of them", mine, plain)


async def plan(filter: NodeFilter) -> str:
    """How the database goes about the newest of a question."""
    engine = await get_engine()
    query = node_table.select().where(filter.clause())
    query = query.order_by(*ordering_of("-started_at", filter).clauses).limit(50)
    sql = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        lines = (await connection.exec_driver_sql(f"{explain} {sql}")).all()
    return "; ".join(str(line[-1]).strip()[:120] for line in lines)


async def main(count: int) -> int:
    """Measure on SQLite and on PostgreSQL."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'where.db'}"
        reset = set_engine(url, create_tables=True)
        await fill(count)
        await questions(report, "SQLite", count)
        reset()
    async with own_database("PostgreSQL", "artigraph_bench_where") as url:
        reset = set_engine(url, create_tables=True)
        await fill(count)
        await questions(report, "PostgreSQL", count)
        reset()
    return report.failures


if __name__ == "__main__":
    counts = {"--small": 10_000, "--million": 1_000_000}
    chosen = next((counts[one] for one in sys.argv[1:] if one in counts), 100_000)
    sys.exit(bool(asyncio.run(main(chosen))))
