"""Arrow columns made of chunks, and of types that Arrow computes with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa

__all__ = [
    "Column",
    "computed_type",
    "make_column",
    "stored_column",
    "type_without_views",
    "without_views",
]

Column: TypeAlias = "pa.ChunkedArray[Any]"
"""A column of whatever type: its dtype is looked at when it is there."""

# Arrow can neither take nor sort views.
_VIEWS: dict[str, pa.DataType] = {
    "string_view": pa.large_string(),
    "binary_view": pa.large_binary(),
}


def make_column(chunks: Sequence[Any], kind: pa.DataType) -> Column:
    """Make a ``pyarrow.ChunkedArray``, of no chunks if need be."""
    # The stubs want to know more of the type.
    make: Callable[..., Column] = pa.chunked_array
    return make(list(chunks), type=kind)


def without_views(column: Column) -> Column:
    """A column without views of texts or bytes."""
    kind = type_without_views(column.type)
    return column if kind == column.type else column.cast(kind)


def type_without_views(kind: pa.DataType) -> pa.DataType:
    """The type that :func:`without_views` gives."""
    return _VIEWS.get(str(kind), kind)


def computed_type(kind: pa.DataType) -> pa.DataType:
    """The type that Arrow compares and sorts values of a type as."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_float16(kind):
        return pa.float32()
    # By name, since older releases lack the small ones.
    small: Any = kind
    if str(kind).startswith(("decimal32", "decimal64")):
        return pa.decimal128(small.precision, small.scale)
    return kind


def stored_column(column: Column) -> Column:
    """A column as it is stored: of an extension type, what that is made of."""
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    chunks: list[Any] = column.chunks
    return make_column([chunk.storage for chunk in chunks], column.type.storage_type)
