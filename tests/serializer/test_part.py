"""Any page that a serializer reads equals the same slice of the whole."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from artigraph.errors import DeserializationError, PartError
from artigraph.serializer import polars as polars_module
from artigraph.serializer.numpy import array_serializer, read_header
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from artigraph.serializer.part import FrameSerializer, SliceSerializer, find_columns
from artigraph.serializer.polars import dataframe_serializer as polars_serializer
from artigraph.serializer.pyarrow import (
    feather,
    feather_serializer,
    parquet,
    parquet_serializer,
    read_rows,
)
from tests.serializer.test_pandas import NASTY
from tests.serializer.test_pyarrow import feather_tables, plain_tables

GROUP = 2


@pytest.fixture(autouse=True, scope="module")
def small_groups() -> Any:
    """Row groups of two rows, so that small frames have several."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (parquet, feather, polars_module):
            patch.setattr(module, "ROWS_PER_GROUP", GROUP)
        yield


def part(serializer: FrameSerializer[Any], data: bytes, *arguments: Any) -> Any:
    """A page, by a reader that first was used for another."""
    file = io.BytesIO(data)
    reader = serializer.open_reader(file)
    reader.read(file, 1, 1)
    return reader.read(file, *arguments)


@pytest.mark.parametrize("name", NASTY)
def test_page_of_a_nasty_frame(name: str) -> None:
    """Every kind of column, index and label has its dtype and values in every page."""
    frame = NASTY[name]()
    data = pandas_serializer.serialize(frame)
    whole = pandas_serializer.deserialize(data)
    reader = pandas_serializer.open_reader(io.BytesIO(data))
    assert reader.num_rows == len(frame)
    assert reader.dtypes() == [str(dtype) for dtype in frame.dtypes]
    for offset in range(len(frame) + 2):
        for limit in (0, 1, GROUP, 100):
            page = reader.read(io.BytesIO(data), offset, limit)
            assert_frame_equal(page, as_page(whole.iloc[offset : offset + limit]), check_flags=True)
            assert page.attrs == frame.attrs
    places = list(range(frame.shape[1]))[::-2]
    page = reader.read(io.BytesIO(data), 1, GROUP, places)
    assert_frame_equal(page, as_page(whole.iloc[1 : 1 + GROUP, places]))


def as_page(part: pd.DataFrame) -> pd.DataFrame:
    """Rows of a frame as a page has them: without levels that none of them uses."""
    if isinstance(part.index, pd.MultiIndex):
        return part.set_axis(part.index.remove_unused_levels())
    return part


spans = st.tuples(st.integers(0, 14), st.integers(0, 14))
names = st.text(st.characters(codec="utf-8"), max_size=3) | st.sampled_from(["a", "a.b", "a.b.c"])


@given(spans, st.lists(names, max_size=4, unique=True), st.randoms(use_true_random=True))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_page_is_the_slice(span: tuple[int, int], labels: list[str], random: Any) -> None:
    """Any rows of any columns, in any order, from all formats."""
    offset, limit = span
    columns = {
        name: [None if random.random() < 0.2 else random.randrange(100) for _ in range(10)]
        if i % 2
        else [{"b": i, "c": str(j)} for j in range(10)]
        for i, name in enumerate(labels)
    }
    places = random.sample(range(len(labels)), random.randint(0, len(labels)))
    table = pa.table(columns)
    rows = max(0, min(limit, table.num_rows - offset))
    expected = table.select(places).slice(min(offset, table.num_rows), rows)
    for serializer in (parquet_serializer, feather_serializer):
        found = part(serializer, serializer.serialize(table), offset, limit, places)
        assert found.num_rows == (rows if places else found.num_rows)
        assert found.equals(expected) or not places
    frame = pd.DataFrame(columns).convert_dtypes(dtype_backend="pyarrow")
    assert_frame_equal(
        part(pandas_serializer, pandas_serializer.serialize(frame), offset, limit, places),
        frame.iloc[offset : offset + limit, places],
    )
    polar = pl.DataFrame(columns)
    assert_polars_equal(
        part(polars_serializer, polars_serializer.serialize(polar), offset, limit, places),
        polar.slice(offset, limit).select([labels[i] for i in places]),
    )


