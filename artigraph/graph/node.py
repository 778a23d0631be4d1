"""Nodes: made, written, read, moved and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar, overload

from sqlalchemy import ColumnElement, Select, delete, inspect, select, update
from sqlalchemy.orm import Session

from artigraph.db.session import read, read_session, write
from artigraph.errors import (
    FilterError,
    MultipleNodesFoundError,
    NodeNotFoundError,
)
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.node import subtree
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.graph.blob import remove_unnamed_blobs
from artigraph.graph.object import insert_nodes, update_nodes
from artigraph.graph.row import row_writer
from artigraph.orm.node import Node, node_table

__all__ = [
    "delete_nodes",
    "new_node",
    "nodes_exist",
    "read_node",
    "read_node_or_none",
    "read_nodes",
    "select_nodes",
    "write_node",
    "write_nodes",
]

N = TypeVar("N", bound=Node)


@overload
def new_node(*, node_id: int | None = None, **columns: Any) -> Node: ...


@overload
def new_node(node_type: type[N], *, node_id: int | None = None, **columns: Any) -> N: ...


def new_node(node_type: type[Any] = Node, *, node_id: int | None = None, **columns: Any) -> Any:
    """Make a node that is not yet written.

    Args:
        node_type: ``Node`` or a subclass.
        node_id: The id it shall have; the database counts unless given. Writing
            it updates the row that has the id, if there is one.
        **columns: Values of its columns by name.

    Returns:
        The node.

    Raises:
        TypeError: A name that is no column of the class.
    """
    if node_id is not None:
        columns["node_id"] = node_id
    return node_type(**columns)


async def write_node(node: N, *, refresh_attributes: Collection[str] = ()) -> N:
    """Write a node: insert it, or update the columns that were changed.

    Args:
        node: A new node, or one that was read or written before.
        refresh_attributes: Accepted for older code; everything is filled in.

    Returns:
        The same node, with ``node_id`` and its times filled in.

    Raises:
        LabelExistsError: Its label is taken under its parent.
        ParentNotFoundError: Its parent does not exist.
        CycleError: It would become its own ancestor.
        NodeNotFoundError: It was deleted meanwhile.
    """
    return (await write_nodes([node], refresh_attributes=refresh_attributes))[0]


async def write_nodes(nodes: Iterable[N], *, refresh_attributes: Collection[str] = ()) -> list[N]:
    """Write nodes in one transaction: all of them or none.

    Args:
        nodes: As for :func:`write_node`.
        refresh_attributes: Accepted for older code; everything is filled in.

    Returns:
        The same nodes, in their order.

    Raises:
        LabelExistsError: A label is taken under its parent, or given twice.
        ParentNotFoundError: A parent does not exist.
        CycleError: One would become its own ancestor.
        NodeNotFoundError: One was deleted meanwhile.
    """
    written = list(nodes)
    for node in written:
        if not isinstance(node, Node):
            raise FilterError(f"write_nodes() takes Node objects, not {node!r}.")
    async with row_writer() as writer:
        # One that is given twice is one row.
        distinct = {id(node): node for node in written}.values()
        await insert_nodes(writer, [node for node in distinct if not inspect(node).has_identity])
        await update_nodes(writer, [node for node in written if inspect(node).has_identity])
    return written


async def read_nodes(filter: Filter) -> list[Node]:
    """Read the nodes that a filter finds, each as its own class, by id.

    Args:
        filter: Any filter, or several combined.

    Returns:
        The nodes, oldest id first; all of their columns are loaded.
    """
    return await select_nodes(clause_of(filter), None)


async def read_node_or_none(filter: Filter) -> Node | None:
    """Read the one node that a filter finds, or ``None``.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
    """
    nodes = await select_nodes(clause_of(filter), 2)
    if len(nodes) > 1:
        raise MultipleNodesFoundError(
            f"{filter!r} finds more than one node, of which node {nodes[0].node_id} is the first. "
            "Narrow the filter, or use read_nodes()."
        )
    return nodes[0] if nodes else None


async def read_node(filter: Filter) -> Node:
    """Read the one node that a filter finds.

    Raises:
        NodeNotFoundError: The filter finds none.
        MultipleNodesFoundError: The filter finds more than one.
    """
    node = await read_node_or_none(filter)
    if node is None:
        raise NodeNotFoundError(
            f"No node is found by {filter!r}. Use read_node_or_none() where that may happen."
        )
    return node


async def select_nodes(clause: ColumnElement[bool], limit: int | None) -> list[Node]:
    """Rows as objects, by id, at most ``limit`` of them."""
    query = select(Node).where(clause).order_by(Node.node_id).limit(limit)
    async with read_session() as session:
        if session.identity_map:
            # Rows are also written past the session's objects: believe the database.
            query = query.execution_options(populate_existing=True)
        return await session.run_sync(_load_all, query)


def _load_all(session: Session, query: Select[Node]) -> list[Node]:
    with collector_paused():
        return list(session.scalars(query).all())


async def nodes_exist(filter: Filter) -> bool:
    """Whether a filter finds any node, in one ``EXISTS`` query."""
    query = select(select(node_table.c.node_id).where(clause_of(filter)).exists())
    async with read() as connection:
        return bool((await connection.execute(query)).scalar())


async def delete_nodes(filter: Filter) -> int:
    """Delete the nodes that a filter finds, with all that hangs below them.

    Blobs that no row names any more are removed once the rows are gone for
    good; one that cannot be removed is left over and logged.

    Args:
        filter: Any filter, or several combined.

    Returns:
        How many rows were deleted.
    """
    columns = node_table.c
    query = select(
        columns.node_id, columns.remote_artifact_storage, columns.remote_artifact_location
    ).where(columns.node_id.in_(select(subtree(clause_of(filter)).c.node_id)))
    async with write() as transaction:
        connection = transaction.connection
        rows = (await connection.execute(query)).all()
        here = among(columns.node_id, [row.node_id for row in rows])
        if connection.dialect.name in ("mysql", "mariadb"):
            # InnoDB checks row by row, so a parent may not go before its child.
            await connection.execute(update(node_table).where(here).values(node_parent_id=None))
        await connection.execute(delete(node_table).where(here))
        blobs = {(storage, place) for _, storage, place in rows if storage and place}
        if blobs:
            transaction.after_commit.append(lambda: remove_unnamed_blobs(blobs))
    return len(rows)
