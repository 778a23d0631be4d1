"""Processes that write into one database at the same time lose nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text

from artigraph import (
    DataModel,
    ModelArtifact,
    ModelFilter,
    NodeFilter,
    NodeRelationshipFilter,
    NodeTypeFilter,
    engine_context,
    get_engine,
    read_models,
    read_nodes,
)
from tests.conftest import empty_store


class ProcessesFit(DataModel, version=1):
    process: int
    number: int
    note: str = "x"


PREAMBLE = """
import asyncio, os, sys, time
from artigraph import *

class ProcessesFit(DataModel, version=1):
    process: int
    number: int
    note: str = "x"

url, process, ready = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def set_out(ready):
    open(f"{ready}.{process}", "w").close()
    while not os.path.exists(ready):
        time.sleep(0.001)

set_engine(url, create_tables=True)
set_out(ready)
"""

MODELS = """
async def main():
    for number in range(200):
        await write_model(label=f"{process}.{number}", model=ProcessesFit(process, number))
    for start in range(200, 1000, 100):
        await write_models(
            models={f"{process}.{n}": ProcessesFit(process, n) for n in range(start, start + 100)}
        )
asyncio.run(main())
"""

GROUPS = """
async def main():
    for run in range(20):
        async with ModelGroup(new_node(node_label=f"{process}.{run}")) as outer:
            outer.add_models({str(n): ProcessesFit(process, 50 * run + n) for n in range(25)})
            async with ModelGroup(new_node(node_label="inner")) as inner:
                inner.add_models(
                    {str(n): ProcessesFit(process, 50 * run + n) for n in range(25, 50)}
                )
asyncio.run(main())
"""

TABLES = """
async def main():
    node = await write_node(new_node(node_label=str(process)))
    await write_model(parent_id=node.node_id, label="m", model=ProcessesFit(process, 0))
asyncio.run(main())
"""

FILES = """
async def main(number):
    with engine_context(f"{url}{number}", create_tables=True):
        node = await write_node(new_node(node_label=str(process)))
        await write_model(parent_id=node.node_id, label="m", model=ProcessesFit(process, 0))
for number in range(3):
    set_out(f"{ready}.{number}")
    asyncio.run(main(number))
"""

VICTIM = """
async def main():
    async with new_session():
        for n in range(5):
            await write_models(models={f"v{n}.{i}": ProcessesFit(9, i) for i in range(200)})
        print("inside", flush=True)
        time.sleep(60)
asyncio.run(main())
"""


def start(script: str, url: str, process: int, ready: Path) -> subprocess.Popen[str]:
    """Start Python on a script."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PREAMBLE + script, url, str(process), str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_together(script: str, url: str, folder: Path, count: int = 2, times: int = 0) -> None:
    """Run a script in several processes that set out at the same moment, perhaps more times."""
    first = folder / f"ready-{time.monotonic_ns()}"
    processes = [start(script, url, n, first) for n in range(count)]
    for ready in [first, *(Path(f"{first}.{number}") for number in range(times))]:
        deadline = time.monotonic() + 300
        while not all(Path(f"{ready}.{n}").exists() for n in range(count)):
            assert time.monotonic() < deadline
            dead = [process.communicate() for process in processes if process.poll() is not None]
            assert dead == [], "a process ended before it began"
            time.sleep(0.005)
        ready.touch()
    ended = [(*process.communicate(timeout=300), process.returncode) for process in processes]
    assert ended == [("", "", 0)] * count


async def check_models(count: int) -> None:
    """Every process's models are there, once each."""
    found = await read_models(ModelFilter(model_type=ProcessesFit))
    assert Counter((m.value.process, m.value.number) for m in found) == Counter(
        (process, number) for process in range(count) for number in range(1000)
    )
    assert len({m.artifact.node_id for m in found}) == 1000 * count


async def test_two_processes_write_groups(tmp_path: Path) -> None:
    """The same with nested groups: every group is whole."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    await asyncio.to_thread(run_together, GROUPS, url, tmp_path)
    with engine_context(url, create_tables=True):
        await check_models(2)
        outer = NodeFilter(label=[f"{p}.{run}" for p in range(2) for run in range(20)])
        groups = await read_nodes(outer)
        assert len(groups) == 40
        inner = NodeFilter(label="inner", relationship=NodeRelationshipFilter(child_of=groups))
        assert len(await read_nodes(inner)) == 40
        per_group = Counter(
            m.artifact.node_parent_id for m in await read_models(ModelFilter())
        ).values()
        assert set(per_group) == {25}


async def test_four_processes_create_one_file(tmp_path: Path) -> None:
    """Creating file, journal and tables at the same moment, three times, raises in none of them."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    await asyncio.to_thread(run_together, FILES, url, tmp_path, 4, 3)
    for number in range(3):
        with engine_context(f"{url}{number}", create_tables=True):
            roots = await read_nodes(NodeTypeFilter(not_type=ModelArtifact))
            assert {node.node_label for node in roots} == set("0123")


async def test_a_writer_that_is_killed_leaves_nothing_half_written(tmp_path: Path) -> None:
    """SIGKILL inside a transaction: its rows are gone, and another writer that waits goes on."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    ready = tmp_path / "ready"
    ready.touch()
    victim = start(VICTIM, url, 9, ready)
    assert victim.stdout is not None
    assert (await asyncio.to_thread(victim.stdout.readline)) == "inside\n"
    other = start(TABLES, url, 1, ready)
    await asyncio.sleep(1)
    assert other.poll() is None, "the other one must wait for its turn"
    os.kill(victim.pid, signal.SIGKILL)
    _, errors = await asyncio.to_thread(other.communicate, timeout=300)
    assert (other.returncode, errors) == (0, "")
    await asyncio.to_thread(victim.communicate)
    with engine_context(url, create_tables=True):
        assert {node.node_label for node in await read_nodes(NodeFilter())} == {"1", "m"}


async def test_processes_make_the_tables_at_once(database_url: str, tmp_path: Path) -> None:
    """In every database: nobody fails, the table is made once, and all rows are there."""
    with engine_context(database_url, create_tables=True):
        await empty_store()
        await drop_tables()
    await asyncio.to_thread(run_together, TABLES, database_url, tmp_path, 3)
    with engine_context(database_url, create_tables=True):
        models = await read_models(ModelFilter())
        assert sorted(m.value.process for m in models) == [0, 1, 2]
        await empty_store()


async def test_processes_write_into_each_database(
    database: str, database_url: str, tmp_path: Path
) -> None:
    """Two write 1,000 models each, and the tables or SQLite's file first: none is lost."""
    if database == "sqlite":
        database_url = f"sqlite+aiosqlite:///{tmp_path / 'shared.db'}"
    else:
        with engine_context(database_url, create_tables=True):
            await drop_tables()
    with engine_context(database_url, create_tables=True):
        await asyncio.to_thread(run_together, MODELS, database_url, tmp_path)
        await check_models(2)
        await empty_store()


async def drop_tables() -> None:
    """Make the database as new."""
    engine = await get_engine()
    async with engine.begin() as connection:
        series = ("series_block", "series_writer", "series")
        for table in (*series, "note", "tag", "trash", "schema", "node"):
            await connection.execute(text(f"DROP TABLE artigraph_{table}"))
        if connection.dialect.name != "sqlite":
            await connection.execute(text("DROP SEQUENCE IF EXISTS artigraph_node_id_seq"))
