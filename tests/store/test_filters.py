"""Every filter finds what a plain walk over the same tree in Python finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import ColumnElement, text
from sqlalchemy.orm import Mapped, mapped_column

import artigraph
from artigraph import (
    ArtifactFilter,
    DataModel,
    Filter,
    FilterError,
    ModelArtifact,
    ModelFilter,
    ModelTypeFilter,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    NodeTypeFilter,
    ValueFilter,
    create_current,
    delete_artifacts,
    delete_models,
    delete_nodes,
    engine_context,
    get_engine,
    new_artifact,
    new_node,
    nodes_exist,
    read_artifacts,
    read_model,
    read_models,
    read_node,
    read_nodes,
    write_artifact,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.serializer.json import json_serializer

loose: Any = artigraph
"""The package as somebody uses it who runs no type checker."""


class FilterRun(Node):
    __mapper_args__ = {"polymorphic_identity": "filter_run"}  # noqa: RUF012  # as users write it
    filter_run_score: Mapped[int | None] = mapped_column()


class FilterTrial(FilterRun):
    __mapper_args__ = {"polymorphic_identity": "filter_trial"}  # noqa: RUF012  # as users write it


class FilterFit(DataModel, version=2):
    x: int = 0


class FilterDeepFit(FilterFit, version=5):
    y: int = 0


class FilterOther(DataModel, version=1):
    x: int = 0


class Tree:
    """The small Python model: what is above and below each node."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.node_id: node for node in nodes}

    def parent(self, node_id: int) -> int | None:
        return self.nodes[node_id].node_parent_id

    def above(self, node_id: int, depth: int | None = None) -> list[int]:
        found: list[int] = []
        at = self.parent(node_id)
        while at is not None and (depth is None or len(found) < depth):
            found.append(at)
            at = self.parent(at)
        return found

    def below(self, node_id: int, depth: int | None = None) -> set[int]:
        return {other for other in self.nodes if node_id in self.above(other, depth)}


async def ids(filter: Filter) -> set[int]:
    """The ids that a filter finds, and that they come once each and in order."""
    found = [node.node_id for node in await read_nodes(filter)]
    assert found == sorted(set(found))
    return set(found)


@dataclass
class Forest:
    """Two trees, by name."""

    root: Node
    a: Node
    b: Node
    a1: Node
    a2: Node
    a11: Node
    lone: Node
    trial: Node
    artifact: int
    fit: int
    deep: int
    other: int
    tree: Tree


async def plant() -> Forest:
    """A forest with nodes of every kind."""
    root = await write_node(new_node(node_label="root"))
    a, b = await write_nodes(
        [new_node(FilterRun, node_parent_id=root.node_id, node_label=label) for label in "ab"]
    )
    a1, a2 = await write_nodes(
        [new_node(node_parent_id=a.node_id, node_label=label) for label in ("one", None)]
    )
    a11 = await write_node(new_node(node_parent_id=a1.node_id, node_label="Deep"))
    lone = await write_node(new_node())
    trial = await write_node(new_node(FilterTrial, node_parent_id=lone.node_id, node_label="a"))
    artifact = await write_artifact(new_artifact("file", [1], json_serializer, parent_id=b.node_id))
    models = await write_models(
        parent_id=b.node_id,
        models={"fit": FilterFit(), "deep": FilterDeepFit(), "other": FilterOther()},
    )
    return Forest(
        root, a, b, a1, a2, a11, lone, trial, artifact.artifact.node_id,
        models["fit"].artifact.node_id, models["deep"].artifact.node_id,
        models["other"].artifact.node_id, Tree(await read_nodes(NodeFilter())),
    )  # fmt: skip


async def test_relationship_filter_agrees_with_a_walk(store: str) -> None:
    """Every key, with and without include_self and max_depth, for each node of the forest."""
    forest = await plant()
    tree = forest.tree
    for node_id in tree.nodes:
        for own in (False, True):
            self_ = {node_id} if own else set()
            parent = tree.parent(node_id)
            assert (
                await ids(NodeRelationshipFilter(child_of=node_id, include_self=own))
                == {n for n in tree.nodes if tree.parent(n) == node_id} | self_
            )
            assert (
                await ids(NodeRelationshipFilter(parent_of=node_id, include_self=own))
                == ({parent} if parent else set()) | self_
            )
    for node_id in (forest.root.node_id, forest.a.node_id, forest.a11.node_id):
        for own in (False, True):
            self_ = {node_id} if own else set()
            for depth in (None, 1, 2, 3, 99):
                assert (
                    await ids(
                        NodeRelationshipFilter(
                            descendant_of=node_id, include_self=own, max_depth=depth
                        )
                    )
                    == tree.below(node_id, depth) | self_
                )
                assert (
                    await ids(
                        NodeRelationshipFilter(
                            ancestor_of=node_id, include_self=own, max_depth=depth
                        )
                    )
                    == {*tree.above(node_id, depth)} | self_
                )


