"""``read_only=True``: everything is read, nothing is written, whoever sends it."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    EngineURLError,
    NodeFilter,
    ReadOnlyError,
    count_nodes,
    engine_context,
    get_engine,
    new_node,
    new_session,
    read_nodes,
    schema_status,
    set_engine,
    upgrade_schema,
    write_node,
)
from artigraph.db.setting import current_setting
from artigraph.orm.node import Node
from tests.conftest import Statements
from tests.store.broad import fill, read_all, writes

STATEMENTS = {
    "delete": "DELETE FROM artigraph_node",
    "update": "UPDATE artigraph_node SET node_label = NULL",
    "create": "CREATE TABLE artigraph_mine (number INTEGER)",
    "drop": "DROP TABLE artigraph_tag",
    "alter": "ALTER TABLE artigraph_node ADD COLUMN mine INTEGER",
}
"""What somebody may send."""


async def refusal(write: Awaitable[object], name: str) -> str:
    """What is said of a write that is refused."""
    try:
        await write
    except ReadOnlyError as error:
        return str(error)
    raise AssertionError(f"{name} was not refused")


def names_in(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(one.name for one in folder.iterdir())


async def test_all_is_read_and_nothing_is_written(
    store: str, database_url: str, tmp_path: Path
) -> None:
    """Each way to read works; each way to write says why not, and puts no blob first."""
    broad = await fill(tmp_path / "blobs", f"read-only-{store}")
    before = await read_nodes(NodeFilter())
    with engine_context(database_url, read_only=True):
        await read_all(broad)
        blobs = broad.blobs()
        for name, write in writes(broad).items():
            told = await refusal(write(), name)
            assert current_setting().shown_url in told, name  # type: ignore[union-attr]  # set
            assert "was set with read_only=True. Nothing was written." in told, name
        assert broad.blobs() == blobs
    after = await read_nodes(NodeFilter())
    assert [n._loaded() for n in after] == [n._loaded() for n in before]


async def test_what_it_says_to_type_works(store: str, database_url: str) -> None:
    """The line in the error sets a database that is written."""
    reset = set_engine(database_url, read_only=True)
    try:
        with pytest.raises(ReadOnlyError) as caught:
            await write_node(new_node())
        line = str(caught.value).rpartition("without that: ")[2]
        back = eval(line, {"set_engine": set_engine})
        await write_node(new_node())
        back()
    finally:
        reset()


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_the_database_refuses_statements_of_yours(
    store: str, database_url: str, statement: str
) -> None:
    """A session's own SQL is refused by the database, in the same words, and changes nothing."""
    await write_node(new_node(node_label="kept"))
    with engine_context(database_url, read_only=True):
        async with new_session() as session:
            found = await session.execute(text("SELECT COUNT(*) FROM artigraph_node"))
            assert found.scalar() == 1
        for options in ({}, {"isolation_level": "AUTOCOMMIT"}):
            engine = (await get_engine()).execution_options(**options)
            async with engine.connect() as connection:
                with pytest.raises(ReadOnlyError, match="was set with read_only=True"):
                    await connection.execute(text(STATEMENTS[statement]))
        with pytest.raises(ReadOnlyError, match="was set with read_only=True"):
            async with new_session() as session:
                await session.execute(text(STATEMENTS[statement]))
        with pytest.raises(ReadOnlyError, match="was set with read_only=True"):
            async with new_session() as session:
                session.add(new_node())
    assert await count_nodes(NodeFilter(label="kept")) == 1


async def test_an_engine_of_yours_is_left_as_it_is(store: str, database_url: str) -> None:
    """``read_only`` counts for what goes through artigraph: your own engine writes on."""
    engine = create_async_engine(database_url)
    try:
        with engine_context(engine):
            await write_node(new_node(node_label="before"))
            with engine_context(engine, read_only=True):
                assert await count_nodes(NodeFilter()) == 1
                with pytest.raises(ReadOnlyError, match=r"set_engine\(engine\)"):
                    await write_node(new_node())
                with pytest.raises(ReadOnlyError):
                    async with new_session() as session:
                        await session.execute(text("DELETE FROM artigraph_node"))
                async with engine.begin() as connection:
                    await connection.execute(text("UPDATE artigraph_node SET node_label = 'mine'"))
                assert [n.node_label for n in await read_nodes(NodeFilter())] == ["mine"]
            await write_node(new_node(node_label="after"))
            assert await count_nodes(NodeFilter()) == 2
    finally:
        await engine.dispose()


async def test_a_session_is_not_shared_with_one_that_only_reads(
    store: str, database_url: str
) -> None:
    """Neither lends the other what it may do; the block inside reads what is committed."""
    if store == "sqlite":
        await write_node(new_node(node_label="first"))
    async with new_session():
        inside = await write_node(new_node(node_label="inside"))
        with engine_context(database_url, read_only=True):
            assert await read_nodes(NodeFilter(node_id=inside.node_id)) == []
            with pytest.raises(ReadOnlyError):
                await write_node(new_node())
            async with new_session() as session:
                assert session is not None
                with pytest.raises(ReadOnlyError):
                    await write_node(new_node())
        await write_node(new_node(node_label="later"))
    with engine_context(database_url, read_only=True):
        async with new_session():
            assert await count_nodes(NodeFilter(label="later")) == 1
            with engine_context(database_url):
                await write_node(new_node(node_label="last"))
    assert await count_nodes(NodeFilter(label="last")) == 1


