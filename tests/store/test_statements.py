"""The number of SQL statements does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pandas as pd
import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    delete_models,
    delete_nodes,
    new_artifact,
    new_node,
    new_session,
    nodes_exist,
    read_artifacts,
    read_model,
    read_models,
    read_node,
    read_nodes,
    write_artifacts,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.serializer.json import json_serializer
from tests.conftest import Statements


class CountedPlain(DataModel, version=1):
    a: int
    b: str = "x"
    c: float = 0.5
    d: tuple[int, ...] = (1, 2)
    e: str | None = None


class CountedWhole(DataModel, version=1):
    plain: CountedPlain
    frame: pd.DataFrame


FRAME = pd.DataFrame({"a": [1, 2]})
SIZES = (10, 1000)


def plain(count: int) -> dict[str, CountedPlain]:
    """Models of one row each."""
    return {str(n): CountedPlain(n) for n in range(count)}


def whole(count: int) -> dict[str, CountedWhole]:
    """Models with a nested one and a frame below them."""
    return {str(n): CountedWhole(CountedPlain(n), FRAME) for n in range(count)}


async def count(statements: Statements, call: Awaitable[object]) -> int:
    """How many statements a call sends."""
    statements.clear()
    await call
    return len(statements)


async def test_writing_models(statements: Statements) -> None:
    """1,000 models take as many statements as 10, and no more than one model takes."""
    parent = (await write_node(new_node())).node_id
    one = await count(statements, write_model(parent_id=parent, label="m", model=CountedPlain(1)))
    assert one <= 2
    for size in SIZES:
        node = await write_node(new_node())
        sent = await count(statements, write_models(parent_id=node.node_id, models=plain(size)))
        assert sent == one
    assert len(await read_nodes(ModelFilter())) == 1 + sum(SIZES)


async def test_writing_models_with_parts(statements: Statements) -> None:
    """Frames and nested models add a fixed few statements, however many models."""
    sent = []
    for size in (10, 200):
        node = await write_node(new_node())
        models = whole(size)
        sent.append(await count(statements, write_models(parent_id=node.node_id, models=models)))
    assert sent[0] == sent[1] <= 4


@pytest.mark.parametrize("make", [plain, whole])
async def test_reading_models(
    statements: Statements, make: Callable[[int], dict[str, DataModel]]
) -> None:
    """One query for the models, and one more for all that is below them."""
    for size in (10, 200) if make is whole else SIZES:
        node = await write_node(new_node())
        models = make(size)
        written = await write_models(parent_id=node.node_id, models=models)
        child = NodeRelationshipFilter(child_of=node)
        statements.clear()
        found = await read_models(child)
        assert len(statements) == (2 if make is whole else 1)
        assert {m.artifact.node_label: m.value for m in found} == models
        node_id = written["0"].artifact.node_id
        one = await count(statements, read_model(NodeFilter(node_id=node_id)))
        assert one == (2 if make is whole else 1)


async def test_deleting(statements: Statements) -> None:
    """Deleting 1,000 models, or a node with 1,000 below it, is as few statements as 10."""
    models: list[int] = []
    trees: list[int] = []
    for size in SIZES:
        for sent in (models, trees):
            node = await write_node(new_node())
            await write_models(parent_id=node.node_id, models=plain(size))
            wanted = NodeRelationshipFilter(child_of=node)
            if sent is models:
                models.append(await count(statements, delete_models(wanted)))
            else:
                node_id = node.node_id
                trees.append(await count(statements, delete_nodes(NodeFilter(node_id=node_id))))
    assert models[0] == models[1] <= 3
    assert trees[0] == trees[1] <= 3
    assert not await nodes_exist(ModelFilter())


async def test_exists_is_one_exists(statements: Statements) -> None:
    """nodes_exist sends one statement, an EXISTS."""
    statements.clear()
    assert not await nodes_exist(NodeFilter(label="x") | NodeRelationshipFilter(descendant_of=1))
    (sent,) = statements
    assert "EXISTS" in sent.upper()


async def test_a_subtree_is_one_read(statements: Statements) -> None:
    """Nodes of every class and depth come with one query, their columns with it."""
    top = await write_node(new_node())
    parent = top.node_id
    for _ in range(5):
        parent = (await write_node(new_node(node_parent_id=parent))).node_id
        await write_models(parent_id=parent, models=plain(50))
    statements.clear()
    nodes = await read_nodes(NodeRelationshipFilter(descendant_of=top))
    assert "".join(map(repr, nodes)).count("CountedPlain") == 250
    assert len(nodes) == 255
    assert len(statements) == 1
    assert await count(statements, read_node(NodeFilter(node_id=parent))) == 1


async def test_nodes_and_artifacts(statements: Statements) -> None:
    """Many nodes, many artifacts: as few statements as for some."""
    for size in SIZES:
        nodes = [new_node(Node, node_label=str(n)) for n in range(size)]
        assert await count(statements, write_nodes(nodes)) <= 2
        artifacts = [new_artifact(str(n), n, json_serializer) for n in range(size)]
        assert await count(statements, write_artifacts(artifacts)) <= 2
    found = await count(statements, read_artifacts(NodeFilter()))
    assert found == 1


async def test_a_groups_end(statements: Statements) -> None:
    """Entering and adding sends nothing; the end is a fixed few, nested groups included."""
    sent = []
    for size in SIZES:
        statements.clear()
        async with ModelGroup(new_node(node_label="outer")) as outer:
            outer.add_models(plain(size))
            async with ModelGroup(new_node(node_label="inner")) as inner:
                inner.add_models(plain(size))
                assert statements == []
        sent.append(len(statements))
    assert sent[0] == sent[1] <= 8


async def test_a_session_adds_savepoints_only(statements: Statements) -> None:
    """Inside new_session a write costs a savepoint more, whatever its size."""
    sent = []
    for size in SIZES:
        node = await write_node(new_node())
        statements.clear()
        async with new_session():
            await write_models(parent_id=node.node_id, models=plain(size))
        sent.append(len(statements))
    assert sent[0] == sent[1] <= 4