@given(
    spans,
    st.sampled_from(
        [
            pd.date_range("2024-10-26", periods=10, freq="6h", tz="Europe/Berlin"),
            pd.date_range("2024", periods=10, freq="2ME", name="q"),
            pd.timedelta_range("1s", periods=10),
            pd.RangeIndex(50, 0, -5),
            pd.MultiIndex.from_product([["b", "a"], range(5)], names=["x", None]),
            pd.CategoricalIndex(list("abcabcabca")),
            pd.period_range("2024", periods=10, freq="Q"),
            pd.Index(list("abcdefghij"), dtype=object),
        ]
    ),
)
@settings(deadline=None)
def test_any_page_has_its_index(span: tuple[int, int], index: Any) -> None:
    """Of every kind of index a page has its rows, with freq, names and zone."""
    frame = pd.DataFrame({"a": range(10), "b": [f"{i}" for i in range(10)]}, index=index)
    page = part(pandas_serializer, pandas_serializer.serialize(frame), *span, [1])
    expected = frame[["b"]].iloc[span[0] : sum(span)]
    assert_frame_equal(page, expected, check_freq=True)


def test_any_table_in_part() -> None:
    """Every type of Arrow is read in part, with metadata; from Feather also those Parquet lacks."""
    for serializer, tables in (
        (parquet_serializer, plain_tables()),
        (feather_serializer, plain_tables() + feather_tables()),
    ):
        for table in tables:
            data = serializer.serialize(table)
            for offset in range(table.num_rows + 2):
                page = part(serializer, data, offset, 2)
                start = min(offset, table.num_rows)
                expected = table.slice(start, min(2, table.num_rows - start))
                assert page.to_pylist() == expected.to_pylist()
                assert page.schema.names == table.schema.names
                assert page.schema.metadata == table.schema.metadata


def test_chunks_do_not_shift_feather() -> None:
    """However a table is split into chunks, its batches have equal numbers of rows."""
    words = pa.array(["x", "y", "z"]).dictionary_encode()
    pieces: list[Any] = [
        pa.table({"a": range(n), "w": words.take(pa.array([n % 3] * n))}) for n in (1, 7, 2, 5)
    ]
    table = pa.concat_tables(pieces)
    data = feather_serializer.serialize(table)
    for offset in range(16):
        page = part(feather_serializer, data, offset, 4)
        assert page.to_pylist() == table.slice(min(offset, 15), 4).to_pylist()


def test_polars_types_in_part() -> None:
    """Every type of Polars that Arrow knows is read in part."""
    rows = 7
    frame = pl.DataFrame(
        {
            "category": pl.Series([*"abcabc", None], dtype=pl.Categorical),
            "enum": pl.Series([*"abcabc", None], dtype=pl.Enum(["c", "b", "a"])),
            "decimal": pl.Series([1, 2, 3, 4, 5, 6, None], dtype=pl.Decimal(20, 2)),
            "time": pl.Series(range(rows), dtype=pl.Int64).cast(pl.Time),
            "zone": pl.Series(range(rows)).cast(pl.Datetime("ns", "Europe/Berlin")),
            "duration": pl.Series(range(rows)).cast(pl.Duration("ms")),
            "array": pl.Series([[i, i] for i in range(rows)], dtype=pl.Array(pl.Int8, 2)),
            "struct": [{"a": i, "b": [i]} for i in range(rows)],
            "null": [None] * rows,
            "bytes": [bytes([i]) for i in range(rows)],
            "float": pl.Series([0.5, None, float("nan"), 1, 2, 3, 4], dtype=pl.Float32),
        }
    )
    data = polars_serializer.serialize(frame)
    for offset in range(rows + 1):
        for limit in (0, 1, 4):
            page = part(polars_serializer, data, offset, limit)
            assert_polars_equal(page, frame.slice(offset, limit))


@given(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["C", "F"]))
@settings(deadline=None)
def test_any_slice_of_an_array(start: int, length: int, order: Any) -> None:
    """A slice of the first axis is that of the array, in either order."""
    value = np.asarray(np.arange(18.0).reshape(6, 3), order=order)
    file = io.BytesIO(array_serializer.serialize(value))
    stop = min(start + length, 6)
    found = array_serializer.read_slice(file, min(start, stop), stop)
    assert found.tobytes() == value[min(start, stop) : stop].tobytes()
    header = read_header(file)
    assert (header.shape, header.dtype, header.nbytes) == ((6, 3), value.dtype, 144)
    assert header.fortran_order == (order == "F")