async def test_relationship_filter_takes_ids_nodes_and_several(store: str) -> None:
    """An id, a node, a list that mixes both; several mean any of them."""
    f = await plant()
    tree = f.tree
    given_: Any
    for given_ in ([f.a, f.lone.node_id], (f.a.node_id, f.lone), {f.a.node_id, f.lone.node_id}):
        assert await ids(NodeRelationshipFilter(child_of=given_)) == {
            f.a1.node_id, f.a2.node_id, f.trial.node_id,
        }  # fmt: skip
        assert await ids(NodeRelationshipFilter(descendant_of=given_)) == tree.below(
            f.a.node_id
        ) | tree.below(f.lone.node_id)
    assert await ids(NodeRelationshipFilter(parent_of=[f.a1, f.trial])) == {
        f.a.node_id, f.lone.node_id,
    }  # fmt: skip
    assert await ids(NodeRelationshipFilter(ancestor_of=[f.a11, f.trial])) == {
        f.root.node_id, f.a.node_id, f.a1.node_id, f.lone.node_id,
    }  # fmt: skip
    between = NodeRelationshipFilter(descendant_of=f.root, ancestor_of=f.a11)
    assert await ids(between) == {f.a.node_id, f.a1.node_id}
    assert await ids(NodeFilter(relationship=between, label="a")) == {f.a.node_id}


async def test_several_nodes_of_which_one_is_below_the_other(store: str) -> None:
    """The given nodes are left out unless include_self asks for them."""
    f = await plant()
    both = [f.root, f.a]
    below = f.tree.below(f.root.node_id)
    assert await ids(NodeRelationshipFilter(descendant_of=both)) == below - {f.a.node_id}
    assert await ids(NodeRelationshipFilter(descendant_of=both, include_self=True)) == below | {
        f.root.node_id
    }


@pytest.mark.parametrize("key", ["child_of", "parent_of", "descendant_of", "ancestor_of"])
async def test_no_nodes_and_unknown_nodes_have_no_relatives(store: str, key: str) -> None:
    """An empty list and an id that never was find nothing."""
    await plant()
    for given_ in ([], 987654321, [987654321]):
        for own in (False, True):
            for depth in (None, 2):
                arguments: dict[str, Any] = {key: given_, "include_self": own, "max_depth": depth}
                assert await ids(NodeRelationshipFilter(**arguments)) == set()


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_cycles_do_not_hang_the_recursion(store: str, length: int) -> None:
    """A cycle that somebody made in raw SQL is walked once, and can be deleted."""
    chain = [await write_node(new_node())]
    for _ in range(length - 1):
        chain.append(await write_node(new_node(node_parent_id=chain[-1].node_id)))
    tail = await write_node(new_node(node_parent_id=chain[-1].node_id))
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET node_parent_id = :p WHERE node_id = :c"),
            {"p": chain[-1].node_id, "c": chain[0].node_id},
        )
    cycle = {node.node_id for node in chain}
    async with asyncio.timeout(300):
        for depth in (None, 50):
            start = chain[0].node_id
            below = NodeRelationshipFilter(descendant_of=start, max_depth=depth)
            assert await ids(below) == (cycle | {tail.node_id}) - {start}
            above = NodeRelationshipFilter(ancestor_of=tail, max_depth=depth)
            assert await ids(above) == cycle
        assert await delete_nodes(NodeFilter(node_id=chain[0].node_id)) == length + 1
    assert await ids(NodeFilter()) == set()


async def test_a_huge_max_depth_ends_on_a_cycle(store: str) -> None:
    """max_depth bounds the answer; it does not make the database count to it."""
    node = await write_node(new_node())
    async with (await get_engine()).begin() as connection:
        await connection.execute(text("UPDATE artigraph_node SET node_parent_id = node_id"))
    async with asyncio.timeout(300):
        every = NodeRelationshipFilter(descendant_of=node, include_self=True, max_depth=10**15)
        assert await ids(every) == {node.node_id}


