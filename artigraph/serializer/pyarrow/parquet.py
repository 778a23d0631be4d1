"""The Parquet that all frames share: written group by group, read in part.

Row groups are small, so that one page of a few columns costs little. A file
is written one row group at a time, to a file that need only be written.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import accumulate
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from artigraph.errors import DeserializationError
from artigraph.serializer.part import FrameReader, reading
from artigraph.serializer.pyarrow.convert import to_pandas
from artigraph.serializer.pyarrow.unreadable import unsure_columns

__all__ = [
    "COLUMN_CHUNKS",
    "ROWS_PER_GROUP",
    "GroupWriter",
    "ParquetReader",
    "dump_parquet",
    "empty_table",
    "load_parquet",
    "read_parquet",
    "read_rows",
    "row_group_size",
    "write_parquet",
    "writing_parquet",
]

ROWS_PER_GROUP = 20_000
"""Rows of a row group, at least. A page of 8 of 32 columns of a 600 MB file
then costs 1.6 MB; with the default of a million rows it costs 63 MB."""

COLUMN_CHUNKS = 10_000
"""Column chunks of a file, about: each takes some hundred bytes of the footer,
which every reader loads first. Long or wide tables get larger groups."""


def row_group_size(rows: int, columns: int) -> int:
    """Choose the rows of a row group, so that parts and footer are both small."""
    return max(ROWS_PER_GROUP, -(-rows * columns // COLUMN_CHUNKS))


def empty_table(schema: pa.Schema) -> pa.Table:
    """A table of no rows; Arrow's own way makes none of some extension types."""
    return pa.Table.from_batches([], schema)


class GroupWriter:
    """Writes rows that Arrow can read again.

    Args:
        schema: What the rows are.
        writer: What writes any rows.

    Raises:
        pyarrow.ArrowException: No row of this schema could be read.
    """

    def __init__(self, schema: pa.Schema, writer: pq.ParquetWriter) -> None:
        self._on_trial = unsure_columns(schema)
        self._writer = writer

    def write_table(self, table: pa.Table, rows_per_group: int) -> None:
        """Write rows, in groups.

        Raises:
            pyarrow.ArrowException: Arrow cannot write them, or could not read
                what it would write; nothing of them is written.
        """
        for place in self._on_trial:
            _try_to_read(table.select([place]))
        self._writer.write_table(table, rows_per_group)


def _try_to_read(column: pa.Table) -> None:
    file = io.BytesIO()
    with _writing(column.schema, file) as writer:
        writer.write_table(column)
    try:
        read_parquet(file.getvalue())
    except DeserializationError as error:
        (field,) = column.schema
        raise pa.ArrowInvalid(
            f"column {field.name!r} of type {field.type} could not be read again: {error.__cause__}"
        ) from error


@contextmanager
def writing_parquet(schema: pa.Schema, file: BinaryIO) -> Iterator[GroupWriter]:
    """A writer whose file is whole once the block ends without an error.

    Raises:
        pyarrow.ArrowException: Parquet lacks a type of the schema.
    """
    with _writing(schema, file) as writer:
        yield GroupWriter(schema, writer)


@contextmanager
def _writing(schema: pa.Schema, file: BinaryIO) -> Iterator[pq.ParquetWriter]:
    # A dictionary of floats takes twice the time and more room than none.
    dictionaries = [f.name for f in schema if not pa.types.is_floating(f.type)]
    writer = pq.ParquetWriter(
        file,
        schema,
        # Of 90 MB of mixed columns zstd left 24 MB and snappy 37 MB, in 0.38 and 0.32 s.
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionaries,  # type: ignore[arg-type]  # the stubs know bool only
        # Readers of single pages cannot check the digest of the whole.
        write_page_checksum=True,
    )
    try:
        yield writer
    except BaseException:
        # Else it would write on when it is collected.
        with suppress(Exception):
            writer.close()
        raise
    writer.close()


def dump_parquet(table: pa.Table, file: BinaryIO) -> None:
    """Write any table as Parquet, whether or not it comes back the same.

    Raises:
        pyarrow.ArrowException: Parquet lacks a type of it.
    """
    with writing_parquet(table.schema, file) as writer:
        writer.write_table(table, row_group_size(table.num_rows, table.num_columns))


def write_parquet(table: pa.Table) -> bytes:
    """Turn any table into Parquet, whether or not it comes back the same.

    Raises:
        pyarrow.ArrowException: Parquet lacks a type of it.
    """
    # BytesIO hands its buffer out without a copy.
    file = io.BytesIO()
    dump_parquet(table, file)
    return file.getvalue()


def read_parquet(data: bytes) -> pa.Table:
    """Read a whole Parquet file from its bytes.

    Raises:
        DeserializationError: The bytes are not Parquet, or damaged.
    """
    with reading(f"These {len(data)} bytes are not Parquet, or they are damaged"):
        return _read_all(pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True))


def load_parquet(file: BinaryIO) -> pa.Table:
    """Read a whole Parquet file without having all of its bytes in memory.

    Raises:
        DeserializationError: It is not Parquet, or damaged.
    """
    with reading("This file is not Parquet, or it is damaged"):
        return _read_all(_open(file, pre_buffer=False))


def _read_all(parquet: pq.ParquetFile) -> pa.Table:
    table = parquet.read()
    table.validate(full=True)
    return table


def _open(
    file: BinaryIO, metadata: pq.FileMetaData | None = None, pre_buffer: bool = True
) -> pq.ParquetFile:
    return pq.ParquetFile(
        file, metadata=metadata, pre_buffer=pre_buffer, page_checksum_verification=True
    )


