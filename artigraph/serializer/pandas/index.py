"""The indexes of a frame.

Levels of the row index become columns of the table; the labels of columns
are packed into the frame's description.

Level values are stored as they are, so a ``MultiIndex`` comes back equal but
without levels that no row used.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import pyarrow as pa

from artigraph.errors import SerializationError
from artigraph.serializer.pandas.column import (
    Part,
    Plan,
    decode_column,
    decode_label,
    encode_freq,
    encode_label,
    make_index,
    pack_values,
    plan_column,
    slicer,
    unpack_values,
)

__all__ = [
    "decode_index",
    "level_dtypes",
    "pack_index",
    "plan_index",
    "stored_levels",
    "unpack_index",
]

INDEX_TYPES = (
    pd.Index,
    pd.RangeIndex,
    pd.MultiIndex,
    pd.DatetimeIndex,
    pd.TimedeltaIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    pd.CategoricalIndex,
)
"""Others, such as a user's subclass, would come back as one of these."""


def stored_levels(index: pd.Index[Any]) -> int:
    """Count the levels that become columns of the table."""
    return 0 if isinstance(index, pd.RangeIndex) else index.nlevels


def level_dtypes(index: pd.Index[Any]) -> list[Any]:
    """List the dtypes of the levels that become columns of the table."""
    if isinstance(index, pd.MultiIndex):
        return [level.dtype for level in index.levels]
    return [index.dtype] * stored_levels(index)


def plan_index(index: pd.Index[Any], step: int, place: str) -> tuple[dict[str, Any], list[Plan]]:
    """Describe an index and settle how its levels are written.

    Args:
        index: The index.
        step: How many rows are looked at, and later encoded, at once.
        place: What an error calls it.

    Returns:
        A JSON description and one plan a level; none for a ``RangeIndex``.

    Raises:
        SerializationError: It would not come back equal.
    """
    description, levels = _describe(index, step, place)
    rows = len(index)
    plans = [plan_column(part, dtype, rows, step, name) for part, dtype, name in levels]
    description["levels"] = [plan.spec for plan in plans]
    # Dtypes of object levels depend on their values, the others are probed
    # with those of the frame's columns.
    if len(levels) > 1 and any(spec[0] == "object" for spec in description["levels"]):
        arrays = [pa.chunked_array([plan.encode(0, rows)]) for plan in plans]
        back = level_dtypes(decode_index(description, arrays))
        if back != level_dtypes(index):
            raise SerializationError(
                f"{place} has levels of dtypes {level_dtypes(index)}, which would come back as "
                f"{back}. Use frame.reset_index()."
            )
    return description, plans


def decode_index(
    description: dict[str, Any], columns: list[Any], rows: slice = slice(None)
) -> pd.Index[Any]:
    """Turn what :func:`plan_index` settled back into the index.

    Args:
        description: What it gave.
        columns: One ``pyarrow.ChunkedArray`` a level, of the rows in question.
        rows: Which rows these are; all by default.
    """
    specs = zip(columns, description["levels"], strict=True)
    index = _build(description, [decode_column(column, spec) for column, spec in specs])
    # Of a range nothing is stored, so only here is more than what was asked for.
    return index[rows] if "range" in description else index


def pack_index(index: pd.Index[Any], place: str) -> dict[str, Any]:
    """Turn an index into JSON with all of its values, for labels of columns.

    Raises:
        SerializationError: It would not come back equal.
    """
    rows = len(index)
    description, levels = _describe(index, max(rows, 1), place)
    description["packed"] = [pack_values(part(0, rows), name) for part, _, name in levels]
    return description


def unpack_index(description: dict[str, Any]) -> pd.Index[Any]:
    """Turn what :func:`pack_index` gave back into the index."""
    return _build(description, [unpack_values(packed) for packed in description["packed"]])


def _describe(
    index: pd.Index[Any], step: int, place: str
) -> tuple[dict[str, Any], list[tuple[Part, Any, str]]]:
    if type(index) not in INDEX_TYPES:
        raise SerializationError(
            f"{place} is a {type(index).__module__}.{type(index).__qualname__}, which would come "
            "back as a plain pandas index. Use pandas.Index(list(index))."
        )
    description: dict[str, Any] = {
        "names": [encode_label(name, f"{place} has the name") for name in index.names]
    }
    if isinstance(index, pd.RangeIndex):
        return description | {"range": [index.start, index.stop, index.step]}, []
    if not isinstance(index, pd.MultiIndex):
        freq = encode_freq(index, place)
        return description | {"freq": freq}, [(slicer(index), index.dtype, place)]
    levels: list[tuple[Part, Any, str]] = [
        (partial(_level, index, i), level.dtype, f"{place}, level {i},")
        for i, level in enumerate(index.levels)
    ]
    for part, dtype, name in levels:
        for start in range(0, max(len(index), 1), step):
            found = part(start, start + step).dtype
            if found != dtype:
                raise SerializationError(
                    f"{name} of dtype {dtype} misses values and would come back as {found}. "
                    "Use frame.reset_index()."
                )
    return description | {"multi": True}, levels


def _level(index: pd.MultiIndex, number: int, first: int, last: int) -> pd.Index[Any]:
    return index[first:last].get_level_values(number)


def _build(description: dict[str, Any], levels: list[Any]) -> pd.Index[Any]:
    names = [decode_label(name) for name in description["names"]]
    if "range" in description:
        start, stop, step = description["range"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if "multi" in description:
        indexes = [make_index(values) for values in levels]
        return pd.MultiIndex.from_arrays(indexes, names=names)
    index: pd.Index[Any] = make_index(levels[0], description["freq"])
    index.name = names[0]
    return index
