"""Relations, counts and paths agree with a walk over the same tree in Python."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import ColumnElement, func, select, text
from typing_extensions import override

from artigraph import (
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter as Related,
    count_children,
    count_descendants,
    delete_nodes,
    engine_context,
    get_engine,
    new_node,
    nodes_exist,
    read_model,
    read_models,
    read_nodes,
    read_path,
    read_paths,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from tests.conftest import Statements


class RelationRun(Node):
    __mapper_args__ = {"polymorphic_identity": "relation_run"}  # noqa: RUF012  # as users write it


class RelationFit(DataModel, version=1):
    loss: float


class RelationData(DataModel, version=1):
    source: str


class RelationFrame(DataModel, version=1):
    frame: pd.DataFrame


async def labels(filter: Filter) -> list[str | None]:
    """The labels of what a filter finds, by id."""
    return [node.node_label for node in await read_nodes(filter)]


async def plant() -> dict[str, int]:
    """An experiment with three runs, the second of them with a run inside; ids by label.

    ::

        wine ┬ one ── fit (0.5), data (sklearn)
             ├ two ┬─ fit (0.1), data (csv)
             │     └─ inner ── fit (0.9)
             └ three
        lone
    """
    wine, lone = await write_nodes([new_node(node_label="wine"), new_node(node_label="lone")])
    one, two, three = await write_nodes(
        [
            new_node(RelationRun, node_label=label, node_parent_id=wine.node_id)
            for label in ("one", "two", "three")
        ]
    )
    inner = await write_node(new_node(RelationRun, node_label="inner", node_parent_id=two.node_id))
    for run, loss, source in ((one, 0.5, "sklearn"), (two, 0.1, "csv"), (inner, 0.9, None)):
        models: dict[str, DataModel] = {"fit": RelationFit(loss)}
        if source:
            models["data"] = RelationData(source)
        await write_models(parent_id=run.node_id, models=models)
    nodes = (wine, lone, one, two, three, inner)
    return {str(node.node_label): node.node_id for node in nodes}


# ------------------------------------------------------------ filters in filters


async def test_one_query_across_a_tree(statements: Statements) -> None:
    """Models of X below nodes of type Y whose model Z has a field above v: one statement."""
    await plant()
    good = Related(parent_of=RelationFit.where(lambda f: f.loss < 0.2))
    asked = ModelFilter(model_type=RelationData) & Related(
        descendant_of=NodeFilter(node_type=RelationRun) & good
    )
    statements.clear()
    assert [found.value for found in await read_models(asked)] == [RelationData("csv")]
    assert len(statements) == 1


async def test_models_with_parts(statements: Statements) -> None:
    """Models that a nested filter finds come with their frames, in one statement more."""
    ids = await plant()
    frame = pd.DataFrame({"a": [1, 2]})
    await write_model(parent_id=ids["three"], label="frame", model=RelationFrame(frame))
    run = NodeFilter(node_type=RelationRun) & Related(sibling_of=ids["one"])
    statements.clear()
    found = await read_model(ModelFilter(model_type=RelationFrame) & Related(descendant_of=run))
    assert found.value == RelationFrame(frame)
    assert len(statements) == 2


async def test_each_relation_takes_a_filter(statements: Statements) -> None:
    """What holds of the ids that a filter finds holds of the filter, in one statement."""
    ids = await plant()
    two, inner = NodeFilter(label="two"), NodeFilter(label="inner")
    asked: list[tuple[Filter, list[str]]] = [
        (Related(child_of=two), ["inner", "fit", "data"]),
        (Related(child_of=two, include_self=True), ["two", "inner", "fit", "data"]),
        (Related(parent_of=two), ["wine"]),
        (Related(parent_of=inner | two, include_self=True), ["wine", "two", "inner"]),
        (Related(descendant_of=two), ["inner", "fit", "data", "fit"]),
        (Related(descendant_of=two, include_self=True, max_depth=1),
         ["two", "inner", "fit", "data"]),
        (Related(ancestor_of=inner), ["wine", "two"]),
        (Related(ancestor_of=inner, include_self=True), ["wine", "two", "inner"]),
        (Related(sibling_of=two), ["one", "three"]),
        (Related(sibling_of=two, include_self=True), ["one", "two", "three"]),
    ]  # fmt: skip
    for filter, expected in asked:
        statements.clear()
        assert await labels(filter) == expected, filter
        assert len(statements) == 1
    assert await labels(Related(child_of=ids["two"])) == ["inner", "fit", "data"]


async def test_what_a_filter_finds_is_found_below_another_that_it_finds(store: str) -> None:
    """Runs inside runs are found; nodes given by id are left out, as they name themselves."""
    ids = await plant()
    runs = NodeFilter(node_type=RelationRun)
    assert await labels(runs & Related(descendant_of=runs)) == ["inner"]
    assert await labels(runs & Related(ancestor_of=runs)) == ["two"]
    assert await labels(Related(sibling_of=runs & ~NodeFilter(label="three"))) == [
        "one", "two", "three", "fit", "data",
    ]  # fmt: skip
    given_ = [ids["two"], ids["inner"]]
    assert await labels(runs & Related(descendant_of=given_)) == []


async def test_filters_nest_deep(statements: Statements) -> None:
    """Eight filters inside one another are one statement that SQLite's parser takes."""
    await plant()
    asked: Filter = RelationFit.where({"loss": 0.9})
    for _ in range(3):
        asked = Related(descendant_of=Related(ancestor_of=asked), min_depth=1, max_depth=9) & (
            NodeFilter(label="fit")
        )
    statements.clear()
    assert await labels(asked) == ["fit", "fit", "fit"]
    assert len(statements) == 1
    chain: Filter = NodeFilter(label="wine")
    for _ in range(8):
        chain = Related(child_of=chain, include_self=True)
    assert await labels(chain & ~ModelFilter()) == ["wine", "one", "two", "three", "inner"]
    statements.clear()
    assert await nodes_exist(chain & ~asked)
    assert len(statements) == 1


