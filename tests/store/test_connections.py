"""Connections that end before their user does: a night, a restart, a proxy in between."""

# ruff: noqa: PT012  # sessions that break half way are the point

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, event, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    ConnectionLostError,
    DatabaseBusyError,
    DatabaseRefusedError,
    DataModel,
    EngineURLError,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    TransactionFailedError,
    count_models,
    count_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    read_nodes,
    read_table,
    write_models,
    write_node,
)
from artigraph.db import connect, idle
from artigraph.db.engine import EngineSetting
from artigraph.db.session import write
from tests.store.line import Line, line_to


class Fit(DataModel, version=1, name="ConnectionsFit"):
    loss: float


class Note(DataModel, version=1, name="ConnectionsNote"):
    text: str


@pytest.fixture
async def line(database: str, database_url: str) -> AsyncIterator[Line]:
    """A line to a server, and a store at its other end."""
    if database == "sqlite":
        pytest.skip("a file does not hang up")
    async with line_to(database_url, pool_size=2, pool_timeout=60) as opened:
        yield opened


@pytest.fixture
def asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection has rested for long, and answers come soon or never."""
    monkeypatch.setattr(idle, "REST_SECONDS", 0)
    monkeypatch.setattr(idle, "ANSWER_SECONDS", 2)


async def open_two() -> None:
    """Have two idle connections in the pool."""
    first = (await get_engine()).connect()
    async with first, (await get_engine()).connect():
        pass


async def test_the_first_call_after_the_server_hung_up_works(line: Line) -> None:
    """Reads, writes, sessions and a group after hours of training, on new connections."""
    group = ModelGroup(new_node(node_label="training"))
    async with group:
        await open_two()
        group.add_model("fit", Fit(0.1))
        await line.cut()
    assert await count_models(ModelFilter()) == 1
    await line.cut()
    assert await read_nodes(NodeFilter(label="training"))
    await open_two()
    await line.cut()
    async with new_session():
        await write_node(new_node(node_label="a"))
    await line.cut()
    assert await count_nodes(NodeFilter()) == 3


@pytest.fixture
def silent(database: str, database_url: str) -> Iterator[URL]:
    """The address of somebody who lets everybody in and never says a word."""
    if database == "sqlite":
        pytest.skip("a file answers")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield make_url(database_url).set(port=server.getsockname()[1])


@pytest.mark.parametrize("option", ["timeout", "the driver's", "our own"])
async def test_a_server_that_never_answers(
    silent: URL, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """Connecting ends, whether the address says when or not, and the error says what to type."""
    own = "connect_timeout" if silent.get_backend_name() == "mariadb" else "timeout"
    seconds = "1" if option == "the driver's" else "0.2"
    if option == "our own":
        monkeypatch.setattr(connect, "CONNECT_SECONDS", float(seconds))
        address = silent
    else:
        address = silent.update_query_dict(
            {own if option == "the driver's" else "timeout": seconds}
        )
    for given in (address, create_async_engine(address)):
        with engine_context(given), pytest.raises(EngineURLError) as told:
            await count_nodes(NodeFilter())
        for said in (f"no answer within {seconds} seconds", "?timeout=…", "Nobody answers there"):
            assert said in str(told.value)


@pytest.mark.parametrize("seconds", ["soon", "-1", "0", "nan", "inf", "1e300"])
def test_a_timeout_that_is_none(silent: URL, seconds: str) -> None:
    """It is refused before anybody connects, and what the error says to type is taken."""
    with pytest.raises(
        EngineURLError, match=r"not in seconds: .* Type, for instance, \?timeout=30"
    ):
        EngineSetting(silent.update_query_dict({"timeout": seconds}), create_tables=False)
    EngineSetting(silent.update_query_dict({"timeout": "30"}), create_tables=False)


async def test_an_address_with_a_timeout_is_of_use(line: Line) -> None:
    """A server that answers is connected to as without it; an unknown word is told as such."""
    url = (await get_engine()).url
    with engine_context(url.update_query_dict({"timeout": "30"})):
        assert await count_nodes(NodeFilter()) == 0
    wrong, match = (
        url.update_query_dict({"timeuot": "30"}),
        r"take: .*'timeuot'.* Correct or remove",
    )
    with engine_context(wrong), pytest.raises(EngineURLError, match=match):
        await count_nodes(NodeFilter())


@pytest.mark.usefixtures("asked_at_once")
async def test_a_line_that_went_dead_without_a_word(line: Line) -> None:
    """After a long rest the server is asked, and whoever does not answer is replaced."""
    await open_two()
    line.dead = True
    await write_node(new_node(node_label="a"))
    assert await count_nodes(NodeFilter()) == 1


async def test_only_a_connection_that_has_rested_is_asked(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Call after call uses the same one, and sends nothing but its own statements."""

    def questions() -> int:
        ping = b"\x01\x00\x00\x00\x0e"  # MariaDB's
        return sum(b"SELECT 1" in data or data == ping for data in line.sent)

    await write_node(new_node())
    opened = line.opened
    line.sent.clear()
    for _ in range(20):
        assert await count_nodes(NodeFilter()) == 1
    assert questions() == 0
    monkeypatch.setattr(idle, "REST_SECONDS", 0)
    for _ in range(20):
        assert await count_nodes(NodeFilter()) == 1
    assert questions() == 20
    assert line.opened == opened


