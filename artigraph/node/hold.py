"""Whole trees of rows, kept as they are until the transaction ends.

Whoever hangs a row on another one shares that one first. So when all rows of a tree are locked,
and nothing hangs on them that is not, nothing comes to hang there before the transaction ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.transaction import Transaction
from artigraph.dialect.registry import dialect_of
from artigraph.filter.relation import subtree
from artigraph.filter.value import among
from artigraph.orm.node import node_table

__all__ = ["Held", "hold_subtrees"]

_columns = node_table.c


@dataclass(frozen=True)
class Held:
    """Rows that were found, with all below them."""

    parents: Mapping[int, int | None]
    """The parent of each, by id."""
    tops: tuple[int, ...]
    """Those that are not below another of them, by id."""

    def counts(self) -> dict[int, int]:
        """How many rows each topmost one has, itself counted."""
        if len(self.tops) == 1:
            return {self.tops[0]: len(self.parents)}
        top_of = {top: top for top in self.tops}
        for start in self.parents:
            way, at = [], start
            while at not in top_of:
                way.append(at)
                above = self.parents[at]
                if above is None or above not in self.parents:  # of a circle that was cut
                    break
                at = above
            top_of |= dict.fromkeys(way, top_of.get(at, self.tops[0]))
        return dict(Counter(top_of.values()))


async def hold_subtrees(transaction: Transaction, clause: ColumnElement[bool]) -> Held:
    """Lock what a clause finds, and all below it, as it is and not as it was.

    What somebody moves away before it is locked is not held; what somebody hangs below is.

    Args:
        transaction: They stay locked until it ends.
        clause: What finds them.
    """
    connection = transaction.connection
    database = dialect_of(connection)
    walked = select(_columns.node_id, _columns.node_parent_id).where(
        _columns.node_id.in_(select(subtree(clause).c.node_id))
    )
    rows = (await connection.execute(walked)).all()
    parents: dict[int, int | None] = {row.node_id: row.node_parent_id for row in rows}
    if not database.is_server:  # nobody else writes
        return Held(parents, _tops(parents))
    parents = await _locked(connection, parents)
    tops = _tops(parents)
    # What was renamed or moved before it could be locked may not be what was asked for.
    query = select(_columns.node_id).where(among(_columns.node_id, tops), clause)
    if database.shows_first_read:
        query = query.with_for_update()
    still = set((await connection.execute(query)).scalars())
    if len(still) < len(tops):
        parents = _below(parents, still)
        tops = tuple(sorted(still))
    return Held(parents, tops)


async def _locked(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, int | None]:
    """Those rows, and all that hangs below them once they are locked."""
    shows_first_read = dialect_of(connection).shows_first_read
    parents: dict[int, int | None] = {}
    new = set(ids)
    while new:
        query = select(_columns.node_id, _columns.node_parent_id).order_by(_columns.node_id)
        # In one order, so that two who lock the same rows do not wait for each other.
        locking = query.where(among(_columns.node_id, new)).with_for_update()
        parents |= dict(map(tuple, (await connection.execute(locking)).all()))
        below = select(_columns.node_id).where(among(_columns.node_parent_id, new))
        if shows_first_read:
            below = below.with_for_update()
        new = set((await connection.execute(below)).scalars()) - parents.keys()
    return parents


def _tops(parents: Mapping[int, int | None]) -> tuple[int, ...]:
    tops = tuple(sorted(one for one, above in parents.items() if above not in parents))
    # Rows that hang in a circle have none.
    return tops or tuple(sorted(parents)[:1])


def _below(parents: Mapping[int, int | None], tops: Iterable[int]) -> dict[int, int | None]:
    children: dict[int | None, list[int]] = {}
    for one, above in parents.items():
        children.setdefault(above, []).append(one)
    found: dict[int, int | None] = {}
    ahead = list(tops)
    while ahead:
        at = ahead.pop()
        if at not in found:
            found[at] = parents[at]
            ahead += children.get(at, ())
    return found
