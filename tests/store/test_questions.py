"""Questions about what models hold, answered alike by every database."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from dataclasses import field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, StrEnum, auto
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import artigraph as loose_artigraph
from artigraph import (
    BaseModel,
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    NodeTypeFilter,
    ValueFilter,
    count_models,
    count_nodes,
    create_model,
    delete_nodes,
    ilike,
    is_in,
    is_null,
    like,
    new_node,
    new_session,
    read_models,
    read_nodes,
    write_model,
    write_models,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.serializer.json import json_serializer

# Callers in notebooks are not type-checked.
loose: Any = loose_artigraph


class Colour(Enum):
    RED = "r"
    BLUE = "b"


class Crossed(StrEnum):
    UP = "DOWN"
    DOWN = "UP"


class Rights(Flag):
    READ = auto()
    WRITE = auto()


class Part(DataModel, version=1):
    x: float
    deeper: Any = None


class Tip(DataModel, version=1):
    name: str


class Word(DataModel, version=1):
    x: str


class Day(DataModel, version=1):
    x: datetime


class Everything(DataModel, version=1, kw_only=True):
    n: int = 0
    loss: float = 0.0
    flag: bool = False
    name: str = ""
    when: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    day: date = date(2024, 1, 1)
    clock: time = time(0)
    took: timedelta = timedelta(0)
    price: Decimal = Decimal(0)
    key: UUID = UUID(int=0)
    place: Path = Path("a")
    raw: bytes = b""
    color: Colour = Colour.RED
    rights: Rights = Rights.READ
    crossed: Crossed = Crossed.UP
    choice: Literal["a", "b"] = "a"
    params: dict[str, Any] = field(default_factory=dict)
    layers: list[int] = field(default_factory=list)
    by_number: dict[int, float] | None = None
    inner: Part | None = None
    inners: dict[str, Part] | None = None
    apart: Annotated[dict[str, int], json_serializer] | None = None
    maybe: int | None = None
    several: int | str | datetime | Colour = 0
    mapping: dict[str, dict[str, int]] | dict[str, dict[str, str]] | list[int] | None = None
    model: Part | Word | Day | None = None
    either: dict[str, int] | Part | None = None
    free: Any = None


async def found(filter: Filter) -> list[str]:
    """The labels of the models that a filter finds."""
    return [str(model.artifact.node_label) for model in await read_models(filter)]


async def write(**models: dict[str, Any]) -> None:
    await write_models(models={label: Everything(**given) for label, given in models.items()})


Ask = Callable[[Any], Any]
BETWEEN: Ask = lambda f: f.loss == ValueFilter(ge=0.05, lt=0.1)  # noqa: E731  # as in a notebook


@pytest.mark.filterwarnings("ignore::artigraph.UnfitValueWarning")
@pytest.mark.parametrize(
    ("given", "other", "asks"),
    [
        ({"n": 3}, {"n": 4}, [lambda f: f.n == 3, lambda f: f.n < 4, lambda f: f.n <= 3.5]),
        (
            {"n": 2**62 + 1},
            {"n": 2**62},
            [lambda f: f.n == 2**62 + 1, lambda f: f.n >= 2**62 + 1, lambda f: f.n != 2**62],
        ),
        ({"n": 2**80}, {"n": -(2**80)}, [lambda f: f.n > 2**63 - 1, lambda f: f.n > 0.5]),
        ({"loss": 0.1}, {"loss": 0.2}, [lambda f: f.loss == 0.1, lambda f: f.loss < 0.15]),
        ({"loss": 3}, {"loss": 4}, [lambda f: f.loss == 3, lambda f: f.loss <= 3]),
        ({"loss": -0.0}, {"loss": 1.0}, [lambda f: f.loss == 0, lambda f: f.loss < 0.5]),
        (
            {"loss": math.inf},
            {"loss": 1e300},
            [lambda f: f.loss == math.inf, lambda f: f.loss > 2e300],
        ),
        ({"loss": -math.inf}, {"loss": -1e300}, [lambda f: f.loss < -2e300]),
        ({"loss": 1e300}, {"loss": 0.5}, [lambda f: f.loss == 1e300, lambda f: f.loss > 1e16]),
        ({"loss": 1e-300}, {"loss": 2e-300}, [lambda f: f.loss < 1.5e-300]),
        ({"loss": math.nan}, {"loss": 0.5}, [lambda f: f.loss == math.nan]),
        ({"loss": 0.5}, {"loss": math.nan}, [lambda f: f.loss != math.nan, lambda f: f.loss > 0]),
        (
            {"flag": True},
            {"flag": False},
            [
                lambda f: f.flag == True,  # noqa: E712
                lambda f: f.flag,
                lambda f: ~~f.flag,
                lambda f: f.flag & (f.n == 0),
                lambda f: (f.n == 0) & f.flag,
                lambda f: f.flag | f.flag,
            ],
        ),
        (
            {"loss": 0.5},
            {"loss": math.inf},
            [lambda f: f.loss < Decimal("1e400"), lambda f: f.loss < Decimal("Infinity")],
        ),
        (
            {"name": "a_b"},
            {"name": "axb"},
            [lambda f: like(f.name, r"a\_b"), lambda f: ilike(f.name, r"A\_%")],
        ),
        ({"name": "C:\\"}, {"name": "C:"}, [lambda f: like(f.name, r"C:\\")]),
        (
            {"when": datetime(2024, 5, 1), "took": timedelta(seconds=5)},
            {},
            [
                lambda f: f.when == np.datetime64("2024-05-01", "ns"),
                lambda f: f.took == np.timedelta64(5 * 10**9, "ns"),
            ],
        ),
        (
            {"crossed": Crossed.DOWN},
            {"crossed": Crossed.UP},
            [lambda f: f.crossed == Crossed.DOWN, lambda f: f.crossed == "UP"],
        ),
        (
            {"mapping": {"a": {"b": 3}}, "model": Part(1.5)},
            {"mapping": {"a": {"b": "x"}}, "model": Word("x")},
            [lambda f: f.mapping["a"]["b"] == 3, lambda f: f.model.x == 1.5],
        ),
        (
            {"mapping": {"a": {"b": "x"}}, "model": Day(datetime(2024, 5, 1))},
            {"mapping": [1], "model": Word("x")},
            [lambda f: f.mapping.a.b == "x", lambda f: f.model.x == datetime(2024, 5, 1)],
        ),
        ({"flag": False}, {"flag": True}, [lambda f: f.flag != True, lambda f: ~(f.flag == True)]),  # noqa: E712
        (
            {"name": "Ägir's 100%"},
            {"name": "ägir's 100 "},
            [
                lambda f: f.name == "Ägir's 100%",
                lambda f: like(f.name, "Ä%"),
                lambda f: like(f.name, "Ä%0_"),
                lambda f: f.name != "ägir's 100 ",
                lambda f: is_in(f.name, ["Ägir's 100%", "x"]),
            ],
        ),
        (
            {"name": "Adam"},
            {"name": "sgd"},
            [lambda f: ilike(f.name, "aDAM"), lambda f: f.name < "a"],
        ),
        ({"name": "true"}, {"name": "1"}, [lambda f: f.name == "true"]),
        ({"name": "x" * 5000}, {"name": "x" * 4999}, [lambda f: f.name == "x" * 5000]),
        (
            {"when": datetime(2024, 5, 1, 12, tzinfo=UTC)},
            {"when": datetime(2024, 5, 1, 13, tzinfo=ZoneInfo("Europe/Berlin"))},
            [
                lambda f: f.when == datetime(2024, 5, 1, 14, tzinfo=ZoneInfo("Europe/Berlin")),
                lambda f: f.when > datetime(2024, 5, 1, 11, 30, tzinfo=UTC),
                lambda f: f.when != datetime(2024, 5, 1, 11, tzinfo=UTC),
            ],
        ),
        (
            {"when": datetime(2024, 5, 1, 12, fold=1)},
            {"when": datetime(2024, 5, 1, 12, tzinfo=UTC)},
            [
                lambda f: f.when == datetime(2024, 5, 1, 12),
                lambda f: f.when <= datetime(2025, 1, 1),
            ],
        ),
        (
            {"day": date(2024, 2, 1)},
            {"day": date(2024, 10, 1)},
            [lambda f: f.day < date(2024, 3, 1), lambda f: f.day == date(2024, 2, 1)],
        ),
        (
            {"clock": time(9, 30)},
            {"clock": time(10, 30)},
            [lambda f: f.clock < time(10), lambda f: f.clock == time(9, 30)],
        ),
        (
            {"took": timedelta(seconds=9)},
            {"took": timedelta(seconds=10)},
            [lambda f: f.took < timedelta(seconds=10)],
        ),
        (
            {"price": Decimal("1.10")},
            {"price": Decimal("10.9")},
            [
                lambda f: f.price == Decimal("1.1"),
                lambda f: f.price < Decimal(9),
                lambda f: f.price < 2,
            ],
        ),
        (
            {"price": Decimal("1E+3")},
            {"price": Decimal("NaN")},
            [lambda f: f.price == 1000, lambda f: f.price > 999],
        ),
        ({"key": UUID(int=7)}, {"key": UUID(int=8)}, [lambda f: f.key == UUID(int=7)]),
        (
            {"place": Path("data/x.csv")},
            {"place": Path("data/x.txt")},
            [lambda f: f.place == Path("data/x.csv"), lambda f: like(f.place, "%.csv")],
        ),
        ({"raw": b"\x00\xff"}, {"raw": b"\xff"}, [lambda f: f.raw == b"\x00\xff"]),
        (
            {"color": Colour.BLUE},
            {"color": Colour.RED},
            [
                lambda f: f.color == Colour.BLUE,
                lambda f: f.color == "b",
                lambda f: f.color == "BLUE",
                lambda f: is_in(f.color, [Colour.BLUE]),
            ],
        ),
        (
            {"rights": Rights.READ | Rights.WRITE},
            {"rights": Rights.READ},
            [lambda f: f.rights == Rights.READ | Rights.WRITE],
        ),
        ({"choice": "b"}, {"choice": "a"}, [lambda f: f.choice == "b"]),
        (
            {"params": {"depth": 3, "a.b": 1, 'q"': 2, "b\\": 4, "'; DROP TABLE x": 5}},
            {"params": {"depth": 4}},
            [
                lambda f: f.params["depth"] == 3,
                lambda f: f.params["a.b"] == 1,
                lambda f: f.params["b\\"] == 4,
                lambda f: f.params["'; DROP TABLE x"] == 5,
                lambda f: ~is_null(f.params["a.b"]),
            ],
        ),
        (
            {"params": {'q"uote': {"x\n": [1], "y": True}}},
            {"params": {"q": 1}},
            [
                lambda f: f.params['q"uote']["y"] == True,  # noqa: E712
                lambda f: ~is_null(f.params['q"uote']["x\n"]),
            ],
        ),
        (
            {"by_number": {1: 0.5}},
            {"by_number": {1: 1.5}},
            [
                lambda f: f.by_number[1] < 1,
                lambda f: ~is_null(f.by_number) & (f.by_number[1] == 0.5),
            ],
        ),
        (
            {"inner": Part(0.5, {"a": 1})},
            {"inner": Part(1.5, {"a": 2})},
            [lambda f: f.inner.x < 1, lambda f: f.inner.deeper["a"] == 1],
        ),
        (
            {"inners": {"a": Part(1.0), "b": Part(0.5, Tip("z"))}},
            {"inners": {"a": Part(2.0), "b": Part(0.5, Tip("y"))}},
            [lambda f: f.inners["a"].x == 1],
        ),
        ({"inner": Part(1.0)}, {}, [lambda f: ~is_null(f.inner), lambda f: f.inner != None]),  # noqa: E711
        ({}, {"inner": Part(1.0)}, [lambda f: is_null(f.inner), lambda f: is_null(f.inner.x)]),
        ({"maybe": None}, {"maybe": 1}, [lambda f: f.maybe == None, lambda f: is_null(f.maybe)]),  # noqa: E711
        (
            {"maybe": 1},
            {"maybe": None},
            [lambda f: f.maybe == 1, lambda f: f.maybe != 2, lambda f: ~is_null(f.maybe)],
        ),
        ({"apart": {"a": 1}}, {"apart": None}, [lambda f: ~is_null(f.apart)]),
        ({"several": 3}, {"several": "3"}, [lambda f: f.several == 3, lambda f: f.several > 2]),
        ({"several": "3"}, {"several": 3}, [lambda f: f.several == "3"]),
        (
            {"several": datetime(2024, 1, 1)},
            {"several": "2024-01-01T00:00:00.000000"},
            [lambda f: f.several == datetime(2024, 1, 1)],
        ),
        ({"several": Colour.BLUE}, {"several": "b"}, [lambda f: f.several == Colour.BLUE]),
        ({"free": 1.5}, {"free": "1.5"}, [lambda f: f.free == 1.5, lambda f: f.free > 1]),
        ({"free": {"x": {"y": "z"}}}, {"free": {"x": 1}}, [lambda f: f.free["x"]["y"] == "z"]),
        (
            {"free": date(2024, 1, 1)},
            {"free": "2024-01-01"},
            [lambda f: f.free == date(2024, 1, 1)],
        ),
        (
            {"free": timedelta(seconds=5)},
            {"free": 5_000_000},
            [lambda f: f.free == timedelta(seconds=5)],
        ),
        ({"free": True}, {"free": 1}, [lambda f: f.free == True]),  # noqa: E712
        (
            {"params": {"a": np.float64(1.5)}},
            {"params": {"a": np.float32(0.5)}},
            [
                lambda f: f.params["a"] == 1.5,
                lambda f: f.params["a"] > np.int8(1),
                lambda f: is_in(f.params["a"], [1.5, 7]),
                lambda f: f.params["a"] != 0.5,
            ],
        ),
        ({"free": np.uint8(3)}, {"free": np.str_("3")}, [lambda f: f.free == 3]),
        ({"free": np.str_("3")}, {"free": np.uint8(3)}, [lambda f: f.free == "3"]),
        ({"free": np.True_}, {"free": np.int8(1)}, [lambda f: f.free == True]),  # noqa: E712
        (
            {"free": np.float32("inf")},
            {"free": np.float64(1e300)},
            [lambda f: f.free == math.inf, lambda f: f.free > 2e300],
        ),
        (
            {"free": np.float64("nan")},
            {"free": np.float64(1e17)},
            [lambda f: f.free == math.nan, lambda f: f.free != 1e17],
        ),
        ({"free": Decimal("0.5")}, {"free": Decimal("1E+999")}, [lambda f: f.free == 0.5]),
        ({"loss": math.nan}, {"loss": 0.5}, [lambda f: f.loss != 0.5, lambda f: ~(f.loss == 0.5)]),
        (
            {"loss": math.nan},
            {"loss": 0.5},
            [lambda f: f.loss == ValueFilter(not_in=[0.5, 0.7])],
        ),
        ({"price": Decimal("NaN")}, {"price": Decimal(2)}, [lambda f: f.price != 2]),
        ({"several": "a"}, {"several": 3}, [lambda f: f.several != 3]),
        (
            {"when": datetime(2024, 5, 1)},
            {"when": datetime(2024, 5, 1, tzinfo=UTC)},
            [
                lambda f: f.when != datetime(2024, 5, 1, tzinfo=UTC),
                lambda f: is_in(f.when, [datetime(2024, 5, 1), datetime(2023, 1, 1, tzinfo=UTC)]),
            ],
        ),
    ],
)
async def test_a_field_is_compared_as_what_it_is(
    store: str, given: dict[str, Any], other: dict[str, Any], asks: list[Ask]
) -> None:
    """A condition finds the models for which it holds in Python, and no others."""
    await write(yes=given, no=other)
    for ask in asks:
        assert await found(Everything.where(ask)) == ["yes"], str(Everything.where(ask))


async def test_conditions_are_a_mapping_or_an_expression(store: str) -> None:
    """A mapping from fields to values asks what the expression asks."""
    await write(a={"loss": 0.05, "params": {"depth": 3}}, b={"loss": 0.05, "params": {"depth": 4}})
    asked = {"loss": ValueFilter(lt=0.1), "params.depth": 3}
    assert await found(ModelFilter(model_type=Everything, where=asked)) == ["a"]
    assert await found(Everything.where(asked)) == ["a"]
    by_tuple = {("params", "depth"): [3, 5]}
    assert await found(ModelFilter(model_type=Everything, where=by_tuple)) == ["a"]
    both = Everything.where(lambda f: (f.loss < 0.1) & (f.params["depth"] == 3))
    assert await found(both) == ["a"]
    either = Everything.where(lambda f: (f.loss > 0.1) | ~(f.params["depth"] == 3))
    assert await found(either) == ["b"]
    assert await found(Everything.where(BETWEEN)) == [
        "a",
        "b",
    ]


async def test_long_lists_are_split(store: str) -> None:
    """A hundred thousand values in one list are no problem for any database."""
    await write(a={"n": 5, "name": "5", "loss": 5.5}, b={"n": -5, "name": "-5", "loss": -5.5})
    many = range(100_000)
    assert await found(Everything.where(lambda f: is_in(f.n, many))) == ["a"]
    assert await found(Everything.where(lambda f: is_in(f.name, [str(i) for i in many]))) == ["a"]
    assert await found(Everything.where(lambda f: is_in(f.loss, [i + 0.5 for i in many]))) == ["a"]
    assert await found(Everything.where({"n": ValueFilter(not_in=list(many))})) == ["b"]
    assert await found(Everything.where({"maybe": [None, 3]})) == ["a", "b"]
    assert await found(Everything.where({"n": []})) == []


async def test_long_texts_in_long_lists(store: str) -> None:
    """However long the texts of a long list are, they are found as they are."""
    texts = [f"{i}: " + "word " * 300 for i in range(601)]
    await write_models(models={t[:6]: Everything(name=t) for t in texts})
    assert await count_models(Everything.where(lambda f: is_in(f.name, texts[:600]))) == 600
    assert await count_models(Everything.where(lambda f: ~is_in(f.name, texts[:600]))) == 1


@pytest.mark.parametrize("field", ["name", "n", "loss", "params.a"])
async def test_a_long_list_is_not_searched_for_each_row(store: str, field: str) -> None:
    """What the database reads grows with the rows and with the list, not with their product."""
    if store != "mariadb":
        pytest.skip("only MariaDB counts the rows that a query reads")
    models = {
        f"m{i}": Everything(n=i, name=str(i), loss=i + 0.5, params={"a": i}) for i in range(100)
    }
    await write_models(models=models)
    many: list[Any] = list(range(50, 650))
    if field == "name":
        many = [str(i) for i in many]
    elif field == "loss":
        many = [i + 0.5 for i in many]
    async with new_session() as session:
        before = await rows_read(session)
        assert await count_models(Everything.where({field: many})) == 50
        assert await count_nodes(NodeFilter(label=[f"m{i}" for i in range(50, 650)])) == 50
        assert await rows_read(session) - before < 5000


@pytest.mark.parametrize("change", ["delete", "move"])
async def test_many_rows_are_changed_in_time_that_grows_with_them(store: str, change: str) -> None:
    """A database that would search the list for each row is given one that it looks up in."""
    if store != "mariadb":
        pytest.skip("only MariaDB counts the rows that a statement reads")
    count = 600
    nodes = await write_nodes([new_node() for _ in range(count + 1)])
    top = nodes.pop()
    async with new_session() as session:
        before = await rows_read(session)
        if change == "delete":
            assert await delete_nodes(NodeFilter(node_id=[n.node_id for n in nodes])) == count
        else:
            await write_parent_child_relationships((top.node_id, n.node_id) for n in nodes)
        assert await rows_read(session) - before < 20 * count


async def rows_read(session: AsyncSession) -> int:
    """How many rows the connection's queries have read until now."""
    counted = await session.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(number) for _, number in counted)


