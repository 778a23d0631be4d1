"""Filters as JSON: equal when they come back, and nothing but known classes is made."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag, StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sqlalchemy import ColumnElement

from artigraph import (
    ArtifactFilter,
    DatabaseArtifact,
    DataModel,
    Filter,
    FilterError,
    Log,
    ModelFilter,
    ModelTypeFilter,
    NameTakenError,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    NodeTypeFilter,
    ValueFilter,
    is_in,
    new_node,
    read_nodes,
    register_filter,
    write_models,
    write_node,
)
from artigraph.filter import known
from artigraph.filter.condition import Condition
from artigraph.model.base import models_by_name
from artigraph.orm.node import node_table


class Hue(Enum):
    RED = 1
    BLUE = 2


class Tone(StrEnum):
    LOW = "low"


class Right(Flag):
    READ = 1
    WRITE = 2


class WrittenInner(DataModel, version=1):
    depth: int


class WrittenFit(DataModel, version=1):
    loss: float
    name: str = "a"
    hue: Hue = Hue.RED
    tone: Tone = Tone.LOW
    rights: Right = Right.READ
    when: datetime | None = None
    day: date | None = None
    took: timedelta | None = None
    cost: Decimal | None = None
    key: UUID | None = None
    place: Path | None = None
    params: dict[str, int] | None = None
    inner: WrittenInner | None = None
    done: bool = False


# Of fields, a lambda's argument has no type that checkers know.
where: Callable[[Callable[[Any], object]], ModelFilter] = WrittenFit.where


@register_filter
@dataclass(frozen=True, kw_only=True)
class WrittenRecent(Filter):
    days: float
    kept: Any = None

    def clause(self) -> ColumnElement[bool]:
        """Rows that were written in so many days."""
        return node_table.c.node_created_at > datetime.now(UTC) - timedelta(days=self.days)


@pytest.fixture(autouse=True)
def _forget_registered() -> Iterator[None]:
    before = dict(known._registered)
    yield
    known._registered.clear()
    known._registered.update(before)


def again(filter: Filter) -> Filter:
    """What a filter is once it was written and read."""
    return Filter.from_json(filter.to_json())


FILTERS: list[Filter] = [
    NodeFilter(),
    NodeFilter(node_id=7),
    NodeFilter(node_id=[1, 2], label="a", created_at=datetime(2024, 1, 1)),
    NodeFilter(label=ValueFilter(like="a%", ne=None)),
    NodeFilter(updated_at=ValueFilter(gt=datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")))),
    NodeFilter(node_type=[Node, "somebody_elses"]),
    NodeTypeFilter(type=DatabaseArtifact, not_type="x", subclasses=False),
    ArtifactFilter(artifact_label=["a", "b"]),
    ModelFilter(),
    ModelFilter(model_type=[]),
    ModelFilter(model_type=["NotDefinedHere", WrittenFit], where={"loss": 1}),
    ModelTypeFilter(type=WrittenFit, version=ValueFilter(ge=1), subclasses=False),
    ModelTypeFilter(type=DataModel),
    ModelTypeFilter(type=Log),
    ModelFilter(model_type=WrittenFit, where={("params", "a.b"): 1, "params.c": ValueFilter()}),
    where(lambda f: f.loss < 0.1),
    where(lambda f: (f.loss < 0.5) & (f.name == "a") & ~f.done | is_in(f.inner.depth, [1, None])),
    where(lambda f: (f.hue == Hue.RED) | is_in(f.hue, [Hue.BLUE, None])),
    where(lambda f: (f.tone == Tone.LOW) & (f.rights == Right.READ | Right.WRITE)),
    where(lambda f: (f.when > datetime(2024, 1, 1, tzinfo=UTC)) & (f.day == date(2024, 1, 1))),
    where(lambda f: (f.took < timedelta(1)) & (f.cost > Decimal("0.10")) & (f.key == UUID(int=7))),
    where(
        lambda f: (f.place == Path("a")) | (f.loss == np.float32(0.5)) | (f.loss == float("inf"))
    ),
    NodeRelationshipFilter(descendant_of=[1, 2], include_self=True, min_depth=2, max_depth=3),
    NodeRelationshipFilter(child_of=(), is_leaf=False),
    NodeRelationshipFilter(parent_of=where(lambda f: f.loss < 0.1), is_root=True),
    ~(NodeFilter(label="a") & NodeFilter(node_id=1) & ModelFilter()) | NodeFilter(label="b"),
    WrittenRecent(days=1.5, kept=([1, {"a"}, frozenset({2})], {"b": None, 3: time(12)})),
    WrittenRecent(days=2, kept=NodeFilter(label="a")) & ModelFilter(),
]


@pytest.mark.parametrize("filter", FILTERS, ids=str)
def test_filter_comes_back_equal(filter: Filter) -> None:
    """A filter of every class is equal to what it was, and written again the same."""
    text = filter.to_json()
    found = Filter.from_json(text)
    assert found == filter
    assert type(found) is type(filter)
    assert found.to_json() == text
    assert json.loads(text)["version"] == 1


texts = st.text(max_size=8).filter(lambda text: "\x00" not in text and text.isprintable())
moments = st.datetimes(datetime(1000, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))
numbers = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
)
labels = (
    texts | st.lists(texts, max_size=3) | st.builds(lambda t: ValueFilter(eq=t, ne=None), texts)
)
ids = st.integers(1, 2**63 - 1)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """Conditions of fields that nobody knows, combined in every way."""
    of_field = st.builds(
        lambda path, value: ModelFilter(where={path: value}).where,
        st.lists(texts.filter(lambda t: t not in ("", "$")), min_size=1, max_size=3).map(tuple),
        numbers | texts | moments | st.booleans() | st.none() | st.lists(texts, max_size=3),
    )
    made: st.SearchStrategy[Any] = st.recursive(
        of_field,
        lambda inner: (
            st.builds(lambda a, b: a & b, inner, inner)
            | st.builds(lambda a, b: a | b, inner, inner)
            | inner.map(lambda a: ~a)
        ),
        max_leaves=6,
    )
    found: Condition = draw(made)
    return found


single = (
    st.builds(NodeFilter, label=labels, node_id=ids | st.lists(ids, max_size=3))
    | st.builds(lambda at: NodeFilter(created_at=ValueFilter(le=at)), moments)
    | st.builds(lambda name, held: ModelFilter(model_type=name, where=held), texts, conditions())
    | st.builds(NodeRelationshipFilter, child_of=st.lists(ids, max_size=3), is_leaf=st.booleans())
    | st.builds(WrittenRecent, days=st.floats(0, 9), kept=texts | numbers | moments | st.uuids())
)
filters = st.recursive(
    single,
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | inner.map(lambda a: ~a)
        | inner.map(lambda a: NodeRelationshipFilter(descendant_of=a))
    ),
    max_leaves=5,
)


@given(filters)
def test_any_filter_comes_back_equal(filter: Filter) -> None:
    """Filters of random values, however they are combined, are equal when they come back."""
    text = filter.to_json()
    assert Filter.from_json(text) == filter
    assert Filter.from_json(text).to_json() == text


ALIKE: list[tuple[Filter, Filter]] = [
    (NodeFilter(label=["a"]), NodeFilter(label=("a",))),
    (where(lambda f: f.loss < 1), where(lambda f: f.loss < 1.0)),
    (where(lambda f: f.loss == 0), where(lambda f: f.loss == -0.0)),
    (where(lambda f: f.loss < 0.5), where(lambda f: f.loss < np.float64(0.5))),
    (where(lambda f: f.cost < Decimal("1.50")), where(lambda f: f.cost < Decimal("1.5"))),
    (
        NodeFilter(created_at=datetime(2024, 1, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo"))),
        NodeFilter(created_at=datetime(2024, 1, 1, tzinfo=UTC)),
    ),
    (
        NodeFilter(created_at=pd.Timestamp("2024-01-01", tz="UTC")),
        NodeFilter(created_at=datetime(2024, 1, 1, tzinfo=UTC)),
    ),
    (
        (NodeFilter(label="a") & ModelFilter()) & NodeFilter(node_id=1),
        NodeFilter(label="a") & (ModelFilter() & NodeFilter(node_id=1)),
    ),
    (WrittenRecent(days=1, kept={"a", "b"}), WrittenRecent(days=1.0, kept={"b", "a"})),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_equal_filters_are_written_alike(one: Filter, other: Filter) -> None:
    """Filters that are equal give the same text, however they were made."""
    assert one == other
    assert one.to_json() == other.to_json()


async def test_filter_that_came_back_finds_the_same_rows(store: str) -> None:
    """Every database answers a filter as it answers what comes back of it."""
    root = await write_node(new_node(node_label="root"))
    fits = {
        "a": WrittenFit(loss=0.05, cost=Decimal("0.2"), inner=WrittenInner(depth=1)),
        "b": WrittenFit(loss=0.5, hue=Hue.BLUE, params={"a.b": 1}, took=timedelta(hours=1)),
        "c": WrittenFit(loss=1, when=datetime(2024, 5, 1, tzinfo=UTC), rights=Right.WRITE),
    }
    await write_models(parent_id=root.node_id, models=fits)
    found_any = 0
    asked = [
        *FILTERS,
        NodeRelationshipFilter(descendant_of=root),
        where(lambda f: f.hue == Hue.BLUE),
    ]
    for filter in asked:
        found = [node.node_id for node in await read_nodes(filter)]
        assert [node.node_id for node in await read_nodes(again(filter))] == found
        found_any += bool(found)
    assert found_any > 10


def test_models_that_are_not_defined_here_stay_names() -> None:
    """A model is asked for by its name where its class is not defined."""
    text = where(lambda f: (f.loss < 0.1) & (f.hue == Hue.RED)).to_json()
    before = models_by_name.pop("WrittenFit")
    try:
        found = Filter.from_json(text)
    finally:
        models_by_name["WrittenFit"] = before
    assert found == ModelFilter(
        model_type="WrittenFit", where={"loss": ValueFilter(lt=0.1), "hue": "RED"}
    )


def test_member_of_an_enumeration_that_is_gone_is_told_of() -> None:
    """A member that the enumeration has no more is an error that names it."""
    text = where(lambda f: f.hue == Hue.RED).to_json().replace('"RED"', '"GREEN"')
    with pytest.raises(FilterError, match="has no member 'GREEN' any more"):
        Filter.from_json(text)


def test_filter_is_read_where_nothing_else_was_imported() -> None:
    """A text brings the modules of its own classes in, whatever the process has loaded."""
    written = NodeFilter(node_id=ValueFilter(ge=1)) & ~ModelFilter(
        model_type="NotDefinedHere", where={"loss": ValueFilter(lt=1), "params.depth": [1, 2]}
    )
    code = (
        "import sys; from artigraph import Filter; "
        "sys.stdout.write(Filter.from_json(sys.argv[1]).to_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, written.to_json()], check=True, capture_output=True, text=True
    )
    assert done.stdout == written.to_json()


def test_from_json_of_a_class_makes_that_class_only() -> None:
    """A text of another filter than the class's is refused, and says what it is."""
    assert NodeFilter.from_json(NodeFilter(label="a").to_json()) == NodeFilter(label="a")
    with pytest.raises(FilterError, match="is a NodeFilter, which is no ModelFilter"):
        ModelFilter.from_json(NodeFilter().to_json())


