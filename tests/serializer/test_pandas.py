"""Frames come back equal, with dtypes, index and labels, or are refused."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp, pandas as hpd
from pandas.testing import assert_frame_equal

from artigraph.errors import DeserializationError, SerializationError
from artigraph.model.equality import equal_values
from artigraph.serializer.base import Serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.testing.serializer import SerializerTests

DAY = dt.date(2024, 1, 1)
DAYS = pd.date_range("2024-03-30", periods=3)
BERLIN = "Europe/Berlin"


class Sub(pd.DataFrame):
    """A subclass, which would come back as its base."""


def assert_identical(old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Equal in everything that pandas compares, and in what it does not."""
    if not any(isinstance(dtype, np.dtype) and dtype.kind == "O" for dtype in old.dtypes):
        assert_frame_equal(old, new, check_exact=True, check_freq=True, check_flags=True)
    assert equal_values(old, new)
    assert type(old.columns) is type(new.columns)
    assert type(old.index) is type(new.index)
    assert list(map(str, old.columns.names)) == list(map(str, new.columns.names))
    assert list(map(str, old.index.names)) == list(map(str, new.index.names))
    assert old.columns.dtype == new.columns.dtype
    assert old.attrs == new.attrs
    for i in range(old.shape[1]):
        assert old.dtypes.iloc[i] == new.dtypes.iloc[i]
        if isinstance(old.dtypes.iloc[i], np.dtype) and old.dtypes.iloc[i].kind == "O":
            before, after = old.iloc[:, i].to_numpy(), new.iloc[:, i].to_numpy()
            assert list(map(told, before)) == list(map(told, after))


def told(value: Any) -> str:
    """A cell with its types, all the way down; sets in one order."""
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, list | tuple):
        return f"{type(value)} {list(map(told, value))}"
    if isinstance(value, Decimal) and value.is_finite():
        value = value.normalize()  # Arrow gives all of a column one number of digits
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str} {value.shape} {value.tolist()}"
    return f"{type(value)} {value!r} {getattr(value, 'unit', '')}"


def survives(frame: pd.DataFrame) -> pd.DataFrame:
    """Write, read and compare."""
    back = dataframe_serializer.deserialize(dataframe_serializer.serialize(frame))
    assert_identical(frame, back)
    return back


def column(values: Any, dtype: Any = None) -> pd.DataFrame:
    """A frame of one column named 'a'."""
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def objects(*values: Any) -> pd.DataFrame:
    """A frame of one object column named 'a'."""
    return column(list(values), object)


def arrow(values: Any, kind: Any = None) -> pd.DataFrame:
    """A frame of one column that Arrow holds."""
    return pd.DataFrame({"a": pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))})


def arrow_tensor() -> pd.DataFrame:
    """A frame of one column of small arrays that Arrow holds."""
    tensors: Any = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(8.0).reshape(2, 2, 2))
    return pd.DataFrame({"a": pd.Series(pd.arrays.ArrowExtensionArray(tensors))})


def category(values: Any, **kwargs: Any) -> pd.DataFrame:
    """A frame of one categorical column."""
    return pd.DataFrame({"a": pd.Categorical(values, **kwargs)})


def labels(columns: Any) -> pd.DataFrame:
    """A frame with these column labels."""
    return pd.DataFrame(np.eye(len(columns)), columns=columns)


def index(values: Any) -> pd.DataFrame:
    """A frame with this index."""
    return pd.DataFrame({"x": np.arange(float(len(values)))}, index=values)


def days(**kwargs: Any) -> pd.DatetimeIndex:
    """Three days."""
    return pd.date_range("2024-03-30", periods=3, **kwargs)


def with_attrs() -> pd.DataFrame:
    """A frame with attrs."""
    frame = column([1])
    frame.attrs = {"unit": "m", "nested": {"a": [1, None, float("inf")]}}
    return frame


def with_attrs_of_types() -> pd.DataFrame:
    """A frame with attrs that JSON would change."""
    frame = column([1])
    frame.attrs = {"range": (1, 2), 3: DAY, "at": pd.Timestamp("2024"), "from": Path("a"), "$": {1}}
    return frame


def no_duplicates() -> pd.DataFrame:
    """A frame that forbids duplicate labels."""
    return column([1]).set_flags(allows_duplicate_labels=False)