async def test_a_call_sends_no_statement_more(
    store: str, database_url: str, statements: Statements
) -> None:
    """Reading costs what it does otherwise; a refused write sends nothing."""
    node = await write_node(new_node(node_label="one"))
    statements.clear()
    await read_nodes(NodeFilter(node_id=node.node_id))
    usual = list(statements)
    with engine_context(database_url, read_only=True):
        await read_nodes(NodeFilter())
        sent: list[str] = []
        engine = (await get_engine()).sync_engine
        event.listen(engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
        await read_nodes(NodeFilter(node_id=node.node_id))
        assert sent == usual
        with pytest.raises(ReadOnlyError):
            await write_node(new_node())
        assert sent == usual


async def test_it_is_said_where_the_database_is_shown(store: str, database_url: str) -> None:
    """What stands for a database says that it is only read."""
    with engine_context(database_url, read_only=True):
        setting = current_setting()
        assert setting is not None
        assert "read only" in repr(setting)
        assert "read only" in setting._repr_html_()
    assert "read only" not in repr(current_setting())


@asynccontextmanager
async def newer(database_url: str, oldest_writer: int) -> AsyncIterator[None]:
    """Have a newer artigraph's version in the store for a block."""

    async def say(version: int, oldest: int) -> None:
        engine = create_async_engine(database_url)
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE artigraph_schema SET schema_version = :version, "
                    "schema_oldest_writer = :oldest, schema_library = '9.9'"
                ),
                {"version": version, "oldest": oldest},
            )
        await engine.dispose()

    with engine_context(database_url):
        status = await schema_status()
    await say(status.version + 50, oldest_writer)
    try:
        yield
    finally:
        await say(status.version, 1)


@pytest.mark.parametrize("given", [False, True], ids=["address", "engine"])
async def test_a_newer_store_is_read_and_not_written(
    store: str, database_url: str, tmp_path: Path, given: bool
) -> None:
    """What only newer artigraphs may write is refused like that, blobs and all, with its reason."""
    broad = await fill(tmp_path / "blobs", f"newer-{store}-{given}")
    refused = r"made by artigraph 9\.9: this"
    async with newer(database_url, 1000):
        for name, write in writes(broad).items():
            blobs = broad.blobs()
            engine = create_async_engine(database_url)
            with engine_context(engine if given else database_url, create_tables=True):
                told = await refusal(write(), name)
            assert "made by artigraph 9.9: this" in told
            assert "pip install --upgrade artigraph" in told
            await engine.dispose()
            assert broad.blobs() == blobs
        engine = create_async_engine(database_url)
        with engine_context(engine if given else database_url):
            await read_all(broad)
            assert "read only" in repr(current_setting())
            with pytest.raises(ReadOnlyError, match=refused):
                async with new_session() as session:
                    await session.execute(text("DELETE FROM artigraph_node"))
            with pytest.raises(ReadOnlyError, match=refused):
                async with new_session() as session:
                    session.add(Node())
        await engine.dispose()
    async with newer(database_url, 1):
        with engine_context(database_url):
            await write_node(new_node())


async def test_no_file_is_made(tmp_path: Path) -> None:
    """A file that is not there stays so, whatever is called first; one that is, stays alone."""
    missing = f"sqlite+aiosqlite:///{tmp_path / 'missing.db'}"
    with engine_context(missing, read_only=True):
        for call in (lambda: read_nodes(NodeFilter()), schema_status, get_engine):
            with pytest.raises(EngineURLError, match="is not there, and read_only=True makes none"):
                await call()
    assert names_in(tmp_path) == []
    url = f"sqlite+aiosqlite:///{tmp_path / 'there.db'}"
    with engine_context(url, create_tables=True):
        await write_node(new_node())
        await (await get_engine()).dispose()
    with engine_context(url, read_only=True):
        assert await count_nodes(NodeFilter()) == 1
        await (await get_engine()).dispose()
    assert names_in(tmp_path) == ["there.db"]


async def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    """No table is made in it, nor is its journal changed."""
    file = tmp_path / "others.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE mine (number)")
        connection.commit()
    before = file.read_bytes()
    url = f"sqlite+aiosqlite:///{file}"
    with engine_context(url, read_only=True), pytest.raises(LookupError, match="has no table"):
        await read_nodes(NodeFilter())
    gc.collect()
    assert file.read_bytes() == before


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    """Tables that are made, a memory that is empty, and what is neither true nor false."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"
    before = current_setting()
    with pytest.raises(ReadOnlyError, match="give one of the two"):
        set_engine(url, create_tables=True, read_only=True)
    with pytest.raises(EngineURLError, match="read_only is True or False, not None"):
        set_engine(url, read_only=None)  # type: ignore[arg-type]  # what is tested
    memory = "sqlite+aiosqlite:///:memory:"
    with pytest.raises(EngineURLError, match="new and empty"):
        set_engine(memory, read_only=True)
    engine = create_async_engine(memory)
    with pytest.raises(EngineURLError, match="one connection, which is that engine's"):
        set_engine(engine, read_only=True)
    assert current_setting() is before


async def test_the_schema_is_not_upgraded(store: str, database_url: str) -> None:
    """``upgrade_schema`` is refused; a dry run says what it would do."""
    with engine_context(database_url, read_only=True):
        with pytest.raises(ReadOnlyError, match="was set with read_only=True"):
            await upgrade_schema()
        assert (await upgrade_schema(dry_run=True)).steps == ()
