"""What would not come back equal is refused, with its place and a fix, and nothing is written."""

from __future__ import annotations

import asyncio
import datetime as datetime_module
import io
import re
from collections import Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from artigraph import (
    DataModel,
    Node,
    NodeFilter,
    SerializationError,
    new_node,
    read_nodes,
    write_model,
    write_models,
    write_node,
)
from artigraph.serializer.json import json_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage


class Box(DataModel, version=1, name="refused.Box"):
    """Anything."""

    content: Any


class Typed(DataModel, version=1, name="refused.Typed"):
    """Fields of which each is sure of its type."""

    number: int = 0
    at: datetime | None = None
    clock: time | None = None
    path: Path | None = None
    many: list[int] | None = None
    by_name: dict[str, int] | None = None


class Abstract(DataModel):
    """A model without a version."""

    x: int = 1


Pair = namedtuple("Pair", ["a", "b"])  # the old form is met, too


class Color(Enum):
    """An enumeration that no field is annotated with."""

    RED = 1


class Level(IntEnum):
    """Members that are integers."""

    LOW = 1


class Mode(StrEnum):
    """Members that are texts."""

    TEST = "test"


class MyDict(dict[str, int]):
    """A subclass of a builtin."""


class MyInt(int):
    """A subclass of a builtin."""


class MyStr(str):
    """A subclass of a builtin."""

    __slots__ = ()


class MyFloat(float):
    """A subclass of a builtin."""


class MyDate(date):
    """A subclass of a date."""


class MyFrame(pd.DataFrame):
    """A subclass of a frame."""


@dataclass
class Plain:
    """A dataclass that is no model."""

    x: int = 1


class NoOffset(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, when: datetime | None) -> None:
        return None

    def dst(self, when: datetime | None) -> None:
        return None

    def tzname(self, when: datetime | None) -> None:
        return None


def holding_itself() -> list[Any]:
    """A list that holds itself."""
    inner: list[Any] = []
    inner.append(inner)
    return inner


def dict_holding_itself() -> dict[str, Any]:
    """A dict that holds itself, by way of a tuple."""
    inner: dict[str, Any] = {}
    inner["me"] = (inner,)
    return inner


def nested(levels: int) -> Any:
    """A list in a list in a list …."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def objects(*values: Any) -> pd.DataFrame:
    """A frame of one object column."""
    return pd.DataFrame({"column": pd.Series(list(values), dtype=object)})


IN_ANY: dict[str, tuple[Callable[[], Any], str]] = {
    "object": (object, "object"),
    "function": (lambda: nested, "function"),
    "lambda": (lambda: lambda: 1, "function"),
    "class": (lambda: int, "type"),
    "module": (lambda: asyncio, "module"),
    "generator": (lambda: (i for i in range(3)), "generator"),
    "iterator": (lambda: iter([1]), "list_iterator"),
    "range": (lambda: range(3), "range"),
    "complex": (lambda: 1j, "complex"),
    "fraction": (lambda: Fraction(1, 3), "Fraction"),
    "bytearray": (lambda: bytearray(b"a"), "bytearray"),
    "memoryview": (lambda: memoryview(b"a"), "memoryview"),
    "deque": (lambda: deque([1]), "deque"),
    "OrderedDict": (lambda: OrderedDict(a=1), "OrderedDict"),
    "defaultdict": (lambda: defaultdict(int), "defaultdict"),
    "Counter": (lambda: Counter("aa"), "Counter"),
    "UserDict": (lambda: UserDict(a=1), "UserDict"),
    "namedtuple": (lambda: Pair(1, 2), "Pair"),
    "namespace": (lambda: SimpleNamespace(a=1), "SimpleNamespace"),
    "dataclass": (Plain, "Plain"),
    "dict subclass": (MyDict, "MyDict"),
    "int subclass": (lambda: MyInt(1), "MyInt"),
    "str subclass": (lambda: MyStr("a"), "MyStr"),
    "float subclass": (lambda: MyFloat(1), "MyFloat"),
    "date subclass": (lambda: MyDate(2024, 1, 1), "MyDate"),
    "exception": (lambda: ValueError("x"), "ValueError"),
    "file": (io.BytesIO, "BytesIO"),
    "ellipsis": (lambda: ..., "ellipsis"),
    "enum": (lambda: Color.RED, "Color"),
    "int enum": (lambda: Level.LOW, "Level"),
    "str enum": (lambda: Mode.TEST, "Mode"),
    "timestamp": (lambda: pd.Timestamp("2024-01-01"), "Timestamp"),
    "timedelta of pandas": (lambda: pd.Timedelta(1), "Timedelta"),
    "not a time": (lambda: pd.NaT, "NaTType"),
    "not available": (lambda: pd.NA, "NAType"),
    "series": (lambda: pd.Series([1]), "Series"),
    "index": (lambda: pd.Index([1]), "Index"),
    "period": (lambda: pd.Period("2024"), "Period"),
    "dtype": (lambda: np.dtype("f8"), "Float64DType"),
    "structured scalar": (lambda: np.zeros(1, "i4,f8")[0], "void"),
    "skipped time": (
        lambda: datetime(2024, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")),
        "datetime",
    ),
    "time without an offset": (lambda: datetime(2024, 1, 1, tzinfo=NoOffset()), "datetime"),
    "time before all years": (
        lambda: datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        "datetime",
    ),
    "aware time of day": (lambda: time(1, tzinfo=UTC), "time"),
    "path that is no text": (lambda: Path("\udcff"), "Path"),
    "unversioned model": (Abstract, "Abstract"),
}
"""What makes each value, and what the error calls its type."""

PLACES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "alone": (lambda value: value, r"content\b"),
    "in a list": (lambda value: [1, value], r"content\.1\b"),
    "in a dict": (lambda value: {"k": {"j": value}}, r"content\.k\.j\b"),
    "in a tuple": (lambda value: (value,), r"content\.0\b"),
}


async def assert_nothing_written(attempt: Any) -> str:
    """Try to write, and see that it is refused and leaves no row; the error's text."""
    before = await read_nodes(NodeFilter())
    with pytest.raises(SerializationError) as caught:
        await attempt
    assert await read_nodes(NodeFilter()) == [] if not before else True
    assert len(await read_nodes(NodeFilter())) == len(before)
    return str(caught.value)


