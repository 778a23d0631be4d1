"""One column as an Arrow array, and the way back from it.

``plan_column`` gives a *spec*, a short JSON list that says what Arrow's type
alone does not: the dtype, the categories, what stood for a missing value; and
a way to make arrays of some rows at a time, so that a large column is never
there twice. ``decode_column`` takes an array and the spec. Only in object
columns, whose type their values tell, every value is looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.tseries.frequencies import to_offset
from pyarrow import ipc
from typing_extensions import Buffer

from artigraph.errors import SerializationError
from artigraph.serializer.pandas.dtype import read_dtype
from artigraph.serializer.pandas.objects import (
    NULLS,
    decode_arrays,
    decode_objects,
    decode_texts,
    plan_objects,
)
from artigraph.serializer.pyarrow import check_zones, places_among, read_feather, write_feather

__all__ = [
    "Part",
    "Plan",
    "Spec",
    "decode_column",
    "decode_label",
    "encode_column",
    "encode_freq",
    "encode_label",
    "make_index",
    "other_dtype",
    "pack_values",
    "plan_column",
    "slicer",
    "unpack_values",
]

Column = Any
"""A ``pyarrow.ChunkedArray``, whose kinds the stubs tell apart too well for us."""

Values: TypeAlias = "pd.Series[Any] | pd.Index[Any]"
"""A column, or a flat index."""

Spec = list[Any]
"""How a column is turned back: a word for the way, then its arguments, all JSON."""

Part = Callable[[int, int], Any]
"""Gives some rows of a column, from a first to one before a last."""


class Plan(NamedTuple):
    """How a column becomes Arrow arrays, some rows at a time."""

    spec: Spec
    """What :func:`decode_column` needs."""
    kind: pa.DataType
    """The type of all of its arrays."""
    encode: Callable[[int, int], Any]
    """Makes an array of the rows from a first to one before a last."""


def plan_column(part: Part, dtype: object, rows: int, step: int, place: str) -> Plan:
    """Settle how a column is written, having checked what its dtype leaves open.

    Args:
        part: Gives the column's rows from a first to one before a last, as a
            ``Series`` or a flat ``Index``.
        dtype: Its dtype.
        rows: How many there are.
        step: How many are looked at, and later encoded, at once.
        place: What an error calls it.

    Raises:
        SerializationError: It would not come back equal.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return _plan_categorical(part, dtype, place)
    if _is_object(dtype):
        return Plan(*plan_objects(lambda a, b: part(a, b).to_numpy(), rows, step, place))
    empty, spec = _encode_plain(part(0, 0), place)
    return Plan(spec, empty.type, lambda a, b: _encode_plain(part(a, b), place)[0])


def encode_column(values: Values, place: str) -> tuple[pa.Array[Any], Spec]:
    """Turn a column or an index level into an Arrow array.

    Args:
        values: A ``Series`` or a flat ``Index``.
        place: What an error calls it.

    Returns:
        The array, and the spec that :func:`decode_column` needs.

    Raises:
        SerializationError: It would not come back equal.
    """
    rows = len(values)
    plan = plan_column(slicer(values), values.dtype, rows, max(rows, 1), place)
    return plan.encode(0, rows), plan.spec


def slicer(values: Values) -> Part:
    """Make a function that gives rows of a ``Series`` or an ``Index``."""
    rows = values.iloc if isinstance(values, pd.Series) else values
    return lambda first, last: rows[first:last]


def _encode_plain(values: Values, place: str) -> tuple[pa.Array[Any], Spec]:
    dtype = values.dtype
    try:
        array: Any = pa.array(values, from_pandas=True)
    except Exception as error:  # the dtype may be of any library
        raise SerializationError(
            f"{place} of dtype {dtype} cannot be stored: {_reason(error)}. {other_dtype(dtype)}"
        ) from error
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


def _reason(error: Exception) -> str:
    return "it has a lone surrogate" if isinstance(error, UnicodeEncodeError) else str(error)


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
    # Others are dates and their like, which Arrow knows, or texts in the end.
    if _is_object(values.dtype) and all(map(_is_label, values)):
        return {"labels": [encode_label(value, f"{place} has the label") for value in values]}
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


def encode_label(label: object, place: str) -> object:
    """Turn a name or a label into JSON; tuples become lists.

    Raises:
        SerializationError: It is not a tuple of, or a plain str, int, float,
            bool or ``None``.
    """
    if isinstance(label, np.generic):
        label = label.item()
    if type(label) is tuple:
        return [encode_label(part, place) for part in label]
    if not _is_label(label):
        raise SerializationError(
            f"{place} {label!r} of type {type(label).__name__}, which would not come back. "
            "Use a str or an int for it."
        )
    return label


def _is_label(label: object) -> bool:
    if type(label) is tuple:
        return all(map(_is_label, label))
    return label is None or type(label) in (str, int, float, bool)


def decode_label(label: object) -> object:
    """Turn what :func:`encode_label` gave back into the label."""
    return tuple(map(decode_label, label)) if isinstance(label, list) else label


def _is_object(dtype: object) -> bool:
    # Extension dtypes, such as that of strings, have the kind "O" as well.
    return isinstance(dtype, np.dtype) and dtype.kind == "O"


def _pack_bytes(data: Buffer) -> str:
    return base64.b64encode(data).decode()