def test_a_nested_filter_is_asked_for_its_clause_once() -> None:
    """However deep it is: the work grows with the depth, not with its power of two."""
    asked = 0

    class Counted(Filter):
        @override
        def clause(self) -> ColumnElement[bool]:
            nonlocal asked
            asked += 1
            return Node.node_label == "wine"

    nested: Filter = Counted()
    for _ in range(8):
        nested = Related(child_of=nested)
    nested.clause()
    assert asked == 1


async def test_deleting_what_a_nested_filter_finds(store: str) -> None:
    """A filter in a filter serves deleting as well as reading."""
    await plant()
    bad = Related(parent_of=RelationFit.where(lambda f: f.loss > 0.4))
    assert await delete_nodes(bad & Related(is_root=False)) == 5
    assert await labels(NodeFilter()) == ["wine", "lone", "two", "three", "fit", "data"]


async def test_a_filter_of_the_users_own_goes_inside(store: str) -> None:
    """Any Filter may stand in a relation, one with a subquery of its own too."""
    await plant()

    class Latest(Filter):
        def clause(self) -> ColumnElement[bool]:
            newest = select(func.max(Node.node_id)).scalar_subquery()
            return Node.node_id == newest

    assert await labels(Related(ancestor_of=Latest())) == ["wine", "two", "inner"]


# ---------------------------------------------------------- depth, roots, leaves


async def test_depths_bound_a_walk_on_both_sides(store: str) -> None:
    """min_depth and max_depth count steps; include_self adds the nodes, which are no step away."""
    ids = await plant()
    wine: Any
    for wine in (ids["wine"], NodeFilter(label="wine")):
        below = Related(descendant_of=wine, min_depth=2)
        assert await labels(below) == ["inner", "fit", "data", "fit", "data", "fit"]
        assert await labels(Related(descendant_of=wine, min_depth=2, max_depth=2)) == [
            "inner", "fit", "data", "fit", "data",
        ]  # fmt: skip
        assert await labels(Related(descendant_of=wine, min_depth=3)) == ["fit"]
        assert await labels(Related(descendant_of=wine, min_depth=3, include_self=True)) == [
            "wine", "fit",
        ]  # fmt: skip
        assert await labels(Related(descendant_of=wine, min_depth=4, max_depth=10**12)) == []
    deep = RelationFit.where({"loss": 0.9})
    assert await labels(Related(ancestor_of=deep, min_depth=2)) == ["wine", "two"]
    assert await labels(Related(ancestor_of=deep, min_depth=2, max_depth=2)) == ["two"]
    assert await labels(Related(ancestor_of=deep, min_depth=3)) == ["wine"]