async def test_what_has_no_plain_form_is_refused(store: str) -> None:
    """Whatever would come back as something else is refused, with model, field, type and a fix."""
    for name, (make, kind) in IN_ANY.items():
        for wrap, path in PLACES.values():
            text = await assert_nothing_written(
                write_model(label="x", model=Box(content=wrap(make())))
            )
            if name != "unversioned model":
                assert re.search(rf"refused\.Box\.{path}", text), text
            assert kind in text, f"{name}: {text}"
            assert re.search(r"Annotate|Convert|Store|Declare|Use |make it a|Leave", text), text


async def test_the_fix_for_what_pandas_makes_is_its_own_method(store: str) -> None:
    """A Timestamp's error names to_pydatetime(), and a Timedelta's to_pytimedelta()."""
    for value, method in (
        (pd.Timestamp(0), "to_pydatetime"),
        (pd.Timedelta(0), "to_pytimedelta"),
    ):
        text = await assert_nothing_written(write_model(label="x", model=Box(value)))
        assert f"value.{method}()" in text


TYPED: dict[str, tuple[Callable[[], Typed], str, str]] = {
    "object for a number": (lambda: Typed(number=object()), "number", "object"),  # type: ignore[arg-type]
    "timestamp": (lambda: Typed(at=pd.Timestamp(0)), "at", "Timestamp"),
    "skipped time": (
        lambda: Typed(at=datetime(2024, 3, 31, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))),
        "at",
        "datetime",
    ),
    "aware time": (lambda: Typed(clock=time(1, tzinfo=UTC)), "clock", "time"),
    "no text": (lambda: Typed(path=Path("\udcff")), "path", "Path"),
    "object in a list": (lambda: Typed(many=[1, object()]), "many", "object"),  # type: ignore[list-item]
    "deque": (lambda: Typed(many=deque([1])), "many", "deque"),  # type: ignore[arg-type]
    "object in a dict": (lambda: Typed(by_name={"k": object()}), "by_name.k", "object"),  # type: ignore[dict-item]
    "defaultdict": (lambda: Typed(by_name=defaultdict(int)), "by_name", "defaultdict"),
}


@pytest.mark.parametrize("name", TYPED)
async def test_what_no_annotation_helps_is_refused(store: str, name: str) -> None:
    """An annotation does not make a value storable that is not; the error names the same."""
    make, path, kind = TYPED[name]
    text = await assert_nothing_written(write_model(label="x", model=make()))
    assert f"refused.Typed.{path}" in text
    assert kind in text
    assert "Nothing was written." in text


@pytest.mark.parametrize(
    "make", [holding_itself, dict_holding_itself, lambda: nested(40), lambda: nested(5000)]
)
@pytest.mark.parametrize("annotated", [False, True])
async def test_endless_values_are_refused(
    store: str, make: Callable[[], Any], annotated: bool
) -> None:
    """A value that holds itself, or is nested too deep for a database, says so."""
    model: DataModel = Typed(many=make()) if annotated else Box(make())
    text = await assert_nothing_written(write_model(label="x", model=model))
    assert "nested deeper" in text
    assert "Does it hold itself?" in text
    assert "many" in text if annotated else "content" in text


async def test_a_model_that_holds_itself_is_refused(store: str) -> None:
    """A model in a list of its own is refused, not written without end."""
    content: list[Any] = []
    box = Box(content)
    content.append(box)
    text = await assert_nothing_written(write_model(label="x", model=box))
    assert "refused.Box cannot be stored" in text
    assert "Does it hold itself?" in text