NASTY: dict[str, Callable[[], pd.DataFrame]] = {
    # Shapes
    "empty": lambda: pd.DataFrame(),
    "no columns": lambda: pd.DataFrame(index=range(5)),
    "no columns, index": lambda: pd.DataFrame(index=pd.Index(["a", "b"], name="q")),
    "no rows": lambda: pd.DataFrame({"a": np.array([], "i1"), "b": pd.Series([], dtype=object)}),
    "no rows, named": lambda: column([1]).rename_axis("q").iloc[:0],
    # NumPy
    "small numbers": lambda: pd.DataFrame(
        {kind: np.array([0, 1, 2], kind) for kind in ("i1", "u1", "u8", "f2", "f4", "?")}
    ),
    "floats": lambda: column([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324]),
    "float16 nan": lambda: column(np.array([1, np.nan], "f2")),
    "uint64": lambda: column(np.array([0, 2**64 - 1], "u8")),
    "two blocks in one": lambda: pd.DataFrame(np.arange(12.0).reshape(3, 4)).iloc[::2, ::-1],
    # Time
    "seconds": lambda: column(np.array([0, 1, "NaT"], "M8[s]")),
    "nanoseconds": lambda: column(np.array([-(2**63) + 1, 2**63 - 1], "M8[ns]")),
    "timedelta seconds": lambda: column(np.array([0, 1, "NaT"], "m8[s]")),
    "zone": lambda: column(days(tz=BERLIN)),
    "zone seconds": lambda: column(days(tz=BERLIN).as_unit("s")),
    "fixed zone": lambda: column(days(tz=dt.timezone(dt.timedelta(hours=-3, minutes=-30)))),
    "utc": lambda: column(days(tz="UTC")),
    "repeated hour": lambda: column(
        pd.date_range("2024-10-27", periods=6, freq="h", tz=BERLIN)  # 02:00 comes twice
    ),
    "periods": lambda: column(pd.period_range("2024", periods=3, freq="W-SUN")),
    "intervals": lambda: column(pd.interval_range(0, 3, closed="left")),
    "zone intervals": lambda: column(
        pd.interval_range(pd.Timestamp("2024", tz=BERLIN), periods=3, closed="both")
    ),
    "zone interval categories": lambda: column(
        pd.cut(pd.Series(days(tz=BERLIN)), days(tz=BERLIN), right=False)
    ),
    "timedelta intervals": lambda: column(pd.interval_range(pd.Timedelta(0), periods=3)),
    "float32 intervals": lambda: column(
        pd.arrays.IntervalArray.from_arrays(np.array([0, 1], "f4"), np.array([1, 2], "f4"))
    ),
    "missing intervals": lambda: column(pd.arrays.IntervalArray.from_breaks([0.0, 1, 2]).shift()),
    "day intervals": lambda: column(pd.interval_range(pd.Timestamp("2024"), periods=2)),
    # Text
    "str": lambda: column(["a", None, "", "ä\x00"]),
    "python str": lambda: column(["a", None], pd.StringDtype("python", na_value=np.nan)),
    "string": lambda: column(["a", None], "string"),
    "python string": lambda: column(["a", None], "string[python]"),
    # Nullable
    "nullable": lambda: pd.DataFrame(
        {
            "Int64": pd.array([1, None], "Int64"),
            "UInt8": pd.array([1, None], "UInt8"),
            "boolean": pd.array([True, None], "boolean"),
            "Float32": pd.array([1.5, None], "Float32"),
        }
    ),
    "large Int64": lambda: column([2**63 - 1, None], "Int64"),
    "NaN beside NA": lambda: column(
        pd.arrays.FloatingArray(np.array([1.5, np.nan, 2]), np.array([False, False, True]))
    ),
    # Arrow
    "arrow uuid": lambda: arrow([bytes(16), None], pa.uuid()),
    "arrow tensor": lambda: arrow_tensor(),
    "arrow int": lambda: arrow([1, None]),
    "arrow NaN beside null": lambda: arrow([1.5, None, float("nan")]),
    "arrow string": lambda: arrow(["a", None], pa.string()),
    "arrow seconds": lambda: arrow([1, None], pa.timestamp("s")),
    "arrow zone": lambda: arrow([1, None], pa.timestamp("us", BERLIN)),
    "arrow list": lambda: arrow([[1], None, []]),
    "arrow struct": lambda: arrow([{"a": 1}, None]),
    "arrow map": lambda: arrow([[("a", 1)], None], pa.map_(pa.string(), pa.int8())),
    "arrow decimal": lambda: arrow([Decimal("1.10"), None]),
    "arrow date": lambda: arrow([DAY, None]),
    # Categories
    "ordered": lambda: category(list("abca"), categories=list("zcba"), ordered=True),
    "no rows of categories": lambda: category(list("ab"), categories=list("zba")).iloc[:0],
    "no categories": lambda: category([None, None]),
    "missing categories": lambda: category(["a", None, "b"]),
    "object categories": lambda: column(pd.Categorical(pd.Series(["a", "b"], dtype=object))),
    "int categories": lambda: category([1, 3, None], categories=[9, 3, 2, 1]),
    "range categories": lambda: category([0, 1], categories=pd.RangeIndex(3)),
    "float categories": lambda: category([1.5, -0.5, None]),
    "bool categories": lambda: category([True, False, None]),
    "date categories": lambda: category([DAY, None]),
    "time categories": lambda: category(days(tz=BERLIN)),
    "second categories": lambda: category(days().as_unit("s")),
    "interval categories": lambda: column(pd.cut(pd.Series(range(9)), 3)),
    "period categories": lambda: category(pd.period_range("2024", periods=3)),
    "mixed categories": lambda: category(["a", 1, None]),
    "tuple categories": lambda: category(pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)),
    # Objects
    "object str": lambda: objects("a", "", "ä"),
    "object str None": lambda: objects("a", None),
    "object str nan": lambda: objects("a", np.nan),
    "object str NA": lambda: objects("a", pd.NA),
    "object bytes": lambda: objects(b"\x00", None),
    "object int": lambda: objects(1, 2**62, None),
    "object float": lambda: objects(1.5, None),
    "object bool": lambda: objects(True, None),
    "object date": lambda: objects(DAY, None),
    "object time": lambda: objects(dt.time(1, 2, 3, 4), None),
    "object datetime": lambda: objects(dt.datetime(2024, 1, 1), None),
    "object timedelta": lambda: objects(dt.timedelta(1, 2, 3), pd.NaT),
    "object decimal": lambda: objects(Decimal("1.1"), Decimal("-22.10"), None),
    "object list": lambda: objects([1, 2], [], None),
    "object lists": lambda: objects([[1.5], [None]], [["a"][:0]]),
    "object dict": lambda: objects({"a": 1, "b": ["x"]}, {"a": 2, "b": []}),
    "object None": lambda: objects(None, None),
    "object nan": lambda: objects(np.nan, np.nan),
    "object huge ints": lambda: objects(2**70, -1, None),
    "object mixed": lambda: objects(1, "x", True, 1.5, None, b"x", 1j),
    "object missing": lambda: objects("x", None, np.nan, pd.NA, pd.NaT),
    "object int and float": lambda: objects(1, 1.5),
    "object Decimal NaN": lambda: objects(Decimal("NaN"), Decimal("1.10")),
    "object tuples": lambda: objects((1, 2), (), ("a", (None,))),
    "object sets": lambda: objects({1, "a"}, frozenset([2]), set()),
    "object unlike dicts": lambda: objects({"a": 1}, {"b": [2, None]}, {}, {1: 2}, {"$": "set"}),
    "object empty dicts": lambda: objects({}, {}),
    "object lists with NaN": lambda: objects([0.1, np.nan], [None, 0.2], None),
    "object dicts with NaN": lambda: objects({"auc": np.nan}, {"auc": 0.5}, np.nan),
    "object unlike lists": lambda: objects([1, "x"], [1.5]),
    "object timestamps": lambda: objects(
        pd.Timestamp("2024-01-01 00:00:00.000000001"), pd.Timestamp("2024", tz=BERLIN), None
    ),
    "object timedeltas": lambda: objects(pd.Timedelta(1), pd.Timedelta("1s").as_unit("s")),
    "object spans": lambda: objects(
        pd.Period("2024-01-03", "W-WED"),
        pd.Interval(1, 2),
        pd.Interval(DAYS[0], DAYS[1], closed="both"),
    ),
    "object datetimes of two zones": lambda: objects(
        dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        dt.datetime(2024, 1, 1, tzinfo=ZoneInfo(BERLIN)),
    ),
    "object date and int": lambda: objects(DAY, -(10**6), dt.time(1), dt.timedelta(1)),
    "object names": lambda: objects(UUID(int=7), Path("a/b")),
    "object numpy scalars": lambda: objects(np.int8(1), np.datetime64("2024"), np.str_("x"), None),
    # Arrays
    "arrays": lambda: objects(np.array([0.1, np.nan], "f4"), None, np.array([], "f4")),
    "arrays bool": lambda: objects(np.array([True, False]), np.nan),
    "arrays float16": lambda: objects(np.array([1, np.nan], "f2")),
    "arrays of two dtypes": lambda: objects(np.arange(2), np.arange(2.0), np.array([1], ">i2")),
    "arrays of two axes": lambda: objects(np.ones((2, 3)), np.zeros((0, 2)), np.array(5)),
    "arrays of days": lambda: objects(np.array(["2024", "NaT"], "M8[D]")),
    # Column labels
    "labels range": lambda: labels(pd.RangeIndex(3)),
    "labels range step": lambda: labels(pd.RangeIndex(9, 3, -2, name="q")),
    "labels int": lambda: labels([7, 5]),
    "labels int32": lambda: labels(np.array([7, 5], "i4")),
    "labels float": lambda: labels([1.5, np.nan]),
    "labels bool": lambda: labels([True, False]),
    "labels object": lambda: labels(pd.Index(["a", "b"], dtype=object)),
    "labels mixed": lambda: labels(pd.Index(["a", 1, 2.5, None, ("x", 1)], tupleize_cols=False)),
    "labels None": lambda: labels(["a", None]),
    "labels days": lambda: labels(days()),
    "labels zone": lambda: labels(days(tz=BERLIN)),
    "labels dates": lambda: labels([DAY, dt.date(2025, 1, 1)]),
    "labels category": lambda: labels(pd.CategoricalIndex(["a", "b"], list("cba"), ordered=True)),
    "labels interval": lambda: labels(pd.interval_range(0, 3)),
    "labels period": lambda: labels(pd.period_range("2024", periods=3)),
    "labels timedelta": lambda: labels(pd.timedelta_range("1s", periods=3)),
    "labels twice": lambda: labels(["a", "a", "a.1"]),
    "labels tuples": lambda: labels(
        pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None])
    ),
    "labels one level": lambda: labels(pd.MultiIndex.from_arrays([["a", "b"]], names=["x"])),
    "labels tuples days": lambda: labels(pd.MultiIndex.from_arrays([["a", "b", "c"], days()])),
    "labels named": lambda: labels(pd.Index(["a", "b"], name=("x", 1))),
    "labels like ours": lambda: index(["p"]).rename(columns={"x": "__index_level_0__"}),
    "labels days and text": lambda: labels(pd.Index([*days(), "All"], dtype=object)),
    "labels numpy scalars": lambda: labels(pd.Index([np.int64(1), "a"], dtype=object)),
    # Index
    "index mixed": lambda: index(pd.Index([2023, 2024, "All"], name="year")),
    "index days and text": lambda: index(pd.Index([*days(), "All"], dtype=object)),
    "index dates and text": lambda: index(pd.Index([DAY, "All", None])),
    "index tuples": lambda: index(pd.Index([("a", 1), ("b", 2)], tupleize_cols=False)),
    "index multi mixed": lambda: index(pd.MultiIndex.from_tuples([(1, "a"), ("All", "")])),
    "index range": lambda: index(pd.RangeIndex(9, 3, -2, name="q")),
    "index int": lambda: index(pd.Index([3, 1, 1], name=0)),
    "index tuple name": lambda: index(pd.Index([3, 1], name=("a", 1))),
    "index str": lambda: index(pd.Index(["b", "a"], name="x")),
    "index object": lambda: index(pd.Index(["b", "a"], dtype=object)),
    "index dates": lambda: index(pd.Index([DAY, None])),
    "index Int64": lambda: index(pd.Index(pd.array([1, None], "Int64"))),
    "index bool": lambda: index([True, False]),
    "index float32": lambda: index(pd.Index([1, np.nan], dtype="f4")),
    "index days": lambda: index(days(name="day")),
    "index zone": lambda: index(days(tz=BERLIN)),
    "index month ends": lambda: index(pd.date_range("2024", periods=3, freq="2ME")),
    "index seconds": lambda: index(days().as_unit("s")),
    "index irregular": lambda: index(pd.DatetimeIndex(["2024-01-01", "2024-01-05", None])),
    "index timedelta": lambda: index(pd.timedelta_range("1s", periods=3)),
    "index periods": lambda: index(pd.period_range("2024", periods=3, freq="Q-NOV")),
    "index intervals": lambda: index(pd.interval_range(0, 3)),
    "index category": lambda: index(pd.CategoricalIndex([1, 2, 1], [3, 2, 1], ordered=True)),
    "index multi": lambda: index(
        pd.MultiIndex.from_product([["b", "a"], [2, 1]], names=["x", None])
    ),
    "index multi twice": lambda: index(
        pd.MultiIndex.from_product([["b", "a"], [2, 1]], names=["x", "x"])
    ),
    "index multi missing": lambda: index(
        pd.MultiIndex.from_arrays([["b", None], [1.5, np.nan], [pd.NaT, pd.Timestamp("2024")]])
    ),
    "index multi category": lambda: index(
        pd.MultiIndex.from_product([pd.Categorical(["b", "a"], ["c", "b", "a"]), [2, 1]])
    ),
    "index multi dates": lambda: index(pd.MultiIndex.from_product([[DAY], ["a", "b"]])),
    "index one level": lambda: index(pd.MultiIndex.from_arrays([["a", "b"]])),
    # The rest
    "attrs": with_attrs,
    "attrs of types": with_attrs_of_types,
    "flags": no_duplicates,
}

