"""Columns of a file for other libraries: time zones that are ones, and codes of categories."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["check_zone", "check_zones", "places_among", "to_pandas", "types_in"]

_ZONE = re.compile(r"(?:UTC)?[+-]\d\d:\d\d|(?!dateutil/)[\w+-]+(?:/[\w+-]+)*", re.ASCII)
"""An offset, or a name of IANA's. After ``dateutil/`` pandas takes a path and opens it."""


def check_zone(name: str) -> str:
    """See that a time zone of a file is one; returns its name.

    Raises:
        ValueError: It is something else, such as a path.
    """
    if not _ZONE.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is no time zone")
    return name


def check_zones(kind: pa.DataType) -> None:
    """See that a type of a file names no time zone that is none.

    Raises:
        ValueError: It, or one within it, does.
    """
    for one in types_in(kind):
        if pa.types.is_timestamp(one) and one.tz is not None:
            check_zone(one.tz)


def types_in(kind: Any) -> Iterator[Any]:
    """A type, and all within it: of its storage, its values and its fields."""
    yield kind
    if isinstance(kind, pa.BaseExtensionType):
        yield from types_in(kind.storage_type)
    elif pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        yield from types_in(kind.value_type)
    elif pa.types.is_nested(kind):
        for i in range(kind.num_fields):
            yield from types_in(kind.field(i).type)


def places_among(known: Any, column: Any) -> Any:
    """Where the values of a column stand among the categories, as integers or nulls."""
    if not pa.types.is_dictionary(column.type):
        return pc.index_in(column, value_set=known.cast(column.type))
    # Only the dictionaries are looked up, not every value, and those that differ, at once:
    # each look-up makes a table of all categories.
    words: list[Any] = []
    starts: list[int] = []
    start = 0
    for chunk in column.chunks:
        if not words or not words[-1].equals(chunk.dictionary):
            start += len(words[-1]) if words else 0
            words.append(chunk.dictionary)
        starts.append(start)
    if not words:
        return pa.chunked_array([], type=pa.int32())
    codes: Any = pc.index_in(pa.concat_arrays(words), value_set=known.cast(words[0].type))
    return pa.chunked_array(
        [codes.slice(at).take(one.indices) for at, one in zip(starts, column.chunks, strict=True)]
    )


def to_pandas(table: pa.Table) -> Any:
    """Make a frame of pandas of a table from a file, as pyarrow does it.

    Raises:
        ValueError: It names a time zone that is none.
    """
    for kind in table.schema.types:
        check_zones(kind)
    return table.to_pandas()
