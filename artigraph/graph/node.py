"""Nodes: made, written, read, moved and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, overload

from sqlalchemy import ColumnElement, Select, delete, inspect, select, update
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from artigraph.db.session import read, read_session, write
from artigraph.errors import (
    CycleError,
    FilterError,
    MultipleNodesFoundError,
    NodeNotFoundError,
    ParentNotFoundError,
)
from artigraph.filter.base import Filter
from artigraph.filter.node import subtree, walk
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.graph.blob import remove_unnamed_blobs
from artigraph.graph.row import NewRow, RowWriter, check_label, row_writer
from artigraph.orm.base import utc_now
from artigraph.orm.node import Node, column_names, node_table

__all__ = [
    "delete_nodes",
    "detached",
    "insert_nodes",
    "new_node",
    "nodes_exist",
    "read_node",
    "read_node_or_none",
    "read_nodes",
    "select_nodes",
    "update_nodes",
    "write_node",
    "write_nodes",
    "write_parent_child_relationships",
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
        await insert_nodes(writer, [node for node in written if not inspect(node).has_identity])
        await update_nodes(writer, [node for node in written if inspect(node).has_identity])
    return written


async def insert_nodes(
    writer: RowWriter, nodes: Sequence[Node], *, above: NewRow | int | None = None
) -> list[NewRow]:
    """Insert new nodes in a running transaction; they are filled in when it has held.

    A node whose id was chosen and exists becomes an update of that row.

    Args:
        writer: The transaction.
        nodes: The nodes.
        above: What those hang on that name no parent.

    Returns:
        Their rows, in their order.
    """
    chosen = [node.node_id for node in nodes if node.node_id is not None]
    existing: set[int] = set()
    if chosen:
        query = select(node_table.c.node_id).where(among(node_table.c.node_id, chosen))
        existing = set((await writer.connection.execute(query)).scalars())
    rows = [_new_row(node, above) for node in nodes if node.node_id not in existing]
    await writer.insert(rows)
    await _overwrite(writer, [node for node in nodes if node.node_id in existing])
    inserted = (node for node in nodes if node.node_id not in existing)
    for node, row in zip(inserted, rows, strict=True):
        writer.on_success.append(partial(_fill, node, row))
    return rows


def _new_row(node: Node, above: NewRow | int | None) -> NewRow:
    given = {name: vars(node)[name] for name in column_names(type(node)) if name in vars(node)}
    for name in ("node_created_at", "node_updated_at", "node_type"):
        given.pop(name, None)
    for attribute in type(node).__mapper__.column_attrs:
        default = attribute.columns[0].default
        if attribute.key in given or attribute.key.startswith("node_") or default is None:
            continue
        # An inserted row tells nothing back, so defaults are worked out here.
        if default.is_scalar:
            given[attribute.key] = default.arg
        elif default.is_callable:
            given[attribute.key] = default.arg(None)
    node_id, label = given.pop("node_id", None), given.pop("node_label", None)
    parent_id = given.pop("node_parent_id", None)
    parent = above if parent_id is None else parent_id
    return NewRow(type(node), label, parent, given, node_id)


def _fill(node: Node, row: NewRow) -> None:
    _settle(node, {**dict.fromkeys(column_names(type(node))), **row.all_columns()})


def _settle(node: Node, columns: Mapping[str, Any]) -> None:
    """Make an object what it would be had SQLAlchemy just read it."""
    vars(node).update(columns)
    if inspect(node).transient:
        make_transient_to_detached(node)
    # The object was its parent's only as long as that had no id.
    set_committed_value(node, "_unwritten_parent", None)


def detached(node_type: type[N], columns: Mapping[str, Any]) -> N:
    """An object for a row that was read or written without SQLAlchemy's objects.

    Args:
        node_type: Its class.
        columns: The row's values by name; the others become ``None``.
    """
    node = node_type()
    _settle(node, {**dict.fromkeys(column_names(node_type)), **columns})
    return node


async def update_nodes(writer: RowWriter, nodes: Sequence[Node]) -> None:
    """Update the columns that were changed since the nodes were read or written."""
    now = utc_now()
    for node in nodes:
        changed = {
            attribute.key: attribute.value
            for attribute in inspect(node).attrs
            if attribute.key in column_names(type(node)) and attribute.history.has_changes()
        }
        if changed:
            await _update(writer, node, {**changed, "node_updated_at": now})


async def _overwrite(writer: RowWriter, nodes: Sequence[Node]) -> None:
    now = utc_now()
    for node in nodes:
        given = {k: v for k, v in vars(node).items() if k in column_names(type(node))}
        await _update(writer, node, {**given, "node_updated_at": now}, reload=True)


async def _update(
    writer: RowWriter, node: Node, changed: dict[str, Any], *, reload: bool = False
) -> None:
    check_label(changed.get("node_label"))
    if changed.get("node_parent_id") is not None:
        await _refuse_cycles(writer, [(changed["node_parent_id"], node.node_id)])
    here = node_table.c.node_id == node.node_id
    result = await writer.connection.execute(update(node_table).where(here).values(changed))
    if result.rowcount == 0:
        raise NodeNotFoundError(
            f"Node {node.node_id} cannot be updated: it does not exist any more. "
            "Write a new_node() instead."
        )
    if reload:
        names = column_names(type(node))
        row = (await writer.connection.execute(select(node_table).where(here))).mappings().one()
        changed = {name: row[name] for name in names}
    writer.note(node.node_id, changed.get("node_parent_id"), changed.get("node_label"))
    writer.on_success.append(lambda: _commit_changes(node, changed))


def _commit_changes(node: Node, changed: dict[str, Any]) -> None:
    if inspect(node).transient:
        _settle(node, changed)
        return
    for name, value in changed.items():
        set_committed_value(node, name, value)


async def read_nodes(filter: Filter) -> list[Node]:
    """Read the nodes that a filter finds, each as its own class, by id.

    Args:
        filter: Any filter, or several combined.

    Returns:
        The nodes, oldest id first; all of their columns are loaded.
    """
    return await select_nodes(filter.clause(), None)


async def read_node_or_none(filter: Filter) -> Node | None:
    """Read the one node that a filter finds, or ``None``.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
    """
    nodes = await select_nodes(filter.clause(), 2)
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
    query = select(select(node_table.c.node_id).where(filter.clause()).exists())
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
    ).where(columns.node_id.in_(select(subtree(filter.clause()).c.node_id)))
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


async def write_parent_child_relationships(
    pairs: Iterable[tuple[int | None, int]],
) -> None:
    """Hang nodes under other parents, all of them or none.

    Args:
        pairs: The parent's id, or ``None`` for a root, and the child's id.

    Raises:
        ParentNotFoundError: A parent does not exist.
        NodeNotFoundError: A child does not exist.
        CycleError: A node would become its own ancestor.
        LabelExistsError: A child's label is taken under its new parent.
    """
    moves = list(pairs)
    now = utc_now()
    async with row_writer() as writer:
        wanted = {node_id for pair in moves for node_id in pair if node_id is not None}
        query = select(node_table.c.node_id, node_table.c.node_label).where(
            among(node_table.c.node_id, wanted)
        )
        labels = {row.node_id: row.node_label for row in await writer.connection.execute(query)}
        for parent, child in moves:
            if parent is not None and parent not in labels:
                raise ParentNotFoundError(f"Node {parent} does not exist, so nothing hangs on it.")
            if child not in labels:
                raise NodeNotFoundError(f"Node {child} does not exist, so it cannot be moved.")
        await _refuse_cycles(writer, moves)
        for parent, child in moves:
            writer.note(child, parent, labels[child])
            await writer.connection.execute(
                update(node_table)
                .where(node_table.c.node_id == child)
                .values(node_parent_id=parent, node_updated_at=now)
            )


async def _refuse_cycles(writer: RowWriter, moves: Sequence[tuple[int | None, int]]) -> None:
    """Raise if the tree would have a cycle with these rows moved."""
    start = node_table.alias()
    parents = {parent for parent, _ in moves if parent is not None}
    above = walk(
        select(start.c.node_id).where(among(start.c.node_id, parents)), "node_id", "node_parent_id"
    )
    query = select(node_table.c.node_id, node_table.c.node_parent_id).where(
        node_table.c.node_id.in_(select(above.c.node_id))
    )
    parent_of: dict[int, int | None] = {
        row.node_id: row.node_parent_id for row in await writer.connection.execute(query)
    }
    parent_of |= {child: parent for parent, child in moves}
    for parent, child in moves:
        seen = {child}
        above_it = parent
        while above_it is not None:
            if above_it in seen:
                raise CycleError(
                    f"Node {child} cannot hang under node {parent}: it would become its own "
                    "ancestor. Nothing was changed."
                )
            seen.add(above_it)
            above_it = parent_of.get(above_it)