PAIR: Any = pa.struct([pa.field("xy", pa.list_(pa.float64(), 2), nullable=False)])


def arrow_array(values: list[Any], kind: Any) -> Any:
    """An array of pandas that holds Arrow's values."""
    dtype: Any = pd.ArrowDtype(kind)
    return pd.array(values, dtype=dtype)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a required list of fixed size in a null": (
        lambda: pd.DataFrame({"a": arrow_array([{"xy": [1.0, 2.0]}, None], PAIR)}),
        "column 'a' of type struct.* could not be read again.*Convert it to a dtype",
    ),
    "lists of size 0": (
        lambda: pd.DataFrame({"a": arrow_array([[], []], pa.list_(pa.float32(), 0))}),
        "Column 'a' of dtype .* cannot be written.*cannot read lists of the fixed size 0. Convert",
    ),
    "series": (lambda: pd.Series([1]), r"Series.*Use value.to_frame\(\)"),
    "subclass": (lambda: Sub({"a": [1]}), r"Sub, which would not.*pandas.DataFrame\(value\)"),
    "dict": (lambda: {"a": [1]}, r"builtins.dict.*pandas.DataFrame\(value\)"),
    "own objects": (lambda: objects(object()), r"Column 'a', in row 0, holds .* of type object"),
    "own objects in cells": (
        lambda: objects([1], {"a": (object(),)}),
        r"'a', in row 1, holds <obj",
    ),
    "complex": (lambda: column([1j]), r"'a' of dtype complex128 cannot.*real and imag"),
    "byte order": (lambda: column(np.array([1], ">i4")), r"'a' of .* cannot.*astype\('int32'\)"),
    "sparse": (lambda: column(pd.arrays.SparseArray([1, 0])), r"'a'.*column.sparse.to_dense\(\)"),
    "far seconds": (lambda: column(np.array([2**54], "M8[s]")), r"written as Parquet.*overflow"),
    "surrogate": (lambda: objects("x", "\ud800"), r"Column 'a', in row 1, has a lone surrogate"),
    "surrogate str": (
        lambda: column(["\ud800"], pd.StringDtype("python", na_value=np.nan)),
        r"Column 'a' of dtype str.* lone surrogate.*str.encode\('utf-8', 'replace'\)",
    ),
    "surrogate label": (
        lambda: labels(pd.Index(["\ud800"], dtype=object)),
        r"lone surrogate|labels cannot be stored",
    ),
    "odd label": (lambda: labels([object()]), r"The column labels, in row 0, holds <object"),
    "second offset": (
        lambda: column(days(tz=dt.timezone(dt.timedelta(seconds=1)))),
        r"'a' of dtype .* cannot be stored.*whole number of minutes.*tz_convert\('UTC'\)",
    ),
    "index name": (
        lambda: index(pd.Index([1], name=pd.Timestamp("2024"))),
        r"The index has the name Timestamp.*Use a str or an int",
    ),
    "index freq": (
        lambda: index(pd.date_range("2024", periods=2, freq=pd.DateOffset(days=1, hours=2))),
        r"The index has the freq .* Set its freq to None",
    ),
    "index of objects": (lambda: index(pd.Index(["a", object()])), r"The index, in row 1, holds"),
    "index level": (
        lambda: index(pd.MultiIndex.from_product([["a"], [1, np.nan]])),
        r"The index, level 1, of dtype int64 misses values.*reset_index\(\)",
    ),
    "attrs": (
        lambda: column([1]).assign().pipe(_set_attrs, {"a": [object()]}),
        r"frame\.attrs\['a'\] holds <object.*Use frame.attrs.pop\('a'\)",
    ),
}


