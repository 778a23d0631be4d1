"""A key that is None is refused, and nothing is deleted because nothing was asked."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, false, true

import artigraph
from artigraph import (
    ArtifactFilter,
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    ModelGroup,
    ModelTypeFilter,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    NodeTypeFilter,
    ValueFilter,
    collect_garbage,
    count_children,
    count_descendants,
    count_nodes,
    delete_artifacts,
    delete_models,
    delete_nodes,
    new_artifact,
    new_node,
    orphaned_blobs,
    read_nodes,
    read_path,
    read_paths,
    read_tree,
    to_graphviz,
    to_mermaid,
    to_networkx,
    write_artifact,
    write_model,
    write_node,
    write_parent_child_relationships,
)
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage
from tests.conftest import Statements

loose: Any = artigraph
"""The package as somebody uses it who runs no type checker."""

RELATIONS = ("child_of", "parent_of", "descendant_of", "ancestor_of", "sibling_of")
DELETES = (delete_nodes, delete_models, delete_artifacts)


class UnsetFit(DataModel, version=1):
    loss: float


KEYS = {
    NodeFilter: ("node_id", "node_type", "label", "relationship", "created_at", "updated_at"),
    ArtifactFilter: ("node_id", "label", "artifact_label"),
    ModelFilter: ("node_id", "label", "artifact_label", "model_type", "where"),
    NodeTypeFilter: ("type", "not_type"),
    NodeRelationshipFilter: (*RELATIONS, "is_root", "is_leaf"),
}
COMPARED = ("label", "artifact_label", "created_at", "updated_at")


# -------------------------------------------------------------------- given None


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind, keys in KEYS.items() for key in keys]
)
def test_none_for_a_key_is_refused(kind: type[Any], key: str) -> None:
    """The message says what was asked, and that the key is left out to find all."""
    with pytest.raises(FilterError) as caught:
        kind(**{key: None})
    message = str(caught.value)
    assert message.startswith(f"{kind.__name__}({key}=None) asks for nothing")
    assert f"Leave {key} out to find all." in message
    assert ("is not written yet has node_id None" in message) == (key in ("node_id", *RELATIONS))
    assert (f"say {key}=ValueFilter(eq=None)" in message) == (key in COMPARED)
    assert ("say is_root=True" in message) == (kind is NodeRelationshipFilter)


def test_none_for_a_version_and_among_several_is_refused() -> None:
    """A model's version must be said or left out; of several ids none may be None."""
    with pytest.raises(FilterError, match=r"ModelTypeFilter\(version=None\) asks for nothing"):
        loose.ModelTypeFilter(type="Fit", version=None)
    for kind, key in ((NodeFilter, "node_id"), (NodeRelationshipFilter, "child_of")):
        with pytest.raises(FilterError, match="not written yet has node_id None: write it first"):
            kind(**{key: [7, None]})  # type: ignore[arg-type]  # what is refused


async def test_advice_for_an_unwritten_node_works(store: str) -> None:
    """Nothing is deleted until the node is written, and then only that."""
    await write_node(new_node(node_label="years of work"))
    draft: Any = new_node(node_label="draft")
    for key in ("node_id", *RELATIONS):
        kind: Any = NodeFilter if key == "node_id" else NodeRelationshipFilter
        with pytest.raises(FilterError, match="write it first"):
            await delete_nodes(kind(**{key: draft.node_id}))
    assert await count_nodes(NodeFilter()) == 1
    await write_node(draft)
    assert await delete_nodes(NodeFilter(node_id=draft.node_id)) == 1
    assert [node.node_label for node in await read_nodes(NodeFilter())] == ["years of work"]


