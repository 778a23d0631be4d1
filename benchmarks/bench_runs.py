"""Runs: what a block costs, and a table of many, each against the bare driver or pandas.

python -m benchmarks.bench_runs [RUNS]
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import aiosqlite
import pandas as pd
from sqlalchemy import insert

from artigraph import engine_context, read_runs, start_run, write_nodes
from artigraph.db.session import write
from artigraph.orm.base import utc_now
from artigraph.orm.run import TrackedRun
from artigraph.orm.series import SeriesRecord
from benchmarks.report import Report, seconds, seconds_async

ROUNDS = 200
_PATHS = """WITH RECURSIVE up(node_id, parent_id, path) AS (
SELECT node_id, node_parent_id, node_label FROM artigraph_node WHERE node_type = 'artigraph_run'
UNION ALL SELECT up.node_id, above.node_parent_id, above.node_label || '/' || up.path
FROM up JOIN artigraph_node AS above ON above.node_id = up.parent_id)
SELECT node_id, path FROM up WHERE parent_id IS NULL"""
_BELOW = """SELECT child.node_parent_id, child.node_label, child.model_artifact_data
FROM artigraph_node AS child JOIN artigraph_node AS run ON run.node_id = child.node_parent_id
WHERE run.node_type = 'artigraph_run' AND child.node_type = 'model_artifact'"""
NAMES = [f"n{i}" for i in range(10)]


async def _blocks(report: Report, folder: Path) -> None:
    """A block that does nothing, against two transactions of one statement each."""
    path = folder / "blocks.db"
    ours: list[float] = []
    plain: list[float] = []
    with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
        async with (
            start_run("sweep") as sweep,
            aiosqlite.connect(path, isolation_level=None) as bare,
        ):
            await asyncio.sleep(2)  # until the environment is known, as in any sweep
            for number in range(ROUNDS):
                start = time.perf_counter()
                async with start_run(f"r{number}", lr=0.1, depth=3):
                    pass
                ours.append(time.perf_counter() - start)
                start = time.perf_counter()
                for change in ("node_label = node_label", "node_updated_at = node_updated_at"):
                    await bare.execute("BEGIN IMMEDIATE")
                    await bare.execute(
                        f"UPDATE artigraph_node SET {change} WHERE node_id = ?",  # ours
                        (sweep.node.node_id,),
                    )
                    await bare.execute("COMMIT")
                plain.append(time.perf_counter() - start)
    ours.sort(), plain.sort()
    report.ratio("a run's block / two transactions", ours[ROUNDS // 2 :], plain[ROUNDS // 2 :], 2)


async def _table(report: Report, folder: Path, runs: int) -> None:
    """All parameters and metrics of many runs, against pandas and SQL by hand."""
    path = folder / "table.db"
    with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
        now = utc_now()
        nodes = [
            TrackedRun(
                node_label=f"r{number}",
                tracked_run_status="finished",
                tracked_run_started_at=now,
                tracked_run_ended_at=now,
                tracked_run_params={name: number / (i + 1) for i, name in enumerate(NAMES)},
            )
            for number in range(runs)
        ]
        await write_nodes(nodes)
        curves = [
            {
                "series_node_id": node.node_id,
                "series_name": f"m{name}",
                "series_points": 100,
                "series_last_step": 99,
                "series_last": 0.5,
                "series_min": 0.1,
                "series_max": 0.9,
            }
            for node in nodes
            for name in NAMES
        ]
        async with write() as transaction:
            for start in range(0, len(curves), 10_000):
                await transaction.connection.execute(
                    insert(SeriesRecord), curves[start : start + 10_000]
                )
        ours = [await seconds_async(_ours) for _ in range(5)]
    plain = [seconds(lambda: _by_hand(path)) for _ in range(5)]
    report.ratio(f"read_runs of {runs:,} / read_sql and pivot", ours, plain, 1.5)


async def _ours() -> pd.DataFrame:
    return (await read_runs()).to_pandas()


def _by_hand(path: Path) -> Any:
    with closing(sqlite3.connect(path)) as connection:
        params = ", ".join(f"json_extract(tracked_run_params, '$.{n}') AS {n}" for n in NAMES)
        runs = pd.read_sql(
            "SELECT node_id, node_label, tracked_run_status, tracked_run_started_at, "  # ours
            f"tracked_run_ended_at, {params} FROM artigraph_node "
            "WHERE node_type = 'artigraph_run'",
            connection,
            index_col="node_id",
            parse_dates=["tracked_run_started_at", "tracked_run_ended_at"],
        )
        series = pd.read_sql(
            "SELECT series_node_id, series_name, series_last, series_min, series_max, "
            "series_points FROM artigraph_series",
            connection,
        )
    wide = series.pivot_table(
        index="series_node_id",
        columns="series_name",
        values=["series_last", "series_min", "series_max", "series_points"],
    )
    wide.columns = [".".join(column) for column in wide.columns]
    with closing(sqlite3.connect(path)) as connection:
        # Where each run hangs, and what hangs on it and was said of it.
        paths = pd.read_sql(_PATHS, connection, index_col="node_id")
        pd.read_sql("SELECT tag_node_id, tag_name, tag_value FROM artigraph_tag", connection)
        pd.read_sql(_BELOW, connection)
    return runs.join(wide).join(paths)


async def main(runs: int) -> int:
    """Run all; how many limits were missed."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        await _blocks(report, Path(folder))
        await _table(report, Path(folder), runs)
    return report.failures


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)) > 0)
