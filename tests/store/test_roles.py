"""Accounts of a server: readers read, writers write and claim nothing, the owner does the rest."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    FilterError,
    NodeFilter,
    ReadOnlyError,
    StorageError,
    TagFilter,
    check_storage,
    collect_garbage,
    count_nodes,
    delete_nodes,
    delete_note,
    delete_query,
    empty_trash,
    engine_context,
    get_engine,
    lock_nodes,
    new_artifact,
    new_node,
    new_session,
    orphaned_blobs,
    read_artifact,
    read_node,
    read_nodes,
    read_notes,
    read_query,
    read_tags,
    read_trash,
    roles_sql,
    save_query,
    tag_nodes,
    trash_nodes,
    unlock_nodes,
    untag_nodes,
    write_artifacts,
    write_node,
    write_note,
)
from artigraph.orm.base import Base
from artigraph.orm.node import Node
from artigraph.serializer.json import json_serializer
from tests.conftest import SERVERS, own_database
from tests.store.broad import Broad, fill, read_all, writes

OF_TABLES = {"create_field_index", "drop_field_index", "create_label_index"}
"""Writes that change tables."""


@dataclass
class Team:
    """A store with accounts."""

    server: str
    admin: str
    names: dict[str, str]

    def url(self, who: str) -> str:
        """The address of ``owner``, ``writer`` or ``reader``."""
        url = make_url(self.admin).set(username=self.names[who], password="secret")
        return url.render_as_string(hide_password=False)

    def sql(self) -> str:
        """The rights."""
        return roles_sql(
            dialect=self.server,
            owner=self.names["owner"],
            writers=[self.names["writer"]],
            readers=[self.names["reader"]],
            database=make_url(self.admin).database,
        )


async def run(url: str, statements: list[str]) -> None:
    """Run statements past artigraph, each by itself."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement.replace(":", r"\:")))
    await engine.dispose()


def quoted(server: str, name: str) -> str:
    """An account's name in SQL."""
    if server == "postgresql":
        return '"' + name.replace('"', '""') + '"'
    return "`" + name.replace("`", "``") + "`@`%`"


@pytest.fixture(params=list(SERVERS), scope="module")
def team(request: pytest.FixtureRequest) -> Iterator[Team]:
    """A store in a database of its own, with accounts of names that want quoting."""
    server = request.param
    chosen = request.config.getoption("--databases").split(",")
    if server not in chosen:
        pytest.skip(f"{server} was not chosen")
    own = f"{os.getpid()}"
    names = {
        "owner": f"ag-owner {own}",
        "writer": f"ag `w\"r'; {own} --",
        "reader": f"ag@reader%_{own}",
    }
    with ExitStack() as stack:
        try:
            admin = stack.enter_context(own_database(server, "artigraph_ro_les"))
        except Exception as error:
            if os.environ.get("ARTIGRAPH_REQUIRE_SERVERS"):
                raise
            pytest.skip(f"{server} does not answer: {error!r}")
        made = Team(server, admin, names)
        kind, login = (
            ("ROLE", "LOGIN PASSWORD") if server == "postgresql" else ("USER", "IDENTIFIED BY")
        )
        accounts = [quoted(server, name) for name in names.values()]
        asyncio.run(run(admin, [f"CREATE {kind} {one} {login} 'secret'" for one in accounts]))
        try:
            asyncio.run(make(made))
            yield made
        finally:
            last = [f"DROP {kind} {one}" for one in accounts]
            if server == "postgresql":
                last = [f"DROP OWNED BY {one} CASCADE" for one in accounts] + last
            asyncio.run(run(admin, last))


async def make(team: Team) -> None:
    """Make the tables, and give the rights; twice, as somebody may."""
    with engine_context(team.admin, create_tables=True):
        await get_engine()
    for _ in range(2):
        await run(team.admin, team.sql().removesuffix(";\n").split(";\n"))


@pytest.fixture
async def broad(team: Team, tmp_path: Path) -> Broad:
    """What its owner has written."""
    with engine_context(team.url("owner"), create_tables=True):
        engine = await get_engine()
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE artigraph_node SET node_parent_id = NULL"))
            await connection.execute(text("DELETE FROM artigraph_node"))
        return await fill(tmp_path / "blobs", f"roles-{uuid4()}")


async def refusal(write: Awaitable[object], kinds: Any) -> str:
    """What is said of a write that is refused."""
    with pytest.raises(kinds) as caught:
        await write
    return str(caught.value)


async def test_readers_read(team: Team, broad: Broad) -> None:
    """An account that may only read does so by every way that there is."""
    with engine_context(team.url("reader")):
        await read_all(broad)


