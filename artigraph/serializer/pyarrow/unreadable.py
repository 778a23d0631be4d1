"""Types whose values Arrow writes as Parquet without an error, and cannot read again.

Arrow's reader takes a required list of fixed size, or a required dictionary,
inside of a struct that is null for a list of no values, or for an index into
no dictionary. Lists of the fixed size 0 it cannot read at all, and writing
some rows of such a column ends the process. Before version 26 it takes a
missing list of fixed size for a list of no values wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

__all__ = ["unsure_columns"]

_READS_MISSING_LISTS = int(pa.__version__.partition(".")[0]) >= 26


def unsure_columns(schema: pa.Schema) -> list[int]:
    """Which columns may hold values that cannot be read, so that they have to be tried.

    Raises:
        pyarrow.ArrowNotImplementedError: One is, or holds, a list of the fixed size 0, of
            which no value could be read.
    """
    for kind in schema.types:
        _check(kind)
    return [
        i
        for i, field in enumerate(schema)
        if _may_be_unreadable(field.type)
        or (not _READS_MISSING_LISTS and _may_miss_fixed_list(field))
    ]


def _check(kind: pa.DataType) -> None:
    stored = _stored(kind)
    if pa.types.is_fixed_size_list(stored) and stored.list_size == 0:
        raise pa.ArrowNotImplementedError("Arrow cannot read lists of the fixed size 0")
    for field in _fields(kind):
        _check(field.type)


def _may_be_unreadable(kind: pa.DataType) -> bool:
    in_struct = pa.types.is_struct(_stored(kind))
    return any(
        (in_struct and not field.nullable and _has_fixed_values(_stored(field.type)))
        or _may_be_unreadable(field.type)
        for field in _fields(kind)
    )


def _may_miss_fixed_list(field: pa.Field[Any]) -> bool:
    is_list = pa.types.is_fixed_size_list(_stored(field.type))
    return (is_list and field.nullable) or any(map(_may_miss_fixed_list, _fields(field.type)))


def _has_fixed_values(stored: pa.DataType) -> bool:
    return pa.types.is_fixed_size_list(stored) or pa.types.is_dictionary(stored)


def _stored(kind: pa.DataType) -> Any:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _fields(kind: pa.DataType) -> Iterator[pa.Field[Any]]:
    stored = _stored(kind)
    if pa.types.is_nested(stored):
        yield from (stored.field(i) for i in range(stored.num_fields))
