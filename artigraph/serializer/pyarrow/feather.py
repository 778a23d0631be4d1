"""Arrow's own file format, also called Feather, written and read in parts.

All of its record batches but the last have the same number of rows, which
stands in the schema's metadata: the format itself keeps no list of them, and
counting would take a request a batch.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc

from artigraph.serializer.part import FrameReader, reading
from artigraph.serializer.pyarrow.batch_rows import BatchRows
from artigraph.serializer.pyarrow.convert import to_pandas
from artigraph.serializer.pyarrow.parquet import ROWS_PER_GROUP

__all__ = ["FeatherReader", "dump_feather", "load_feather", "read_feather", "write_feather"]

METADATA_KEY = b"artigraph-batch-rows"


def dump_feather(table: pa.Table, file: Any) -> None:
    """Write a table in Arrow's file format, compressed.

    Raises:
        pyarrow.ArrowException: Arrow cannot write it.
    """
    metadata = {**(table.schema.metadata or {}), METADATA_KEY: b"%d" % ROWS_PER_GROUP}
    table = table.replace_schema_metadata(metadata)
    # A file can hold one dictionary a column, a table one a chunk.
    options = ipc.IpcWriteOptions(compression="zstd", unify_dictionaries=True)
    with ipc.new_file(file, table.schema, options=options) as writer:
        if max((column.num_chunks for column in table.columns), default=0) > 1:
            # Batches end where chunks do, and dictionaries must be unified before.
            table = table.unify_dictionaries()
            for start in range(0, table.num_rows, ROWS_PER_GROUP):
                writer.write_table(table.slice(start, ROWS_PER_GROUP).combine_chunks())
        else:
            writer.write_table(table, max_chunksize=ROWS_PER_GROUP)


def write_feather(table: pa.Table) -> bytes:
    """Turn a table into Arrow's file format, compressed.

    Raises:
        pyarrow.ArrowException: Arrow cannot write it.
    """
    file = io.BytesIO()
    dump_feather(table, file)
    return file.getvalue()


def read_feather(data: bytes) -> pa.Table:
    """Read a whole file of Arrow's format from its bytes.

    Raises:
        DeserializationError: The bytes are not of that format, or damaged.
    """
    with reading(f"These {len(data)} bytes are not an Arrow file, or they are damaged"):
        return _read_all(ipc.open_file(pa.BufferReader(data)))


def load_feather(file: Any) -> pa.Table:
    """Read a whole file of Arrow's format, a batch at a time.

    Raises:
        DeserializationError: It is not of that format, or damaged.
    """
    with reading("This file is not an Arrow file, or it is damaged"):
        return _read_all(ipc.open_file(file))


def _read_all(batches: ipc.RecordBatchFileReader) -> pa.Table:
    table = batches.read_all()
    # Offsets are taken from the file as they are; a wrong one would have
    # a later reader look outside of the buffer.
    table.validate(full=True)
    return table.replace_schema_metadata(_plain(table.schema).metadata)


def _plain(schema: pa.Schema) -> pa.Schema:
    metadata = {k: v for k, v in (schema.metadata or {}).items() if k != METADATA_KEY}
    # Given None or {}, with_metadata() would leave a {} where there was nothing.
    return schema.with_metadata(metadata) if metadata else schema.remove_metadata()


class FeatherReader(FrameReader[pa.Table]):
    """An Arrow file whose footer was read.

    Args:
        file: A file that :func:`dump_feather` wrote.

    Raises:
        DeserializationError: It is not, or it is damaged.
    """

    def __init__(self, file: Any) -> None:
        with reading("This file is not an Arrow file, or it is damaged"):
            batches = ipc.open_file(file)
            self._batch_rows = int((batches.schema.metadata or {})[METADATA_KEY])
            # Larger ones, of which each is unpacked for any of its rows, are never written.
            if not 1 <= self._batch_rows <= ROWS_PER_GROUP:
                raise ValueError(f"its batches have {self._batch_rows} rows")
            self.schema = _plain(batches.schema)
            self._rows = BatchRows(file)
            before = max(0, len(self._rows) - 1) * self._batch_rows
            last = self._rows.read(file, len(self._rows) - 1) if len(self._rows) else 0
            if not 0 <= last <= self._batch_rows:
                raise ValueError(f"its last batch has {last} rows")
        self.num_rows = before + last
        self.labels: Sequence[Any] = self.schema.names

    def dtypes(self) -> list[str]:
        """The columns' types as text, in their order."""
        return [str(kind) for kind in self.schema.types]

    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> pa.Table:
        """Read some rows of some columns, and only the batches that hold them.

        Raises:
            DeserializationError: It is damaged.
        """
        wanted = list(range(len(self.labels))) if columns is None else list(columns)
        # The file's own order is the only one that Arrow reads in.
        order = sorted(wanted)
        metadata: Any = self.schema.metadata
        schema = pa.schema([self.schema.field(i) for i in order], metadata)
        size = self._batch_rows
        end = min(offset + limit, self.num_rows)
        first = offset // size
        with reading("This file is not an Arrow file, or it is damaged"):
            batches = []
            for i in range(first, -(-end // size) if end > offset else first):
                if (rows := self._rows.read(file, i)) != min(size, self.num_rows - i * size):
                    raise ValueError(f"batch {i} has {rows} rows")
                batch = _read_batch(file, i, order)
                batches.append(batch.replace_schema_metadata(self.schema.metadata))
            table = pa.Table.from_batches(batches, schema)
            # A table without columns takes any limit for its rows.
            start = offset - first * size if batches else 0
            table = table.slice(start, max(0, end - offset))
            table.validate(full=True)
        return table.select([order.index(i) for i in wanted])

    def as_arrow(self) -> FeatherReader:
        """This reader, since it reads tables of Arrow."""
        return self

    def to_pandas(self, columns: Sequence[Any], places: Sequence[int], rows: object) -> Any:
        """Make a frame of pandas of columns, as pyarrow does it."""
        return to_pandas(pa.table(list(columns), [self.labels[i] for i in places]))

    def group_rows(self) -> list[int]:
        """The rows of each part that can be read on its own."""
        starts = range(0, self.num_rows, self._batch_rows)
        return [min(self._batch_rows, self.num_rows - start) for start in starts]

    def chunk(self, group: int, place: int) -> None:
        """What the footer tells of a column in one batch: nothing."""


def _read_batch(file: Any, number: int, columns: list[int]) -> pa.RecordBatch:
    # No fields at all would mean every field.
    options = ipc.IpcReadOptions(included_fields=columns or [0])
    batch = ipc.open_file(file, options=options).get_batch(number)
    return batch if columns else batch.select([])
