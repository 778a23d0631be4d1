"""Engines, sessions and the loops, threads and tasks that share them."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from artigraph import (
    DatabaseBusyError,
    DataModel,
    EngineURLError,
    LabelExistsError,
    MissingLibraryError,
    NodeFilter,
    NodeRelationshipFilter,
    NoEngineError,
    SchemaError,
    current_session,
    delete_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    nodes_exist,
    read_node,
    read_nodes,
    set_engine,
    write_model,
    write_node,
    write_nodes,
)

MEMORY = "sqlite+aiosqlite:///:memory:"


class SessionsFit(DataModel, version=1):
    x: int


@pytest.fixture(autouse=True)
def _no_engine_left() -> Iterator[None]:
    """Every test here leaves the default engine as it was."""
    yield
    with pytest.raises(NoEngineError):
        asyncio.run(get_engine())


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'file.db'}"


async def labels() -> set[str | None]:
    """The labels of all rows."""
    return {node.node_label for node in await read_nodes(NodeFilter())}


async def write(label: str, parent_id: int | None = None) -> int:
    """Write a node and return its id."""
    return (await write_node(new_node(node_label=label, node_parent_id=parent_id))).node_id


# ---------------------------------------------------------------- which engine


async def test_no_engine_says_what_to_type() -> None:
    """Every call without an engine shows the one line."""
    for call in (get_engine, lambda: read_nodes(NodeFilter()), lambda: write_node(new_node())):
        with pytest.raises(NoEngineError, match=r"set_engine\('sqlite\+aiosqlite.*create_tables"):
            await call()
    for block in (new_session, current_session):
        with pytest.raises(NoEngineError):
            async with block():
                pytest.fail("the block must not begin")


async def test_set_engine_is_the_processs_and_reset_puts_back() -> None:
    """Tasks and threads see it, in whatever context; reset restores what was there."""
    first = set_engine(MEMORY, create_tables=True)
    await write("first")
    second = set_engine(MEMORY, create_tables=True)
    assert await labels() == set()
    await write("second")
    empty = contextvars.Context()
    task = asyncio.get_running_loop().create_task(labels(), context=empty)
    assert await task == {"second"}
    assert await asyncio.to_thread(lambda: asyncio.run(labels())) == {"second"}
    second()
    assert await labels() == {"first"}
    first()
    with pytest.raises(NoEngineError):
        await labels()


async def test_an_engine_context_is_this_contexts_only() -> None:
    """A block overrides the default for its own context, and not for other tasks."""
    reset = set_engine(MEMORY, create_tables=True)
    await write("default")
    entered, leave = asyncio.Event(), asyncio.Event()

    async def inside() -> set[str | None]:
        with engine_context(MEMORY, create_tables=True):
            await write("inner")
            entered.set()
            await leave.wait()
            with engine_context(MEMORY, create_tables=True):
                assert await labels() == set()
            return await labels()

    task = asyncio.create_task(inside())
    await entered.wait()
    assert await labels() == {"default"}
    leave.set()
    assert await task == {"inner"}
    with pytest.raises(ZeroDivisionError), engine_context(MEMORY):
        raise ZeroDivisionError
    assert await labels() == {"default"}
    reset()


async def test_get_engine_is_one_for_a_loop(file_url: str) -> None:
    """The same engine within a loop, another one in another loop."""
    with engine_context(file_url, create_tables=True):
        engines = await asyncio.gather(*(get_engine() for _ in range(10)))
        assert all(engine is engines[0] for engine in engines)
        context = contextvars.copy_context()
        other = await asyncio.to_thread(context.run, asyncio.run, get_engine())
        assert other is not engines[0]


async def test_a_setting_that_is_refused_changes_nothing() -> None:
    """After an error in set_engine the old setting stays."""
    reset = set_engine(MEMORY, create_tables=True)
    await write("kept")
    with pytest.raises(EngineURLError):
        set_engine("nonsense")
    assert await labels() == {"kept"}
    reset()


# ------------------------------------------------------------------- sessions


async def test_a_session_is_one_transaction(store_: str) -> None:
    """Calls inside see each other's rows, others do not, and all are committed at the end."""
    seen = None
    async with new_session() as session:
        assert isinstance(session, AsyncSession)
        node_id = await write("a")
        await write_model(parent_id=node_id, label="m", model=SessionsFit(1))
        assert await labels() == {"a", "m"}
        count = await session.scalar(text("SELECT count(*) FROM artigraph_node"))
        assert count == 2
        async with current_session() as same:
            assert same is session
        empty = contextvars.Context()
        seen = await asyncio.get_running_loop().create_task(labels(), context=empty)
    assert seen == set()
    assert await labels() == {"a", "m"}


