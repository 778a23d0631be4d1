"""Node objects and their rows: written from one, filled in from the other.

An object is changed only once its transaction has held. Should the session
around that be rolled back later, the object is what it was before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    TableClause,
    Update,
    column,
    inspect,
    select,
    table as bare_table,
    update,
)
from sqlalchemy.orm import make_transient, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from artigraph.db.store import Store, check_store, note_stores
from artigraph.dialect.registry import dialect_of
from artigraph.errors import NodeNotFoundError, SerializationError
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.node.chosen import WHO, settle_chosen, without_unchosen
from artigraph.node.closed import in_trash, refuse_closed_parents
from artigraph.node.column import check_values, fill_in, made_on_insert, made_on_update
from artigraph.node.key import as_id, id_of_parent
from artigraph.node.move import lock_moves, refuse_cycles
from artigraph.node.row import NewRow, RowWriter, check_label, refuse_too_long
from artigraph.orm.base import utc_now
from artigraph.orm.node import Node, column_names, columns_of, node_table
from artigraph.orm.snapshot import Copies, changed_in_place, copies_of, note_copies
from artigraph.orm.uid import uid_of

__all__ = ["detached", "insert_nodes", "update_nodes", "write_objects"]

N = TypeVar("N", bound=Node)


async def write_objects(writer: RowWriter, nodes: Sequence[Node]) -> None:
    """Insert the new ones among some nodes, and update the others, in a running transaction.

    A label may go from one of them to another: they are valid as a whole.

    Raises:
        OtherStoreError: One is of another store; none is written.
        SerializationError: A column would not keep its value.
    """
    new = [node for node in nodes if not inspect(node).has_identity]
    known = [node for node in nodes if inspect(node).has_identity]
    changes = _changes_of(writer, known)
    await _make_way(writer, known, changes, others=bool(new))
    await insert_nodes(writer, new, last=not known)
    await _update_all(writer, known, changes)


async def _make_way(
    writer: RowWriter, nodes: Sequence[Node], changes: Sequence[Mapping[str, Any]], *, others: bool
) -> None:
    """Let go of the labels and parents that are about to change: another row may want them."""
    moved = {n.node_id for n, changed in zip(nodes, changes, strict=True) if _PARENT in changed}
    renamed = {n.node_id for n, changed in zip(nodes, changes, strict=True) if _LABEL in changed}
    if len(moved | renamed) + others < 2:
        return
    if moved:
        await lock_moves(writer.connection)
    for name, ids in ((_PARENT, moved), (_LABEL, renamed - moved)):
        if ids:
            # Not the table's own columns, which may say what to do on an update.
            into = bare_table(node_table.name, column("node_id"), column(name))
            await writer.connection.execute(
                update(into).where(among(into.c.node_id, ids, changing=True)).values({name: None})
            )


async def insert_nodes(
    writer: RowWriter,
    nodes: Sequence[Node],
    *,
    above: NewRow | int | None = None,
    last: bool = False,
) -> list[NewRow]:
    """Insert new nodes in a running transaction; they are filled in when it has held.

    A node whose id was chosen and exists becomes an update of that row.

    Args:
        writer: The transaction.
        nodes: The nodes.
        above: What those hang on that name no parent.
        last: Nothing else is done in the transaction after this.

    Returns:
        Their rows, in their order.

    Raises:
        SerializationError: A column would not keep its value.
    """
    for node in nodes:
        if node.node_id is not None:
            node.node_id = _chosen(node)
    chosen = [node.node_id for node in nodes if node.node_id is not None]
    existing: set[int] = set()
    if chosen:
        query = select(node_table.c.node_id).where(among(node_table.c.node_id, chosen))
        existing = set((await writer.connection.execute(query)).scalars())
    new = [node for node in nodes if node.node_id not in existing]
    with collector_paused():
        given = [_given(node) for node in new]
        copies = [
            copies_of(node.__node_documents__, values)
            for node, values in zip(new, given, strict=True)
        ]
        for node, values in zip(new, given, strict=True):
            fill_in(type(node), values, "default")
        check_values(writer.connection.dialect, zip(map(type, new), given, strict=True))
        rows = [_new_row(node, values, above) for node, values in zip(new, given, strict=True)]
    there = [node for node in nodes if node.node_id in existing]
    written = [
        {k: v for k, v in vars(node).items() if k in column_names(type(node))} for node in there
    ]
    for node, values in zip(there, written, strict=True):
        settle_chosen(node, values)
    await _make_way(writer, there, written, others=bool(new))
    made: dict[int | None, dict[str, Any]] = {}
    with collector_paused():
        for node, row, copied in zip(new, rows, copies, strict=True):
            writer.when_done(partial(_fill, node, row, made, copied), undo=_remembering(node))
    asks_back = any(map(made_on_insert, set(map(type, new))))
    await writer.insert(rows, last=last and not there and not asks_back)
    if asks_back:
        made |= await _read_made(writer, new, rows)
    await _update_all(writer, there, written, reload=True)
    return rows


def _chosen(node: Node) -> int:
    number = as_id(node.node_id)
    if number is None:
        raise SerializationError(
            f"{type(node).__name__}.node_id = {node.node_id!r} is no id, which is an integer of 64 "
            "bits. Leave it out: the database counts. Nothing was written."
        )
    return number


_LABEL, _PARENT, _UPDATED = "node_label", "node_parent_id", "node_updated_at"
_OWN = ("node_id", _LABEL, _PARENT)


def _given(node: Node) -> dict[str, Any]:
    """The values that a new node has, by attribute; times and uid only if somebody chose them."""
    values = vars(node)
    named = {n: values[n] for n in columns_of(type(node)) if n in values and n != "node_type"}
    given = without_unchosen(named)
    settle_chosen(node, given)
    return given


def _new_row(node: Node, given: dict[str, Any], above: NewRow | int | None) -> NewRow:
    node_id, label, parent_id = (given.get(name) for name in _OWN)
    columns = columns_of(type(node))
    rest = {columns[name].key: value for name, value in given.items() if name not in _OWN}
    return NewRow(type(node), label, above if parent_id is None else parent_id, rest, node_id)


async def _read_made(
    writer: RowWriter, nodes: Sequence[Node], rows: Sequence[NewRow]
) -> dict[int | None, dict[str, Any]]:
    """What the database itself has put into new rows, by their ids."""
    by_class = {node_type: made_on_insert(node_type) for node_type in set(map(type, nodes))}
    names: set[str] = set()
    ids = []
    for node, row in zip(nodes, rows, strict=True):
        made = by_class[type(node)] - row.columns.keys()
        if made:
            names |= made
            ids.append(row.node_id)
    columns = [node_table.c[name] for name in sorted(names)]
    query = select(node_table.c.node_id, *columns).where(among(node_table.c.node_id, ids))
    found = (await writer.connection.execute(query)).all()
    return {
        node_id: {column.key: value for column, value in zip(columns, values, strict=True)}
        for node_id, *values in found
    }


def _fill(
    node: Node, row: NewRow, made: Mapping[int | None, Mapping[str, Any]], copies: Copies
) -> None:
    values = {**row.all_columns(), **made.get(row.node_id, {})}
    _settle(node, _by_attribute(type(node), values), row.store)
    note_copies(node, copies)


def _by_attribute(node_type: type[Node], row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's values by attribute; those that it lacks are ``None``."""
    values = {name: row.get(column.key) for name, column in columns_of(node_type).items()}
    if isinstance(uid := values.get("node_uid"), bytes):
        values["node_uid"] = uid_of(uid)
    return values


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
    _settle(node, _by_attribute(node_type, columns), store)
    return node


