"""Values are written and read bit by bit, and are the same bytes as in one go."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import dataset as ds

from artigraph.errors import SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.json import json_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from artigraph.serializer.polars import dataframe_serializer as polars_serializer
from artigraph.serializer.pyarrow import feather_serializer, parquet as module, parquet_serializer
from artigraph.storage.file import FileSystemStorage
from tests.frame.sources import OnlyWritten


def dump(serializer: Serializer[Any], value: Any) -> tuple[bytes, dict[str, Any]]:
    """Write to a file that can be neither read nor sought, as storages give one."""
    file = OnlyWritten()
    summary: dict[str, Any] = {}
    file.sink.fill(lambda sink: summary.update(serializer.dump(value, sink)))
    return file.value(), summary


VALUES: dict[str, tuple[Serializer[Any], Any]] = {
    "json": (json_serializer, {"a": [1, None]}),
    "array": (array_serializer, np.arange(300_000.0).reshape(3, -1)),
    "strided array": (array_serializer, np.arange(300_000)[::3]),
    "fortran array": (array_serializer, np.asfortranarray(np.arange(6).reshape(2, 3))),
    "padded array": (array_serializer, np.zeros(9, np.dtype("i1,i8", align=True))),
    "scalar array": (array_serializer, np.array(1)),
    "pandas": (pandas_serializer, pd.DataFrame({"a": range(50_000), "b": "x"})),
    "pandas objects": (
        pandas_serializer,
        pd.DataFrame({"a": pd.Series([*range(49_999), None], dtype=object)}),
    ),
    "empty pandas": (pandas_serializer, pd.DataFrame()),
    "polars": (polars_serializer, pl.DataFrame({"a": range(50_000)})),
    "parquet": (parquet_serializer, pa.table({"a": range(50_000)})),
    "feather": (feather_serializer, pa.table({"a": range(50_000)})),
    "empty table": (parquet_serializer, pa.table({"a": []})),
}


@pytest.mark.parametrize("name", VALUES)
def test_dump_makes_the_bytes_of_serialize(name: str) -> None:
    """Whether a value is streamed or not, it is the same blob with the same summary."""
    serializer, value = VALUES[name]
    data, summary = dump(serializer, value)
    assert data == serializer.serialize(value)
    assert summary == dict(serializer.summarize(value))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("local", [True, False])
def test_load_reads_from_a_file(name: str, local: bool, tmp_path: Path) -> None:
    """A value comes back from a file of the system, and from any other."""
    serializer, value = VALUES[name]
    data = serializer.serialize(value)
    (tmp_path / "blob").write_bytes(data)
    with (tmp_path / "blob").open("rb") if local else io.BytesIO(data) as file:
        back = serializer.load(file)
    assert serializer.serialize(back) == data


def batches(count: int, rows: int = 7_000) -> Iterator[Any]:
    """Batches of two columns, made one after another."""
    for i in range(count):
        yield pa.record_batch({"a": range(i * rows, (i + 1) * rows), "b": ["x"] * rows})


def reader(count: int) -> Any:
    """A reader of such batches."""
    fields: list[Any] = [pa.field("a", pa.int64()), pa.field("b", pa.string())]
    return pa.RecordBatchReader.from_batches(pa.schema(fields), batches(count))


@pytest.mark.parametrize("kind", ["reader", "iterator", "dataset", "scanner", "empty reader"])
def test_stream_comes_back_as_a_table(kind: str, tmp_path: Path) -> None:
    """A reader, an iterator and a dataset are written in row groups of the usual size."""
    expected = reader(0 if kind == "empty reader" else 10).read_all()
    pq.write_table(expected, tmp_path / "in.parquet")
    made: dict[str, Any] = {
        "reader": reader(10),
        "empty reader": reader(0),
        "iterator": batches(10),
        "dataset": ds.dataset(tmp_path / "in.parquet"),
        "scanner": ds.dataset(tmp_path / "in.parquet").scanner(),
    }
    data, summary = dump(parquet_serializer, made[kind])
    assert parquet_serializer.deserialize(data) == expected
    assert summary == dict(parquet_serializer.summarize(expected))
    groups = pq.ParquetFile(io.BytesIO(data)).metadata
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    assert sizes == ([0] if kind == "empty reader" else [20_000, 20_000, 20_000, 10_000])


def test_stream_is_the_blob_of_the_table() -> None:
    """Short streams and equal tables share one blob."""
    table = reader(10).read_all()
    assert dump(parquet_serializer, reader(10))[0] == parquet_serializer.serialize(table)
    assert parquet_serializer.serialize(cast(Any, reader(10))) == parquet_serializer.serialize(
        table
    )


def test_groups_grow_with_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """A very long stream gets larger row groups, so that its footer stays small."""
    monkeypatch.setattr(module, "ROWS_PER_GROUP", 10)
    monkeypatch.setattr(module, "COLUMN_CHUNKS", 20)
    data, summary = dump(parquet_serializer, batches(50, 100))
    assert summary["rows"] == 5_000
    assert summary["row_groups"] < 100
    assert parquet_serializer.deserialize(data) == pa.Table.from_batches(batches(50, 100))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (iter([]), r"without a batch has no schema. Use .*RecordBatchReader.from_batches"),
        (iter([{"a": 1}]), r"gave a builtins.dict, not a pyarrow.RecordBatch"),
        (iter([*batches(1), 3]), r"gave a builtins.int, not a pyarrow.RecordBatch"),
        (
            iter([*batches(1), pa.record_batch({"a": ["x"]})]),
            r"A batch has the schema a: string, where the first .*batch.cast\(schema\)",
        ),
        (
            iter([pa.record_batch({"a": pa.array([1], pa.timestamp("s"))})]),
            r"column 'a' of type timestamp\[s\] .*feather_serializer",
        ),
    ],
)
def test_bad_streams_are_refused(value: Any, message: str) -> None:
    """A stream that is no frame is an error that says why."""
    with pytest.raises(SerializationError, match=f"(?s){message}"):
        parquet_serializer.dump(value, io.BytesIO())


def test_used_up_reader_is_refused() -> None:
    """A reader that was written before is not taken for a frame without rows."""
    value = reader(2)
    parquet_serializer.dump(value, io.BytesIO())
    with pytest.raises(SerializationError, match=r"was used up .*value.read_all\(\)"):
        parquet_serializer.dump(value, io.BytesIO())


def test_error_of_a_stream_is_its_own() -> None:
    """What an iterator raises reaches who wrote it, with nothing left open."""

    def broken() -> Iterator[Any]:
        yield from batches(5)
        raise LookupError("my own")

    with pytest.raises(LookupError, match="my own"):
        parquet_serializer.dump(cast(Any, broken()), io.BytesIO())


def test_stream_is_never_there_as_a_whole() -> None:
    """Of a stream of 400 MB little more than a row group is in memory."""
    rows, before = 100_000, pa.total_allocated_bytes()
    numbers = np.random.default_rng(0).standard_normal(rows)
    peak = 0

    def made() -> Iterator[Any]:
        nonlocal peak
        for i in range(50):
            yield pa.record_batch({f"c{j}": pa.array(numbers + i) for j in range(10)})
            peak = max(peak, pa.total_allocated_bytes() - before)

    class Nowhere(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            return len(data)

    summary = parquet_serializer.dump(cast(Any, made()), cast(Any, Nowhere()))
    assert summary["rows"] == 50 * rows
    assert peak < 40e6


@pytest.mark.parametrize("kind", ["numbers", "objects", "text", "levels"])
def test_frame_is_never_there_twice(kind: str) -> None:
    """Writing a frame takes the memory of a row group, whatever its columns are."""
    rows = 600_000
    numbers = np.random.default_rng(0).standard_normal(rows)
    if kind == "numbers":
        frame = pd.DataFrame({f"c{i}": numbers + i for i in range(10)})
    elif kind == "objects":
        words = [f"word {i % 1000} of some length" for i in range(rows)]
        frame = pd.DataFrame({f"c{i}": pd.Series(words, dtype=object) for i in range(3)})
    elif kind == "text":
        strings = pd.array([f"word {i}" for i in range(rows)], dtype="string[python]")
        frame = pd.DataFrame({f"c{i}": strings for i in range(3)})
    else:
        index = pd.MultiIndex.from_product([range(600), range(1000)], names=["a", "b"])
        frame = pd.DataFrame({"x": numbers}, index=index)
    size = int(frame.memory_usage(index=True).sum())

    class Nowhere(io.RawIOBase):
        arrow = 0

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.arrow = max(self.arrow, pa.total_allocated_bytes())
            return len(data)

    file = Nowhere()
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        pandas_serializer.dump(frame, cast(Any, file))
        python = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert python + file.arrow - before < 0.3 * size + 6e6


def test_nothing_is_written_of_a_bad_frame() -> None:
    """What would not come back is found before the first byte, even in the last row."""
    bad = pd.Series([*["x"] * 50_000, object()], dtype=object)
    for frame in (
        pd.DataFrame({"a": range(50_001), "b": bad}),
        pd.DataFrame({"a": range(50_001)}, index=pd.Index(bad)),
        pd.DataFrame({"a": pd.Series([*[1] * 50_000, Fraction(1, 2)], dtype=object)}),
    ):
        file = io.BytesIO()
        with pytest.raises(SerializationError):
            pandas_serializer.dump(frame, file)
        assert file.tell() == 0


def test_row_of_a_bad_value_is_that_of_the_frame() -> None:
    """A refusal counts rows from the frame's first, not from that of a row group."""
    bad = pd.DataFrame({"a": pd.Series([*[[1]] * 45_000, [Fraction(1)]], dtype=object)})
    with pytest.raises(
        SerializationError, match=r"in row 45000, holds Fraction\(1, 1\) of type Fr"
    ):
        pandas_serializer.serialize(bad)


