"""What to raise where one thing was asked for and there is none."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.session import read
from artigraph.display.escape import cut, visible
from artigraph.errors import NodeNotFoundError
from artigraph.filter.base import PRESENT, Filter
from artigraph.filter.node import NodeFilter
from artigraph.node.closed import in_trash
from artigraph.orm.artifact import BaseArtifact, ModelArtifact
from artigraph.orm.node import Node, node_table

__all__ = ["check_node_exists", "existing"]

F = TypeVar("F")


async def existing(found: F | None, noun: str, filter: Filter) -> F:
    """What was found.

    Args:
        found: The one thing, if there is one.
        noun: What was asked for: ``"node"``, ``"artifact"`` or ``"model"``.
        filter: What was to find it.

    Raises:
        NodeNotFoundError: It is ``None``. If the filter finds something else, the error says
            what, and what reads that.
    """
    if found is not None:
        return found
    told = f"There is no such {noun}: {filter}."
    row = None if noun == "node" else await _found_instead(filter)
    if row is not None:
        raise NodeNotFoundError(f"{told} {_instead(row, noun)}")
    raise NodeNotFoundError(f"{told} Use read_{noun}_or_none() where that may happen.")


async def _found_instead(filter: Filter) -> Row[Any] | None:
    """The first row that a filter finds, of whichever type."""
    if filter.limits_nothing():
        return None
    clause = filter._clause_of_any_type() if isinstance(filter, NodeFilter) else filter.clause()
    columns = node_table.c
    query: Select[Any] = select(columns.node_id, columns.node_label, columns.node_type)
    first = query.where(clause, PRESENT).order_by(columns.node_id).limit(1)
    async with read() as connection:
        found: Row[Any] | None = (await connection.execute(first)).first()
    return found


def _instead(row: Row[Any], noun: str) -> str:
    label = "" if row.node_label is None else f" ({cut(repr(row.node_label), 80)})"
    type_ = visible(str(row.node_type), 60)
    mapper = Node.__mapper__.polymorphic_map.get(type_)
    node_class = Node if mapper is None else mapper.class_
    if issubclass(node_class, ModelArtifact):
        what, reads = "a model", "read_model() reads it"
    elif issubclass(node_class, BaseArtifact):
        what, reads = "an artifact, a value by itself", "read_artifact() reads it"
    else:
        what = f"a node of the type {type_!r}, which holds no value"
        below = f"{noun}s(NodeRelationshipFilter(child_of={row.node_id}))"
        reads = f"read_node() reads it, and read_{below} the {noun}s on it"
    return f"Node {row.node_id}{label} is {what}: {reads}."


async def check_node_exists(connection: AsyncConnection, node_id: int) -> None:
    """See that a node is there.

    Args:
        connection: The one of the transaction that has asked for what is on it.
        node_id: Its id.

    Raises:
        NodeNotFoundError: It is not.
    """
    query = select(node_table.c.node_id).where(node_table.c.node_id == node_id, PRESENT)
    if (await connection.execute(query)).first() is None:
        if (error := await in_trash(connection, node_id)) is not None:
            raise error
        raise NodeNotFoundError(
            f"There is no node {node_id}, so nothing is on it: it was deleted, or is of another "
            "database. ModelGroup(new_node()) makes a new one."
        )