async def test_a_chain_of_3000_is_found_whole(store: str) -> None:
    """No database stops the recursion early."""
    rows = [
        new_node(node_id=10_000_000 + n, node_parent_id=(10_000_000 + n - 1) if n else None)
        for n in range(3000)
    ]
    await write_nodes(rows)
    first, last = rows[0].node_id, rows[-1].node_id
    assert len(await ids(NodeRelationshipFilter(descendant_of=first))) == 2999
    assert len(await ids(NodeRelationshipFilter(ancestor_of=last))) == 2999
    assert len(await ids(NodeRelationshipFilter(ancestor_of=last, max_depth=2000))) == 2000


async def test_node_type_filter(store: str) -> None:
    """Classes, identities, several, without subclasses, and what is left out."""
    f = await plant()
    runs, trials = {f.a.node_id, f.b.node_id}, {f.trial.node_id}
    models = {f.fit, f.deep, f.other}
    plain = {f.root.node_id, f.a1.node_id, f.a2.node_id, f.a11.node_id, f.lone.node_id}
    for given_ in (FilterRun, "filter_run", [FilterRun], {"filter_run", FilterTrial}):
        assert await ids(NodeTypeFilter(type=given_)) == runs | trials  # type: ignore[arg-type]
        assert await ids(NodeFilter(node_type=given_)) == runs | trials  # type: ignore[arg-type]
    assert await ids(NodeTypeFilter(type=FilterRun, subclasses=False)) == runs
    assert await ids(NodeTypeFilter(type=Node)) == set(f.tree.nodes)
    assert await ids(NodeTypeFilter(type=Node, subclasses=False)) == plain
    assert await ids(NodeTypeFilter(type=[FilterTrial, ModelArtifact])) == trials | models
    assert await ids(NodeTypeFilter(not_type=[FilterRun, ModelArtifact])) == plain | {f.artifact}
    assert await ids(NodeTypeFilter(type=FilterRun, not_type=FilterTrial)) == runs
    assert (
        await ids(NodeTypeFilter(not_type=FilterRun, subclasses=False)) == set(f.tree.nodes) - runs
    )
    assert await ids(NodeTypeFilter(not_type=Node)) == set()
    assert await ids(NodeTypeFilter()) == set(f.tree.nodes)
    assert await ids(NodeTypeFilter(type=[])) == set()
    assert await ids(NodeTypeFilter(not_type=[])) == set(f.tree.nodes)
    assert await ids(NodeTypeFilter(type="nobody knows it")) == set()


async def test_rows_come_back_as_their_own_subclass(store: str) -> None:
    """One query brings each row in its class."""
    f = await plant()
    found = {node.node_id: type(node) for node in await read_nodes(NodeFilter())}
    assert found[f.a.node_id] is FilterRun
    assert found[f.trial.node_id] is FilterTrial
    assert found[f.fit] is ModelArtifact


async def test_node_filter_by_each_column(store: str) -> None:
    """Ids, labels and times; several keys must hold together; no keys find all."""
    f = await plant()
    everything = set(f.tree.nodes)
    assert await ids(NodeFilter()) == everything
    assert await ids(NodeFilter(node_id=f.a.node_id)) == {f.a.node_id}
    assert await ids(NodeFilter(node_id=[f.a.node_id, f.b.node_id, 10**9])) == {
        f.a.node_id, f.b.node_id,
    }  # fmt: skip
    assert await ids(NodeFilter(label="a")) == {f.a.node_id, f.trial.node_id}
    assert await ids(NodeFilter(label="a", node_type=FilterTrial)) == {f.trial.node_id}
    assert await ids(NodeFilter(label={"one", "Deep"})) == {f.a1.node_id, f.a11.node_id}
    assert await ids(NodeFilter(label=[])) == await ids(NodeFilter(node_id=[])) == set()
    moment = f.b.node_created_at
    later = {n for n, node in f.tree.nodes.items() if node.node_created_at > moment}
    assert await ids(NodeFilter(created_at=ValueFilter(gt=moment))) == later
    assert await ids(NodeFilter(updated_at=ValueFilter(le=moment))) == everything - later
    assert f.b.node_id in await ids(NodeFilter(created_at=moment))
    elsewhere = moment.astimezone(None)
    assert await ids(NodeFilter(created_at=elsewhere)) == await ids(NodeFilter(created_at=moment))
    past = datetime.now(UTC) - timedelta(days=1)
    assert await ids(NodeFilter(created_at=ValueFilter(lt=past))) == set()


