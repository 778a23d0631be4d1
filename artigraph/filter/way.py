"""What stands for nodes that were read; and the ways from nodes up to their roots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from sqlalchemy import CTE, ColumnElement, FromClause, Integer, literal_column, select

from artigraph.orm.node import node_table

__all__ = ["LONGEST_WAY", "HoldsNodes", "ways_up"]

LONGEST_WAY = 1000
"""Steps up at the most, where they are counted: rows that hang in a circle have no end."""


@runtime_checkable
class HoldsNodes(Protocol):
    """What was read of some nodes, and stands for them, as a table of runs does."""

    @property
    def node_ids(self) -> list[int]:
        """Their ids."""
        ...


def ways_up(start: Callable[[FromClause], ColumnElement[bool]]) -> CTE:
    """Some nodes, and all that is above each, as a recursive query.

    Args:
        start: Makes a clause on the columns of the nodes' table that finds the nodes.

    Returns:
        A common table expression with a row for each step: ``start_id``, the node that it is
        a step from, ``node_id`` and ``parent_id`` of where it has come, and ``steps``, 0 at
        the node itself.
    """
    first, above = node_table.alias(), node_table.alias()
    up = (
        select(
            first.c.node_id.label("start_id"),
            first.c.node_id.label("node_id"),
            first.c.node_parent_id.label("parent_id"),
            literal_column("0", Integer).label("steps"),
        )
        .where(start(first))
        .cte(recursive=True)
    )
    step = select(up.c.start_id, above.c.node_id, above.c.node_parent_id, up.c.steps + 1).join(
        up, above.c.node_id == up.c.parent_id
    )
    ways: CTE = up.union_all(step.where(up.c.steps < LONGEST_WAY))
    return ways