def _set_attrs(frame: pd.DataFrame, attrs: dict[Any, Any]) -> pd.DataFrame:
    frame.attrs = attrs
    return frame


CODE = re.compile(r"(?:Use|with) ((?:value|frame|column|pandas)\.\w.*?\))(?=[., ]|$)")


@pytest.mark.parametrize("name", REFUSED)
def test_advice_works(name: str) -> None:
    """What a refusal says to type makes a frame that is kept."""
    value = REFUSED[name][0]()
    with pytest.raises(SerializationError) as caught:
        dataframe_serializer.serialize(value)
    code = CODE.search(str(caught.value))
    if code is None or "..." in code[1]:
        assert re.search(UNTYPED, str(caught.value))
        return
    column = value["a"] if isinstance(value, pd.DataFrame) and "a" in value else None
    found = eval(code[1], {"value": value, "frame": value, "column": column, "pandas": pd})
    if isinstance(found, pd.Series):
        found = value.assign(a=found)
    dataframe_serializer.serialize(found if isinstance(found, pd.DataFrame) else value)


UNTYPED = (
    r"real and imag|frame.rename\(columns|freq to None|a str or an int|text.encode|astype\('str'\)"
)
"""Words of advice that is no expression by itself."""


class TestDataFrameSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return dataframe_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        names = ("empty", "no columns", "nullable", "ordered", "object date", "index days")
        return [NASTY[name]() for name in names]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [make() for make, _ in REFUSED.values()]

    def equal(self, old: Any, new: Any) -> bool:
        assert_identical(old, new)
        return True


