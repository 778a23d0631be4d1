"""Sorting in small steps: the order of one call of Arrow's, and an end at any moment."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from artigraph.frame.memory import store_in_memory
from artigraph.frame.pyarrow import order as order_module, sort as sort_module
from artigraph.frame.query import Condition, SortKey
from artigraph.frame.view import FrameView
from artigraph.serializer.pandas import dataframe_serializer as pandas_serializer
from tests.frame.sources import keep

ROWS = 4000
STEP = 64


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sort_module, "STEP", STEP)
    monkeypatch.setattr(sort_module, "SPLITTERS", 7)


def _keys() -> dict[str, Any]:
    """Columns of every type that rows can be sorted by, with missing values, NaN and ties."""
    random = np.random.default_rng(0)
    whole = random.integers(-ROWS, ROWS, ROWS)
    few = random.integers(0, 3, ROWS)
    floats = random.standard_normal(ROWS)
    floats[random.random(ROWS) < 0.2] = np.nan
    floats[random.random(ROWS) < 0.1] = -0.0
    floats[random.random(ROWS) < 0.1] = 0.0
    floats[:2] = np.inf, -np.inf
    texts: Any = pa.array(["", "Z", "a", "é", "\uffff", "\U0001f600", "ab", "run 10", "run 9"])
    missing = random.random(ROWS) < 0.3
    return {
        "float": pa.array(floats, mask=missing),
        "small float": pa.array(floats.astype("f4")),
        "half": pa.array(floats.astype("f2")),
        "whole": pa.array(whole, mask=missing),
        "unsigned": pa.array(2**64 - 1 - whole.astype("u8") % 9),
        "few": pa.array(few, pa.int8()),
        "bool": pa.array(few > 0, mask=missing),
        "text": texts.take(pa.array(whole % len(texts), mask=missing)),
        "long text": pc.cast(pa.array(whole), pa.large_string()),
        "category": texts.take(pa.array(few)).dictionary_encode(),
        "decimal": pa.array(whole).cast(pa.decimal128(38, 2)),
        "bytes": pa.array([bytes([n % 251]) * 3 for n in whole.tolist()]),
        "fixed": pa.array([bytes([n % 251]) * 3 for n in whole.tolist()], pa.binary(3)),
        "zoned": pa.array(whole).cast(pa.timestamp("ns", "Europe/Berlin")),
        "date": pa.array(whole.astype("i4")).cast(pa.date32()),
        "time": pa.array(abs(whole)).cast(pa.time64("ns")),
        "lasts": pa.array(whole).cast(pa.duration("us")),
        "same": pa.array(np.full(ROWS, 7)),
        "never": pa.nulls(ROWS, pa.float64()),
        "ascending": pa.array(np.arange(ROWS)),
        "descending": pa.array(-np.arange(ROWS)),
    }


KEYS = _keys()


def _expected(keys: list[tuple[str, bool]]) -> list[int]:
    """The order that one call of Arrow's gives."""
    columns = {name: KEYS[name] for name, _ in keys}
    for name, column in columns.items():
        if pa.types.is_dictionary(column.type):
            columns[name] = column.cast(column.type.value_type)
        elif pa.types.is_float16(column.type):
            columns[name] = column.cast(pa.float32())
    order: Any = [(name, "descending" if down else "ascending") for name, down in keys]
    rows: Any = pc.sort_indices(pa.table(columns), order).to_pylist()
    return list(rows)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("name", list(KEYS))
@pytest.mark.parametrize("descending", [False, True])
async def test_order_in_steps_is_that_of_one_call(name: str, descending: bool) -> None:
    """Each type comes in the order of its values, NaN and missing ones last, ties as stored."""
    view = await FrameView.open(store_in_memory(pa.table(KEYS)))
    found = await view.arrange([SortKey(list(KEYS).index(name), descending)])
    assert list(found.rows) == _expected([(name, descending)])


@pytest.mark.usefixtures("_small_steps")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(KEYS)), st.booleans()), min_size=2, max_size=4,
                unique_by=lambda key: key[0]))  # fmt: skip
def test_order_by_several_keys_is_that_of_one_call(keys: list[tuple[str, bool]]) -> None:
    """Rows that are equal by one key are in the order of the next one, of whatever types."""

    async def rows() -> list[int]:
        view = await FrameView.open(store_in_memory(pa.table(KEYS)))
        asked = [SortKey(list(KEYS).index(name), down) for name, down in keys]
        return list((await view.arrange(asked)).rows)

    assert asyncio.run(rows()) == _expected(keys)


