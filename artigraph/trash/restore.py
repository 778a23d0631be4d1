"""Trees taken out of the trash: hung where they were, or elsewhere. All of them or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.outcome import conflict
from artigraph.db.retry import retried
from artigraph.db.session import read, write
from artigraph.db.setting import current_store
from artigraph.db.transaction import Transaction
from artigraph.display.escape import cut
from artigraph.errors import (
    DatabaseRefusedError,
    FilterError,
    LabelExistsError,
    NodeNotFoundError,
    ParentNotFoundError,
    typed_in_magics,
)
from artigraph.filter.base import Filter, limited_clause_of
from artigraph.filter.relation import check_nodes, subtree
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import among
from artigraph.node.closed import (
    refuse_closed_parents,
    restore_in_magics,
    row_named,
    trashed_top,
)
from artigraph.node.hold import mark
from artigraph.node.key import id_of_parent
from artigraph.node.move import lock_moves, refuse_cycles_among
from artigraph.node.row import check_label
from artigraph.orm.node import NodeLike, node_table
from artigraph.orm.trash import TrashRecord
from artigraph.trash.entry import TrashEntry

__all__ = ["restore_nodes"]

_trash = TrashRecord.__table__
_columns = node_table.c


@dataclass(frozen=True)
class _Wanted:
    """What is to be given back, and where."""

    clause: ColumnElement[bool]
    parent_id: int | Unset | None
    label: str | None
    ids: tuple[int, ...] = ()
    """The ids, where any were given: all of them are to be found."""


async def restore_nodes(
    what: Filter | NodeLike | TrashEntry | Collection[NodeLike | TrashEntry],
    *,
    parent_id: NodeLike | Unset | None = UNSET,
    label: str | None = None,
    everything: bool = False,
) -> int:
    """Take nodes out of the trash, with all that hangs below them: all of them or none.

    Args:
        what: An entry of :func:`read_trash`, the id of a tree's topmost node or that node, or
            several of these; or a filter, of which the topmost nodes in the trash are asked.
        parent_id: What to hang them on, ``None`` for nothing; where they hung, unless given.
        label: What to call the one from now on; what it was called, unless given.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many rows were given back; 0 if a filter finds none.

    Raises:
        FilterError: Something else; a label for several; or the filter limits nothing, and
            ``everything`` is not said.
        NodeNotFoundError: It is not in the trash, or not the topmost node of its tree there.
        LabelExistsError: Something else is called so by now, where it is to hang.
        ParentNotFoundError: What it hung on is gone, or in the trash itself.
        LockedError: What it is to hang on is locked.
        CycleError: The trash says of something that it hung on what is below it.
    """
    wanted = _wanted(what, parent_id, label, everything)
    try:
        return await _restore(wanted)
    except DatabaseRefusedError as error:
        if isinstance(error.__cause__, IntegrityError):
            await _explain_label(wanted)
        raise


def _wanted(
    what: object, parent_id: NodeLike | Unset | None, label: str | None, everything: bool
) -> _Wanted:
    check_label(label)
    if parent_id is not UNSET and parent_id is not None:
        parent_id = id_of_parent(parent_id, label, current_store())
    if isinstance(what, Filter):
        # What it finds is what others do not: only that it limits something is asked of it.
        limited_clause_of(what, everything, "come back", "Nothing was restored.")
        return _Wanted(what.clause(), parent_id, label)
    given = [_bare(one) for one in what] if isinstance(what, list | tuple) else _bare(what)
    checked = check_nodes(
        "restore_nodes()",
        given,
        "an entry of read_trash(), an id, a node, several of them or a filter",
    )
    assert isinstance(checked, tuple)  # noqa: S101  # a filter is none of these
    return _Wanted(among(_columns.node_id, checked), parent_id, label, tuple(checked))


def _bare(given: object) -> object:
    return given.node_id if isinstance(given, TrashEntry) else given


@retried
async def _restore(wanted: _Wanted) -> int:
    async with write() as transaction:
        connection = transaction.connection
        # Nobody hangs what is above it below it meanwhile.
        await lock_moves(connection)
        entries = (await connection.execute(_entries(wanted).with_for_update())).all()
        there = {entry.trash_node_id for entry in entries}
        missing = next((one for one in wanted.ids if one not in there), None)
        if missing is not None or not entries:
            await _explain_none(connection, wanted.clause, missing)
            return 0
        if wanted.label is not None and len(entries) > 1:
            raise FilterError(
                f"One label is for one node, and {len(entries):,} were found. Nothing was "
                "restored. Restore them one by one."
            )
        if not isinstance(wanted.parent_id, Unset) and wanted.parent_id is not None:
            await _check_parent(connection, wanted.parent_id)
        return await _hang(transaction, wanted, entries)


def _entries(wanted: _Wanted) -> Any:
    return (
        select(_trash.c.trash_node_id, _trash.c.trash_parent_id, _columns.node_label)
        .join(node_table, _columns.node_id == _trash.c.trash_node_id)
        .where(wanted.clause, _columns.node_trashed_at.is_not(None))
        .order_by(_trash.c.trash_node_id)
    )


async def _hang(transaction: Transaction, wanted: _Wanted, entries: Sequence[Row[Any]]) -> int:
    connection = transaction.connection
    tops = [entry.trash_node_id for entry in entries]
    whole = subtree(among(_columns.node_id, tops))
    # What an older library has hung there since is in the trash no more than it was before.
    thrown = select(_columns.node_id).where(
        _columns.node_id.in_(select(whole.c.node_id)), _columns.node_trashed_at.is_not(None)
    )
    ids = (await connection.execute(thrown)).scalars().all()
    restored = await mark(connection, ids, having="node_trashed_at", node_trashed_at=None)
    if restored < len(ids):
        raise conflict("some of it was deleted or given back meanwhile")
    await connection.execute(
        delete(TrashRecord).where(among(_trash.c.trash_node_id, tops, changing=True))
    )
    if isinstance(wanted.parent_id, Unset):
        parents = {entry.trash_node_id: entry.trash_parent_id for entry in entries}
        await _check_old_parents(connection, parents, entries)
    else:
        parents = dict.fromkeys(tops, wanted.parent_id)
    if not set(ids).isdisjoint(parents.values()):
        # One hung on another of them, as far as the trash tells, whose rows may be anybody's.
        await refuse_cycles_among(connection, [(parent, top) for top, parent in parents.items()])
    if wanted.label is not None:
        await mark(connection, tops, node_label=wanted.label)
    below: dict[int, list[int]] = {}
    for node_id, parent in parents.items():
        if parent is not None:
            below.setdefault(parent, []).append(node_id)
    for parent, children in below.items():
        await mark(connection, children, node_parent_id=parent)
    return len(ids)


async def _check_parent(connection: AsyncConnection, parent_id: int) -> None:
    await refuse_closed_parents(connection, [parent_id])
    query = select(_columns.node_id).where(_columns.node_id == parent_id)
    if (await connection.execute(query)).first() is None:
        error = ParentNotFoundError(
            f"There is no node {parent_id} to hang it on. Nothing was restored. Give another "
            "one, or parent_id=None to hang it on nothing."
        )
        raise typed_in_magics(error, restore_in_magics(parent_id))


async def _check_old_parents(
    connection: AsyncConnection, parents: Mapping[int, int | None], entries: Sequence[Row[Any]]
) -> None:
    """See that what trees hung on is there, once they are in the trash no more."""
    above = {parent for parent in parents.values() if parent is not None}
    query = select(_columns.node_id, _columns.node_trashed_at).where(among(_columns.node_id, above))
    found = {row.node_id: row.node_trashed_at for row in await connection.execute(query)}
    for entry in entries:
        parent = parents[entry.trash_node_id]
        if parent is None or (parent in found and found[parent] is None):
            continue
        name = row_named(entry.trash_node_id, entry.node_label)
        in_magics = restore_in_magics(entry.trash_node_id)
        elsewhere = (
            f"hang it elsewhere: await restore_nodes({entry.trash_node_id}, parent_id=None), "
            "or with the id of a node"
        )
        if parent not in found:
            deleted = ParentNotFoundError(
                f"{name} hung on node {parent}, which was deleted. Nothing was restored. You may "
                f"{elsewhere}."
            )
            raise typed_in_magics(deleted, in_magics)
        top = await trashed_top(connection, parent)
        assert top is not None  # noqa: S101  # it is in the trash
        error = ParentNotFoundError(
            f"{name} hung on node {parent}, which is in the trash itself. Nothing was restored. "
            f"Restore that first: await restore_nodes({top.node_id}); or {elsewhere}."
        )
        raise typed_in_magics(error, in_magics | restore_in_magics(top.node_id))
    await refuse_closed_parents(connection, above)


async def _explain_none(
    connection: AsyncConnection, clause: ColumnElement[bool], missing: int | None
) -> None:
    """Say why nothing is to be given back, of one thing that was asked for or of a filter.

    Raises:
        NodeNotFoundError: It is not in the trash, or not the topmost of its tree there.
    """
    query = (
        select(_columns.node_id, _columns.node_label, _columns.node_trashed_at)
        .where(clause if missing is None else _columns.node_id == missing)
        .order_by(_columns.node_trashed_at.is_(None), _columns.node_id)
        .limit(1)
    )
    row = (await connection.execute(query)).first()
    if row is not None and row.node_trashed_at is not None:
        top = await trashed_top(connection, row.node_id)
        assert top is not None  # noqa: S101  # it is in the trash
        called = "" if top.node_label is None else f" ({cut(repr(top.node_label), 80)})"
        inner = NodeNotFoundError(
            f"{row_named(row.node_id, row.node_label)} is in the trash with node {top.node_id}"
            f"{called}, which it hangs below. Nothing was restored. Restore that: "
            f"await restore_nodes({top.node_id})"
        )
        raise typed_in_magics(inner, restore_in_magics(top.node_id))
    if missing is not None:
        what = "is neither here nor in the trash" if row is None else "is not in the trash"
        error = NodeNotFoundError(
            f"Node {missing} {what}, so it cannot be restored. Nothing was restored. "
            "await read_trash() lists what can."
        )
        raise typed_in_magics(error, restore_in_magics(missing))


async def _explain_label(wanted: _Wanted) -> None:
    """Say which label is taken by now.

    Raises:
        LabelExistsError: One is.
    """
    other = node_table.alias()
    async with read() as connection:
        entries = (await connection.execute(_entries(wanted))).all()
        seen: set[tuple[int, str]] = set()
        for entry in entries:
            given = wanted.parent_id
            parent = entry.trash_parent_id if isinstance(given, Unset) else given
            label = entry.node_label if wanted.label is None else wanted.label
            query = select(other.c.node_id).where(
                other.c.node_parent_id == parent, other.c.node_label == label
            )
            owner = (await connection.execute(query)).scalar()
            if owner is not None or (parent, label) in seen:
                whose = "of another that was to come back" if owner is None else f"of node {owner}"
                taken = LabelExistsError(
                    f"Node {entry.trash_node_id} cannot hang under node {parent} as "
                    f"{cut(repr(label), 80)}: that is the label {whose} by now. Nothing was "
                    f"restored. Call it otherwise: await restore_nodes({entry.trash_node_id}, "
                    'label="…"); or hang it elsewhere with parent_id=…'
                )
                raise typed_in_magics(taken, restore_in_magics(entry.trash_node_id)) from None
            if parent is not None and label is not None:
                seen.add((parent, label))