async def test_readers_do_not_write(team: Team, broad: Broad) -> None:
    """Every write of theirs is refused in plain words, and nothing is different."""
    with engine_context(team.url("reader")):
        before = [node._loaded() for node in await read_nodes(NodeFilter())]
        for name, write in writes(broad).items():
            if name == "drop_field_index":  # there is none
                continue
            # A right that is missing, or an index that the database has not at all.
            kinds = (ReadOnlyError, FilterError) if name == "create_label_index" else ReadOnlyError
            told = await refusal(write(), kinds)
            if name != "create_label_index":
                assert "may not do that in the database. Nothing was written." in told, name
                assert "Ask for the right" in told, name
        after = [node._loaded() for node in await read_nodes(NodeFilter())]
        assert after == before


async def test_looking_at_the_version_is_one_statement(team: Team, broad: Broad) -> None:
    """Who may only read pays for no more than others do, and needs no right to look at tables."""
    sent: list[str] = []
    engine = create_async_engine(team.url("reader"))
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    with engine_context(engine):
        await count_nodes(NodeFilter())
    await engine.dispose()
    assert len([one for one in sent if "schema_version" in one]) == 1


async def test_writers_write(team: Team, broad: Broad) -> None:
    """Nodes, models, values, groups, moves and deletions are theirs; their name is on the rows."""
    me = team.names["writer"]
    with engine_context(team.url("writer")):
        for name, write in writes(broad).items():
            if name == "drop_field_index":  # there is none
                continue
            if name in OF_TABLES:
                with pytest.raises((ReadOnlyError, FilterError)):
                    await write()
            elif name == "create_current":
                with pytest.raises(AssertionError):
                    await write()
            elif name in ("delete_nodes", "removed", "delete_models"):  # one of a kind will do
                continue
            else:
                await write()
            await delete_nodes(NodeFilter(label="new"))
        written = await write_node(new_node(node_label="mine"))
        assert (written.node_created_by, written.node_updated_by) == (me, me)
        root = await read_node(NodeFilter(node_id=broad.root))
        assert root.node_created_by == team.names["owner"]
        assert root.node_updated_by == me


async def test_writers_use_the_other_tables(team: Team, broad: Broad) -> None:
    """Tags, notes, saved questions and the trash are written by them, too, and read by readers."""
    root = NodeFilter(node_id=broad.root)
    with engine_context(team.url("writer")):
        await tag_nodes(root, {"good": 1})
        note = await write_note(broad.root, "a note")
        await save_query("good", TagFilter(name="good"))
        extra = await write_node(new_node(node_label="thrown away"))
        await trash_nodes(NodeFilter(node_id=extra.node_id))
        await lock_nodes(root)
    with engine_context(team.url("reader")):
        assert await read_tags(root) == {broad.root: {"good": 1}}
        assert [one.text for one in await read_notes(root)] == ["a note"]
        found = await read_nodes((await read_query("good")).filter)
        assert [one.node_id for one in found] == [broad.root]
        assert [entry.label for entry in await read_trash()] == ["thrown away"]
        for refused in (
            tag_nodes(root, {"bad": 1}),
            write_note(broad.root, "b"),
            save_query("bad", root),
            empty_trash(),
            unlock_nodes(root),
        ):
            with pytest.raises(ReadOnlyError):
                await refused
    with engine_context(team.url("writer")):
        await unlock_nodes(root)
        await untag_nodes(root, "good")
        await delete_note(note)
        await delete_query("good")
        assert await empty_trash() == 1


FORGED = {
    "insert": "INSERT INTO artigraph_node (node_id, node_type, node_created_at, node_updated_at, "
    "node_created_by, node_updated_by) VALUES (:id, 'node', :now, :now, 'mallory', 'mallory')",
    "update": "UPDATE artigraph_node SET node_created_by = 'mallory', node_updated_by = 'mallory' "
    "WHERE node_id = :id",
    "only who": "UPDATE artigraph_node SET node_created_by = NULL WHERE node_id = :id",
}


