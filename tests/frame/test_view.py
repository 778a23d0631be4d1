"""A view of a stored frame: windows of text, an order, conditions and summaries."""

from __future__ import annotations

import asyncio
import math
import operator as operators
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from pandas.testing import assert_frame_equal

from artigraph.errors import DeserializationError, PartError, SerializationError, StorageError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.memory import store_in_memory
from artigraph.frame.pyarrow import (
    chunks as chunks_module,
    order as order_module,
    summary as summary_module,
)
from artigraph.frame.pyarrow.chunk_cache import ChunkCache
from artigraph.frame.query import Condition, SortKey, read_conditions, read_sort
from artigraph.frame.view import FrameView
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from artigraph.serializer.polars import dataframe_serializer as polars_serializer
from artigraph.serializer.pyarrow import feather_serializer, parquet_serializer
from tests.frame.sources import CountingSource, keep

ROWS = 90_000
GROUP = 20_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Five row groups of ten columns."""
    random = np.random.default_rng(0)
    columns: dict[str, Any] = {f"x{i}": random.standard_normal(ROWS) for i in range(6)}
    columns["step"] = np.arange(ROWS)
    columns["name"] = [f"run {i % 1000}" for i in range(ROWS)]
    columns["kind"] = pd.Categorical.from_codes(
        random.integers(0, 3, ROWS), pd.Index(["low", "mid", "high"]), ordered=True
    )
    columns["gap"] = np.where(random.random(ROWS) < 0.25, np.nan, random.random(ROWS))
    return pd.DataFrame(columns)


@pytest.fixture
async def viewed(frame: pd.DataFrame, tmp_path: Path) -> tuple[FrameView, CountingSource]:
    """A view of the frame, and the source that counts; the footer was read."""
    handle, source = keep(pandas_serializer, frame, tmp_path / "blob")
    view = await FrameView.open(handle)
    source.ranges.clear()
    return view, source


def number(view: FrameView, label: str) -> int:
    """The number of a column."""
    return [column.label for column in view.columns].index(label)


async def shown(view: FrameView, label: str, rows: int = 10) -> tuple[list[str], str]:
    """The first texts of a column, and their marks."""
    cells = await view.cells(view.as_stored, 0, rows, [number(view, label)])
    return cells.texts[0], cells.marks[0]


# --------------------------------------------------------------------- windows


@pytest.mark.parametrize("start", [0, 7, GROUP - 5, 3 * GROUP - 1, ROWS - 3, ROWS, 10**15])
async def test_window_is_the_slice(
    viewed: tuple[FrameView, CountingSource], frame: pd.DataFrame, start: int
) -> None:
    """A window has the rows and columns that were asked for, also across row groups."""
    view, _ = viewed
    columns = [number(view, name) for name in ("name", "step")]
    cells = await view.cells(view.as_stored, start, start + 10, columns)
    rows = frame.iloc[start : start + 10]
    assert cells.texts == [list(rows["name"]), [str(step) for step in rows["step"]]]
    assert cells.numbers == list(rows.index)
    assert cells.marks == ["-" * len(rows)] * 2


async def test_window_reads_its_columns_once(viewed: tuple[FrameView, CountingSource]) -> None:
    """Only the chunks in sight are read, and scrolling within their rows reads nothing."""
    view, source = viewed
    columns = [number(view, "x1"), number(view, "x4")]
    await view.cells(view.as_stored, 2 * GROUP + 10, 2 * GROUP + 60, columns)
    # Two of ten columns in one row group of five.
    assert len(source.ranges) == 2
    assert source.bytes_read < source.size * 0.07
    await view.cells(view.as_stored, 3 * GROUP - 60, 3 * GROUP - 10, columns)
    await view.cells(view.as_stored, 2 * GROUP, 2 * GROUP + 50, columns[:1])
    assert len(source.ranges) == 2


async def test_windows_at_once_share_what_they_read(
    viewed: tuple[FrameView, CountingSource],
) -> None:
    """Two windows of one row group that are asked for at the same time read it once."""
    view, source = viewed
    column = [number(view, "x1")]
    await asyncio.gather(*(view.cells(view.as_stored, i, i + 20, column) for i in range(0, 99, 20)))
    assert len(source.ranges) == 1


async def test_memory_is_bounded(
    viewed: tuple[FrameView, CountingSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked at is forgotten once it takes too much room; what is in sight is right."""
    view, source = viewed
    cache = ChunkCache(400_000)
    monkeypatch.setattr(chunks_module, "chunk_cache", cache)
    column = [number(view, "step")]
    for start in (0, GROUP, 2 * GROUP, 3 * GROUP, 0):
        cells = await view.cells(view.as_stored, start, start + 1, column)
        assert cells.texts == [[str(start)]]
        assert 0 < cache.nbytes <= 400_000
    assert len(source.ranges) == 5


