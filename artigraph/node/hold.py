"""Whole trees of rows, kept as they are until the transaction ends.

Whoever hangs a row on another one shares that one first. So when all rows of a tree are locked,
and nothing hangs on them that is not, nothing comes to hang there before the transaction ends.
Where one writes at a time nothing need be locked, nor be known but the topmost rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, column, func, select, table as bare_table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.transaction import Transaction
from artigraph.dialect.registry import dialect_of
from artigraph.filter.relation import subtree, walk
from artigraph.filter.value import among
from artigraph.orm.node import node_table

__all__ = ["Held", "hold_subtrees", "mark"]

_columns = node_table.c


@dataclass(frozen=True)
class Held:
    """Rows that were found, with all below them."""

    tops: Mapping[int, int | None]
    """Those that are not below another of them, with what they hang on."""
    parents: Mapping[int, int | None] | None = None
    """All of them with what they hang on; ``None`` where they need not be known."""

    def among(self, node_id: ColumnElement[int], *, changing: bool = False) -> ColumnElement[bool]:
        """A clause that finds them.

        Args:
            node_id: The column with a row's id.
            changing: As for :func:`artigraph.filter.value.among`.
        """
        if self.parents is not None:
            return among(node_id, self.parents, changing=changing)
        # A driver counts the rows of what begins as an UPDATE.
        whole = subtree(among(_columns.node_id, self.tops), nesting=True)
        return node_id.in_(select(whole.c.node_id))

    async def counts(self, connection: AsyncConnection) -> Mapping[int, int]:
        """How many rows each topmost one has, itself counted."""
        if self.parents is None:
            start, child = node_table.alias(), node_table.alias()
            first = select(start.c.node_id.label("top_id"), start.c.node_id.label("node_id"))
            # UNION keeps a pair once, and so ends on a cycle.
            below = first.where(among(start.c.node_id, self.tops)).cte(recursive=True)
            below = below.union(
                select(below.c.top_id, child.c.node_id).join(
                    below, child.c.node_parent_id == below.c.node_id
                )
            )
            counts = select(below.c.top_id, func.count()).group_by(below.c.top_id)
            return dict(map(tuple, (await connection.execute(counts)).all()))
        top_of = {top: top for top in self.tops}
        for node_id in self.parents:
            way = []
            at: int | None = node_id
            while at is not None and at not in top_of:
                way.append(at)
                at = self.parents.get(at)
            if at is not None:
                top_of |= dict.fromkeys(way, top_of[at])
        return Counter(top_of.values())


async def hold_subtrees(transaction: Transaction, clause: ColumnElement[bool]) -> Held:
    """Lock what a clause finds, and all below it, as it is and not as it was.

    What somebody moves away before it is locked is not held; what somebody hangs below is.

    Args:
        transaction: They stay locked until it ends.
        clause: What finds them.
    """
    connection = transaction.connection
    database = dialect_of(connection)
    if not database.is_server:  # nobody else writes
        return Held(await _topmost(connection, clause))
    walked = select(_columns.node_id).where(_columns.node_id.in_(select(subtree(clause).c.node_id)))
    parents = await _locked(connection, (await connection.execute(walked)).scalars())
    tops = [one for one, above in parents.items() if above not in parents]
    # What was renamed or moved before it could be locked may not be what was asked for; and
    # rows that hang in a circle have no top.
    query = select(_columns.node_id).where(among(_columns.node_id, tops or parents), clause)
    if database.shows_first_read:
        query = query.with_for_update()
    still = sorted((await connection.execute(query)).scalars())[: None if tops else 1]
    if len(still) < len(tops):
        parents = _below(parents, still)
    return Held({top: parents[top] for top in still}, parents)


async def _topmost(
    connection: AsyncConnection, clause: ColumnElement[bool]
) -> dict[int, int | None]:
    """What a clause finds, with what it hangs on, without what is below another of them."""
    found = select(_columns.node_id, _columns.node_parent_id).where(clause)
    tops: dict[int, int | None] = dict(map(tuple, (await connection.execute(found)).all()))
    if len(tops) < 2:
        return tops
    child = node_table.alias()
    below = walk(
        select(child.c.node_id).where(among(child.c.node_parent_id, tops)),
        "node_parent_id",
        "node_id",
    )
    inner = select(_columns.node_id).where(
        among(_columns.node_id, tops), _columns.node_id.in_(select(below.c.node_id))
    )
    not_top = set((await connection.execute(inner)).scalars())
    # Rows that hang in a circle have no top.
    chosen = {top: above for top, above in tops.items() if top not in not_top}
    return chosen or dict([min(tops.items())])


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


async def mark(
    connection: AsyncConnection,
    rows: Held | Collection[int],
    *,
    having: str = "",
    lacking: str = "",
    **values: Any,
) -> int:
    """Set columns of some rows, which is no news of what they hold.

    So ``node_updated_at`` stays what it was.

    Args:
        connection: In a transaction that holds the rows.
        rows: The rows, or their ids.
        having: A column; rows without a value there stay as they are.
        lacking: A column; rows with a value there stay as they are.
        **values: What to set, by column.

    Returns:
        How many rows it were.
    """
    if not (rows.tops if isinstance(rows, Held) else rows):
        return 0
    # Not the table's own columns, which say what an update of a row does to its times.
    types = {c.name: c.type for c in node_table.columns}
    names = dict.fromkeys(("node_id", *values, *filter(None, (having, lacking))))
    into = bare_table(node_table.name, *(column(name, types[name]) for name in names))
    here = (
        rows.among(into.c.node_id, changing=True)
        if isinstance(rows, Held)
        else among(into.c.node_id, rows, changing=True)
    )
    statement = update(into).where(here).values(values)
    if having:
        statement = statement.where(into.c[having].is_not(None))
    if lacking:
        statement = statement.where(into.c[lacking].is_(None))
    return (await connection.execute(statement)).rowcount
