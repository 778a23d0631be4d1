"""Trees of 100,000 nodes thrown away and locked, against the bare recursive UPDATE.

Names of databases choose where: ``sqlite``, unless given, ``postgresql``, ``mariadb``. Each
gets a database of its own; a tree is given back, and unlocked, between the rounds.
``--small`` takes a tenth of the nodes.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    NodeFilter,
    count_nodes,
    get_engine,
    lock_nodes,
    new_node,
    restore_nodes,
    set_engine,
    trash_nodes,
    unlock_nodes,
    write_node,
    write_nodes,
)
from benchmarks.report import Report, seconds_async

ROUNDS = 5
LEAVES = 99
SERVERS = {
    "postgresql": os.environ.get(
        "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
    ),
    "mariadb": os.environ.get(
        "ARTIGRAPH_TEST_MARIADB", "mariadb+asyncmy://root@127.0.0.1:3306/test"
    ),
}
UPDATE = (
    "UPDATE artigraph_node SET {column} = {value} WHERE node_id IN (SELECT id FROM ("
    "WITH RECURSIVE below(id) AS (SELECT node_id FROM artigraph_node WHERE node_id = {root} "
    "UNION SELECT node_id FROM artigraph_node JOIN below ON node_parent_id = below.id) "
    "SELECT id FROM below) AS found)"
)
NOW = "'2026-01-01 00:00:00.000000'"


async def plant(branches: int) -> int:
    """A root with branches of 99 leaves each, less one row."""
    root = await write_node(new_node(node_label="root"))
    above = await write_nodes([new_node(node_parent_id=root.node_id) for _ in range(branches)])
    await write_nodes([new_node(node_parent_id=b.node_id) for b in above for _ in range(LEAVES)])
    return root.node_id


async def bare(sql: str) -> None:
    async with (await get_engine()).begin() as connection:
        await connection.execute(text(sql))


async def measure(report: Report, database: str, branches: int) -> None:
    # What others have written beside it.
    await plant(branches // 10)
    root = await plant(branches)
    count = branches * (LEAVES + 1) + 1
    here = NodeFilter(node_id=root)
    if database == "postgresql":
        await bare("ANALYZE artigraph_node")

    async def trash() -> None:
        assert await trash_nodes(here) == count

    async def lock() -> None:
        assert await lock_nodes(here) == count

    for name, ours, column in (
        ("trash_nodes", trash, "node_trashed_at"),
        ("lock_nodes", lock, "node_locked_at"),
    ):
        mine, plain = [], []
        for _ in range(ROUNDS):
            marking = UPDATE.format(column=column, value=NOW, root=root)
            plain.append(await seconds_async(partial(bare, marking)))
            await bare(UPDATE.format(column=column, value="NULL", root=root))
            mine.append(await seconds_async(ours))
            await (restore_nodes(root) if ours is trash else unlock_nodes(here))
        report.ratio(f"{database}: {name}, {count:,} rows", mine, plain, 2)
    assert await count_nodes(here) == 1


@asynccontextmanager
async def own_database(name: str) -> AsyncIterator[str]:
    """An empty database of one's own; its address."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'trash.db'}"
        return
    server = create_async_engine(SERVERS[name], isolation_level="AUTOCOMMIT")
    own = f"artigraph_bench_trash_{os.getpid()}"
    async with server.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {own}"))
    try:
        yield make_url(SERVERS[name]).set(database=own).render_as_string(hide_password=False)
    finally:
        async with server.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {own}"))
        await server.dispose()


async def main(names: list[str], branches: int) -> int:
    report = Report()
    for name in names:
        async with own_database(name) as url:
            reset = set_engine(url, create_tables=True)
            await measure(report, name, branches)
            await (await get_engine()).dispose()
            reset()
    return report.failures


if __name__ == "__main__":
    given = [name for name in sys.argv[1:] if not name.startswith("-")]
    size = 100 if "--small" in sys.argv else 1_000
    sys.exit(bool(asyncio.run(main(given or ["sqlite"], size))))