def _unpack_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _decode_numpy(column: Column, name: str) -> object:
    dtype = np.dtype(name)
    values = column.to_numpy(zero_copy_only=False)
    # Parquet has no seconds, so these return as milliseconds.
    if dtype.kind in "mM" and values.dtype.kind == dtype.kind:
        values = values.astype(dtype, copy=False)
    if values.dtype != dtype or dtype.kind not in "biufmM":
        raise ValueError(f"{values.dtype} was stored where {name!r} is described")
    return values if values.flags.writeable else values.copy()


def _decode_string(column: Column, storage: str, null: str) -> object:
    dtype: Any = pd.StringDtype
    return dtype(storage, na_value=NULLS[null]).__from_arrow__(column)


def _decode_arrow(column: Column, packed: str) -> object:
    kind = ipc.read_schema(pa.py_buffer(_unpack_bytes(packed))).types[0]
    check_zones(kind)
    dtype: Any = pd.ArrowDtype(kind)
    return dtype.__from_arrow__(column.cast(kind))


def _decode_extension(column: Column, name: str) -> object:
    dtype = read_dtype(name)
    if isinstance(dtype, pd.Float32Dtype | pd.Float64Dtype):
        # pandas' own way makes NA of a NaN that is not missing.
        values = pc.fill_null(column, 0.0).to_numpy().astype("f4" if name == "Float32" else "f8")
        return pd.arrays.FloatingArray(values, column.is_null().to_numpy())
    if isinstance(dtype, pd.IntervalDtype):
        return _decode_intervals(column, dtype)
    values = dtype.__from_arrow__(column)
    # pandas leaves these read-only.
    return values.copy() if isinstance(dtype, pd.DatetimeTZDtype) else values


def _decode_intervals(column: Column, dtype: Any) -> object:
    # pandas' own way fails for no intervals of times with a zone.
    def side(number: int) -> Any:
        kind = column.type.storage_type.field(number).type
        values: Any = pa.chunked_array([one.storage.field(number) for one in column.chunks], kind)
        if isinstance(dtype.subtype, np.dtype):
            return _decode_numpy(values, str(dtype.subtype))
        return dtype.subtype.__from_arrow__(values)

    return pd.arrays.IntervalArray.from_arrays(side(0), side(1), closed=dtype.closed)


def _plan_categorical(part: Part, dtype: pd.CategoricalDtype, place: str) -> Plan:
    place = f"{place}, in its categories,"
    packed = pack_values(dtype.categories, place)
    known = _known_categories(dtype.categories, packed, place)
    spec = ["categorical", packed, bool(dtype.ordered), known is not None]

    def encode(first: int, last: int) -> Any:
        values = part(first, last)
        numbers: Any = (values.cat.codes if isinstance(values, pd.Series) else values.codes).copy()
        numbers = np.asarray(numbers)
        missing, words = numbers == -1, known
        if known is not None and last - first < len(known):
            # A row group has but the categories that it needs, or it is mostly those.
            used = np.unique(numbers[~missing])
            numbers, words = np.searchsorted(used, numbers).astype(numbers.dtype), known.take(used)
        codes: Any = pa.array(numbers, mask=missing)
        return codes if known is None else pa.DictionaryArray.from_arrays(codes, words)

    return Plan(spec, encode(0, 0).type, encode)


def _known_categories(categories: pd.Index[Any], packed: dict[str, Any], place: str) -> Any:
    # Every reader should see values; but mixed ones Arrow does not know, and
    # intervals and periods Parquet cannot write so, and their codes must do.
    if "labels" in packed and pd.api.types.infer_dtype(categories) != "string":
        return None
    known, _ = encode_column(categories, place)
    if isinstance(known.type, pa.BaseExtensionType):
        return None
    return known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known


def _decode_categorical(
    column: Column, packed: dict[str, Any], ordered: bool, as_values: bool
) -> object:
    categories = unpack_values(packed)
    if as_values:
        known, _ = encode_column(categories, "The categories")
        missing = column.null_count
        column = places_among(known, column)
        if column.null_count != missing:
            raise ValueError("a value is none of the categories")
    codes = pc.fill_null(column, -1).to_numpy(zero_copy_only=False)
    return pd.Categorical.from_codes(codes, categories=categories, ordered=ordered)


def other_dtype(dtype: object) -> str:
    """Say what to type for a dtype that cannot be kept."""
    if isinstance(dtype, pd.SparseDtype):
        return "Use column.sparse.to_dense()."
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        return "Store its real and imag parts as two columns."
    if isinstance(dtype, np.dtype) and not dtype.isnative:
        return f"Use column.astype({dtype.newbyteorder('=').name!r})."
    if isinstance(dtype, pd.StringDtype):
        return "Use column.str.encode('utf-8', 'replace').str.decode('utf-8')."
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "Use column.dt.tz_convert('UTC')."
    if str(dtype) == "geometry":
        return "Use geopandas.GeoSeries(column).to_wkb(), and from_wkb() once it was read."
    return "Use column.astype('str'), which keeps its values as texts."


_DECODERS: dict[str, Callable[..., Any]] = {
    "numpy": _decode_numpy,
    "string": _decode_string,
    "arrow": _decode_arrow,
    "extension": _decode_extension,
    "categorical": _decode_categorical,
    "object": decode_objects,
    "arrays": decode_arrays,
    "texts": decode_texts,
}
