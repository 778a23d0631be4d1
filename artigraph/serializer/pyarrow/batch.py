"""Frames that come in batches, such as those larger than memory.

A stream is gathered into row groups of about the size that a table of its
length would have. The length is not known before the end, so groups grow
with what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any
from weakref import WeakSet

import pyarrow as pa
from pyarrow import dataset as ds

from artigraph.errors import SerializationError
from artigraph.serializer.pyarrow.parquet import row_group_size

__all__ = ["BatchStream", "check_columns", "open_stream"]


_used: WeakSet[pa.RecordBatchReader] = WeakSet()


class BatchStream:
    """Batches of one schema, to be read once.

    Args:
        schema: Their schema.
        batches: Record batches and tables.
    """

    def __init__(self, schema: pa.Schema, batches: Iterable[Any]) -> None:
        self.schema = schema
        self.num_rows = 0
        """Rows that were given out so far."""
        self.num_groups = 0
        """Row groups that were given out so far."""
        self._batches = batches

    def groups(self) -> Iterator[pa.Table]:
        """Give out tables, each of which is one row group.

        Raises:
            SerializationError: A batch has another schema, or is none.
        """
        waiting: list[Any] = []
        rows = 0
        for batch in self._batches:
            table = _check_batch(batch, self.schema)
            check_columns(table)
            while table.num_rows:
                wanted = row_group_size(self.num_rows, len(self.schema))
                part = table.slice(0, wanted - rows)
                waiting.append(part)
                rows += part.num_rows
                table = table.slice(part.num_rows)
                if rows == wanted:
                    yield self._group(waiting)
                    waiting, rows = [], 0
        if rows or not self.num_groups:
            yield self._group([*waiting, self.schema.empty_table()])

    def _group(self, tables: list[pa.Table]) -> pa.Table:
        group = pa.concat_tables(tables)
        self.num_rows += group.num_rows
        self.num_groups += 1
        return group


def open_stream(value: object) -> BatchStream | None:
    """Take a reader, a dataset or an iterator of batches for a stream.

    Returns:
        The stream, or ``None`` if the value is none of these.

    Raises:
        SerializationError: An iterator has no batch, and so no schema; or a
            reader was written before.
    """
    if isinstance(value, pa.RecordBatchReader):
        if value in _used:
            # It would give no rows and no error, so an empty frame would be written.
            raise SerializationError(
                "This RecordBatchReader was used up when it was written before. Make a new one, "
                "or read it into a table with value.read_all() and write that."
            )
        _used.add(value)
        return BatchStream(value.schema, value)
    if isinstance(value, ds.Dataset):
        # Read ahead is what would take the memory.
        scanner = value.scanner(batch_readahead=2, fragment_readahead=1)
        return BatchStream(scanner.projected_schema, scanner.to_batches())
    if isinstance(value, ds.Scanner):
        return BatchStream(value.projected_schema, value.to_batches())
    if isinstance(value, Iterator):
        first = next(value, None)
        if first is None:
            raise SerializationError(
                "An iterator without a batch has no schema. Use "
                "pyarrow.RecordBatchReader.from_batches(schema, batches)."
            )
        if not isinstance(first, pa.RecordBatch | pa.Table):
            raise _no_batch(first)
        return BatchStream(first.schema, chain([first], value))
    return None


def check_columns(table: pa.Table) -> None:
    """Refuse rows without columns.

    Raises:
        SerializationError: There are some, and no file would tell how many.
    """
    if table.num_rows and not table.num_columns:
        raise SerializationError(
            f"This table has {table.num_rows} rows and no columns, of which nothing would be "
            "kept. Give it a column: table.append_column('row', [range(table.num_rows)])."
        )


def _check_batch(batch: object, schema: pa.Schema) -> pa.Table:
    if not isinstance(batch, pa.RecordBatch | pa.Table):
        raise _no_batch(batch)
    if not batch.schema.equals(schema):
        raise SerializationError(
            f"A batch has the schema {batch.schema}, where the first has {schema}. Cast it with "
            "batch.cast(schema)."
        )
    return pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch


def _no_batch(batch: object) -> SerializationError:
    return SerializationError(
        f"The iterator gave a {type(batch).__module__}.{type(batch).__qualname__}, not a "
        "pyarrow.RecordBatch. Use pyarrow.RecordBatch.from_pylist(rows)."
    )
