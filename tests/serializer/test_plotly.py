"""Plotly's figures come back equal, with their arrays, dates and NaN."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import decimal
import json
import math
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.express as px
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from plotly.subplots import make_subplots

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.plotly import figure_serializer
from artigraph.testing.serializer import SerializerTests

# Plotly takes ten times as long to make a figure with its default template, and reads it again
# twice; that templates survive is shown by test_figure_survives.
BARE = go.Layout(template="none")


def parts(figure: go.Figure) -> list[Any]:
    return [part.to_plotly_json() for part in (*figure.data, figure.layout, *figure.frames)]


def same(old: Any, new: Any) -> bool:
    """Equal in value, type, dtype and shape, with NaN equal to itself."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, np.ndarray):
        alike = old.dtype == new.dtype and old.shape == new.shape
        return alike and same(old.tolist(), new.tolist())
    if isinstance(old, float) and math.isnan(old):
        return math.isnan(new)
    return bool(old == new)


def there_and_back(figure: go.Figure) -> go.Figure:
    return figure_serializer.deserialize(figure_serializer.serialize(figure))


class TestFigureSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return figure_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        # Without arrays, which plotly's own copy turns into something else.
        frames = [go.Frame(data=[go.Bar(y=[1.5])], name="a", layout={"title": "b"})]
        shape = {"template": "none", "xaxis": {"range": (0, 1)}}
        return [
            go.Figure(),
            go.Figure([go.Bar(y=[1])], BARE, frames),
            go.Figure(go.Heatmap(z=[[1, float("nan")], [2.5, None]], x=["a", "ä"]), BARE),
            go.Figure(go.Scatter(x=[dt.date(2024, 1, 1)], customdata=[[1, "x"], [2, None]]), BARE),
            go.Figure(None, {**shape, "meta": {"a": (1,), "b": dt.date.max}}),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        meta = [object(), 1j, {1: 2}, {1, 2}, 10**5000]
        figures = [go.Figure(layout={"meta": {"a": one}}) for one in meta]
        return [object(), {"data": []}, go.Scatter(), *figures]

    def equal(self, old: Any, new: Any) -> bool:
        return same(parts(old), parts(new))


numbers = (
    hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes(sizes=(16, 32, 64))
)
dtypes = (
    numbers | hnp.datetime64_dtypes() | hnp.boolean_dtypes() | hnp.unicode_string_dtypes(max_len=3)
)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4))


def figures() -> list[go.Figure]:
    bare = go.Figure(go.Bar(y=[1, 2]))
    bare.layout.template = None
    grid = make_subplots(rows=1, cols=2)
    grid.add_trace(go.Scatter(y=np.arange(3), error_y={"array": np.ones(3)}), row=1, col=2)
    return [
        bare,
        grid,
        go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3), x=["a", "b", None])),
        go.Figure(go.Scatter(x=pd.date_range("2024", periods=3), y=[1, float("nan"), 3])),
        go.Figure(go.Scatter(x=pd.Series(["a", "ä", None]), y=np.array([], "i8"))),
        go.Figure(go.Scatter(customdata=pd.DataFrame({"a": [1, 2], "b": ["x", None]}))),
    ]


@pytest.mark.parametrize("figure", figures())
def test_figure_survives(figure: go.Figure) -> None:
    """Figures without template, of subplots, arrays, and pandas' columns come back."""
    data = figure_serializer.serialize(figure)
    back = figure_serializer.deserialize(data)
    assert same(parts(figure), parts(back))
    assert figure_serializer.serialize(back) == data


@given(arrays)
@settings(deadline=None)
def test_array_survives(array: np.ndarray[Any, Any]) -> None:
    """An array comes back with dtype and shape as the figure holds it, and NaN."""
    figure = go.Figure(go.Scatter(y=array, customdata=array), BARE)
    assert same(parts(figure), parts(there_and_back(figure)))


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
    | st.datetimes() | st.datetimes(timezones=st.just(dt.UTC))
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda tree: (
        st.lists(tree, max_size=4)
        | st.tuples(tree, tree)
        | st.dictionaries(st.text(max_size=3), tree, max_size=3)
    ),
    max_leaves=10,
)


@given(trees, st.lists(scalars, max_size=5))
@settings(deadline=None)
def test_values_survive(tree: Any, values: list[Any]) -> None:
    """Nested lists, tuples and dicts come back, with NaN and dates within."""
    array = np.empty(len(values), object)
    array[:] = values
    figure = go.Figure(go.Scatter(y=[1], meta={"a": tree}, customdata=array), BARE)
    back = there_and_back(figure)
    assert same(parts(figure), parts(back))


def test_equal_as_plotly_sees_it() -> None:
    """Plotly's own comparison finds the figures equal, too."""
    figure = go.Figure(go.Scatter(x=np.arange(5), y=np.linspace(0, 1, 5), text=["a"] * 5))
    back = there_and_back(figure)
    assert back == figure
    assert back.to_plotly_json() == figure.to_plotly_json()
    assert back.data[0].x.dtype == np.int64


