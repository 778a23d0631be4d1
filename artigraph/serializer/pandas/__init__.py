"""pandas frames as Parquet that gives back what went in.

Any reader of Parquet opens these files: values are ordinary columns, index
levels follow them. What Parquet has no words for (dtypes, labels, index,
``attrs``) is a JSON description under the key ``artigraph`` of the file's
metadata. The ``pandas`` metadata that others write is neither written nor
read: it loses object strings, integer categories, labels of dates, ``freq``
and columns of frames without any.

A value's place in its column is checked only where Arrow infers a type, in
object columns; everywhere else the dtype settles what comes back. Sparse
columns, complex numbers and byte-swapped columns are refused. NaN in a NumPy
column is a null in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.json import check_json
from artigraph.serializer.pandas.column import Spec, decode_column, encode_column, other_dtype
from artigraph.serializer.pandas.index import (
    decode_index,
    encode_index,
    level_dtypes,
    pack_index,
    stored_levels,
    unpack_index,
)
from artigraph.serializer.pyarrow import (
    read_parquet,
    row_group_size,
    summarize_frame,
    write_parquet,
)

__all__ = ["DataFrameSerializer", "dataframe_serializer"]

METADATA_KEY = b"artigraph"
VERSION = 1
"""Of the description; raised when an older artigraph could misread it."""


class DataFrameSerializer(Serializer[pd.DataFrame]):
    """pandas frames as Parquet.

    * keeps dtypes (categorical with all its categories, time zones, nullable
      and Arrow dtypes), any index with its names and ``freq``, column labels
      of one type or of plain mixed ones, duplicate labels, and ``attrs``
    * keeps object columns of one type of value and one kind of missing value
    * refuses the rest, naming the column: mixed object columns, ``None`` and
      NaN in one column, sparse and complex columns, subclasses of DataFrame
    """

    name = "artigraph-pandas"
    types = (pd.DataFrame,)

    def serialize(self, value: pd.DataFrame, /) -> bytes:
        """Write a frame.

        Raises:
            SerializationError: A column, its labels or its index would not
                come back equal.
        """
        _check_class(value)
        table = _to_table(value)
        try:
            return write_parquet(table)
        except pa.ArrowException as error:
            raise SerializationError(
                f"This frame cannot be written as Parquet: {error}. Convert the column to a dtype "
                "that Parquet has, as with frame.astype({'column': 'str'})."
            ) from error

    def deserialize(self, data: bytes, /) -> pd.DataFrame:
        """Read a frame.

        Raises:
            DeserializationError: The bytes are not a frame that this
                serializer wrote, or damaged.
        """
        table = read_parquet(data)
        text = (table.schema.metadata or {}).get(METADATA_KEY)
        if text is None:
            raise DeserializationError(
                f"These {len(data)} bytes are Parquet, but {self.name!r} did not write them. "
                "Read them with artigraph.serializer.pyarrow.parquet_serializer."
            )
        try:
            description = json.loads(text)
            if description["version"] > VERSION:
                raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
            return _from_table(table, description)
        except Exception as error:  # the description may say anything
            raise DeserializationError(
                f"These {len(data)} bytes hold a frame that {self.name!r} cannot read: {error}"
            ) from error

    def summarize(self, value: pd.DataFrame, /) -> Mapping[str, Any]:
        """Its rows, columns, dtypes and row groups."""
        dtypes = zip(value.columns, value.dtypes, strict=True)
        columns = [(str(label), str(dtype)) for label, dtype in dtypes]
        rows, fields = len(value), len(columns) + stored_levels(value.index)
        return summarize_frame(rows, columns, -(-rows // row_group_size(rows, fields)))


def _check_class(value: object) -> None:
    if type(value) is pd.DataFrame:
        return
    fix = "Use pandas.DataFrame(value)."
    if isinstance(value, pd.Series):
        fix = "Use value.to_frame()."
    raise SerializationError(
        f"{DataFrameSerializer.name!r} takes a pandas.DataFrame, not a {type(value).__module__}."
        f"{type(value).__qualname__}, which would not come back as one. {fix}"
    )


def _to_table(frame: pd.DataFrame) -> pa.Table:
    places = [f"Column {label!r}" for label in frame.columns]
    columns = [encode_column(frame.iloc[:, i], place) for i, place in enumerate(places)]
    index, levels = encode_index(frame.index, "The index")
    check_json(frame.attrs, "frame.attrs")
    description = {
        "version": VERSION,
        "columns": [spec for _, spec in columns],
        "labels": pack_index(frame.columns, "The column labels"),
        "index": index,
        "attrs": frame.attrs,
        "duplicates": frame.flags.allows_duplicate_labels,
    }
    arrays = [array for array, _ in columns] + levels
    try:
        table = pa.Table.from_arrays(arrays, names=_field_names(frame))
    except UnicodeEncodeError as error:
        raise SerializationError(
            f"The column label {error.object!r} has a lone surrogate, which UTF-8 cannot hold. "
            "Rename it with frame.rename(columns=...)."
        ) from error
    specs = [*description["columns"], *index["levels"]]
    dtypes = [*frame.dtypes, *level_dtypes(frame.index)]
    places += [f"Index level {name!r}" for name in frame.index.names]
    _probe(table, list(zip(specs, dtypes, places, strict=False)))
    text = json.dumps(description, separators=(",", ":"))
    return table.replace_schema_metadata({METADATA_KEY: text})


def _from_table(table: pa.Table, description: dict[str, Any]) -> pd.DataFrame:
    specs = description["columns"]
    width = len(specs)
    index = decode_index(description["index"], table.columns[width:])
    columns = {
        i: pd.Series(values, index=index, dtype=values.dtype, copy=False)
        for i, values in enumerate(map(decode_column, table.columns[:width], specs))
    }
    frame = pd.DataFrame(columns, index=index, copy=False)
    frame.columns = unpack_index(description["labels"])
    frame.attrs = description["attrs"]
    flags: Any = frame.flags
    flags.allows_duplicate_labels = description["duplicates"]
    return frame


def _probe(table: pa.Table, expected: list[tuple[Spec, Any, str]]) -> None:
    """Write and read no rows, and see whether each column has its dtype again."""
    try:
        empty = read_parquet(write_parquet(table.schema.empty_table()))
    except (pa.ArrowException, DeserializationError) as error:
        raise SerializationError(
            f"{_unwritable(table, expected)} cannot be written as Parquet: {error}. Convert it to "
            "a dtype that Parquet has, as with .astype('str')."
        ) from error
    for column, (spec, dtype, place) in zip(empty.columns, expected, strict=True):
        try:
            back = decode_column(column, spec).dtype
        except Exception as error:  # a dtype that cannot be made from what was stored
            raise SerializationError(
                f"{place} of dtype {dtype} would not be readable: {error}. {other_dtype(dtype)}"
            ) from error
        if back != dtype:
            raise SerializationError(
                f"{place} of dtype {dtype} would come back as {back}. {other_dtype(dtype)}"
            )


def _unwritable(table: pa.Table, expected: list[tuple[Spec, Any, str]]) -> str:
    for field, (_, dtype, place) in zip(table.schema, expected, strict=True):
        try:
            write_parquet(pa.schema([field]).empty_table())
        except pa.ArrowException:
            return f"{place} of dtype {dtype}"
    return "This frame"


def _field_names(frame: pd.DataFrame) -> list[str]:
    wanted = [str(label) for label in frame.columns]
    for i in range(stored_levels(frame.index)):
        name = frame.index.names[i]
        wanted.append(name if isinstance(name, str) else f"__index_level_{i}__")
    names: dict[str, None] = {}
    for name in wanted:
        unique, count = name, 1
        while unique in names:
            unique, count = f"{name}.{count}", count + 1
        names[unique] = None
    return list(names)


dataframe_serializer = DataFrameSerializer()
"""pandas frames."""
