"""Points of packed blocks as arrays, and a curve with fewer of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from artigraph.series.codec import Packed, Whole

__all__ = ["Columns", "columns_of", "joined_columns", "thinned"]

Integers: TypeAlias = NDArray[np.int64]

_WIDTHS = {width: np.dtype(f"<i{width}") for width in (1, 2, 4, 8)}
_FIRST_TIME = -62_135_596_800_000
_LAST_TIME = 253_402_300_799_999
"""Milliseconds since 1970: the years 1 to 9999."""


@dataclass(frozen=True)
class Columns:
    """Points of one curve, in the order in which they were logged."""

    steps: Integers
    times: Integers
    """Milliseconds since 1970, in UTC."""
    values: NDArray[np.float64]
    attempts: Integers
    """How often the steps went back so far."""
    whole: Columns | None = field(default=None, repr=False, compare=False)
    """What it is a part of, if it is one."""
    begin: int = field(default=0, repr=False, compare=False)
    """Where in that it begins."""

    def __len__(self) -> int:
        return len(self.values)

    def part(self, begin: int, end: int) -> Columns:
        """Some of them, without a copy."""
        return Columns(
            self.steps[begin:end],
            self.times[begin:end],
            self.values[begin:end],
            self.attempts[begin:end],
            self,
            begin,
        )


def _numbers(wholes: Sequence[Whole], counts: Integers, starts: Integers) -> Integers:
    """The numbers of many blocks, one block behind the other."""
    firsts = np.array([one.first for one in wholes], dtype=np.int64)
    total = int(counts.sum())
    count = int(counts[0])
    if (counts == count).all():
        return _even_numbers(wholes, firsts, count)
    if all(one.stride is not None for one in wholes):
        strides = np.array([one.stride for one in wholes], dtype=np.int64)
        if len(wholes) == 1:
            return firsts + np.arange(total, dtype=np.int64) * strides
        within = np.arange(total, dtype=np.int64) - np.repeat(starts, counts)
        return np.repeat(firsts, counts) + within * np.repeat(strides, counts)
    differences = np.empty(total, dtype=np.int64)
    differences[starts] = firsts
    ends = (starts + counts).tolist()
    for one, start, end in zip(wholes, starts.tolist(), ends, strict=True):
        if one.stride is not None:
            differences[start + 1 : end] = one.stride
        else:
            differences[start + 1 : end] = np.frombuffer(one.differences, _WIDTHS[one.width])
    # A difference that 64 bits do not hold was wrapped, and so are these sums.
    sums = np.cumsum(differences)
    sums -= np.repeat(sums[starts] - firsts, counts)
    return sums


def _even_numbers(wholes: Sequence[Whole], firsts: Integers, count: int) -> Integers:
    """As :func:`_numbers`, of blocks of one length."""
    grid = np.empty((len(wholes), count), dtype=np.int64)
    ways: dict[int, list[int]] = {}
    for place, one in enumerate(wholes):
        ways.setdefault(0 if one.stride is not None else one.width, []).append(place)
    if ways.keys() == {0}:
        strides = np.array([one.stride for one in wholes], dtype=np.int64)
        np.multiply(strides[:, None], np.arange(count, dtype=np.int64), out=grid)
        grid += firsts[:, None]
        return grid.reshape(-1)
    grid[:, 0] = firsts
    for width, places in ways.items():
        rows = slice(None) if len(ways) == 1 else places
        if width:
            together = b"".join([wholes[place].differences for place in places])
            differences = np.frombuffer(together, _WIDTHS[width]).reshape(len(places), count - 1)
            grid[rows, 1:] = differences
        else:
            strides = np.array([wholes[place].stride for place in places], dtype=np.int64)
            grid[rows, 1:] = strides[:, None]
    # A difference that 64 bits do not hold was wrapped, and so are these sums.
    np.cumsum(grid, axis=1, out=grid)
    return grid.reshape(-1)


def columns_of(curves: Sequence[Sequence[Packed]]) -> list[Columns]:
    """The points of curves, made at one go.

    Args:
        curves: The blocks of each, in order; one at least.
    """
    blocks = [block for curve in curves for block in curve]
    counts = np.array([block.count for block in blocks], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    steps = _numbers([block.steps for block in blocks], counts, starts)
    times = _numbers([block.times for block in blocks], counts, starts)
    # Of an array of bytes, which may be written to: a frame may be made of it as it is.
    values = np.frombuffer(bytearray().join([block.values for block in blocks]), "<f8")
    lengths = np.array([sum(block.count for block in curve) for curve in curves], dtype=np.int64)
    begins = np.cumsum(lengths) - lengths
    goes_back = np.zeros(len(steps), dtype=bool)
    np.less(steps[1:], steps[:-1], out=goes_back[1:])
    goes_back[begins] = False
    attempts = np.zeros(len(steps), dtype=np.int64)
    if goes_back.any():
        np.cumsum(goes_back, out=attempts)
        attempts -= np.repeat(attempts[begins], lengths)
    if times.min() < _FIRST_TIME or times.max() > _LAST_TIME:
        times = times.clip(_FIRST_TIME, _LAST_TIME)
    whole = Columns(steps, times, values.astype(np.float64, copy=False), attempts)
    ends = (begins + lengths).tolist()
    return [whole.part(*bounds) for bounds in zip(begins.tolist(), ends, strict=True)]


def thinned(columns: Columns, most: int) -> Columns:
    """A curve with so few points that it is drawn alike.

    Args:
        columns: All of it.
        most: How many points to keep at the most, from 4 on.

    Returns:
        The first and the last point, and of each of equal stretches between them the one with the
        smallest and the one with the largest finite value.
    """
    count = len(columns)
    if count <= most:
        return columns
    width = -(-(count - 2) // ((most - 2) // 2))
    buckets = -(-(count - 2) // width)
    inner = np.full(buckets * width, np.nan)
    inner[: count - 2] = columns.values[1:-1]
    inner[~np.isfinite(inner)] = np.nan
    grid = inner.reshape(buckets, width)
    begins = np.arange(buckets, dtype=np.int64) * width + 1
    lowest = np.where(np.isnan(grid), np.inf, grid).argmin(axis=1) + begins
    highest = np.where(np.isnan(grid), -np.inf, grid).argmax(axis=1) + begins
    # One of a stretch without a finite value is kept, so that the gap is seen.
    kept = np.unique(np.concatenate(([0], lowest, highest, [count - 1])))
    return Columns(
        columns.steps[kept], columns.times[kept], columns.values[kept], columns.attempts[kept]
    )


def joined_columns(curves: Sequence[Columns]) -> tuple[Integers, Columns]:
    """Curves one behind the other.

    Returns:
        How many points each has, and all points. They are those of the whole that the curves are
        all parts of, in this order, if there is one; else in arrays of their own.
    """
    counts = np.array([len(one) for one in curves], dtype=np.int64)
    if curves and (whole := curves[0].whole) is not None and len(whole) == counts.sum():
        begins = (np.cumsum(counts) - counts).tolist()
        places = zip(curves, begins, strict=True)
        if all(one.whole is whole and one.begin == begin for one, begin in places):
            return counts, whole
    if not curves:
        none: Integers = np.empty(0, dtype=np.int64)
        return counts, Columns(none, none, np.empty(0), none)
    return counts, Columns(
        np.concatenate([one.steps for one in curves]),
        np.concatenate([one.times for one in curves]),
        np.concatenate([one.values for one in curves]),
        np.concatenate([one.attempts for one in curves]),
    )
