"""Points that wait to be written: calls that nobody has looked at, and curves with what is new.

The caller's thread appends to the queue, the one that writes takes from it. Nothing here meets a
database.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TypeAlias

from artigraph.series.curve import Ahead, Curve

__all__ = ["MOST_WAITING", "Entry", "Queue", "Waiting"]

MOST_WAITING = 10_000_000
"""Points that are kept in memory while they cannot be written."""

_LARGEST_STEP = 2**63 - 1

Entry: TypeAlias = tuple[int | None, float, dict[str, float]]
"""One call: the step, the time in seconds since 1970, and the values by name."""


class Queue(deque[Entry]):
    """Calls that nobody has looked at yet."""

    limit = 0
    """How many may wait before somebody has to look after them."""
    names: frozenset[str] = frozenset()
    """Names that need no look."""


class Waiting:
    """What a writer was given and has not written."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.forget()

    def forget(self) -> None:
        """Have nothing wait any more, and know nothing of what is stored."""
        # Held by who takes from the queue.
        self._moving = threading.Lock()
        self.queue.clear()
        self.queue.limit = 0
        self.count = 0
        """Points in the curves that are not written."""
        self.is_known = False
        """Whether the curves are as they are stored."""
        self._curves: dict[str, Curve] = {}
        self._unsure: list[Ahead] = []
        """What was written, perhaps."""
        self._last_step, self._has_step = -1, False

    def __bool__(self) -> bool:
        return bool(self.queue or self.count)

    def calls(self) -> int:
        """How much waits, about."""
        return self.count + len(self.queue)

    def points(self) -> int:
        """How many points wait, about."""
        return self.count + sum(len(values) for _, _, values in list(self.queue))

    def collect(self) -> None:
        """Take what is in the queue into the curves."""
        with self._moving:
            queue = self.queue
            if not queue or (queue[0][0] is None and not self.is_known and not self._has_step):
                return  # nobody knows yet where it begins
            entries = [queue.popleft() for _ in range(len(queue))]
            steps = self._steps([step for step, _, _ in entries])
            times = [int(at * 1_000) for _, at, _ in entries]
            values = [given for _, _, given in entries]
            points = sum(map(len, values))
            names = values[0].keys()
            # Most calls have the same names, and then whole columns are moved.
            if points == len(names) * len(values) and all(names == one.keys() for one in values):
                for name in names:
                    self._curve(name).extend(steps, times, [one[name] for one in values])
            else:
                for step, at, given in zip(steps, times, values, strict=True):
                    for name, value in given.items():
                        self._curve(name).extend((step,), (at,), (value,))
            self.count += points
            if self.count >= MOST_WAITING:
                queue.names = frozenset()  # so that each call looks

    def _curve(self, name: str) -> Curve:
        curve = self._curves.get(name)
        if curve is None:
            curve = self._curves[name] = Curve(name)
        return curve

    def _steps(self, given: list[int | None]) -> list[int]:
        found, last = [], self._last_step
        for step in given:
            last = min(last + 1, _LARGEST_STEP) if step is None else step
            found.append(last)
        self._last_step, self._has_step = last, True
        return found

    def ahead(self) -> list[Ahead]:
        """What a write of all that is in the curves makes of them."""
        with self._moving:
            self._unsure = [one.ahead() for one in self._curves.values() if len(one.new)]
            return self._unsure

    def settle(self, done: list[tuple[Ahead, int]]) -> None:
        """Take a write for granted that has been committed.

        Args:
            done: What was written, each with the key of its row.
        """
        with self._moving:
            for ahead, series_id in done:
                ahead.curve.settle(ahead, series_id)
                self.count -= ahead.taken
            self._unsure = []

    def adopt(self, stored: dict[str, Curve]) -> None:
        """Go on with the curves as they are stored."""
        with self._moving:
            written = {one.curve.name: one for one in self._unsure}
            for name, curve in self._curves.items():
                now = stored.setdefault(name, Curve(name))
                now.new = curve.new
                done = written.get(name)
                if done is not None and now.points == done.points:
                    # The commit whose outcome was not known has held.
                    now.drop(done.taken)
                    self.count -= done.taken
            if not self._has_step:
                steps = [one.last_step for one in stored.values() if one.points]
                self._last_step = max(steps, default=-1)
            self._curves, self._unsure, self.is_known = stored, [], True
