"""Real databases for the tests: SQLite always, servers where they answer.

``--databases sqlite,postgresql,mariadb`` (or ``ARTIGRAPH_TEST_DATABASES``)
chooses; all three unless given. A server that does not answer skips its
tests and says why, or fails them where ``ARTIGRAPH_REQUIRE_SERVERS`` is set.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, delete, event, make_url, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

import artigraph
from artigraph import Node, engine_context, get_engine, set_engine
from artigraph.model import base as model_base
from artigraph.orm.node import node_table
from artigraph.orm.note import NoteRecord
from artigraph.orm.query import QueryRecord
from artigraph.orm.series import SeriesBlockRecord, SeriesRecord, SeriesWriterRecord
from artigraph.orm.tag import tag_table
from artigraph.orm.trash import TrashRecord
from artigraph.registry import Registry
from artigraph.serializer.base import serializers
from artigraph.storage.base import storages

# jsonschema, which notebooks are read with, does without; its grammars take each worker 3 seconds.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # so it is not found

# A busy machine is slow, not wrong.
for name, examples in {"usual": 50, "long": 500}.items():
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("usual")

SERVERS = {
    "postgresql": os.environ.get(
        "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
    ),
    "mariadb": os.environ.get(
        "ARTIGRAPH_TEST_MARIADB", "mariadb+asyncmy://root@127.0.0.1:3306/test"
    ),
}
DATABASES = ["sqlite", *SERVERS]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--databases``."""
    parser.addoption(
        "--databases",
        default=os.environ.get("ARTIGRAPH_TEST_DATABASES", ",".join(DATABASES)),
        help="which databases the store's tests run against, separated by commas",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for a database once for each."""
    if "database" in metafunc.fixturenames:
        chosen = [name.strip() for name in metafunc.config.getoption("--databases").split(",")]
        for name in chosen:
            if name not in DATABASES:
                raise pytest.UsageError(f"--databases knows {DATABASES}, not {name!r}")
        metafunc.parametrize("database", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of the database that the test runs against."""
    name: str = request.param
    if name not in SERVERS:
        yield name
        return
    with ExitStack() as stack:
        try:
            _own_databases[name] = stack.enter_context(own_database(name))
        except Exception as error:
            url = make_url(SERVERS[name])
            message = f"{name} does not answer at {url.host}:{url.port}: {error!r}"
            if os.environ.get("ARTIGRAPH_REQUIRE_SERVERS"):
                pytest.fail(message)
            pytest.skip(message)
        yield name


_own_databases: dict[str, str] = {}


@contextmanager
def own_database(server: str, prefix: str = "artigraph_test") -> Iterator[str]:
    """Make an empty database on a server; its address, for as long as this lasts."""
    url = make_url(SERVERS[server])
    name = f"{prefix}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    asyncio.run(_administer(url, f"CREATE DATABASE {name}"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        asyncio.run(_drop(url, name))


async def _drop(url: URL, name: str) -> None:
    # A thread beside the tests may be closing the last connection.
    for _ in range(50):
        try:
            return await _administer(url, f"DROP DATABASE {name}")
        except DBAPIError as error:
            if "accessed by other users" not in str(error):
                raise
            await asyncio.sleep(0.1)
    await _administer(url, f"DROP DATABASE {name}")


async def _administer(url: URL, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with tables and no rows: to copy one costs less than to make one."""
    file = tmp_path_factory.mktemp("made") / "made.db"

    async def make() -> None:
        with engine_context(f"sqlite+aiosqlite:///{file}", create_tables=True):
            await get_engine()

    asyncio.run(make())
    return file


@pytest.fixture
def database_url(database: str, made_file: Path, tmp_path: Path) -> str:
    """The address of a database; its tables may hold what earlier tests left."""
    if database == "sqlite":
        shutil.copyfile(made_file, tmp_path / "test.db")
        return f"sqlite+aiosqlite:///{tmp_path / 'test.db'}"
    return _own_databases[database]


@pytest.fixture
async def store(database: str, database_url: str) -> AsyncIterator[str]:
    """An empty store, set as the default; its value is the database's name."""
    reset = set_engine(database_url, create_tables=True)
    await empty_store()
    yield database
    reset()


async def empty_store() -> None:
    """Delete every row."""
    engine = await get_engine()
    async with engine.begin() as connection:
        if connection.dialect.name in ("mysql", "mariadb"):
            # Nor does it delete tags along then.
            await connection.execute(delete(tag_table))
            await connection.execute(text("SET foreign_key_checks = 0"))
        series = (SeriesBlockRecord, SeriesRecord, SeriesWriterRecord)
        for beside in (NoteRecord, QueryRecord, TrashRecord, *series):
            await connection.execute(delete(beside))
        locked = node_table.c.node_locked_at.is_not(None)
        await connection.execute(update(node_table).where(locked).values(node_locked_at=None))
        await connection.execute(delete(node_table))
        if connection.dialect.name in ("mysql", "mariadb"):
            await connection.execute(text("SET foreign_key_checks = 1"))


class Statements(list[str]):
    """The SQL statements that were sent, with BEGIN and COMMIT left out."""


@pytest.fixture
async def statements(store: str) -> AsyncIterator[Statements]:
    """Every statement sent to the store from here on; clear it with ``.clear()``."""
    sent = Statements()
    engine = (await get_engine()).sync_engine

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture(autouse=True)
def _forget_definitions(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget the classes, serializers and storages that a test defined.

    A model that another test module defines is not there either, so that no
    test depends on which modules are run beside its own.
    """
    assert artigraph.__version__
    models = dict(model_base.models_by_name)
    for name, model in models.items():
        home = model.__module__
        if home.rpartition(".")[2].startswith("test_") and home != request.module.__name__:
            del model_base.models_by_name[name]
    types = dict(Node.__mapper__.polymorphic_map)
    registries: list[tuple[Registry[Any], dict[str, Any]]] = [
        (registry, dict(registry.loaded)) for registry in (serializers, storages)
    ]
    yield
    model_base.models_by_name.clear()
    model_base.models_by_name.update(models)
    Node.__mapper__.polymorphic_map.clear()
    Node.__mapper__.polymorphic_map.update(types)
    for registry, registered in registries:
        registry.loaded.clear()
        registry.loaded.update(registered)