@pytest.mark.parametrize("columns", [[99], [-1], ["x1"], [True], [None]])
async def test_columns_that_are_not_there_are_refused(
    viewed: tuple[FrameView, CountingSource], columns: Any
) -> None:
    """A number that no column has is an error that says how many there are."""
    view, _ = viewed
    with pytest.raises(PartError, match="there are 10 columns"):
        await view.cells(view.as_stored, 0, 5, columns)


async def test_too_many_cells_are_refused(viewed: tuple[FrameView, CountingSource]) -> None:
    """A window of a million cells is refused, and the error says what to use."""
    view, source = viewed
    with pytest.raises(PartError, match=r"200,000 cells.*to_pandas\(\)"):
        await view.values(view.as_stored, 0, ROWS, range(10))
    assert source.ranges == []


# ----------------------------------------------------------------------- texts


async def test_missing_values_are_told_from_texts(tmp_path: Path) -> None:
    """A null has a mark that the text 'null', an empty text and NaN do not have."""
    table = pa.table(
        {
            "text": ["null", None, "", "NaN"],
            "float": pa.array([math.nan, None, math.inf, -0.0]),
            "nothing": pa.nulls(4),
        }
    )
    handle, _ = keep(parquet_serializer, table, tmp_path / "blob")
    view = await FrameView.open(handle)
    assert await shown(view, "text") == (["null", "null", '""', "NaN"], "-0e-")
    assert await shown(view, "float") == (["NaN", "null", "∞", "-0"], "o0o-")
    assert await shown(view, "nothing") == (["null"] * 4, "0000")


async def test_pandas_calls_missing_values_by_its_own_names() -> None:
    """Each dtype of pandas shows the word that pandas has for a missing value."""
    missing = pd.DataFrame(
        {
            "float": [math.nan],
            "Int64": pd.array([None], dtype="Int64"),
            "time": pd.DatetimeIndex(["NaT"]),
            "object": pd.Series([None], dtype=object),
            "str": pd.Series([None], dtype="str"),
            "string": pd.array([None], dtype="string"),
            "period": pd.PeriodIndex(["NaT"], freq="D"),
        }
    )
    view = await FrameView.open(store_in_memory(missing))
    found = {column.label: await shown(view, column.label) for column in view.columns}
    words = ["NaN", "<NA>", "NaT", "None", "NaN", "<NA>", "NaT"]
    assert found == {name: ([word], "0") for name, word in zip(missing.columns, words, strict=True)}


async def test_hidden_characters_are_written_out() -> None:
    """What would hide, reorder or break a line is shown as what it is; values stay exact."""
    hostile = ["a\nb", "\u202eevil", "<img src=x>", "tab\there", "\x00", "é\u200b"]
    view = await FrameView.open(store_in_memory(pd.DataFrame({"t": hostile})))
    texts, marks = await shown(view, "t")
    assert texts == ["a\\nb", "\\u202eevil", "<img src=x>", "tab\\there", "\\x00", "é\\u200b"]
    assert marks == "------"
    assert await view.values(view.as_stored, 0, 6, [0]) == [hostile]


async def test_long_texts_are_cut_and_can_be_had_whole() -> None:
    """A text of a megabyte is cut in its cell and marked; the whole is there to be asked for."""
    long = "x" * 10**6
    view = await FrameView.open(store_in_memory(pl.DataFrame({"t": [long, "short"]})))
    texts, marks = await shown(view, "t")
    assert marks == "c-"
    assert len(texts[0]) == 120
    assert texts[0].endswith("x…")
    assert await view.values(view.as_stored, 0, 2, [0]) == [[long, "short"]]
    assert await view.cell(view.as_stored, 0, 0) == long
    with pytest.raises(PartError, match="no row 2"):
        await view.cell(view.as_stored, 2, 0)


async def test_too_long_texts_are_refused_at_once() -> None:
    """Thirty megabytes of text are not handed out together, but each cell is by itself."""
    view = await FrameView.open(store_in_memory(pa.table({"t": ["x" * 10**7] * 3})))
    with pytest.raises(PartError, match=r"30,000,\d+ bytes.*to_pandas\(\)"):
        await view.values(view.as_stored, 0, 3, [0])
    assert len(await view.cell(view.as_stored, 2, 0) or "") == 10**7


