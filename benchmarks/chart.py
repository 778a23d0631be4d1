"""A small line chart with logarithmic axes, as SVG that reads well on light and dark pages.

Text stays text, lines are labelled where they end, and nothing but what is drawn is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Line", "draw"]

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 118, 54, 44
LABEL = 15
"""The least distance between two labels, in pixels."""

UNITS = {1: "s", 1e-3: "ms", 1e-6: "µs"}

STYLE = """
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px }
.tick { fill: #59636e }
.paper { fill: #fff }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.line { fill: none; stroke-width: 2 }
.l0 { stroke: #5b45c9 } .d0 { fill: #5b45c9 }
.l1 { stroke: #a4610a } .d1 { fill: #a4610a }
.l2 { stroke: #1a7f4b } .d2 { fill: #1a7f4b }
@media (prefers-color-scheme: dark) {
text { fill: #e8eaed }
.tick { fill: #a6afb8 }
.paper { fill: #15181c }
.grid { stroke: #3a4048 }
.l0 { stroke: #a99bff } .d0 { fill: #a99bff }
.l1 { stroke: #f0b95b } .d1 { fill: #f0b95b }
.l2 { stroke: #6fd6a0 } .d2 { fill: #6fd6a0 }
}
"""


@dataclass(frozen=True)
class Line:
    """What was measured of one thing.

    Attributes:
        name: What it is called where its line ends.
        seconds: Its time, by size.
    """

    name: str
    seconds: dict[int, float]


@dataclass(frozen=True)
class _Axis:
    """Where a value stands between two pixels, by its logarithm."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def decades(self) -> list[float]:
        """Powers of ten, at most seven of them."""
        exponents = range(math.ceil(self.low), math.floor(self.high) + 1)
        return [10.0**exponent for exponent in exponents[:: math.ceil(len(exponents) / 7)]]


def draw(title: str, across: str, lines: Sequence[Line]) -> str:
    """Draw times over sizes.

    Args:
        title: What was measured.
        across: What the sizes count.
        lines: At most three, each of at least two sizes.

    Returns:
        The picture, as SVG.
    """
    sizes = [math.log10(size) for line in lines for size in line.seconds]
    times = [math.log10(second) for line in lines for second in line.seconds.values()]
    x = _Axis(min(sizes), max(sizes), LEFT, WIDTH - RIGHT)
    low = math.floor(min(times))
    y = _Axis(low, max(math.ceil(max(times)), low + 1), HEIGHT - BOTTOM, TOP)
    told = "; ".join(f"{line.name}: {_told(line)}" for line in lines)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{WIDTH}" '
            f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(told)}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
            f'<text class="title" x="12" y="22">{escape(title)}</text>',
            *_grid(x, y),
            _tick(LEFT - 8, TOP - 14, "end", "time"),
            _tick((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "middle", across),
            *_lines(lines, x, y),
            "</svg>\n",
        ]
    )


def _grid(x: _Axis, y: _Axis) -> list[str]:
    drawn = []
    for size in x.decades():
        at = x(size)
        drawn.append(f'<path class="grid" d="M{at} {TOP}V{HEIGHT - BOTTOM}"/>')
        drawn.append(_tick(at, HEIGHT - BOTTOM + 18, "middle", f"{size:,.0f}"))
    for second in y.decades():
        at = y(second)
        drawn.append(f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>')
        drawn.append(_tick(LEFT - 8, at + 4, "end", _time(second)))
    return drawn


def _tick(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _lines(lines: Sequence[Line], x: _Axis, y: _Axis) -> list[str]:
    drawn = []
    places = _apart([y(line.seconds[max(line.seconds)]) for line in lines])
    for number, (line, place) in enumerate(zip(lines, places, strict=True)):
        points = [(x(size), y(second)) for size, second in sorted(line.seconds.items())]
        path = "L".join(f"{across} {up}" for across, up in points)
        drawn.append(f'<path class="line l{number}" d="M{path}"/>')
        drawn += [f'<circle class="d{number}" cx="{a}" cy="{b}" r="3"/>' for a, b in points]
        drawn.append(
            f'<text class="d{number}" x="{points[-1][0] + 9:g}" y="{place + 4:g}">'
            f"{escape(line.name)}</text>"
        )
    return drawn


def _apart(places: list[float]) -> list[float]:
    """The places of labels, the lower ones moved down until none covers another."""
    moved = dict.fromkeys(range(len(places)), 0.0)
    last = -math.inf
    for number in sorted(moved, key=places.__getitem__):
        last = moved[number] = max(places[number], last + LABEL)
    return list(moved.values())


def _time(second: float) -> str:
    """A power of ten of seconds, in the unit that makes it one or more."""
    unit = next((unit for unit in UNITS if second >= unit * 0.999), 1e-6)
    return f"{second / unit:g} {UNITS[unit]}"


def _told(line: Line) -> str:
    return ", ".join(f"{size:,} in {second:.2g} s" for size, second in line.seconds.items())
