"""Nodes hung under other parents, never under what is below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.retry import retried
from artigraph.dialect.base import MOVES
from artigraph.dialect.registry import dialect_of
from artigraph.errors import CycleError, FilterError, NodeNotFoundError, ParentNotFoundError
from artigraph.filter.base import PRESENT
from artigraph.filter.relation import walk
from artigraph.filter.unset import NOT_WRITTEN
from artigraph.filter.value import among
from artigraph.node.closed import closed_column, in_trash, refuse_closed_parents
from artigraph.node.key import as_id
from artigraph.node.row import RowWriter, row_writer
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table

__all__ = [
    "lock_moves",
    "refuse_cycles",
    "refuse_cycles_among",
    "write_parent_child_relationships",
]


async def write_parent_child_relationships(
    pairs: Iterable[tuple[int | None, int]],
) -> None:
    """Hang nodes under other parents, all of them or none.

    Args:
        pairs: The parent's id, or ``None`` for a root, and the child's id.

    Raises:
        ParentNotFoundError: A parent does not exist.
        NodeNotFoundError: A child does not exist.
        FilterError: A child without an id: a node that is not written yet.
        CycleError: A node would become its own ancestor.
        LabelExistsError: A child's label is taken under its new parent.
        LockedError: A child is locked, or a parent.
    """
    moves = list(pairs)
    for parent, child in moves:
        if child is None:
            raise FilterError(f"None cannot be hung under {parent}. {NOT_WRITTEN}")
        for node_id in (parent, child):
            if node_id is not None and as_id(node_id) is None:
                raise NodeNotFoundError(f"Node {node_id!r} does not exist: that is no id.")
    await _move(moves)


@retried
async def _move(moves: Sequence[tuple[int | None, int]]) -> None:
    now = utc_now()
    async with row_writer() as writer:
        await _lock_moves(writer.connection, moves)
        wanted = {node_id for pair in moves for node_id in pair if node_id is not None}
        above = {parent for parent, _ in moves if parent is not None}
        query = select(
            node_table.c.node_id, node_table.c.node_label, closed_column(writer.connection, above)
        ).where(among(node_table.c.node_id, wanted), PRESENT)
        rows = (await writer.connection.execute(query)).all()
        labels = {row.node_id: row.node_label for row in rows}
        for parent, child in moves:
            if parent is not None and parent not in labels:
                await refuse_closed_parents(writer.connection, [parent])
                raise ParentNotFoundError(f"Node {parent} does not exist, so nothing hangs on it.")
            if child not in labels:
                if (error := await in_trash(writer.connection, child)) is not None:
                    raise error
                raise NodeNotFoundError(f"Node {child} does not exist, so it cannot be moved.")
        await refuse_cycles_among(writer.connection, moves)
        written: dict[str, Any] = {"node_updated_at": now}
        if (author := writer.transaction.author) is not None:
            written["node_updated_by"] = author
        await refuse_closed_parents(writer.connection, {row.closed for row in rows} - {None})
        for parent, child in moves:
            writer.note(child, parent, labels[child])
        if len(moves) > 1:
            # One may want the label of another one where that was.
            await writer.connection.execute(
                update(node_table)
                .where(among(node_table.c.node_id, {child for _, child in moves}, changing=True))
                .values(node_parent_id=None, **written)
            )
        columns = node_table.c
        below: dict[int | None, list[int]] = {}
        for child, parent in {child: parent for parent, child in moves}.items():
            below.setdefault(parent, []).append(child)
        for parent, children in below.items():
            # What somebody has thrown away since is his.
            here = and_(among(columns.node_id, children, changing=True), PRESENT)
            moved = await writer.connection.execute(
                update(node_table).where(here).values(node_parent_id=parent, **written)
            )
            if moved.rowcount < len(children):
                # With a lock, as somebody else has left them, and not as they were before.
                query = select(columns.node_id).where(here).with_for_update(read=True)
                left = set((await writer.connection.execute(query)).scalars())
                gone = next(child for child in children if child not in left)
                if (error := await in_trash(writer.connection, gone)) is not None:
                    raise error
                raise NodeNotFoundError(f"Node {gone} was deleted meanwhile. Nothing was moved.")


async def refuse_cycles(writer: RowWriter, moves: Sequence[tuple[int | None, int]]) -> None:
    """Refuse moves that would close a circle, also with what others move at the same time.

    Args:
        writer: The transaction that is about to make the moves.
        moves: The parent's id, or ``None`` for a root, and the child's id.

    Raises:
        CycleError: A node would become its own ancestor.
        DatabaseBusyError: Somebody else was moving nodes for too long.
    """
    await _lock_moves(writer.connection, moves)
    await refuse_cycles_among(writer.connection, moves)


async def _lock_moves(connection: AsyncConnection, moves: Sequence[tuple[int | None, int]]) -> None:
    if any(parent is not None for parent, _ in moves):
        await lock_moves(connection)


async def lock_moves(connection: AsyncConnection) -> None:
    """See that nobody else hangs nodes under others before the transaction ends."""
    await connection.run_sync(dialect_of(connection).lock, MOVES)


async def refuse_cycles_among(
    connection: AsyncConnection, moves: Sequence[tuple[int | None, int]]
) -> None:
    """The same in a transaction in which nobody else hangs nodes under others already."""
    parents = {parent for parent, _ in moves if parent is not None}
    parent_of = await _parents_above(connection, parents) | {child: up for up, child in moves}
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


async def _parents_above(connection: AsyncConnection, nodes: set[int]) -> dict[int, int | None]:
    """The parents of some nodes, and of all that is above them, as others have left them."""
    parent_of: dict[int, int | None] = {}
    columns = node_table.c.node_id, node_table.c.node_parent_id
    while nodes:
        start = node_table.alias()
        first = select(start.c.node_id).where(among(start.c.node_id, nodes))
        above = walk(first, "node_id", "node_parent_id")
        found = node_table.c.node_id.in_(select(above.c.node_id))
        query = select(*columns).where(found)
        if dialect_of(connection).shows_first_read:
            ids = (await connection.execute(query)).scalars().all()
            query = select(*columns).where(among(node_table.c.node_id, ids))
            query = query.with_for_update(read=True)
        rows = (await connection.execute(query)).all()
        parent_of |= {row.node_id: row.node_parent_id for row in rows}
        # Those above which something was moved meanwhile lead elsewhere.
        nodes = {above for above in parent_of.values() if above is not None} - parent_of.keys()
        if not rows:
            break
    return parent_of
