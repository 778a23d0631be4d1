"""Descendants, counts and trees, against the bare recursive query on the same database.

A root has 100,000 nodes below it: 1,000 branches of 99 leaves each; another
has 50,000 children. On SQLite the bare query goes through ``sqlite3``; on
PostgreSQL, where ``ARTIGRAPH_BENCH_POSTGRESQL`` names an empty database, through
asyncpg. No plan may scan the table.
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Select, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph import (
    Node,
    NodeRelationshipFilter,
    count_children,
    count_descendants,
    count_nodes,
    get_engine,
    new_node,
    read_nodes,
    read_paths,
    read_tree,
    set_engine,
    to_networkx,
    write_node,
    write_nodes,
)
from artigraph.orm.node import node_table
from artigraph.outline.tree_query import select_children
from benchmarks.report import Report, seconds_async

ROUNDS = 5
BRANCHES = 1_000
LEAVES = 99
FAN = 50_000

BELOW = (
    "WITH RECURSIVE below(id) AS (SELECT node_id FROM artigraph_node WHERE node_parent_id = {root} "
    "UNION SELECT node_id FROM artigraph_node JOIN below ON node_parent_id = below.id) "
)
ROWS = BELOW + "SELECT * FROM artigraph_node WHERE node_id IN (SELECT id FROM below)"
NUMBER = BELOW + "SELECT count(*) FROM artigraph_node WHERE node_id IN (SELECT id FROM below)"
COUNT = BELOW + "SELECT count(*) FROM below"
CHILD_COUNTS = (
    "SELECT node_parent_id, count(*) FROM artigraph_node WHERE node_parent_id IN ({ids}) "
    "GROUP BY node_parent_id"
)
DESCENDANT_COUNTS = (
    "WITH RECURSIVE below(top, id) AS (SELECT node_parent_id, node_id FROM artigraph_node "
    "WHERE node_parent_id IN ({ids}) UNION SELECT below.top, node_id FROM artigraph_node "
    "JOIN below ON node_parent_id = below.id) SELECT top, count(*) FROM below GROUP BY top"
)

Ask = Callable[[str], Awaitable[list[Any]]]
"""Runs SQL as it stands and returns its rows."""


async def plant() -> tuple[int, list[int], int]:
    """The root of 100,000, its branches, and the node with 50,000 children."""
    root = await write_node(new_node())
    branches = await write_nodes([Node(node_parent_id=root.node_id) for _ in range(BRANCHES)])
    await write_nodes([Node(node_parent_id=b.node_id) for b in branches for _ in range(LEAVES)])
    fan = await write_node(new_node())
    await write_nodes([Node(node_parent_id=fan.node_id) for _ in range(FAN)])
    return root.node_id, [branch.node_id for branch in branches], fan.node_id


async def compare(
    report: Report,
    name: str,
    ours: Callable[[], Awaitable[object]],
    bare: Callable[[], Awaitable[object]],
    limit: float | None,
) -> None:
    mine, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(await seconds_async(bare))
        mine.append(await seconds_async(ours))
    report.ratio(name, mine, theirs, limit)


async def measure(report: Report, database: str, ask: Ask) -> None:
    root, branches, fan = await plant()
    dialect = (await get_engine()).dialect
    if database == "postgresql":
        await ask("ANALYZE artigraph_node")
    below = NodeRelationshipFilter(descendant_of=root)

    def compiled(query: Select[Any]) -> str:
        return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    of_filter = compiled(select(node_table).where(below.clause()))
    rows, number, count = (query.format(root=root) for query in (ROWS, NUMBER, COUNT))
    assert len(await ask(of_filter)) == len(await ask(rows)) == BRANCHES * (LEAVES + 1)
    size = f"{BRANCHES * (LEAVES + 1):,} below"
    on = f"{database}: "
    await compare(
        report, f"{on}the filter's query, {size}", partial(ask, of_filter), partial(ask, rows), 2
    )
    await compare(
        report, f"{on}read_nodes, {size}", partial(read_nodes, below), partial(ask, rows), None
    )
    await compare(
        report, f"{on}count_nodes, {size}", partial(count_nodes, below), partial(ask, number), 2
    )
    await compare(
        report,
        f"{on}count_descendants, {size}",
        partial(count_descendants, root),
        partial(ask, count),
        2,
    )
    ids = ", ".join(map(str, branches))
    many = f"{BRANCHES:,} nodes"
    await compare(
        report,
        f"{on}count_children of {many}",
        partial(count_children, branches),
        partial(ask, CHILD_COUNTS.format(ids=ids)),
        2,
    )
    await compare(
        report,
        f"{on}count_descendants of {many}",
        partial(count_descendants, branches),
        partial(ask, DESCENDANT_COUNTS.format(ids=ids)),
        2,
    )
    assert set((await count_children(branches)).values()) == {LEAVES}
    assert set((await count_descendants(branches)).values()) == {LEAVES}
    times = [await seconds_async(partial(read_tree, fan)) for _ in range(20)]
    report.median(f"{on}read_tree of {FAN:,} children, median", times, 100)
    times = [await seconds_async(partial(read_tree, root)) for _ in range(10)]
    report.median(f"{on}read_tree, 421 of {size}, median", times, 250)
    times = [await seconds_async(partial(read_paths, branches)) for _ in range(5)]
    report.median(f"{on}read_paths of {many}, median", times, 500)
    whole = partial(to_networkx, root, max_nodes=None)
    times = [await seconds_async(whole) for _ in range(2)]
    report.median(f"{on}to_networkx, {size}, median", times, 20_000)
    for query in (
        select(node_table.c.node_id).where(below.clause()),
        select(node_table.c.node_id).where(NodeRelationshipFilter(ancestor_of=branches).clause()),
        select_children(branches, (), 20, 1000),
        select_children([fan], (), None, 1000),
    ):
        await check_plan(report, database, ask, compiled(query))


async def check_plan(report: Report, database: str, ask: Ask, query: str) -> None:
    """Count what reads the whole table."""
    explain = "EXPLAIN QUERY PLAN " if database == "sqlite" else "EXPLAIN "
    plan = [str(row[-1]) for row in await ask(explain + query)]
    scan = re.compile(r"SCAN artigraph_node|Seq Scan on artigraph_node")
    scans = [line for line in plan if scan.search(line)]
    report.value(f"{database}: full scans in a plan", len(scans), 0)
    if scans:
        print("\n".join(plan))


async def on_sqlite(report: Report, folder: Path) -> None:
    file = folder / "artigraph.db"
    set_engine(f"sqlite+aiosqlite:///{file}", create_tables=True)
    with closing(sqlite3.connect(file)) as connection:

        async def ask(query: str) -> list[Any]:
            return connection.execute(query).fetchall()

        await measure(report, "sqlite", ask)


async def on_postgresql(report: Report, url: str) -> None:
    set_engine(url, create_tables=True)
    async with (await get_engine()).connect() as connection:
        raw = await driver_connection(connection)

        async def ask(query: str) -> list[Any]:
            found: list[Any] = await raw.fetch(query)
            return found

        await measure(report, "postgresql", ask)
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("TRUNCATE artigraph_node"))


async def driver_connection(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        await on_sqlite(report, Path(folder))
    if url := os.environ.get("ARTIGRAPH_BENCH_POSTGRESQL"):
        await on_postgresql(report, make_url(url).render_as_string(hide_password=False))
    return report.failures


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
