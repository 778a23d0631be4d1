"""Order, limit, offset, pages, counts and the first of many."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy.orm import Mapped

import artigraph as loose_artigraph
from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    Order,
    count_artifacts,
    count_models,
    count_nodes,
    delete_nodes,
    iter_models,
    iter_nodes,
    new_node,
    read_artifacts,
    read_first_model,
    read_first_node,
    read_model,
    read_models,
    read_nodes,
    write_models,
    write_node,
    write_nodes,
)

# Callers in notebooks are not type-checked.
loose: Any = loose_artigraph


class OrderPart(DataModel, version=1):
    x: int


class Ordered(DataModel, version=1):
    loss: float | None
    n: int
    name: str = ""
    when: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    flag: bool = False
    params: dict[str, int] | None = None
    inner: OrderPart | None = None
    free: Any = None
    layers: list[int] | None = None


ALL = ModelFilter(model_type=Ordered)
START = datetime(2024, 1, 1, tzinfo=UTC)
LATER = START + timedelta(1)


async def labels(**options: Any) -> list[str]:
    return [str(m.artifact.node_label) for m in await read_models(ALL, **options)]


async def write_six() -> None:
    await write_models(
        models={
            "a": Ordered(0.5, 1, "z", START, True, {"d": 3, "a.b": 1}, OrderPart(2), 1),
            "b": Ordered(
                0.1, 2, "y", START + timedelta(1), False, {"d": 2, "a.b": 2}, OrderPart(1), "x"
            ),
            "c": Ordered(None, 3, "x", START + timedelta(2), True, None, None, None),
            "d": Ordered(
                float("nan"), 4, "Z", START - timedelta(1), False, {"d": 10}, OrderPart(10), 0.5
            ),
            "e": Ordered(math.inf, 5, "10", START, True, {"d": -1}, OrderPart(3), "a"),
            "f": Ordered(0.1, 6, "9", START, False, {}, None, True),
        }
    )


@pytest.mark.parametrize(
    ("order_by", "wanted"),
    [
        (None, "abcdef"),
        ("node_id", "abcdef"),
        ("-node_id", "fedcba"),
        ("-n", "fedcba"),
        ("loss", "bfaecd"),
        ("-loss", "eafbdc"),
        (["loss", "-n"], "fbaedc"),
        ("name", "efdcba"),
        (["when", "node_label"], "daefbc"),
        (["-flag", "n"], "acebdf"),
        ("params.d", "ebadcf"),
        (Order(("params", "a.b"), descending=True), "bafedc"),
        ("inner.x", "baedcf"),
        (["free", "n"], "daebcf"),
        ("-node_label", "fedcba"),
    ],
)
async def test_an_order_is_the_same_everywhere(store: str, order_by: Any, wanted: str) -> None:
    """Values order as what they are, those that are missing come last, ties go by id."""
    await write_six()
    assert "".join(await labels(order_by=order_by)) == wanted
    paged = [m.artifact.node_label async for m in iter_models(ALL, order_by=order_by, page_size=2)]
    assert "".join(map(str, paged)) == wanted
    assert "".join(await labels(order_by=order_by, limit=3, offset=2)) == wanted[2:5]


async def test_limit_offset_first_and_count(store: str, statements: list[str]) -> None:
    """Each is one statement, and leaves out what the others leave out."""
    await write_six()
    statements.clear()
    assert await count_models(ALL) == 6
    assert await count_models(Ordered.where(lambda f: f.n > 2)) == 4
    assert await count_nodes(NodeFilter()) == 10
    assert await count_artifacts(NodeFilter()) == 10
    assert len(statements) == 4
    best = await read_first_model(ALL, order_by="loss")
    assert best is not None
    assert best.value.loss == 0.1
    assert await read_first_model(Ordered.where({"n": 99})) is None
    assert await labels(limit=0) == []
    assert await labels(offset=4) == ["e", "f"]
    assert await labels(offset=99) == []


async def test_nodes_and_artifacts_too(store: str) -> None:
    """Nodes are ordered by their columns, those of a subclass among them."""

    class Trial(Node):
        __mapper_args__ = {"polymorphic_identity": "trial"}  # noqa: RUF012  # SQLAlchemy types it
        trial_score: Mapped[float | None]

    await write_nodes(
        [Trial(node_label=f"t{i}", trial_score=s) for i, s in enumerate([2, None, 1])]
    )
    every = NodeFilter(node_type=Trial)
    assert [n.node_label for n in await read_nodes(every, order_by="-trial_score")] == [
        *("t0", "t2", "t1")
    ]
    first = await read_first_node(every, order_by="trial_score")
    assert first is not None
    assert first.node_label == "t2"
    paged = [n async for n in iter_nodes(every, order_by="-trial_score", page_size=1)]
    assert [n.node_label for n in paged] == ["t0", "t2", "t1"]
    assert all(isinstance(node, Trial) for node in paged)
    await write_six()
    found = await read_artifacts(ALL, order_by="-node_label", limit=2)
    assert [a.artifact.node_label for a in found] == ["f", "e"]


async def test_pages_cost_one_statement_each(store: str, statements: list[str]) -> None:
    """Pages begin by key: one statement a page, no offset, whatever is written meanwhile."""
    parent = await write_node(new_node())
    models = {f"m{i:03}": Ordered(i % 7, i) for i in range(100)}
    await write_models(parent_id=parent.node_id, models=models)
    statements.clear()
    below = ALL & NodeRelationshipFilter(child_of=parent)
    seen: list[int] = []
    async for model in iter_models(below, order_by="-loss", page_size=30):
        if not seen:
            # A row that was passed by is not seen again, a new one behind may be.
            await write_models(parent_id=parent.node_id, models={"late": Ordered(-1.0, -1)})
        seen.append(model.value.n)
    assert len([s for s in statements if "LIMIT" in s and "ORDER BY" in s]) == 4
    assert sorted(seen) == [-1, *range(100)]


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats()), st.integers(-3, 3), st.text("ab%_ÄZ", max_size=3)
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(["loss", "-loss", "n", "-n", "name", "-name"]), max_size=3),
    st.integers(1, 5),
)
async def test_pages_are_the_whole(
    store: str, rows: list[tuple[float | None, int, str]], order_by: list[str], page_size: int
) -> None:
    """In any order the pages together are what one query reads, each row once."""
    await delete_nodes(NodeFilter(), everything=True)
    await write_models(models={str(i): Ordered(*row) for i, row in enumerate(rows)})
    whole = [m.artifact.node_id for m in await read_models(ALL, order_by=order_by)]
    pages = [
        m.artifact.node_id async for m in iter_models(ALL, order_by=order_by, page_size=page_size)
    ]
    assert pages == whole
    assert len(set(whole)) == len(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": -1}, r"limit is a count from 0 on, not -1"),
        ({"limit": True}, r"limit is a count from 0 on, not True"),
        ({"limit": 2**63}, r"limit has more than 64 bits"),
        ({"offset": 10**20}, r"offset has more than 64 bits"),
        ({"offset": 1.5}, r"offset is a count from 0 on, not 1\.5"),
        (
            {"order_by": "los"},
            r"Ordered has no field 'los'\. Did you mean 'loss'\? Order by 'loss', or by '-loss'",
        ),
        ({"order_by": "created_at"}, r"Did you mean 'node_created_at'"),
        ({"order_by": "q"}, r"Known are: 'flag', .*'node_created_at'"),
        ({"order_by": ""}, r"takes a name such as 'loss'"),
        ({"order_by": "-"}, r"takes a name such as 'loss'"),
        ({"order_by": 3}, r"takes a name such as 'loss' or '-loss', or a list of them, not 3"),
        ({"order_by": [3]}, r"takes a name such as 'loss' or '-loss', not 3"),
        ({"order_by": "layers"}, r"Ordered\.layers is .*list\[int\].*, which has no order"),
        ({"order_by": "inner"}, r"Ordered\.inner is a OrderPart, which has no order"),
        ({"order_by": "model_artifact_data"}, r"a column of documents or bytes has no order"),
        ({"order_by": "layers.x"}, r"a filter cannot look for 'x' in that"),
    ],
)
async def test_an_order_that_makes_no_sense(
    store: str, options: dict[str, Any], message: str
) -> None:
    """An impossible order or count is refused with what to type."""
    with pytest.raises(FilterError, match=message):
        await loose.read_models(ALL, **options)


async def test_an_order_for_a_class_that_is_named(store: str) -> None:
    """Where the name means a class here, a misspelt field is refused; else nobody knows."""
    await write_six()
    named = ModelFilter(model_type="Ordered")
    with pytest.raises(FilterError, match=r"Ordered has no field 'los'\. Did you mean 'loss'"):
        await read_first_model(named, order_by="los")
    assert await read_models(named, order_by="loss")
    unknown = ModelFilter(model_type="OrderedElsewhere")
    assert await read_models(unknown, order_by="los") == []


@pytest.mark.parametrize("order_by", ["n", "-n"])
async def test_pages_of_large_integers(store: str, order_by: str) -> None:
    """Integers that no float keeps apart are each read once, and in order."""
    numbers = [2**62 + n for n in (5, 3, 9, 1, 7, 2, 8)]
    await write_models(models={str(n): Ordered(0.5, n) for n in numbers})
    paged = [m.value.n async for m in iter_models(ALL, order_by=order_by, page_size=2)]
    assert paged == sorted(numbers, reverse=order_by == "-n")


async def test_an_order_of_what_either_finds(store: str) -> None:
    """Models that one of several filters finds are ordered by a field of theirs."""
    await write_six()
    either = Ordered.where(lambda f: f.n <= 2) | Ordered.where(lambda f: f.n > 5)
    for filter in (either, either & NodeFilter(), ALL & either):
        found = await read_models(filter, order_by="-when")
        assert [m.artifact.node_label for m in found] == [
            m.artifact.node_label
            for m in await read_models(ALL, order_by="-when")
            if m.value.n <= 2 or m.value.n > 5
        ]


@pytest.mark.parametrize(
    "key",
    ["lr/decay", "acc@5", "f1 (macro)", "100%", "it's", '"', "\\", "-x", "\U0001f600", "a?b", "*"],
)
async def test_an_order_by_a_key_of_any_characters(store: str, key: str) -> None:
    """Keys of dicts that no identifier could be are ordered by, in pages too."""
    models = {f"m{n}": Ordered(0.0, n, params={key: n}) for n in (2, 1, 3)}
    await write_models(models={**models, "none": Ordered(0.0, 0)})
    by_key = Order(("params", key))
    assert await labels(order_by=by_key) == ["m1", "m2", "m3", "none"]
    assert await labels(order_by=Order(("params", key), descending=True), limit=2) == ["m3", "m2"]
    paged = [m.value.n async for m in iter_models(ALL, order_by=by_key, page_size=2)]
    assert paged == [1, 2, 3, 0]


async def test_an_order_of_nodes_by_a_field(store: str) -> None:
    """A field of models cannot order nodes of any kind, and a page has rows."""
    with pytest.raises(FilterError, match=r"order_by='loss': there is no such column.*model_type="):
        await read_nodes(NodeFilter(), order_by="loss")
    with pytest.raises(FilterError, match=r"order_by='-loss': there is no such column"):
        await read_nodes(NodeFilter(), order_by="-loss")
    with pytest.raises(FilterError, match=r"page_size is a count from 1 on, not 0"):
        async for _ in iter_nodes(NodeFilter(), page_size=0):
            pass


async def test_a_model_read_alone_knows_its_path(store: str, statements: list[str]) -> None:
    """The labels above it come with its row, in the same statement."""
    root = await write_node(new_node(node_label="root"))
    middle = await write_node(new_node(node_parent_id=root.node_id))
    await write_models(parent_id=middle.node_id, models={"deep": Ordered(0.5, 1)})
    await write_models(models={"top": Ordered(0.5, 1)})
    statements.clear()
    deep = await read_model(NodeFilter(label="deep"))
    assert len(statements) == 1
    assert deep.path == ("root", f"#{middle.node_id}")
    assert (await read_model(NodeFilter(label="top"))).path == ()
    assert [model.path for model in await read_models(ALL)] == [None, None]
