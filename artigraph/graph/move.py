"""Nodes hung under other parents, never under what is below them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update

from artigraph.errors import CycleError, FilterError, NodeNotFoundError, ParentNotFoundError
from artigraph.filter.relation import walk
from artigraph.filter.unset import NOT_WRITTEN
from artigraph.filter.value import among
from artigraph.graph.row import RowWriter, row_writer
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table

__all__ = ["refuse_cycles", "write_parent_child_relationships"]


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
    """
    moves = list(pairs)
    for parent, child in moves:
        if child is None:
            raise FilterError(f"None cannot be hung under {parent}. {NOT_WRITTEN}")
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
        await refuse_cycles(writer, moves)
        for parent, child in moves:
            writer.note(child, parent, labels[child])
            await writer.connection.execute(
                update(node_table)
                .where(node_table.c.node_id == child)
                .values(node_parent_id=parent, node_updated_at=now)
            )


async def refuse_cycles(writer: RowWriter, moves: Sequence[tuple[int | None, int]]) -> None:
    """Refuse moves that would close a circle.

    Args:
        writer: The transaction that is about to make the moves.
        moves: The parent's id, or ``None`` for a root, and the child's id.

    Raises:
        CycleError: A node would become its own ancestor.
    """
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
