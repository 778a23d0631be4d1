"""Nodes by their columns and by what documents in them hold, under friendly names."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import Double, Enum as EnumColumn
from sqlalchemy.orm import Mapped, mapped_column

import artigraph as loose_artigraph
from artigraph import (
    ArtifactFilter,
    CellRun,
    DatabaseArtifact,
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeTypeFilter,
    TrackedRun,
    ValueFilter,
    get_engine,
    ilike,
    is_in,
    is_null,
    iter_nodes,
    like,
    read_models,
    read_nodes,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.filter.operator import OPERATORS
from artigraph.orm.base import utc_now
from artigraph.orm.friendly import friendly_names, spoken_names
from artigraph.outline.page import browse_search
from artigraph.outline.search import search_clause, words_in

# Callers in notebooks are not type-checked.
loose: Any = loose_artigraph


class Gear(Enum):
    LOW = 1
    HIGH = 2


class WhereTrain(Node):
    __mapper_args__ = {"polymorphic_identity": "where_train"}  # noqa: RUF012  # as users write it
    where_train_device: Mapped[str | None] = mapped_column()
    where_train_epochs: Mapped[int | None] = mapped_column()
    where_train_loss: Mapped[float | None] = mapped_column(Double)
    where_train_warm: Mapped[bool | None] = mapped_column()
    where_train_at: Mapped[datetime | None] = mapped_column()
    where_train_day: Mapped[date | None] = mapped_column()
    where_train_took: Mapped[timedelta | None] = mapped_column()
    where_train_price: Mapped[Decimal | None] = mapped_column()
    where_train_gear: Mapped[Gear | None] = mapped_column(EnumColumn(Gear))
    where_train_config: Mapped[dict[str, Any] | None] = mapped_column()
    where_train_label: Mapped[str | None] = mapped_column()
    plain_name: Mapped[str | None] = mapped_column()


class WhereDeepTrain(WhereTrain):
    __mapper_args__ = {"polymorphic_identity": "where_deep"}  # noqa: RUF012  # as users write it
    where_deep_train_layers: Mapped[int | None] = mapped_column()


class WhereOther(Node):
    __mapper_args__ = {"polymorphic_identity": "where_other"}  # noqa: RUF012  # as users write it
    where_other_device: Mapped[str | None] = mapped_column()


class WhereFit(DataModel, version=1):
    status: str


class WhereNamed(DataModel, version=1):
    name: str


@pytest.fixture
async def filled(database: str, database_url: str, store: str) -> str:
    """A store that has the columns of these classes."""
    await get_engine()
    return store


def run(label: str, status: str = "finished", **columns: Any) -> TrackedRun:
    columns = {f"tracked_run_{name}": value for name, value in columns.items()}
    return TrackedRun(node_label=label, tracked_run_status=status, **columns)


async def labels(filter: Filter, **options: Any) -> list[str]:
    return [str(node.node_label) for node in await read_nodes(filter, **options)]


# ------------------------------------------------------------------ names


def test_a_column_is_called_without_its_class() -> None:
    """The friendly name leaves out the declaring class's name, also in subclasses."""
    assert friendly_names(TrackedRun)["status"].name == "tracked_run_status"
    assert friendly_names(CellRun)["status"].name == "tracked_run_status"
    assert friendly_names(CellRun)["count"].name == "cell_run_count"
    assert friendly_names(WhereDeepTrain)["layers"].name == "where_deep_train_layers"
    assert friendly_names(WhereDeepTrain)["device"].name == "where_train_device"
    assert friendly_names(WhereTrain)["plain_name"].name == "plain_name"
    assert friendly_names(DatabaseArtifact)["size"].name == "artifact_size"


def test_a_name_that_a_base_has_stays_the_bases() -> None:
    """A column whose short name is a base's keeps its own."""
    names = friendly_names(WhereTrain)
    assert names["label"].name == "node_label"
    assert names["where_train_label"].name == "where_train_label"


def test_a_class_is_called_by_its_name_and_by_what_its_rows_are() -> None:
    """Of artigraph's own the prefix may be left out."""
    assert spoken_names(TrackedRun) == ["TrackedRun", "artigraph_run", "run"]
    assert spoken_names(WhereTrain) == ["WhereTrain", "where_train"]


# ------------------------------------------------------------------ answers


