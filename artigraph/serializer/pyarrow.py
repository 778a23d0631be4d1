"""Arrow tables as Parquet or Feather, and the Parquet that all frames share.

Parquet is read by everything and can be read in parts: row groups are small,
so that one page of a few columns costs little. It lacks some of Arrow's
types; a table that Parquet would change is refused. Feather (Arrow's own
file format) takes any table, but is larger and less widely read.

Both keep metadata. Neither keeps how a column is split into chunks, nor
which dictionary each chunk had.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer

__all__ = [
    "FeatherSerializer",
    "ParquetSerializer",
    "feather_serializer",
    "parquet_serializer",
    "read_feather",
    "read_parquet",
    "row_group_size",
    "summarize_frame",
    "write_feather",
    "write_parquet",
]

ROWS_PER_GROUP = 20_000
"""Rows of a row group, at least. A page of 8 of 32 columns of a 600 MB file
then costs 1.6 MB; with the default of a million rows it costs 63 MB."""

COLUMN_CHUNKS = 10_000
"""Column chunks of a file, about: each takes some hundred bytes of the footer,
which every reader loads first. Long or wide tables get larger groups."""

SUMMARY_COLUMNS = 200
"""Columns that a summary lists; it counts the others."""


class ParquetSerializer(Serializer[pa.Table]):
    """Arrow tables as Parquet.

    * keeps column names, types, nullability and metadata
    * refuses types that Parquet changes or lacks: use Feather for those
    """

    name = "artigraph-parquet"
    types = (pa.Table,)

    def serialize(self, value: pa.Table, /) -> bytes:
        """Write a table.

        Raises:
            SerializationError: Parquet would change one of its columns.
        """
        _check_table(value, self.name)
        empty = value.schema.empty_table()
        try:
            schema = read_parquet(write_parquet(empty)).schema
        except (pa.ArrowException, DeserializationError) as error:
            raise SerializationError(
                f"{_first_unwritable(value.schema)}: {error}. {_FEATHER}"
            ) from error
        for old, new in zip(value.schema, schema, strict=True):
            if not old.equals(new) or old.metadata != new.metadata:
                raise SerializationError(
                    f"Parquet would give column {old.name!r} of type {old.type} back as "
                    f"{new.type}. {_FEATHER} Or cast the column to {new.type} first."
                )
        try:
            return write_parquet(value)
        except pa.ArrowException as error:
            raise SerializationError(
                f"This table cannot be written as Parquet: {error}. {_FEATHER}"
            ) from error

    def deserialize(self, data: bytes, /) -> pa.Table:
        """Read a table.

        Raises:
            DeserializationError: The bytes are not Parquet, or damaged.
        """
        return read_parquet(data)

    def summarize(self, value: pa.Table, /) -> Mapping[str, Any]:
        """Its rows, columns, types and row groups."""
        columns = [(field.name, str(field.type)) for field in value.schema]
        rows = value.num_rows
        return summarize_frame(rows, columns, -(-rows // row_group_size(rows, len(columns))))


class FeatherSerializer(Serializer[pa.Table]):
    """Arrow tables as Feather, which is Arrow's own file format.

    * keeps every type that Arrow has
    """

    name = "artigraph-feather"

    def serialize(self, value: pa.Table, /) -> bytes:
        """Write a table.

        Raises:
            SerializationError: It is not a table, or Arrow cannot write it.
        """
        _check_table(value, self.name)
        try:
            return write_feather(value)
        except pa.ArrowException as error:
            raise SerializationError(
                f"This table cannot be written as Feather: {error}. If one of its columns is "
                "dictionary-encoded, decode it first."
            ) from error

    def deserialize(self, data: bytes, /) -> pa.Table:
        """Read a table.

        Raises:
            DeserializationError: The bytes are not Feather, or damaged.
        """
        return read_feather(data)

    def summarize(self, value: pa.Table, /) -> Mapping[str, Any]:
        """Its rows, columns, types and record batches."""
        columns = [(field.name, str(field.type)) for field in value.schema]
        return summarize_frame(value.num_rows, columns, -(-value.num_rows // ROWS_PER_GROUP))


def row_group_size(rows: int, columns: int) -> int:
    """Choose the rows of a row group, so that parts and footer are both small."""
    return max(ROWS_PER_GROUP, -(-rows * columns // COLUMN_CHUNKS))


def write_parquet(table: pa.Table) -> bytes:
    """Write any table as Parquet, whether or not it comes back the same.

    Raises:
        pyarrow.ArrowException: Parquet lacks a type of it.
    """
    # A dictionary of floats takes twice the time and more room than none.
    dictionaries = [f.name for f in table.schema if not pa.types.is_floating(f.type)]
    # BytesIO hands its buffer out without a copy.
    file = io.BytesIO()
    pq.write_table(
        table,
        file,
        row_group_size=row_group_size(table.num_rows, table.num_columns),
        # Of 90 MB of mixed columns zstd left 24 MB and snappy 37 MB, in 0.38 and 0.32 s.
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionaries,  # type: ignore[arg-type]  # the stubs know bool only
        # Readers of single pages cannot check the digest of the whole.
        write_page_checksum=True,
    )
    return file.getvalue()


def read_parquet(data: bytes) -> pa.Table:
    """Read a whole Parquet file.

    Raises:
        DeserializationError: The bytes are not Parquet, or damaged.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        table = file.read()
        table.validate(full=True)
    except Exception as error:  # damage shows as almost any error
        raise DeserializationError(
            f"These {len(data)} bytes are not Parquet, or they are damaged: {error}"
        ) from error
    return table


