"""A store that an older artigraph wrote becomes one of today's, and loses nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import re
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, event, inspect, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import Mapped

from artigraph import (
    Node,
    NodeFilter,
    SchemaError,
    delete_nodes,
    engine_context,
    get_engine,
    new_node,
    read_node,
    read_nodes,
    schema_status,
    unlock_nodes,
    upgrade_schema,
    write_node,
)
from artigraph.db import upgrade
from artigraph.db.setting import current_setting
from artigraph.dialect.registry import dialect_of
from artigraph.errors import NodeTypeError
from artigraph.orm.node import node_table
from tests.conftest import own_database
from tests.store.old import FIRST, old_store
from tests.store.upgrading import (
    MAKE,
    NEEDED,
    TABLES,
    asked,
    brought_up,
    close,
    in_a_process_of_its_own,
    kept,
    opened,
    rows_of,
    run,
    shape_of,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are a thing of POSIX")


@pytest.fixture
def old_url(database: str, tmp_path: Path) -> Iterator[str]:
    """The address of a copy of a store of the first schema."""
    with old_store(database, FIRST, tmp_path) as url:
        yield url


# ------------------------------------------------------------------ from the first release


def test_nothing_is_lost(old_url: str) -> None:
    """Every value is what it was; new columns have their values."""
    before = run(asked(old_url, rows_of))
    report = run(brought_up(old_url))
    assert (report.before, report.after) == (1, NEEDED)
    after = run(asked(old_url, rows_of))
    for table, rows in before.items():
        assert len(after[table]) == len(rows)
        for old, new in zip(rows, after[table], strict=True):
            assert kept(old, new) == old
    rows = after["artigraph_node"]
    uids = [bytes(row["node_uid"]) for row in rows]
    assert len(set(uids)) == len(rows)
    assert all(len(uid) == 16 for uid in uids)
    # They tell when the row was written, and sort by that and by the id.
    in_order = sorted(rows, key=lambda row: (str(row["node_created_at"]), row["node_id"]))
    assert [row["node_uid"] for row in in_order] == sorted(row["node_uid"] for row in rows)
    assert all(UUID(bytes=uid).version == 7 for uid in uids)
    assert all(row["node_locked_at"] is row["node_trashed_at"] is None for row in rows)


async def test_uids_tell_the_time(database: str, tmp_path: Path) -> None:
    """The time in a uid that is made later is the row's, to the millisecond."""
    copy = old_store(database, FIRST, tmp_path)
    url = await asyncio.to_thread(copy.__enter__)
    try:
        await brought_up(url)
        with opened(url):
            nodes = await read_nodes(NodeFilter())
            for node in nodes:
                assert node.node_uid is not None
                told = node.node_uid.int >> 80
                assert told == int(node.node_created_at.timestamp() * 1_000_000) // 1_000
            await close()
    finally:
        await asyncio.to_thread(copy.__exit__, None, None, None)


def test_it_becomes_what_a_fresh_one_is(old_url: str, database: str, tmp_path: Path) -> None:
    """Columns with types and collations, indexes and triggers are those of a new store."""
    run(brought_up(old_url))
    made = f"sqlite+aiosqlite:///{tmp_path / 'fresh.db'}"
    with ExitStack() as stack:
        if database != "sqlite":
            made = stack.enter_context(own_database(database, "artigraph_fresh"))
        in_a_process_of_its_own(MAKE, made)
        fresh = run(asked(made, shape_of))
    here = run(asked(old_url, shape_of))
    for what in ("columns", "rest"):
        assert sorted(fresh[what] - here[what]) == []
    assert sorted(here["rest"] - fresh["rest"]) == []


def test_a_deleted_id_does_not_come_back(old_url: str) -> None:
    """The last row was deleted before the upgrade: its id is nobody's afterwards."""

    def last(connection: Connection) -> int:
        highest = connection.execute(text("SELECT MAX(node_id) FROM artigraph_node")).scalar_one()
        connection.execute(text("DELETE FROM artigraph_node WHERE node_id = :id"), {"id": highest})
        return int(highest)

    gone = run(asked(old_url, last))
    run(brought_up(old_url))

    async def write() -> int:
        with opened(old_url):
            node = await write_node(new_node(node_label="new"))
            await close()
            return node.node_id

    assert run(write()) > gone


