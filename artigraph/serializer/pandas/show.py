"""How a viewer shows a stored column: pandas' word for a missing value, and odd dtypes.

Most columns are shown as Arrow reads them. Periods, intervals and categories
that are no text are turned back by pandas.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from artigraph.serializer.pandas.column import (
    Spec,
    decode_column,
    encode_column,
    unpack_values,
)
from artigraph.serializer.part import FrameColumn
from artigraph.serializer.pyarrow import places_among

__all__ = ["describe_column"]


def describe_column(label: str, spec: Spec, kind: pa.DataType, is_index: bool) -> FrameColumn:
    """Describe a column or an index level.

    Args:
        label: Its label as text.
        spec: What turns it back.
        kind: Its type in Arrow.
        is_index: Whether it is a level of the row index.
    """
    empty = pa.table([pa.array([], kind)], [""]).column(0)
    dtype = decode_column(empty, spec).dtype
    way = spec[0]
    odd = isinstance(kind, pa.BaseExtensionType) or way == "texts"
    show = sort_key = None
    if way == "categorical":
        _, packed, ordered, as_values = spec
        odd |= not as_values
        if ordered and as_values:
            sort_key = partial(_codes, packed)
    if odd:
        show = partial(_texts, spec)
    return FrameColumn(label, str(dtype), is_index, _null(spec, dtype), show, sort_key)


def _null(spec: Spec, dtype: Any) -> str:
    way, *arguments = spec
    if way == "string":
        return "<NA>" if arguments[1] == "NA" else "NaN"
    if way in ("object", "arrays"):
        return {"nan": "NaN", "NA": "<NA>"}.get(arguments[0], str(arguments[0]))
    if dtype.kind in "mM" or str(dtype).startswith("period"):
        return "NaT"
    if way == "texts":
        return "None"
    return "<NA>" if way in ("arrow", "extension") and "interval" not in str(dtype) else "NaN"


def _texts(spec: Spec, column: object) -> list[str]:
    return [str(value) for value in decode_column(column, spec)]


def _codes(packed: dict[str, Any], column: Any) -> object:
    known, _ = encode_column(unpack_values(packed), "The categories")
    return places_among(known, column)