@pytest.mark.parametrize(
    ("value", "short", "mark"),
    [
        (0.1, "0.1", "-"),
        (5.0, "5", "-"),
        (0.123456789012, "0.12346", "c"),
        (1234567.891234, "1234567.89", "c"),
        (1e300, "1e+300", "-"),
        (1.23456789e-10, "1.23457e-10", "c"),
        (123456789012345.0, "123456789012345.00", "-"),
        (-0.00001, "-1e-05", "-"),
    ],
)
async def test_floats_are_short_and_say_if_they_are_rounded(
    value: float, short: str, mark: str
) -> None:
    """A float is shown in few digits, never without its size; a rounded one has a mark."""
    view = await FrameView.open(store_in_memory(pd.DataFrame({"x": [value]})))
    assert await shown(view, "x") == ([short], mark)
    assert await view.values(view.as_stored, 0, 1, [0]) == [[repr(value)]]


async def test_small_floats_are_copied_in_their_own_digits() -> None:
    """A 32-bit float is pasted as the shortest number that gives it back."""
    column = pa.array([0.1, 1 / 3, None], pa.float32())
    view = await FrameView.open(store_in_memory(pa.table({"x": column})))
    assert await view.values(view.as_stored, 0, 3, [0]) == [["0.1", "0.33333334", None]]


async def test_every_kind_of_value_has_a_text() -> None:
    """Times, durations, decimals, bytes, lists and dictionaries are all readable."""
    table = pa.table(
        {
            "naive": pa.array([datetime(2024, 1, 2, 3, 4, 5, 250_000)]),
            "zoned": pa.array(
                [datetime(2024, 7, 1, 12, tzinfo=UTC)],
                pa.timestamp("ns", "Europe/Berlin"),
            ),
            "date": pa.array([date(2024, 1, 2)]),
            "time": pa.array([time(1, 2, 3)]),
            "lasts": pa.array([timedelta(days=-1, seconds=-5)]),
            "decimal": pa.array([Decimal("1.50")]),
            "bytes": pa.array([b"\x00\xff"]),
            "list": pa.array([[1, None, 3]]),
            "long": pa.array([list(range(100))]),
            "struct": pa.array([{"a": 1, "b": "ü"}]),
            "dict": pa.array(["word"]).dictionary_encode(),
            "bool": pa.array([True]),
            "half": pa.array(np.array([1.5], "f2")),
        }
    )
    view = await FrameView.open(store_in_memory(table))
    found = {column.label: (await shown(view, column.label))[0][0] for column in view.columns}
    assert found == {
        "naive": "2024-01-02 03:04:05.25",
        "zoned": "2024-07-01 14:00:00",
        "date": "2024-01-02",
        "time": "01:02:03",
        "lasts": "-1d 00:00:05",
        "decimal": "1.50",
        "bytes": "00 ff",
        "list": "[1, null, 3]",
        "long": "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 88 more]",
        "struct": '{"a": 1, "b": "ü"}',
        "dict": "word",
        "bool": "True",
        "half": "1.5",
    }


@pytest.mark.parametrize(
    ("values", "short", "whole"),
    [
        (pa.array([b"\x00\xff", None]), "00 ff", "00ff"),
        (pa.array([b"ab", None], pa.binary(2)), "61 62", "6162"),
        (pa.array([8589937000.0, None], pa.float32()), "8589936640.00", "8.589937e+09"),
        (pa.array([[1], None]), "[1]", "[1]"),
        (
            pa.array([(1, 2, 3), None], pa.month_day_nano_interval()),
            "MonthDayNano(months=1, days=2, nanoseconds=3)",
            "MonthDayNano(months=1, days=2, nanoseconds=3)",
        ),
        (
            pa.ExtensionArray.from_storage(
                pa.opaque(pa.int64(), "made-up", "here"), pa.array([7, None])
            ),
            "7",
            "7",
        ),
        (
            pa.array([1, None], pa.timestamp("s", "Mars/Base")),
            "1970-01-01 00:00:01Z",
            "1970-01-01 00:00:01Z",
        ),
    ],
    ids=["bytes", "fixed", "float", "list", "interval", "opaque", "zone"],
)
async def test_rare_types_are_shown_and_copied(values: Any, short: str, whole: str) -> None:
    """Rare types, and a zone that this machine lacks, have a text, short and whole."""
    view = await FrameView.open(store_in_memory(pa.table({"x": values})))
    assert await shown(view, "x") == ([short, "null"], "-0")
    assert await view.values(view.as_stored, 0, 2, [0]) == [[whole, None]]


