"""One column as an Arrow array, and the way back from it.

``encode_column`` gives the array and a *spec*, a short JSON list that says
what the array alone does not: the dtype, the categories, what stood for a
missing value. ``decode_column`` takes both. Only in object columns, whose
type Arrow infers, every value is compared with what would come back.
"""

from __future__ import annotations

import base64
import operator
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.tseries.frequencies import to_offset
from pyarrow import ipc

from artigraph.errors import SerializationError
from artigraph.serializer.pyarrow import read_feather, write_feather

__all__ = [
    "Spec",
    "decode_column",
    "decode_label",
    "encode_column",
    "encode_freq",
    "encode_label",
    "make_index",
    "other_dtype",
    "pack_values",
    "unpack_values",
]

Column = Any
"""A ``pyarrow.ChunkedArray``, whose kinds the stubs tell apart too well for us."""

Spec = list[Any]
"""How a column is turned back: a word for the way, then its arguments, all JSON."""

NULLS: dict[str, Any] = {"None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}
"""What stands for a missing value in an object column, by the word that is stored."""

NULL_TYPES: dict[type[Any], str] = {
    type(None): "None",
    float: "nan",
    type(pd.NA): "NA",
    type(pd.NaT): "NaT",
}


def encode_column(values: Any, place: str) -> tuple[Any, Spec]:
    """Turn a column or an index level into an Arrow array.

    Args:
        values: A ``Series`` or a flat ``Index``.
        place: What an error calls it.

    Returns:
        The array, and the spec that :func:`decode_column` needs.

    Raises:
        SerializationError: It would not come back equal.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _encode_categorical(values, dtype, place)
    if _is_object(dtype):
        return _encode_object(values.to_numpy(), place)
    array = _to_arrow(values, place, other_dtype(dtype))
    if isinstance(dtype, np.dtype):
        if dtype.kind not in "biufmM":
            raise SerializationError(
                f"{place} has the dtype {dtype}, which would come back as another. "
                f"{other_dtype(dtype)}"
            )
        return array, ["numpy", str(dtype)]
    if isinstance(dtype, pd.StringDtype):
        return array, ["string", dtype.storage, "NA" if dtype.na_value is pd.NA else "nan"]
    if isinstance(dtype, pd.ArrowDtype):
        return array, ["arrow", _pack_bytes(pa.schema([("", array.type)]).serialize())]
    return array, ["extension", str(dtype)]


def decode_column(column: Column, spec: Spec) -> Any:
    """Turn a column of a table back into an array of pandas or NumPy.

    Raises:
        Exception: Of almost any kind, when the spec does not fit the column.
    """
    way, *arguments = spec
    return _DECODERS[way](column, *arguments)


def pack_values(values: pd.Index[Any], place: str) -> dict[str, Any]:
    """Turn labels or categories into JSON.

    Raises:
        SerializationError: They would not come back equal.
    """
    if _is_object(values.dtype):
        try:
            return {"labels": [encode_label(value, f"{place} has the label") for value in values]}
        except SerializationError:
            pass  # such as dates, which Arrow knows
    array, spec = encode_column(values, place)
    table = pa.Table.from_arrays([array], names=[""])
    freq = encode_freq(values, place)
    return {"spec": spec, "data": _pack_bytes(write_feather(table)), "freq": freq}


def unpack_values(packed: dict[str, Any]) -> Any:
    """Turn what :func:`pack_values` gave back into a flat index."""
    if "labels" in packed:
        labels = packed["labels"]
        return make_index(np.fromiter(map(decode_label, labels), dtype=object, count=len(labels)))
    table = read_feather(_unpack_bytes(packed["data"]))
    return make_index(decode_column(table.column(0), packed["spec"]), packed["freq"])


def make_index(values: Any, freq: str | None = None) -> Any:
    """Make a flat index of the dtype that the values have."""
    index: Any = pd.Index(values, dtype=values.dtype, copy=False, tupleize_cols=False)
    if freq is not None:
        index.freq = freq  # pandas verifies that it fits
    return index


def encode_freq(index: pd.Index[Any], place: str) -> str | None:
    """Name the spacing of a ``DatetimeIndex`` or ``TimedeltaIndex``, if it has one.

    Raises:
        SerializationError: Its name would not give it back.
    """
    if not isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex) or index.freq is None:
        return None
    text = index.freqstr
    try:
        known = to_offset(text) == index.freq
    except ValueError:
        known = False
    if not known:
        raise SerializationError(
            f"{place} has the freq {index.freq!r}, which its name {text!r} does not give back. "
            "Set its freq to None."
        )
    return text


def encode_label(label: Any, place: str) -> Any:
    """Turn a name or a label into JSON; tuples become lists.

    Raises:
        SerializationError: It is not a tuple of, or a plain str, int, float,
            bool or ``None``.
    """
    if isinstance(label, np.generic):
        label = label.item()
    if type(label) is tuple:
        return [encode_label(part, place) for part in label]
    if label is not None and type(label) not in (str, int, float, bool):
        raise SerializationError(
            f"{place} {label!r} of type {type(label).__name__}, which would not come back. "
            "Use a str or an int for it."
        )
    return label


def decode_label(label: Any) -> Any:
    """Turn what :func:`encode_label` gave back into the label."""
    return tuple(map(decode_label, label)) if isinstance(label, list) else label


def _is_object(dtype: Any) -> bool:
    # Extension dtypes, such as that of strings, have the kind "O" as well.
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _pack_bytes(data: Any) -> str:
    return base64.b64encode(data).decode()


def _unpack_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _to_arrow(values: Any, place: str, fix: str) -> Any:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise SerializationError(f"{place} cannot be stored: {error.args[0]}. {fix}") from error


def _decode_numpy(column: Column, name: str) -> Any:
    dtype = np.dtype(name)
    values = column.to_numpy(zero_copy_only=False)
    # Parquet has no seconds, so these return as milliseconds.
    if dtype.kind in "mM" and values.dtype.kind == dtype.kind:
        values = values.astype(dtype, copy=False)
    if values.dtype != dtype or dtype.kind not in "biufmM":
        raise ValueError(f"{values.dtype} was stored where {name!r} is described")
    return values if values.flags.writeable else values.copy()


def _decode_string(column: Column, storage: str, null: str) -> Any:
    dtype: Any = pd.StringDtype
    return dtype(storage, na_value=NULLS[null]).__from_arrow__(column)


def _decode_arrow(column: Column, packed: str) -> Any:
    kind = ipc.read_schema(pa.py_buffer(_unpack_bytes(packed))).types[0]
    dtype: Any = pd.ArrowDtype(kind)
    return dtype.__from_arrow__(column.cast(kind))


def _decode_extension(column: Column, name: str) -> Any:
    dtype: Any = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, pd.Float32Dtype | pd.Float64Dtype):
        # pandas' own way makes NA of a NaN that is not missing.
        values = pc.fill_null(column, 0.0).to_numpy().astype("f4" if name == "Float32" else "f8")
        return pd.arrays.FloatingArray(values, column.is_null().to_numpy())
    values = dtype.__from_arrow__(column)
    # pandas leaves these read-only.
    return values.copy() if isinstance(dtype, pd.DatetimeTZDtype) else values


def _encode_categorical(values: Any, dtype: pd.CategoricalDtype, place: str) -> tuple[Any, Spec]:
    place = f"{place}, in its categories,"
    numbers: Any = (values.cat.codes if isinstance(values, pd.Series) else values.codes).copy()
    numbers = np.asarray(numbers)
    codes: Any = pa.array(numbers, mask=numbers == -1)
    packed = pack_values(dtype.categories, place)
    spec = ["categorical", packed, bool(dtype.ordered)]
    # Every reader should see values; but mixed ones Arrow does not know, and
    # intervals and periods Parquet cannot write so, and their codes must do.
    if "labels" in packed and pd.api.types.infer_dtype(dtype.categories) != "string":
        return codes, [*spec, False]
    known, _ = encode_column(dtype.categories, place)
    if isinstance(known.type, pa.BaseExtensionType):
        return codes, [*spec, False]
    if isinstance(known, pa.ChunkedArray):
        known = known.combine_chunks()
    return pa.DictionaryArray.from_arrays(codes, known), [*spec, True]


def _decode_categorical(
    column: Column, packed: dict[str, Any], ordered: bool, as_values: bool
) -> Any:
    categories = unpack_values(packed)
    if as_values:
        known, _ = encode_column(categories, "The categories")
        missing = column.null_count
        if pa.types.is_dictionary(column.type):
            column = _dictionary_codes(column, known)
        else:
            column = pc.index_in(column, value_set=known.cast(column.type))
        if column.null_count != missing:
            raise ValueError("a value is none of the categories")
    codes = pc.fill_null(column, -1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def _dictionary_codes(column: Column, known: Any) -> Any:
    # Only the dictionaries are looked up, not every value.
    chunks = []
    for chunk in column.chunks:
        words = chunk.dictionary
        codes: Any = pc.index_in(words, value_set=known.cast(words.type))
        chunks.append(codes.take(chunk.indices))
    return pa.chunked_array(chunks, type=pa.int32())


def _encode_object(values: Any, place: str) -> tuple[Any, Spec]:
    missing = pd.isna(values)
    kinds = set(map(type, values[missing]))
    null = NULL_TYPES.get(*kinds) if len(kinds) == 1 else "None"
    if len(kinds) > 1 or null is None:
        raise SerializationError(
            f"{place} holds missing values of the types {_type_names(kinds)}, which would all come "
            "back as one. Make them one, as with column.where(column.notna(), None)."
        )
    spec = ["object", null]
    array = _to_arrow(values, place, f"{_inventory(values, missing)} {_OBJECT_FIX}")
    chunked = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    try:
        back = decode_column(chunked, spec)
    except Exception as error:  # mixed types may give an array that is nothing in Python
        raise SerializationError(
            f"{place} would not be readable: {error}. {_inventory(values, missing)} {_OBJECT_FIX}"
        ) from error
    present = ~missing
    row = _first_difference(values[present], back[present])
    if row is not None:
        row = int(np.flatnonzero(present)[row])
        old, new = values[row], back[row]
        raise SerializationError(
            f"{place} holds {old!r} of type {type(old).__name__} in row {row}, which would come "
            f"back as {new!r} of type {type(new).__name__}. {_OBJECT_FIX}"
        )
    return array, spec


def _decode_object(column: Column, null: str) -> Any:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = np.fromiter(column.to_pylist(), dtype=object, count=len(column))
    if null != "None":
        values[column.is_null().to_numpy(zero_copy_only=False)] = NULLS[null]
    return values


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


def _inventory(values: Any, missing: Any) -> str:
    types = set(map(type, values[~missing]))
    return f"It holds values of the types {_type_names(types)}."


def _type_names(types: set[type[Any]]) -> str:
    return ", ".join(sorted(t.__name__ for t in types))


_OBJECT_FIX = (
    "Give the column one type, as with column.astype('str') or column.infer_objects(), "
    "or keep such values in a field of their own."
)


def other_dtype(dtype: Any) -> str:
    """Say what to type for a dtype that cannot be kept."""
    if isinstance(dtype, pd.SparseDtype):
        return "Use column.sparse.to_dense()."
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        return "Store its real and imag parts as two columns."
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return f"Use column.astype({dtype.newbyteorder('=').name!r})."
    return "Convert it to another dtype with column.astype(...)."


_DECODERS: dict[str, Callable[..., Any]] = {
    "numpy": _decode_numpy,
    "string": _decode_string,
    "arrow": _decode_arrow,
    "extension": _decode_extension,
    "categorical": _decode_categorical,
    "object": _decode_object,
}
