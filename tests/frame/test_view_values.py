"""What a view makes of values of every type: conditions, pictures, and whole texts."""

from __future__ import annotations

import io
import re
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artigraph.errors import PartError
from artigraph.frame.memory import store_in_memory
from artigraph.frame.pyarrow import summary as summary_module
from artigraph.frame.query import Condition, SortKey, operators
from artigraph.frame.view import FrameView
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from artigraph.serializer.pyarrow import parquet_serializer
from tests.frame.sources import keep

# ------------------------------------------------- what is offered, and what is advised

SCALARS: dict[str, Any] = {
    "bool": pa.array([True, False, None]),
    "int8": pa.array([1, 2, None], pa.int8()),
    "uint64": pa.array([2**64 - 1, 2**64 - 2, None], pa.uint64()),
    "float16": pa.array(np.array([1, 2.5, 3], "f2")),
    "float32": pa.array([1.5, 2, None], pa.float32()),
    "decimal": pa.array([Decimal(10**35 + 1), Decimal(10**35), None], pa.decimal128(38, 2)),
    "date": pa.array([date(2024, 1, 31), date(2024, 2, 1), None]),
    "time32": pa.array([time(12, 30), None, time(1)], pa.time32("s")),
    "time64": pa.array([time(12, 30, 0, 250_000), None, time(1)], pa.time64("us")),
    "time_ns": pa.array([1, 2, None], pa.time64("ns")),
    "timestamp": pa.array([2**60, 2**60 + 1, None], pa.timestamp("ns")),
    "zoned": pa.array([2**50, 2**50 + 1, None], pa.timestamp("us", "Europe/Berlin")),
    "duration": pa.array([timedelta(days=1, seconds=90), timedelta(days=-1), None]),
    "duration_ns": pa.array([1, 2, None], pa.duration("ns")),
    "text": pa.array(["a", "b", None]),
    "fixed": pa.array([b"a" * 16, b"b" * 16, None], pa.binary(16)),
    "category": pa.array(["a", "b", None]).dictionary_encode(),
    "null": pa.nulls(3),
    "list": pa.array([[1], None, [2]]),
    "interval": pa.array([(1, 2, 3)] * 3, pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("name", list(SCALARS))
async def test_what_is_offered_works(name: str) -> None:
    """Every operator that a column offers takes what its cells show, and no other is taken."""
    view = await FrameView.open(store_in_memory(pa.table({name: SCALARS[name]})))
    (column,) = view.columns
    exact = ((await view.values(view.as_stored, 0, 1, [0])) or [[None]])[0][0]
    text = (await view.cells(view.as_stored, 0, 1, [0])).texts[0][0] if exact is None else exact
    for operator in operators():
        asked = [Condition(0, operator, text)]
        if operator in column.operators:
            found = await view.arrange(conditions=asked)
            assert found.num_rows >= (operator in ("eq", "ge", "le"))
        else:
            with pytest.raises(PartError):
                await view.arrange(conditions=asked)
    if column.can_sort:
        assert (await view.arrange([SortKey(0)])).num_rows == 3
    await view.summary(0)


@pytest.mark.parametrize("name", list(SCALARS))
async def test_advice_for_a_value_is_followed(name: str) -> None:
    """What an error about a value says to type instead is taken."""
    view = await FrameView.open(store_in_memory(pa.table({name: SCALARS[name]})))
    if "eq" not in view.columns[0].operators or name in ("text", "category"):
        return
    with pytest.raises(PartError) as caught:
        await view.arrange(conditions=[Condition(0, "eq", "@")])
    advice = str(caught.value).partition(" with. ")[2]
    examples = re.findall(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?|\d\d:\d\d(?::\d\d)?", advice)
    examples = examples or re.findall(r"\b\d[\d.e-]*[a-z]*\b(?! hex)|true|false", advice)
    if digits := re.search(r"(\d+) hex", advice):
        examples = ["0" * int(digits[1])]
    assert examples
    for example in examples:
        await view.arrange(conditions=[Condition(0, "lt", example)])


@pytest.mark.parametrize(
    ("operator", "value", "rows"),
    [("lt", "M", ["S"]), ("le", "M", ["S", "M"]), ("gt", "S", ["L", "M"]), ("ge", "L", ["L"]),
     ("eq", "M", ["M"]), ("eq", "XL", [])],
)  # fmt: skip
@pytest.mark.parametrize("library", ["pandas", "polars"])
async def test_order_of_categories_is_theirs(
    library: str, operator: str, value: str, rows: list[str]
) -> None:
    """Smaller and larger follow the order of the categories, as sorting does."""
    sizes, values = ["S", "M", "L"], ["L", "S", "M", None]
    frame: Any = pd.DataFrame({"size": pd.Categorical(values, sizes, ordered=True)})
    if library == "polars":
        frame = pl.DataFrame({"size": pl.Series(values, dtype=pl.Enum(sizes))})
    view = await FrameView.open(store_in_memory(frame))
    found = await view.arrange(conditions=[Condition(0, operator, value)])
    assert (await view.cells(found, 0, 9, [0])).texts == [rows]
    ordered = await view.arrange([SortKey(0)])
    assert (await view.cells(ordered, 0, 3, [0])).texts == [sizes]
    told = await view.summary(0)
    assert (told.low, told.high) == ("S", "L")
    with pytest.raises(PartError, match=r"'XL' is none of the categories.* or use = or ≠"):
        await view.arrange(conditions=[Condition(0, "lt", "XL")])


@pytest.mark.parametrize("value", ["1.5", "99999999999999999999"])
async def test_numbers_that_are_no_category_are_refused(value: str) -> None:
    """One between two categories, or beyond what their type holds, is not taken for one."""
    frame = pd.DataFrame({"size": pd.Categorical([3, 1, 2], [3, 1, 2], ordered=True)})
    view = await FrameView.open(store_in_memory(frame))
    with pytest.raises(PartError, match=f"'{value}' is none of the categories"):
        await view.arrange(conditions=[Condition(0, "lt", value)])
    found = await view.arrange(conditions=[Condition(0, "lt", "2")])
    assert (await view.cells(found, 0, 9, [0])).texts == [["3", "1"]]


async def test_order_of_number_categories_is_theirs() -> None:
    """Categories that are numbers have the order that they were given, whatever a footer tells."""
    frame = pd.DataFrame({"n": pd.Categorical([1, 2, 3, 1], [3, 1, 2], ordered=True)})
    view = await FrameView.open(store_in_memory(frame))
    found = await view.arrange(conditions=[Condition(0, "gt", "3")])
    assert (await view.cells(found, 0, 9, [0])).texts == [["1", "2", "1"]]
    told = await view.summary(0)
    assert (told.low, told.high, told.bars, told.names) == ("3", "2", [2, 1, 1], ["1", "2", "3"])


@pytest.mark.parametrize(
    ("values", "places"),
    [
        (pd.to_datetime(["2024-01-31"] * 4), [12]),
        (2**60 + np.arange(4), [0, 8, 16, 23]),
        (np.array([2**64 - 4, 2**64 - 1], "u8"), [0, 23]),
        (np.array([-(2**63), 2**63 - 1]), [0, 23]),
        ([1e17] * 4, [12]),
        ([0.0, 5e-324], [0, 23]),
        ([Decimal(10**30), Decimal(10**30 + 1)], [0, 23]),
        (np.array([1, 2], "f2"), [0, 23]),
    ],
)
async def test_picture_of_values_that_lie_close(values: Any, places: list[int]) -> None:
    """Values are told apart as exactly as they are, and equal ones stand in the middle."""
    view = await FrameView.open(store_in_memory(pa.table({"x": pa.array(values)})))
    bars = (await view.summary(0)).bars
    assert [place for place, bar in enumerate(bars) if bar] == places
    assert sum(bars) == len(values)


async def test_picture_of_parts_that_hold_one_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row groups that hold one large value each are spread like any others."""
    monkeypatch.setattr(summary_module, "SAMPLE_BYTES", 1)
    values = np.repeat(2**60 + np.arange(8), 5)
    data = io.BytesIO()
    pq.write_table(pa.table({"x": pa.array(values)}), data, row_group_size=5)
    table = pa.table({"x": pa.array(values)})
    handle, _ = keep(parquet_serializer, table, tmp_path / "x", change=lambda _: data.getvalue())
    view = await FrameView.open(handle)
    told = await view.summary(0)
    assert told.read_rows < told.rows == sum(told.bars)


async def test_bytes_are_had_whole_as_hex() -> None:
    """Bytes are looked at with spaces, and copied and opened without."""
    view = await FrameView.open(store_in_memory(pa.table({"b": [b"\x00\xffA"]})))
    assert (await view.cells(view.as_stored, 0, 1, [0])).texts == [["00 ff 41"]]
    assert await view.values(view.as_stored, 0, 1, [0]) == [["00ff41"]]
    assert await view.cell(view.as_stored, 0, 0) == "00ff41"


async def test_times_that_lie_between_cells_are_compared() -> None:
    """Durations may be typed as cells show them, as Python and pandas write them, or in units."""
    table = pa.table({"d": pa.array([timedelta(days=1, seconds=90), timedelta(seconds=-90)])})
    view = await FrameView.open(store_in_memory(table))
    for text in ("1d 00:01:30", "1 day, 0:01:30", "1 days 00:01:30", "86490s", "86490.0s"):
        assert (await view.arrange(conditions=[Condition(0, "eq", text)])).num_rows == 1
    for text in ("-00:01:30", "-1 day, 23:58:30", "-1 days +23:58:30", "-90s", "-1.5min"):
        assert (await view.arrange(conditions=[Condition(0, "eq", text)])).num_rows == 1


class _Counted:
    """A schema that counts how often its types, which cost its width, are asked for."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema, self.asked = schema, 0

    def __getattr__(self, name: str) -> Any:
        self.asked += name in ("types", "names")
        return getattr(self._schema, name)


@pytest.mark.parametrize("width", [3, 30])
def test_wide_frames_are_described_in_one_go(width: int) -> None:
    """What takes time by the number of columns is done once, and not for each column."""
    frame = pd.DataFrame(np.zeros((2, width))).rename(columns=str)
    reader: Any = pandas_serializer.open_reader(io.BytesIO(pandas_serializer.serialize(frame)))
    counted = reader._parquet.schema = _Counted(reader._parquet.schema)
    assert len(reader.arrow_columns()) == width
    assert counted.asked <= 1