def test_plotly_opens_the_bytes() -> None:
    """Plotly's own reader opens them, and its JavaScript finds no 64-bit integers."""
    figure = go.Figure(go.Scatter(x=np.array([1, 2**40]), y=np.array([1.5, 2.5])))
    data = figure_serializer.serialize(figure)
    opened = pio.from_json(data.decode())
    assert list(opened.data[0].x) == [1, 2**40]
    assert opened.to_plotly_json()["data"][0]["y"] == figure.to_plotly_json()["data"][0]["y"]
    assert "i8" not in json.loads(data)["data"][0]["x"]


def test_numpy_scalars_survive() -> None:
    """A single number of NumPy keeps its type."""
    figure = go.Figure(layout={"meta": {"a": np.float32(1.5), "b": np.int64(7), "c": np.bool_(1)}})
    assert same(parts(figure), parts(there_and_back(figure)))


def express() -> list[go.Figure]:
    groups = pd.DataFrame({"x": [1, 2], "y": [3, 4], "g": ["a", "b"]})
    return [
        px.scatter(groups, x="x", y="y", facet_col="g"),
        px.choropleth(locations=["DEU"], color=[1.0]),
        px.scatter_map(lat=[52.5], lon=[13.4]),
        px.line(groups, x="x", y="y", animation_frame="g"),
    ]


def without_empty(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(without_empty, value))
    if not isinstance(value, dict):
        return value
    return {key: without_empty(item) for key, item in value.items() if item != {}}


@pytest.mark.parametrize("figure", express())
def test_empty_parts_of_the_layout_mean_nothing(figure: go.Figure) -> None:
    """Figures of Plotly Express come back, but for the empty parts that Plotly itself drops."""
    data = figure_serializer.serialize(figure)
    back = figure_serializer.deserialize(data)
    assert same(without_empty(parts(figure)), without_empty(parts(back)))
    assert figure_serializer.serialize(back) == data


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (decimal.Decimal("1.5"), 1.5),
        (decimal.Decimal("1.10"), 1.1),
        (decimal.Decimal("1e400"), None),
        (decimal.Decimal(10) ** 30, 1e30),
        (dt.datetime(2024, 1, 31, 1, tzinfo=BERLIN), "2024-01-31T01:00:00+01:00"),
        (dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1), "2024-10-27T02:30:00+01:00"),
        (pd.Timestamp("2024-01-31 01:00"), "2024-01-31T01:00:00"),
        (pd.Timestamp("2024-01-31 01:00:00.123456789"), "2024-01-31T01:00:00.123456789"),
        (pd.Timestamp("2024-10-27 00:30", tz="UTC").tz_convert(BERLIN),
         "2024-10-27T02:30:00+02:00"),
        (pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert(BERLIN),
         "2024-10-27T02:30:00+01:00"),
        (pd.Timestamp("2024-01-31", tz="UTC").as_unit("s"), "2024-01-31T00:00:00+00:00"),
        (pd.NaT, None),
        (pd.NA, None),
    ],
)  # fmt: skip
def test_decimals_and_times_survive(value: Any, shown: Any) -> None:
    """They come back with type, zone, unit and digits, and Plotly.js is given what it can draw."""
    array = np.empty(2, object)
    array[:] = [value, value]
    data = figure_serializer.serialize(go.Figure(go.Scatter(x=array, meta={"a": value}), BARE))
    trace = figure_serializer.deserialize(data).data[0]
    for back in (*trace.x, trace.meta["a"]):
        assert type(back) is type(value)
        assert str(back) == str(value)
        assert str(getattr(back, "tzinfo", None)) == str(getattr(value, "tzinfo", None))
        assert getattr(back, "unit", None) == getattr(value, "unit", None)
    assert json.loads(data)["data"][0]["x"] == [shown, shown]


def test_times_of_a_zone_on_axes_survive() -> None:
    """An index with a zone, and a line at a timestamp, come back; the zone is told once."""
    hours = pd.date_range("2024-01-31", periods=500, freq="h", tz="Europe/Berlin")
    figure = go.Figure(go.Scatter(x=hours, y=[1, 2, 3]), BARE)
    figure.add_vline(x=pd.Timestamp("2024-01-31 01:00", tz="Europe/Berlin"))
    data = figure_serializer.serialize(figure)
    back = figure_serializer.deserialize(data)
    assert list(back.data[0].x) == list(hours)
    assert back.layout.shapes[0].x0.tz == hours.tz
    assert data.count(b"Europe/Berlin") < 5


def test_copies_make_equal_bytes() -> None:
    """Whatever the order in which a trace was given its values, its bytes are the same."""
    old = figure_serializer.serialize(go.Figure(go.Scatter(x=[1], y=[2])))
    assert old == figure_serializer.serialize(go.Figure(go.Scatter(y=[2], x=[1])))