async def test_a_session_that_raises_leaves_nothing(store_: str) -> None:
    """All of it is rolled back, whatever was raised, and the exception goes on."""
    kept = await write("kept")
    for error in (ZeroDivisionError, asyncio.CancelledError):
        for block in (new_session, current_session):
            with pytest.raises(error):  # noqa: PT012  # the block raises by itself
                async with block():
                    await write("gone")
                    await delete_nodes(NodeFilter(node_id=kept))
                    raise error
            assert await labels() == {"kept"}


async def test_current_session_commits_and_is_shared(store_: str) -> None:
    """On its own it is a session that the calls inside share."""
    async with current_session() as session:
        await write("a")
        async with current_session() as same:
            assert same is session
    assert await labels() == {"a"}


async def test_own_objects_may_be_added_and_committed(store_: str) -> None:
    """session.add() and session.commit() work as in SQLAlchemy, and calls go on after it."""
    async with current_session() as session:
        node = new_node(node_label="added")
        session.add(node)
        assert await labels() == {"added"}
        await session.commit()
        await write("after")
    assert await labels() == {"added", "after"}
    async with current_session() as session:
        node.node_label = "changed"
        session.add(node)
        await session.commit()
    assert await labels() == {"changed", "after"}


async def test_a_failed_call_inside_a_session_undoes_itself_only(store_: str) -> None:
    """A clash inside a session leaves the session's other work as it was."""
    async with new_session():
        parent = await write("parent")
        await write("x", parent)
        with pytest.raises(LabelExistsError, match="'x' is taken"):
            await write("x", parent)
        await write("y", parent)
    assert await labels() == {"parent", "x", "y"}


async def test_a_nested_session_is_a_savepoint(store_: str) -> None:
    """It may be rolled back alone; with the outer one it goes whole."""
    async with new_session():
        await write("outer")
        with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises by itself
            async with new_session():
                await write("inner")
                async with new_session():
                    await write("innermost")
                assert await labels() == {"outer", "inner", "innermost"}
                raise ZeroDivisionError
        assert await labels() == {"outer"}
        async with new_session():
            await write("second")
    assert await labels() == {"outer", "second"}
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises by itself
        async with new_session():
            async with new_session():
                await write("gone")
            raise ZeroDivisionError
    assert await labels() == {"outer", "second"}


async def test_gather_inside_one_session(store_: str) -> None:
    """Many calls at once share the session one after the other, and are one transaction."""
    async with new_session():
        written = await asyncio.gather(*(write(str(n)) for n in range(20)))
        found = await asyncio.gather(
            *(read_node(NodeFilter(node_id=n)) for n in written), nodes_exist(NodeFilter())
        )
        assert found[-1] is True
    assert len(set(written)) == 20
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block raises by itself
        async with new_session():
            await asyncio.gather(*(write(f"gone {n}") for n in range(20)))
            raise ZeroDivisionError
    assert await labels() == {str(n) for n in range(20)}


async def test_nested_sessions_in_gather_wait_for_each_other(store_: str) -> None:
    """Savepoints of tasks at once never interleave: one that fails takes its own rows only."""

    async def work(name: str, fail: bool) -> None:
        async with new_session():
            await write(f"{name} 1")
            await asyncio.sleep(0.01)
            await write(f"{name} 2")
            if fail:
                raise ZeroDivisionError

    async with asyncio.timeout(300), new_session():
        results = await asyncio.gather(
            work("a", False), work("b", True), work("c", False), write("d"), return_exceptions=True
        )
    assert [type(r) for r in results] == [type(None), ZeroDivisionError, type(None), int]
    assert await labels() == {"a 1", "a 2", "c 1", "c 2", "d"}


