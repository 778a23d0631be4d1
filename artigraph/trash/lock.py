"""Nodes locked and unlocked, with all below them: no unlocked row hangs under a locked one.

The database itself refuses to change a row with ``node_locked_at``: see
``artigraph.dialect.guard``. Whoever hangs something on a row looks whether it is locked.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement

from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.filter.base import Filter, limited_clause_of
from artigraph.node.closed import refuse_closed_parents
from artigraph.node.hold import hold_subtrees, mark
from artigraph.orm.base import utc_now

__all__ = ["lock_nodes", "unlock_nodes"]


async def lock_nodes(filter: Filter, *, everything: bool = False) -> int:
    """Lock the nodes that a filter finds, with all that hangs below them.

    The database then refuses to change, move or delete them, whoever asks, and nothing is hung
    below them. They are read as before, and may be tagged and noted on.

    Args:
        filter: Any filter, or several combined.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many rows were locked by this; those that were before stay as they are.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
        DatabaseBusyError: Others went on writing below them.
    """
    return await _lock(limited_clause_of(filter, everything, "be locked", "Nothing was locked."))


@retried
async def _lock(clause: ColumnElement[bool]) -> int:
    async with write() as transaction:
        held = await hold_subtrees(transaction, clause)
        return await mark(
            transaction.connection, held, lacking="node_locked_at", node_locked_at=utc_now()
        )


async def unlock_nodes(filter: Filter, *, everything: bool = False) -> int:
    """Unlock the nodes that a filter finds, with all that hangs below them.

    Args:
        filter: Any filter, or several combined.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many rows were unlocked.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
        LockedError: What one of them hangs on is locked, and is not among them.
    """
    clause = limited_clause_of(filter, everything, "be unlocked", "Nothing was unlocked.")
    return await _unlock(clause)


@retried
async def _unlock(clause: ColumnElement[bool]) -> int:
    async with write() as transaction:
        connection = transaction.connection
        held = await hold_subtrees(transaction, clause)
        above = set(held.tops.values()) - {None}
        so = "what hangs on it is unlocked with it only"
        await refuse_closed_parents(connection, above, so)  # type: ignore[arg-type]  # no None
        return await mark(connection, held, having="node_locked_at", node_locked_at=None)
