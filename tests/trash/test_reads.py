"""No read finds what is in the trash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    ArtifactFilter,
    ArtigraphError,
    BlobNotFoundError,
    CellRun,
    DataModel,
    Log,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    ParentNotFoundError,
    Storage,
    check_storage,
    collect_garbage,
    count_artifacts,
    count_children,
    count_descendants,
    count_models,
    count_nodes,
    create_current,
    iter_models,
    iter_nodes,
    new_artifact,
    new_node,
    nodes_exist,
    read_artifact_or_none,
    read_artifacts,
    read_first_model,
    read_first_node,
    read_frame,
    read_model_or_none,
    read_models,
    read_node_or_none,
    read_nodes,
    read_path,
    read_paths,
    read_table,
    read_tree,
    restore_nodes,
    to_networkx,
    trash_nodes,
    write_artifact,
    write_model,
    write_node,
)
from artigraph.notebook.explorer_details import node_details, read_stored
from artigraph.outline.label_index import few_candidates
from artigraph.outline.page import (
    browse_children,
    browse_labels,
    browse_node,
    browse_path,
    browse_search,
    browse_types,
    count_matches,
)
from artigraph.outline.search import search_clause
from artigraph.serializer.numpy import array_serializer
from artigraph.storage.file import FileSystemStorage

pytestmark = pytest.mark.usefixtures("store")


class ThrownAway(DataModel, version=1):
    """A model with values of every kind of place."""

    number: int
    frame: pd.DataFrame
    inner: ThrownAwayPart


class ThrownAwayPart(DataModel, version=1):
    """A nested one."""

    name: str
    array: np.ndarray[Any, Any]


class Made:
    """A tree with some of everything in it."""

    top: Node
    run: Node
    model: int
    artifact: int
    storage: Storage


async def make(folder: Path) -> Made:
    """Write it below a root that stays."""
    made = Made()
    made.storage = FileSystemStorage(folder / "blobs", name="thrown-away").register()
    made.top = await write_node(new_node(node_label="stays"))
    made.run = await write_node(
        new_node(CellRun, node_label="goes", node_parent_id=made.top.node_id)
    )
    model = ThrownAway(
        number=7,
        frame=pd.DataFrame({"a": [1, 2]}),
        inner=ThrownAwayPart(name="part", array=np.arange(3)),
    )
    written = await write_model(parent_id=made.run.node_id, label="goes too", model=model)
    made.model = written.artifact.node_id
    await write_model(parent_id=made.run.node_id, label="goes log", model=Log(loss=0.1))
    artifact = await write_artifact(
        new_artifact(
            "goes array",
            np.arange(100),
            array_serializer,
            storage=made.storage,
            parent_id=made.run.node_id,
        )
    )
    made.artifact = artifact.artifact.node_id
    return made


def reads(made: Made) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Every read by a name, each of which finds something of the tree until that is gone."""
    run, model = made.run.node_id, made.model
    by_id = NodeFilter(node_id=run)
    below = NodeFilter(relationship=NodeRelationshipFilter(descendant_of=run))
    of_model = ModelFilter(model_type=ThrownAway)
    goes = search_clause("goes")

    async def all_of(found: Any) -> list[Any]:
        return [one async for one in found]

    async def tree_below() -> list[Any]:
        return list(await read_tree(run))[1:]

    async def children(*of: Any) -> Any:
        return (await browse_children(*of)).nodes

    async def children_of_top() -> Any:
        (top,) = (await browse_children()).nodes
        return top.child_count

    async def search(text: str) -> Any:
        return (await browse_search(search_clause(text), words=["goes"])).nodes

    async def graph() -> Any:
        return [n for n in (await to_networkx()).nodes if n != made.top.node_id]

    def related(**asked: Any) -> Callable[[], Awaitable[Any]]:
        return lambda: read_nodes(NodeFilter(relationship=NodeRelationshipFilter(**asked)))

    return {
        "read_nodes": lambda: read_nodes(NodeFilter(label="goes")),
        "read_nodes by type": lambda: read_nodes(NodeFilter(node_type=CellRun)),
        "read_node_or_none": lambda: read_node_or_none(by_id),
        "read_first_node": lambda: read_first_node(NodeFilter(label="goes"), order_by="-node_id"),
        "iter_nodes": lambda: all_of(iter_nodes(below)),
        "count_nodes": lambda: count_nodes(below),
        "nodes_exist": lambda: nodes_exist(by_id),
        "not": lambda: read_nodes(~NodeFilter(label="stays")),
        "or": lambda: read_nodes(by_id | NodeFilter(label="no such")),
        "child_of": related(child_of=made.top.node_id),
        "child_of trashed": related(child_of=run),
        "parent_of": related(parent_of=model),
        "descendant_of": related(descendant_of=made.top),
        "descendant_of filter": related(descendant_of=NodeFilter(label="stays")),
        "ancestor_of": related(ancestor_of=model),
        "ancestor_of filter": related(ancestor_of=of_model),
        "sibling_of": related(sibling_of=model),
        "include_self": related(descendant_of=run, include_self=True),
        "is_leaf": lambda: read_nodes(
            NodeFilter(label="goes array", relationship=NodeRelationshipFilter(is_leaf=True))
        ),
        "not a leaf": related(is_leaf=False),
        "read_models": lambda: read_models(of_model),
        "read_models lazily": lambda: read_models(of_model, lazy=True),
        "read_models by field": lambda: read_models(ThrownAway.where(lambda f: f.number == 7)),
        "nested models": lambda: read_models(ModelFilter(model_type=ThrownAwayPart)),
        "read_model_or_none": lambda: read_model_or_none(NodeFilter(node_id=model)),
        "read_first_model": lambda: read_first_model(of_model, order_by="-number"),
        "iter_models": lambda: all_of(iter_models(of_model)),
        "count_models": lambda: count_models(of_model),
        "Log": lambda: read_models(ModelFilter(model_type=Log)),
        "read_artifacts": lambda: read_artifacts(ArtifactFilter()),
        "read_artifact_or_none": lambda: read_artifact_or_none(
            ArtifactFilter(node_id=made.artifact)
        ),
        "count_artifacts": lambda: count_artifacts(ArtifactFilter()),
        "read_frame": lambda: rows_of(read_frame(of_model)),
        "read_table": lambda: rows_of(read_table(of_model)),
        "count_children": lambda: one_of(count_children(made.top)),
        "count_children of it": lambda: one_of(count_children(run)),
        "count_descendants": lambda: one_of(count_descendants(made.top)),
        "count_descendants of it": lambda: one_of(count_descendants(run)),
        "read_path": lambda: read_path(run),
        "read_paths": lambda: one_of(read_paths([run])),
        "read_paths of filter": lambda: read_paths(of_model),
        "read_tree of it": tree_below,
        "read_tree": lambda: below_root(made),
        "read_tree of filter": lambda: read_tree(of_model),
        "to_networkx": graph,
        "group.read_models": lambda: ModelGroup(run).read_models(),
        "group.get_models": lambda: ModelGroup(run).get_models(),
        "group.has_model": lambda: ModelGroup(run).has_model("goes too"),
        "explorer: children": lambda: children(run),
        "explorer: children of filter": lambda: children(of_model.clause()),
        "explorer: counts": children_of_top,
        "explorer: matches": lambda: count_matches(run),
        "explorer: matches of root": lambda: count_matches(made.top.node_id),
        "explorer: search": lambda: search("goes"),
        "explorer: search by id": lambda: search(f"#{run}"),
        "explorer: search by field": lambda: search("number=7"),
        "explorer: search without words": lambda: pages(goes),
        "explorer: path": lambda: browse_path(run),
        "explorer: node": lambda: browse_node(run),
        "explorer: labels": lambda: browse_labels([run]),
        "explorer: types": browse_types,
        "explorer: details": lambda: node_details(model),
        "explorer: stored": lambda: read_stored(made.artifact),
    }