async def test_roots_and_leaves(store: str) -> None:
    """is_root and is_leaf find both kinds, and combine with the other keys."""
    ids = await plant()
    assert await labels(Related(is_root=True)) == ["wine", "lone"]
    assert await labels(Related(is_root=False, is_leaf=False)) == ["one", "two", "inner"]
    assert await labels(Related(is_root=True, is_leaf=True)) == ["lone"]
    assert await labels(Related(descendant_of=ids["wine"], max_depth=2, is_leaf=True)) == [
        "three", "fit", "data", "fit", "data",
    ]  # fmt: skip
    assert await labels(Related(parent_of=Related(is_leaf=True) & ModelFilter())) == [
        "one", "two", "inner",
    ]  # fmt: skip
    assert await labels(Related()) == await labels(NodeFilter())


async def test_siblings(store: str) -> None:
    """Siblings hang on the same parent; roots have none, and nobody is one's own."""
    ids = await plant()
    assert await labels(Related(sibling_of=ids["one"])) == ["two", "three"]
    assert await labels(Related(sibling_of=[ids["one"], ids["two"]])) == ["three"]
    assert await labels(Related(sibling_of=ids["wine"])) == []
    assert await labels(Related(sibling_of=[])) == []
    assert await labels(Related(sibling_of=NodeFilter(label="inner"))) == ["fit", "data"]
    assert await labels(Related(sibling_of=NodeFilter(label="no such"))) == []


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"descendant_of": 1, "min_depth": 3, "max_depth": 2}, "at least 3 and at most 2 steps"),
        ({"descendant_of": 1, "min_depth": 0}, "min_depth is a count of steps from 1 on, not 0"),
        ({"descendant_of": 1, "min_depth": -1}, "min_depth is a count of steps from 1 on, not -1"),
        ({"descendant_of": 1, "min_depth": True}, "min_depth is a count of steps"),
        ({"descendant_of": 1, "max_depth": True}, "max_depth is a count of steps"),
        ({"descendant_of": 1, "max_depth": 1.5}, "max_depth is a count of steps"),
        ({"descendant_of": 1, "min_depth": 10**6}, "min_depth goes up to 100,000"),
        ({"min_depth": 2}, r"Say which, as in NodeRelationshipFilter\(descendant_of=12"),
        ({"child_of": 1, "min_depth": 2}, "min_depth counts steps below or above"),
        ({"child_of": True}, "child_of=… takes an id, a node, several of them or a filter"),
        ({"sibling_of": "one"}, "sibling_of=… takes an id, a node, several of them or a filter"),
        ({"sibling_of": b"one"}, "sibling_of=… takes an id"),
        ({"descendant_of": RelationRun}, "descendant_of=… takes an id"),
        ({"descendant_of": [NodeFilter()]}, "descendant_of=… takes an id"),
        ({"ancestor_of": 2**63}, "more than 64 bits"),
        ({"parent_of": Node()}, "write this one first"),
        ({"is_root": 1}, "is_root is True or False, not 1"),
        ({"is_leaf": "yes"}, "is_leaf is True or False, not 'yes'"),
        ({"include_self": None}, "include_self is True or False, not None"),
        ({"siblings_of": 1}, "no key 'siblings_of'.*'sibling_of'"),
    ],
)
def test_nonsense_is_refused(keys: dict[str, Any], message: str) -> None:
    """What cannot be asked is refused where it is typed, and says what can."""
    with pytest.raises(FilterError, match=message):
        Related(**keys)


# -------------------------------------------------------------- counts and paths


async def test_counts_of_many_nodes(statements: Statements) -> None:
    """Children and descendants of many at once: one statement each, zeros included."""
    ids = await plant()
    wine, one, two, lone = (ids[label] for label in ("wine", "one", "two", "lone"))
    missing = 987654321
    given_ = [two, wine, lone, missing, one]
    statements.clear()
    children = await count_children(given_)
    assert children == {two: 3, wine: 3, lone: 0, missing: 0, one: 2}
    assert list(children) == given_
    assert len(statements) == 1
    statements.clear()
    assert await count_descendants(given_) == {two: 4, wine: 9, lone: 0, missing: 0, one: 2}
    assert len(statements) == 1