def write_feather(table: pa.Table) -> bytes:
    """Write a table in Arrow's file format, compressed.

    Raises:
        pyarrow.ArrowException: Arrow cannot write it.
    """
    file = io.BytesIO()
    # A file can hold one dictionary a column, a table one a chunk.
    options = ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
    with ipc.new_file(file, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=ROWS_PER_GROUP)
    return file.getvalue()


def read_feather(data: bytes) -> pa.Table:
    """Read a whole file of Arrow's format.

    Raises:
        DeserializationError: The bytes are not of that format, or damaged.
    """
    try:
        table = ipc.open_file(pa.BufferReader(data)).read_all()
        # Offsets are taken from the file as they are; a wrong one would have
        # a later reader look outside of the buffer.
        table.validate(full=True)
    except Exception as error:  # damage shows as almost any error
        raise DeserializationError(
            f"These {len(data)} bytes are not an Arrow file, or they are damaged: {error}"
        ) from error
    return table


def summarize_frame(
    rows: int, columns: list[tuple[str, str]], row_groups: int
) -> Mapping[str, Any]:
    """The facts that every kind of frame shows about itself.

    Args:
        rows: How many rows.
        columns: Names and types, of which the first 200 are kept.
        row_groups: Parts that can be read on their own.
    """
    return {
        "kind": "frame",
        "rows": rows,
        "columns": [list(column) for column in columns[:SUMMARY_COLUMNS]],
        "num_columns": len(columns),
        "row_groups": row_groups,
    }


_FEATHER = "Use artigraph.serializer.pyarrow.feather_serializer, which keeps every Arrow type."


def _check_table(value: object, name: str) -> None:
    if isinstance(value, pa.Table):
        return
    fix = "Use pyarrow.table(value)."
    if isinstance(value, pa.RecordBatch):
        fix = "Use pyarrow.Table.from_batches([value])."
    elif isinstance(value, pa.RecordBatchReader):
        fix = "Use value.read_all()."
    raise SerializationError(
        f"{name!r} takes a pyarrow.Table, not a {type(value).__module__}."
        f"{type(value).__qualname__}. {fix}"
    )


def _first_unwritable(schema: pa.Schema) -> str:
    for field in schema:
        try:
            write_parquet(pa.schema([field]).empty_table())
        except pa.ArrowException:
            return f"Parquet cannot hold column {field.name!r} of type {field.type}"
    return "Parquet cannot hold this table"


parquet_serializer = ParquetSerializer()
"""Arrow tables as Parquet."""

feather_serializer = FeatherSerializer()
"""Arrow tables as Feather, for types that Parquet lacks."""