# ------------------------------------------------------------- what is refused


def document(filter: object, **more: object) -> str:
    """A text as to_json() makes it, of anything."""
    return json.dumps({"version": 1, "filter": filter, **more})


def nested(levels: int) -> object:
    made: object = {"is": "NodeFilter"}
    for _ in range(levels):
        made = {"is": "Not", "filter": made}
    return made


HOSTILE: list[tuple[Any, str]] = [
    (7, "takes a text, not 7"),
    ("", "is no JSON"),
    ("[" * 500_000, "is no JSON"),
    ("x" * 1_000_001, "1,000,000 characters at the most"),
    ("[]", "its version is missing"),
    ('{"version": 2}', "Update artigraph to read it"),
    ('{"version": true}', "its version is True"),
    ('{"version": "1"}', "its version is '1'"),
    (document(None), "filter is no filter, but None"),
    (document("NodeFilter"), "filter is no filter, but 'NodeFilter'"),
    (document({"is": "NodeFilter"}, more=1), "a key 'more', which means nothing there"),
    (document({"is": "NodeFilter"}, order_by=["a"]), "a key 'order_by', which means nothing"),
    (document({}), "filter is nothing that a filter holds"),
    (document({"is": 7}), "named by a text, not by 7"),
    (document({"is": "os.system"}), "No filter 'os.system' is known here"),
    (document({"is": "NodeFiltr"}), "Did you mean 'NodeFilter'"),
    (document({"is": "Filter"}), "No filter 'Filter' is known here"),
    (document({"is": "DataModel"}), "No filter 'DataModel' is known here"),
    (document({"is": "NodeFilter", "nod_id": 1}), "a key 'nod_id'.*Did you mean 'node_id'"),
    (document({"is": "NodeFilter", "_only": "x"}), "a key '_only'"),
    (document({"is": "NodeFilter", "node_id": None}), "asks for nothing"),
    (document({"is": "NodeFilter", "node_id": "7"}), "takes int"),
    (document({"is": "NodeFilter", "label": {"is": "NodeFilter"}}), "takes str"),
    (document({"is": "NodeFilter", "label": "a\x00"}), "NUL"),
    (document({"is": "NodeFilter", "node_type": 7}), "takes node classes, not 7"),
    (document({"is": "NodeTypeFilter", "subclasses": 7}), "subclasses is true or false, not 7"),
    (document({"is": "ModelTypeFilter"}), "cannot be made: TypeError"),
    (document({"is": "ModelTypeFilter", "type": {"model": 7}}), "named by a text"),
    (document({"is": "ModelFilter", "where": 7}), "where is no condition"),
    (document({"is": "ModelFilter", "where": {"field": 7, "eq": 1}}), "A field is named by"),
    (document({"is": "ModelFilter", "where": {"field": "a", "eval": 1}}), "a key 'eval'"),
    (document({"is": "ModelFilter", "where": {"field": "a", "contains": "b"}}), "a key 'contains'"),
    (
        document(
            {"is": "ModelFilter", "where": {"field": "a", "eq": {"$": "int", "v": "9" * 4_000}}}
        ),
        "80 digits",
    ),
    (document({"is": "ModelFilter", "where": {"and": []}}), "and is no list of conditions"),
    (document({"is": "ModelFilter", "where": {"not": 1}}), "not is no condition"),
    (document({"is": "ModelFilter", "where": {"field": "$", "eq": 1}}), "cannot look for"),
    (document({"is": "AllOf", "filters": []}), "takes a tuple of filters"),
    (document({"is": "AllOf", "filters": [1]}), "1 is no filter"),
    (document({"is": "Not", "filter": "a"}), "'a' is no filter"),
    (document({"is": "ValueFilter"}), "filter is no filter"),
    (document({"$": "datetime", "v": "yesterday"}), "filter is no datetime: 'yesterday'"),
    (document({"$": "decimal", "v": [1]}), "holds \\[1\\]"),
    (document({"$": "pickle", "v": "x"}), "a kind 'pickle', which is not known here"),
    (document({"$": ["set"], "v": "x"}), "a kind that is no text"),
    (document({"$": "set", "v": [{"$": "list", "v": []}]}), "no set of what it holds"),
    (document({"$": "dict", "v": [[1]]}), "no dict of what it holds"),
    (document({"$": "enum:Hue", "v": []}), "no member of an enumeration"),
    (document({"is": "NodeFilter", "node_id": {"$": "int", "v": "9" * 4_000}}), "80 digits"),
    (document({"is": "NodeFilter", "label": "\x00" * 9_000}), "holds a NUL"),
    (document({"is": "NodeFilter", "label": {"is": "ValueFilter", "gt": []}}), "takes one value"),
    (document(nested(40)), "nested 28 levels deep at the most"),
    (document({"is": "NodeFilter", "node_id": [1] * 100_001}), "100,000 values at the most"),
    (document({"is": "NodeRelationshipFilter", "child_of": "7"}), "takes an id, a node"),
    (document({"is": "NodeRelationshipFilter", "max_depth": "7"}), "is a count of steps"),
]