async def test_counts_take_nodes_and_filters(statements: Statements) -> None:
    """A node, or a filter, each of whose nodes is counted, those with nothing below too."""
    ids = await plant()
    lone = (await read_nodes(NodeFilter(label="lone")))[0]
    assert await count_children(lone) == await count_descendants(lone) == {lone.node_id: 0}
    assert await count_children([]) == await count_descendants([]) == {}
    runs = NodeFilter(node_type=RelationRun) & Related(child_of=NodeFilter(label="wine"))
    for count, expected in ((count_children, [2, 3, 0]), (count_descendants, [2, 4, 0])):
        statements.clear()
        counts = await count(runs)
        assert list(counts.items()) == list(
            zip([ids["one"], ids["two"], ids["three"]], expected, strict=True)
        )
        assert len(statements) == 1


async def test_counts_of_very_many_nodes(statements: Statements) -> None:
    """5,000 ids are one statement, too."""
    top = await write_node(new_node())
    nodes = await write_nodes([new_node(node_parent_id=top.node_id) for _ in range(5_000)])
    statements.clear()
    assert await count_descendants([top, *nodes]) == {
        top.node_id: 5_000, **{node.node_id: 0 for node in nodes},
    }  # fmt: skip
    assert sum((await count_children([top, *nodes])).values()) == 5_000
    assert len(statements) == 2


async def test_path_from_the_root(statements: Statements) -> None:
    """Root first, the node last, each as its own class, in one statement."""
    ids = await plant()
    statements.clear()
    path = await read_path(ids["inner"])
    assert len(statements) == 1
    assert [node.node_label for node in path] == ["wine", "two", "inner"]
    assert [type(node) for node in path] == [Node, RelationRun, RelationRun]
    assert [node.node_id for node in await read_path(path[0])] == [ids["wine"]]
    with pytest.raises(NodeNotFoundError, match="There is no node 987654321"):
        await read_path(987654321)
    for several in ([ids["one"], ids["two"]], [], NodeFilter()):
        with pytest.raises(FilterError, match="takes one node; read_paths"):
            await read_path(several)  # type: ignore[arg-type]


async def test_paths_of_many_nodes(statements: Statements) -> None:
    """Paths by id in one statement, for ids and for what a filter finds."""
    ids = await plant()
    statements.clear()
    paths = await read_paths([ids["inner"], ids["lone"], 987654321])
    assert len(statements) == 1
    assert {k: [node.node_label for node in path] for k, path in paths.items()} == {
        ids["inner"]: ["wine", "two", "inner"], ids["lone"]: ["lone"], 987654321: [],
    }  # fmt: skip
    statements.clear()
    found = await read_paths(RelationFit.where(lambda f: f.loss > 0.4))
    assert len(statements) == 1
    assert [[node.node_label for node in path] for path in found.values()] == [
        ["wine", "one", "fit"],
        ["wine", "two", "inner", "fit"],
    ]
    assert all(path[-1].node_id == node_id for node_id, path in found.items())
    assert await read_paths([]) == {}


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_cycles_end(store: str, length: int) -> None:
    """A cycle made in raw SQL: counts leave the node itself out, paths end, depths end."""
    chain = [await write_node(new_node(node_label="0"))]
    for n in range(1, length):
        chain.append(
            await write_node(new_node(node_parent_id=chain[-1].node_id, node_label=str(n)))
        )
    tail = await write_node(new_node(node_parent_id=chain[-1].node_id, node_label="tail"))
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET node_parent_id = :p WHERE node_id = :c"),
            {"p": chain[-1].node_id, "c": chain[0].node_id},
        )
    start = chain[0].node_id
    async with asyncio.timeout(300):
        assert await count_descendants(start) == {start: length}
        path = await read_path(tail)
        assert [node.node_label for node in path] == [*map(str, range(length)), "tail"]
        found = await labels(Related(descendant_of=start, min_depth=2, include_self=True))
        assert "0" in found
        assert set(found) <= {*map(str, range(length)), "tail"}
        assert await labels(Related(ancestor_of=NodeFilter(label="tail"), min_depth=1)) == [
            *map(str, range(length))
        ]
        assert set(await labels(Related(descendant_of=NodeFilter(label="0")))) == {
            *map(str, range(length)), "tail",
        }  # fmt: skip


