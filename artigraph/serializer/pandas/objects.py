"""Object columns, the one kind whose type nothing but the values tells.

There are three ways. Values of one type that Arrow has are a column of that
type: all of them are turned into Arrow, and back where that may change one.
Arrays of one axis and one dtype are lists. All others are JSON texts.

All of it is looked at before anything is written: some rows at a time, and
once more when they are written.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from artigraph.serializer.pandas.plain import decode_plain, encode_plain
from artigraph.serializer.pyarrow import empty_table, write_parquet

__all__ = ["NULLS", "decode_arrays", "decode_objects", "decode_texts", "plan_objects"]

NULLS: dict[str, Any] = {"None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}
"""What stands for a missing value in an object column, by the word that is stored."""

EXACT: dict[type[Any], Callable[[pa.DataType], bool]] = {
    str: pa.types.is_string,
    bytes: pa.types.is_binary,
    bool: pa.types.is_boolean,
    int: pa.types.is_integer,
    float: pa.types.is_float64,
}
"""Types, and no subclasses, whose every value Arrow's type gives back: they
need no trial, which takes longer than to write them."""

NULL_TYPES: dict[type[Any], str] = {
    type(None): "None",
    float: "nan",
    type(pd.NA): "NA",
    type(pd.NaT): "NaT",
}

Part = Callable[[int, int], Any]
"""Gives the values from a first to one before a last, as an array of objects."""

Planned = tuple[list[Any], pa.DataType, Part]
"""The spec, the type of all arrays, and a function that makes an array of some rows."""


class _OtherWayError(Exception):
    """These values do not come back in this way."""


def plan_objects(part: Part, rows: int, step: int, place: str) -> Planned:
    """Settle how an object column is written, having checked every value.

    Args:
        part: Gives the values of some rows.
        rows: How many there are.
        step: How many are looked at, and later encoded, at once.
        place: What an error calls the column.

    Raises:
        SerializationError: It would not come back equal.
    """
    starts = range(0, max(rows, 1), step)
    with suppress(_OtherWayError):
        null = _find_null(part(start, start + step) for start in starts)
        for plan in (_plan_one_type, _plan_arrays):
            with suppress(_OtherWayError):
                return plan(part, rows, starts, null)
    return _plan_texts(part, rows, starts, place)


def _plan_one_type(part: Part, rows: int, starts: range, null: str) -> Planned:
    only: Any = None
    kinds: dict[pa.DataType, None] = {}
    for start in starts:
        array = _encode(part(start, start + starts.step), null)
        kinds[array.type] = None
        only = array if len(starts) == 1 else None
    known = [kind for kind in kinds if not pa.types.is_null(kind)]
    kind = known[0] if known else pa.null()
    if len(known) > 1:
        # Arrow finds one type for all or none: at the cost of one column more,
        # but only where parts of it look unlike.
        kind = _encode(part(0, rows), null).type
    nested = pa.types.is_nested(kind)
    if nested:
        try:
            write_parquet(empty_table(pa.schema([("", kind)])))
        except pa.ArrowException as error:  # such as a struct without fields
            raise _OtherWayError from error

    def encode(first: int, last: int) -> object:
        if only is not None and (first, last) == (0, rows):
            return only
        return _to_arrow(part(first, last), nested, kind)

    return ["object", null], kind, encode


def _find_null(parts: Iterable[Any]) -> str:
    kinds: set[type[Any]] = set()
    for values in parts:
        kinds |= set(map(type, values[pd.isna(values)]))
    null = NULL_TYPES.get(next(iter(kinds))) if len(kinds) == 1 else "None"
    if len(kinds) > 1 or null is None:
        raise _OtherWayError
    return null


def _to_arrow(values: Any, nested: bool, kind: pa.DataType | None = None) -> Any:
    if not nested:
        return pa.array(values, kind, from_pandas=True)
    # Else a NaN within a list would become a null.
    return pa.array(values, kind, mask=pd.isna(values), from_pandas=False)


def _encode(values: Any, null: str) -> Any:
    present = ~pd.isna(values)
    kinds = set(map(type, values[present]))
    if np.ndarray in kinds:
        raise _OtherWayError
    try:
        array = _to_arrow(values, not kinds.isdisjoint((list, dict)))
        if len(kinds) == 1 and (exact := EXACT.get(next(iter(kinds)))) and exact(array.type):
            return array
        chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
        back = decode_objects(chunked, null)
    except Exception as error:  # mixed types may give an array that is nothing in Python
        raise _OtherWayError from error
    if not _all_same(values[present], back[present]):
        raise _OtherWayError
    return array


def decode_objects(column: Any, null: str) -> Any:
    """Turn a ``pyarrow.ChunkedArray`` back into an array of objects."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = np.fromiter(column.to_pylist(), dtype=object, count=len(column))
    if null != "None":
        values[column.is_null().to_numpy(zero_copy_only=False)] = NULLS[null]
    return values


