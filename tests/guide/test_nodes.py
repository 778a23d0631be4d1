"""The guide's section "Nodes": models attached to nodes, by hand and in groups."""

from __future__ import annotations

import pytest

from artigraph import (
    DataModel,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeRelationshipFilter,
    new_node,
    nodes_exist,
    read_models,
    read_nodes,
    write_models,
    write_node,
)
from tests.guide.conftest import Notebook

PREAMBLE = """
    from artigraph import *

    class MyDataModel(DataModel, version=1):
        some_value: int = 0

    class DatasetModel(DataModel, version=1):
        rows: int

    class TrainedModel(DataModel, version=1):
        weights: list[float]
"""

WRITE_MODELS = """
    from artigraph import new_node, write_node, write_models

    node = await write_node(new_node())

    await write_models(
        parent_id=node.node_id,
        models={
            "model1": MyDataModel(1),
            "model2": MyDataModel(2),
        }
    )
"""

READ_MODELS = """
    model_filter = NodeRelationshipFilter(child_of=node.node_id)
    models = await read_models(model_filter)
"""

GROUP = """
    from artigraph import ModelGroup, new_node


    async with ModelGroup(new_node()) as group:
        group.add_models(
            {
                "training_dataset": DatasetModel(100),
                "test_dataset": DatasetModel(20),
                "trained_model": TrainedModel([0.5]),
            }
        )
"""

READ_GROUP = """
    models = await group.read_models()
"""

GROUP_OF_AN_ID = """
    node_id = 1234
    group = ModelGroup(node=node_id)
    group.add_model("model1", MyDataModel(3))
    await group.save()
    models = await group.get_models()
    await group.remove_models()
"""


@pytest.fixture
async def cells(store: str, notebook: Notebook) -> Notebook:
    """A notebook with the section's imports and models."""
    await notebook.run(PREAMBLE)
    return notebook


async def test_models_are_written_under_a_node(cells: Notebook) -> None:
    """Both hang on the new node, which has an id by then."""
    await cells.run(WRITE_MODELS)
    node = cells["node"]
    assert isinstance(node.node_id, int)
    children = await read_nodes(NodeRelationshipFilter(child_of=node))
    assert [child.node_label for child in children] == ["model1", "model2"]
    assert {child.node_parent_id for child in children} == {node.node_id}


async def test_models_of_a_node_are_read_with_a_node_filter(cells: Notebook) -> None:
    """read_models() takes a NodeRelationshipFilter and returns rows with values."""
    await cells.run(WRITE_MODELS)
    await cells.run(READ_MODELS)
    model = cells["MyDataModel"]
    assert [m.value for m in cells["models"]] == [model(1), model(2)]
    assert [m.artifact.artifact_label for m in cells["models"]] == ["model1", "model2"]


async def test_read_models_leaves_plain_nodes_out(cells: Notebook) -> None:
    """A child that is no model is no obstacle."""
    await cells.run(WRITE_MODELS)
    await write_node(new_node(node_parent_id=cells["node"].node_id))
    await cells.run(READ_MODELS)
    assert len(cells["models"]) == 2


async def test_a_group_attaches_its_models_at_the_end(cells: Notebook) -> None:
    """The block makes the node, and its end attaches what was added."""
    await cells.run(GROUP)
    group = cells["group"]
    (root,) = await read_nodes(NodeFilter(node_type=type(group.node)) & ~ModelFilter())
    assert root.node_id == group.node.node_id
    found = await read_models(NodeRelationshipFilter(child_of=root))
    assert {m.artifact.node_label: m.value for m in found} == {
        "training_dataset": cells["DatasetModel"](100),
        "test_dataset": cells["DatasetModel"](20),
        "trained_model": cells["TrainedModel"]([0.5]),
    }


async def test_nothing_is_written_before_the_end_of_the_block(cells: Notebook) -> None:
    """Inside the block the database has neither the node nor a model."""
    async with ModelGroup(new_node()) as group:
        group.add_model("m", cells["MyDataModel"](1))
        assert not await nodes_exist(NodeFilter())
    assert len(await read_nodes(NodeFilter())) == 2


async def test_a_group_reads_its_models(cells: Notebook) -> None:
    """read_models() returns instances by label, from the database."""
    await cells.run(GROUP)
    await cells.run(READ_GROUP)
    assert cells["models"] == {
        "training_dataset": cells["DatasetModel"](100),
        "test_dataset": cells["DatasetModel"](20),
        "trained_model": cells["TrainedModel"]([0.5]),
    }
    assert cells["models"] == await cells["group"].get_models()


async def test_a_group_of_an_existing_id(cells: Notebook) -> None:
    """ModelGroup(node=id) adds to a node that is there, gets, and removes."""
    await write_node(new_node(node_id=1234))
    await cells.run(GROUP_OF_AN_ID)
    assert cells["models"] == {"model1": cells["MyDataModel"](3)}
    assert await read_models(ModelFilter()) == []
    assert [node.node_id for node in await read_nodes(NodeFilter())] == [1234]


async def test_a_group_of_an_existing_node(cells: Notebook) -> None:
    """A written node serves as well as its id, and keeps the models it had."""
    node = await write_node(new_node())
    await write_models(parent_id=node.node_id, models={"before": cells["MyDataModel"](1)})
    group = ModelGroup(node)
    await group.add_model("after", cells["MyDataModel"](2))
    await group.save()
    assert sorted(await group.get_models()) == ["after", "before"]


def test_the_sections_models_are_classes_for_a_type_checker() -> None:
    """A model's fields are known without running it."""

    class Typed(DataModel, version=1):
        some_value: int

    value: int = Typed(some_value=1).some_value
    assert value == 1
