"""Work that takes longer than a page waits for one answer.

The first question starts it, further ones ask how far it is, and the last is
told what came of it. Nobody can be sure of hearing the end of a page, so work
that nobody has asked about for some seconds is cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from artigraph.errors import PartError

__all__ = ["Jobs"]

PATIENCE = 0.5
"""Seconds that a question waits for the end before it tells how far it is."""

FORGOTTEN = 10.0
"""Seconds after which work that nobody asks about is cancelled."""

Progress = Callable[[int, int], object]


class _Job:
    def __init__(self, work: Callable[[Progress], Coroutine[Any, Any, Any]]) -> None:
        self.done, self.total = 0, 0
        self.task = asyncio.ensure_future(work(self._note))
        self.watch: asyncio.TimerHandle | None = None

    def _note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Jobs:
    """The work in hand, of one event loop."""

    def __init__(self) -> None:
        self._jobs: dict[int, _Job] = {}
        self._numbers = count(1)

    @property
    def open_count(self) -> int:
        """How many are in hand."""
        return len(self._jobs)

    async def ask(
        self, number: object, work: Callable[[Progress], Coroutine[Any, Any, Any]]
    ) -> dict[str, Any]:
        """Begin some work, or ask how far it is. Cancelling the question cancels the work.

        Args:
            number: What an earlier question was told; ``None`` to begin.
            work: Makes the work, given what it tells its progress to.

        Returns:
            ``result`` if it is done, else its number as ``job``, ``done`` and
            ``total``.

        Raises:
            PartError: There is no such work any more.
            Exception: What the work raised.
        """
        if number is None:
            number = next(self._numbers)
            self._jobs[number] = _Job(work)
        if not isinstance(number, int) or (job := self._jobs.get(number)) is None:
            raise PartError("This was given up, since nobody asked about it. Ask for it again.")
        if job.watch is not None:
            job.watch.cancel()
        try:
            await asyncio.wait({job.task}, timeout=PATIENCE)
        except asyncio.CancelledError:
            self._drop(number)
            raise
        if job.task.done():
            del self._jobs[number]
            return {"result": job.task.result()}
        job.watch = asyncio.get_running_loop().call_later(FORGOTTEN, self._drop, number)
        return {"job": number, "done": job.done, "total": job.total}

    def _drop(self, number: int) -> None:
        job = self._jobs.pop(number, None)
        # One that failed meanwhile would complain that nobody has looked.
        if job is not None and not (job.task.done() and job.task.exception()):
            job.task.cancel()
