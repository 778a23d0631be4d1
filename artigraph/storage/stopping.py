"""Threads that hear when nobody waits for them any more.

A thread cannot be stopped from outside, so it has to ask from time to time.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar

from artigraph.concurrency import run_in_thread
from artigraph.errors import StorageError

__all__ = ["Stop", "stoppable"]

T = TypeVar("T")


class Stop:
    """Whether somebody still waits for a call."""

    def __init__(self) -> None:
        self._cancelled = Event()

    def cancel(self) -> None:
        """Say that nobody waits any more."""
        self._cancelled.set()

    def check(self) -> None:
        """End the thread that asks, if nobody waits for it.

        Raises:
            StorageError: The call was cancelled; so nobody sees this.
        """
        if self._cancelled.is_set():
            raise StorageError("The call was cancelled.")


async def stoppable(function: Callable[..., T], *arguments: Any) -> T:
    """Call a blocking function in a thread, with a :class:`Stop` after its other arguments."""
    stop = Stop()
    try:
        return await run_in_thread(function, *arguments, stop)
    finally:
        stop.cancel()