async def test_a_server_that_is_not_back_yet(line: Line) -> None:
    """The error says so, and what was not written; once it is back, all works."""
    node = new_node(node_label="a")
    await open_two()
    await line.close()
    with pytest.raises(ConnectionLostError, match="Run this again"):
        await count_nodes(NodeFilter())
    with pytest.raises(ConnectionLostError, match="Run this again"):
        await read_nodes(NodeFilter())
    with pytest.raises(ConnectionLostError, match="Nothing was written"):
        await write_node(node)
    with pytest.raises(ConnectionLostError, match="Nothing was written"):
        async with new_session():
            await write_node(node)
    assert node.node_id is None
    await line.open()
    await write_node(node)
    assert await count_nodes(NodeFilter()) == 1


async def test_a_connection_that_is_lost_in_a_transaction(line: Line) -> None:
    """The session says that nothing was written, its objects know it, and it may be run again."""
    node = new_node(node_label="a")

    async def session(cut: bool) -> None:
        async with new_session():
            await write_node(node)
            if cut:
                await line.cut()
            await write_node(new_node(node_label="b"))

    async def own_statement() -> None:
        async with new_session() as session:
            await write_node(node)
            await line.cut()
            await session.execute(text("SELECT 1"))

    for call in (session(True), own_statement()):
        with pytest.raises(ConnectionLostError, match="Nothing was written"):
            await call
        assert node.node_id is None
        assert await count_nodes(NodeFilter()) == 0
    await session(False)
    assert await count_nodes(NodeFilter()) == 2


async def test_a_loss_while_a_call_gives_up(line: Line) -> None:
    """What a block raises goes on though its transaction cannot be taken back any more."""
    with pytest.raises(KeyError, match="deliberate"):
        async with new_session() as session:
            await session.execute(text("SELECT 1"))
            await line.cut()
            raise KeyError("deliberate")
    with pytest.raises(KeyError, match="deliberate"):
        async with write() as transaction:
            await transaction.connection.execute(text("SELECT 1"))
            await line.cut()
            raise KeyError("deliberate")
    assert await count_nodes(NodeFilter()) == 0


async def test_a_loss_while_the_tables_are_looked_at(line: Line) -> None:
    """That is told as any other loss, and the next call looks again."""
    address = (await get_engine()).url
    for table in (b"artigraph_node", b"artigraph_storage"):
        with engine_context(address, create_tables=True):
            line.cut_after = table
            with pytest.raises(ConnectionLostError, match="Run this again"):
                await count_nodes(NodeFilter())
            line.cut_after = None
            assert await count_nodes(NodeFilter()) == 0


async def test_a_loss_that_somebody_caught(line: Line) -> None:
    """The session does not go on with the second half of its work."""
    with pytest.raises(TransactionFailedError, match="Nothing of this session can be written"):
        async with new_session():
            await write_node(new_node(node_label="a"))
            await line.cut()
            with suppress(ConnectionLostError):
                await write_node(new_node(node_label="b"))
            await write_node(new_node(node_label="c"))
    assert await count_nodes(NodeFilter()) == 0


@pytest.mark.parametrize("amid", [b"ROLLBACK TO SAVEPOINT", b"\0SELECT 1\0"], ids=["back", "asked"])
async def test_a_loss_while_a_refused_call_is_taken_back(line: Line, amid: bytes) -> None:
    """That the connection is lost is told, and not that a statement should have been in a block."""
    if b"SELECT" in amid and (await get_engine()).dialect.name != "postgresql":
        pytest.skip("it says by itself when it has given a transaction up")
    with pytest.raises(ConnectionLostError, match=r"Nothing was written\. Run this"):
        async with new_session():
            await write_node(new_node(node_label="a"))
            line.cut_after = amid
            await write_node(new_node(node_label="b", node_parent_id=987_654_321))
    assert line.cut_after is None
    assert await count_nodes(NodeFilter()) == 0


