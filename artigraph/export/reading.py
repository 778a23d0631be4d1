"""What is asked of a table, and how its rows come: a chunk at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.fetch import all_of
from artigraph.filter.base import Filter
from artigraph.filter.order import OrderBy

__all__ = ["CHUNK", "Asked", "chunks"]

CHUNK = 4_000
"""Rows whose documents are taken apart at a time."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants a table of."""

    filter: Filter
    columns: Sequence[str] | None
    tags: tuple[str, ...] | bool
    strict: bool
    order_by: OrderBy
    limit: int | None


async def chunks(
    connection: AsyncConnection, query: Select[Any]
) -> AsyncIterator[Sequence[Row[Any]]]:
    """The rows of a query, some at a time.

    Args:
        connection: To the database.
        query: The query.
    """
    seen = 0
    try:
        async with connection.stream(query) as result:
            async for rows in result.partitions(CHUNK):
                seen += len(rows)
                yield rows
    except OperationalError as error:
        if error.connection_invalidated:
            raise
        # Over a cell that somebody else wrote; who reads all at once is given whatever is there.
        rest = (await all_of(await connection.execute(query)))[seen:]
        for start in range(0, len(rest), CHUNK):
            yield rest[start : start + CHUNK]