async def update_nodes(writer: RowWriter, nodes: Sequence[Node]) -> None:
    """Update the columns that were changed since the nodes were read or written.

    Raises:
        OtherStoreError: One is of another store; none is updated.
        SerializationError: A column would not keep its value.
    """
    await _update_all(writer, nodes, _changes_of(writer, nodes))


def _changes_of(writer: RowWriter, nodes: Sequence[Node]) -> list[dict[str, Any]]:
    changes = []
    for node in nodes:
        check_store(node, writer.store)
        names = column_names(type(node))
        changed = {
            attribute.key: attribute.value
            for attribute in inspect(node).attrs
            if attribute.key in names and attribute.history.has_changes()
        }
        if type(node).__node_documents__:
            changed |= {name: vars(node)[name] for name in changed_in_place(node)}
        if changed and _UPDATED in inspect(node).committed_state:
            # Chosen, though it may be the time that it has already.
            changed[_UPDATED] = vars(node)[_UPDATED]
        settle_chosen(node, changed)
        if changed:
            fill_in(type(node), changed, "onupdate")
        changes.append(changed)
    return changes


async def _update_all(
    writer: RowWriter,
    nodes: Sequence[Node],
    changes: Sequence[dict[str, Any]],
    *,
    reload: bool = False,
) -> None:
    moves = []
    for node, changed in zip(nodes, changes, strict=True):
        if "node_parent_id" in changed:
            parent = changed["node_parent_id"]
            if parent is not None:
                parent = changed["node_parent_id"] = id_of_parent(
                    parent, node.node_label, writer.store
                )
            moves.append((parent, node.node_id))
    await refuse_cycles(writer, moves)
    above = {parent for parent, _ in moves if parent is not None}
    await refuse_closed_parents(writer.connection, above)
    now = utc_now()
    for node, changed in zip(nodes, changes, strict=True):
        if changed:
            await _update(writer, node, changed, now, reload=reload)