def test_read_rows_takes_a_footer_or_reads_it() -> None:
    """Rows can be read from any Parquet file, with its footer at hand or not."""
    table = pa.table({"a": range(10), "b": [{"c": i} for i in range(10)]})
    file = io.BytesIO(parquet_serializer.serialize(table))
    footer = parquet.ParquetReader(file).footer
    for metadata in (None, footer):
        assert read_rows(file, 2, 5, [1], metadata) == table.select(["b"]).slice(2, 5)
        assert read_rows(file, 2, 5, metadata=metadata) == table.slice(2, 5)


def test_names_that_look_alike() -> None:
    """A column "a.b" and the field "b" of a column "a" are told apart, as are equal names."""
    table = pa.Table.from_arrays(
        [
            pa.array([{"b": 1, "c": 2}] * 5),
            pa.array([3] * 5),
            pa.array([4] * 5),
            pa.array([5] * 5),
        ],
        names=["a", "a.b", "d", "d"],
    )
    file = io.BytesIO(parquet_serializer.serialize(table))
    for places in ([0], [1], [1, 0], [2], [3], [3, 1], [0, 1, 2, 3]):
        assert read_rows(file, 1, 3, places) == table.select(places).slice(1, 3)


@pytest.mark.parametrize(
    "serializer", [pandas_serializer, parquet_serializer, feather_serializer, polars_serializer]
)
def test_damage_is_an_error_of_ours(serializer: FrameSerializer[Any]) -> None:
    """A file that was cut or changed gives a page or an error of artigraph's, nothing else."""
    frame = serializer.from_arrow(pa.table({"a": range(20), "b": [f"{i}" for i in range(20)]}))
    data = serializer.serialize(frame)
    for place in range(0, len(data), max(1, len(data) // 100)):
        changed = bytearray(data)
        changed[place] ^= 0x55
        for bad in (data[:place], bytes(changed)):
            try:
                part(serializer, bad, 4, 10)
            except DeserializationError:
                continue
    for bad in (b"", b"PAR1", b"x" * 100):
        with pytest.raises(DeserializationError):
            part(serializer, bad, 0, 1)


def test_foreign_parquet_is_no_pandas_frame() -> None:
    """Parquet without a description points to the serializer for it."""
    data = parquet_serializer.serialize(pa.table({"a": [1]}))
    with pytest.raises(DeserializationError, match=r"did not write them.*parquet_serializer"):
        pandas_serializer.open_reader(io.BytesIO(data))


def test_foreign_arrow_file_has_no_pages() -> None:
    """An Arrow file whose batches may be of any size is read whole, not in part."""
    file = io.BytesIO()
    with pa.ipc.new_file(file, pa.schema([("a", pa.int64())])) as writer:
        writer.write_table(pa.table({"a": [1]}))
    assert feather_serializer.deserialize(file.getvalue()) == pa.table({"a": [1]})
    with pytest.raises(DeserializationError, match="not an Arrow file"):
        feather_serializer.open_reader(file)


def test_columns_are_found_by_label_then_by_text() -> None:
    """A label goes before its text; those that share one come together."""
    labels = [1, "1", ("a", 2), "b", "b", None]
    assert find_columns([1], labels) == [0]
    assert find_columns(["1", "b"], labels) == [1, 3, 4]
    assert find_columns(["('a', 2)"], labels) == [2]
    assert find_columns([None], labels) == [5]
    with pytest.raises(PartError, match=r"no column 'c'. There are '1', "):
        find_columns(["c"], labels)
    with pytest.raises(PartError, match=r"'c0', .* and 80 more\."):
        find_columns(["zzz"], [f"c{i}" for i in range(100)])


def test_own_serializers_can_read_parts() -> None:
    """The contracts are classes to inherit, and artigraph's own do."""
    for frames in (pandas_serializer, polars_serializer, parquet_serializer, feather_serializer):
        assert isinstance(frames, FrameSerializer)
    assert isinstance(array_serializer, SliceSerializer)