def test_objects_whose_first_rows_miss_values() -> None:
    """Row groups without a value, or with shorter numbers, get the type of the others."""
    for values in (
        [*[None] * 21_000, "x"],
        ["x", *[None] * 21_000],
        [*[Decimal("1.5")] * 21_000, *[Decimal("123456.25")] * 21_000],
        [*[[]] * 21_000, [1]],
        [*[{"a": None}] * 21_000, *[{"a": 1}] * 21_000],
        [*["x"] * 21_000, 1, *[None] * 20_000],
        [*[np.array([0.5])] * 21_000, *[None] * 20_000],
    ):
        frame = pd.DataFrame({"a": pd.Series(values, dtype=object)})
        data = pandas_serializer.serialize(frame)
        assert_frame_equal(pandas_serializer.deserialize(data), frame)


class Full(io.RawIOBase):
    """A disk that is full after some bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return len(data)


@pytest.mark.parametrize("name", ["array", "pandas", "polars", "parquet", "feather"])
def test_full_disk_is_said(name: str) -> None:
    """When the file takes no more, that is the error, and none comes later."""
    serializer, value = VALUES[name]
    with pytest.raises(OSError, match="No space left on device"):
        serializer.dump(value, cast(Any, Full(100)))


async def test_storage_takes_a_stream(tmp_path: Path) -> None:
    """What is streamed into a storage is read from it as a table."""
    storage = FileSystemStorage(tmp_path, name="streams")
    blob = await storage.create_from(
        lambda file: parquet_serializer.dump(cast(Any, batches(10)), file)
    )
    back = parquet_serializer.deserialize(await storage.read(blob.location))
    assert back == pa.Table.from_batches(batches(10))