def test_indexes_of_fields_are_still_there(old_url: str) -> None:
    """A step makes no table anew, so what was made beside it stays."""

    def names(connection: Connection) -> set[str]:
        # The inspector warns of indexes on expressions.
        return dialect_of(connection).index_names(connection, node_table)

    before = run(asked(old_url, names))
    assert any("artigraph_field" in name for name in before)
    run(brought_up(old_url))
    assert before < run(asked(old_url, names))


# -------------------------------------------------------------------------- what one types


async def test_the_status_and_the_dry_run_change_nothing(old_url: str) -> None:
    """They say what is missing; the upgrade does it, and a second one has nothing to do."""
    with engine_context(old_url):
        before = await schema_status()
        assert (before.version, before.needed, before.can_write) == (1, NEEDED, False)
        assert [step[0] for step in before.steps] == [str(n) for n in range(2, NEEDED + 1)]
        dry = await upgrade_schema(dry_run=True)
        assert (dry.before, dry.after, dry.dry_run, dry.steps) == (1, NEEDED, True, before.steps)
        assert await schema_status() == before
        report = await upgrade_schema()
        assert report.steps == before.steps
        assert f"version 1 to {NEEDED}" in report._repr_html_()
        after = await schema_status()
        assert (after.version, after.steps, after.can_write) == (NEEDED, (), True)
        again = await upgrade_schema()
        assert (again.before, again.after, again.steps, again.copy) == (NEEDED, NEEDED, (), None)
        await close()


async def test_an_old_store_is_refused_with_the_line_to_type(old_url: str) -> None:
    """Both versions are named, and what is to be typed works."""
    with engine_context(old_url):
        refusal = rf"has schema 1, .* needs {NEEDED}.*await upgrade_schema"
        with pytest.raises(SchemaError, match=refusal):
            await read_nodes(NodeFilter())
        await upgrade_schema()
        await close()
    with opened(old_url):
        assert await read_nodes(NodeFilter())
        await close()


async def test_who_makes_tables_upgrades_a_file_and_no_server(old_url: str, database: str) -> None:
    """A file is one's own; a server is administered by somebody."""
    with engine_context(old_url, create_tables=True):
        if database != "sqlite":
            with pytest.raises(SchemaError, match="await upgrade_schema"):
                await read_nodes(NodeFilter())
            await upgrade_schema()
        assert await read_nodes(NodeFilter())
        assert (await schema_status()).version == NEEDED
        await close()


async def test_a_file_is_copied_first(tmp_path: Path) -> None:
    """The report names the copy, which is the store as it was; an older copy stays."""
    file = tmp_path / "runs.db"
    taken = tmp_path / "runs.db.before-2"
    taken.write_text("another copy")
    shutil.copy(FIRST / "sqlite.db", file)
    with engine_context(f"sqlite+aiosqlite:///{file}"):
        report = await upgrade_schema()
        await close()
    assert taken.read_text() == "another copy"
    assert report.copy == tmp_path / "runs.db.before-2.1"
    assert str(report.copy) in str(report)
    assert "copy" in report._repr_html_()
    with engine_context(f"sqlite+aiosqlite:///{report.copy}"):
        assert (await schema_status()).version == 1
        await upgrade_schema()
        await close()
    with opened(f"sqlite+aiosqlite:///{report.copy}"):
        assert len(await read_nodes(NodeFilter())) == 46
        await close()


async def test_an_empty_database_is_no_old_store(tmp_path: Path) -> None:
    """There is nothing to upgrade in it, and its tables are made as ever."""
    with engine_context(f"sqlite+aiosqlite:///{tmp_path / 'none.db'}"):
        status = await schema_status()
        assert (status.version, status.steps, status.can_write) == (0, (), False)
        report = await upgrade_schema()
        assert (report.before, report.after, report.steps) == (0, 0, ())
        with pytest.raises(SchemaError, match="create_tables=True"):
            await read_nodes(NodeFilter())