async def test_subclasses_and_several_types(store: str) -> None:
    """A condition holds for subclasses, and for each of several types as its class says."""

    class Base(DataModel, version=1):
        score: float

    class Special(Base, version=1):
        extra: int = 0

    class Other(DataModel, version=1):
        score: str

    await write_models(
        models={
            "base": Base(0.5),
            "special": Special(0.6),
            "other": Other("0.5"),
            "high": Base(2.0),
        }
    )
    assert await found(Base.where(lambda f: f.score < 1)) == ["base", "special"]
    assert await found(Special.where({"score": ValueFilter(lt=1), "extra": 0})) == ["special"]
    where = {"score": ValueFilter(ne=None)}
    several = ModelFilter(model_type=[Special, Other], where=where)
    assert await found(several) == ["special", "other"]
    with pytest.raises(FilterError, match=r"Other\.score is a text"):
        ModelFilter(model_type=[Special, Other], where={"score": 0.5})


async def test_models_without_a_class_or_a_type(store: str) -> None:
    """Without a class a field is looked for by the value that it is compared with."""
    gone: Any = create_model("Gone", loss=float, label=str, when=datetime)
    await write_model(label="x", model=gone(0.5, "a", datetime(2024, 1, 1)))
    other: Any = create_model("Else", loss=str)
    await write_model(label="y", model=other("0.5"))
    assert await found(ModelFilter(model_type="Gone", where={"loss": ValueFilter(lt=1)})) == ["x"]
    assert await found(ModelFilter(where={"loss": 0.5})) == ["x"]
    assert await found(ModelFilter(where={"loss": "0.5"})) == ["y"]
    assert await found(ModelFilter(where={"label": None})) == ["y"]


