"""Object columns, the one kind whose type Arrow must infer from the values.

All of it is turned into Arrow, and back where that may change a value, before
anything is written: some rows at a time, and once more when they are written.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from artigraph.errors import SerializationError

__all__ = ["NULLS", "decode_objects", "plan_objects", "to_arrow"]

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


def plan_objects(
    part: Callable[[int, int], Any], rows: int, step: int, place: str
) -> tuple[list[Any], pa.DataType, Callable[[int, int], Any]]:
    """Settle how an object column is written, having checked every value.

    Args:
        part: Gives the values from a first to one before a last, as an array
            of objects.
        rows: How many there are.
        step: How many are looked at, and later encoded, at once.
        place: What an error calls the column.

    Returns:
        The spec, the type of all arrays, and a function that makes an array
        of some rows.

    Raises:
        SerializationError: It would not come back equal.
    """
    starts = range(0, max(rows, 1), step)
    null = _find_null((part(start, start + step) for start in starts), place)
    only: Any = None
    kinds: dict[pa.DataType, None] = {}
    for start in starts:
        array = _encode(part(start, start + step), start, null, place)
        kinds[array.type] = None
        only = array if len(starts) == 1 else None
    known = [kind for kind in kinds if not pa.types.is_null(kind)]
    if len(known) > 1:
        # Arrow finds one type for all or says what is wrong: at the cost of one
        # column more, but only where parts of it look unlike.
        kind = _encode(part(0, rows), 0, null, place).type
    else:
        kind = known[0] if known else pa.null()

    def encode(first: int, last: int) -> Any:
        if only is not None and (first, last) == (0, rows):
            return only
        values = part(first, last)
        return to_arrow(values, place, lambda: _fix(values), kind)

    return ["object", null], kind, encode


def _find_null(parts: Iterable[Any], place: str) -> str:
    kinds: set[type[Any]] = set()
    for values in parts:
        kinds |= set(map(type, values[pd.isna(values)]))
    null = NULL_TYPES.get(next(iter(kinds))) if len(kinds) == 1 else "None"
    if len(kinds) > 1 or null is None:
        raise SerializationError(
            f"{place} holds missing values of the types {_type_names(kinds)}, which would all come "
            "back as one. Make them one, as with column.where(column.notna(), None)."
        )
    return null


def _encode(values: Any, start: int, null: str, place: str) -> Any:
    array = to_arrow(values, place, lambda: _fix(values))
    present = ~pd.isna(values)
    kinds = set(map(type, values[present]))
    if len(kinds) == 1 and (exact := EXACT.get(next(iter(kinds)))) and exact(array.type):
        return array
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    try:
        back = decode_objects(chunked, null)
    except Exception as error:  # mixed types may give an array that is nothing in Python
        raise SerializationError(
            f"{place} would not be readable: {error}. {_fix(values)}"
        ) from error
    row = _first_difference(values[present], back[present])
    if row is not None:
        row = int(np.flatnonzero(present)[row])
        old, new = values[row], back[row]
        raise SerializationError(
            f"{place} holds {old!r} of type {type(old).__name__} in row {start + row}, which would "
            f"come back as {new!r} of type {type(new).__name__}. {_OBJECT_FIX}"
        )
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


def to_arrow(
    values: Any, place: str, fix: Callable[[], str], kind: pa.DataType | None = None
) -> Any:
    """Make an Arrow array of any values of pandas or NumPy.

    Args:
        values: What to turn into one.
        place: What an error calls them.
        fix: Finds what an error says that can be done.
        kind: The array's type, if Arrow shall not infer it.

    Raises:
        SerializationError: Arrow cannot hold them.
    """
    try:
        return pa.array(values, kind, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise SerializationError(f"{place} cannot be stored: {error.args[0]}. {fix()}") from error


def _first_difference(old: Any, new: Any) -> int | None:
    types = set(map(type, old))
    same = _same if types & {list, dict, datetime, time} else operator.eq
    for row, (before, after) in enumerate(zip(old, new, strict=True)):
        if type(before) is not type(after) or not same(before, after):
            return row
    return None


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


def _fix(values: Any) -> str:
    types = set(map(type, values[~pd.isna(values)]))
    return f"It holds values of the types {_type_names(types)}. {_OBJECT_FIX}"


def _type_names(types: set[type[Any]]) -> str:
    return ", ".join(sorted(t.__name__ for t in types))


_OBJECT_FIX = (
    "Give the column one type, as with column.astype('str') or column.infer_objects(), "
    "or keep such values in a field of their own."
)
