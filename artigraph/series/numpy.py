"""Points of packed blocks as arrays, and a curve with fewer of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from artigraph.series.codec import Whole, unpack

__all__ = ["Columns", "columns_of", "thinned"]

Integers: TypeAlias = NDArray[np.int64]

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

    def __len__(self) -> int:
        return len(self.values)


def _numbers(whole: Whole, count: int) -> Integers:
    if whole.stride is not None:
        with np.errstate(over="ignore"):
            return np.int64(whole.first) + np.arange(count, dtype=np.int64) * np.int64(whole.stride)
    found = np.empty(count, dtype=np.int64)
    found[0] = whole.first
    found[1:] = np.frombuffer(whole.differences, dtype=f"<i{whole.width}")
    # A difference that 64 bits do not hold was wrapped, and is here again.
    return np.cumsum(found, dtype=np.int64)


def columns_of(blocks: Sequence[tuple[bytes, int]]) -> Columns:
    """The points of a curve.

    Args:
        blocks: Bytes and count of its blocks, in order; they may be anybody's.

    Raises:
        DeserializationError: One is damaged.
    """
    steps, times, values = [], [], []
    for data, count in blocks:
        packed = unpack(data, count)
        steps.append(_numbers(packed.steps, count))
        times.append(_numbers(packed.times, count))
        values.append(np.frombuffer(packed.values, dtype="<f8"))
    if not steps:
        none: Any = np.empty(0, dtype=np.int64)
        return Columns(none, none, np.empty(0), none)
    step = np.concatenate(steps)
    attempts = np.zeros(len(step), dtype=np.int64)
    np.cumsum(step[1:] < step[:-1], out=attempts[1:])
    time = np.clip(np.concatenate(times), _FIRST_TIME, _LAST_TIME)
    return Columns(step, time, np.concatenate(values).astype(np.float64, copy=False), attempts)


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
