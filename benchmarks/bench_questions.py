"""Questions about a million models, against SQL written by hand on the same database.

The SQL asks for the same columns through the same driver and parses the same
documents and times, so that a ratio is what artigraph adds: making the statement and
the models. ``--small`` takes a tenth of the models.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from artigraph import (
    DataModel,
    Filter,
    ModelFilter,
    count_models,
    create_field_index,
    get_engine,
    iter_models,
    read_models,
    set_engine,
)
from artigraph.filter.order import ordering_of
from artigraph.orm.node import node_table
from benchmarks.own_database import own_database
from benchmarks.report import Report, seconds_async

ROUNDS = 7
COLUMNS = (
    "node_id, node_parent_id, node_type, node_label, node_created_at, node_updated_at, "
    "model_artifact_type, model_artifact_version, model_artifact_data, model_artifact_parts"
)
START = datetime(2024, 1, 1, tzinfo=UTC)


class Fit(DataModel, version=1):
    """Five plain fields."""

    loss: float
    depth: int
    name: str
    converged: bool
    params: dict[str, float]


class Rare(DataModel, version=1):
    """One in a thousand."""

    loss: float


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Models as rows; the losses are spread evenly between 0 and 1."""
    for i in range(count):
        loss = (i * 7919 % 1_000_003) / 1_000_003
        rare = i % 1000 == 0
        document = (
            {"loss": loss}
            if rare
            else {
                "loss": loss,
                "depth": i % 20,
                "name": f"name{i % 1000}",
                "converged": i % 2 == 0,
                "params": {"dropout": (i % 100) / 100},
            }
        )
        when = START + timedelta(seconds=i)
        kind = "Rare" if rare else "Fit"
        yield (i + 1, f"m{i}", when, kind, json.dumps(document, separators=(",", ":")))


INSERT = (
    "INSERT INTO artigraph_node (node_id, node_label, node_created_at, node_updated_at, "
    "model_artifact_type, model_artifact_data, model_artifact_version, model_artifact_parts, "
    "node_type) VALUES (?, ?, ?, ?, ?, ?, 1, 0, 'model_artifact')"
)