@pytest.mark.parametrize("name", NASTY)
def test_nasty_frame_survives(name: str) -> None:
    """Whatever notebooks make of frames comes back as it was."""
    survives(NASTY[name]())


@pytest.mark.parametrize("name", NASTY)
def test_slices_survive(name: str) -> None:
    """No rows, and every second row, of the same frames come back as well."""
    frame = NASTY[name]()
    for part in (frame.iloc[:0], frame.iloc[::2]):
        if isinstance(part.index, pd.MultiIndex):  # levels that no row uses are not kept
            part = part.set_index(part.index.remove_unused_levels())
        survives(part)


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_column_and_fix(name: str) -> None:
    """What would not come back is refused: which column, why, what to type."""
    make, message = REFUSED[name]
    with pytest.raises(SerializationError, match=message):
        dataframe_serializer.serialize(make())


texts = st.text(st.characters(codec="utf-8"), max_size=5)
KINDS = ["?", "i1", "u2", "i8", "f2", "f4", "f8", "M8[ns]", "m8[ns]"]


def frames_of(rows: int) -> st.SearchStrategy[pd.DataFrame]:
    words = st.lists(texts, min_size=rows, max_size=rows).map(lambda one: pd.array(one, "str"))
    columns = st.one_of(*(hnp.arrays(kind, rows) for kind in KINDS), words)
    index = st.one_of(
        hpd.range_indexes(rows, rows),
        *(hpd.indexes(dtype=kind, min_size=rows, max_size=rows) for kind in ("i8", "f8")),
    )
    return st.builds(pd.DataFrame, st.dictionaries(texts, columns, max_size=4), index)


