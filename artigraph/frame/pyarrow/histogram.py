"""How a column's values are spread, from all of them or from some row groups.

Rows often lie in the order of a running number or of time. A few row groups
would then show a few spikes; so each row group that was not read is taken to
look like the nearest that was, between its own extremes, which the footer tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artigraph.frame.pyarrow.column import Column, make_column

__all__ = ["BINS", "Span", "finite", "is_number", "make_histogram", "spread_histogram"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
"""Values as numbers along a line."""

Scalar: TypeAlias = "pa.Scalar[Any]"
"""One value of a column."""

BINS = 24
"""Bars of a histogram."""

FINE = 96
"""Parts in which one row group's values are counted before they are spread."""


class Span(NamedTuple):
    """What the footer tells of a column in one row group."""

    low: Any
    """Its least value."""
    high: Any
    """Its greatest."""
    present: int
    """How many of its values are not missing."""


def is_number(kind: pa.DataType) -> bool:
    """Whether values of a type can be drawn along a line."""
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return number or pa.types.is_temporal(kind)


def finite(column: Column) -> Column:
    """The values of a column that are neither NaN nor infinite."""
    return column.filter(pc.is_finite(column)) if pa.types.is_floating(column.type) else column


def make_histogram(column: Column, low: Scalar, high: Scalar) -> list[int]:
    """Count the values of a column in equal parts.

    Args:
        column: The values.
        low: The least, a scalar of the column's type.
        high: The greatest.
    """
    first, last = _ends(low, high)
    if not np.isfinite(last - first):
        return []
    numbers = np.clip(_numbers(finite(column.drop_null())), first, last)
    counts, _ = np.histogram(numbers, bins=BINS, range=(first, last))
    return [int(count) for count in counts]


def spread_histogram(
    samples: dict[int, Column], spans: Sequence[Span | None], low: Scalar, high: Scalar
) -> list[int]:
    """Estimate how all values are spread.

    Args:
        samples: The columns of the row groups that were read, by their number.
        spans: What the footer tells of each row group; ``None``: it has no value.
        low: The least of all values, a scalar of the column's type.
        high: The greatest.
    """
    first, last = _ends(low, high)
    if not np.isfinite(last - first):
        return []
    known = [(group, span) for group, span in enumerate(spans) if span is not None]
    starts = _numbers(make_column([pa.array([s.low for _, s in known], low.type)], low.type))
    stops = _numbers(make_column([pa.array([s.high for _, s in known], low.type)], low.type))
    shapes = {group: _shape(column) for group, column in samples.items()}
    read = np.array(sorted(shapes))
    middles = (np.arange(FINE) + 0.5) / FINE
    bars = np.zeros(BINS)
    for (group, span), start, stop in zip(known, starts, stops, strict=True):
        shape = shapes[int(read[np.abs(read - group).argmin()])]
        counts, _ = np.histogram(
            np.clip(start + middles * (stop - start), first, last),
            bins=BINS,
            range=(first, last),
            weights=shape * span.present,
        )
        bars += counts
    return [round(bar) for bar in bars]


def _shape(column: Column) -> Array:
    """The share of values in each fine part between their own extremes."""
    numbers = _numbers(finite(column.drop_null()))
    if not len(numbers):
        return np.full(FINE, 1 / FINE)
    counts, _ = np.histogram(numbers, bins=FINE)
    shares: Array = counts / counts.sum()
    return shares


def _ends(low: Scalar, high: Scalar) -> tuple[float, float]:
    ends = _numbers(make_column([pa.array([low, high], low.type)], low.type))
    return float(ends[0]), float(ends[1])


def _numbers(column: Column) -> Array:
    kind = column.type
    if pa.types.is_temporal(kind):
        narrow = pa.types.is_date32(kind) or pa.types.is_time32(kind)
        column = column.cast(pa.int32() if narrow else pa.int64())
    numbers: Array = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers
