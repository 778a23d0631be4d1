"""Errors at the first steps: they say what is there instead, and what to type."""

from __future__ import annotations

import traceback

import pytest

from artigraph import (
    ArtifactFilter,
    DataModel,
    EngineURLError,
    FilterError,
    Log,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    delete_nodes,
    engine_context,
    lock_nodes,
    new_artifact,
    new_node,
    read_artifact,
    read_model,
    read_models,
    read_node,
    tag_nodes,
    trash_nodes,
    write_artifact,
    write_model,
    write_node,
)
from artigraph.serializer.json import json_serializer


class AdviceFit(DataModel, version=1):
    """A fit."""

    loss: float


async def test_what_is_no_model_says_what_it_is(store: str) -> None:
    """Who reads a node or artifact as something else is told what it is, and what reads it."""
    node = await write_node(new_node(node_label="run 0"))
    artifact = await write_artifact(
        new_artifact("list", [1], json_serializer, parent_id=node.node_id)
    )
    model = await write_model(parent_id=node.node_id, label="fit", model=AdviceFit(0.5))
    above, below = NodeFilter(node_id=node.node_id), NodeFilter(node_id=artifact.artifact.node_id)
    what = rf"Node {node.node_id} \('run 0'\) is a node of the type 'node', which holds no value: "
    with pytest.raises(NodeNotFoundError, match=rf"{what}read_node\(\) reads it"):
        await read_model(above)
    with pytest.raises(NodeNotFoundError, match=what):
        await read_model(ModelFilter(node_id=node.node_id))
    with pytest.raises(NodeNotFoundError, match=what):
        await read_artifact(above)
    with pytest.raises(NodeNotFoundError, match=r"is an artifact, .* read_artifact\(\) reads it"):
        await read_model(below)
    # As it says to type.
    assert (await read_node(above)).node_label == "run 0"
    found = await read_models(NodeRelationshipFilter(child_of=node.node_id))
    assert [one.artifact.node_id for one in found] == [model.artifact.node_id]
    assert (await read_artifact(below)).value == [1]
    # Where nothing else is meant, nothing else is named.
    for other in (NodeFilter(node_id=99999), ModelFilter(label="list", model_type=AdviceFit)):
        with pytest.raises(NodeNotFoundError, match=r"Use read_model_or_none\(\)"):
            await read_model(other)
    with pytest.raises(NodeNotFoundError, match=r"Use read_model_or_none\(\)"):
        await read_model(ModelFilter(model_type=Log))
    with pytest.raises(NodeNotFoundError, match=r"Use read_artifact_or_none\(\)"):
        await read_artifact(ArtifactFilter(label="run"))


async def test_a_group_on_a_node_that_is_not_there(store: str) -> None:
    """It is never an empty group: whatever asks for its models is told."""
    node = await write_node(new_node())
    empty = ModelGroup(node)
    assert await empty.read_models() == {}
    assert not await empty.has_model("a")
    await empty.remove_models()
    await delete_nodes(NodeFilter(node_id=node.node_id))
    for group in (ModelGroup(77777), ModelGroup(node)):
        for ask in (
            group.read_models,
            lambda group=group: group.get_models(fresh=True),
            lambda group=group: group.get_model("a"),
            lambda group=group: group.has_model("a"),
            lambda group=group: group.remove_models(),
            lambda group=group: group.remove_model("a"),
        ):
            with pytest.raises(
                NodeNotFoundError, match=r"There is no node \d+, so nothing is on it"
            ):
                await ask()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite:////no/such/folder/x.db",
        "postgresql+asyncpg://nobody@127.0.0.1:1/x",
        "mysql+asyncmy://nobody@127.0.0.1:1/x",
    ],
)
async def test_a_database_that_cannot_be_opened_is_told_in_a_few_lines(url: str) -> None:
    """A traceback has no lines of the driver's; those of the user's own errors stay."""
    own = ValueError("the user's own")
    with engine_context(url):
        try:
            raise own
        except ValueError:
            with pytest.raises(EngineURLError) as caught:
                await read_node(NodeFilter(node_id=1))
    told = "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is not None
    assert not any(
        library in told for library in ("sqlalchemy", "asyncpg/", "asyncmy/", "selector")
    )
    assert own.__traceback__ is not None


async def test_what_was_read_is_no_filter_but_has_an_id(store: str) -> None:
    """The hint has the real id, also of several and of a group; the error is short."""
    model = await write_model(parent_id=None, label="advised", model=AdviceFit(0.5))
    node_id = model.artifact.node_id
    for given in (model, model.artifact, node_id):
        with pytest.raises(FilterError, match=rf"NodeFilter\(node_id={node_id}\)") as told:
            await tag_nodes(given, {"best": None})  # type: ignore[arg-type]
        assert len(str(told.value)) < 150
        assert "\n" not in str(told.value)
    with pytest.raises(FilterError, match=rf"NodeFilter\(node_id=\[{node_id}, 8\]\)"):
        await lock_nodes([model, 8])  # type: ignore[arg-type]
    async with ModelGroup(new_node(node_label="group")) as group:
        pass
    with pytest.raises(FilterError, match=rf"NodeFilter\(node_id={group.node.node_id}\)"):
        await trash_nodes(group)  # type: ignore[arg-type]
    with pytest.raises(FilterError, match=r"takes one node or its id.* Give its node: \.node"):
        await tag_nodes(NodeFilter(node_id=node_id), {"best": None}, unique_below=group)  # type: ignore[arg-type]
