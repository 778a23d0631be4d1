"""Nodes are written, read, moved and deleted in every database."""

from __future__ import annotations

import pytest

from artigraph import (
    LabelExistsError,
    NodeFilter,
    NodeRelationshipFilter,
    new_node,
    read_node,
    read_nodes,
    write_node,
)


async def test_a_written_node_has_its_id_and_times(store: str) -> None:
    """write_node fills in what the database decides."""
    node = await write_node(new_node(node_label="a"))
    assert isinstance(node.node_id, int)
    assert node.node_created_at.tzinfo is not None
    assert (await read_node(NodeFilter(node_id=node.node_id))).node_label == "a"


async def test_a_label_is_unique_under_one_parent(store: str) -> None:
    """The error names the parent and the label, and nothing is written."""
    parent = await write_node(new_node())
    await write_node(new_node(node_parent_id=parent.node_id, node_label="x"))
    with pytest.raises(LabelExistsError, match=f"Under node {parent.node_id} the label 'x'"):
        await write_node(new_node(node_parent_id=parent.node_id, node_label="x"))
    assert len(await read_nodes(NodeRelationshipFilter(child_of=parent))) == 1