async def test_advice_for_null_works(store: str) -> None:
    """Rows without a value are found by ValueFilter, nodes without a parent by is_root."""
    root = await write_node(new_node(node_label="a"))
    bare = await write_node(new_node(node_parent_id=root.node_id))
    for null in (ValueFilter(eq=None), ValueFilter(is_=None), ValueFilter(in_=[None])):
        (found,) = await read_nodes(NodeFilter(label=null))
        assert found.node_id == bare.node_id
        for key in COMPARED:
            asked = loose.ArtifactFilter(**{key: null})
            assert await count_nodes(asked) == 0
            assert not asked.limits_nothing()
        assert await count_nodes(ModelTypeFilter(type=UnsetFit, version=null)) == 0
    (found,) = await read_nodes(NodeRelationshipFilter(is_root=True))
    assert found.node_id == root.node_id


@pytest.mark.parametrize(
    "asked", [{"ne": None}, {"not_in": [None]}, {"eq": None}, {"in_": [7, None]}]
)
async def test_no_id_is_none_in_a_comparison_either(store: str, asked: dict[str, Any]) -> None:
    """All but the row of a node that is not written are all rows; so it is refused."""
    with pytest.raises(FilterError, match=r"which no row has for its id.* write it first"):
        NodeFilter(node_id=ValueFilter(**asked))


async def test_what_is_not_near_no_node_is_everything(store: str) -> None:
    """All that does not hang on none of them: deleting it wants to be told so."""
    await write_node(new_node(node_label="years of work"))
    none = NodeFilter(node_id=[])
    for filter in (
        *(~NodeRelationshipFilter(**{key: []}) for key in RELATIONS),  # type: ignore[arg-type]  # of keys
        ~NodeRelationshipFilter(child_of=none),
        ~(NodeFilter(label="q") & none),
        ~none | NodeFilter(label="q"),
    ):
        assert filter.limits_nothing()
        with pytest.raises(FilterError, match="limits nothing"):
            await delete_nodes(filter)
        assert await count_nodes(~filter) == 0
    assert await count_nodes(NodeFilter()) == 1


@pytest.mark.parametrize(
    "ask",
    [
        read_tree,
        to_mermaid,
        to_networkx,
        to_graphviz,
        read_path,
        count_children,
        count_descendants,
        lambda none: read_paths([none]),
        lambda none: write_parent_child_relationships([(1, none)]),
    ],
)
async def test_functions_refuse_none_for_a_node(
    store: str, statements: Statements, ask: Callable[[Any], Awaitable[Any]]
) -> None:
    """None is no node, nor all of them; nothing is sent to the database."""
    with pytest.raises(FilterError, match="not written yet has node_id None: write it first"):
        await ask(None)
    assert not statements


async def test_all_roots_are_had_by_leaving_the_node_out(store: str) -> None:
    """As the message of read_tree() says."""
    await write_node(new_node(node_label="a"))
    with pytest.raises(FilterError, match="For all roots leave it out"):
        await loose.read_tree(None)
    assert len(await read_tree()) == 1


async def test_collector_wants_an_age_and_whether_to_remove(store: str, tmp_path: Path) -> None:
    """None is neither any age nor a no, and nothing is removed."""
    storage = FileSystemStorage(tmp_path / "blobs", name="test_unset")
    await storage.create(b"left over")
    for given in ({"older_than": None}, {"dry_run": None, "older_than": timedelta(0)}):
        with pytest.raises(FilterError, match="not None"):
            await loose.collect_garbage(storage, **given)
    with pytest.raises(FilterError, match=r"not None.*older_than=timedelta\(0\)"):
        async for _ in loose.orphaned_blobs(storage, older_than=None):
            pass
    assert [blob async for blob in orphaned_blobs(storage, older_than=timedelta(0))]
    assert (await collect_garbage(storage, older_than=timedelta(0))).num_blobs == 1


# ---------------------------------------------------------------- left out, copied


