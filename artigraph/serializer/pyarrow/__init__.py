"""Arrow tables as Parquet or Feather, and the Parquet that all frames share.

Parquet is read by everything and can be read in parts: row groups are small,
so that one page of a few columns costs little. It lacks some of Arrow's
types; a table that Parquet would change is refused. Feather (Arrow's own
file format) takes any table, but is larger and less widely read. Record
batches are stored in that format, too.

All keep metadata. None keeps how a column is split into chunks, nor
which dictionary each chunk had.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import dataset as ds

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.part import (
    SUMMARY_COLUMNS,
    FrameReader,
    FrameSerializer,
    summarize_frame,
)
from artigraph.serializer.pyarrow.batch import BatchStream, check_columns, open_stream
from artigraph.serializer.pyarrow.convert import (
    check_zone,
    check_zones,
    places_among,
    to_pandas,
    types_in,
)
from artigraph.serializer.pyarrow.dataset import make_dataset
from artigraph.serializer.pyarrow.feather import (
    FeatherReader,
    dump_feather,
    load_feather,
    read_feather,
    write_feather,
)
from artigraph.serializer.pyarrow.parquet import (
    ROWS_PER_GROUP,
    ParquetReader,
    dump_parquet,
    empty_table,
    load_parquet,
    read_parquet,
    read_rows,
    row_group_size,
    write_parquet,
    writing_parquet,
)
from artigraph.serializer.pyarrow.record_batch import (
    RecordBatchSerializer,
    record_batch_serializer,
)

__all__ = [
    "FeatherReader",
    "FeatherSerializer",
    "ParquetReader",
    "ParquetSerializer",
    "RecordBatchSerializer",
    "check_zone",
    "check_zones",
    "dump_feather",
    "dump_parquet",
    "empty_table",
    "feather_serializer",
    "load_feather",
    "load_parquet",
    "make_dataset",
    "parquet_serializer",
    "places_among",
    "read_feather",
    "read_parquet",
    "read_rows",
    "record_batch_serializer",
    "row_group_size",
    "to_pandas",
    "write_feather",
    "write_parquet",
    "writing_parquet",
]

Frame = pa.Table | pa.RecordBatchReader | ds.Dataset | ds.Scanner | Iterator[pa.RecordBatch]
"""What can be written as Parquet; all of it comes back as a table."""


class _TableSerializer(FrameSerializer[pa.Table]):
    """What needs no conversion, since the values are Arrow's own."""

    def load_arrow(self, file: BinaryIO, /) -> pa.Table:
        """Read a table, as ``load`` does."""
        return self.load(file)

    def from_arrow(self, table: pa.Table, /) -> pa.Table:
        """Give the table back as it is."""
        return table