def fill_sqlite(path: Path, count: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(
            INSERT,
            (
                (id_, label, at := f"{when:%Y-%m-%d %H:%M:%S.%f}", at, kind, document)
                for id_, label, when, kind, document in rows(count)
            ),
        )
    connection.close()


async def fill_postgresql(url: str, count: int) -> None:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    try:
        await connection.copy_records_to_table(
            "artigraph_node",
            records=[
                (id_, label, when, when, kind, document, 1, 0, "model_artifact")
                for id_, label, when, kind, document in rows(count)
            ],
            columns=[
                *("node_id", "node_label", "node_created_at", "node_updated_at"),
                *("model_artifact_type", "model_artifact_data", "model_artifact_version"),
                *("model_artifact_parts", "node_type"),
            ],
        )
        await connection.execute("VACUUM ANALYZE artigraph_node")
    finally:
        await connection.close()


async def by_hand(engine: AsyncEngine, sql: str) -> list[Any]:
    """The rows of a statement, with their documents parsed."""
    async with engine.connect() as connection:
        found = (await connection.execute(text(sql))).all()
    return [(*row, parsed(row)) for row in found]


def parsed(row: Any) -> Any:
    if not hasattr(row, "model_artifact_data"):
        return None
    document, created, updated = row.model_artifact_data, row.node_created_at, row.node_updated_at
    if isinstance(document, str):  # PostgreSQL's driver has parsed it already
        document = orjson.loads(document)
    if isinstance(created, str):
        created, updated = datetime.fromisoformat(created), datetime.fromisoformat(updated)
    return document, created, updated


async def plan(engine: AsyncEngine, filter: Filter, order_by: Any, limit: int | None) -> str:
    """How the database goes about a question."""
    ordering = ordering_of(order_by, filter)
    dialect = engine.dialect.name
    query = node_table.select().where(filter.clause()).order_by(*ordering.clauses)
    compiled = query.limit(limit).compile(
        dialect=engine.dialect, compile_kwargs={"literal_binds": True}
    )
    explain = "EXPLAIN QUERY PLAN" if dialect == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        lines = (await connection.exec_driver_sql(f"{explain} {compiled}")).all()
    return "; ".join(str(line[-1]).strip() for line in lines)


async def compare(
    report: Report,
    name: str,
    engine: AsyncEngine,
    ours: Callable[[], Awaitable[Any]],
    sql: str,
    limit: float | None,
) -> None:
    """One question, both ways in turn."""
    mine: list[float] = []
    plain: list[float] = []
    found = await ours()
    wanted = await by_hand(engine, sql)
    assert (found if isinstance(found, int) else len(found)) == (
        wanted[0][0] if isinstance(found, int) else len(wanted)
    ), name
    for _ in range(ROUNDS):
        plain.append(await seconds_async(lambda: by_hand(engine, sql)))
        mine.append(await seconds_async(ours))
    report.ratio(name, mine, plain, limit)


async def questions(report: Report, name: str, count: int) -> None:
    engine = await get_engine()
    number = (
        "json_extract(model_artifact_data, '$.loss')"
        if name == "SQLite"
        else "(model_artifact_data ->> 'loss')::float8"
    )
    selective = Fit.where(lambda f: f.loss < 0.00005)
    broader = Fit.where(lambda f: f.loss < 0.0005)
    every = ModelFilter(model_type=Fit)
    fit = "model_artifact_type = 'Fit'"
    await create_field_index(Fit, "loss")
    async with engine.begin() as connection:
        # The index that somebody would make by hand, for the hand-written query.
        await connection.exec_driver_sql(
            f"CREATE INDEX by_hand ON artigraph_node (model_artifact_type, ({number}))"
        )
        if name == "PostgreSQL":
            await connection.exec_driver_sql("ANALYZE artigraph_node")
    for title, filter, order_by, limit in [
        ("selective", selective, None, None),
        ("newest", every, "-node_created_at", 50),
        ("best", every, "loss", 50),
    ]:
        print(f"  {title}: {await plan(engine, filter, order_by, limit)}")
    where = f"FROM artigraph_node WHERE {fit}"
    await compare(
        report,
        f"{name}: {count:,} models, loss < 0.00005",
        engine,
        lambda: read_models(selective),
        f"SELECT {COLUMNS} {where} AND {number} < 0.00005 ORDER BY node_id",
        2,
    )
    await compare(
        report,
        f"{name}: loss < 0.0005, ten times as many",
        engine,
        lambda: read_models(broader),
        f"SELECT {COLUMNS} {where} AND {number} < 0.0005 ORDER BY node_id",
        None,
    )
    await compare(
        report,
        f"{name}: count of them",
        engine,
        lambda: count_models(selective),
        f"SELECT count(*) {where} AND {number} < 0.00005",
        2,
    )
    await compare(
        report,
        f"{name}: newest 50 of a type",
        engine,
        lambda: read_models(every, order_by="-node_created_at", limit=50),
        f"SELECT {COLUMNS} {where} ORDER BY node_created_at DESC, node_id DESC LIMIT 50",
        2,
    )
    await compare(
        report,
        f"{name}: newest 50 of a rare type",
        engine,
        lambda: read_models(ModelFilter(model_type=Rare), order_by="-node_created_at", limit=50),
        f"SELECT {COLUMNS} FROM artigraph_node WHERE model_artifact_type = 'Rare' "
        "ORDER BY node_created_at DESC, node_id DESC LIMIT 50",
        2,
    )
    await compare(
        report,
        f"{name}: 50 of the lowest loss",
        engine,
        lambda: read_models(every, order_by="loss", limit=50),
        f"SELECT {COLUMNS} {where} ORDER BY {number} NULLS LAST, node_id LIMIT 50",
        2,
    )
    await compare(
        report,
        f"{name}: depth = 3, no index, first 50",
        engine,
        lambda: read_models(Fit.where(lambda f: f.depth == 3), limit=50),
        f"SELECT {COLUMNS} {where} AND "
        + number.replace("loss", "depth")
        + " = 3 ORDER BY node_id LIMIT 50",
        None,
    )
    first, last = await page_times(every)
    report.ratio(f"{name}: page at the end over one at the start", [last], [first], 2)


async def page_times(filter: Filter) -> tuple[float, float]:
    """How long the first page of 1,000 takes, and the last of many."""
    times: list[float] = []
    start = time.perf_counter()
    number = 0
    async for _ in iter_models(filter, page_size=1000):
        number += 1
        if number % 1000 == 0:
            times.append(time.perf_counter() - start)
            start = time.perf_counter()
    return min(times[1:6]), min(times[-5:])


async def main(count: int) -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "questions.db"
        reset = set_engine(f"sqlite+aiosqlite:///{path}", create_tables=True)
        await get_engine()
        fill_sqlite(path, count)
        await questions(report, "SQLite", count)
        reset()
    async with own_database("PostgreSQL", "artigraph_bench") as url:
        reset = set_engine(url, create_tables=True)
        await get_engine()
        await fill_postgresql(url, count)
        await questions(report, "PostgreSQL", count)
        reset()
    return report.failures


if __name__ == "__main__":
    sys.exit(bool(asyncio.run(main(100_000 if "--small" in sys.argv else 1_000_000))))
