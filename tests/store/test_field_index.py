"""Indexes on fields: made, used by the database's own account, and dropped."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

import artigraph as loose_artigraph
from artigraph import (
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    ValueFilter,
    create_field_index,
    drop_field_index,
    get_engine,
    is_in,
    new_session,
    read_models,
    set_engine,
    write_models,
)
from artigraph.filter.order import ordering_of
from artigraph.orm.node import node_table

loose: Any = loose_artigraph


class Color(Enum):
    RED = 1
    BLUE = 2


class IndexPart(DataModel, version=1):
    x: int


class Indexed(DataModel, version=1, kw_only=True):
    loss: float = 0.0
    n: int = 0
    flag: bool = False
    name: str = ""
    when: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    day: date = date(2024, 1, 1)
    took: timedelta = timedelta(0)
    price: Decimal = Decimal(0)
    key: UUID = UUID(int=0)
    place: Path = Path("a")
    color: Color = Color.RED
    params: dict[str, float] | None = None
    free: Any = None
    inner: IndexPart | None = None


async def plan(filter: Filter, order_by: str | None = None) -> str:
    """How the database goes about a question, with sequential scans made dear."""
    engine = await get_engine()
    name = engine.dialect.name
    query = node_table.select().where(filter.clause()).limit(5)
    if order_by is not None:
        query = query.order_by(*ordering_of(order_by, filter).clauses)
    sql = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN" if name == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        if name == "postgresql":
            # Over a handful of rows it would read the table, index or not.
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        # SQLite's driver keeps what it has explained, so let no two be the same.
        lines = (await connection.exec_driver_sql(f"{explain} {sql} -- {uuid4()}")).all()
    return " ".join(str(part) for line in lines for part in line)


VALUES: list[tuple[str, Any, Any]] = [
    ("loss", 0.25, lambda f: f.loss < 0.5),
    ("n", 2**60, lambda f: f.n == 2**60),
    ("flag", False, lambda f: f.flag == False),  # noqa: E712  # a condition
    ("name", "a" * 5000, lambda f: f.name == "a" * 5000),
    ("when", datetime(2024, 1, 1, tzinfo=UTC), lambda f: f.when < datetime(2024, 2, 1, tzinfo=UTC)),
    ("day", date(2024, 1, 1), lambda f: f.day <= date(2024, 1, 1)),
    ("took", timedelta(1), lambda f: f.took < timedelta(2)),
    ("price", Decimal("0.5"), lambda f: f.price == Decimal("0.50")),
    ("key", UUID(int=1), lambda f: is_in(f.key, [UUID(int=1)])),
    ("color", Color.RED, lambda f: f.color == Color.RED),
    ("params.depth", {"depth": 0.5}, lambda f: f.params["depth"] < 1),
]
OTHERS: dict[str, Any] = {
    "loss": 0.75, "n": 1, "flag": True, "name": "b" * 4999, "color": Color.BLUE,
    "when": datetime(2024, 3, 1, tzinfo=UTC), "day": date(2024, 1, 2), "took": timedelta(3),
    "price": Decimal(7), "key": UUID(int=2), "params.depth": {"depth": 2.5},
}  # fmt: skip


@pytest.mark.parametrize(("field", "value", "ask"), VALUES, ids=[v[0] for v in VALUES])
async def test_an_index_is_used_and_finds_the_same(
    store: str, field: str, value: Any, ask: Any
) -> None:
    """The database says that it uses the index; answers stay, also when it is dropped."""
    column = field.partition(".")[0]
    await write_models(
        models={f"m{i}": Indexed(**{column: OTHERS[field]}) for i in range(400)}
        | {"wanted": Indexed(**{column: value})}
    )
    filter = Indexed.where(ask)

    async def answer() -> list[Any]:
        return [m.artifact.node_label for m in await read_models(filter)]

    try:
        assert await answer() == ["wanted"]
        await create_field_index(Indexed, field)
        await create_field_index(Indexed, field)
        assert "artigraph_field_" in await plan(filter)
        assert await answer() == ["wanted"]
        await write_models(models={"later": Indexed(**{column: value})})
        assert await answer() == ["wanted", "later"]
    finally:
        await drop_field_index(Indexed, field)
        await drop_field_index(Indexed, field)
    assert "artigraph_field_" not in await plan(filter)
    assert await answer() == ["wanted", "later"]


class Otherwise(DataModel, version=1, kw_only=True):
    n: Any = None
    price: Any = None
    key: Any = None
    color: Any = None


async def test_an_index_stops_no_other_class(store: str) -> None:
    """What another class holds in a field of the name is written, however long or large it is."""
    indexed = ["n", "price", "key", "color"]
    long = "".join(sha256(bytes([i])).hexdigest() for i in range(256))
    odd = [long, "9" * 200_000, 1e300, -1e300, math.inf, 2**80, Decimal("1E+999"), [1], {"a": 1}]
    try:
        for field in indexed:
            await create_field_index(Indexed, field)
        models = {
            f"{field}-{i}": Otherwise(**{field: v}) for field in indexed for i, v in enumerate(odd)
        }
        await write_models(models=models | {"price": Indexed(price=Decimal("1E+999"))})
        found = await read_models(Indexed.where(lambda f: f.price > Decimal(5)))
        assert [m.artifact.node_label for m in found] == ["price"]
        assert not await read_models(Indexed.where(lambda f: f.price == Decimal(5)))
    finally:
        for field in indexed:
            await drop_field_index(Indexed, field)


async def test_an_index_serves_an_order(store: str) -> None:
    """The lowest of many are read off the index."""
    await write_models(models={f"m{i}": Indexed(loss=i / 7) for i in range(200)})
    try:
        await create_field_index(Indexed, "loss")
        best = await read_models(ModelFilter(model_type=Indexed), order_by="loss", limit=2)
        assert [m.artifact.node_label for m in best] == ["m0", "m1"]
        if store != "mariadb":  # it sorts, since it has no NULLS LAST
            assert "artigraph_field_" in await plan(ModelFilter(model_type=Indexed), "loss")
    finally:
        await drop_field_index(Indexed, "loss")


async def test_another_process_uses_the_index(store: str, database_url: str) -> None:
    """An engine that opens the database later knows of the index, and complains of nothing."""
    await write_models(models={f"m{i}": Indexed(loss=i) for i in range(50)})
    try:
        await create_field_index(Indexed, "loss")
        reset = set_engine(database_url, create_tables=True)
        try:
            assert "artigraph_field_" in await plan(Indexed.where(lambda f: f.loss < 3))
        finally:
            reset()
    finally:
        await drop_field_index(Indexed, "loss")


async def test_the_newest_of_a_type_need_no_sorting(store: str) -> None:
    """The newest models of a class are read off an index that every database has."""
    await write_models(models={f"m{i}": Indexed(loss=i) for i in range(50)})
    told = await plan(ModelFilter(model_type=Indexed), "-node_created_at")
    assert "artigraph_node_model_created" in told
    assert "TEMP B-TREE" not in told
    assert "Sort" not in told
    assert "filesort" not in told


@pytest.mark.parametrize(
    ("model", "field", "message"),
    [
        (Indexed, "los", r"Indexed has no field 'los'\. Did you mean 'loss'"),
        (Indexed, "params", r"Indexed\.params is .*dict.*, of which no database knows how to sort"),
        (Indexed, "free", r"Indexed\.free is anything, of which no database knows"),
        (Indexed, "inner.x", r"Index the field of the inner model's class"),
        (Indexed, ("params", "it's"), r"cannot be indexed: a key in it has characters"),
        (Indexed, 3, r"A field is named by a text"),
        ("Indexed", "loss", r"An index is made for a model's class, not for 'Indexed'"),
        (int, "loss", r"An index is made for a model's class, not for <class 'int'>"),
    ],
)
async def test_a_field_that_cannot_be_indexed(
    store: str, model: Any, field: Any, message: str
) -> None:
    """What cannot be indexed is refused with the reason."""
    with pytest.raises(FilterError, match=message):
        await loose.create_field_index(model, field)


@pytest.mark.filterwarnings("ignore::artigraph.UnfitValueWarning")
async def test_a_key_with_a_dash_first(store: str) -> None:
    """It is indexed as any other, and told apart by its type."""
    filter = Indexed.where({("params", "-a"): ValueFilter(lt=1)})
    values = [0.5, 2.5, None, math.inf]
    await write_models(
        models={f"m{i}": Indexed(params={"-a": v}) for i, v in enumerate(values)}  # type: ignore[dict-item]  # None is kept as well
        | {f"n{i}": Indexed(params={"-a": 7.0}) for i in range(200)}
    )
    try:
        await create_field_index(Indexed, ("params", "-a"))
        assert "artigraph_field_" in await plan(filter)
        assert [m.artifact.node_label for m in await read_models(filter)] == ["m0"]
    finally:
        await drop_field_index(Indexed, ("params", "-a"))
    assert [m.artifact.node_label for m in await read_models(filter)] == ["m0"]


async def test_another_process_drops_the_index(store: str, database_url: str) -> None:
    """Who has used an index goes on answering when another process drops it, or makes it anew."""
    filter = Indexed.where(lambda f: f.loss < 3)
    await write_models(models={f"m{i}": Indexed(loss=i) for i in range(50)})
    await create_field_index(Indexed, "loss")
    for change in (drop_field_index, create_field_index, drop_field_index):
        assert len(await read_models(filter)) == 3
        reset = set_engine(database_url)
        try:
            await change(Indexed, "loss")
        finally:
            reset()
    assert len(await read_models(filter)) == 3
    assert "artigraph_field_" not in await plan(filter)


async def test_no_session_is_committed_by_an_index(store: str) -> None:
    """MariaDB would commit the open session, so it is refused there; the others roll it back."""
    with pytest.raises((FilterError, RuntimeError), match=r"outside of new_session|undo"):  # noqa: PT012  # the block is the point
        async with new_session():
            await write_models(models={"undone": Indexed(loss=1.0)})
            await create_field_index(Indexed, "loss")
            raise RuntimeError("undo")
    assert await read_models(ModelFilter(model_type=Indexed)) == []
    assert "artigraph_field_" not in await plan(Indexed.where(lambda f: f.loss < 3))
