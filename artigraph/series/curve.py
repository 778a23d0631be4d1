"""A curve while it is written: what its row says, its last block, and points that are not written.

Nothing here meets a database. :meth:`Curve.ahead` says which rows a write has to make of what is
there; once they are committed, :meth:`Curve.settle` takes them for granted.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

from artigraph.series.codec import Points, pack
from artigraph.series.line import Line, joined, span

__all__ = ["BLOCK_POINTS", "Ahead", "Curve"]

BLOCK_POINTS = 512
"""Points of a full block."""


def _no_points() -> Points:
    return Points(array("q"), array("q"), array("d"))


@dataclass(frozen=True)
class Ahead:
    """What a write makes of a curve."""

    curve: Curve
    taken: int
    """How many of its points that were not written."""
    points: int
    last_step: int
    last: float
    low: float
    """The smallest finite value, else NaN."""
    high: float
    line: Line
    blocks: list[tuple[int, int, bytes]]
    """Number, count and bytes of each block, in order."""
    is_changed: bool
    """Whether the first of them is there, with fewer points."""
    number: int
    """The number of the block to go on with."""
    open: Points
    """What that block has."""

    def row(self) -> dict[str, Any]:
        """The columns of the curve's row that change."""
        return {
            "series_points": self.points,
            "series_last_step": self.last_step,
            "series_last": self.last if isfinite(self.last) else None,
            "series_min": None if self.low != self.low else self.low,
            "series_max": None if self.high != self.high else self.high,
            "series_line": self.line.pack(),
        }


@dataclass(eq=False)
class Curve:
    """A curve while it is written.

    What is stored of it changes only by :meth:`settle`; what is not written yet, by :meth:`extend`.
    """

    name: str
    series_id: int | None = None
    """The key of its row; ``None`` while there is none."""
    points: int = 0
    """How many are stored."""
    last_step: int = 0
    low: float = nan
    high: float = nan
    line: Line = field(default_factory=Line)
    number: int = 0
    """The number of its last block, or of the next one if that is full."""
    open: Points = field(default_factory=_no_points)
    """The points of that block that are stored."""
    new: Points = field(default_factory=_no_points)
    """Points that are not written yet."""

    def extend(self, steps: Sequence[int], times: Sequence[int], values: Sequence[float]) -> None:
        """Note points that are yet to be written."""
        self.new.steps.extend(steps)
        self.new.times.extend(times)
        self.new.values.extend(values)

    def ahead(self) -> Ahead:
        """What a write of all that is new makes of it; there must be some."""
        new, taken = self.new, len(self.new)
        steps = self.open.steps + new.steps[:taken]
        times = self.open.times + new.times[:taken]
        values = self.open.values + new.values[:taken]
        blocks, number, begins = [], self.number, 0
        while begins < len(values):
            part = slice(begins, begins + BLOCK_POINTS)
            packed = pack(steps[part], times[part], values[part])
            blocks.append((number, len(values[part]), packed))
            begins += BLOCK_POINTS
            number += 1
        rest = len(values) % BLOCK_POINTS
        first_open = len(values) - rest
        line = self.line.copy()
        line.extend(new.values[:taken])
        low, high = joined((self.low, self.high), span(new.values[:taken]))
        return Ahead(
            curve=self,
            taken=taken,
            points=self.points + taken,
            last_step=steps[-1],
            last=values[-1],
            low=low,
            high=high,
            line=line,
            blocks=blocks,
            is_changed=bool(self.open),
            number=number - 1 if rest else number,
            open=Points(steps[first_open:], times[first_open:], values[first_open:]),
        )

    def settle(self, done: Ahead, series_id: int) -> None:
        """Take a write for granted that has been committed."""
        self.series_id = series_id
        self.points, self.last_step = done.points, done.last_step
        self.low, self.high, self.line = done.low, done.high, done.line
        self.number, self.open = done.number, done.open
        self.drop(done.taken)

    def drop(self, taken: int) -> None:
        """Forget the first of the points that were not written."""
        for numbers in (self.new.steps, self.new.times, self.new.values):
            del numbers[:taken]
