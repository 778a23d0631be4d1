"""What is told of a curve without its points."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from typing_extensions import override

from artigraph.display.curve import Curve, curve_text
from artigraph.display.escape import cut
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown
from artigraph.series.line import read_buckets

__all__ = ["SeriesList", "SeriesSummary", "summary_of"]


@dataclass(frozen=True, repr=False)
class SeriesSummary(Shown):
    """A curve, without its points."""

    node_id: int
    """The node's id."""
    name: str
    """What it is called."""
    points: int
    """How many it has."""
    last_step: int
    """The step of the last one."""
    last: float | None
    """The last value; ``None`` if it is NaN or infinite."""
    min: float | None
    """The smallest finite value, if there is one."""
    max: float | None
    """The largest finite value, if there is one."""
    line: tuple[tuple[float, float], ...]
    """The smallest and the largest value of up to 64 stretches, to draw; NaN where none is."""

    @override
    def _describe(self, limits: Limits) -> Facts:
        notes = [("node", str(self.node_id)), ("points", f"{self.points:,}")]
        notes += [(name, told) for name, told in self._numbers() if told]
        return Facts(type(self).__name__, cut(self.name, limits.max_text), notes=tuple(notes))

    @override
    def _brief(self, limits: Limits) -> str:
        drawn = curve_text(self.line)
        name = cut(self.name, limits.max_text)
        return f"<{type(self).__name__} {name!r}, {self.points:,} points {drawn}>"

    def _numbers(self) -> tuple[tuple[str, str], ...]:
        numbers = (("last", self.last), ("min", self.min), ("max", self.max))
        return tuple((name, "" if one is None else f"{one:.6g}") for name, one in numbers)

    def _cells(self, limits: Limits) -> dict[str, str]:
        return {
            "node": str(self.node_id),
            "curve": cut(self.name, limits.max_text),
            "points": f"{self.points:,}",
            "step": f"{self.last_step:,}",
            **dict(self._numbers()),
            "": Curve(self.line),
        }

    def _noun(self) -> str:
        return "curves"


class SeriesList(ResultList[SeriesSummary]):
    """Some curves: a table with a small drawing of each."""

    __slots__ = ()


def summary_of(row: Any) -> SeriesSummary | None:
    """A curve of its row; ``None`` of one that nobody could have written."""
    node_id, name, points, last_step, last, low, high, line = tuple(row)
    if not isinstance(node_id, int) or not isinstance(name, str):
        return None
    return SeriesSummary(
        node_id=node_id,
        name=name,
        points=_count(points),
        last_step=_count(last_step),
        last=_finite(last),
        min=_finite(low),
        max=_finite(high),
        line=read_buckets(line),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _finite(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None