async def test_a_task_that_outlives_its_session(store_: str) -> None:
    """It ends what it is at, then writes in transactions of its own."""

    async def work() -> None:
        await write("started inside")
        await asyncio.sleep(0.05)
        await write("ended outside")

    async with asyncio.timeout(300):
        async with new_session():
            await write("a")
            unstarted = asyncio.create_task(work())
        await unstarted
        assert await labels() == {"a", "started inside", "ended outside"}
        async with new_session():
            async with new_session():
                task = asyncio.create_task(write("of the outer one"))
            await task
        assert "of the outer one" in await labels()


async def test_cancelling_a_call_leaves_the_pool_usable(store_: str) -> None:
    """A cancelled write is whole or absent, and holds nobody up while its traceback is kept."""
    kept: list[object] = []
    for step in range(25):
        call = write_nodes([new_node(node_label="x") for _ in range(200)])
        task = asyncio.create_task(call)
        await asyncio.sleep(step * 0.0006)
        task.cancel()
        kept += await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(300):
            assert len(await read_nodes(NodeFilter())) % 200 == 0
            await delete_nodes(NodeFilter(), everything=True)
    assert len(kept) == 25


@pytest.fixture
async def store_(database: str, database_url: str) -> AsyncIterator[str]:
    """An empty store for one block, so that the default engine stays unset."""
    with engine_context(database_url, create_tables=True):
        await delete_nodes(NodeFilter(), everything=True)
        reset = set_engine(database_url, create_tables=True)
    yield database
    reset()


# ---------------------------------------------------------- loops and threads