CONNECT = """
import asyncio, sys
from sqlalchemy import event
from artigraph import *
from artigraph.db.setting import current_setting

async def main(url):
    seen = []
    set_engine(url)
    engine = await current_setting().unchecked_engine()
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    for _ in range(2):  # the second time nothing is left to ask
        await get_engine()
    # What models there are is another question.
    print(*[one for one in seen if "model_artifact_type" not in one], sep="\\n---\\n")
    await engine.dispose()

asyncio.run(main(sys.argv[1]))
"""


def test_connecting_takes_one_statement(old_url: str) -> None:
    """What a store says of itself is asked at once, and nothing else unless tables are made."""
    run(brought_up(old_url))
    told = in_a_process_of_its_own(CONNECT, old_url)
    # A connection is set up before it is one.
    asked_for = [one for one in told.split("\n---\n") if not one.startswith(("PRAGMA", "SET"))]
    assert len(asked_for) == 1, told
    assert "schema_version" in told


# ------------------------------------------------------------------------- other versions


async def _say(url: str, **values: int) -> None:
    said = ", ".join(f"{name} = {value}" for name, value in values.items())
    statement = f"UPDATE artigraph_schema SET {said}"  # names of our own
    await asked(url, lambda connection: connection.execute(text(statement)))


async def test_a_newer_store_that_lets_us_write(old_url: str) -> None:
    """It says that libraries of our version may go on."""
    await brought_up(old_url)
    await _say(old_url, schema_version=NEEDED + 3, schema_oldest_writer=NEEDED)
    with opened(old_url):
        status = await schema_status()
        assert (status.version, status.can_read, status.can_write) == (NEEDED + 3, True, True)
        node = await write_node(new_node(node_label="written"))
        await delete_nodes(NodeFilter(node_id=node.node_id))
        report = await upgrade_schema()
        assert (report.before, report.after, report.steps) == (NEEDED + 3, NEEDED + 3, ())
        await close()


async def test_a_newer_store_that_is_refused(old_url: str) -> None:
    """The text says which artigraph made it, and what to install."""
    await brought_up(old_url)
    await _say(old_url, schema_version=9, schema_oldest_reader=9, schema_oldest_writer=9)
    with engine_context(old_url, create_tables=True):
        status = await schema_status()
        assert (status.can_read, status.can_write) == (False, False)
        with pytest.raises(SchemaError, match=r"has schema 9.*pip install --upgrade artigraph"):
            await read_nodes(NodeFilter())
        engine = create_async_engine(old_url)
        await engine.dispose()


async def test_rows_of_an_older_library_get_their_names(old_url: str) -> None:
    """It may write into a store of today's, and knows of no uids; whoever opens it next does."""
    await brought_up(old_url)
    insert = (
        "INSERT INTO artigraph_node (node_id, node_type, node_label, node_created_at, "
        "node_updated_at) VALUES (9000, 'node', 'old', '2026-01-02 03:04:05.678901', "
        "'2026-01-02 03:04:05.678901')"
    )
    await asked(old_url, lambda c: c.exec_driver_sql(insert))
    unnamed = text("SELECT COUNT(*) FROM artigraph_node WHERE node_uid IS NULL")
    assert await asked(old_url, lambda c: c.execute(unnamed).scalar()) == 1
    with opened(old_url):
        named = (await read_node(NodeFilter(label="old"))).node_uid
        await close()
    assert named is not None
    assert named.version == 7


async def test_a_locked_row_of_an_older_library_shuts_nobody_out(old_url: str) -> None:
    """The database refuses to name it; it gets its name once it is unlocked."""
    await brought_up(old_url)
    insert = (
        "INSERT INTO artigraph_node (node_id, node_type, node_label, node_created_at, "
        "node_updated_at) VALUES (9000, 'node', 'old', '2026-01-02 03:04:05.678901', "
        "'2026-01-02 03:04:05.678901')"
    )
    await asked(old_url, lambda c: c.exec_driver_sql(insert))
    old = NodeFilter(label="old")
    lock = "UPDATE artigraph_node SET node_locked_at = node_created_at WHERE node_id = 9000"
    await asked(old_url, lambda c: c.exec_driver_sql(lock))
    with opened(old_url):
        assert (await read_node(old)).node_uid is None
        assert await unlock_nodes(old) == 1
        await close()
    with opened(old_url):
        assert (await read_node(old)).node_uid is not None
        await close()


