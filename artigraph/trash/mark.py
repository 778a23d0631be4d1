"""Columns of whole trees of rows set, which are no news of what the rows hold.

So ``node_updated_at`` stays what it was.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import column, table as bare_table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.filter.value import among
from artigraph.node.hold import Held
from artigraph.orm.node import node_table

__all__ = ["mark"]


async def mark(
    connection: AsyncConnection,
    rows: Held | Collection[int],
    *,
    having: str = "",
    lacking: str = "",
    **values: Any,
) -> int:
    """Set columns of some rows.

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
