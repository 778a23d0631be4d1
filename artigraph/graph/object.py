"""Node objects and their rows: written from one, filled in from the other.

An object is changed only once its transaction has held. Should the session
around that be rolled back later, the object is what it was before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import make_transient, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from artigraph.db.store import Store, check_store, note_stores
from artigraph.errors import NodeNotFoundError
from artigraph.filter.value import among
from artigraph.graph.move import refuse_cycles
from artigraph.graph.row import NewRow, RowWriter, check_label
from artigraph.orm.base import utc_now
from artigraph.orm.node import Node, column_names, node_table

__all__ = ["detached", "insert_nodes", "update_nodes"]

N = TypeVar("N", bound=Node)


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
        writer.when_done(partial(_fill, node, row, writer.store), undo=_remembering(node))
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


def _fill(node: Node, row: NewRow, store: Store | None) -> None:
    _settle(node, {**dict.fromkeys(column_names(type(node))), **row.all_columns()}, store)


def _settle(node: Node, columns: Mapping[str, Any], store: Store | None) -> None:
    """Make an object what it would be had SQLAlchemy just read it."""
    vars(node).update(columns)
    note_stores((node,), store)
    if inspect(node).transient:
        make_transient_to_detached(node)
    # The object was its parent's only as long as that had no id.
    set_committed_value(node, "_unwritten_parent", None)


def _remembering(node: Node) -> Callable[[], None]:
    """What makes a new object new again, should its row be rolled back after all."""
    columns = {name: vars(node)[name] for name in column_names(type(node)) if name in vars(node)}
    parent = vars(node).get("_unwritten_parent")

    def forget() -> None:
        make_transient(node)
        note_stores((node,), None)
        for name in column_names(type(node)):
            vars(node).pop(name, None)
        for name, value in columns.items():
            setattr(node, name, value)
        vars(node).pop("_unwritten_parent", None)
        if parent is not None:
            node._unwritten_parent = parent

    return forget


def detached(node_type: type[N], columns: Mapping[str, Any], store: Store | None) -> N:
    """An object for a row that was read or written without SQLAlchemy's objects.

    Args:
        node_type: Its class.
        columns: The row's values by name; what is none of its columns is left out, and
            columns without a value become ``None``.
        store: The store that the row is in.
    """
    node = node_type()
    _settle(node, {name: columns.get(name) for name in column_names(node_type)}, store)
    return node


async def update_nodes(writer: RowWriter, nodes: Sequence[Node]) -> None:
    """Update the columns that were changed since the nodes were read or written.

    Raises:
        OtherStoreError: One is of another store; none is updated.
    """
    for node in nodes:
        check_store(node, writer.store)
    changes = [
        {
            attribute.key: attribute.value
            for attribute in inspect(node).attrs
            if attribute.key in column_names(type(node)) and attribute.history.has_changes()
        }
        for node in nodes
    ]
    await _update_all(writer, nodes, changes)


async def _overwrite(writer: RowWriter, nodes: Sequence[Node]) -> None:
    given = [
        {k: v for k, v in vars(node).items() if k in column_names(type(node))} for node in nodes
    ]
    await _update_all(writer, nodes, given, reload=True)


async def _update_all(
    writer: RowWriter,
    nodes: Sequence[Node],
    changes: Sequence[Mapping[str, Any]],
    *,
    reload: bool = False,
) -> None:
    await refuse_cycles(
        writer,
        [
            (changed["node_parent_id"], node.node_id)
            for node, changed in zip(nodes, changes, strict=True)
            if "node_parent_id" in changed
        ],
    )
    now = utc_now()
    for node, changed in zip(nodes, changes, strict=True):
        if changed:
            await _update(writer, node, {**changed, "node_updated_at": now}, reload=reload)


async def _update(
    writer: RowWriter, node: Node, changed: dict[str, Any], *, reload: bool = False
) -> None:
    check_label(changed.get("node_label"))
    now = {**vars(node), **changed}
    writer.note(node.node_id, now.get("node_parent_id"), now.get("node_label"))
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
    undo = _remembering(node) if inspect(node).transient else partial(_mark_changed, node, changed)
    writer.when_done(partial(_commit_changes, node, changed, writer.store), undo=undo)


def _commit_changes(node: Node, changed: dict[str, Any], store: Store | None) -> None:
    if inspect(node).transient:
        _settle(node, changed, store)
        return
    for name, value in changed.items():
        set_committed_value(node, name, value)


def _mark_changed(node: Node, changed: Mapping[str, Any]) -> None:
    """Have the next write send again what was rolled back."""
    for name, value in changed.items():
        set_committed_value(node, name, None)
        setattr(node, name, value)
