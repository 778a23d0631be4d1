"""A fourth database is one file and its registration; nothing else names a database."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy.dialects import registry as sqlalchemys
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.types import String, TypeEngine
from typing_extensions import override

import artigraph
from artigraph import (
    DataModel,
    EngineURLError,
    ModelFilter,
    NameTakenError,
    ValueFilter,
    create_field_index,
    delete_nodes,
    drop_field_index,
    engine_context,
    get_engine,
    read_models,
    set_engine,
    write_models,
)
from artigraph.dialect import registry
from artigraph.dialect.base import Dialect
from artigraph.dialect.json import JsonFunctions
from artigraph.dialect.registry import dialect_of, register_dialect
from artigraph.dialect.sqlite.dialect import SQLITE, SQLite
from artigraph.orm.node import node_table

NAMES = ("sqlite", "postgres", "postgresql", "mysql", "mariadb")


class ToyDialect(SQLiteDialect_aiosqlite):
    """SQLAlchemy's half of a database that artigraph has never heard of."""

    name = "toy"
    supports_statement_cache = True


class Toy(SQLite):
    """artigraph's half: the one file that somebody writes."""

    name = "toy"
    title = "ToyBase"
    example = "toy+aiosqlite:///example.toy"
    column_types: ClassVar[Mapping[str, TypeEngine[Any]]] = {
        **SQLite.column_types,
        "name": String(collation="BINARY"),
    }
    asked: ClassVar[list[str]] = []

    @override
    def nulls_last(self, value: Callable[[], str], ordered: str) -> str:
        self.asked.append(value())
        return f"{value()} IS NULL, {ordered}"


TOY = Toy()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    monkeypatch.setitem(sqlalchemys.impls, "toy.aiosqlite", lambda: ToyDialect)
    monkeypatch.setattr(registry._registry, "loaded", dict(registry._registry.loaded))
    register_dialect(TOY)
    return TOY


class ToyRun(DataModel, version=1):
    loss: float | None
    name: str = ""


LOW = ModelFilter(model_type=ToyRun, where={"loss": ValueFilter(lt=0.4)})
ALL = ModelFilter(model_type=ToyRun)


async def losses(filter: ModelFilter, order_by: str | None = None) -> list[float | None]:
    return [found.value.loss for found in await read_models(filter, order_by=order_by)]


async def test_a_fourth_database_is_one_file(toy: Toy, tmp_path: Path) -> None:
    """Tables are made, models written, found, ordered, indexed and deleted there."""
    url = f"toy+aiosqlite:///{tmp_path / 'a.toy'}"
    with engine_context(url, create_tables=True):
        engine = await get_engine()
        assert engine.dialect.name == "toy"
        assert dialect_of(engine) is toy
        await write_models(models={f"at {loss}": ToyRun(loss=loss) for loss in (0.5, None, 0.25)})
        assert await losses(LOW) == [0.25]
        assert await losses(ALL, "-loss") == [0.5, 0.25, None]
        assert toy.asked
        await create_field_index(ToyRun, "loss")
        async with engine.connect() as connection:
            names = await connection.run_sync(toy.index_names, node_table)
            query = "SELECT sql FROM sqlite_master WHERE name = 'artigraph_node'"
            made = str((await connection.exec_driver_sql(query)).scalar())
        assert any(name.startswith("artigraph_field_") for name in names)
        assert "COLLATE" in made
        assert "AUTOINCREMENT" in made
        assert await losses(LOW) == [0.25]
        await drop_field_index(ToyRun, "loss")
        assert await delete_nodes(LOW) == 1
        assert await losses(ALL) == [0.5, None]


async def test_its_memory_is_shared_by_loops(toy: Toy) -> None:
    """What a dialect inherits holds under its own name: a memory database, for instance."""
    with engine_context("toy+aiosqlite:///:memory:", create_tables=True):
        await write_models(models={"a": ToyRun(loss=1.0)})
        assert await losses(ALL) == [1.0]


def test_errors_name_it(toy: Toy) -> None:
    """What to type for another database lists the fourth as well."""
    with pytest.raises(EngineURLError, match=r"'nosuch'.*ToyBase is 'toy\+aiosqlite://"):
        set_engine("nosuch+driver://there/it")
    with pytest.raises(EngineURLError, match="names no asynchronous driver"):
        set_engine("toy:///example.toy")


async def test_unknown_databases_are_told_what_is_supported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An address, and an engine, of a database that nobody has registered are refused."""
    with pytest.raises(EngineURLError, match=r"'oracle'.*'sqlite\+aio.*PostgreSQL is.*MariaDB is"):
        set_engine("oracle+oracledb://there/it")
    monkeypatch.setitem(sqlalchemys.impls, "toy.aiosqlite", lambda: ToyDialect)
    engine = create_async_engine("toy+aiosqlite:///:memory:")
    with pytest.raises(EngineURLError, match="'toy', which artigraph does not know"):
        set_engine(engine)
    await engine.dispose()


def test_a_name_is_given_once() -> None:
    """A second dialect of a name is refused by name; the same one again is not."""

    class Second(SQLite):
        """Another SQLite."""

    with pytest.raises(NameTakenError, match="'sqlite' belongs to"):
        register_dialect(Second())
    register_dialect(SQLITE)


def test_half_a_dialect_is_refused() -> None:
    """Who leaves something out that has no everyday answer is told what."""

    class Nameless(SQLite):
        """Without an address to type."""

        name = "nameless"
        example = ""

    class HalfJson(JsonFunctions):
        """Reads no JSON."""

    class Deaf(SQLite):
        """With half of the words for JSON."""

        name = "deaf"
        json = HalfJson

    class Abstract(Dialect):
        """With neither rows nor ids."""

    with pytest.raises(TypeError, match="Nameless does not say its example"):
        register_dialect(Nameless())
    with pytest.raises(TypeError, match=r"Deaf does not say its .*to_number"):
        register_dialect(Deaf())
    with pytest.raises(TypeError, match=r"Abstract.*rows_of"):
        Abstract()  # type: ignore[abstract]  # that is the point


def test_databases_are_named_in_one_folder() -> None:
    """No other module compares a database's name, compiles for one, or has types of one."""
    package = Path(artigraph.__file__).parent
    found = []
    for path in package.rglob("*.py"):
        if (package / "dialect") in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if names_a_database(node):
                found.append(f"{path.relative_to(package)}:{getattr(node, 'lineno', 0)}")
    assert found == []


def names_a_database(node: ast.AST) -> bool:
    """Whether code asks which database it is, or says what is one database's."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value in NAMES
    if isinstance(node, ast.ImportFrom | ast.Import):
        module = getattr(node, "module", None) or ""
        modules = [module, *(f"{module}.{name.name}" for name in node.names)]
        return any(one.startswith("sqlalchemy.dialects") or one == "sqlite3" for one in modules)
    if isinstance(node, ast.keyword):
        return (node.arg or "").startswith(tuple(f"{name}_" for name in NAMES))
    if not isinstance(node, ast.Attribute):
        return False
    of_dialect = isinstance(node.value, ast.Attribute) and node.value.attr == "dialect"
    return node.attr == "with_variant" or (of_dialect and node.attr in ("name", "driver"))
