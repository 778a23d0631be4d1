"""How many facts there is room for, so that none are made that nobody will see.

Models in models in lists multiply: what could never be drawn within
``max_bytes`` is given up early, to be told with tighter limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["TooManyFactsError", "room_for", "take_room"]

LEAST_BYTES = 60
"""What one fact takes in a drawing, at the least."""

_room: ContextVar[list[int] | None] = ContextVar("artigraph_room", default=None)


class TooManyFactsError(Exception):
    """More facts than could be drawn."""


@contextmanager
def room_for(max_bytes: int) -> Iterator[None]:
    """Have :func:`take_room` count from here on, within the block.

    Args:
        max_bytes: What a drawing may take.
    """
    token = _room.set([max_bytes // LEAST_BYTES])
    try:
        yield
    finally:
        _room.reset(token)


def take_room() -> None:
    """Make one more fact.

    Raises:
        TooManyFactsError: There is no room for it.
    """
    room = _room.get()
    if room is not None:
        room[0] -= 1
        if room[0] < 0:
            raise TooManyFactsError