async def test_odd_dtypes_of_pandas_are_shown_by_pandas() -> None:
    """Periods, intervals and categories of them are shown as pandas does; index levels first."""
    intervals: Any = pd.IntervalIndex.from_breaks([0, 1, 2])
    odd = pd.DataFrame(
        {
            "period": pd.period_range("2024-01", periods=2, freq="M"),
            "interval": intervals,
            "codes": pd.Categorical.from_codes([1, 0], intervals),
        },
        index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["letter", None]),
    )
    view = await FrameView.open(store_in_memory(odd))
    assert [(c.label, c.is_index) for c in view.columns] == [
        ("letter", True),
        ("", True),
        ("period", False),
        ("interval", False),
        ("codes", False),
    ]
    cells = await view.cells(view.as_stored, 0, 2, range(5))
    assert cells.texts == [
        ["a", "b"],
        ["1", "2"],
        ["2024-01", "2024-02"],
        ["(0, 1]", "(1, 2]"],
        ["(1, 2]", "(0, 1]"],
    ]


# ---------------------------------------------------------- order and conditions


async def test_sorting_reads_the_key_alone(
    viewed: tuple[FrameView, CountingSource], frame: pd.DataFrame
) -> None:
    """To sort by a column takes one request a row group; a window then reads what it shows."""
    view, source = viewed
    found = await view.arrange([SortKey(number(view, "x2"), descending=True)])
    assert len(source.ranges) == 5
    assert source.bytes_read < source.size * 0.2
    source.ranges.clear()
    cells = await view.cells(found, 0, 8, [number(view, "step"), number(view, "x2")])
    best = frame.sort_values("x2", ascending=False).head(8)
    assert cells.numbers == list(best.index)
    assert cells.texts[0] == [str(step) for step in best["step"]]
    # Two adjacent columns of each row group in which one of the eight lies.
    groups = {row // GROUP for row in best.index}
    assert len(source.ranges) <= 2 * len(groups)


async def test_sort_is_stable_with_missing_values_last(
    viewed: tuple[FrameView, CountingSource], frame: pd.DataFrame
) -> None:
    """Equal keys keep the stored order, either way; missing values come last either way."""
    view, _ = viewed
    for descending in (False, True):
        keys = [SortKey(number(view, "kind"), descending), SortKey(number(view, "gap"))]
        found = await view.arrange(keys)
        expected = frame.sort_values(["kind", "gap"], ascending=[not descending, True])
        names = ["step", "kind", "gap"]  # the step is the row's
        places = [number(view, name) for name in names]
        assert_frame_equal(await view.to_pandas(found, places), expected[names])
    found = await view.arrange([SortKey(number(view, "gap"), descending=True)])
    last = await view.to_pandas(found, [number(view, "gap")], start=ROWS - 5)
    assert last["gap"].isna().all()


CONDITIONS: list[tuple[str, str, str, Callable[[pd.DataFrame], Any]]] = [
    ("step", "lt", "5", lambda f: f.step < 5),
    ("step", "ge", "89,990", lambda f: f.step >= 89_990),
    ("step", "eq", "1.5", lambda f: f.step == 1.5),
    ("step", "gt", "1e30", lambda f: f.step > 1e30),
    ("step", "ne", "3", lambda f: f.step != 3),
    ("step", "contains", "999", lambda f: f.step.astype(str).str.contains("999")),
    ("x1", "gt", "4", lambda f: f.x1 > 4),
    ("name", "contains", "RUN 99", lambda f: f.name.str.contains("run 99")),
    ("name", "eq", "run 7", lambda f: f.name == "run 7"),
    ("kind", "eq", "mid", lambda f: f.kind == "mid"),
    ("gap", "missing", "", lambda f: f.gap.isna()),
    ("gap", "present", "", lambda f: f.gap.notna()),
    ("gap", "ne", "0", lambda f: f.gap.notna()),
]


@pytest.mark.parametrize(("column", "operator", "value", "mask"), CONDITIONS)
async def test_condition_finds_what_pandas_finds(
    viewed: tuple[FrameView, CountingSource],
    frame: pd.DataFrame,
    column: str,
    operator: str,
    value: str,
    mask: Callable[[pd.DataFrame], Any],
) -> None:
    """Each operator shows exactly the rows that meet it, in their stored order."""
    view, _ = viewed
    wanted = frame.rename_axis(columns=None)
    expected = wanted[mask(wanted.assign(name=wanted["name"]))]
    found = await view.arrange(conditions=[Condition(number(view, column), operator, value)])
    assert found.num_rows == len(expected)
    assert list(found.rows) == list(expected.index)


async def test_statistics_leave_row_groups_out(viewed: tuple[FrameView, CountingSource]) -> None:
    """Row groups in which no row can hold are not read, as the footer tells."""
    view, source = viewed
    step = number(view, "step")
    await view.arrange(conditions=[Condition(step, "lt", "30000"), Condition(step, "gt", "25000")])
    assert len(source.ranges) == 1
    source.ranges.clear()
    none = await view.arrange(conditions=[Condition(step, "eq", "-1")])
    assert (none.num_rows, source.ranges) == (0, [])
    assert (await view.cells(none, 0, 10, [step])).texts == [[]]
    assert len(await view.to_pandas(none)) == 0


async def test_order_and_conditions_together(
    viewed: tuple[FrameView, CountingSource], frame: pd.DataFrame
) -> None:
    """Rows that meet all conditions, sorted, with chosen columns, are pandas' own answer."""
    view, _ = viewed
    found = await view.arrange(
        [SortKey(number(view, "name")), SortKey(number(view, "x0"), descending=True)],
        [Condition(number(view, "x1"), "gt", "1"), Condition(number(view, "kind"), "ne", "mid")],
    )
    expected = frame[(frame.x1 > 1) & (frame.kind != "mid")].sort_values(
        ["name", "x0"], ascending=[True, False], kind="stable"
    )
    columns = ["x0", "kind", "name"]
    answer = await view.to_pandas(found, [number(view, name) for name in columns])
    assert_frame_equal(answer, expected[columns])
    part = await view.to_pandas(found, [number(view, "x0")], 10, 20)
    assert_frame_equal(part, expected[["x0"]].iloc[10:20])


@pytest.mark.parametrize(
    ("column", "operator", "value", "message"),
    [
        ("step", "lt", "many", r"'many' is no value to compare 'step' \(int64\) with. Type a numb"),
        ("x0", "gt", "nan", "Type a number"),
        ("x0", "contains", "1", "holds no text but float64. Use one of = ≠"),
        ("step", "eq", "", "Type a number"),
    ],
)
async def test_impossible_conditions_are_refused(
    viewed: tuple[FrameView, CountingSource],
    column: str,
    operator: str,
    value: str,
    message: str,
) -> None:
    """A value that the column cannot have is an error that says what to type."""
    view, source = viewed
    with pytest.raises(PartError, match=message):
        await view.arrange(conditions=[Condition(number(view, column), operator, value)])
    assert source.ranges == []


async def test_times_are_compared_as_they_are_shown() -> None:
    """A time without an offset is meant in the column's zone; dates and durations are known."""
    times = pd.date_range("2024-01-01", periods=48, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame(
        {"t": times, "d": pd.to_timedelta(range(48), unit="min"), "b": [True, False] * 24}
    )
    view = await FrameView.open(store_in_memory(frame))

    async def count(column: int, operator: str, value: str) -> int:
        return (await view.arrange(conditions=[Condition(column, operator, value)])).num_rows

    assert await count(0, "ge", "2024-01-02") == 24
    assert await count(0, "lt", "2024-01-01 02:00") == 2
    assert await count(0, "lt", "2024-01-01T02:00Z") == 3
    assert await count(1, "lt", "10min") == 10
    assert await count(1, "ge", "0.5h") == 18
    assert await count(2, "eq", "true") == 24
    with pytest.raises(PartError, match="such as 90s"):
        await count(1, "lt", "10")
    with pytest.raises(PartError, match="Type it as 2024-01-31"):
        await count(0, "lt", "yesterday")
    with pytest.raises(PartError, match="Type true or false"):
        await count(2, "eq", "perhaps")


@pytest.mark.parametrize(
    "kind",
    [
        pa.float16(),
        pa.decimal32(4, 1),
        pa.decimal64(4, 1),
        pa.decimal128(4, 1),
        pa.decimal256(50, 1),
        pa.dictionary(pa.int8(), pa.float16()),
        pa.opaque(pa.float16(), "made-up", "here"),
    ],
    ids=str,
)
async def test_small_numbers_are_ordered_and_counted(kind: Any) -> None:
    """Numbers of few bytes, or of very many, are sorted, filtered and summarized as others are."""
    values: Any
    if pa.types.is_decimal(kind):
        values = pa.array([Decimal("2.5"), None, Decimal("1.5")], kind)
    else:
        half = pa.array(np.array([2.5, np.nan, 1.5], "f2"), from_pandas=True)
        values = half.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else half
        if isinstance(kind, pa.BaseExtensionType):
            values = pa.ExtensionArray.from_storage(kind, half)
    view = await FrameView.open(store_in_memory(pa.table({"x": values})))
    ordered = await view.arrange([SortKey(0)])
    assert (await view.cells(ordered, 0, 3, [0])).texts == [["1.5", "2.5", "null"]]
    found = await view.arrange((), [Condition(0, "ge", "2")])
    assert (await view.cells(found, 0, 3, [0])).texts == [["2.5"]]
    told = await view.summary(0)
    assert (told.low, told.high, told.missing, sum(told.bars)) == ("1.5", "2.5", 1, 2)


async def test_what_has_no_order_says_so() -> None:
    """Lists are neither sorted nor compared, but may be asked whether they are missing."""
    view = await FrameView.open(store_in_memory(pa.table({"l": [[1], None, [2]]})))
    column = view.columns[0]
    assert (column.can_sort, column.operators) == (False, ["missing", "present"])
    with pytest.raises(PartError, match="cannot be sorted by 'l'"):
        await view.arrange([SortKey(0)])
    with pytest.raises(PartError, match="cannot be compared with a text"):
        await view.arrange(conditions=[Condition(0, "eq", "1")])
    assert (await view.arrange(conditions=[Condition(0, "missing")])).num_rows == 1


async def test_cancelled_sort_stops_reading(
    viewed: tuple[FrameView, CountingSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sort that is cancelled finishes the row group at hand and reads no other."""
    view, source = viewed
    monkeypatch.setattr(order_module, "AT_ONCE", 1)
    seen: list[tuple[int, int]] = []
    task: asyncio.Task[Any]

    def note(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 2:
            task.cancel()

    task = asyncio.ensure_future(view.arrange([SortKey(number(view, "x2"))], progress=note))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [(1, 5), (2, 5)]
    read = len(source.ranges)
    await asyncio.sleep(0.2)
    assert len(source.ranges) == read <= 3


async def test_keys_that_are_too_large_are_refused(
    viewed: tuple[FrameView, CountingSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorting that would take too much memory ends with an error before it takes it."""
    view, source = viewed
    monkeypatch.setattr(order_module, "LARGEST_KEYS", 200_000)
    monkeypatch.setattr(order_module, "AT_ONCE", 1)
    with pytest.raises(PartError, match="Filter first"):
        await view.arrange([SortKey(number(view, "x2"))])
    assert len(source.ranges) < 5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("x", "A list of objects"),
        ([1], "A list of objects"),
        ([{"column": 10}], "no column number 10"),
        ([{"column": True}], "no column number True"),
        ([{"column": 1}, {"column": 1}], "named twice"),
    ],
)
def test_orders_from_a_page_are_checked(given: Any, message: str) -> None:
    """What a page sends as an order is refused unless it is one."""
    with pytest.raises(PartError, match=message):
        read_sort(given, 10)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([{"column": 0, "operator": "drop"}], "no operator 'drop'"),
        ([{"column": 0, "operator": "eq", "value": 1}], "is text of at most"),
        ([{"column": 0, "operator": "eq", "value": "x" * 10_001}], "is text of at most"),
        ([{"operator": "eq", "value": ""}], "no column number None"),
    ],
)
def test_conditions_from_a_page_are_checked(given: Any, message: str) -> None:
    """What a page sends as conditions is refused unless they are some."""
    with pytest.raises(PartError, match=message):
        read_conditions(given, 10)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    numbers=st.lists(st.one_of(st.none(), st.floats(-3, 3), st.just(math.nan)), max_size=60),
    bound=st.floats(-3, 3),
    operator=st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"]),
    descending=st.booleans(),
)
def test_any_order_is_what_python_says(
    numbers: list[float | None], bound: float, operator: str, descending: bool
) -> None:
    """For any numbers, missing ones and NaN, conditions and order agree with Python's own."""

    async def find() -> list[int]:
        table = pa.table({"x": pa.array(numbers, pa.float64())})
        view = await FrameView.open(store_in_memory(table))
        found = await view.arrange([SortKey(0, descending)], [Condition(0, operator, repr(bound))])
        return [int(row) for row in found.rows]

    holds = getattr(operators, operator)
    kept = [(x, row) for row, x in enumerate(numbers) if x is not None and holds(x, bound)]
    plain = [pair for pair in kept if not math.isnan(pair[0])]
    plain.sort(key=lambda pair: -pair[0] if descending else pair[0])
    odd = [pair for pair in kept if math.isnan(pair[0])]
    assert asyncio.run(find()) == [row for _, row in plain + odd]