@pytest.mark.usefixtures("_small_steps")
async def test_order_of_categories_is_theirs_in_steps() -> None:
    """Categories with an order of their own keep it, among many rows too."""
    codes = np.random.default_rng(0).integers(-1, 3, ROWS)
    kinds = pd.Categorical.from_codes(codes, pd.Index(["low", "mid", "high"]), ordered=True)
    frame = pd.DataFrame({"kind": kinds})
    view = await FrameView.open(store_in_memory(frame))
    for ascending in (True, False):
        found = await view.arrange([SortKey(0, not ascending)])
        expected = frame.sort_values("kind", ascending=ascending, kind="stable")
        assert list(found.rows) == list(expected.index)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("name", ["float", "whole", "same", "long text", "ascending"])
async def test_no_step_sorts_many_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No call that nobody can end is given more than a few steps' rows."""
    sizes: list[int] = []
    whole_call = pc.sort_indices

    def counted(values: Any, *args: Any, **options: Any) -> Any:
        sizes.append(len(values))
        return whole_call(values, *args, **options)

    monkeypatch.setattr(pc, "sort_indices", counted)
    view = await FrameView.open(store_in_memory(pa.table(KEYS)))
    await view.arrange([SortKey(list(KEYS).index(name))])
    # The values by which rows are dealt out are chosen from a sample.
    sample = sort_module.SAMPLED * (sort_module.SPLITTERS + 1) + ROWS // STEP
    assert max(sizes) <= max(STEP, sample)


async def test_unusual_columns_are_sorted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column whose sample tells little, or nothing, is sorted rightly: at once if need be."""
    monkeypatch.setattr(sort_module, "STEP", 64)
    monkeypatch.setattr(sort_module, "SPLITTERS", 1)
    monkeypatch.setattr(sort_module, "SAMPLED", 0)
    rare: list[float | None] = [None] * 640
    rare[1::64] = [math.nan] * 10
    rare[2::64] = list(range(10, 0, -1))
    skewed = [0, *range(1000, 1638), 1]
    table = pa.table({"rare": pa.array(rare, pa.float64()), "skewed": skewed})
    view = await FrameView.open(store_in_memory(table))
    for column, name in enumerate(table.column_names):
        found = await view.arrange([SortKey(column)])
        assert list(found.rows) == pc.sort_indices(table, [(name, "ascending")]).to_pylist()


@pytest.mark.usefixtures("_small_steps")
async def test_sort_ends_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sort that is cancelled finishes the steps at hand, and begins no other."""
    view = await FrameView.open(store_in_memory(pa.table(KEYS)))
    steps = 0
    loop, step = asyncio.get_running_loop(), sort_module._sort
    task: asyncio.Task[Any]

    def counted(*args: Any) -> Any:
        nonlocal steps
        steps += 1
        loop.call_soon_threadsafe(task.cancel)
        return step(*args)

    monkeypatch.setattr(sort_module, "_sort", counted)
    task = asyncio.ensure_future(view.arrange([SortKey(list(KEYS).index("whole"))]))
    with pytest.raises(asyncio.CancelledError):
        await task
    begun = steps
    await asyncio.sleep(0.1)
    assert steps == begun <= 2 * sort_module.AT_ONCE


async def test_order_is_kept_for_further_pages(tmp_path: Path) -> None:
    """Only the first page of an order reads its key; the next reads the cells that it shows."""
    random = np.random.default_rng(0)
    columns = {f"x{i}": random.standard_normal(60_000) for i in range(5)}
    handle, source = keep(pandas_serializer, pd.DataFrame(columns), tmp_path / "blob")
    view = await FrameView.open(handle)
    source.ranges.clear()
    found = await view.arrange([SortKey(1)])
    groups = len(source.ranges)
    # One column of five, each row group once.
    assert source.bytes_read < source.size / 4
    for start in (0, 20, 40):
        source.ranges.clear()
        cells = await view.cells(found, start, start + 20, [1])
        assert cells.numbers == list(np.argsort(columns["x1"], kind="stable")[start : start + 20])
        assert len(source.ranges) <= groups


# -------------------------------------------------------- the first of what is found


async def test_first_rows_that_are_found_are_told_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first rows are told while others are looked for, always as the whole begins."""
    monkeypatch.setattr(order_module, "AT_ONCE", 1)  # else the first group may come last
    frame = pd.DataFrame({"n": np.arange(200_000)})
    handle, _ = keep(pandas_serializer, frame, tmp_path / "blob")
    view = await FrameView.open(handle)
    seen: list[Any] = []
    asked = [Condition(0, "contains", "77")]
    whole = await view.arrange((), asked, early=seen.append)
    assert whole.complete
    assert len(seen) >= 2
    assert len(seen[0].rows) < whole.num_rows
    for early in seen:
        assert not early.complete
        assert early.num_rows == len(early.rows)
        assert list(early.rows) == list(whole.rows[: early.num_rows])
    # Of rows that are sorted the first are known when all are.
    seen.clear()
    await view.arrange([SortKey(0, descending=True)], asked, early=seen.append)
    assert seen == []
