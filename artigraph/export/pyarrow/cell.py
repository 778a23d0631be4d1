"""Cells of rows as Arrow arrays, whatever a driver or somebody else's row hands over for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from artigraph.export.pyarrow.array import MOMENT, UNEVEN

__all__ = ["fitting", "integers", "moments", "texts"]


def fitting(make: Callable[[Sequence[Any]], pa.Array[Any]], values: Sequence[Any]) -> pa.Array[Any]:
    """An array, in which a cell that somebody else filled with something else is missing."""
    try:
        return make(values)
    except UNEVEN:
        if len(values) == 1:
            return make([None])
        return pa.concat_arrays([fitting(make, [value]) for value in values])


def texts(values: Sequence[Any]) -> pa.Array[Any]:
    """Texts."""
    return pa.array(values, pa.string())


def integers(values: Sequence[Any]) -> pa.Array[Any]:
    """Integers of 64 bits."""
    return pa.array(values, pa.int64())


def moments(values: Sequence[Any]) -> pa.Array[Any]:
    """Moments, as whatever a driver hands over for them."""
    kinds = set(map(type, values))
    if int in kinds or float in kinds:  # which Arrow would count from 1970 on
        raise TypeError(values)
    if str in kinds:  # SQLite has no type for them
        return pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(MOMENT)
    return pa.array(values, MOMENT)