# Made once: Hypothesis' own data_frames() is made for each frame, and reads source code then.
FRAMES = [frames_of(rows) for rows in range(6)]


@given(st.one_of(FRAMES))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_frame_survives(frame: pd.DataFrame) -> None:
    """Frames of any names, plain dtypes and indexes come back bit for bit."""
    survives(frame)


@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=3)
        | st.dates()
        | st.datetimes()
        | st.lists(st.none() | st.integers(0, 3) | st.floats(), max_size=2)
        | st.dictionaries(st.text("$ab", max_size=1) | st.integers(), st.floats(), max_size=2)
        | st.tuples(st.integers() | st.binary())
        | hnp.arrays(st.sampled_from(KINDS), st.integers(0, 2))
        | hnp.from_dtype(np.dtype("f4")),
        min_size=1,
        max_size=4,
    )
)
@settings(deadline=None)
def test_objects_survive_or_are_refused(values: list[Any]) -> None:
    """Plain values, as cells or in an index, come back with their types."""
    frame = objects(*values)
    try:
        data = dataframe_serializer.serialize(frame)
    except SerializationError as error:
        assert "surrogate" in str(error)  # noqa: PT017  # nothing else is refused
        return
    assert_identical(frame, dataframe_serializer.deserialize(data))


@given(
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=2), max_size=6),
    st.booleans(),
)
@settings(deadline=None)
def test_categories_survive(values: list[str | None], ordered: bool) -> None:
    """Categories come back with their order, used or not."""
    known = sorted({value for value in values if value is not None}, reverse=True)
    survives(category(values[1:], categories=known, ordered=ordered))