async def rows_of(frame: Awaitable[Any]) -> int:
    """How many rows a frame has."""
    return len(await frame)


async def one_of(found: Awaitable[dict[int, Any]]) -> Any:
    """The one value of a dict."""
    (value,) = (await found).values()
    return value


async def below_root(made: Made) -> list[Any]:
    """What a drawing of the whole tree shows below its root."""
    return [node for node in await read_tree() if node.node_id != made.top.node_id]


async def pages(clause: Any) -> Any:
    """What a search without an index finds."""
    return (await browse_search(clause)).nodes


async def found_by(read: Callable[[], Awaitable[Any]]) -> Any:
    """What a read finds; nothing where it says that there is nothing."""
    try:
        found = await read()
    except NodeNotFoundError:
        return None
    except ArtigraphError as error:
        return error
    return [*found] if hasattr(found, "__iter__") and not isinstance(found, dict) else found


async def test_no_read_finds_what_is_in_the_trash(tmp_path: Path) -> None:
    """Each finds it before, nothing while it is in the trash, and the same once it is back."""
    made = await make(tmp_path)
    asked = reads(made)
    before = {name: await found_by(read) for name, read in asked.items()}
    assert [name for name, found in before.items() if not found] == []
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    found = {name: await found_by(read) for name, read in asked.items()}
    assert {name: one for name, one in found.items() if one} == {}
    await restore_nodes(made.run)
    after = {name: await found_by(read) for name, read in asked.items()}
    assert [name for name in after if not after[name]] == []
    assert str(after["read_nodes"]) == str(before["read_nodes"])