async def test_a_parent_that_is_gone_ends_the_path(tmp_path: Path) -> None:
    """A row whose parent somebody removed behind the database's back begins its path."""
    file = tmp_path / "broken.db"
    with engine_context(f"sqlite+aiosqlite:///{file}", create_tables=True):
        top = await write_node(new_node())
        node = await write_node(new_node(node_parent_id=top.node_id))
        with closing(sqlite3.connect(file)) as raw:  # which keeps no foreign keys
            raw.execute("DELETE FROM artigraph_node WHERE node_id = ?", [top.node_id])
            raw.commit()
        assert [found.node_id for found in await read_path(node)] == [node.node_id]
        assert await count_descendants([top, node]) == {top.node_id: 0, node.node_id: 0}
        assert await count_children(top) == {top.node_id: 0}


# ---------------------------------------------------- any tree, against Python

SIZE = 10
Parents = dict[int, int | None]


@st.composite
def forests(draw: st.DrawFn) -> Parents:
    """Ids with their parents, which come before them."""
    return {
        n: draw(st.none() | st.integers(1, n - 1)) if n > 1 else None
        for n in range(1, draw(st.integers(1, SIZE)) + 1)
    }


def above(parents: Parents, node: int) -> list[int]:
    """The ancestors, nearest first."""
    parent = parents[node]
    return [] if parent is None else [parent, *above(parents, parent)]


def related(parents: Parents, key: str, given_: set[int], low: int, high: int) -> set[int]:
    """What has the relation to at least one of some nodes, each of which is another."""
    found = set()
    for n in parents:
        for other in given_ & parents.keys():
            if key == "child_of" and parents[n] == other:
                found.add(n)
            if key == "parent_of" and parents[other] == n:
                found.add(n)
            if key == "sibling_of" and n != other and parents[n] == parents[other] is not None:
                found.add(n)
            if key == "descendant_of" and other in above(parents, n)[low - 1 : high]:
                found.add(n)
            if key == "ancestor_of" and n in above(parents, other)[low - 1 : high]:
                found.add(n)
    return found


asked_relations = st.tuples(
    st.sampled_from(["child_of", "parent_of", "sibling_of", "descendant_of", "ancestor_of"]),
    st.sets(st.integers(1, SIZE + 1), max_size=4),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(0, 3),
    st.booleans(),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(parents=forests(), asked=st.lists(asked_relations, min_size=1, max_size=4))
def test_any_tree_agrees_with_python(
    parents: Parents,
    asked: list[tuple[str, set[int], int | None, int | None, bool]],
) -> None:
    """Random forests: relations by id and by filter, counts and paths, as worked out in Python."""

    async def check() -> None:
        await write_nodes([new_node(node_id=n, node_parent_id=p) for n, p in parents.items()])
        for key, given_, low, more, own in asked:
            keys: dict[str, Any] = {"include_self": own}
            if key in ("descendant_of", "ancestor_of"):
                keys["min_depth"] = low
                keys["max_depth"] = None if more is None else (low or 1) + more
            found = related(parents, key, given_, low or 1, keys.get("max_depth") or SIZE)
            self_ = given_ & parents.keys() if own else set()
            by_filter = Related(**{**keys, key: NodeFilter(node_id=given_)})
            assert await found_ids(by_filter) == found | self_, by_filter
            by_id = Related(**{**keys, key: given_})
            # A child of one that is given may be given as well.
            left_out = set() if key in ("child_of", "parent_of") else given_ - self_
            assert await found_ids(by_id) == (found | self_) - left_out, by_id
        every = {n: above(parents, n) for n in parents}
        assert await count_children(NodeFilter()) == {
            n: list(parents.values()).count(n) for n in parents
        }
        assert await count_descendants(list(parents)) == {
            n: sum(n in over for over in every.values()) for n in parents
        }
        paths = await read_paths(NodeFilter())
        assert {n: [node.node_id for node in path] for n, path in paths.items()} == {
            n: [*reversed(over), n] for n, over in every.items()
        }
        assert await found_ids(Related(is_root=True)) == {n for n in parents if not every[n]}
        assert await found_ids(Related(is_leaf=False)) == set(parents.values()) - {None}

    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        asyncio.run(check())


async def found_ids(filter: Filter) -> set[int]:
    return {node.node_id for node in await read_nodes(filter)}