async def test_artifact_and_model_filters_find_their_kind_only(store: str) -> None:
    """artifact_label is the label; other nodes are never found."""
    f = await plant()
    models = {f.fit, f.deep, f.other}
    assert await ids(ArtifactFilter()) == models | {f.artifact}
    assert await ids(ModelFilter()) == models
    assert await ids(ArtifactFilter(artifact_label="file")) == {f.artifact}
    assert await ids(ArtifactFilter(label="file", artifact_label="fit")) == set()
    assert await ids(ArtifactFilter(label="a")) == set()
    assert await ids(ModelFilter(artifact_label=ValueFilter(like="%e%"))) == {f.deep, f.other}
    assert await ids(ModelFilter(node_id=[f.artifact, f.fit])) == {f.fit}
    assert await ids(~ModelFilter()) == set(f.tree.nodes) - models


async def test_model_type_filter(store: str) -> None:
    """A class means any version of it and its subclasses."""
    f = await plant()
    both = {f.fit, f.deep}
    assert await ids(ModelFilter(model_type=FilterFit)) == both
    assert await ids(ModelTypeFilter(type=FilterFit)) == both
    assert await ids(ModelTypeFilter(type=FilterFit, subclasses=False)) == {f.fit}
    assert await ids(ModelTypeFilter(type=FilterDeepFit)) == {f.deep}
    assert await ids(ModelTypeFilter(type=FilterFit, version=5)) == {f.deep}
    assert await ids(ModelTypeFilter(type=FilterFit, version=[2, 5, 9])) == both
    assert await ids(ModelTypeFilter(type=FilterFit, version=ValueFilter(lt=5))) == {f.fit}
    assert await ids(ModelTypeFilter(type=FilterFit, version=1)) == set()
    assert await ids(ModelTypeFilter(type="FilterOther")) == {f.other}
    several: list[Any] = [ModelTypeFilter(type=FilterFit, subclasses=False), FilterOther]
    assert await ids(ModelFilter(model_type=several)) == {f.fit, f.other}
    assert await ids(ModelFilter(model_type=[])) == set()
    assert await ids(ModelFilter(model_type=DataModel)) == {f.fit, f.deep, f.other}


async def test_every_function_takes_any_filter(store: str) -> None:
    """read_models, delete_models and the rest take a node filter, and keep to their kind."""
    f = await plant()
    below = NodeRelationshipFilter(child_of=f.b)
    assert [m.artifact.node_id for m in await read_models(below)] == [f.fit, f.deep, f.other]
    assert len(await read_artifacts(below)) == 4
    assert (await read_model(NodeFilter(label="fit") & below)).value == FilterFit()
    assert await nodes_exist(below)
    assert not await nodes_exist(below & NodeFilter(label="none"))
    assert await delete_models(below & NodeFilter(label=["fit", "file"])) == 1
    assert await delete_artifacts(NodeRelationshipFilter(descendant_of=f.root)) == 3
    assert len(await read_nodes(NodeFilter())) == len(f.tree.nodes) - 4


VALUES: list[tuple[dict[str, Any], Callable[[str | None], bool]]] = [
    ({"eq": "b"}, lambda v: v == "b"),
    ({"eq": None}, lambda v: v is None),
    ({"ne": "b"}, lambda v: v is not None and v != "b"),
    ({"ne": None}, lambda v: v is not None),
    ({"gt": "b"}, lambda v: v is not None and v > "b"),
    ({"ge": "b"}, lambda v: v is not None and v >= "b"),
    ({"lt": "b"}, lambda v: v is not None and v < "b"),
    ({"le": "b"}, lambda v: v is not None and v <= "b"),
    ({"gt": "a", "le": "c"}, lambda v: v is not None and "a" < v <= "c"),
    ({"in_": ["a", "B"]}, lambda v: v in ("a", "B")),
    ({"in_": ["a", None]}, lambda v: v in ("a", None)),
    ({"in_": [None]}, lambda v: v is None),
    ({"in_": []}, lambda v: False),
    ({"in_": dict.fromkeys("ab")}, lambda v: v in ("a", "b")),
    ({"not_in": ["a", "B"]}, lambda v: v is not None and v not in ("a", "B")),
    ({"not_in": ["a", None]}, lambda v: v is not None and v != "a"),
    ({"not_in": []}, lambda v: True),
    ({"like": "b%"}, lambda v: v is not None and v.startswith("b")),
    ({"like": "_"}, lambda v: v is not None and len(v) == 1),
    ({"ilike": "B%"}, lambda v: v is not None and v.lower().startswith("b")),
    ({"is_": None}, lambda v: v is None),
    ({"is_not": None}, lambda v: v is not None),
    ({}, lambda v: True),
]


