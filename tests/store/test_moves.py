"""Nodes that several move at the same time."""

from __future__ import annotations

import asyncio
import contextvars
from itertools import pairwise

import pytest

from artigraph import (
    CycleError,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    ParentNotFoundError,
    delete_nodes,
    new_node,
    new_session,
    read_node,
    read_nodes,
    read_path,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from tests.conftest import Statements

pytestmark = pytest.mark.usefixtures("store")


async def chains(count: int, length: int) -> list[list[Node]]:
    """Some chains of nodes, each node below the one before."""
    made = []
    for _ in range(count):
        chain = [await write_node(new_node())]
        for _ in range(length - 1):
            chain.append(await write_node(new_node(node_parent_id=chain[-1].node_id)))
        made.append(chain)
    return made


async def move(parent: Node, child: Node, how: str) -> None:
    """Hang a node under another one."""
    if how == "relationship":
        await write_parent_child_relationships([(parent.node_id, child.node_id)])
    else:
        own = await read_node(NodeFilter(node_id=child.node_id))
        own.node_parent_id = parent.node_id
        await write_node(own)


async def assert_no_circle(nodes: list[Node]) -> None:
    """All of them hang on a root."""
    for node in nodes:
        path = await read_path(node.node_id)
        assert path[0].node_parent_id is None
        assert path[-1].node_id == node.node_id


@pytest.mark.parametrize("how", ["relationship", "node"])
@pytest.mark.parametrize(("count", "length"), [(2, 1), (2, 4), (3, 1), (3, 3)])
async def test_moves_at_once_never_close_a_circle(how: str, count: int, length: int) -> None:
    """Each under the end of the next: all but the last come about, and that is a CycleError."""
    for _ in range(5):
        made = await chains(count, length)
        results = await asyncio.gather(
            *(
                move(under[-1], chain[0], how)
                for chain, under in zip(made, [*made[1:], made[0]], strict=True)
            ),
            return_exceptions=True,
        )
        assert sorted(type(r).__name__ for r in results) == ["CycleError"] + ["NoneType"] * (
            count - 1
        ), results
        await assert_no_circle([node for chain in made for node in chain])


async def test_a_session_sees_moves_that_came_after_its_first_look(store: str) -> None:
    """Also where the database goes on showing a session what was there at first."""
    if store == "sqlite":
        pytest.skip("a session of SQLite keeps all others from writing")
    a, b, c = await write_nodes([new_node() for _ in range(3)])
    outside = contextvars.copy_context()
    async with new_session():
        assert len(await read_nodes(NodeRelationshipFilter(is_root=True))) == 3
        pairs = [(a.node_id, b.node_id), (b.node_id, c.node_id)]
        elsewhere = write_parent_child_relationships(pairs)
        await asyncio.get_running_loop().create_task(elsewhere, context=outside)
        with pytest.raises(CycleError):
            await write_parent_child_relationships([(c.node_id, a.node_id)])
        await write_node(new_node(node_label="the session goes on"))
    await assert_no_circle([a, b, c])
    assert [n.node_id for n in await read_path(c.node_id)] == [a.node_id, b.node_id, c.node_id]


async def test_a_move_beside_the_removal_of_its_target() -> None:
    """It is told that the parent, or the node itself, is gone, or comes about before."""
    for which in ("parent", "child"):
        for _ in range(8):
            parent, child = await write_nodes([new_node(), new_node()])
            gone = parent if which == "parent" else child
            results = await asyncio.gather(
                delete_nodes(NodeFilter(node_id=gone.node_id)),
                write_parent_child_relationships([(parent.node_id, child.node_id)]),
                return_exceptions=True,
            )
            assert results[1] is None or isinstance(
                results[1], ParentNotFoundError | NodeNotFoundError
            ), results[1]


async def test_nobody_pays_who_moves_nothing(statements: Statements, store: str) -> None:
    """A write, a rename and a way to the top send no statement for the lock; a move does."""
    parent, child = await write_nodes([new_node(), new_node(node_label="a")])
    child.node_label = "b"
    await write_node(child)
    child.node_parent_id = None
    await write_node(child)
    await write_parent_child_relationships([(None, child.node_id)])
    assert not [s for s in statements if "lock" in s.lower()]
    statements.clear()
    await write_parent_child_relationships([(parent.node_id, child.node_id)])
    locks = [s for s in statements if "pg_advisory" in s or "GET_LOCK" in s]
    assert len(locks) == (store != "sqlite")


async def test_many_that_go_to_one_parent_are_moved_together(statements: Statements) -> None:
    """The number of statements grows with the parents that nodes move to, not with the nodes."""
    top, other, *nodes = await write_nodes([new_node() for _ in range(42)])
    sent = []
    for count in (2, 40):
        pairs = [(top.node_id, node.node_id) for node in nodes[:count]]
        statements.clear()
        await write_parent_child_relationships([*pairs[1:], (other.node_id, nodes[0].node_id)])
        sent.append(len(statements))
    assert sent[0] == sent[1]
    assert len(await read_nodes(NodeRelationshipFilter(child_of=top.node_id))) == 39
    assert len(await read_nodes(NodeRelationshipFilter(child_of=other.node_id))) == 1


async def test_a_long_way_up_is_looked_at_in_a_few_statements(statements: Statements) -> None:
    """The number of statements does not grow with how deep the new parent lies."""
    (deep,) = await chains(1, 30)
    node = await write_node(new_node())
    statements.clear()
    await write_parent_child_relationships([(deep[-1].node_id, node.node_id)])
    assert len(statements) <= 5
    with pytest.raises(CycleError):
        await write_parent_child_relationships([(node.node_id, deep[0].node_id)])
    path = [n.node_id for n in await read_path(node.node_id)]
    assert path == [n.node_id for n in [*deep, node]]
    assert all(a < b for a, b in pairwise(path))