@pytest.mark.parametrize("how", [*FORGED, "object", "session", "temporary"])
async def test_nobody_forges_who_wrote(team: Team, broad: Broad, how: str) -> None:
    """No object, session or statement of a writer's makes a row another's."""
    me, owner = team.names["writer"], team.names["owner"]
    with engine_context(team.url("writer")):
        engine = await get_engine()
        node_id = broad.root
        expected = (owner, me)
        if how == "object":
            node = await read_node(NodeFilter(node_id=node_id))
            node.node_created_by = node.node_updated_by = "mallory"
            await write_node(node)
        elif how == "session":
            async with new_session() as session:
                node = Node(node_created_by="mallory", node_updated_by="mallory")
                session.add(node)
                await session.flush()
                node_id, expected = node.node_id, (me, me)
        elif how == "temporary":
            if team.server != "postgresql":
                pytest.skip("nothing of a user's own stands in for types there")
            async with engine.begin() as connection:
                for one in (
                    "CREATE DOMAIN pg_temp.text AS pg_catalog.varchar DEFAULT 'mallory'",
                    "CREATE FUNCTION pg_temp.session_user() RETURNS pg_catalog.text "
                    "LANGUAGE sql AS 'SELECT ''mallory''::pg_catalog.text'",
                    "SET search_path = pg_temp, public, pg_catalog",
                ):
                    await connection.exec_driver_sql(one)
                await connection.execute(text(FORGED["update"]), {"id": node_id})
        else:
            if how == "insert":
                node_id, expected = 10_000_000 + broad.root, (me, me)
            async with engine.begin() as connection:
                now = (await read_node(NodeFilter(node_id=broad.root))).node_created_at
                values = {"id": node_id, "now": now.replace(tzinfo=None)}
                if team.server == "postgresql":
                    values["now"] = now
                asked = {k: v for k, v in values.items() if f":{k}" in FORGED[how]}
                await connection.execute(text(FORGED[how]), asked)
    with engine_context(team.url("reader")):
        found = await read_node(NodeFilter(node_id=node_id))
        assert (found.node_created_by, found.node_updated_by) == expected


TABLES = [
    "ALTER TABLE artigraph_node ADD COLUMN mine INTEGER",
    "DROP TABLE artigraph_tag",
    "DROP INDEX artigraph_node_type{on}",
    "CREATE TABLE artigraph_mine (number INTEGER)",
    "TRUNCATE TABLE artigraph_note",
    "UPDATE artigraph_schema SET schema_version = 1",
    "DROP TRIGGER {trigger}",
]


@pytest.mark.parametrize("who", ["writer", "reader"])
@pytest.mark.parametrize("statement", TABLES)
async def test_only_the_owner_changes_tables(
    team: Team, broad: Broad, who: str, statement: str
) -> None:
    """Others' statements that do are refused by the database."""
    postgres = team.server == "postgresql"
    sql = statement.format(
        on="" if postgres else " ON artigraph_node",
        trigger="artigraph_node_creator ON artigraph_node" if postgres else "artigraph_node_insert",
    )
    with engine_context(team.url(who)):
        engine = await get_engine()
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match=r"(?i)denied|must be owner|permission"):
                await connection.exec_driver_sql(sql)


async def test_the_owner_changes_tables(team: Team, broad: Broad) -> None:
    """Indexes and columns are the owner's to make."""
    with engine_context(team.url("owner"), create_tables=True):
        for name in ("create_field_index", "drop_field_index"):
            await writes(broad)[name]()
        await run(team.url("owner"), ["ALTER TABLE artigraph_tag ADD COLUMN mine INTEGER"])
        await run(team.url("owner"), ["ALTER TABLE artigraph_tag DROP COLUMN mine"])


async def test_blobs_of_hidden_rows_stay(
    team: Team, broad: Broad, caplog: pytest.LogCaptureFixture
) -> None:
    """Who is not shown all rows removes no blob, is told why, and what it says to do works."""
    if team.server != "postgresql":
        pytest.skip("it hides no rows")
    policy = ["ALTER TABLE artigraph_node ENABLE ROW LEVEL SECURITY"]
    policy += ["CREATE POLICY own ON artigraph_node USING (node_created_by = session_user)"]
    await run(team.url("owner"), policy)
    writer = quoted(team.server, team.names["writer"])
    value = [1, 2, 3]  # as the owner has written it
    try:
        with engine_context(team.url("writer")):
            assert await count_nodes(NodeFilter()) == 0
            mine = new_artifact("mine", value, json_serializer, storage=broad.files)
            mine = (await write_artifacts([mine]))[0]
            assert await count_nodes(NodeFilter()) == 1
            blobs = broad.blobs()
            assert await delete_nodes(NodeFilter(node_id=mine.artifact.node_id)) == 1
            assert broad.blobs() == blobs
            assert "are left over: The database's row-level security hides rows" in caplog.text
            now = timedelta(0)
            told = "row-level security hides rows from this account.*No blob was removed"
            for dry_run in (True, False):
                with pytest.raises(StorageError, match=told) as caught:
                    await collect_garbage(broad.files, older_than=now, dry_run=dry_run)
            with pytest.raises(StorageError, match=told):
                [blob async for blob in orphaned_blobs(broad.files)]
            with pytest.raises(StorageError, match=told):
                await check_storage(broad.files)
            assert broad.blobs() == blobs
        advice = str(caught.value).rpartition("is exempt: ")[2]
        await run(team.admin, [advice.replace("your_collector", writer)])
        with engine_context(team.url("writer")):
            report = await collect_garbage(broad.files, older_than=now, dry_run=False)
            assert report.num_blobs == 0
        with engine_context(team.url("owner")):
            assert await count_nodes(NodeFilter()) > 1
            assert (await collect_garbage(broad.files, older_than=now)).num_blobs == 0
            loose = await read_artifact(NodeFilter(label="loose"))
            assert loose.value == value
            await delete_nodes(NodeFilter(label="loose"))
            assert broad.blobs() != blobs
    finally:
        await run(team.admin, [f"ALTER ROLE {writer} NOBYPASSRLS"])
        undo = ["DROP POLICY IF EXISTS own ON artigraph_node"]
        undo += ["ALTER TABLE artigraph_node DISABLE ROW LEVEL SECURITY"]
        await run(team.url("owner"), undo)


