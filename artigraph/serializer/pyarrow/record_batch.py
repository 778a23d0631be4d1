"""Record batches in Arrow's own file format."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.part import reading, summarize_frame

__all__ = ["RecordBatchSerializer", "record_batch_serializer"]


class RecordBatchSerializer(Serializer[pa.RecordBatch]):
    """One record batch as Arrow's own file format.

    * keeps every type that Arrow has, dictionaries, nullability, metadata,
      and the number of rows of a batch without columns
    * refuses extension types that are not registered with Arrow, and batches
      whose values do not fit their types
    """

    name = "artigraph-record-batch"
    types = (pa.RecordBatch,)

    def serialize(self, value: pa.RecordBatch, /) -> bytes:
        """Write a record batch.

        Raises:
            SerializationError: It is not a record batch, or would not come
                back equal.
        """
        if not isinstance(value, pa.RecordBatch):
            fix = "Use pyarrow.RecordBatch.from_pydict({'name': values})."
            if isinstance(value, pa.Table):
                fix = "Use artigraph.serializer.pyarrow.parquet_serializer."
            raise SerializationError(
                f"{self.name!r} takes a pyarrow.RecordBatch, not a {type(value).__module__}."
                f"{type(value).__qualname__}. {fix}"
            )
        try:
            value.validate(full=True)
            schema = _read_batch(_write_batch(value.slice(0, 0))).schema
            if not schema.equals(value.schema, check_metadata=True):
                raise pa.ArrowTypeError(f"its schema would come back as {schema}")
            return _write_batch(value)
        except (pa.ArrowException, NotImplementedError, DeserializationError) as error:
            raise SerializationError(
                f"This record batch of schema {value.schema} cannot be stored: {error}. Register "
                "its extension types with pyarrow.register_extension_type, or cast the columns."
            ) from error

    def deserialize(self, data: bytes, /) -> pa.RecordBatch:
        """Read a record batch.

        Raises:
            DeserializationError: The bytes are not an Arrow file of exactly
                one batch, or damaged.
        """
        return _read_batch(data)

    def summarize(self, value: pa.RecordBatch, /) -> Mapping[str, Any]:
        """Its rows, columns and types."""
        columns = [(field.name, str(field.type)) for field in value.schema]
        return summarize_frame(value.num_rows, columns, 1)


def _write_batch(batch: pa.RecordBatch) -> bytes:
    file = io.BytesIO()
    options = ipc.IpcWriteOptions(compression="zstd")
    with ipc.new_file(file, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return file.getvalue()


def _read_batch(data: bytes) -> pa.RecordBatch:
    told = f"These {len(data)} bytes are not an Arrow file of one record batch, or are damaged"
    with reading(told):
        reader = ipc.open_file(pa.BufferReader(data))
        if reader.num_record_batches != 1:
            raise ValueError(f"there are {reader.num_record_batches} batches where one is expected")
        batch = reader.get_batch(0)
        batch.validate(full=True)
    return batch


record_batch_serializer = RecordBatchSerializer()
"""Record batches in Arrow's own file format."""