async def test_what_is_no_model_is_refused(store: str) -> None:
    """A dict, a class and a plain dataclass are no models; the error says what is."""
    for value in ({"x": 1}, Box, Plain(), None, 5):
        text = await assert_nothing_written(write_model(label="x", model=value))
        assert "is no model" in text
        assert "DataModel" in text


BAD_FRAMES: dict[str, Callable[[], Any]] = {
    "mixed objects": lambda: objects(1, object()),
    "objects": lambda: objects(object()),
    "sets": lambda: objects({object()}),
    "complex": lambda: pd.DataFrame({"column": [1j]}),
    "subclass": lambda: MyFrame({"column": [1]}),
    "object array": lambda: np.array([object()]),
    "masked array": lambda: np.ma.masked_array([1], [True]),
    "matrix": lambda: np.array([[1]]).view(np.recarray),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_frames_and_arrays_that_would_change_are_refused(store: str, name: str) -> None:
    """A frame or an array that its serializer cannot give back names model, field and column."""
    value = BAD_FRAMES[name]()
    text = await assert_nothing_written(write_model(label="x", model=Box({"k": [value]})))
    assert "refused.Box.content.k.0 cannot be stored with 'artigraph-" in text
    assert "Nothing was written." in text
    if name in ("mixed objects", "objects", "sets", "complex"):
        assert "'column'" in text


async def test_what_its_serializer_does_not_take_is_refused(store: str) -> None:
    """A field that names a serializer takes what that serializer takes, and nothing else."""

    class Named(DataModel, version=1, name="refused.Named"):
        frame: Annotated[pd.DataFrame, dataframe_serializer] | None = None
        array: Annotated[Any, array_serializer] = field(default_factory=lambda: np.array(0))
        plain: Annotated[Any, json_serializer] = None

    values: dict[str, Any] = {
        "frame": [1],
        "array": pd.DataFrame(),
        "plain": object(),
    }
    for name, value in values.items():
        text = await assert_nothing_written(write_model(label="x", model=Named(**{name: value})))
        assert f"refused.Named.{name} cannot be stored" in text


async def test_a_refused_model_leaves_no_blob(store: str, tmp_path: Path) -> None:
    """Where one field is refused, the frames of the others are not put into their storage."""
    files = FileSystemStorage(tmp_path / "blobs", name="test-refused")

    class Mixed(DataModel, version=1, name="refused.Mixed"):
        frame: Annotated[pd.DataFrame, files]
        nested: Any
        last: Annotated[Any, files]

    frame = pd.DataFrame({"x": [1.0]})
    good = Mixed(frame, Box(frame), [1])
    for bad in (
        Mixed(frame, object(), [1]),
        Mixed(frame, Box(object()), [1]),
        Mixed(frame, Box(objects(1, object())), [1]),
        Mixed(frame, None, [object()]),
        Mixed(frame, None, objects(1, object())),
    ):
        await assert_nothing_written(write_model(label="x", model=bad))
        await assert_nothing_written(write_models(models={"good": good, "bad": bad}))
    many = dict.fromkeys(map(str, range(200)), good)  # enough to be encoded in a thread
    await assert_nothing_written(write_models(models=many | {"bad": bad}))
    assert not list((tmp_path / "blobs").rglob("*")) if (tmp_path / "blobs").exists() else True
    await write_model(label="x", model=good)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]


async def test_a_refused_model_leaves_its_parent_alone(store: str) -> None:
    """Under a parent, too, no row is written, and those that were there stay."""
    parent: Node = await write_node(new_node(node_label="parent"))
    await write_model(parent_id=parent.node_id, label="a", model=Box(1))
    await assert_nothing_written(
        write_models(parent_id=parent.node_id, models={"b": Box(2), "c": Box(object())})
    )
    assert {node.node_label for node in await read_nodes(NodeFilter())} == {"parent", "a"}


class OwnDatetime(datetime):
    """A subclass that would come back as its base."""


class OwnTimedelta(timedelta):
    """A subclass that would come back as its base."""


@pytest.mark.parametrize("value", [OwnDatetime(2024, 1, 2, 3), OwnTimedelta(1, 2, 3)])
async def test_what_converts_a_value_of_a_subclass_is_typed_as_told(store: str, value: Any) -> None:
    """The expression that a refusal names makes an equal value, which is kept."""
    with pytest.raises(SerializationError, match="would come back as a plain") as caught:
        await write_model(label="x", model=Box(value))
    code = str(caught.value).partition("Convert it with ")[2].partition(" first")[0]
    plain = eval(code, {"value": value, "datetime": datetime_module})
    assert plain == value
    await write_model(label="x", model=Box(plain))


async def test_a_missing_time_of_pandas_is_told_to_be_none(store: str) -> None:
    """``NaT`` has no plain datetime."""
    with pytest.raises(SerializationError, match=r"missing time.*Store None instead"):
        await write_model(label="x", model=Box(pd.NaT))
    with pytest.raises(SerializationError, match="DatetimeIndex"):
        await write_model(label="x", model=Box(pd.DatetimeIndex(["2024-01-31", "2024-02-29"])))
