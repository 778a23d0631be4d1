"""Nodes thrown away: found by nothing, and there until the trash is emptied.

The rows stay, with the moment in ``node_trashed_at``. The topmost one hangs on nothing
meanwhile, so its label is free; where it hung is in a row of ``artigraph_trash``. So all
below a row in the trash is in the trash, and what hangs on a row that is not, is not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, insert, select

from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.db.transaction import Transaction
from artigraph.errors import DatabaseRefusedError, FilterError
from artigraph.filter.base import PRESENT, Filter, limited_clause_of
from artigraph.filter.relation import subtree
from artigraph.node.closed import naming_locked, row_named
from artigraph.node.delete import delete_in
from artigraph.node.hold import hold_subtrees, mark
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.trash import TrashRecord

__all__ = ["empty_trash", "trash_nodes"]

_trash = TrashRecord.__table__


async def trash_nodes(filter: Filter, *, everything: bool = False) -> int:
    """Throw the nodes away that a filter finds, with all that hangs below them.

    No read finds them then, and their labels are free at once; values stay where they are.
    :func:`restore_nodes` gives them back, :func:`empty_trash` deletes them for good.

    Args:
        filter: Any filter, or several combined.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many rows went to the trash. What is there already is not found again.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
        LockedError: One of them is locked, or something below.
        DatabaseBusyError: Others went on writing below them.
    """
    return await _throw_away(
        limited_clause_of(filter, everything, "go", "Nothing was thrown away.")
    )


@retried
async def _throw_away(clause: ColumnElement[bool]) -> int:
    async with naming_locked(clause), write() as transaction:
        connection = transaction.connection
        held = await hold_subtrees(transaction, clause)
        if not held.tops:
            return 0
        counts = await held.counts(connection) if len(held.tops) > 1 else {}
        now, tops = utc_now(), list(held.tops)
        count = await mark(connection, tops, node_parent_id=None, node_trashed_at=now)
        count += await mark(connection, held, lacking="node_trashed_at", node_trashed_at=now)
        rows = [
            {
                "trash_node_id": top,
                "trash_parent_id": above,
                "trash_count": counts.get(top, count),
                "trash_at": now,
            }
            for top, above in held.tops.items()
        ]
        await connection.execute(insert(TrashRecord).values(trash_by=transaction.user), rows)
        return count


async def empty_trash(*, older_than: timedelta | None = None) -> int:
    """Delete what is in the trash for good.

    Blobs that no row names any more are removed once the rows are gone, as by
    :func:`delete_nodes`.

    Args:
        older_than: Leave alone what was thrown away since; all of the trash goes unless given.

    Returns:
        How many rows were deleted.

    Raises:
        FilterError: It is no age, or a negative one.
        DatabaseBusyError: Others were giving the same back.
        DatabaseRefusedError: Rows of another table, of your own, refer to one of them; or an
            older artigraph has hung something below one.
    """
    if older_than is not None and (
        not isinstance(older_than, timedelta) or older_than < timedelta(0)
    ):
        raise FilterError(
            f"older_than is a time that has passed, not {older_than!r}. Nothing was deleted. For "
            "all of the trash leave it out, or say older_than=timedelta(days=30)."
        )
    return await _empty(None if older_than is None else utc_now() - older_than)


@retried
async def _empty(before: datetime | None) -> int:
    async with write() as transaction:
        tops = select(_trash.c.trash_node_id)
        if before is not None:
            tops = tops.where(_trash.c.trash_at <= before)
        c = node_table.c
        thrown = and_(c.node_trashed_at.is_not(None), c.node_id.in_(tops))
        await _refuse_open(transaction, thrown)
        return await delete_in(transaction, thrown)


async def _refuse_open(transaction: Transaction, thrown: ColumnElement[bool]) -> None:
    """Refuse to delete what an older library, which sees no trash, has hung on what is there."""
    c = node_table.c
    query = select(c.node_id, c.node_label).where(
        c.node_id.in_(select(subtree(thrown).c.node_id)), PRESENT
    )
    row = (await transaction.connection.execute(query.limit(1))).first()
    if row is not None:
        raise DatabaseRefusedError(
            f"{row_named(row.node_id, row.node_label)} hangs below what is in the trash, and is "
            "not in the trash itself: an older artigraph has hung it there. Nothing was deleted. "
            f"Throw it away as well: await trash_nodes(NodeFilter(node_id={row.node_id})); or "
            "restore what it hangs on."
        )