def test_filters_with_keys_left_out_are_values() -> None:
    """They are equal to their copies and pickles, and replace() changes one key of them."""
    filters: list[Filter] = [
        NodeFilter(label="a"),
        ModelFilter(label="a", where={"loss": 3}),
        NodeTypeFilter(not_type=Node),
        NodeRelationshipFilter(child_of=3),
        ModelTypeFilter(type="Fit"),
    ]
    for one in filters:
        for same in (copy.copy(one), copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
            assert same == one
            assert hash(same) == hash(one)
            assert str(same) == str(one)
    assert replace(NodeFilter(node_id=3), label="a") == NodeFilter(node_id=3, label="a")
    assert str(replace(ModelFilter(label="a"), model_type="Fit")) == "Fit with label = 'a'"


@dataclass(frozen=True, kw_only=True)
class Region(NodeFilter):
    """A filter of somebody's own, whose key may be None."""

    region: str | None = None

    def clause(self) -> ColumnElement[bool]:
        return super().clause() & (false() if self.region is None else true())


def test_keys_of_own_filters_may_be_none() -> None:
    """Only keys that are left out otherwise are refused, those that it inherits included."""
    assert Region(region=None) == Region()
    with pytest.raises(FilterError, match=r"Region\(label=None\)"):
        Region(label=None)  # type: ignore[arg-type]  # what is refused


# ------------------------------------------------------------- deleting everything

NOTHING = NodeFilter(node_id=[])
ANY_LABEL = NodeFilter(label=ValueFilter(not_in=[]))
LIMIT_NOTHING: dict[str, Filter] = {
    "no key": NodeFilter(),
    "no key, of a kind": ArtifactFilter(),
    "no key, for models": ModelFilter(),
    "no type": NodeTypeFilter(),
    "any node": NodeTypeFilter(type=Node),
    "any node, by key": NodeFilter(node_type=Node),
    "no type but": NodeTypeFilter(not_type=[]),
    "no relation": NodeRelationshipFilter(),
    "no relation, by key": NodeFilter(relationship=NodeRelationshipFilter()),
    "steps from nowhere": NodeRelationshipFilter(max_depth=3),
    "all with what is below": NodeRelationshipFilter(descendant_of=NodeFilter(), include_self=True),
    "no comparison": NodeFilter(node_id=ValueFilter()),
    "none but": ANY_LABEL,
    "a field, not compared": ModelFilter(where={"loss": ValueFilter()}),
    "and": NodeFilter() & ModelFilter(),
    "or": NodeFilter() | NodeFilter(label="a"),
    "or, the other way": NodeFilter(label="a") | NodeFilter(),
    "not nothing": ~NOTHING,
    "not not all": ~~ANY_LABEL,
}
LIMIT: dict[str, Filter] = {
    "not all": ~NodeFilter(),
    "no models": ~ModelFilter(),
    "and": NodeFilter() & NodeFilter(label="x"),
    "a type": NodeTypeFilter(type=Node, subclasses=False),
    "another type": NodeTypeFilter(not_type=Node),
    "a model": ModelTypeFilter(type="Other"),
    "a field": ModelFilter(where={"other": 3}),
    "a label": ArtifactFilter(artifact_label="x"),
    "below all": NodeRelationshipFilter(descendant_of=NOTHING, include_self=True),
    "leaves": NodeRelationshipFilter(is_leaf=True, descendant_of=NOTHING),
}


async def _write_some() -> int:
    root = await write_node(new_node(node_label="a"))
    await write_model(parent_id=root.node_id, label="fit", model=UnsetFit(0.1))
    await write_artifact(new_artifact("text", {}, json_serializer, parent_id=root.node_id))
    return root.node_id


@pytest.mark.parametrize("what", LIMIT_NOTHING)
async def test_delete_by_a_filter_that_limits_nothing_is_refused(
    store: str, statements: Statements, what: str
) -> None:
    """The message says how all is asked for; nothing is deleted, nor anything sent."""
    await _write_some()
    statements.clear()
    for delete in DELETES:
        with pytest.raises(
            FilterError, match=r"limits nothing, so all .*Nothing was.*everything=True"
        ):
            await delete(LIMIT_NOTHING[what])
        with pytest.raises(FilterError, match="limits nothing"):
            await delete(LIMIT_NOTHING[what], everything=loose.NodeFilter)
    assert not statements
    assert await count_nodes(NodeFilter()) == 3


@pytest.mark.parametrize(
    ("delete", "rows"), [(delete_nodes, 3), (delete_models, 1), (delete_artifacts, 2)]
)
async def test_everything_is_deleted_where_that_is_said(
    store: str, delete: Callable[..., Awaitable[int]], rows: int
) -> None:
    """All nodes, or all models, or all artifacts; other nodes stay."""
    await _write_some()
    assert await delete(NodeFilter(label="no such"), everything=True) == 0
    assert await delete(NodeFilter(), everything=True) == rows
    assert await count_nodes(NodeFilter()) == 3 - rows


@pytest.mark.parametrize("what", LIMIT)
async def test_delete_by_a_filter_that_limits_something_needs_no_more(
    store: str, what: str
) -> None:
    """It deletes what it finds."""
    assert not LIMIT[what].limits_nothing()
    found = await count_nodes(LIMIT[what])
    assert await delete_nodes(LIMIT[what]) == found


async def test_own_filters_say_by_their_clause_whether_they_limit(store: str) -> None:
    """One whose clause is SQL's true finds all, so it deletes nothing unasked."""

    @dataclass(frozen=True, kw_only=True)
    class Whatever(Filter):
        clause_: ColumnElement[bool]

        def clause(self) -> ColumnElement[bool]:
            return self.clause_

    await _write_some()
    for one in (Whatever(clause_=true()), ~Whatever(clause_=false())):
        with pytest.raises(FilterError, match="limits nothing"):
            await delete_nodes(one)
    assert await delete_nodes(Whatever(clause_=Node.node_label == "text")) == 1


# ------------------------------------------------------------------ empty collections

EMPTY: list[Filter] = [
    NodeFilter(node_id=[]),
    NodeFilter(label=()),
    NodeFilter(label=ValueFilter(in_=[])),
    NodeFilter(node_type=[]),
    NodeTypeFilter(type=[]),
    NodeTypeFilter(type=[], subclasses=False),
    ArtifactFilter(artifact_label=set()),
    ModelFilter(model_type=[]),
    ModelFilter(model_type=[], where={"loss": 3}),
    ModelFilter(where={"loss": []}),
    ModelTypeFilter(type="UnsetFit", version=[]),
    *(
        loose.NodeRelationshipFilter(**{name: nodes}, include_self=itself)
        for name, nodes, itself in product(RELATIONS, ([], NOTHING), (False, True))
    ),
    NodeRelationshipFilter(descendant_of=[], min_depth=2),
]


async def test_empty_collections_find_nothing(store: str) -> None:
    """In whatever key; and so nothing is deleted."""
    await _write_some()
    for one in EMPTY:
        assert await count_nodes(one) == 0, one
        for delete in DELETES:
            assert await delete(one) == 0, one
    for count in (count_children, count_descendants, read_paths):
        assert await count([]) == {}
    assert len(await read_tree(NodeFilter(node_id=[]))) == 0
    await write_parent_child_relationships([])
    assert await count_nodes(NodeFilter()) == 3


async def test_groups_take_no_labels_for_none(store: str) -> None:
    """Removing no models removes none, and a group without a node is refused."""
    group = ModelGroup(await _write_some())
    await group.remove_models([])
    assert await group.get_models([], fresh=True) == {}
    assert list(await group.read_models()) == ["fit"]
    await ModelGroup(new_node()).remove_models()
    assert await count_nodes(ModelFilter()) == 1
    await group.remove_models()
    assert await count_nodes(NodeFilter()) == 2
    with pytest.raises(FilterError, match="takes a node or its id, not None"):
        loose.ModelGroup(None)
