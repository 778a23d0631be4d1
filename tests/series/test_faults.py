"""Curves where things go wrong: processes killed and forked, databases locked and full."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import create_async_engine

import artigraph
from artigraph import engine_context, get_engine, new_node, set_engine, write_node
from artigraph.errors import SeriesError, SeriesTakenError, SeriesWarning
from artigraph.series import flusher, open_series, read_series

HOME = Path(artigraph.__file__).parents[1]

BEGIN = """
import asyncio, os, sys, time
from artigraph import set_engine
from artigraph.series import open_series
set_engine(sys.argv[1])
node_id = int(sys.argv[2])
"""


def script(body: str, url: str, node_id: int) -> subprocess.Popen[str]:
    """Begin a process that logs to a node."""
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + body, url, str(node_id)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HOME)},
    )


async def test_a_kill_loses_a_second_at_the_most(store: str, database_url: str) -> None:
    """A loop that never yields is killed; what it logged before the last second is there."""
    node = await write_node(new_node())
    logging = script(
        """
series = open_series(node_id)
at = 0
while True:
    series.add(at, loss=time.time())
    print(at, time.time(), flush=True)
    at += 1
    time.sleep(0.005)
""",
        database_url,
        node.node_id,
    )
    assert logging.stdout is not None
    said: list[tuple[int, float]] = []
    while len(said) < 350:
        at, when = logging.stdout.readline().split()
        said.append((int(at), float(when)))
    logging.kill()
    killed = time.time()
    rest, _ = logging.communicate()
    said += [(int(a), float(w)) for a, _, w in (x.partition(" ") for x in rest.splitlines())]
    frame = await read_series(node, max_points=None)
    # A write takes its time as well, on a busy machine.
    old = [at for at, when in said if when < killed - 1.5]
    assert len(old) > 20
    assert list(frame.step)[: len(old)] == old
    # Its process is gone, so that the next one need not wait.
    async with open_series(node) as series:
        series.add(loss=1.0)
    assert len(await read_series(node, max_points=None)) == len(frame) + 1


async def test_another_process_is_refused(store: str, database_url: str) -> None:
    """While one writes, another one is told which process does."""
    node = await write_node(new_node())
    logging = script(
        """
async def main():
    async with open_series(node_id) as series:
        series.add(loss=1.0)
        print("open", flush=True)
        time.sleep(30)
asyncio.run(main())
""",
        database_url,
        node.node_id,
    )
    assert logging.stdout is not None
    assert logging.stdout.readline() == "open\n"
    try:
        with pytest.raises(SeriesTakenError, match=f"process {logging.pid} of this machine"):
            await open_series(node).open()
    finally:
        logging.kill()
        logging.communicate()


async def test_one_that_was_silent_is_taken_over_and_learns_so(store: str) -> None:
    """After a minute another one goes on; the first then keeps its points until it may again."""
    node = await write_node(new_node())
    first, past = await open_series(node).open(), datetime(2020, 1, 1, tzinfo=UTC)
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_series_writer SET writer_at = :at"),
            {"at": past if store == "postgresql" else past.strftime("%Y-%m-%d %H:%M:%S.%f")},
        )
    second = await open_series(node).open()
    second.add(loss=2.0)
    first.add(loss=1.0)
    with pytest.raises(SeriesTakenError, match="another writer of this process"):
        await first.flush()
    await second.close()
    await first.close()
    assert list((await read_series(node)).value) == [2.0, 1.0]


async def test_the_end_of_a_process_writes_the_rest(store: str, database_url: str) -> None:
    """Without a block and without close(), points are written as the process ends."""
    node = await write_node(new_node())
    logging = script(
        "series = open_series(node_id)\nfor at in range(10): series.add(at, loss=at)\n",
        database_url,
        node.node_id,
    )
    _, errors = logging.communicate(timeout=60)
    assert errors == ""
    assert list((await read_series(node)).step) == list(range(10))
    async with (await get_engine()).connect() as connection:
        rows = await connection.execute(text("SELECT count(*) FROM artigraph_series_writer"))
        assert rows.scalar() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
async def test_a_forked_process_writes_nothing_twice(tmp_path: Path) -> None:
    """What waits at a fork is the parent's."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'fork.db'}"
    with engine_context(url, create_tables=True):
        node = await write_node(new_node())
    logging = script(
        """
series = open_series(node_id)
series.add(0, loss=0.0)
pid = os.fork()
if pid == 0:
    series.add(9, loss=9.0)
    time.sleep(0.2)
    os._exit(0)
os.waitpid(pid, 0)
series.add(1, loss=1.0)
asyncio.run(series.close())
""",
        url,
        node.node_id,
    )
    _, errors = logging.communicate(timeout=60)
    assert errors == ""
    with engine_context(url):
        assert list((await read_series(node.node_id)).step) == [0, 1]


