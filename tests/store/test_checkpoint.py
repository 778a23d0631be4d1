"""An SQLite file alone is whole once nobody writes: a copy of it has every row."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    NodeFilter,
    count_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    set_engine,
    write_node,
)

PREAMBLE = """
import asyncio, atexit, os, resource, sys
from artigraph import *
from artigraph.dialect.sqlite import checkpoint
checkpoint.QUIET = 3600  # what is whole now is so because the process ended

def write(loop=None):
    (loop.run_until_complete if loop else asyncio.run)(write_node(new_node()))

loop = asyncio.new_event_loop()  # as a kernel's: its connections are never closed
set_engine(sys.argv[1], create_tables=True)
"""


def address(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def rows_in_copy(file: Path) -> int:
    """How many nodes a copy of the one file has; -1 if it has not even the table."""
    copy = file.with_name("copy.db")
    shutil.copyfile(file, copy)
    with closing(sqlite3.connect(copy)) as connection:
        try:
            (found,) = connection.execute("SELECT count(*) FROM artigraph_node").fetchone()
        except sqlite3.OperationalError:
            found = -1
    for left in file.parent.glob("copy.db*"):
        left.unlink()
    return int(found)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in a second, and on a busy machine later."""
    deadline = time.monotonic() + 300
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def names_of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[Path]:
    """A store whose connections stay open, as a kernel's do."""
    reset = set_engine(address(file), create_tables=True)
    await get_engine()
    yield file
    reset()