# ---------------------------------------------------------------------------- bad luck


async def test_times_that_are_none(old_url: str, database: str) -> None:
    """Whatever a row says of its time, it gets a name of 16 bytes like all others."""
    times = ["1955-03-04 05:06:07.123456"]
    if database == "sqlite":
        times += ["garbage", "2024-01-01 00:00:00.-1234", "9999-12-31 23:59:59.999999", ""]

    def spoil(connection: Connection) -> None:
        ids = connection.execute(text("SELECT node_id FROM artigraph_node")).scalars().all()
        for time, node_id in zip(times, ids, strict=False):
            connection.exec_driver_sql(
                f"UPDATE artigraph_node SET node_created_at = '{time}' WHERE node_id = {node_id}"
            )

    await asked(old_url, spoil)
    await brought_up(old_url)
    lengths = text("SELECT DISTINCT LENGTH(node_uid) FROM artigraph_node")
    assert await asked(old_url, lambda c: c.execute(lengths).scalars().all()) == [16]


def refused_and_advised(url: str, refusal: str, advice: str) -> None:
    """See that an upgrade is refused and changes nothing, and goes through once advised."""
    before = run(asked(url, shape_of))
    with pytest.raises(SchemaError, match=refusal) as told:
        run(brought_up(url))
    assert run(asked(url, shape_of)) == before
    statement = re.search(advice, str(told.value))
    assert statement is not None
    run(asked(url, lambda c: c.execute(text(statement[0]))))
    run(brought_up(url))


@pytest.mark.parametrize("table", ["artigraph_tag", "artigraph_schema"])
def test_a_table_of_a_user_under_a_new_name(old_url: str, table: str) -> None:
    """Nothing is changed, and the advice works: its rows are all there afterwards."""

    def add(connection: Connection) -> None:
        connection.execute(text(f"CREATE TABLE {table} (mine INTEGER)"))
        connection.execute(text(f"INSERT INTO {table} VALUES (7)"))

    run(asked(old_url, add))
    refused_and_advised(old_url, rf"{table}.*Nothing was.*RENAME", r"ALTER TABLE \S+ RENAME TO \w+")
    query = text(f"SELECT mine FROM my_{table}")
    assert run(asked(old_url, lambda c: c.execute(query).scalars().all())) == [7]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM artigraph_schema",
        "UPDATE artigraph_schema SET schema_version = -3",
        "UPDATE artigraph_schema SET schema_version = 0",
        "UPDATE artigraph_schema SET schema_oldest_reader = -1",
    ],
)
async def test_a_lost_or_damaged_version_row(old_url: str, damage: str) -> None:
    """What the error says to type makes it anew, and no row is touched."""
    await brought_up(old_url)
    await asked(old_url, lambda c: c.exec_driver_sql(damage))
    before = (await asked(old_url, rows_of))["artigraph_node"]
    with engine_context(old_url):
        with pytest.raises(SchemaError, match=r"await upgrade_schema\(\)") as told:
            await read_nodes(NodeFilter())
        if "DELETE FROM artigraph_schema" in str(told.value):
            await asked(old_url, lambda c: c.exec_driver_sql("DELETE FROM artigraph_schema"))
        assert (await upgrade_schema()).after == NEEDED
        await close()
    with opened(old_url):
        assert await read_nodes(NodeFilter())
        await close()
    after = (await asked(old_url, rows_of))["artigraph_node"]
    assert [{n: new[n] for n in old} for old, new in zip(before, after, strict=True)] == before