def test_several_row_groups_survive() -> None:
    """A frame of several row groups comes back whole and in order."""
    rows = 50_000
    frame = pd.DataFrame(
        {
            "number": np.arange(rows),
            "category": pd.Categorical.from_codes(np.arange(rows) % 7, pd.Index(list("gfedcba"))),
            "text": [str(i) for i in range(rows)],
            "object": pd.Series([f"{i}" for i in range(rows)], dtype=object),
            "interval": pd.cut(np.arange(rows), 5),
        },
        index=pd.date_range("2024", periods=rows, freq="min"),
    )
    data = dataframe_serializer.serialize(frame)
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 3
    assert_identical(frame, dataframe_serializer.deserialize(data))


def test_result_can_be_written_to() -> None:
    """No column of what comes back is read-only."""
    frame = pd.concat(
        [NASTY[name]().iloc[:2].set_axis([name], axis=1) for name in ("floats", "zone", "str")],
        axis=1,
    )
    back: Any = survives(
        frame.assign(i=[1, 2], b=[True, False], t=pd.to_datetime(["2024", "2025"]))
    )
    for i in range(back.shape[1]):
        back.iloc[0, i] = back.iloc[1, i]
    assert back.iloc[0].tolist() == back.iloc[1].tolist()


def test_serializing_leaves_the_frame_alone() -> None:
    """Neither attrs, names nor freq of the frame change."""
    frame = with_attrs().set_index(pd.DatetimeIndex(["2024-01-01"], freq="D", name=3))
    before = frame.copy(deep=True)
    survives(frame)
    assert_identical(before, frame)


def test_other_libraries_read_it() -> None:
    """Any reader of Parquet sees values under their names, and the index after them."""
    frame = pd.DataFrame(
        {"a": [1, 2], "c": pd.Categorical(["x", "y"]), "n": pd.Categorical([10, 20])},
        index=pd.Index([5, 6], name="key"),
    )
    data = dataframe_serializer.serialize(frame)
    expected = {"a": [1, 2], "c": ["x", "y"], "n": [10, 20], "key": [5, 6]}
    assert pq.read_table(io.BytesIO(data)).to_pydict() == expected
    assert pl.read_parquet(io.BytesIO(data)).to_dict(as_series=False) == expected


