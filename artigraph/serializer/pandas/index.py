"""The indexes of a frame.

Levels of the row index become columns of the table; the labels of columns
are packed into the frame's description.

Level values are stored as they are, so a ``MultiIndex`` comes back equal but
without levels that no row used.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from artigraph.errors import SerializationError
from artigraph.serializer.pandas.column import (
    decode_column,
    decode_label,
    encode_column,
    encode_freq,
    encode_label,
    make_index,
    pack_values,
    unpack_values,
)

__all__ = [
    "decode_index",
    "encode_index",
    "level_dtypes",
    "pack_index",
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


def encode_index(index: pd.Index[Any], place: str) -> tuple[dict[str, Any], list[Any]]:
    """Describe an index and turn its levels into Arrow arrays.

    Args:
        index: The index.
        place: What an error calls it.

    Returns:
        A JSON description and one array a level; none for a ``RangeIndex``.

    Raises:
        SerializationError: It would not come back equal.
    """
    description, levels = _describe(index, place)
    columns = [encode_column(level, level_place) for level, level_place in levels]
    description["levels"] = [spec for _, spec in columns]
    arrays = [array for array, _ in columns]
    # Dtypes of object levels depend on their values, the others are probed
    # with those of the frame's columns.
    if len(levels) > 1 and any(spec[0] == "object" for spec in description["levels"]):
        back = level_dtypes(decode_index(description, [pa.chunked_array([a]) for a in arrays]))
        if back != level_dtypes(index):
            raise SerializationError(
                f"{place} has levels of dtypes {level_dtypes(index)}, which would come back as "
                f"{back}. Use frame.reset_index()."
            )
    return description, arrays


def decode_index(description: dict[str, Any], columns: list[Any]) -> pd.Index[Any]:
    """Turn what :func:`encode_index` gave back into the index."""
    specs = zip(columns, description["levels"], strict=True)
    return _build(description, [decode_column(column, spec) for column, spec in specs])


def pack_index(index: pd.Index[Any], place: str) -> dict[str, Any]:
    """Turn an index into JSON with all of its values, for labels of columns.

    Raises:
        SerializationError: It would not come back equal.
    """
    description, levels = _describe(index, place)
    description["packed"] = [pack_values(level, level_place) for level, level_place in levels]
    return description


def unpack_index(description: dict[str, Any]) -> pd.Index[Any]:
    """Turn what :func:`pack_index` gave back into the index."""
    return _build(description, [unpack_values(packed) for packed in description["packed"]])


def _describe(index: pd.Index[Any], place: str) -> tuple[dict[str, Any], list[tuple[Any, str]]]:
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
        return description | {"freq": encode_freq(index, place)}, [(index, place)]
    levels = [(index.get_level_values(i), f"{place}, level {i},") for i in range(index.nlevels)]
    for (values, level_place), level in zip(levels, index.levels, strict=True):
        if values.dtype != level.dtype:
            raise SerializationError(
                f"{level_place} of dtype {level.dtype} misses values and would come back as "
                f"{values.dtype}. Use frame.reset_index()."
            )
    return description | {"multi": True}, levels


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