async def test_a_model_that_declares_no_fields(store: str) -> None:
    """A model of another kind takes any field's name."""

    class Point(BaseModel, version=1):
        def __init__(self, x: int) -> None:
            self.x = x

        def model_data(self) -> dict[str, Any]:
            return {"x": self.x}

    await write_models(models={"one": Point(1), "two": Point(2)})
    assert await found(Point.where({"x": 2})) == ["two"]


async def test_one_query_through_the_tree(store: str, statements: list[str]) -> None:
    """Models below nodes of a type whose model has a field: one statement, every step combined."""

    class Trial(Node):
        __mapper_args__ = {"polymorphic_identity": "trial"}  # noqa: RUF012

    class Score(DataModel, version=1):
        value: float

    class Weights(DataModel, version=1):
        size: int

    for name, value in [("good", 0.9), ("bad", 0.1)]:
        trial = await loose.write_node(Trial(node_label=name))
        await write_model(parent_id=trial.node_id, label="score", model=Score(value))
        epoch = await loose.write_node(loose.Node(node_parent_id=trial.node_id, node_label="epoch"))
        await write_model(parent_id=epoch.node_id, label=f"weights-{name}", model=Weights(3))
    good = NodeTypeFilter(type=Trial) & NodeRelationshipFilter(
        parent_of=Score.where(lambda f: f.value > 0.5)
    )
    statements.clear()
    below = ModelFilter(model_type=Weights) & NodeRelationshipFilter(descendant_of=good)
    assert await found(below) == ["weights-good"]
    assert len(statements) == 1
    assert [node.node_label for node in await read_nodes(good)] == ["good"]