def test_a_column_of_a_user_under_a_new_name(old_url: str) -> None:
    """Nothing is changed, and the advice works: the values are all there afterwards."""

    def add(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE artigraph_node ADD COLUMN node_created_by INTEGER"))
        connection.execute(text("UPDATE artigraph_node SET node_created_by = node_id + 1000"))

    run(asked(old_url, add))
    refused_and_advised(
        old_url,
        r"node_created_by.*Nothing was changed.*RENAME",
        r"ALTER TABLE \S+ RENAME COLUMN \S+ TO \w+",
    )
    query = text("SELECT node_id, my_node_created_by FROM artigraph_node")
    rows = run(asked(old_url, lambda c: c.execute(query).all()))
    assert rows
    assert all(kept == node_id + 1000 for node_id, kept in rows)


def test_a_class_with_a_column_of_a_new_name() -> None:
    """It is told as soon as the class is defined."""
    with pytest.raises(NodeTypeError, match="declares the column 'node_uid', which every node"):

        class UpgradeTaken(Node):
            __mapper_args__ = {"polymorphic_identity": "upgrade_taken"}  # noqa: RUF012  # SQLAlchemy's
            node_uid: Mapped[int | None] = None  # type: ignore[assignment]  # which is refused


def test_no_room_for_the_copy(tmp_path: Path) -> None:
    """The store is as it was, nothing of the copy is left, and with room it goes on."""
    with old_store("sqlite", FIRST, tmp_path) as url:
        file = Path(url.removeprefix("sqlite+aiosqlite:///"))
        child = os.fork()
        if child == 0:
            told = 1
            with suppress(BaseException):
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))
                try:
                    run(brought_up(url))
                except SchemaError as error:
                    told = 0 if "could not be copied" in str(error) else 2
            os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert not list(tmp_path.glob("*before*"))
        with closing(sqlite3.connect(file)) as connection:
            columns = connection.execute("SELECT * FROM pragma_table_info('artigraph_node')")
            assert not [name for _, name, *_ in columns if name == "node_uid"]
        assert run(brought_up(url)).copy.exists()


def _killed_at(url: str, number: int) -> bool:
    """Upgrade in a child that is killed before its statement of that number; whether it was."""
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in (0, -signal.SIGKILL), status
        return status != 0
    left = [number]

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    with suppress(BaseException):
        upgrade.ROWS = 10  # type: ignore[attr-defined]  # several batches of so few rows
        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count)
        run(brought_up(url))
        code = 0
    os._exit(code)


def test_killed_at_every_step(old_url: str) -> None:
    """Each kill leaves a store that the next attempt takes further, until it is whole."""
    before = run(asked(old_url, rows_of))
    number, kills, last = 1, 0, 1
    while _killed_at(old_url, number):
        kills += 1
        number += 1
        version = run(_version(old_url))
        # A server has each step for itself.
        assert last <= version <= NEEDED
        last = version
        assert kills < 500
    assert kills > 10
    run(_whole(old_url, before))


async def test_an_account_that_makes_no_triggers(old_url: str, database: str) -> None:
    """It is told so before anything is changed, or made."""
    if database != "mariadb":
        pytest.skip("only MariaDB has a right of its own for triggers")
    address = make_url(old_url)
    plain = address.set(username="artigraph_plain").render_as_string(hide_password=False)

    async def say(*statements: str) -> None:
        for statement in statements:
            await asked(old_url, lambda c, s=statement: c.exec_driver_sql(s))  # type: ignore[misc]

    await say(
        "CREATE OR REPLACE USER artigraph_plain@'%%'",
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, REFERENCES ON "
        f"{address.database}.* TO artigraph_plain@'%%'",
    )
    before = await asked(old_url, shape_of)
    try:
        with pytest.raises(SchemaError, match=r"no triggers.*Nothing was changed.*GRANT"):
            await brought_up(plain)
        assert await asked(old_url, shape_of) == before
        await say(*(f"DROP TABLE {table}" for table in TABLES))
        with opened(plain):
            for _ in range(2):
                with pytest.raises(SchemaError, match=r"no triggers.*Nothing was changed"):
                    await write_node(new_node())
            await close()
        assert not await asked(old_url, lambda c: inspect(c).get_table_names())
    finally:
        await say("DROP USER artigraph_plain@'%%'")