def read_rows(
    file: BinaryIO,
    offset: int,
    limit: int,
    columns: Sequence[int] | None = None,
    metadata: pq.FileMetaData | None = None,
    schema: pa.Schema | None = None,
) -> pa.Table:
    """Read some rows of some columns, and only the row groups that hold them.

    The ranges in question are known from the footer, and read in as few
    requests as they lie in; every page's checksum is compared.

    Args:
        file: A Parquet file.
        offset: Rows to leave out, from 0; past the end there are none.
        limit: Rows to read, at most.
        columns: Places of the columns, each once, in the order wanted; all
            by default.
        metadata: The file's footer, if it was read before.
        schema: The columns that it tells of, if they are known: Arrow makes them anew
            for each question, which takes as long as a frame is wide.

    Returns:
        The rows. It keeps their whole row groups in memory.

    Raises:
        DeserializationError: It is not Parquet, or damaged.
    """
    with reading("This file is not Parquet, or it is damaged"):
        parquet = _open(file, metadata)
        groups, first = _find_groups(parquet.metadata, offset, limit)
        schema = parquet.schema_arrow if schema is None else schema
        _check_groups(parquet.metadata, len(schema), groups)
        table = _read_groups(parquet, schema, groups, columns)
        start = min(offset - first, table.num_rows)
        # A table without columns takes any limit for its rows.
        table = table.slice(start, min(limit, table.num_rows - start))
        table.validate(full=True)
    return table


def _find_groups(footer: pq.FileMetaData, offset: int, limit: int) -> tuple[list[int], int]:
    """The row groups in question, and the number of rows before them."""
    groups: list[int] = []
    first = end = 0
    for group in range(footer.num_row_groups):
        start, end = end, end + footer.row_group(group).num_rows
        if start >= offset + limit:
            break
        if end > offset:
            groups.append(group)
            if len(groups) == 1:
                first = start
    return groups, first if groups else offset


def _check_groups(footer: pq.FileMetaData, columns: int, groups: list[int]) -> None:
    most = row_group_size(footer.num_rows, columns)
    for group in groups:
        if (rows := footer.row_group(group).num_rows) > most:
            raise ValueError(
                f"row group {group} has {rows} rows where at most {most} are written, and would be "
                "unpacked for any of them; load() reads all"
            )


def _read_groups(
    parquet: pq.ParquetFile, schema: pa.Schema, groups: list[int], columns: Sequence[int] | None
) -> pa.Table:
    if not groups:
        empty = empty_table(schema)
        return empty if columns is None else empty.select(list(columns))
    if columns is None:
        return parquet.read_row_groups(groups)
    names = schema.names
    # In the file's order, which is that of the result in every release of pyarrow.
    wanted = list({names[i]: None for i in sorted(columns)})
    table = parquet.read_row_groups(groups, columns=wanted)
    read = set(table.schema.names)
    # Columns of one name come together, and "a" brings a column "a.b" as well.
    places = [i for i, name in enumerate(names) if name in read]
    if [names[i] for i in places] != table.schema.names:
        # Names that cannot be told apart, such as a field "b" of a column "a" and "a.b".
        table, places = parquet.read_row_groups(groups), list(range(len(names)))
    where = {place: i for i, place in enumerate(places)}
    return table.select([where[i] for i in columns])


class ParquetReader(FrameReader[pa.Table]):
    """A Parquet file whose footer was read.

    Args:
        file: A Parquet file.

    Raises:
        DeserializationError: It is not Parquet, or damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        with reading("This file is not Parquet, or it is damaged"):
            parquet = _open(file)
            self.footer = parquet.metadata
            self.schema = parquet.schema_arrow
        self.num_rows = self.footer.num_rows
        self.labels: Sequence[Any] = self.schema.names

    def dtypes(self) -> list[str]:
        """The columns' types as text, in their order."""
        return [str(kind) for kind in self.schema.types]

    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> pa.Table:
        """Read some rows of some columns, as :func:`read_rows` does."""
        return read_rows(file, offset, limit, columns, self.footer, self.schema)

    def as_arrow(self) -> ParquetReader:
        """This reader, since it reads tables of Arrow."""
        return self

    def to_pandas(self, columns: Sequence[Any], places: Sequence[int], rows: object) -> Any:
        """Make a frame of pandas of columns, as pyarrow does it."""
        return to_pandas(pa.table(list(columns), [self.labels[i] for i in places]))

    def group_rows(self) -> list[int]:
        """The rows of each part that can be read on its own."""
        return [self.footer.row_group(i).num_rows for i in range(self.footer.num_row_groups)]

    def chunk(self, group: int, place: int) -> Any | None:
        """What the footer tells of a column in one row group.

        Returns:
            A ``pyarrow.parquet.ColumnChunkMetaData``, or ``None`` for a nested
            column, which has several or one that tells of its elements.
        """
        if pa.types.is_nested(self.schema.field(place).type):
            return None
        return self.footer.row_group(group).column(self._first_leaf[place])

    @cached_property
    def _first_leaf(self) -> list[int]:
        """Where Parquet keeps each column, which counts the fields of nested ones."""
        return [0, *accumulate(_leaves(kind) for kind in self.schema.types)]


def _leaves(kind: pa.DataType) -> int:
    if isinstance(kind, pa.BaseExtensionType):
        return _leaves(kind.storage_type)
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(i).type) for i in range(kind.num_fields))