async def write_one(in_session: bool) -> None:
    """Write a node in a transaction of its own, or in a session."""
    if in_session:
        async with new_session():
            await write_node(new_node(node_label="a"))
    else:
        await write_node(new_node(node_label="a"))


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_connection_that_is_lost_at_the_commit(line: Line, in_session: bool) -> None:
    """Whether it was written is not known, and that is what the error says."""
    engine: Any = (await get_engine()).sync_engine

    def cut_soon(_: object) -> None:
        line.cut_after = b"COMMIT"

    event.listen(engine, "commit", cut_soon)
    try:
        with pytest.raises(ConnectionLostError, match=r"not known.*count_models\(\)"):
            await write_one(in_session)
    finally:
        event.remove(engine, "commit", cut_soon)
    assert await count_nodes(NodeFilter()) in (0, 1)


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_connection_that_is_lost_as_its_first_transaction_begins(
    line: Line, database: str, in_session: bool
) -> None:
    """What a connection is told before anything else is told as lost like any statement."""
    for _ in range(2):
        await (await get_engine()).dispose()
        line.cut_after = b"max_recursive" if database == "mariadb" else b"BEGIN"
        with pytest.raises(ConnectionLostError, match="Nothing was written"):
            await write_one(in_session)
        line.cut_after = None
    assert await count_nodes(NodeFilter()) == 0


async def test_a_connection_that_is_lost_amid_the_rows_of_a_frame(line: Line) -> None:
    """A table that is read in pieces breaks off with the same error, and can be read again."""
    models = {f"{n}": Note("x" * 500 + f"n{n}.") for n in range(3000)}
    await write_models(models=models)
    for piece in (b"n10.", b"n1900."):
        line.cut_after = piece
        with pytest.raises(ConnectionLostError, match="Run this again"):
            await read_table(ModelFilter(model_type=Note))
        line.cut_after = None
    assert (await read_table(ModelFilter(model_type=Note))).num_rows == 3000


async def test_a_loss_that_is_met_by_statements_of_ones_own(line: Line) -> None:
    """A session that begins with one opens its connection there: what is lost is told alike."""

    async def work() -> None:
        async with new_session() as session:
            await session.execute(text("SELECT 1"))

    await (await get_engine()).dispose()
    await line.close()
    with pytest.raises(ConnectionLostError, match="Nothing was written"):
        await work()
    with pytest.raises(ConnectionRefusedError):  # another one's line
        async with new_session():
            await asyncio.open_connection("127.0.0.1", line.port)
    await line.open()
    await work()


async def test_more_tasks_than_connections(line: Line) -> None:
    """Who waits in vain for a connection is told what to type, and it works."""
    url = make_url((await get_engine()).url).set(port=line.port)
    holding, ready = asyncio.Semaphore(0), asyncio.Event()
    impatient = create_async_engine(url, pool_size=2, max_overflow=0, pool_timeout=0.5)

    async def session() -> None:
        async with new_session():
            await write_node(new_node())
            holding.release()
            await ready.wait()

    with engine_context(impatient):
        holders = [asyncio.create_task(session()) for _ in range(2)]
        for _ in holders:
            await holding.acquire()
        with pytest.raises(DatabaseBusyError, match=r"pool_size=20"):
            await write_node(new_node())
    with engine_context(create_async_engine(url, pool_size=20)):
        await write_node(new_node())
    ready.set()
    await asyncio.gather(*holders)
    await impatient.dispose()
    assert await count_nodes(NodeFilter()) == 3


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_full_disk_is_told(tmp_path: Path, in_session: bool) -> None:
    """SQLite's file cannot grow: nothing was written, and it goes on once there is room."""
    resource = pytest.importorskip("resource", reason="limits of files are a thing of POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    with engine_context(f"sqlite+aiosqlite:///{tmp_path / 'full.db'}", create_tables=True):
        assert await count_nodes(NodeFilter()) == 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(DatabaseRefusedError, match="Nothing of this call was written"):
                await write_one(in_session)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert await count_nodes(NodeFilter()) == 0
        await write_one(in_session)
        assert await count_nodes(NodeFilter()) == 1


@pytest.mark.parametrize("in_session", [False, True])
async def test_a_file_that_is_written_over_while_it_is_open(
    tmp_path: Path, in_session: bool
) -> None:
    """SQLite sees it as a transaction begins: that is told as what it has answered."""
    path = tmp_path / "over.db"
    with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
        await write_node(new_node())
        for file in (path, path.with_name("over.db-shm")):
            with file.open("r+b") as opened:
                # The second one forgets, so that the first one is looked at.
                opened.write(b"x" * 100 if file == path else bytes(136))
        path.with_name("over.db-wal").write_bytes(b"")
        with pytest.raises(DatabaseRefusedError, match="The database answered"):
            await write_one(in_session)
