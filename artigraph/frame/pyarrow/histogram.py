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

__all__ = ["BINS", "Span", "extremes", "finite", "is_number", "make_histogram", "spread_histogram"]

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
    width = _width(low, high)
    if not 0 <= width < np.inf:  # a footer may say anything
        return []
    counts, _ = np.histogram(_along(finite(column.drop_null()), low, width), BINS, (0, 1))
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
    width = _width(low, high)
    if not 0 <= width < np.inf:  # a footer may say anything
        return []
    known = [(group, span) for group, span in enumerate(spans) if span is not None]
    starts = _along(_column([span.low for _, span in known], low.type), low, width)
    stops = _along(_column([span.high for _, span in known], low.type), low, width)
    shapes = {group: _shape(column) for group, column in samples.items()}
    read = np.array(sorted(shapes))
    middles = (np.arange(FINE) + 0.5) / FINE
    bars = np.zeros(BINS)
    for (group, span), start, stop in zip(known, starts, stops, strict=True):
        shape = shapes[int(read[np.abs(read - group).argmin()])]
        parts = start + middles * (stop - start)
        counts, _ = np.histogram(parts, BINS, (0, 1), weights=shape * span.present)
        bars += counts
    return [round(bar) for bar in bars]


def _shape(column: Column) -> Array:
    """The share of values in each fine part between their own extremes."""
    column = finite(column.drop_null())
    if not len(column):
        return np.full(FINE, 1 / FINE)
    low, high = extremes(column)
    counts, _ = np.histogram(_along(column, low, _width(low, high)), FINE, (0, 1))
    shares: Array = counts / counts.sum()
    return shares


def extremes(column: Column) -> tuple[Scalar, Scalar]:
    """The least and the greatest value, as scalars of the column's type."""
    kind = column.type
    # Arrow knows no least duration.
    found: Any = pc.min_max(column.cast(pa.int64()) if pa.types.is_duration(kind) else column)
    return found["min"].cast(kind), found["max"].cast(kind)


def _column(values: Sequence[Any], kind: pa.DataType) -> Column:
    return make_column([pa.array(values, kind)], kind)


def _width(low: Scalar, high: Scalar) -> float:
    return float(_distances(_column([high], low.type), low)[0])


def _along(column: Column, low: Scalar, width: float) -> Array:
    """Where values stand between two ends, from 0 to 1; in the middle if those are equal."""
    if not width:
        return np.full(len(column), 0.5)
    return np.clip(_distances(column, low) / width, 0, 1)


def _distances(column: Column, low: Scalar) -> Array:
    """How far values lie from the least, which is told before it is rounded to a float."""
    kind = column.type
    if pa.types.is_decimal(kind):
        wide = pa.decimal256(min(kind.precision, 75), kind.scale)
        apart: Any = pc.subtract(column.cast(wide), low.cast(wide))
        return _floats(apart)
    if pa.types.is_floating(kind):
        with np.errstate(over="ignore"):
            return _floats(column) - _floats(_column([low], kind))
    numbers, least = _integers(column), _integers(_column([low], kind))
    # Modulo 2**64, where every distance has a place; a footer may claim what is not least.
    distances: Array = (np.maximum(numbers, least).view("u8") - least.view("u8")).astype(float)
    return distances


def _floats(column: Column) -> Array:
    numbers: Array = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers


def _integers(column: Column) -> np.ndarray[Any, np.dtype[Any]]:
    kind = column.type
    if pa.types.is_date32(kind) or pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    wide = pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
    numbers: np.ndarray[Any, np.dtype[Any]] = column.cast(wide).to_numpy()
    return numbers