@pytest.mark.parametrize(("keys", "holds"), VALUES, ids=[str(keys) for keys, _ in VALUES])
async def test_value_filter_keys(
    store: str, keys: dict[str, Any], holds: Callable[[str | None], bool]
) -> None:
    """Each key compares as Python does with bytes' order, and None is SQL NULL."""
    labels = ["a", "B", "b", "bc", "c", "A", None]
    nodes = await write_nodes([new_node(node_label=label) for label in labels])
    expected = {node.node_id for node in nodes if holds(node.node_label)}
    assert await ids(NodeFilter(label=ValueFilter(**keys))) == expected


async def test_not_finds_exactly_what_the_filter_does_not(store: str) -> None:
    """Rows without a label are no 'x' either; ~~ is the filter again."""
    labelled, bare = await write_nodes([new_node(node_label="x"), new_node()])
    x = NodeFilter(label="x")
    assert await ids(~x) == {bare.node_id}
    assert await ids(~~x) == {labelled.node_id}
    assert await ids(~(x & NodeFilter(label="y"))) == {labelled.node_id, bare.node_id}
    root = NodeRelationshipFilter(child_of=labelled)
    assert await ids(~root) == {labelled.node_id, bare.node_id}


async def test_very_long_lists(store: str) -> None:
    """100,000 ids and 50,000 labels in one filter, alone and combined."""
    f = await plant()
    many_ids = [*range(10**9, 10**9 + 100_000), f.a.node_id]
    many_labels = [*(f"label {n} é" for n in range(50_000)), "a", 'quo"te\\', "one"]
    quoted = await write_node(new_node(node_label='quo"te\\'))
    assert await ids(NodeFilter(node_id=many_ids)) == {f.a.node_id}
    assert await ids(NodeFilter(node_id=ValueFilter(in_=many_ids))) == {f.a.node_id}
    assert await ids(NodeFilter(label=many_labels)) == {
        f.a.node_id, f.trial.node_id, f.a1.node_id, quoted.node_id,
    }  # fmt: skip
    both = NodeFilter(node_id=many_ids, label=ValueFilter(in_=many_labels))
    assert await ids(both) == {f.a.node_id}
    assert await ids(NodeFilter(node_id=ValueFilter(not_in=many_ids)) & ~both) == {
        *f.tree.nodes, quoted.node_id,
    } - {f.a.node_id}  # fmt: skip
    assert await ids(NodeRelationshipFilter(child_of=many_ids)) == {f.a1.node_id, f.a2.node_id}
    assert f.a11.node_id in await ids(NodeRelationshipFilter(descendant_of=many_ids))
    with_none = ValueFilter(in_=[*many_labels, None])
    assert f.lone.node_id in await ids(NodeFilter(label=with_none))