@contextmanager
def held_open(file: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection, so that closing ours moves nothing."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield other


def run(script: str, file: Path) -> None:
    # A loop that is left open is what these programs are about.
    warnings = ["-W", "error", "-W", "ignore::ResourceWarning"]
    ended = subprocess.run(
        [sys.executable, *warnings, "-c", PREAMBLE + script, address(file)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


# ----------------------------------------------------------------------- idle


async def by_call() -> None:
    await write_node(new_node())


async def by_session() -> None:
    async with new_session() as session:
        session.add(new_node())


async def by_statement() -> None:
    insert = (
        "INSERT INTO artigraph_node (node_type, node_created_at, node_updated_at) "
        "VALUES ('node', '2026-01-01', '2026-01-01')"
    )
    async with (await get_engine()).begin() as connection:
        await connection.execute(text(insert))


@pytest.mark.parametrize("write", [by_call, by_session, by_statement])
async def test_whole_while_connections_are_open(
    store: Path, write: Callable[[], asyncio.Future[None]]
) -> None:
    """A moment after a write, however it was made, and again after the next one."""
    for count in (1, 2):
        await write()
        await until(lambda n=count: rows_in_copy(store) == n)  # type: ignore[misc]  # n is an int
        await until(lambda: store.with_name("test.db-wal").stat().st_size == 0)


async def test_tables_alone(store: Path) -> None:
    """Of a store in which nothing was written yet, a copy has the tables."""
    await until(lambda: rows_in_copy(store) == 0)


@pytest.mark.parametrize("used", [False, True])
async def test_engine_of_the_user(file: Path, used: bool) -> None:
    """An engine that was given, fresh or at work before, makes its file whole as well."""
    engine = create_async_engine(address(file))
    if used:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE mine (x INTEGER)"))
    reset = set_engine(engine, create_tables=True)
    await write_node(new_node())
    await until(lambda: rows_in_copy(file) == 1)
    reset()


@pytest.mark.parametrize("name", ["a#b%20c.db", "a?mode=ro.db", "ä b.db", "file:x.db"])
async def test_names_with_signs(tmp_path: Path, name: str) -> None:
    """Signs that mean something in an address mean nothing in a file's name."""
    reset = set_engine(
        URL.create("sqlite+aiosqlite", database=str(tmp_path / name)), create_tables=True
    )
    await write_node(new_node())
    await until(lambda: rows_in_copy(tmp_path / name) == 1)
    reset()


async def test_address_with_options(file: Path) -> None:
    """So does a file that is named by ``file:…?…``."""
    reset = set_engine(
        f"sqlite+aiosqlite:///file:{file}?uri=true&cache=private&mode=rwc", create_tables=True
    )
    await write_node(new_node())
    await until(lambda: rows_in_copy(file) == 1)
    reset()


async def test_reader_in_the_way(store: Path) -> None:
    """A long read keeps the journal in use; when it is over, the file becomes whole."""
    await write_node(new_node())
    with held_open(store) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM artigraph_node").fetchone()
        await write_node(new_node())
        await asyncio.sleep(1.5)
        assert store.with_name("test.db-wal").stat().st_size > 0
        other.execute("COMMIT")
        await until(lambda: store.with_name("test.db-wal").stat().st_size == 0)
    assert rows_in_copy(store) == 2


async def test_writer_in_the_way(store: Path) -> None:
    """An open transaction is not disturbed, and what was committed before it is in the file."""
    async with new_session():
        await write_node(new_node())
        await until(lambda: rows_in_copy(store) == 0)
        await write_node(new_node())
    await until(lambda: rows_in_copy(store) == 2)


async def test_memory_and_idle_files_have_no_thread(store: Path) -> None:
    """A memory database has nothing to move, and the thread ends once every file is whole."""
    await write_node(new_node())
    await until(lambda: "artigraph-checkpoint" not in names_of_threads())
    assert rows_in_copy(store) == 1
    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        await write_node(new_node())
        assert "artigraph-checkpoint" not in names_of_threads()


# ---------------------------------------------------------------- at the ends


async def test_reset_and_end_of_context(file: Path) -> None:
    """The file is whole once ``reset()`` has returned, and a context has ended."""
    reset = set_engine(address(file), create_tables=True)
    await write_node(new_node())
    with held_open(file):
        await write_node(new_node())
        reset()
        assert rows_in_copy(file) == 2
        with engine_context(address(file)):
            await write_node(new_node())
        assert rows_in_copy(file) == 3


async def test_two_settings_on_one_file(store: Path) -> None:
    """One that ends makes the file whole for both, and the other goes on."""
    await write_node(new_node())
    with engine_context(address(store)):
        await write_node(new_node())
    assert rows_in_copy(store) == 2
    await write_node(new_node())
    await until(lambda: rows_in_copy(store) == 3)


ENDS = {
    "loop left open": "write(loop)",
    "sys.exit": "write(loop); sys.exit(0)",
    "asyncio.run": "write()",
    "loop and asyncio.run": "write(loop); write()",
    "written at exit": "atexit.register(write, loop); loop.run_until_complete(get_engine())",
    "in a transaction": """
write(loop)
async def begin():
    session = new_session()
    await session.__aenter__()
    await write_node(new_node())
    return session
session = loop.run_until_complete(begin())
os.close(2)  # Python has something to say of a generator that nobody ends
""",
}


@pytest.mark.parametrize("end", ENDS)
def test_process_that_ends(file: Path, end: str) -> None:
    """Whichever way a program ends, it leaves a whole file, also while others have it open."""

    async def write() -> None:
        with engine_context(address(file), create_tables=True):
            await write_node(new_node())

    asyncio.run(write())
    with held_open(file):
        run(ENDS[end], file)
        assert rows_in_copy(file) == (3 if "and" in end else 2)


def test_killed_process(file: Path) -> None:
    """What a killed process left in the journal is in the file once somebody has read it."""
    script = "write(loop); os.kill(os.getpid(), 9)"
    killed = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script, address(file)], capture_output=True
    )
    assert killed.returncode == -9
    assert rows_in_copy(file) == -1

    async def read() -> None:
        # Other tests' node classes may have columns that the killed process knew nothing of.
        reset = set_engine(address(file), create_tables=True)
        assert await count_nodes(NodeFilter()) == 1
        await until(lambda: rows_in_copy(file) == 1)
        reset()

    asyncio.run(read())


# --------------------------------------------------------------- what may fail


def replace(file: Path) -> bytes:
    """Put another database in a file's place, beside the journal of the first."""
    other = file.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE other (x)")
    other.rename(file)
    return file.read_bytes()


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize("change", [remove, replace])
async def test_file_that_is_gone(store: Path, change: Callable[[Path], bytes | None]) -> None:
    """A file that was removed is not made again; one put in its place is not touched."""
    await write_node(new_node())
    before = change(store)
    await until(lambda: "artigraph-checkpoint" not in names_of_threads())
    if before is None:
        assert not await asyncio.to_thread(store.exists)
    else:
        assert await asyncio.to_thread(store.read_bytes) == before


@pytest.mark.skipif(os.name == "nt", reason="limits are a thing of POSIX")
def test_full_disk(file: Path) -> None:
    """Where the file cannot grow nothing is lost or raised; it becomes whole once it can."""
    script = """
write(loop)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, most))
checkpoint.make_all_whole()
assert os.path.getsize(sys.argv[1].partition("///")[2] + "-wal") > 0
assert loop.run_until_complete(count_nodes(NodeFilter())) == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
"""
    run(script, file)
    assert rows_in_copy(file) == 1


CHILDREN = {
    "does nothing": "pass",
    "writes": "write()",
    "exits": "sys.exit(0)",
    "resets": "reset()",
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forking is a thing of POSIX")
@pytest.mark.parametrize("child", CHILDREN)
def test_forked_child(file: Path, child: str) -> None:
    """A child leaves its parent's file to it: the parent writes on, and ends with a whole file."""
    script = f"""
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of any fork with threads
reset = set_engine(sys.argv[1], create_tables=True)
write(loop)
pid = os.fork()
if pid:
    assert os.waitpid(pid, 0)[1] == 0
    write(loop)
else:
    {CHILDREN[child]}
"""
    run(script, file)
    assert rows_in_copy(file) == (3 if child == "writes" else 2)


def test_child_that_is_forked_amid_a_checkpoint(file: Path) -> None:
    """Children that are made while the thread is at work can write as ever."""
    script = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # as above
checkpoint.QUIET = 0
for _ in range(10):
    write(loop)
    pid = os.fork()
    if not pid:
        write()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
"""
    run(script, file)
    assert rows_in_copy(file) == 20
