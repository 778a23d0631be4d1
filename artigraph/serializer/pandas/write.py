"""A frame as Parquet, one row group after another.

All of it is looked at before the first byte is written; beside the frame
there is never more than the row group that is being written.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from artigraph.errors import SerializationError
from artigraph.serializer.json import check_json
from artigraph.serializer.pandas.column import (
    Plan,
    Spec,
    decode_column,
    other_dtype,
    plan_column,
    slicer,
)
from artigraph.serializer.pandas.index import level_dtypes, pack_index, plan_index, stored_levels
from artigraph.serializer.pandas.plain import encode_plain
from artigraph.serializer.pyarrow import (
    empty_table,
    read_parquet,
    row_group_size,
    write_parquet,
    writing_parquet,
)

__all__ = ["METADATA_KEY", "VERSION", "dump_frame", "rows_per_group"]

METADATA_KEY = b"artigraph"
VERSION = 1
"""Of the description; raised when an older artigraph could misread it."""


def rows_per_group(frame: pd.DataFrame) -> int:
    """Choose the rows of a row group, counting index levels as columns."""
    return row_group_size(len(frame), frame.shape[1] + stored_levels(frame.index))


def dump_frame(frame: pd.DataFrame, file: BinaryIO) -> None:
    """Write a frame.

    Args:
        frame: A plain ``DataFrame``.
        file: A file that need only be written.

    Raises:
        SerializationError: It would not come back equal; nothing is written
            yet, unless a value does not fit what Parquet makes of its dtype.
    """
    step = rows_per_group(frame)
    schema, plans = _plan(frame, step)
    arrays: list[Any] = []
    try:
        with writing_parquet(schema, file) as writer:
            for start in range(0, max(len(frame), 1), step):
                last = min(start + step, len(frame))
                arrays = [plan.encode(start, last) for plan in plans]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema), step)
    except pa.ArrowException as error:
        raise SerializationError(
            f"{_culprit(schema, arrays)} cannot be written as Parquet: {error}. Convert it to a "
            "dtype that Parquet has, as with column.astype('str')."
        ) from error


def _culprit(schema: pa.Schema, arrays: list[Any]) -> str:
    for field, array in zip(schema, arrays, strict=True):
        try:
            write_parquet(pa.Table.from_arrays([array], schema=pa.schema([field])))
        except pa.ArrowException:
            return f"Column {field.name!r} of type {field.type}"
    return "This frame"


def _plan(frame: pd.DataFrame, step: int) -> tuple[pa.Schema, list[Plan]]:
    places = [f"Column {label!r}" for label in frame.columns]
    columns = [
        plan_column(slicer(frame.iloc[:, i]), frame.dtypes.iloc[i], len(frame), step, place)
        for i, place in enumerate(places)
    ]
    index, levels = plan_index(frame.index, step, "The index")
    description = {
        "version": VERSION,
        "columns": [plan.spec for plan in columns],
        "labels": pack_index(frame.columns, "The column labels"),
        "index": index,
        **_attrs(frame.attrs),
        "duplicates": frame.flags.allows_duplicate_labels,
    }
    plans = columns + levels
    try:
        fields = zip(_field_names(frame), plans, strict=True)
        schema = pa.schema([pa.field(name, plan.kind) for name, plan in fields])
    except UnicodeEncodeError as error:
        raise SerializationError(
            f"The column label {error.object!r} has a lone surrogate, which UTF-8 cannot hold. "
            "Rename it with frame.rename(columns=...)."
        ) from error
    dtypes = [*frame.dtypes, *level_dtypes(frame.index)]
    places += [f"Index level {name!r}" for name in frame.index.names]
    specs = [plan.spec for plan in plans]
    _probe(schema, list(zip(specs, dtypes, places, strict=False)))
    text = json.dumps(description, separators=(",", ":"))
    return schema.with_metadata({METADATA_KEY: text}), plans


def _attrs(attrs: dict[Any, Any]) -> dict[str, Any]:
    try:
        check_json(attrs)
    except SerializationError:
        # Under another name, which no older artigraph takes for plain JSON.
        return {
            "plain_attrs": [
                [
                    encode_plain(part, f"frame.attrs[{key!r}]", f"Use frame.attrs.pop({key!r}).")
                    for part in (key, value)
                ]
                for key, value in attrs.items()
            ]
        }
    return {"attrs": attrs}


def _probe(schema: pa.Schema, expected: list[tuple[Spec, Any, str]]) -> None:
    """Write and read no rows, and see whether each column has its dtype again."""
    try:
        empty = read_parquet(write_parquet(empty_table(schema)))
    except Exception as error:  # Arrow has several for a type that Parquet lacks
        raise SerializationError(
            f"{_unwritable(schema, expected)} cannot be written as Parquet: {error}. Convert it to "
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


def _unwritable(schema: pa.Schema, expected: list[tuple[Spec, Any, str]]) -> str:
    for field, (_, dtype, place) in zip(schema, expected, strict=True):
        try:
            write_parquet(empty_table(pa.schema([field])))
        except Exception:  # as above
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