async def test_a_filter_of_your_own(store: str) -> None:
    """One method makes a filter that composes with the others and is taken everywhere."""

    @dataclass(frozen=True, kw_only=True)
    class Scored(Filter):
        least: int = 0

        def clause(self) -> ColumnElement[bool]:
            return FilterRun.filter_run_score >= self.least

    high, low = await write_nodes(
        [new_node(FilterRun, node_label=str(n), filter_run_score=n) for n in (9, 1)]
    )
    bare = await write_node(new_node(FilterRun))
    assert await ids(Scored(least=5)) == {high.node_id}
    assert await ids(Scored() & NodeFilter(label="1")) == {low.node_id}
    assert await ids(~Scored(least=5)) == {low.node_id, bare.node_id}
    assert await ids(Scored(least=5) | NodeFilter(node_id=bare.node_id)) == {
        high.node_id, bare.node_id,
    }  # fmt: skip
    assert await nodes_exist(Scored(least=9))
    with pytest.raises(FilterError, match=r"Scored has no key 'leas'.*'least'"):
        Scored(leas=1)  # type: ignore[call-arg]
    with pytest.raises(NodeNotFoundError, match=r"Scored\(least=99\)"):
        await read_node(Scored(least=99))
    assert await delete_nodes(Scored(least=5)) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: loose.NodeFilter(lable="x"),
            "NodeFilter has no key 'lable'.*Did you mean 'label'",
        ),
        (lambda: loose.NodeFilter(node_idd=1), "Did you mean 'node_id'"),
        (lambda: loose.NodeFilter(zzz=1), "Known are: .*'updated_at'"),
        (lambda: loose.NodeRelationshipFilter(childof=1), "Did you mean 'child_of'"),
        (lambda: loose.ValueFilter(eqq=1), "ValueFilter has no key 'eqq'. Did you mean 'eq'"),
        (lambda: loose.ModelFilter(model_typ=1), "Did you mean 'model_type'"),
        (lambda: loose.ModelTypeFilter(type=int), "subclass of BaseModel, not <class 'int'>"),
        (lambda: loose.ModelFilter(model_type=3), "subclass of BaseModel, not 3"),
        (lambda: loose.NodeTypeFilter(type=int), "takes node classes, not <class 'int'>"),
        (lambda: loose.NodeFilter(node_type=3), "takes node classes, not 3"),
        (lambda: loose.NodeFilter(3), "takes keywords only, not 3.*node_id="),
        (lambda: loose.NodeFilter(node_id="3"), "takes int.*not '3' \\(str\\)"),
        (lambda: loose.NodeFilter(node_id=True), "takes int.*not True"),
        (lambda: loose.NodeFilter(node_id=[1, None]), "takes int.*not None"),
        (lambda: loose.NodeFilter(label=3), "takes str.*not 3"),
        (lambda: loose.NodeFilter(label=b"x"), "takes str.*not b'x'"),
        (lambda: loose.NodeFilter(created_at="2020-01-01"), "takes datetime"),
        (lambda: loose.NodeFilter(relationship=3), "takes a NodeRelationshipFilter, not 3"),
        (lambda: loose.NodeFilter(node_id=2**70), "more than 64 bits"),
        (lambda: loose.NodeFilter(node_id=loose.ValueFilter(gt=2**70)), "more than 64 bits"),
        (lambda: loose.NodeFilter(node_id=loose.ValueFilter(eq="7")), "with int, not by eq='7'"),
        (lambda: loose.NodeFilter(node_id=loose.ValueFilter(eq=True)), "with int, not by eq=True"),
        (lambda: loose.NodeFilter(node_id=loose.ValueFilter(like="7%")), "only text is like a"),
        (lambda: loose.NodeFilter(label=loose.ValueFilter(in_=["a", 3])), "with str, not by in_=3"),
        (lambda: loose.NodeFilter(label=loose.ValueFilter(like=3)), "A pattern is a text, not 3"),
        (lambda: loose.NodeFilter(label=loose.ValueFilter(is_=True)), "with str, not by is_=True"),
        (
            lambda: loose.NodeFilter(created_at=loose.ValueFilter(gt="2024-01-01")),
            "with datetime, not by gt='2024-01-01'",
        ),
        (
            lambda: loose.NodeFilter() & FilterFit,
            r"For all of the class write ModelFilter\(model_t",
        ),
        (
            lambda: loose.NodeFilter() & Node,
            r"For all of the class write NodeFilter\(node_type=Node",
        ),
        (lambda: loose.NodeTypeFilter(type="a\x00"), "holds a NUL"),
        (lambda: loose.ModelTypeFilter(type="a\ud800"), "lone surrogate"),
        (lambda: loose.ModelTypeFilter(type="Fit", version="1"), "takes int, several of them"),
        (lambda: loose.NodeRelationshipFilter(child_of=2**70), "more than 64 bits"),
        (lambda: loose.NodeFilter(label="a\x00"), "NUL"),
        (lambda: loose.NodeFilter(label=loose.ValueFilter(in_=["a\ud800"])), "lone surrogate"),
        (
            lambda: loose.NodeRelationshipFilter(child_of="x"),
            "an id, a node, several of them or a filter, not 'x'",
        ),
        (lambda: loose.NodeRelationshipFilter(child_of=Node()), "write this one first"),
        (lambda: loose.NodeRelationshipFilter(descendant_of=1, max_depth=0), "max_depth.*not 0"),
        (lambda: loose.ValueFilter(in_="abc"), "takes a list of values, not 'abc'"),
        (lambda: loose.ValueFilter(not_in=3), "takes a list of values, not 3"),
        (lambda: loose.ValueFilter(lt=None), "NULL has no order"),
        (lambda: bool(loose.NodeFilter()), "&, | and ~ instead of and, or and not"),
        (lambda: loose.NodeFilter() and NodeFilter(), "&, | and ~"),
    ],
)
def test_questions_that_make_no_sense(make: Callable[[], object], message: str) -> None:
    """Each is refused when it is asked, with the nearest names; as TypeError and ValueError."""
    with pytest.raises(FilterError, match=message) as caught:
        make()
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_filters_are_values_with_a_repr() -> None:
    """Equal filters are equal, and a repr shows what was asked."""
    one = NodeFilter(label="a") & ~(NodeFilter(node_id=1) | NodeTypeFilter(type="x"))
    same = NodeFilter(label="a") & ~(NodeFilter(node_id=1) | NodeTypeFilter(type="x"))
    assert one == same
    assert hash(one) == hash(same)
    assert repr(one) == (
        "<AllOf: nodes with label = 'a' that are not ((nodes with id = 1) or x nodes)>"
    )
    with pytest.raises(TypeError):
        NodeFilter() & "x"  # type: ignore[operator]


