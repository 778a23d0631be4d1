"""The guide's section "Nesting Nodes": groups within groups make a tree."""

from __future__ import annotations

import pytest

from artigraph import (
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeRelationshipFilter,
    new_node,
    read_models,
    read_nodes,
)
from tests.guide.conftest import Notebook

NESTED = """
    from artigraph import ModelGroup, new_node


    async with ModelGroup(new_node()) as parent:
        async with ModelGroup(new_node()) as node:
            async with ModelGroup(new_node()) as child1:
                async with ModelGroup(new_node()) as grandchild:
                    pass
            async with ModelGroup(new_node()) as child2:
                pass
"""

# "node.add_model" in the guide: the group of that line is called group.
WITH_MODELS = """
    from artigraph import ModelGroup, new_node


    @dataclass
    class MyDataModel(DataModel, version=1):
        some_value: int
        another_value: str


    async with ModelGroup(new_node()) as parent:
        async with ModelGroup(new_node()) as group:
            group.add_model("model1", MyDataModel(1, "a"))
            async with ModelGroup(new_node()) as child1:
                async with ModelGroup(new_node()) as grandchild:
                    grandchild.add_model("model2", MyDataModel(2, "b"))
            async with ModelGroup(new_node()) as child2:
                child2.add_model("model3", MyDataModel(3, "c"))
"""


@pytest.fixture
async def cells(store: str, notebook: Notebook) -> Notebook:
    """A notebook with what the section takes for granted."""
    await notebook.run("""
        from dataclasses import dataclass
        from artigraph import DataModel
    """)
    return notebook


async def tree() -> dict[int, int | None]:
    """Parents by id, of all that is no model."""
    nodes = await read_nodes(NodeFilter() & ~ModelFilter())
    return {node.node_id: node.node_parent_id for node in nodes}


async def test_nested_groups_make_the_drawn_hierarchy(cells: Notebook) -> None:
    """parent, then node, then child1 and child2, and grandchild under child1."""
    await cells.run(NESTED)
    ids = {
        name: cells[name].node.node_id
        for name in ("parent", "node", "child1", "child2", "grandchild")
    }
    assert await tree() == {
        ids["parent"]: None,
        ids["node"]: ids["parent"],
        ids["child1"]: ids["node"],
        ids["child2"]: ids["node"],
        ids["grandchild"]: ids["child1"],
    }


async def test_the_objects_know_their_parents(cells: Notebook) -> None:
    """Each group's node has its parent's id, and each group its parent group."""
    await cells.run(NESTED)
    assert cells["grandchild"].node.node_parent_id == cells["child1"].node.node_id
    assert cells["child2"].node.node_parent_id == cells["node"].node.node_id
    assert cells["parent"].node.node_parent_id is None
    assert cells["grandchild"].get_parent_group() is cells["child1"]
    assert cells["parent"].get_parent_group() is None


async def test_models_extend_the_graph_as_drawn(cells: Notebook) -> None:
    """model1 hangs on group, model2 on grandchild, model3 on child2, with those labels."""
    await cells.run(WITH_MODELS)
    model = cells["MyDataModel"]
    placed = {
        (m.artifact.node_parent_id, m.artifact.node_label): m.value
        for m in await read_models(ModelFilter())
    }
    assert placed == {
        (cells["group"].node.node_id, "model1"): model(1, "a"),
        (cells["grandchild"].node.node_id, "model2"): model(2, "b"),
        (cells["child2"].node.node_id, "model3"): model(3, "c"),
    }
    assert len(await tree()) == 5


async def test_the_graph_is_explored_from_any_node(cells: Notebook) -> None:
    """Filters find what is below, above, and right under a node of the picture."""
    await cells.run(WITH_MODELS)
    model = cells["MyDataModel"]
    below = NodeRelationshipFilter(descendant_of=cells["parent"].node)
    assert [m.value for m in await read_models(below)] == [
        m.value for m in await read_models(ModelFilter(model_type=model))
    ]
    (leaf,) = await read_models(ModelFilter(label="model2"))
    above = await read_nodes(NodeRelationshipFilter(ancestor_of=leaf.artifact))
    assert {n.node_id for n in above} == {
        cells[name].node.node_id for name in ("parent", "group", "child1", "grandchild")
    }
    right_below = NodeRelationshipFilter(child_of=cells["group"].node)
    assert len(await read_nodes(right_below)) == 3


async def test_a_failing_child_leaves_the_others(cells: Notebook) -> None:
    """A child whose error is caught is missing; the rest of the tree is saved."""
    async with ModelGroup(new_node(node_label="parent")) as parent:
        with pytest.raises(RuntimeError, match="on purpose"):
            async with ModelGroup(new_node(node_label="lost")):
                raise RuntimeError("on purpose")
        async with ModelGroup(new_node(node_label="kept")):
            pass
    labels = {node.node_label for node in await read_nodes(NodeFilter())}
    assert labels == {"parent", "kept"}
    children = await read_nodes(NodeRelationshipFilter(child_of=parent.node))
    assert [node.node_label for node in children] == ["kept"]