def test_default_template_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure comes back the same where another default template is set."""
    figure = go.Figure(go.Bar(y=[1]))
    bare = copy.deepcopy(figure)
    bare.layout.template = None
    stored = [figure_serializer.serialize(one) for one in (figure, bare)]
    monkeypatch.setattr(pio.templates, "default", "plotly_dark")
    for old, data in zip((figure, bare), stored, strict=True):
        assert same(parts(old), parts(figure_serializer.deserialize(data)))


def test_summary_tells_the_traces() -> None:
    """A summary has the kinds of the first traces, and how many there are."""
    assert figure_serializer.summarize(go.Figure([go.Bar()] * 30)) == {
        "kind": "figure",
        "traces": ["bar"] * 20,
        "num_traces": 30,
        "frames": 0,
    }


def test_figures_find_it() -> None:
    """A figure without a named serializer uses this one."""
    assert find_serializer(go.Figure) == figure_serializer


class Own(go.Figure):  # type: ignore[misc]  # plotly has no types
    """A class that would not come back."""


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Own(), r"not a .*Own, which would not come back as one. Use plotly.graph_objects.Figure"),
        (
            go.Figure(layout={"meta": {"a": [1, 2j]}}),
            r"figure\['layout'\]\['meta'\]\['a'\]\[1\] is 2j of type builtins.complex",
        ),
        (
            go.Figure(layout={"meta": {"a": np.zeros(2, "c16")}}),
            r"figure\['layout'\]\['meta'\]\['a'\] is an array of .*complex128.*astype\(float\)",
        ),
        (go.Figure({"data": [{"type": "bar", "odd": 1}]}, skip_invalid=True), None),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str | None) -> None:
    """A refusal names the place, what is there and what to type."""
    if message is None:
        assert there_and_back(value) == value
        return
    with pytest.raises(SerializationError, match=message):
        figure_serializer.serialize(value)


def test_unchecked_figure_is_refused() -> None:
    """What Plotly took unchecked and would not take again is refused."""
    figure = go.Figure(go.Bar(y=[1]))
    figure._validate = False
    figure._data[0]["odd"] = 3
    figure.data[0]._props["odd"] = 3
    with pytest.raises(SerializationError, match="Plotly would not make this figure again"):
        figure_serializer.serialize(figure)


def test_endless_figure_is_refused() -> None:
    """Data that lies too deep for any reader is refused."""
    deep: list[Any] = []
    for _ in range(400):
        deep = [deep]
    figure = go.Figure()
    figure.layout.meta = {"a": 1}
    figure.layout._props["meta"]["a"] = deep
    with pytest.raises(SerializationError, match=r"store it flat|not make this figure"):
        figure_serializer.serialize(figure)


def described(types: Any, value: Any = None) -> bytes:
    """The bytes of a figure whose customdata is said to be of some type."""
    whole = {"in": {"data": {"in": {"0": {"in": {"customdata": types}}}}}}
    figure = {
        "data": [{"type": "bar", "customdata": value}],
        "layout": {},
        "frames": [],
        "artigraph": {"version": 1, "types": whole},
    }
    return json.dumps(figure).encode()


spec = {"dtype": "f8", "bdata": base64.b64encode(bytes(16)).decode()}


@pytest.mark.parametrize(
    "data",
    [
        described({"array": "|O", "shape": [10**12], "items": None}, [1]),
        described({"array": "<f8", "shape": [10**12]}, spec),
        described({"array": "<f8", "shape": [3]}, spec),
        described({"array": "<f8", "shape": [0, 10**30]}, []),
        described({"array": "V9", "shape": [1]}, [1]),
        described({"array": "O", "shape": [2]}, spec),
        described({"array": "<f8", "shape": [2]}, spec | {"dtype": "O"}),
        described({"array": "<f8", "shape": [2]}, spec | {"bdata": "!"}),
        described({"float": "__import__"}, None),
        described({"pickle": "gASVAAAA"}, None),
        described({"datetime": 0}, "yesterday"),
        described({"zone": "/etc/passwd"}, "2024-01-31T00:00:00+01:00"),
        described({"pandas": ["Timestamp", "us", "../etc"]}, "2024-01-31T00:00:00+01:00"),
        described({"pandas": ["path"]}, "/etc/passwd"),
        described({"decimal": "one"}, 1),
        described({"in": {"5": {"tuple": None}}}, [1]),
        described(3, [1]),
        b"[" * 100_000,
        b'{"data":[],"layout":{},"frames":[]}',
        b'{"data":[],"layout":{},"frames":[],"artigraph":{"version":2,"types":null}}',
        b'{"data":[],"layout":{},"odd":[],"artigraph":{"version":1,"types":null}}',
        b'{"data":[{"type":"odd"}],"layout":{},"frames":[],"artigraph":{"version":1,"types":null}}',
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    """Descriptions that say anything else are an error of artigraph's."""
    with pytest.raises(DeserializationError, match="not a figure that 'artigraph-plotly' wrote"):
        figure_serializer.deserialize(data)