# -------------------------------------------------------------------- summaries


async def test_footer_tells_extremes_for_nothing(
    viewed: tuple[FrameView, CountingSource], frame: pd.DataFrame
) -> None:
    """Missing values and extremes are those of all rows, from the footer; the picture is a part."""
    view, source = viewed
    found = await view.summary(number(view, "x3"))
    column = frame["x3"]
    assert (found.missing, found.exact) == (0, True)
    assert found.low is not None
    assert float(found.low) == pytest.approx(column.min(), abs=1e-4)
    assert found.rows == ROWS
    assert found.read_rows < ROWS
    # Estimated for all rows, from those that were read.
    assert sum(found.bars) == pytest.approx(ROWS, abs=24)
    true, _ = np.histogram(column, bins=24)
    assert np.abs(np.array(found.bars) - true).max() < ROWS * 0.03
    assert source.bytes_read < 2**20
    whole = await view.summary(number(view, "gap"), whole=True)
    assert whole.missing == frame["gap"].isna().sum()
    assert sum(whole.bars) == frame["gap"].notna().sum()
    names = await view.summary(number(view, "kind"))
    assert names.names[0] in ("low", "mid", "high")
    assert names.distinct == 3


async def test_picture_of_a_running_number_has_no_gaps(
    viewed: tuple[FrameView, CountingSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that lie in order are drawn as they are spread, though few of them are read."""
    view, source = viewed
    monkeypatch.setattr(summary_module, "SAMPLE_BYTES", 1)
    found = await view.summary(number(view, "step"))
    assert len(source.ranges) == 2
    assert found.read_rows < ROWS / 2
    assert np.abs(np.array(found.bars) - ROWS / 24).max() < ROWS / 24 * 0.1


async def test_summary_of_formats_without_statistics(tmp_path: Path) -> None:
    """Feather has no statistics: what is not known of all rows is said to be of those read."""
    rows = 100_000
    table = pa.table({"x": list(range(rows)), "t": ["a", None] * (rows // 2)})
    handle, _ = keep(feather_serializer, table, tmp_path / "blob")
    view = await FrameView.open(handle)
    part = await view.summary(0)
    assert (part.exact, part.missing, part.read_missing) == (False, None, 0)
    whole = await view.summary(0, whole=True)
    assert (whole.exact, whole.low, whole.high) == (True, "0", str(rows - 1))
    assert (await view.summary(1, whole=True)).missing == rows // 2


async def test_a_row_group_without_a_number_has_no_part_in_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row groups of nothing but missing values count as such, and those of all rows are told."""
    monkeypatch.setattr(summary_module, "SAMPLE_BYTES", 1)
    rows = 3 * GROUP
    numbers = np.where(np.arange(rows) < GROUP, np.nan, 2.0)
    handle, _ = keep(pandas_serializer, pd.DataFrame({"x": numbers}), tmp_path / "blob")
    told = await (await FrameView.open(handle)).summary(0)
    assert (told.missing, told.low, told.high, told.exact) == (GROUP, "2", "2", True)
    assert told.read_rows < rows
    assert sum(told.bars) == rows - GROUP


@pytest.mark.parametrize("rows", [2, 3 * GROUP])
async def test_numbers_too_far_apart_have_no_picture(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between numbers whose distance no float holds nothing is counted; their ends are told."""
    monkeypatch.setattr(summary_module, "SAMPLE_BYTES", 1)
    table = pa.table({"x": [-1.7e308, 1.7e308] * (rows // 2)})
    handle, _ = keep(parquet_serializer, table, tmp_path / "blob")
    told = await (await FrameView.open(handle)).summary(0)
    assert (told.low, told.high, told.bars) == ("-1.7e+308", "1.7e+308", [])


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1], pa.timestamp("s", "Mars/Base")),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([], pa.int64()),
        pa.nulls(3),
        pa.array([None, None], pa.float64()),
        pa.array([math.nan, math.inf]),
        pa.array([1, 2**63 - 1]),
        pa.array([[1]]),
        pa.array([b"x"]),
        pa.array([True, None]),
        pa.array(["", None]),
        pa.array([0], pa.date32()),
        pa.array([0], pa.time32("s")),
        pa.array([None, 5], pa.duration("ns")),
    ],
    ids=str,
)
async def test_any_column_has_a_summary(values: Any) -> None:
    """Empty, missing, infinite and nested columns have a summary, too."""
    view = await FrameView.open(store_in_memory(pa.table({"x": values})))
    found = await view.summary(0)
    assert (found.rows, found.missing) == (len(values), values.null_count)
    assert sum(found.bars) <= len(values)


# ----------------------------------------------------------- formats and faults


@pytest.mark.parametrize("kind", ["pandas", "polars", "parquet", "feather"])
async def test_every_format_is_viewed(kind: str, tmp_path: Path) -> None:
    """Frames that pandas, Polars and Arrow wrote are shown, sorted and read alike."""
    rows = 45_000
    data: dict[str, Any] = {
        "n": np.arange(rows)[::-1].copy(),
        "t": [f"t{i % 7}" for i in range(rows)],
    }
    formats: dict[str, tuple[Any, Any]] = {
        "pandas": (pandas_serializer, pd.DataFrame(data)),
        "polars": (polars_serializer, pl.DataFrame(data)),
        "parquet": (parquet_serializer, pa.table(data)),
        "feather": (feather_serializer, pa.table(data)),
    }
    serializer, value = formats[kind]
    handle, _ = keep(serializer, value, tmp_path / "blob")
    view = await FrameView.open(handle)
    found = await view.arrange([SortKey(1), SortKey(0)], [Condition(0, "lt", "100")])
    cells = await view.cells(found, 0, 3, [0, 1])
    expected = pd.DataFrame(data).query("n < 100").sort_values(["t", "n"])
    assert cells.texts == [[str(n) for n in expected.n[:3]], list(expected.t[:3])]
    answer = await view.to_pandas(found)
    assert list(answer["n"]) == list(expected["n"])
    assert list((await view.to_pandas(view.as_stored))["t"]) == data["t"]


async def test_view_of_values_keeps_what_pandas_wrote() -> None:
    """Rows in another order keep dtypes, index and labels, whatever these are."""
    frame = pd.DataFrame(
        {
            ("a", 1): pd.array([3, None, 1], dtype="Int64"),
            ("b", 2): pd.Categorical(["x", "y", "x"]),
        },
        index=pd.date_range("2024", periods=3, freq="D", name="day"),
    )
    view = await FrameView.open(store_in_memory(frame))
    found = await view.arrange([SortKey(1)])
    answer = await view.to_pandas(found)
    assert_frame_equal(answer, frame.iloc[[2, 0, 1]], check_freq=False)
    ranged = pd.DataFrame({"x": [3, 1, 2]}, index=pd.RangeIndex(10, 16, 2, name="r"))
    view = await FrameView.open(store_in_memory(ranged))
    answer = await view.to_pandas(await view.arrange([SortKey(0)]))
    assert_frame_equal(answer, ranged.sort_values("x"))


async def test_no_rows_and_no_columns_are_viewed() -> None:
    """A frame without rows, and one without columns, are shown as such."""
    for empty in (pd.DataFrame({"x": pd.Series([], dtype="float64")}), pd.DataFrame(index=[1, 2])):
        view = await FrameView.open(store_in_memory(empty))
        cells = await view.cells(view.as_stored, 0, 10, range(len(view.columns)))
        assert len(cells.texts) == len(view.columns)
        assert len(await view.to_pandas(view.as_stored)) == len(empty)


async def test_columns_of_one_name_are_told_apart() -> None:
    """Columns that share a name are shown, sorted and summarized each by itself."""
    table = pa.table([pa.array([3, 1, 2]), pa.array(["a", "b", "c"])], names=["same", "same"])
    view = await FrameView.open(store_in_memory(table))
    found = await view.arrange([SortKey(0)])
    assert (await view.cells(found, 0, 3, [1, 0])).texts == [["b", "c", "a"], ["1", "2", "3"]]


async def test_hundreds_of_columns_are_read_by_the_window(tmp_path: Path) -> None:
    """Of a wide frame only the columns in sight are read."""
    wide = pd.DataFrame(np.random.default_rng(0).random((2000, 600)))
    handle, source = keep(pandas_serializer, wide, tmp_path / "blob")
    view = await FrameView.open(handle)
    source.ranges.clear()
    cells = await view.cells(view.as_stored, 100, 120, range(300, 310))
    assert len(cells.texts) == 10
    assert source.bytes_read < source.size / 40


async def test_missing_file_is_told_and_found_again(
    viewed: tuple[FrameView, CountingSource],
) -> None:
    """When the file is gone a window fails with the frame's name; when it is back, it works."""
    view, source = viewed
    away = source.path.with_suffix(".away")
    source.path.rename(away)
    with pytest.raises((StorageError, DeserializationError), match="artifact 'value' of node 7"):
        await view.cells(view.as_stored, 0, 5, [0])
    away.rename(source.path)
    assert len((await view.cells(view.as_stored, 0, 5, [0])).numbers) == 5


async def test_what_is_no_frame_is_refused() -> None:
    """Only frames are viewed, and the error says what to give."""
    for value in (3, "text", pd.Series([1]), np.zeros(3)):
        with pytest.raises(SerializationError, match="A frame was expected"):
            store_in_memory(value)


async def test_type_that_arrow_lacks_is_told() -> None:
    """A frame that cannot be read in parts says so, and what to use."""
    frame = pl.DataFrame({"x": pl.Series([1, 2], dtype=pl.Int128)})
    stored = store_in_memory(frame)
    assert isinstance(stored, StoredFrame)
    with pytest.raises(DeserializationError, match=r"Use load\(\)"):
        await FrameView.open(stored)