async def test_a_locked_database_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another one holds the lock, a loop goes on, is told once, and all is written later."""
    monkeypatch.setattr(flusher, "SLOW", 1)
    file = tmp_path / "locked.db"
    reset = set_engine(f"sqlite+aiosqlite:///{file}?timeout=0.5", create_tables=True)
    node = await write_node(new_node())
    series = open_series(node)
    series.add(0, loss=0.0)
    await series.flush()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def log() -> int:
        ends, at = time.monotonic() + 4, 1
        while time.monotonic() < ends:
            series.add(at, loss=at)
            at += 1
            time.sleep(0.002)
        return at

    with pytest.warns(SeriesWarning) as told:
        count = log()
    assert len(told) == 1
    assert "kept in memory" in str(told[0].message)
    assert told[0].filename == __file__
    other.execute("ROLLBACK")
    other.close()
    await series.close()
    assert list((await read_series(node, max_points=None)).step) == list(range(count))
    reset()


async def test_a_database_that_refuses_is_told_at_close(store: str) -> None:
    """A full disk, say: close() raises with how much is not written, and may be called again."""
    node = await write_node(new_node())
    series = open_series(node)
    series.add(0, loss=1.0)
    await series.flush()

    def refuse(_c: Any, _cursor: Any, statement: str, *_: object) -> None:
        if "artigraph_series_block" in statement and not statement.startswith("SELECT"):
            raise sqlite3.OperationalError("database or disk is full")

    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        for at in range(1, 4):
            series.add(at, loss=1.0)
        with pytest.raises(Exception, match="full") as failed:
            await series.close()
        assert "3 points" in "".join(failed.value.__notes__)
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)
    await series.close()
    assert list((await read_series(node)).step) == [0, 1, 2, 3]


async def test_memory_has_an_end(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written for long, further points are refused at last."""
    monkeypatch.setattr("artigraph.series.waiting.MOST_WAITING", 100)
    monkeypatch.setattr("artigraph.series.writer.MOST_WAITING", 100)
    node = await write_node(new_node())
    series = open_series(node)
    for at in range(100):
        series.add(at, loss=1.0)
    series._flusher.waiting.collect()
    with pytest.raises(SeriesError, match="wait in memory"):
        series.add(loss=1.0)
    await series.close()
    assert len(await read_series(node)) >= 100


async def test_an_engine_of_one_loop_is_served_there(tmp_path: Path) -> None:
    """The memory database of a user's own engine has its curves written by the loop that has it."""
    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    reset = set_engine(engine, create_tables=True)
    node = await write_node(new_node())
    series = open_series(node)
    series.add(loss=1.0)
    await asyncio.sleep(1.4)
    assert len(await read_series(node)) == 1
    series.add(loss=2.0)
    await series.close()
    assert list((await read_series(node)).value) == [1.0, 2.0]
    reset()
    await engine.dispose()


async def test_an_idle_writer_sleeps(store: str) -> None:
    """Where nothing waits, no task does."""
    node = await write_node(new_node())
    series = open_series(node)
    series.add(loss=1.0)
    await asyncio.sleep(1.5)
    assert not series._flusher._is_served
    assert len(await read_series(node)) == 1
    await series.close()