@pytest.mark.parametrize("who", ["writer", "reader"])
async def test_create_tables_does_no_harm(team: Team, broad: Broad, who: str) -> None:
    """Where all is there, who may make no tables need not leave ``create_tables`` out."""
    with engine_context(team.url(who), create_tables=True):
        assert await count_nodes(NodeFilter()) > 1


HOSTILE = ['a"b', "a'b", "a;b", "a--b", "a`b", "a\\b", "DROP TABLE x", "ä", "a b", "%", "*", "a.b"]


@pytest.mark.parametrize("dialect", ["postgresql", "mariadb"])
@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_quoted(dialect: str, name: str) -> None:
    """Outside of what is quoted no text has any of a name in it."""
    told = roles_sql(dialect=dialect, writers=[name], readers=[f"{name}2"])
    bare = re.sub(r'"(?:[^"]|"")*"' if dialect == "postgresql" else r"`(?:[^`]|``)*`", "", told)
    words = set(re.findall(r"[^\s,;.@()]+", bare))
    assert all(re.fullmatch("[A-Z]+", word) for word in words), words
    assert told.count("\n") == told.count(";\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"dialect": "postgresql", "writers": [""]},
        {"dialect": "postgresql", "writers": ["a\nb"]},
        {"dialect": "postgresql", "writers": ["a\x00b"]},
        {"dialect": "postgresql", "writers": ["a\u2028b"]},
        {"dialect": "postgresql", "writers": [7]},
        {"dialect": "postgresql", "writers": [None]},
        {"dialect": "postgresql", "writers": "ada"},
        {"dialect": "postgresql", "readers": None},
        {"dialect": "postgresql", "writers": ["ada"], "readers": ["ada"]},
        {"dialect": "postgresql", "owner": "ada", "readers": ["ada"]},
        {"dialect": "postgresql", "writers": ["public"]},
        {"dialect": "postgresql", "writers": ["none"]},
        {"dialect": "postgresql", "writers": ["x" * 64]},
        {"dialect": "postgresql", "writers": [("ada", "host")]},
        {},
        {"dialect": "sqlite", "writers": ["ada"]},
        {"dialect": "oracle", "writers": ["ada"]},
        {"dialect": "mariadb", "writers": ["ada"], "schema": "s"},
        {"dialect": "mariadb", "writers": ["x" * 129]},
        {"dialect": "mariadb", "owner": "ada", "database": "a\\b"},
    ],
)
def test_what_cannot_be_asked_for(wrong: dict[str, Any]) -> None:
    """What is no name, or means everybody, is refused; so is a database without accounts."""
    with pytest.raises(FilterError):
        roles_sql(**wrong)


def test_all_tables_are_in_it() -> None:
    """Each table that artigraph makes is one of those that rights are given to."""
    told = roles_sql(dialect="postgresql", readers=["ada"])
    names = {name for name in Base.metadata.tables if name.startswith("artigraph_")}
    assert names == set(re.findall(r'"(artigraph_[a-z_]+)" TO "ada"', told))


async def test_the_database_in_use_is_meant(store: str) -> None:
    """Nobody need say which one it is; a file has no accounts, and the error says what to do."""
    if store == "sqlite":
        with pytest.raises(FilterError, match="read_only=True"):
            roles_sql(readers=["ada"])
        return
    assert roles_sql(readers=["ada"]) == roles_sql(dialect=store, readers=["ada"])