async def test_a_range_of_a_nested_field_is_one_look(store: str, statements: list[str]) -> None:
    """Several comparisons of one field look for the nested model's row once."""
    await write(low={"inner": Part(0.1)}, high={"inner": Part(0.9)}, none={})
    statements.clear()
    between = Everything.where({"inner.x": ValueFilter(ge=0.05, lt=0.5)})
    assert await found(between) == ["low"]
    assert statements[0].count("EXISTS") == 1
    assert await found(Everything.where({"inner.x": ValueFilter()})) == ["low", "high"]
    unless = Everything.where({"inner.x": ValueFilter(in_=[None, 0.9], ne=0.1)})
    assert await found(unless) == ["high"]


async def test_hostile_values_are_bound(store: str, statements: list[str]) -> None:
    """No value and no odd key is ever part of a statement's text."""
    evil = "'; DROP TABLE artigraph_node; --"
    await write(a={"name": evil, "params": {evil: evil}}, b={"name": "%"})
    statements.clear()
    assert await found(Everything.where(lambda f: f.name == evil)) == ["a"]
    assert await found(Everything.where(lambda f: f.params[evil] == evil)) == ["a"]
    assert await found(Everything.where(lambda f: is_in(f.name, [evil]))) == ["a"]
    assert await found(Everything.where(lambda f: f.name == "%")) == ["b"]
    assert not [statement for statement in statements if "DROP" in statement]