def test_description_is_json_in_the_metadata() -> None:
    """What Parquet cannot say is JSON under one key, with a version."""
    table = pq.read_table(io.BytesIO(dataframe_serializer.serialize(with_attrs())))
    description = json.loads(table.schema.metadata[b"artigraph"])
    assert description["version"] == 1
    assert description["attrs"]["unit"] == "m"
    assert description["columns"] == [["numpy", "int64"]]


ZONED_PATH = "datetime64[ns, dateutil//x]"


def rewritten(frame: pd.DataFrame, **changes: Any) -> bytes:
    """The bytes of a frame with another description."""
    table = pq.read_table(io.BytesIO(dataframe_serializer.serialize(frame)))
    description = json.loads(table.schema.metadata[b"artigraph"]) | changes
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"artigraph": json.dumps(description)}), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "newer artigraph wrote it: pip install --upgrade artigraph"),
        ({"columns": []}, "cannot read"),
        ({"columns": [["numpy", "object"]]}, "cannot read"),
        ({"columns": [["numpy", "float32"]]}, "int64 was stored where 'float32' is described"),
        ({"columns": [["extension", "os.system"]]}, "cannot read"),
        ({"columns": [["pickle", "x"]]}, "cannot read"),
        (
            {"columns": [["extension", "datetime64[ns, dateutil//x]"]]},
            "'dateutil//x' is no time zone",
        ),
        ({"columns": [["extension", f"interval[{ZONED_PATH}, right]"]]}, "is no time zone"),
        ({"columns": [["extension", f"Sparse[{ZONED_PATH}]"]]}, "is no dtype that is written"),
        ({"columns": [["extension", "object"]]}, "'object' is no dtype that is written"),
        ({"columns": [["extension", "category"]]}, "is no dtype that is written"),
        ({"columns": [["extension", "timestamp[ns, tz=dateutil//x][pyarrow]"]]}, "is no dtype"),
        ({"columns": [["texts"]]}, "cannot read"),
        ({"columns": [["arrays", "None", "int64"]]}, "cannot read"),
        ({"plain_attrs": [["a", {"$": "os.system", "v": "x"}]]}, "cannot read"),
        (
            {"plain_attrs": [["a", {"$": "Timestamp", "v": [0, "s", "dateutil//x"]}]]},
            "no time zone",
        ),
        ({"plain_attrs": [["a", {"$": "array", "v": ["|O", [1], "AAAAAAAAAAA="]}]]}, "no dtype of"),
        ({"plain_attrs": [["a", {"$": "array", "v": ["<f8", [10**12], ""]}]]}, "cannot read"),
        ({"columns": [["categorical", {"labels": []}, False, True]]}, "none of the categories"),
        ({"columns": [["categorical", {"labels": []}, False, False]]}, "cannot read"),
        ({"index": {"range": [0, 10**15, 1], "names": [None]}}, "cannot read"),
        ({"index": None}, "cannot read"),
        ({"labels": {"range": [0, 2, 1], "names": [None]}}, "cannot read"),
    ],
)
def test_forged_description_is_refused(changes: dict[str, Any], message: str) -> None:
    """A description that somebody else wrote is an error, and is never run."""
    with pytest.raises(DeserializationError, match=message):
        dataframe_serializer.deserialize(rewritten(column([1, 2]), **changes))


def test_foreign_parquet_is_refused() -> None:
    """Parquet that something else wrote points to the serializer for it."""
    file = io.BytesIO()
    column([1]).to_parquet(file)
    with pytest.raises(DeserializationError, match=r"did not write them.*parquet_serializer"):
        dataframe_serializer.deserialize(file.getvalue())


def test_summary_tells_the_schema() -> None:
    """A summary has rows, columns with dtypes, and row groups."""
    frame = pd.DataFrame({"a": range(50_000), ("b", 1): "x"})
    assert dataframe_serializer.summarize(frame) == {
        "kind": "frame",
        "rows": 50_000,
        "columns": [["a", "int64"], ["('b', 1)", "str"]],
        "num_columns": 2,
        "row_groups": 3,
    }
    wide = dataframe_serializer.summarize(pd.DataFrame(np.zeros((1, 300))))
    assert (wide["num_columns"], len(wide["columns"])) == (300, 200)