async def test_group_of_a_node_in_the_trash(tmp_path: Path) -> None:
    """It is not entered, asks in vain, removes nothing and saves nothing."""
    made = await make(tmp_path)
    group = ModelGroup(made.run.node_id)
    known = ModelGroup(await read_nodes_one(made.run.node_id))
    assert await known.has_model("goes too")
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    with pytest.raises(NodeNotFoundError):
        async with ModelGroup(made.run.node_id):
            pass
    told = rf"in the trash.*restore_nodes\({made.run.node_id}\)"
    with pytest.raises(NodeNotFoundError, match=told):
        await group.read_models()
    with pytest.raises(NodeNotFoundError, match=told):
        await group.remove_models()
    with pytest.raises(NodeNotFoundError, match=told):
        await known.has_model("goes too", fresh=True)
    group.add_model("more", Log(loss=1))
    with pytest.raises(ParentNotFoundError, match=told):
        await group.save()
    await restore_nodes(made.run)
    assert len(await known.get_models(fresh=True)) == 2


async def read_nodes_one(node_id: int) -> Node:
    """A node as an object."""
    return (await read_nodes(NodeFilter(node_id=node_id)))[0]


async def test_nothing_is_written_on_a_current_node_in_the_trash(tmp_path: Path) -> None:
    """Whoever is in its block hears of it."""
    made = await make(tmp_path)
    async with create_current(Node, node_label="current") as node:
        await trash_nodes(NodeFilter(node_id=node.node_id))
        with pytest.raises(ParentNotFoundError, match="in the trash"):
            async with create_current(Node, node_label="below"):
                pass
    assert made.top.node_id


async def test_handles_of_values_in_the_trash(tmp_path: Path) -> None:
    """One that was opened before does not read out of the row any more."""
    made = await make(tmp_path)
    (model,) = await read_models(ModelFilter(model_type=ThrownAway), lazy=True)
    handle = model.value.frame
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    with pytest.raises(BlobNotFoundError, match="in the trash"):
        await handle.load()
    await restore_nodes(made.run)
    assert len(await handle.load()) == 2


async def test_label_index_tells_of_candidates_only(tmp_path: Path) -> None:
    """A search by it looks at the rows themselves."""
    from artigraph.db.session import read

    made = await make(tmp_path)
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    async with read() as connection:
        await few_candidates(connection, "goes")
    assert (await browse_search(search_clause("goes"), words=["goes"])).nodes == ()


async def test_blobs_of_what_is_in_the_trash_stay(tmp_path: Path) -> None:
    """The collector keeps them, the check wants them, and emptying removes them."""
    from artigraph import empty_trash

    made = await make(tmp_path)
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    found = await collect_garbage(made.storage, older_than=timedelta(0), dry_run=False)
    assert found.num_blobs == 0
    report = await check_storage(made.storage)
    assert (report.num_rows, report.num_missing) == (1, 0)
    await restore_nodes(made.run)
    (array,) = await read_artifacts(ArtifactFilter(node_id=made.artifact))
    assert list(array.value) == list(range(100))
    await trash_nodes(NodeFilter(node_id=made.run.node_id))
    await empty_trash()
    assert [blob async for blob in made.storage.blobs()] == []