numbers = st.one_of(
    st.integers(-(2**62), 2**62),
    st.floats(allow_nan=False),
    st.sampled_from([0, 1, -1, 0.1, 1e16, 1e-30, 2**53 + 1, math.inf]),
)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.floats(), min_size=1, max_size=8), st.lists(numbers, min_size=1, max_size=4))
async def test_numbers_compare_as_in_python(
    store: str, stored: list[float], bounds: list[float]
) -> None:
    """For any floats a condition finds those that Python finds."""
    await delete_nodes(NodeFilter(), everything=True)
    models = {str(i): Everything(loss=value) for i, value in enumerate(stored)}
    await write_models(models=models)
    if store == "mariadb":  # it has no infinity, and takes its largest number for one
        bounds = [b for b in bounds if abs(b) < 1e308]
    for bound in bounds:
        for name, holds in [("lt", operator.lt), ("ge", operator.ge), ("eq", operator.eq)]:
            wanted = [str(i) for i, value in enumerate(stored) if holds(value, bound)]
            ask = Everything.where({"loss": loose.ValueFilter(**{name: bound})})
            assert await found(ask) == wanted, str(ask)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(texts, texts, min_size=1, max_size=4), texts)
@example({"-": "-", "--": "", "-a": "b", "a-": "c", '-\\"': "d", "-\U0001f600": "e"}, "-")
async def test_any_key_and_any_text_is_found(
    store: str, params: dict[str, str], other: str
) -> None:
    """Whatever a dict's keys and values are, they are found, and nothing else is."""
    await delete_nodes(NodeFilter(), everything=True)
    await write_model(label="a", model=Everything(params={"deep": params}))
    for key, value in params.items():
        if key == "$":
            continue
        wanted = [] if "$" in params else ["a"]
        assert await found(Everything.where({("params", "deep", key): value})) == wanted
        if value != other:
            assert not await found(Everything.where({("params", "deep", key): other}))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f: f.los < 1, r"Everything has no field 'los'\. Did you mean 'loss'"),
        (lambda f: f.inner.y < 1, r"Everything\.inner has no field 'y'\. Known are: 'deeper', 'x'"),
        (lambda f: f.layers[0] == 1, r"Everything\.layers is list\[int\]; a filter cannot look"),
        (lambda f: f.loss.x == 1, r"Everything\.loss is float; a filter cannot look for 'x'"),
        (lambda f: f.loss < "a", r"Everything\.loss is a number, which does not compare with 'a'"),
        (lambda f: f.loss == True, r"does not compare with True \(bool\)"),  # noqa: E712
        (lambda f: f.flag < True, r"Everything\.flag is a bool, which has no order"),
        (
            lambda f: f.when > date(2024, 1, 1),
            r"is a datetime, which does not compare with datetime",
        ),
        (lambda f: f.when > "2024", r"Give a datetime, as in datetime\(2024, 1, 31\)"),
        (lambda f: f.day > datetime(2024, 1, 1), r"Everything\.day is a date"),
        (lambda f: f.color == "green", r"is a Colour, which does not compare with 'green'"),
        (lambda f: f.color < Colour.RED, r"is a Colour, which has no order"),
        (lambda f: f.name == 3, r"Everything\.name is a text, which does not compare with 3"),
        (lambda f: like(f.n, "1%"), r"only text is like a pattern"),
        (lambda f: loose.like(f.name, 3), r"A pattern is a text, not 3"),
        (lambda f: like(f.name, "C:\\"), r"ends with a backslash"),
        (lambda f: f.either.x == 1, r"Everything\.either is dict.*; a filter cannot look for 'x'"),
        (lambda f: f.params["a\x00"] == 1, r"looks for no key with a NUL"),
        (lambda f: f.params["\ud800"] == 1, r"looks for no key with a NUL or a lone surrogate"),
        (lambda f: f.params["$"] == 1, r"nor for '\$'"),
        (lambda f: f == ValueFilter(eq=3), r"name a field"),
        (lambda f: f.name == "a\x00", r"NUL"),
        (lambda f: f.loss < math.nan, r"NaN equals nothing and has no order"),
        (lambda f: f.loss < None, r"NULL has no order"),
        (lambda f: f.layers == [1], r"Everything\.layers is list\[int\], which is not compared"),
        (lambda f: f.inner == Part(1.0), r"is a Part, which is not compared"),
        (lambda f: f.apart == {}, r"in a row of its own, which is not compared"),
        (lambda f: f.n == f.maybe, r"two fields cannot be compared"),
        (lambda f: f.loss * 2 < 1, r"Everything\.loss cannot be reckoned with in the database"),
        (lambda f: 1 - f.loss < 1, r"cannot be reckoned with"),
        (lambda f: f == 3, r"name a field"),
        (lambda f: f["n"] == 3, r"an attribute: f\.n"),
        (lambda f: f.params[None] == 3, r"takes a text or an integer as its key"),
        (lambda f: 0.1 < f.loss < 0.2, r"Combine conditions with &"),
        (lambda f: f.loss < 0.1 and f.n == 1, r"neither true nor false"),
        (lambda f: not f.flag, r"neither true nor false"),
        (lambda f: "x" in f.params, r"cannot be asked"),
        (lambda f: (f.loss < 0.1) & True, r"is no condition\. Put each side in parentheses"),
        (lambda f: 3, r"The function returned 3, which is no condition"),
        (lambda f: loose.is_in(f.n, 3), r"takes a list of values, not 3"),
        (lambda f: is_in(f.n, [1, "a"]), r"does not compare with 'a'"),
        (lambda f: f.n == 2**70, r"more than 64 bits"),
        (lambda f: f.free == object(), r"cannot be compared with <object"),
        (lambda f: is_in(f.free, [1, "a"]), r"compared with a text and an integer"),
        (
            lambda f: f.free == ValueFilter(ge=1, lt="a"),
            r"compared with (a text and an integer|an integer and a text)",
        ),
        (lambda f: f.several == ValueFilter(ge=1, lt="a"), r"does not compare with"),
        ({"los": ValueFilter()}, r"has no field 'los'"),
        ({"took": timedelta.max}, r"more than 64 bits"),
        ({"took": [timedelta.max]}, r"more than 64 bits"),
        ({"free": ValueFilter(le=timedelta.max)}, r"more than 64 bits"),
        ({"inner": loose.ValueFilter(is_not=math.nan)}, r"which is not compared with a value"),
        (lambda f: is_null("x"), r"is_null\(\) takes a field of a model"),
        ({}, r"asks for nothing"),
        ({3: 4}, r"A field is named by a text"),
        ({"": 4}, r"has no field ''"),
        ("loss < 1", r"where takes a dict"),
    ],
)
def test_a_question_that_makes_no_sense(ask: Any, message: str) -> None:
    """A mistake is refused where it is typed, and the error says what to type."""
    with pytest.raises(FilterError, match=message):
        Everything.where(ask)