def _all_same(old: Any, new: Any) -> bool:
    types = set(map(type, old))
    same = _same if types & {list, dict, datetime, time} else operator.eq
    pairs = zip(old, new, strict=True)
    return all(type(one) is type(other) and same(one, other) for one, other in pairs)


def _same(old: Any, new: Any) -> bool:
    """Whether two values are equal with equal types, all the way down."""
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict):
        return list(old) == list(new) and all(map(_same, old.values(), new.values()))
    if isinstance(old, datetime | time):
        return old == new and str(old.tzinfo) == str(new.tzinfo) and old.fold == new.fold
    return bool(old == new) or (old != old and new != new)


# -------------------------------------------------------------- arrays of one axis


def _plan_arrays(part: Part, rows: int, starts: range, null: str) -> Planned:
    dtypes: set[Any] = set()
    for start in starts:
        values = part(start, start + starts.step)
        for value in values[~pd.isna(values)]:
            if type(value) is not np.ndarray or value.ndim != 1:
                raise _OtherWayError
            dtypes.add(value.dtype)
    dtype = next(iter(dtypes)) if len(dtypes) == 1 else np.dtype(object)
    if dtype.kind not in "biuf" or not dtype.isnative:
        raise _OtherWayError
    kind = pa.large_list(pa.from_numpy_dtype(dtype))

    def encode(first: int, last: int) -> object:
        values = part(first, last)
        missing = pd.isna(values)
        arrays = [np.empty(0, dtype), *values[~missing]]
        sizes = np.zeros(len(values) + 1, np.int64)
        sizes[1:][~missing] = list(map(len, arrays[1:]))
        flat = pa.array(np.concatenate(arrays), from_pandas=False)
        mask: Any = pa.array(missing) if missing.any() else None
        make: Any = pa.LargeListArray.from_arrays
        return make(pa.array(np.cumsum(sizes)), flat, mask=mask)

    return ["arrays", null, dtype.name], kind, encode


def decode_arrays(column: Any, null: str, name: str) -> Any:
    """Turn a ``pyarrow.ChunkedArray`` of lists back into an array of arrays."""
    found = np.full(len(column), NULLS[null], dtype=object)
    row = 0
    for chunk in column.chunks:
        numbers = chunk.values.to_numpy(zero_copy_only=False)
        if numbers.dtype.name != name or numbers.dtype.kind not in "biuf":
            raise ValueError(f"{numbers.dtype} was stored where {name!r} is described")
        ends = chunk.offsets.to_numpy()
        for i in np.flatnonzero(chunk.is_valid().to_numpy(zero_copy_only=False)):
            found[row + i] = numbers[ends[i] : ends[i + 1]].copy()
        row += len(chunk)
    return found


# ---------------------------------------------------------------------- JSON texts


def _plan_texts(part: Part, rows: int, starts: range, place: str) -> Planned:
    fix = "Make texts of them with astype('str'), or keep such values in a field of their own."

    def encode(first: int, last: int) -> object:
        return pa.array([text(first + i, value) for i, value in enumerate(part(first, last))], kind)

    def text(row: int, value: object) -> str | None:
        if value is None:
            return None
        return json.dumps(encode_plain(value, f"{place}, in row {row},", fix))

    kind = pa.string()
    for start in starts:
        encode(start, min(start + starts.step, rows))
    return ["texts"], kind, encode


def decode_texts(column: Any) -> Any:
    """Turn a ``pyarrow.ChunkedArray`` of JSON texts back into an array of objects."""
    texts = column.to_pylist()
    values = (None if text is None else decode_plain(json.loads(text)) for text in texts)
    return np.fromiter(values, dtype=object, count=len(texts))