async def _version(url: str) -> int:
    with engine_context(url):
        status = await schema_status()
        return status.version


async def _whole(url: str, before: dict[str, list[dict[str, Any]]]) -> None:
    after = await asked(url, rows_of)
    for table, rows in before.items():
        for old, new in zip(rows, after[table], strict=True):
            assert kept(old, new) == old
    assert all(row["node_uid"] for row in after["artigraph_node"])
    guards = await asked(
        url,
        lambda c: (
            dialect_of(c).guards("artigraph_node").keys()
            - dialect_of(c).guard_names(c, "artigraph_node")
        ),
    )
    assert not guards
    with opened(url):
        assert (await schema_status()).can_write
        await write_node(new_node(node_label="after"))
        await close()


def _upgrade_all(urls: list[str], barrier: Barrier, failed: Any) -> None:
    for url in urls:
        barrier.wait(60)
        try:
            run(brought_up(url))
        except BaseException as error:
            failed.put(f"{url}: {type(error).__name__}: {error}")
    os._exit(0)


ROUNDS = int(os.environ.get("ARTIGRAPH_TEST_ROUNDS", "3"))
"""How many stores are upgraded by eight processes at once."""


def test_eight_processes_at_once(database: str, tmp_path: Path) -> None:
    """One does it, the others wait and find it done; no step is taken twice."""
    copies = [old_store(database, FIRST, tmp_path) for _ in range(ROUNDS)]
    urls = [copy.__enter__() for copy in copies]
    try:
        before = run(asked(urls[0], rows_of))
        context = multiprocessing.get_context("fork")
        barrier, failed = context.Barrier(8), context.Queue()
        processes = [
            context.Process(target=_upgrade_all, args=(urls, barrier, failed)) for _ in range(8)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)
        assert failed.empty(), failed.get()
        assert [process.exitcode for process in processes] == [0] * 8
        for url in urls:
            run(_whole(url, before))
        if database == "sqlite":
            # Who waited had nothing to copy.
            assert len(list(tmp_path.glob("*.before-*"))) == ROUNDS
    finally:
        for copy in copies:
            copy.__exit__(None, None, None)


async def test_a_memory_database_needs_no_copy() -> None:
    """It is made by today's code, so there is nothing to do."""
    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        await write_node(new_node(node_label="a"))
        report = await upgrade_schema()
        assert (report.steps, report.copy) == ((), None)
        engine: AsyncEngine = await get_engine()
        await engine.dispose()


async def test_who_makes_tables_is_told_of_the_copy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that is upgraded by itself says so where one looks, with the copy's name."""
    file = tmp_path / "runs.db"
    shutil.copy(FIRST / "sqlite.db", file)
    with opened(f"sqlite+aiosqlite:///{file}"):
        await read_nodes(NodeFilter())
        setting = current_setting()
        assert f"upgraded to {NEEDED}" in setting._repr_html_()  # type: ignore[union-attr]  # it is set
        assert "runs.db.before-2" in setting._repr_html_()  # type: ignore[union-attr]  # as above
        await close()
    assert "runs.db.before-2" in caplog.text


async def test_what_is_only_read_is_not_upgraded(old_url: str) -> None:
    """The advice says how it can be."""
    with (
        engine_context(old_url, read_only=True),
        pytest.raises(SchemaError, match=r"without read_only=True.*await upgrade_schema"),
    ):
        await read_nodes(NodeFilter())


async def test_a_misspelt_file_is_not_made(tmp_path: Path) -> None:
    """Nothing is left where there was nothing, whoever asks."""
    with engine_context(f"sqlite+aiosqlite:///{tmp_path / 'typo.db'}"):
        with pytest.raises(SchemaError, match=r"typo.db is not there, .*create_tables=True"):
            await read_nodes(NodeFilter())
        assert (await schema_status()).version == 0
        assert (await upgrade_schema()).steps == ()
    assert os.listdir(tmp_path) == []