class ParquetSerializer(_TableSerializer):
    """Arrow tables as Parquet.

    * keeps column names, types, nullability and metadata
    * takes a frame larger than memory as a ``RecordBatchReader``, a dataset or
      an iterator of batches; such a one comes back as a table
    * refuses types that Parquet changes or lacks, and values that Arrow would
      write and not read, such as a null around a required list of fixed size:
      use Feather for those
    * refuses rows without columns
    """

    name = "artigraph-parquet"
    types = (pa.Table,)

    def serialize(self, value: pa.Table, /) -> bytes:
        """Write a table, or use up a stream.

        Raises:
            SerializationError: Parquet would change one of its columns.
        """
        file = io.BytesIO()
        self.dump(value, file)
        return file.getvalue()

    def deserialize(self, data: bytes, /) -> pa.Table:
        """Read a table.

        Raises:
            DeserializationError: The bytes are not Parquet, or damaged.
        """
        return read_parquet(data)

    def dump(self, value: Frame, file: BinaryIO, /) -> Mapping[str, Any]:
        """Write a table, or a stream, one row group after another.

        Args:
            value: A table, a record batch reader, a dataset, a scanner, or an
                iterator of record batches, all of one schema.
            file: A file that need only be written.

        Returns:
            Rows, columns, types and row groups.

        Raises:
            SerializationError: Parquet would change one of its columns, which
                is found before anything is written; or a batch of the stream
                is not like the others.
        """
        source: BatchStream | pa.Table | None = open_stream(value)
        if source is None:
            source = _check_table(value, self.name)
        _check_schema(source.schema)
        try:
            if isinstance(source, BatchStream):
                return _dump_stream(source, file)
            dump_parquet(source, file)
            return self.summarize(source)
        except (pa.ArrowException, NotImplementedError) as error:
            raise SerializationError(
                f"This table cannot be written as Parquet: {error}. {_FEATHER}"
            ) from error

    def load(self, file: BinaryIO, /) -> pa.Table:
        """Read a table.

        Raises:
            DeserializationError: The file is not Parquet, or damaged.
        """
        return load_parquet(file)

    def summarize(self, value: Frame, /) -> Mapping[str, Any]:
        """Its rows, columns, types and row groups; of a stream only the columns.

        The rows of a stream are known to ``dump`` alone.
        """
        if not isinstance(value, pa.Table):
            schema = getattr(value, "projected_schema", None) or getattr(value, "schema", None)
            columns = [[field.name, str(field.type)] for field in schema or ()]
            return {"kind": "stream", "columns": columns[:SUMMARY_COLUMNS]}
        rows, width = value.num_rows, value.num_columns
        return _summary(value.schema, rows, -(-rows // row_group_size(rows, width)))

    def open_reader(self, file: BinaryIO, /) -> FrameReader[pa.Table]:
        """Read the footer of a file.

        Raises:
            DeserializationError: It is not Parquet, or damaged.
        """
        return ParquetReader(file)

    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> ds.Dataset:
        """Make a dataset of a file.

        Raises:
            DeserializationError: It is not Parquet, or damaged.
        """
        with open_file() as file:
            schema = ParquetReader(file).schema
        return make_dataset(open_file, size, schema)


class FeatherSerializer(_TableSerializer):
    """Arrow tables as Feather, which is Arrow's own file format.

    * keeps every type that Arrow has, and extension types that are registered with it
    * refuses rows without columns
    """

    name = "artigraph-feather"

    def serialize(self, value: pa.Table, /) -> bytes:
        """Write a table.

        Raises:
            SerializationError: It is not a table, or Arrow cannot write it.
        """
        file = io.BytesIO()
        self.dump(value, file)
        return file.getvalue()

    def deserialize(self, data: bytes, /) -> pa.Table:
        """Read a table.

        Raises:
            DeserializationError: The bytes are not Feather, or damaged.
        """
        return read_feather(data)

    def dump(self, value: pa.Table, file: BinaryIO, /) -> Mapping[str, Any]:
        """Write a table, one batch after another.

        Raises:
            SerializationError: It is not a table, or Arrow cannot write it.
        """
        _check_table(value, self.name)
        for field in value.schema:
            if not _feather_keeps(field):
                raise SerializationError(
                    f"Feather would not give column {field.name!r} of type {field.type} back as "
                    f"it is. {_REGISTER}"
                )
        try:
            dump_feather(value, file)
        except (pa.ArrowException, NotImplementedError) as error:
            raise SerializationError(
                f"This table cannot be written as Feather: {error}. If one of its columns is "
                "dictionary-encoded, decode it first."
            ) from error
        return self.summarize(value)

    def load(self, file: BinaryIO, /) -> pa.Table:
        """Read a table, one batch after another.

        Raises:
            DeserializationError: The file is not Feather, or damaged.
        """
        return load_feather(file)

    def summarize(self, value: pa.Table, /) -> Mapping[str, Any]:
        """Its rows, columns, types and record batches."""
        return _summary(value.schema, value.num_rows, -(-value.num_rows // ROWS_PER_GROUP))

    def open_reader(self, file: BinaryIO, /) -> FrameReader[pa.Table]:
        """Read the footer of a file.

        Raises:
            DeserializationError: It is not Feather, or damaged.
        """
        return FeatherReader(file)

    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> ds.Dataset:
        """Make a dataset of a file.

        Raises:
            DeserializationError: It is not Feather, or damaged.
        """
        with open_file() as file:
            schema = FeatherReader(file).schema
        return make_dataset(open_file, size, schema, feather=True)


def _summary(schema: pa.Schema, rows: int, groups: int) -> Mapping[str, Any]:
    return summarize_frame(rows, [(field.name, str(field.type)) for field in schema], groups)


def _dump_stream(stream: BatchStream, file: BinaryIO) -> Mapping[str, Any]:
    with writing_parquet(stream.schema, file) as writer:
        for group in stream.groups():
            writer.write_table(group, max(1, group.num_rows))
    return _summary(stream.schema, stream.num_rows, stream.num_groups if stream.num_rows else 0)


def _check_schema(schema: pa.Schema) -> None:
    try:
        back = read_parquet(write_parquet(empty_table(schema))).schema
    except Exception as error:  # Arrow has several for a type that Parquet lacks
        raise SerializationError(f"{_first_unwritable(schema)}: {error}. {_FEATHER}") from error
    for old, new in zip(schema, back, strict=True):
        # Of an extension type, Parquet makes an empty metadata of none.
        if not old.equals(new) or (old.metadata or None) != (new.metadata or None):
            fix = _FEATHER if _feather_keeps(old) else _REGISTER
            raise SerializationError(
                f"Parquet would give column {old.name!r} of type {old.type} back as "
                f"{new.type}. {fix} Or cast the column to {new.type} first."
            )


def _feather_keeps(field: pa.Field[Any]) -> bool:
    if not _has_extension(field.type):
        return True
    try:
        return bool(read_feather(write_feather(empty_table(pa.schema([field])))).field(0) == field)
    except (DeserializationError, pa.ArrowException):
        return False


def _has_extension(kind: pa.DataType) -> bool:
    return any(isinstance(one, pa.BaseExtensionType) for one in types_in(kind))


_FEATHER = "Use artigraph.serializer.pyarrow.feather_serializer, which keeps every Arrow type."
_REGISTER = "Register its type with pyarrow.register_extension_type, here and where it is read."


def _check_table(value: object, name: str) -> pa.Table:
    if isinstance(value, pa.Table):
        check_columns(value)
        return value
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
            write_parquet(empty_table(pa.schema([field])))
        except Exception:  # as above
            return f"Parquet cannot hold column {field.name!r} of type {field.type}"
    return "Parquet cannot hold this table"


parquet_serializer = ParquetSerializer()
"""Arrow tables as Parquet."""

feather_serializer = FeatherSerializer()
"""Arrow tables as Feather, for types that Parquet lacks."""