def test_fields_complete_and_read_well() -> None:
    """dir() of the fields names them, and a field's repr is how it is written."""
    seen: list[Any] = []

    def look(f: Any) -> Any:
        seen.extend([dir(f), dir(f.inner), repr(f.params["depth"]), repr(f)])
        assert not hasattr(f, "_repr_html_")
        return f.n == 1

    Everything.where(look)
    assert "loss" in seen[0]
    assert seen[1:] == [["deeper", "x"], "Everything.params.depth", "Everything"]


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        (NodeFilter(), "nodes"),
        (NodeFilter(node_id=7, label="x"), "nodes with id = 7 with label = 'x'"),
        (
            NodeFilter(created_at=ValueFilter(gt=datetime(2024, 1, 1, tzinfo=UTC))),
            "nodes created after 2024-01-01 00:00:00+00:00",
        ),
        (
            Tip.where(lambda f: f.name == "a") & NodeRelationshipFilter(descendant_of=12),
            "Tip with name = 'a' below node 12",
        ),
        (
            Part.where(lambda f: (f.x < 0.1) | (f.x > 1) & ~is_null(f.deeper)),
            "Part with x < 0.1 or (x > 1 and not (deeper is missing))",
        ),
        (Part.where({"x": ValueFilter(ge=1, lt=2)}), "Part with x ≥ 1 and x < 2"),
        (Part.where({"x": range(9)}), "Part with x in 0, 1, 2, 3, 4 … and 4 more"),
        (~Tip.where({"name": None}), "nodes that are not (Tip with name is missing)"),
        (
            NodeTypeFilter(type="run") & NodeRelationshipFilter(parent_of=Tip.where({"name": "a"})),
            "run nodes right above (Tip with name = 'a')",
        ),
        (
            ModelFilter(label="a") | NodeFilter(node_id=3),
            "nodes that are (models with label = 'a') or (nodes with id = 3)",
        ),
        (
            NodeRelationshipFilter(child_of=[1, 2], include_self=True),
            "nodes right below node 1 or 2 or itself",
        ),
        (
            ModelFilter(model_type="\x1b[2J", where={"\u202ea": 1}),
            r"\x1b[2J with \u202ea = 1",
        ),
    ],
)
def test_a_filter_reads_as_english(filter: Filter, words: str) -> None:
    """str() of a filter says in words what it finds, and so does its repr."""
    assert str(filter) == words
    assert repr(filter) == f"<{type(filter).__name__}: {words}>"


def test_a_value_filter_is_a_dataclass_of_its_keys() -> None:
    """Its keys are listed, read, replaced and compared as those of other filters are."""
    between: Any = ValueFilter(gt=1, lt=3)
    assert replace(between, gt=2) == ValueFilter(gt=2, lt=3)
    assert [one.name for one in fields(between)][:6] == ["eq", "ne", "gt", "ge", "lt", "le"]
    assert {"gt", "like", "is_not"} <= {*dir(between)}
    assert between.lt == 3
    assert not hasattr(between, "contains")


def test_a_filter_travels() -> None:
    """A filter on fields can be pickled and copied, and asks the same."""
    filter = Everything.where({"loss": ValueFilter(lt=0.1)})
    for same in (pickle.loads(pickle.dumps(filter)), copy.deepcopy(filter)):
        assert same == filter
        assert str(same.clause()) == str(filter.clause())