async def test_runs_are_found_by_columns_and_parameters(store: str) -> None:
    """A function of the class's columns makes the filter, as for models."""
    await write_nodes(
        [
            run("a", params={"lr": 0.05, "net": {"depth": 3}}),
            run("b", params={"lr": 0.5, "name": "adam"}),
            run("c", "failed", params={"lr": 0.01}),
            run("d"),
            Node(node_label="e"),
        ]
    )
    asked = TrackedRun.where(lambda r: (r.params["lr"] < 0.1) & (r.status == "finished"))
    assert isinstance(asked, NodeFilter)
    assert await labels(asked) == ["a"]
    assert await labels(TrackedRun.where(lambda r: r.params.net.depth == 3)) == ["a"]
    assert await labels(TrackedRun.where(lambda r: like(r.params["name"], "ad%"))) == ["b"]
    assert await labels(TrackedRun.where(lambda r: ilike(r.params["name"], "AD%"))) == ["b"]
    assert await labels(TrackedRun.where(lambda r: is_null(r.params["lr"]))) == ["d"]
    assert await labels(TrackedRun.where(lambda r: is_null(r.params))) == ["d"]
    assert await labels(TrackedRun.where(lambda r: ~(r.params["lr"] < 0.1))) == ["b", "d"]
    assert await labels(TrackedRun.where(lambda r: is_in(r.params["lr"], [0.5, 0.01]))) == list(
        "bc"
    )
    assert await labels(TrackedRun.where(lambda r: r.label == "c")) == ["c"]
    assert await labels(TrackedRun.where({"tracked_run_status": "failed"})) == ["c"]
    assert await labels(CellRun.where({"cell_run_status": "failed"})) == []


async def test_a_mapping_asks_as_for_models(store: str) -> None:
    """A value, several or a ValueFilter each; all must hold."""
    await write_nodes(
        [run("a", params={"lr": 0.1, "a.b": 1}), run("b", "failed", params={"lr": 1})]
    )
    for where in (
        {"status": "finished", "params.lr": ValueFilter(lt=0.5)},
        {"status": ["finished", "interrupted"]},
        {"params.lr": ValueFilter(gt=0.01, lt=0.2)},
        {("params", "a.b"): 1},
    ):
        assert await labels(NodeFilter(node_type=TrackedRun, where=where)) == ["a"]


async def test_subclasses_are_found_too_and_several_classes_by_their_own_columns(
    filled: str,
) -> None:
    """Each class is asked by its own columns; a subclass counts as its base."""
    await write_nodes(
        [
            WhereTrain(node_label="a", where_train_device="gpu"),
            WhereDeepTrain(node_label="b", where_train_device="gpu", where_deep_train_layers=3),
            WhereOther(node_label="c", where_other_device="gpu"),
            WhereOther(node_label="d", where_other_device="cpu"),
        ]
    )
    assert await labels(WhereTrain.where({"device": "gpu"})) == ["a", "b"]
    alone = NodeTypeFilter(type=WhereTrain, subclasses=False)
    assert await labels(NodeFilter(node_type=alone, where={"device": "gpu"})) == ["a"]
    both = NodeFilter(node_type=[WhereTrain, WhereOther], where={"device": "gpu"})
    assert await labels(both) == ["a", "b", "c"]
    assert await labels(NodeFilter(where={"layers": 3})) == ["b"]
    assert await labels(NodeFilter(where={"layers": None})) == []
    assert await labels(WhereDeepTrain.where(lambda t: (t.layers == 3) & (t.device == "gpu"))) == [
        "b"
    ]
    with pytest.raises(FilterError, match="Several columns are called 'device'"):
        NodeFilter(where={"device": "gpu"})


async def test_a_run_whose_process_is_gone_is_lost(store: str) -> None:
    """What lists show is what is asked: a run without a sign of life is not running."""
    now = utc_now()
    await write_nodes(
        [
            run("a", "running", beat_at=now),
            run("b", "running", beat_at=now - timedelta(minutes=5)),
            run("c", "running"),
            run("d", "finished"),
            TrackedRun(node_label="e"),
        ]
    )

    async def found(make: Callable[[Any], object]) -> str:
        return "".join(await labels(TrackedRun.where(make)))

    assert await found(lambda r: r.status == "lost") == "b"
    assert await found(lambda r: r.status == "running") == "ac"
    assert await found(lambda r: r.status != "running") == "bd"
    assert await found(lambda r: r.status != "lost") == "acd"
    assert await found(lambda r: is_in(r.status, ["lost", "finished"])) == "bd"
    assert await found(lambda r: is_in(r.status, ["lost", None])) == "be"
    assert await found(lambda r: like(r.status, "%un%")) == "ac"
    assert await found(lambda r: r.status < "m") == "bd"
    assert await found(lambda r: ~(r.status == "lost")) == "acde"
    assert await labels(TrackedRun.where({"status": ValueFilter(not_in=["lost", "running"])})) == [
        "d"
    ]
    assert await labels(NodeFilter(node_type=TrackedRun), order_by="status") == list("dbace")