async def _update(
    writer: RowWriter, node: Node, given: Mapping[str, Any], now: datetime, *, reload: bool
) -> None:
    changed = {name: value for name, value in given.items() if name not in WHO}
    changed["node_updated_at"] = given.get("node_updated_at") or now
    if (author := writer.transaction.author) is not None:
        changed["node_updated_by"] = author
    check_label(changed.get("node_label"))
    copies = copies_of(node.__node_documents__, changed)
    check_values(writer.connection.dialect, [(type(node), changed)])
    then = {**vars(node), **changed}
    uid = changed.get("node_uid")
    writer.note(node.node_id, then.get("node_parent_id"), then.get("node_label"), uid)
    row = NewRow(type(node), then.get(_LABEL), None, {})
    if dialect_of(writer.connection).statement_limit is not None:
        await writer.connection.run_sync(refuse_too_long, row, changed)
    columns = columns_of(type(node))
    statement = _update_row(node.node_id, {columns[name]: value for name, value in changed.items()})
    if not (await writer.connection.execute(statement)).rowcount:
        if (error := await in_trash(writer.connection, node.node_id)) is not None:
            raise error
        raise NodeNotFoundError(
            f"Node {node.node_id} cannot be updated: it does not exist any more. "
            "Write a new_node() instead."
        )
    # Who has written it is what the database says, whatever the object did.
    again = set(columns) if reload else made_on_update(type(node), changed) | given.keys() & WHO
    if again:
        query = select(*(columns[name].label(name) for name in again))
        query = query.where(node_table.c.node_id == node.node_id)
        changed |= (await writer.connection.execute(query)).mappings().one()
    changed["node_updated_by"] = writer.transaction.user
    undo = _remembering(node) if inspect(node).transient else partial(_mark_changed, node, given)
    writer.when_done(partial(_commit_changes, node, changed, copies, writer.store), undo=undo)


def _update_row(node_id: int, new: Mapping[Column[Any], Any]) -> Update:
    """The statement that updates these columns of a row and no others."""
    here = node_table.c.node_id
    into: TableClause = node_table
    if any(c.onupdate is not None and c not in new for c in node_table.columns):
        # Columns of other classes are not to be touched by what they say of an update.
        own = (here, node_table.c.node_trashed_at, *new)
        into = bare_table(node_table.name, *(column(c.name, c.type) for c in own))
    return (
        update(into)
        .where(into.c.node_id == node_id, into.c.node_trashed_at.is_(None))
        .values({c.name: value for c, value in new.items()})
    )


def _commit_changes(
    node: Node, changed: dict[str, Any], copies: Copies, store: Store | None
) -> None:
    if inspect(node).transient:
        _settle(node, changed, store)
    else:
        for name, value in changed.items():
            set_committed_value(node, name, value)
    note_copies(node, copies)


def _mark_changed(node: Node, changed: Mapping[str, Any]) -> None:
    """Have the next write send again what was rolled back."""
    for name, value in changed.items():
        set_committed_value(node, name, None)
        # Without a value before it, None is a change as well.
        vars(node).pop(name)
        setattr(node, name, value)
