"""Record batches of every Arrow type come back equal, with their metadata."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.pyarrow import record_batch_serializer, write_feather
from artigraph.testing.serializer import SerializerTests


def batch(**columns: Any) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


class TestRecordBatchSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return record_batch_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        field = pa.field("a", pa.int32(), nullable=False, metadata={"unit": "s"})
        schema = pa.schema([field], metadata={"made": "here"})
        return [
            batch(a=[1, 2, None], b=["x", None, "ä"]),
            batch(a=[1.5, float("inf")], b=[[1], None], c=[{"d": 1}, {"d": None}]),
            batch(a=pa.array(["x", "y", "x"]).dictionary_encode()),
            batch(a=pa.array([datetime.timedelta(1)]), b=pa.array([b"\0"])),
            batch(a=pa.array(range(100)), b=pa.array(["t"] * 100))[10:20],
            pa.RecordBatch.from_arrays([pa.array([1, 2], pa.int32())], schema=schema),
            pa.RecordBatch.from_pylist([], schema=schema),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [object(), pa.table({"a": [1]}), pa.array([1]), {"a": [1]}]

    def equal(self, old: Any, new: Any) -> bool:
        return bool(old.equals(new, check_metadata=True)) and old.num_rows == new.num_rows


@given(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=20),
    st.sampled_from([pa.utf8(), pa.large_utf8(), pa.string_view(), pa.binary()]),
    st.data(),
)
@settings(deadline=None)
def test_batch_survives(numbers: list[int | None], kind: pa.DataType, data: st.DataObject) -> None:
    """Numbers and texts come back with their nulls, whatever part of a batch they are."""
    texts = [None if n is None else str(n) for n in numbers]
    whole = batch(a=pa.array(numbers, pa.int64()), b=pa.array(texts).cast(kind))
    part = whole.slice(data.draw(st.integers(0, len(numbers))), data.draw(st.integers(0, 20)))
    back = record_batch_serializer.deserialize(record_batch_serializer.serialize(part))
    assert back.equals(part, check_metadata=True)


def test_rows_without_columns_survive() -> None:
    """A batch without columns keeps its number of rows."""
    rows = batch(a=[1, 2, 3]).select([])
    back = record_batch_serializer.deserialize(record_batch_serializer.serialize(rows))
    assert (back.num_rows, back.num_columns) == (3, 0)


def test_summary_tells_the_schema() -> None:
    """A summary has rows and columns with their types."""
    summary = record_batch_serializer.summarize(batch(a=[1, 2]))
    assert summary["kind"] == "frame"
    assert summary["rows"] == 2
    assert summary["columns"] == [["a", "int64"]]


def test_batches_find_it() -> None:
    """A record batch without a named serializer uses this one."""
    assert find_serializer(pa.RecordBatch) == record_batch_serializer


def test_table_is_sent_elsewhere() -> None:
    """A table is refused, with the serializer that takes it."""
    table: Any = pa.table({"a": [1]})
    with pytest.raises(SerializationError, match=r"not a pyarrow.lib.Table. Use .*parquet_seri"):
        record_batch_serializer.serialize(table)


def test_unregistered_extension_type_is_refused() -> None:
    """A type that would come back as its storage is refused."""

    class Kelvin(pa.ExtensionType):
        def __init__(self) -> None:
            super().__init__(pa.float64(), "artigraph.test.kelvin")

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

    column = pa.ExtensionArray.from_storage(Kelvin(), pa.array([1.5]))
    with pytest.raises(SerializationError, match="register_extension_type"):
        record_batch_serializer.serialize(pa.RecordBatch.from_arrays([column], names=["a"]))


def test_broken_batch_is_refused() -> None:
    """A batch whose texts are not UTF-8, which no reader would take, is not written."""
    offsets = pa.array([0, 2], pa.int32()).buffers()[1]
    column = pa.Array.from_buffers(pa.utf8(), 1, [None, offsets, pa.py_buffer(b"\xff\xff")])
    with pytest.raises(SerializationError, match="cannot be stored"):
        record_batch_serializer.serialize(pa.RecordBatch.from_arrays([column], names=["a"]))


@pytest.mark.parametrize("rows", [0, 30_000])
def test_another_number_of_batches_is_refused(rows: int) -> None:
    """An Arrow file of no batch or of several is not a record batch."""
    data = write_feather(pa.table({"a": pa.array(range(rows), pa.int64())}))
    with pytest.raises(DeserializationError, match=r"there are \d batches where one"):
        record_batch_serializer.deserialize(data)