async def test_values_are_those_of_the_column(filled: str) -> None:
    """Moments, days, durations, decimals, members and bools compare as Python's own."""
    moment = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    await write_nodes(
        [
            WhereTrain(
                node_label="a",
                where_train_at=moment,
                where_train_day=date(2024, 5, 1),
                where_train_took=timedelta(minutes=5),
                where_train_price=Decimal("1.5"),
                where_train_gear=Gear.HIGH,
                where_train_warm=True,
                where_train_epochs=3,
                where_train_loss=0.5,
            ),
            WhereTrain(node_label="b", where_train_gear=Gear.LOW, where_train_warm=False),
        ]
    )
    for make in (
        lambda t: t.at == moment,
        lambda t: t.at > "2024-05-01",
        lambda t: t.at < "2024-05-01T14:31+02:00",
        lambda t: t.at == "2024-05-01 12:30 UTC",
        lambda t: t.day == date(2024, 5, 1),
        lambda t: t.day < date(2024, 6, 1),
        lambda t: t.took >= timedelta(minutes=5),
        lambda t: t.price == Decimal("1.5"),
        lambda t: t.price < 2,
        lambda t: t.gear == Gear.HIGH,
        lambda t: t.gear == "HIGH",
        lambda t: t.gear != Gear.LOW,
        lambda t: t.warm,
        lambda t: ~t.warm,
        lambda t: t.epochs > 2.5,
        lambda t: t.epochs < float("inf"),
        lambda t: t.loss == 0.5,
        lambda t: t.loss <= float("inf"),
        lambda t: t.loss != float("nan"),
    ):
        found = await labels(WhereTrain.where(make))
        assert found == (["a"] if found != ["b"] else ["b"]), found
    assert await labels(WhereTrain.where(lambda t: ~t.warm)) == ["b"]
    assert await labels(WhereTrain.where(lambda t: t.loss == float("nan"))) == []


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"statsu": "failed"}, "TrackedRun has no field 'statsu'. Did you mean 'status'?"),
        ({"status": 3}, "TrackedRun.status is a text, which does not compare with 3"),
        ({"status": True}, "TrackedRun.status is a text"),
        ({"params": 3}, "TrackedRun.params is a document, which is not compared"),
        ({"started_at": ValueFilter(like="a%")}, "only text is like a pattern"),
        ({"started_at": "yesterday"}, "TrackedRun.started_at cannot be compared"),
        ({"status.deep": 1}, "cannot look for 'deep' in that"),
        ({"beat_at": 2**7}, "does not compare"),
        ({}, "asks for nothing"),
        ("status", "where takes a dict"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_typed(where: Any, says: str) -> None:
    """An unknown name, a value of another kind, or nothing."""
    with pytest.raises(FilterError) as caught:
        TrackedRun.where(where)
    assert says in str(caught.value)


def test_none_is_refused_and_a_class_that_is_not_here() -> None:
    """None does not stand for anything, and columns of an unknown class are not guessed."""
    with pytest.raises(FilterError, match=r"NodeFilter\(where=None\) asks for nothing"):
        loose.NodeFilter(where=None)
    with pytest.raises(FilterError, match="No node class 'nobody' is defined here"):
        NodeFilter(node_type="nobody", where={"status": "failed"})
    with pytest.raises(FilterError, match="artifact"):
        ArtifactFilter(where={"status": "failed"})


async def test_models_keep_their_fields(store: str) -> None:
    """ModelFilter's where asks fields as before, whatever columns are called so."""
    await write_models(models={"m": WhereFit(status="failed")})
    await write_node(run("a", "failed"))
    found = await read_models(ModelFilter(where={"status": "failed"}))
    assert [one.value for one in found] == [WhereFit(status="failed")]
    assert await labels(NodeFilter(where={"status": "failed"})) == ["a"]


# ------------------------------------------------------------------ written


@pytest.mark.parametrize(
    "filter",
    [
        TrackedRun.where(lambda r: (r.params["lr"] < 0.1) & (r.status == "finished")),
        TrackedRun.where(lambda r: ~(r.started_at > datetime(2024, 1, 1, tzinfo=UTC))),
        NodeFilter(where={"status": ["lost", "failed"]}),
        WhereTrain.where({"gear": Gear.HIGH, ("config", "a.b"): 1}),
        NodeFilter(node_type=[WhereTrain, WhereOther], where={"device": "gpu"}),
    ],
)
def test_such_filters_are_written_and_read(filter: NodeFilter) -> None:
    """JSON and pickles give equal filters."""
    assert Filter.from_json(filter.to_json()) == filter
    assert pickle.loads(pickle.dumps(filter)) == filter


def test_only_known_columns_are_read() -> None:
    """A written filter that names another column is refused."""
    text = NodeFilter(where={"status": "lost"}).to_json()
    with pytest.raises(FilterError, match="stutus"):
        Filter.from_json(text.replace("status", "stutus"))
    with pytest.raises(FilterError):
        Filter.from_json(text.replace('{"eq":"lost","field":"status"}', '{"label":1}'))


# ------------------------------------------------------------------ the same answer

_NUMBERS = st.sampled_from([-3, 0, 1, 2, 2.5, 0.1, 1e300, -(2**53) - 1])
_TEXTS = st.sampled_from(["", "a", "A", "b ", "ä", "zz", "%", "running", "lost"])
_VALUES = st.one_of(_NUMBERS, _TEXTS, st.booleans(), st.none())
_ROWS = st.fixed_dictionaries(
    {
        "device": st.none() | _TEXTS,
        "epochs": st.none() | st.integers(-4, 4),
        "loss": st.none() | st.sampled_from([-1.5, 0.0, 0.1, 2.5, 1e300]),
        "warm": st.none() | st.booleans(),
        "config": st.none()
        | st.dictionaries(
            st.sampled_from(["x", "y"]), _VALUES | st.fixed_dictionaries({"z": _VALUES})
        ),
    }
)
_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a is not None and a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


def _kind(value: object) -> type:
    if isinstance(value, bool | str):
        return type(value)
    return float


@st.composite
def _questions(draw: st.DrawFn) -> tuple[str, str, Any]:
    path = draw(st.sampled_from(["device", "epochs", "loss", "warm", "config.x", "config.x.z"]))
    name = draw(st.sampled_from(list(_SIGNS)))
    ordered = name not in ("eq", "ne")
    values: Mapping[str, st.SearchStrategy[Any]] = {
        "device": _TEXTS,
        "epochs": _NUMBERS.filter(lambda one: abs(one) < 2**63),
        "loss": _NUMBERS,
        "warm": st.booleans(),
    }
    if ordered and path == "warm":
        path = "device"
    value = draw(
        values.get(path, _NUMBERS | _TEXTS if ordered else _NUMBERS | _TEXTS | st.booleans())
    )
    if not ordered and draw(st.integers(0, 5)) == 0:
        value = None
    if draw(st.integers(0, 3)) == 0:
        kind = values.get(path, _NUMBERS if draw(st.booleans()) else _TEXTS)
        several = draw(st.lists(st.none() | kind, max_size=3))
        return path, draw(st.sampled_from(["in_", "not_in"])), tuple(several)
    return path, name, value


def _expected(row: Mapping[str, Any], path: str, name: str, value: Any) -> bool:
    if name == "in_":
        return any(_expected(row, path, "eq", one) for one in value)
    if name == "not_in":
        return all(_expected(row, path, "ne", one) for one in value)
    found: Any = row
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if value is None:
        return (found is None) is (name == "eq")
    if found is None or isinstance(found, dict):
        return found is not None and name == "ne"
    if _kind(found) is not _kind(value):
        return name == "ne"
    return bool(_SIGNS[name](found, value))


async def test_every_database_answers_as_python_does(filled: str) -> None:
    """Rows and questions at random: each is found or not as Python compares the values."""
    rows = st.lists(_ROWS, min_size=1, max_size=30)
    drawn: list[tuple[list[dict[str, Any]], list[tuple[str, str, Any]]]] = []

    @settings(max_examples=12, database=None, suppress_health_check=list(HealthCheck))
    @given(rows, st.lists(_questions(), min_size=12, max_size=12))
    def draw(some: list[dict[str, Any]], asked: list[tuple[str, str, Any]]) -> None:
        drawn.append((some, asked))

    draw()
    for some, asked in drawn:
        nodes = await write_nodes(
            [
                WhereTrain(**{f"where_train_{name}": value for name, value in row.items()})
                for row in some
            ]
        )
        ids = NodeFilter(node_id=[node.node_id for node in nodes])
        for path, name, value in asked:
            question = WhereTrain.where({path: ValueFilter(**{name: value})})
            found = {node.node_id for node in await read_nodes(question & ids)}
            expected = {
                node.node_id
                for node, row in zip(nodes, some, strict=True)
                if _expected(row, path, name, value)
            }
            assert found == expected, (path, name, value)
            missed = {node.node_id for node in await read_nodes(~question & ids)}
            assert missed == {node.node_id for node in nodes} - expected, (path, name, value)


def test_every_operator_of_databases_is_one_of_columns() -> None:
    """No operator is left out."""
    for name, operator in OPERATORS.items():
        if operator.takes == "nothing" or name == "contains":
            continue
        value: Any = ["a"] if operator.takes == "several" else None
        if operator.needs is not None:
            value = "a"
        assert TrackedRun.where({"status": ValueFilter(**{name: value})}).clause() is not None


# ------------------------------------------------------------------ orders and searches


async def test_orders_take_friendly_names_and_paths(store: str) -> None:
    """By a column's short name, by what is in a document; rows without a value come last."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    await write_nodes(
        [
            run("a", params={"lr": 0.5}, started_at=start),
            run("b", params={"lr": 0.05, "name": "x"}, started_at=start + timedelta(days=2)),
            run("c", params={"lr": 5, "name": "w"}, started_at=start + timedelta(days=1)),
            run("d"),
        ]
    )
    runs = NodeFilter(node_type=TrackedRun)
    assert await labels(runs, order_by="params.lr") == ["b", "a", "c", "d"]
    assert await labels(runs, order_by="-params.lr", limit=2) == ["c", "a"]
    assert await labels(runs, order_by="-started_at") == ["b", "c", "a", "d"]
    assert await labels(runs, order_by=["status", "params.name"]) == ["c", "b", "a", "d"]
    assert await labels(TrackedRun.where({"status": "finished"}), order_by="label")
    assert await labels(NodeFilter(), order_by="-created_at")
    pages = [n.node_label async for n in iter_nodes(runs, order_by="params.lr", page_size=1)]
    assert pages == ["b", "a", "c", "d"]
    with pytest.raises(FilterError, match="Did you mean 'started_at'"):
        await read_nodes(runs, order_by="start_at")
    with pytest.raises(FilterError, match="has no order"):
        await read_nodes(runs, order_by="params")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lr=0.1", "ab"),
        ("params.lr<0.1", "c"),
        ("net.depth=3", "c"),
        ("status=failed", "b"),
        ("status!=failed", "ac"),
        ("status~f%", "ab"),
        ("failed", "bx"),
        ("FAILED", "bx"),
        ("lost", "c"),
        ("status=lost lr<1", "c"),
        ("failed lr=0.1", "b"),
        ("tracked_run_status=failed", "b"),
        ("started_at>2024-01-01", "a"),
        ("started_at>soon", ""),
        ("lr=*", "abc"),
        ("name=adam", "ay"),
        ("momentum=true", "a"),
        ("optimizer=sgd", ""),
    ],
)
async def test_the_search_box_finds_runs(store: str, text: str, found: str) -> None:
    """Parameters by their names alone, columns by friendly ones, and how runs went by itself."""
    now = utc_now()
    params: list[dict[str, Any]] = [
        {"lr": 0.1, "name": "adam", "momentum": True},
        {"lr": 0.1},
        {"lr": 0.01, "net": {"depth": 3}},
    ]
    await write_nodes(
        [
            run("a", params=params[0], started_at=now),
            run("b", "failed", params=params[1]),
            run("c", "running", params=params[2], beat_at=now - timedelta(hours=1)),
            Node(node_label="x failed"),
        ]
    )
    await write_models(models={"y": WhereNamed(name="adam")})
    page = await browse_search(search_clause(text), words=words_in(text))
    assert "".join(sorted(str(node.label)[0] for node in page.nodes)) == found
