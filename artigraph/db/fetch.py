"""Results made into rows and objects without holding the event loop up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from artigraph.concurrency import run_in_thread
from artigraph.garbage import collector_paused

__all__ = ["all_of"]

T = TypeVar("T", covariant=True)


class Buffered(Protocol[T]):
    """A result of SQLAlchemy's whose rows have all arrived."""

    def all(self) -> Sequence[T]:
        """Make them."""
        ...


async def all_of(result: Buffered[T], *, few: bool = False) -> Sequence[T]:
    """All rows or objects of a result.

    Args:
        result: What an asynchronous ``execute`` or ``scalars`` has returned.
        few: There are so few that a thread is not worth its while.

    Returns:
        The rows or objects.
    """
    if few:
        return result.all()
    return await run_in_thread(_all, result)


def _all(result: Buffered[Any]) -> Sequence[Any]:
    with collector_paused():
        return result.all()
