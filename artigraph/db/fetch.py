"""Results made into rows and objects without holding the event loop up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Row, Select

from artigraph.concurrency import run_in_thread
from artigraph.db.session import read
from artigraph.garbage import collector_paused

__all__ = ["FEW", "all_of", "ask"]

T = TypeVar("T", covariant=True)

FEW = 200
"""Rows or models up to which the work is done sooner than a thread has begun it."""


class Buffered(Protocol[T]):
    """A result of SQLAlchemy's whose rows have all arrived."""

    def fetchmany(self, size: int) -> Sequence[T]:
        """Make the next ones."""
        ...

    def all(self) -> Sequence[T]:
        """Make those that are left."""
        ...


async def ask(query: Select[Any]) -> Sequence[Row[Any]]:
    """All rows of a question that is one statement.

    Args:
        query: The question.
    """
    async with read(once=True) as connection:
        return await all_of(await connection.execute(query))


async def all_of(result: Buffered[T]) -> Sequence[T]:
    """All rows or objects of a result; many are made on a thread.

    Args:
        result: What an asynchronous ``execute`` or ``scalars`` has returned.

    Returns:
        The rows or objects.
    """
    rows = result.fetchmany(FEW)
    if len(rows) < FEW:
        return rows
    return [*rows, *await run_in_thread(_all, result)]


def _all(result: Buffered[Any]) -> Sequence[Any]:
    with collector_paused():
        return result.all()