# ------------------------------------------------------- any filter, any forest

Row = tuple[int, int | None, str, str | None]
"""An id, its parent's, the type, the label."""
Predicate = Callable[[dict[int, Row]], set[int]]
"""What a filter finds, worked out in Python."""
LABELS = [None, "a", "b", "A", "ab"]
TYPES: dict[str, type[Node]] = {"node": Node, "filter_run": FilterRun, "filter_trial": FilterTrial}
SIZE = 8


@st.composite
def forests(draw: st.DrawFn) -> list[Row]:
    """Rows whose parents come before them, with labels that do not clash."""
    rows: list[Row] = []
    taken: set[tuple[int, str]] = set()
    for node_id in range(1, draw(st.integers(0, SIZE)) + 1):
        parent = draw(st.none() | st.integers(1, node_id - 1)) if node_id > 1 else None
        label = draw(st.sampled_from(LABELS))
        if parent is not None and label is not None:
            label = None if (parent, label) in taken else label
            taken.add((parent, label or ""))
        rows.append((node_id, parent, draw(st.sampled_from(list(TYPES))), label))
    return rows


def _up(rows: dict[int, Row], start: int, depth: int | None) -> set[int]:
    found: set[int] = set()
    at = rows[start][1] if start in rows else None
    steps = 0
    while at is not None and (depth is None or steps < depth):
        found.add(at)
        at = rows[at][1]
        steps += 1
    return found


@st.composite
def leaves(draw: st.DrawFn) -> tuple[Filter, Predicate]:
    """A filter without operators, and the same in Python."""
    kind = draw(st.sampled_from(["id", "label", "value", "type", "walk", "children", "parents"]))
    some = draw(st.lists(st.integers(1, SIZE + 1), max_size=3))
    depth = draw(st.none() | st.integers(1, 3))
    own = draw(st.booleans())
    labels = draw(st.lists(st.sampled_from(["a", "b", "A", "ab"]), max_size=2))
    none = draw(st.booleans())
    if kind == "id":
        return NodeFilter(node_id=some), lambda rows: {n for n in rows if n in some}
    if kind == "label":
        return NodeFilter(label=labels), lambda rows: {n for n in rows if rows[n][3] in labels}
    if kind == "value":
        with_none = [*labels, None] if none else labels
        if own:
            return NodeFilter(label=ValueFilter(in_=with_none)), lambda rows: {
                n for n in rows if rows[n][3] in with_none
            }
        return NodeFilter(label=ValueFilter(ge="a", ne="b")), lambda rows: {
            n for n in rows if (rows[n][3] or "") >= "a" and rows[n][3] != "b"
        }
    if kind == "type":
        wanted = draw(st.sampled_from(list(TYPES)))
        excluded = draw(st.none() | st.sampled_from(list(TYPES)))

        def is_a(name: str, other: str) -> bool:
            return issubclass(TYPES[name], TYPES[other]) if own else name == other

        of_type = NodeTypeFilter(type=wanted, subclasses=own)
        if excluded is not None:
            of_type = replace(of_type, not_type=excluded)
        return of_type, lambda rows: {
            n
            for n, row in rows.items()
            if is_a(row[2], wanted) and not (excluded and is_a(row[2], excluded))
        }
    self_ = set(some) if own else set()
    if kind == "children":
        return NodeRelationshipFilter(child_of=some, include_self=own), lambda rows: {
            n for n in rows if rows[n][1] in some or n in self_
        }
    if kind == "parents":
        return NodeRelationshipFilter(parent_of=some, include_self=own), lambda rows: {
            n for n in rows if any(s in rows and rows[s][1] == n for s in some) or n in self_
        }
    if none:
        return (
            NodeRelationshipFilter(descendant_of=some, include_self=own, max_depth=depth),
            lambda rows: (
                {n for n in rows if _up(rows, n, depth) & set(some) and n not in some}
                | (self_ & rows.keys())
            ),
        )
    return (
        NodeRelationshipFilter(ancestor_of=some, include_self=own, max_depth=depth),
        lambda rows: (
            {n for n in rows if any(n in _up(rows, s, depth) for s in some) and n not in some}
            | (self_ & rows.keys())
        ),
    )