def run_in_threads(count: int, main: Callable[[int], Any]) -> list[Any]:
    """Run ``asyncio.run(main(n))`` in several threads at once."""
    results: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def run(n: int) -> None:
        barrier.wait()
        try:
            results[n] = asyncio.run(main(n))
        except BaseException as error:
            results[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


async def write_some(n: int) -> list[int]:
    """Write models and a session's nodes, and read them back."""
    ids = []
    for i in range(30):
        written = await write_model(label=f"{n}.{i}", model=SessionsFit(i))
        ids.append(written.artifact.node_id)
    async with new_session():
        for i in range(5):
            ids.append(await write(f"{n}.session.{i}"))
    assert len(await read_nodes(NodeFilter(node_id=ids))) == 35
    return ids


@pytest.mark.parametrize("kind", ["memory", "file", "given"])
def test_threads_with_loops_of_their_own(kind: str, file_url: str) -> None:
    """Two loops at once write into one database, none lost, and a third finds all."""
    url: Any = {"memory": MEMORY, "file": file_url}.get(kind) or create_async_engine(file_url)
    reset = set_engine(url, create_tables=True)
    try:
        results = run_in_threads(2, write_some)
        assert [type(result) for result in results] == [list, list], results
        assert len({*results[0], *results[1]}) == 70
        assert asyncio.run(labels()) >= {"0.29", "1.29", "0.session.4"}
        if kind == "given":
            asyncio.run(url.dispose())
    finally:
        reset()


def test_memory_lasts_from_loop_to_loop() -> None:
    """Between two asyncio.run() the memory database keeps its rows; another one is empty."""
    reset = set_engine(MEMORY, create_tables=True)
    asyncio.run(write("a"))
    assert asyncio.run(labels()) == {"a"}
    with engine_context(MEMORY, create_tables=True):
        assert asyncio.run(labels()) == set()
    assert asyncio.run(labels()) == {"a"}
    reset()


async def test_many_tasks_without_a_session() -> None:
    """Fifty writers at once in one loop take turns."""
    with engine_context(MEMORY, create_tables=True):
        await asyncio.gather(*(write(str(n)) for n in range(50)))
        assert len(await labels()) == 50


# --------------------------------------------------------------------- SQLite


@pytest.mark.parametrize("given", ["url", "engine", "used engine"])
async def test_pragmas_are_on(given: str, file_url: str) -> None:
    """Foreign keys, WAL and a busy timeout, also of an engine that was at work before."""
    engine: Any = file_url if given == "url" else create_async_engine(file_url)
    if given == "used engine":
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE mine (x INTEGER)"))
    with engine_context(engine, create_tables=True):
        async with (await get_engine()).connect() as connection:

            async def pragma(name: str) -> object:
                return (await connection.execute(text(f"PRAGMA {name}"))).scalar()

            assert await pragma("foreign_keys") == 1
            assert await pragma("journal_mode") == "wal"
            assert int(str(await pragma("busy_timeout"))) >= 5000
        with pytest.raises(IntegrityError):
            async with (await get_engine()).begin() as connection:
                await connection.execute(
                    text(
                        "INSERT INTO artigraph_node (node_parent_id, node_type, node_created_at, "
                        "node_updated_at) VALUES (99, 'node', 0, 0)"
                    )
                )


async def test_an_address_says_how_long_to_wait(file_url: str) -> None:
    """A file that somebody else writes to is waited for as long as the address says."""
    path = file_url.partition(":///")[2]
    for url in (
        f"{file_url}?timeout=0.02",
        f"sqlite+aiosqlite:///file:{path}?timeout=0.02&uri=true",
    ):
        with engine_context(url, create_tables=True):
            await get_engine()
            with closing(sqlite3.connect(path)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(DatabaseBusyError, match=r"for 0\.02 seconds"):
                    await write_node(new_node())


# -------------------------------------------------------------- bad addresses

BROKEN = [
    ("nonsense", "is not a database's address"),
    ("", "is not a database's address"),
    ("postgresql//u:hunter2@h/db", "is not a database's address"),
    ("u:hunter2@h/db", "is not a database's address"),
    ("postgresql+asyncpg://u:hunter2@h:port/db", "is not a database's address"),
    ("postgresql+asyncpg://u:hun@ter2@h:port/db", "is not a database's address"),
    ("postgresql+asyncpg://u:hun@ter2/x@h/db", "'@' is written %40"),
    ("mariadb+asyncmy://u:hun@ter2@h/db", "'@' is written %40"),
    ("mariadb+asyncmy://u:hunter2@h", r"as in 'mariadb\+asyncmy://u:\*\*\*@h/test'"),
    ("oracle://u:hunter2@h/db", "'oracle', which artigraph does not know"),
    ("mssql+aioodbc://h/db?odbc_connect=PWD%3Dhunter2", "does not know"),
    ("sqlite:///x.db", r"no asynchronous driver. Name 'aiosqlite', as in 'sqlite\+aiosqlite"),
    ("postgresql://u:hunter2@h/db", "no asynchronous driver. Name 'asyncpg'"),
    ("postgres://u:hunter2@h/db", "no asynchronous driver. Name 'asyncpg'"),
    ("postgresql+psycopg2://u:hunter2@h/db", "no asynchronous driver. Name 'asyncpg'"),
    ("postgresql://h/db?user=u&password=hunter2", "no asynchronous driver"),
    ("postgresql:///u:hunter2@h/db", "no asynchronous driver"),
    ("sqlite+aiosqlite:///x.db?timeout=soon", "not in seconds: 'soon'"),
    ("sqlite+aiosqlite:///x.db?timeout=-1", "not in seconds: '-1'"),
    ("mysql+pymysql://u:hunter2@h/db", "no asynchronous driver. Name 'asyncmy'"),
    ("mariadb://u:hunter2@h/db", "no asynchronous driver. Name 'asyncmy'"),
]


@pytest.mark.parametrize(("url", "message"), BROKEN)
def test_broken_addresses(url: str, message: str) -> None:
    """Each is refused at once with what to type, as a ValueError, and without its password."""
    with pytest.raises(EngineURLError, match=message) as caught:
        set_engine(url)
    shown: BaseException | None = caught.value
    assert isinstance(shown, ValueError)
    while shown is not None:
        assert "hunter2" not in f"{shown} {shown!r}"
        assert "ter2" not in f"{shown} {shown!r}"
        shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)


def test_what_is_no_address() -> None:
    """A synchronous engine, a path, None: the error says what is taken."""
    engine = create_engine("sqlite://")
    for wrong in (engine, Path("x.db"), None, 3):
        with pytest.raises(EngineURLError, match="create_async_engine"):
            set_engine(wrong)  # type: ignore[arg-type]  # refusing it is the test
    engine.dispose()


def test_a_driver_that_is_not_installed() -> None:
    """The error is an ImportError that names what to install."""
    with pytest.raises(
        MissingLibraryError, match=r"needs psycopg.*pip install 'psycopg'"
    ) as caught:
        set_engine("postgresql+psycopg://u:hunter2@h/db")
    assert isinstance(caught.value, ImportError)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("server", ["postgresql", "mariadb"])
async def test_passwords_are_not_in_errors(server: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a server that is not there nor a repr nor a log shows the password."""
    caplog.set_level(logging.DEBUG)
    driver = {"postgresql": "postgresql+asyncpg", "mariadb": "mariadb+asyncmy"}[server]
    with engine_context(make_url(f"{driver}://user:hunter2@127.0.0.1:1/db")):
        with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever the driver raises
            await read_nodes(NodeFilter())
        error: BaseException | None = caught.value
        while error is not None:
            assert "hunter2" not in f"{error} {error!r}"
            error = error.__cause__ or error.__context__
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg:///?dsn=postgresql://u:hunter2@127.0.0.1:1/db",
        "postgresql+asyncpg://127.0.0.1:1/db?user=u&password=hunter2",
        "postgresql+asyncpg://u:/hun ter2@127.0.0.1:1/db",
    ],
)
async def test_passwords_in_any_part_are_hidden(url: str) -> None:
    """What the driver takes as a password is in no repr and no error."""
    undo = set_engine(url)
    try:
        assert "ter2" not in repr(undo)
        with pytest.raises(EngineURLError, match="cannot be opened") as caught:
            await read_nodes(NodeFilter())
    finally:
        undo()
    assert "ter2" not in str(caught.value)


async def test_no_tables_says_how_to_make_them(database_url: str) -> None:
    """On a database without the table the remedy is named, with no password in it."""
    url = make_url(database_url)
    with engine_context(database_url):
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            series = ("series_block", "series_writer", "series")
            for table in (*series, "note", "tag", "trash", "node"):
                await connection.execute(text(f"DROP TABLE IF EXISTS artigraph_{table}"))
            if url.get_backend_name() != "sqlite":
                await connection.execute(text("DROP SEQUENCE IF EXISTS artigraph_node_id_seq"))
        await engine.dispose()
        for call in (read_nodes(NodeFilter()), write_node(new_node())):
            with pytest.raises(SchemaError, match=r"no table 'artigraph_node'.*create_tables=True"):
                await call
        async with new_session_or_error() as error:
            assert isinstance(error, SchemaError)
    with engine_context(database_url, create_tables=True):
        assert await read_nodes(NodeFilter()) == []
        parent = await write("made")
        assert await read_nodes(NodeRelationshipFilter(child_of=parent)) == []
        await delete_nodes(NodeFilter(), everything=True)


class new_session_or_error:  # noqa: N801  # reads as the function that it wraps
    """The error of entering new_session()."""

    async def __aenter__(self) -> BaseException | None:
        try:
            async with new_session():
                return None
        except SchemaError as error:
            return error

    async def __aexit__(self, *_: object) -> None: ...


# ------------------------------------------------------------- nothing is left


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in development mode, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


PREAMBLE = """
import asyncio, gc, logging, sys, threading, time, warnings
from artigraph import *

# A busy machine is told of as a slow callback; what is left behind is an error.
logging.getLogger("asyncio").setLevel(logging.ERROR)

def only_the_main_thread():
    # A driver's thread says that it has closed before it has quite ended.
    for _ in range(30_000):
        if threading.active_count() == 1:
            return True
        time.sleep(0.01)
    return False
"""

SCRIPTS = {
    "runs": """
async def main(n):
    await asyncio.gather(*(write_node(new_node()) for _ in range(5)))
    async with new_session():
        await write_node(new_node())
reset = set_engine(sys.argv[1], create_tables=True)
for n in range(3):
    asyncio.run(main(n))
    assert only_the_main_thread(), threading.enumerate()
reset()
""",
    "contexts": """
async def main():
    for _ in range(3):
        with engine_context(sys.argv[1], create_tables=True):
            await write_node(new_node())
            gc.collect()
    reset = set_engine(sys.argv[1], create_tables=True)
    await read_nodes(NodeFilter())
    reset()
asyncio.run(main())
""",
    "forgotten": """
async def main():
    for _ in range(3):
        set_engine(sys.argv[1], create_tables=True)
        await write_node(new_node())
        gc.collect()
asyncio.run(main())
""",
    "errors": """
async def main():
    parent = (await write_node(new_node())).node_id
    for _ in range(3):
        await write_node(new_node(node_parent_id=parent, node_label="x"))
set_engine(sys.argv[1], create_tables=True)
try:
    asyncio.run(main())
except LabelExistsError:
    pass
else:
    raise SystemExit("no clash")
""",
    "cancelled": """
async def main():
    await write_node(new_node())
    tasks = [asyncio.create_task(write_nodes([new_node() for _ in range(100)])) for _ in range(5)]
    await asyncio.sleep(0.005)
set_engine(sys.argv[1], create_tables=True)
asyncio.run(main())
""",
    "reset inside": """
async def main():
    reset = set_engine(sys.argv[1], create_tables=True)
    async with new_session():
        await write_node(new_node())
        reset()
        await asyncio.sleep(0.05)
        await write_node(new_node())
asyncio.run(main())
""",
    "loop closed plainly": """
loop = asyncio.new_event_loop()
set_engine(sys.argv[1], create_tables=True)
loop.run_until_complete(write_node(new_node()))
loop.run_until_complete(loop.shutdown_asyncgens())
loop.close()
""",
}


@pytest.mark.parametrize("waits", [0, 1, 3, 8, 20])
def test_closing_that_is_cancelled_half_way_ends(
    waits: int, database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """``reset()`` closes all connections and loses nothing, however soon the loop ends then."""
    begun: list[AsyncEngine] = []
    ended: list[AsyncEngine] = []
    dispose = AsyncEngine.dispose

    async def slowly(self: AsyncEngine, close: bool = True) -> None:
        begun.append(self)
        for _ in range(10):
            await asyncio.sleep(0)
        await dispose(self, close)
        await asyncio.sleep(0)
        ended.append(self)

    async def main() -> None:
        reset = set_engine(database_url, create_tables=True)
        await asyncio.gather(*(write_node(new_node(node_label="kept")) for _ in range(4)))
        reset()
        for _ in range(waits):
            await asyncio.sleep(0)

    async def count_and_delete() -> int:
        with engine_context(database_url, create_tables=True):
            found = await read_nodes(NodeFilter(label="kept"))
            await delete_nodes(NodeFilter(), everything=True)
            return len(found)

    asyncio.run(count_and_delete())
    monkeypatch.setattr(AsyncEngine, "dispose", slowly)
    asyncio.run(main())  # which cancels the task that closes
    assert begun
    assert ended == begun
    assert caplog.messages == []
    assert asyncio.run(count_and_delete()) == 4


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_nothing_is_left_when_a_loop_closes(script: str, kind: str, file_url: str) -> None:
    """No warning, no message and no thread: connections are closed with their loop."""
    end = """
gc.collect()
import time
for _ in range(15_000):
    extra = [t for t in threading.enumerate() if t is not threading.main_thread()]
    if not extra:
        break
    time.sleep(0.02)
assert not extra, extra
"""
    ended = run_script(PREAMBLE + SCRIPTS[script] + end, MEMORY if kind == "memory" else file_url)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_a_loop_that_is_just_abandoned_does_not_hold_the_process(file_url: str) -> None:
    """A program whose loop is never shut down still ends."""
    script = """
loop = asyncio.new_event_loop()
set_engine(sys.argv[1], create_tables=True)
loop.run_until_complete(write_node(new_node()))
loop.close()
print("end")
"""
    ended = subprocess.run(
        [sys.executable, "-c", PREAMBLE + script, file_url],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stdout) == (0, "end\n")
