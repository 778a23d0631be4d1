"""One type for arrays of one column, whatever each of them is of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa

from artigraph.export.column import text_of
from artigraph.export.pyarrow.array import JSON, UNEVEN

__all__ = ["unified", "widened"]


def unified(arrays: Sequence[pa.Array[Any]]) -> list[pa.Array[Any]]:
    """Arrays that are all of one type, with equal values.

    Integers become floats where each equals one, decimals gain digits. Where
    types have nothing in common, all values become JSON.
    """
    types = {array.type for array in arrays}
    if len(types) > 1:
        try:
            common = _common(types)
            return [array if array.type == common else array.cast(common) for array in arrays]
        except UNEVEN:
            return [_as_json(array) for array in arrays]
    return list(arrays)


def widened(arrays: Sequence[pa.Array[Any]], declared: pa.DataType) -> Sequence[pa.Array[Any]]:
    """Arrays of a declared type, if that keeps their values.

    Floats that are all whole are still floats, and an empty list is one of numbers.

    Args:
        arrays: Arrays of one type.
        declared: The type; null for none.
    """
    try:
        if _common({declared, *(array.type for array in arrays)}) == declared:
            return [array.cast(declared) for array in arrays]
    except UNEVEN:
        pass  # what is stored counts
    return arrays


def _common(types: Collection[pa.DataType]) -> pa.DataType:
    left = {one for one in types if not pa.types.is_null(one)}
    if len(left) <= 1:
        return next(iter(left), pa.null())
    if left == {pa.int64(), pa.float64()} or all(map(pa.types.is_decimal, left)):
        # The cast refuses an integer that no float equals. Arrow would unify more, such
        # as decimals with floats and texts with bytes, and then not give the same values.
        schemas = [pa.schema([("", one)]) for one in left]
        merged = pa.unify_schemas(schemas, promote_options="permissive")
        return merged.types[0]
    if all(map(pa.types.is_list, left)):
        lists: Collection[Any] = left
        return pa.list_(_common({one.value_type for one in lists}))
    raise TypeError(left)


def _as_json(array: pa.Array[Any]) -> pa.Array[Any]:
    if array.type == JSON:
        return array
    values: Sequence[Any] = array.to_pylist()
    return pa.array([None if one is None else text_of(one) for one in values], JSON)
