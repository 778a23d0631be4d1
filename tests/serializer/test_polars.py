"""Polars frames come back equal, or are refused."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.polars import dataframe_serializer
from artigraph.testing.serializer import SerializerTests

ENUM = pl.Enum(["b", "a"])


class Sub(pl.DataFrame):
    """A subclass, which would come back as its base."""


class TestDataFrameSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return dataframe_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return [
            pl.DataFrame(),
            pl.DataFrame(schema={"a": pl.Int8, "b": ENUM}),
            pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [1.5, float("nan")]}),
            pl.DataFrame({"artigraph-crc32:00000000": [1]}),
            pl.DataFrame(
                {
                    "date": [date(2024, 1, 1)],
                    "datetime": [datetime(2024, 1, 1)],
                    "time": [time(1)],
                    "timedelta": [timedelta(1)],
                    "decimal": [Decimal("1.10")],
                    "list": [[1, None]],
                    "struct": [{"a": [{"b": 1}]}],
                    "bytes": [b"\x00"],
                    "null": [None],
                    "enum": pl.Series(["a"], dtype=ENUM),
                    "category": pl.Series(["x"], dtype=pl.Categorical),
                    "int128": pl.Series([2**100], dtype=pl.Int128),
                }
            ),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [
            pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}),
            pl.DataFrame({"a": pl.Series([{}], dtype=pl.Struct([]))}),
            pl.DataFrame(height=3),
            pl.DataFrame({"a": [1]}).lazy(),
            pl.Series([1]),
            Sub({"a": [1]}),
            {"a": [1]},
        ]

    def equal(self, old: Any, new: Any) -> bool:
        return bool(old.equals(new)) and old.schema == new.schema


@given(dataframes(excluded_dtypes=[pl.Object], max_cols=3, max_size=10))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_frame_survives(frame: pl.DataFrame) -> None:
    """Any frame comes back with its schema and values, or is refused."""
    try:
        data = dataframe_serializer.serialize(frame)
    except SerializationError:
        return
    assert_frame_equal(frame, dataframe_serializer.deserialize(data), check_exact=True)


def test_other_libraries_read_it() -> None:
    """The bytes are Parquet, which others read, in small row groups."""
    data = dataframe_serializer.serialize(pl.DataFrame({"a": range(50_000)}))
    file = pq.ParquetFile(io.BytesIO(data))
    assert file.num_row_groups == 3
    assert file.read().column("a").to_pylist() == list(range(50_000))


def test_summary_tells_the_schema() -> None:
    """A summary has rows, columns with types, and row groups."""
    frame = pl.DataFrame({"a": range(50_000), "b": ["x"] * 50_000})
    assert dataframe_serializer.summarize(frame) == {
        "kind": "frame",
        "rows": 50_000,
        "columns": [["a", "Int64"], ["b", "String"]],
        "num_columns": 2,
        "row_groups": 3,
    }


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), r"'a' has the type Object"),
        (pl.DataFrame({"a": [1]}).lazy(), r"LazyFrame.*Use value.collect\(\)"),
        (pl.Series([1]), r"Series.*Use value.to_frame\(\)"),
        (pl.DataFrame(height=3), r"3 rows and no columns.*with_row_index"),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str) -> None:
    """A refusal names the column or the type, and what to type."""
    with pytest.raises(SerializationError, match=message):
        dataframe_serializer.serialize(value)


def test_a_panic_is_an_error_that_is_caught() -> None:
    """What Polars or Arrow lacks a type for is told, though a panic is no ``Exception``."""
    wide = pa.table({"d": pa.array([Decimal(10) ** 45], pa.decimal256(60, 3))})
    with pytest.raises(DeserializationError, match=r"Polars lacks a type of this table.*Int256"):
        dataframe_serializer.from_arrow(wide)
    huge = dataframe_serializer.serialize(pl.DataFrame({"i": pl.Series([2**100], dtype=pl.Int128)}))
    with pytest.raises(DeserializationError, match=r"Arrow lacks a type.*load\(\)"):
        dataframe_serializer.load_arrow(io.BytesIO(huge))


def test_damage_never_reaches_polars() -> None:
    """Each changed byte is noticed; some would make Polars end the process."""
    data = dataframe_serializer.serialize(pl.DataFrame({"a": range(100)}))
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        with pytest.raises(DeserializationError, match="the checksum does not fit"):
            dataframe_serializer.deserialize(bytes(damaged))


def test_foreign_parquet_is_refused() -> None:
    """Parquet that something else wrote has no checksum and is refused."""
    file = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(file)
    with pytest.raises(DeserializationError, match="not a frame that 'artigraph-polars' wrote"):
        dataframe_serializer.deserialize(file.getvalue())