@pytest.mark.parametrize(("text", "told"), HOSTILE)
def test_what_is_no_filter_is_refused(text: Any, told: str) -> None:
    """A text that to_json() has not made is an error that says what is wrong where."""
    with pytest.raises(FilterError, match=f"(?s){told}") as caught:
        Filter.from_json(text)
    assert len(str(caught.value)) < 900


KEYS = ["is", "$", "v", "field", "and", "not", "node_id", "where", "model", "filter"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["NodeFilter", "Not", "set", "a"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(anything)
def test_any_json_is_a_filter_or_a_filter_error(content: object) -> None:
    """Whatever JSON somebody writes, it is a filter, or refused as one."""
    with suppress(FilterError):
        assert isinstance(Filter.from_json(document(content)), Filter)


UNWRITABLE: list[tuple[object, str]] = [
    (lambda: 1, "it is a function, .*lambda.*code is never kept"),
    (Node(), "A node that is not written yet has no id: write it first"),
    (Node(node_id=7), "Keep its id: 7"),
    (Hue.RED, "Keep its name: 'RED'"),
    (object(), "object is no type that JSON keeps"),
    (int, "neither a model's class nor a node's"),
    (time(12, tzinfo=UTC), "would not come back equal"),
    (tuple(range(100_001)), "100,000 values at the most"),
    ("x" * 1_000_001, "1,000,000 characters at the most"),
]


@pytest.mark.parametrize(("value", "told"), UNWRITABLE)
def test_what_json_does_not_keep_is_refused(value: object, told: str) -> None:
    """A filter that holds what cannot be written says where it is, and what to keep instead."""
    with pytest.raises(FilterError, match=told):
        WrittenRecent(days=1, kept=value).to_json()


def test_deep_filter_is_refused_and_a_long_one_is_not() -> None:
    """A filter nested deeper than databases read is refused; many side by side are not."""
    deep: Filter = NodeFilter()
    for _ in range(30):
        deep = ~deep
    with pytest.raises(FilterError, match="a & b & c does"):
        deep.to_json()
    flat: Filter = NodeFilter()
    for at in range(100):
        flat = flat & NodeFilter(label=str(at))
    assert again(flat) == flat


def test_own_class_that_is_not_registered_is_refused() -> None:
    """A class of one's own is written once it is registered, which the error says."""

    @dataclass(frozen=True, kw_only=True)
    class Unheard(Filter):
        def clause(self) -> ColumnElement[bool]:
            return node_table.c.node_id > 0

    with pytest.raises(FilterError, match="Write @register_filter above the class"):
        Unheard().to_json()
    with pytest.raises(FilterError, match="No filter 'Unheard' is known here"):
        Filter.from_json(document({"is": "Unheard"}))
    register_filter(Unheard)
    assert again(Unheard()) == Unheard()


def test_only_frozen_dataclasses_of_their_own_name_are_registered() -> None:
    """What could not be made again, or would stand for another class, is refused."""
    loose: Any = register_filter
    for given_, told in ((int, "a subclass of Filter"), (Filter, "a subclass of Filter")):
        with pytest.raises(FilterError, match=told):
            loose(given_)

    class Plain(NodeFilter):
        pass

    with pytest.raises(FilterError, match="no frozen dataclass"):
        register_filter(Plain)

    def make(name: str) -> type[Filter]:
        made = type(name, (NodeFilter,), {"__module__": "elsewhere", "__qualname__": name})
        return dataclass(frozen=True, kw_only=True)(made)

    for name in ("NodeFilter", "WrittenRecent"):
        with pytest.raises(NameTakenError, match="rename the class"):
            register_filter(make(name))
    register_filter(make("WrittenMade"))
    newer = register_filter(make("WrittenMade"))  # as a cell that runs again
    assert type(Filter.from_json(document({"is": "WrittenMade"}))) is newer
