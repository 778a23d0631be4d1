"""Small curves: a line of text, and a drawing that needs no style.

Untrusted notebooks drop drawings, so the text stands beside each.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

__all__ = ["Curve", "curve_lines", "curve_svg", "curve_text"]

Bucket = tuple[float, float]

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "
_WIDTH, _HEIGHT = 96, 20
MOST = 64
"""Stretches that are drawn at the most."""


class Curve(str):
    """A text of blocks that HTML has a drawing of; as a cell of a table.

    Args:
        buckets: Smallest and largest value of each stretch; NaN twice where there is none.
    """

    buckets: tuple[Bucket, ...]

    def __new__(cls, buckets: Sequence[Bucket]) -> Curve:
        """Draw it."""
        made = super().__new__(cls, curve_text(buckets))
        made.buckets = tuple(buckets)
        return made


def _bounds(buckets: Sequence[Bucket]) -> tuple[float, float] | None:
    finite = [one for bucket in buckets for one in bucket if isfinite(one)]
    return (min(finite), max(finite)) if finite else None


def _place(value: float, low: float, high: float) -> float:
    """Where a value is between two others, from 0 to 1."""
    # Half of each: their difference may be no float any more.
    span = high / 2 - low / 2
    return 0.5 if span <= 0 else min(1.0, max(0.0, (value / 2 - low / 2) / span))


def curve_text(buckets: Sequence[Bucket], width: int = 16) -> str:
    """A curve as a line of blocks.

    Args:
        buckets: Smallest and largest value of each stretch; NaN twice where there is none.
        width: Characters at the most.
    """
    buckets = buckets[:MOST]
    bounds = _bounds(buckets)
    if bounds is None:
        return ""
    count = min(len(buckets), width)
    drawn = []
    for at in range(count):
        part = buckets[at * len(buckets) // count : (at + 1) * len(buckets) // count]
        own = _bounds(part)
        if own is None:
            drawn.append(_GAP)
            continue
        middle = own[0] / 2 + own[1] / 2
        drawn.append(_BLOCKS[round(_place(middle, *bounds) * (len(_BLOCKS) - 1))])
    return "".join(drawn)


def curve_svg(buckets: Sequence[Bucket]) -> str:
    """A curve as a drawing of HTML's, in the colour of the text around it.

    Args:
        buckets: Smallest and largest value of each stretch; NaN twice where there is none.

    Returns:
        An element that names nothing from elsewhere; nothing where nothing is finite.
    """
    drawn = "".join(f'<polyline points="{line}"/>' for line in curve_lines(buckets))
    if not drawn:
        return ""
    # JupyterLab lets no drawing be wider than what holds it, which a table then takes for nothing.
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" fill="none" '
        f'style="min-width:{_WIDTH}px;max-width:none;height:{_HEIGHT}px" '
        f'stroke="currentColor" stroke-linecap="round" aria-hidden="true">{drawn}</svg>'
    )


def curve_lines(buckets: Sequence[Bucket]) -> list[str]:
    """The lines of a drawing of 96 by 20, each as points that SVG draws; gaps are between them.

    Args:
        buckets: Smallest and largest value of each stretch; NaN twice where there is none.
    """
    buckets = buckets[:MOST]
    bounds = _bounds(buckets)
    if bounds is None:
        return []
    lines: list[list[str]] = [[]]
    stride = (_WIDTH - 2) / max(1, len(buckets) - 1)
    for at, bucket in enumerate(buckets):
        if not all(map(isfinite, bucket)):
            lines.append([])
            continue
        across = 1 + at * stride
        for value in dict.fromkeys(bucket):
            down = 1 + (1 - _place(value, *bounds)) * (_HEIGHT - 2)
            lines[-1].append(f"{across:.1f},{down:.1f}")
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]