def _combine(
    inner: st.SearchStrategy[tuple[Filter, Predicate]],
) -> st.SearchStrategy[tuple[Filter, Predicate]]:
    return st.one_of(
        st.tuples(inner, inner).map(
            lambda two: (two[0][0] & two[1][0], lambda rows: two[0][1](rows) & two[1][1](rows))
        ),
        st.tuples(inner, inner).map(
            lambda two: (two[0][0] | two[1][0], lambda rows: two[0][1](rows) | two[1][1](rows))
        ),
        inner.map(lambda one: (~one[0], lambda rows: set(rows) - one[1](rows))),
    )


expressions = st.recursive(leaves(), _combine, max_leaves=5)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=forests(), asked=st.lists(expressions, min_size=2, max_size=6))
def test_any_expression_finds_what_python_finds(
    rows: list[Row], asked: list[tuple[Filter, Predicate]]
) -> None:
    """A random forest, random filters with &, | and ~: the same rows as in Python."""

    async def check() -> None:
        nodes = [
            new_node(TYPES[kind], node_id=node_id, node_parent_id=parent, node_label=label)
            for node_id, parent, kind, label in rows
        ]
        for depth in range(SIZE):
            by_id = {row[0]: row for row in rows}
            level = [n for n in nodes if len(_up(by_id, n.node_id, None)) == depth]
            await write_nodes(level)
        for filter, predicate in asked:
            expected = predicate({row[0]: row for row in rows})
            assert await ids(filter) == expected, filter
            assert await nodes_exist(filter) == bool(expected)

    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        asyncio.run(check())


async def test_filters_work_inside_current_nodes(store: str) -> None:
    """A node that was just written by create_current is found by its relatives."""
    async with create_current(Node, node_label="outer") as outer:  # noqa: SIM117  # nested blocks are the test
        async with create_current(FilterRun) as inner:
            assert await ids(NodeRelationshipFilter(descendant_of=outer)) == {inner.node_id}
            assert await ids(NodeRelationshipFilter(ancestor_of=inner)) == {outer.node_id}


async def test_ids_out_of_a_frame_find_their_rows(store: str) -> None:
    """Numpy integers, and a whole column of them, are ids as Python's own are."""
    nodes = await write_nodes([new_node(node_label=label) for label in "abc"])
    ids = pd.Series([node.node_id for node in nodes[:2]])
    below = await write_node(new_node(node_parent_id=nodes[0].node_id))
    assert [n.node_label for n in await read_nodes(NodeFilter(node_id=ids[0]))] == ["a"]
    assert len(await read_nodes(NodeFilter(node_id=ids))) == 2
    assert len(await read_nodes(NodeFilter(node_id=ValueFilter(in_=ids)))) == 2
    found = await read_nodes(NodeRelationshipFilter(child_of=ids))
    assert [node.node_id for node in found] == [below.node_id]


def test_an_unknown_key_lists_what_a_caller_may_give() -> None:
    """The known keys are those of the filter, and none of its inner names."""
    with pytest.raises(FilterError, match=r"Known are: 'created_at', .*'where'\.$") as caught:
        loose.NodeFilter(nonsense="x")
    assert "_only" not in str(caught.value)
