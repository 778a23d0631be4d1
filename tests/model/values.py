"""Random annotations with values that match them, and what it is to come back the same."""

from __future__ import annotations

import math
from collections.abc import (
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
    Set,
)
from dataclasses import field, fields
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum, IntFlag, StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Any, Final, Literal, NamedTuple, NewType, Optional, TypeVar, Union
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import Phase, given, seed as fixed_seed, settings, strategies as st
from hypothesis.extra import numpy as hnp
from pandas.testing import assert_frame_equal

from artigraph import DataModel
from artigraph.serializer.datetime import datetime_serializer, timedelta_serializer
from artigraph.serializer.json import json_serializer, json_sorted_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.serializer.pyarrow import feather_serializer
from artigraph.storage.file import temp_file_storage

T = TypeVar("T")

Kind = NewType("Kind", str)


class Color(Enum):
    """A plain enumeration, with an alias and values that JSON does not hold."""

    RED = 1
    GREEN = (2, 3)
    BLUE = object()
    CRIMSON = 1


class Level(IntEnum):
    """Members that are integers."""

    LOW = 1
    HIGH = 2


class Mode(StrEnum):
    """Members that are texts."""

    TRAIN = "train"
    TEST = "test"


class Word(str, Enum):  # noqa: UP042  # that is the point
    """Members that are texts in the old way, whose str() is not their text."""

    YES = "yes"
    NO = "no"


class Access(Flag):
    """Flags, one of them beyond 64 bits."""

    READ = 1
    WRITE = 2
    FAR = 1 << 70


class Bits(IntFlag):
    """Flags that are integers and keep unknown bits."""

    A = 1
    B = 2


class Leaf(DataModel, version=1, name="values.Leaf"):
    """A nested model that can be hashed."""

    x: int
    when: datetime | None = None
    color: Color = Color.RED


class Tree(DataModel, version=3, name="values.Tree"):
    """A model that holds others in every way."""

    name: str
    one: Leaf | None = None
    many: list[Tree] = field(default_factory=list)
    by_key: dict[str, Leaf] = field(default_factory=dict)
    anything: Any = None


# ------------------------------------------------------------------ sameness


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types all the way down.

    NaN is NaN, -0.0 is not 0.0, and the order of a dict does not matter.
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, float | np.floating):
        return _same_float(one, other)
    if isinstance(one, np.generic):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    if isinstance(one, np.ndarray):
        # .npy keeps the bytes, those of a NaN too.
        return bool(
            one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, pd.DataFrame):
        assert_frame_equal(one, other, check_exact=True, check_freq=True)
        return True
    if isinstance(one, datetime):
        return _same_datetime(one, other)
    if isinstance(one, Decimal):
        return bool(one.as_tuple() == other.as_tuple())
    if isinstance(one, Enum):
        return one is other
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return _same_items(list(one.items()), list(other.items()))
    if isinstance(one, set | frozenset):
        return _same_items(list(one), list(other))
    if isinstance(one, DataModel):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, NaN too, whatever the types of their numbers and texts."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return same(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return _same_items(list(one.items()), list(other.items()), alike)
    if isinstance(one, set | frozenset) and isinstance(other, set | frozenset):
        return _same_items(list(one), list(other), alike)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, int | float | np.number | np.bool_ | str | Enum):
        return bool(one == other) or (one != one and other != other)
    if isinstance(one, DataModel):
        return same(one, other)
    return same(one, other)


def _same_float(one: Any, other: Any) -> bool:
    if one != one or other != other:
        return bool(one != one and other != other)
    return bool(one == other) and math.copysign(1, one) == math.copysign(1, other)


def _same_datetime(one: datetime, other: datetime) -> bool:
    if one != other or one.utcoffset() != other.utcoffset():
        return False
    if one.tzinfo is None:
        return other.tzinfo is None and one.fold == other.fold
    if isinstance(one.tzinfo, ZoneInfo):
        return one.tzinfo is other.tzinfo
    return type(one.tzinfo) is type(other.tzinfo) and one.tzinfo == other.tzinfo


def _same_items(one: list[Any], other: list[Any], compare: Any = same) -> bool:
    rest = list(other)
    for item in one:
        match = next((i for i, found in enumerate(rest) if compare(item, found)), None)
        if match is None:
            return False
        del rest[match]
    return not rest


# ------------------------------------------------------------- single values

NASTY_TEXTS = ["", "$", "v", "$ref", "a\x00b", "\ud800", "\udcff\x00", "😀", "e\u0301", "a ", "1"]
TEXTS = st.one_of(st.text(st.characters(), max_size=12), st.sampled_from(NASTY_TEXTS))
INTS = st.one_of(
    st.integers(),
    st.sampled_from(
        [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**4000]
    ),
)
FLOATS = st.one_of(
    st.floats(),
    st.sampled_from(
        [
            0.0,
            -0.0,
            1.0,
            1e15,
            1e16,
            1e17,
            -1e22,
            1e300,
            1.7976931348623157e308,
            5e-324,
            0.1,
            math.nan,
            math.inf,
            -math.inf,
        ]
    ),
)
ZONES = st.one_of(
    st.just(UTC),
    st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
    ).map(ZoneInfo),
    st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59)).map(timezone),
)
EARLY, LATE = datetime(2, 1, 1), datetime(9998, 1, 1)  # bounds are naive
DATETIMES = st.one_of(
    st.datetimes(),
    st.builds(datetime.replace, st.datetimes(), fold=st.sampled_from([0, 1])),
    st.datetimes(EARLY, LATE, timezones=ZONES, allow_imaginary=False),
    st.sampled_from(
        [
            datetime(2024, 10, 27, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
            datetime(2024, 10, 27, 2, 30, fold=0, tzinfo=ZoneInfo("Europe/Berlin")),
        ]
    ),
)
ASCII = st.text("abc ./$é", max_size=8)
SCALAR_TYPES = ["?", "i1", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
SCALAR_TYPES += ["M8[ns]", "M8[D]", "m8[us]", "U3", "S3"]


def numpy_scalars(dtype: str) -> st.SearchStrategy[Any]:
    """Scalars of one dtype."""
    kind = np.dtype(dtype)
    return hnp.from_dtype(kind).map(kind.type) if kind.kind in "US" else hnp.from_dtype(kind)


NUMPY = st.one_of(
    *map(numpy_scalars, SCALAR_TYPES),
    st.sampled_from([np.str_("a\x00"), np.str_(""), np.str_("\ud800"), np.bytes_(b"a\x00")]),
    st.sampled_from([np.datetime64("NaT"), np.timedelta64("NaT"), np.float64("nan")]),
)
ARRAYS = hnp.arrays(
    st.sampled_from([*SCALAR_TYPES, ">i4", "U3"]), hnp.array_shapes(min_dims=0, min_side=0)
)
FRAMES = st.builds(
    lambda rows: pd.DataFrame(rows, columns=["n", "x", "text", "at"]).astype(
        {"n": "int64", "x": "float64", "text": "str", "at": "datetime64[us]"}
    ),
    st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), ASCII, st.datetimes(EARLY, LATE)),
        max_size=3,
    ),
)
TABLES = st.lists(st.integers(0, 9), max_size=3).map(lambda xs: pa.table({"x": pa.array(xs)}))
LEAVES = st.builds(Leaf, x=INTS, when=st.none() | DATETIMES, color=st.sampled_from(list(Color)))


class Field(NamedTuple):
    """An annotation and the values that match it."""

    annotation: Any
    values: st.SearchStrategy[Any]
    shapes: frozenset[str]
    """What the values look like; the arms of a union differ in it, since ``[1]``
    in ``list[float] | list[int]`` may well come back as ``[1.0]``."""

    def __repr__(self) -> str:
        # Hypothesis shows what it draws from, and a strategy's own repr is endless.
        return f"Field({self.annotation})"


def single(annotation: Any, values: st.SearchStrategy[Any]) -> Field:
    """A field without inner fields."""
    return Field(annotation, values, frozenset({repr(annotation)}))


HASHABLE = [
    single(int, INTS),
    single(bool, st.booleans()),
    single(float, FLOATS),
    single(str, TEXTS),
    single(Kind, TEXTS),
    single(bytes, st.binary(max_size=8)),
    single(datetime, DATETIMES),
    single(date, st.dates()),
    single(time, st.times()),
    single(timedelta, st.timedeltas()),
    single(Decimal, st.decimals(allow_nan=False)),
    single(UUID, st.uuids()),
    single(Path, ASCII.map(Path)),
    single(PurePosixPath, ASCII.map(PurePosixPath)),
    single(PureWindowsPath, ASCII.map(PureWindowsPath)),
    single(Color, st.sampled_from(list(Color))),
    single(Level, st.sampled_from(list(Level))),
    single(Mode, st.sampled_from(list(Mode))),
    single(Word, st.sampled_from(list(Word))),
    single(Access, st.integers(0, 3).map(Access) | st.just(Access.FAR | Access.READ)),
    single(Bits, st.integers(0, 15).map(Bits)),
    single(Leaf, LEAVES),
    single(None, st.none()),
    single(Literal["a", 1, None], st.sampled_from(["a", 1, None])),
]

KEYS = st.one_of(
    *[
        f.values
        for f in HASHABLE
        if f.annotation not in (Color, Level, Mode, Word, Access, Bits, Leaf)
    ],
    st.tuples(st.integers(), TEXTS),
    st.frozensets(st.integers(0, 5), max_size=2),
)


def any_values(depth: int) -> st.SearchStrategy[Any]:
    """Values that need no annotation."""
    flat = st.one_of(KEYS, NUMPY, LEAVES, st.decimals())
    if depth == 0:
        return st.one_of(flat, FRAMES, ARRAYS)
    inner = any_values(depth - 1)
    return st.one_of(
        flat,
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.sets(KEYS, max_size=3),
        st.dictionaries(KEYS | TEXTS, inner, max_size=3),
        st.dictionaries(TEXTS, inner, max_size=3),
        st.builds(
            Tree,
            name=TEXTS,
            one=st.none() | LEAVES,
            many=st.lists(st.builds(Tree, name=TEXTS), max_size=2),
            by_key=st.dictionaries(TEXTS, LEAVES, max_size=2),
            anything=inner,
        ),
    )


_ANYTHING = any_values(2)


# Composites, since hypothesis writes the whole strategy into its messages otherwise.
@st.composite
def anything(draw: st.DrawFn) -> Any:
    """A value that needs no annotation."""
    return draw(_ANYTHING)


ANYTHING = anything()

SINGLE = [
    *HASHABLE,
    single(np.float32, numpy_scalars("f4")),
    single(np.int16, numpy_scalars("i2")),
    single(np.str_, numpy_scalars("U3")),
    single(np.ndarray, ARRAYS),
    single(pd.DataFrame, FRAMES),
    single(pa.Table, TABLES),
    single(Annotated[np.ndarray, array_serializer], ARRAYS),
    single(Annotated[pd.DataFrame, temp_file_storage, dataframe_serializer], FRAMES),
    single(Annotated[Annotated[pa.Table, feather_serializer], temp_file_storage], TABLES),
    single(Annotated[datetime, datetime_serializer], DATETIMES),
    single(Annotated[timedelta, timedelta_serializer], st.timedeltas()),
    single(
        Tree,
        st.builds(Tree, name=TEXTS, many=st.lists(st.builds(Tree, name=TEXTS, one=LEAVES))),
    ),
    single(Decimal, st.decimals()),
    Field(list, st.lists(any_values(1), max_size=3), frozenset({"list"})),
    Field(dict, st.dictionaries(KEYS, any_values(1), max_size=3), frozenset({"dict"})),
    Field(tuple, st.lists(any_values(1), max_size=3).map(tuple), frozenset({"tuple"})),
]
OPEN = [
    Field(Any, ANYTHING, frozenset({"any"})),
    Field(object, ANYTHING, frozenset({"any"})),
]

# ------------------------------------------------------------- nested fields


def _collection(annotation: Any, make: Any, shapes: set[str], inner: Field) -> Field:
    values = st.lists(inner.values, max_size=3).map(make)
    return Field(annotation[inner.annotation], values, frozenset(shapes))


def _ordered(inner: Field) -> st.SearchStrategy[Field]:
    tuples = {"tuple", "tuple1", "tuple2", "tuple3"}
    return st.sampled_from(
        [
            _collection(list, list, {"list"}, inner),
            _collection(MutableSequence, list, {"list"}, inner),
            _collection(Sequence, tuple, {"list", *tuples}, inner),
            _collection(Iterable, list, {"list", "set", "frozenset", *tuples}, inner),
            Field(
                tuple[inner.annotation, ...],  # type: ignore[name-defined]  # made at run time
                st.lists(inner.values, max_size=3).map(tuple),
                frozenset(tuples),
            ),
        ]
    )


def _unordered(inner: Field) -> st.SearchStrategy[Field]:
    either = {"list", "set", "frozenset", "tuple", "tuple1", "tuple2", "tuple3"}
    return st.sampled_from(
        [
            _collection(set, set, {"set"}, inner),
            _collection(frozenset, frozenset, {"frozenset"}, inner),
            _collection(MutableSet, set, {"set"}, inner),
            _collection(Set, frozenset, {"set", "frozenset"}, inner),
            _collection(Collection, set, either, inner),
        ]
    )


def _places(inner: list[Field]) -> Field:
    return Field(
        tuple[tuple(f.annotation for f in inner)],  # type: ignore[misc]  # made at run time
        st.tuples(*(f.values for f in inner)),
        frozenset({f"tuple{len(inner)}"}),
    )


def _mapping(kind: Any, key: Field, value: Field) -> Field:
    values = st.dictionaries(key.values, value.values, max_size=3)
    return Field(kind[key.annotation, value.annotation], values, frozenset({"dict"}))


def _optional(inner: Field) -> Field:
    values = st.none() | inner.values
    return Field(Optional[inner.annotation], values, inner.shapes | {"None"})  # noqa: UP045  # of a variable


def _union(inner: list[Field]) -> Field:
    arms: list[Field] = []
    for arm in inner:
        if not any(arm.shapes & other.shapes for other in arms):
            arms.append(arm)
    values = st.one_of(*(arm.values for arm in arms))
    shapes = frozenset[str]().union(*(arm.shapes for arm in arms))
    return Field(Union[tuple(arm.annotation for arm in arms)], values, shapes)  # noqa: UP007  # of a variable


METADATA = [
    (json_serializer,),
    (temp_file_storage,),
    ("a note", json_sorted_serializer),
    (temp_file_storage, json_serializer),
    (json_sorted_serializer, "a note", temp_file_storage),
]


def _annotated(inner: Field, metadata: tuple[Any, ...], nested: bool) -> Field:
    annotation = inner.annotation
    if nested:
        for one in metadata:
            annotation = Annotated[annotation, one]
    else:
        annotation = Annotated[(annotation, *metadata)]
    return Field(annotation, inner.values, inner.shapes)


def _is_plain(one: Field) -> bool:
    """Whether nothing in an annotation names a serializer or a storage by now."""
    return "erializer" not in repr(one.annotation) and "torage" not in repr(one.annotation)


def _fields(depth: int) -> st.SearchStrategy[Field]:
    flat = st.sampled_from([*SINGLE, *OPEN])
    if depth == 0:
        return flat
    key = st.sampled_from(HASHABLE)
    inner = _fields(depth - 1)
    closed = inner.filter(lambda one: "any" not in one.shapes)
    return st.one_of(
        flat,
        inner.flatmap(_ordered),
        key.flatmap(_unordered),
        st.lists(inner, min_size=1, max_size=3).map(_places),
        st.builds(_mapping, st.sampled_from([dict, Mapping, MutableMapping]), key, inner),
        inner.map(_optional),
        st.lists(closed, min_size=2, max_size=3).map(_union),
        st.builds(_annotated, inner.filter(_is_plain), st.sampled_from(METADATA), st.booleans()),
        inner.map(lambda one: one._replace(annotation=Final[one.annotation]))
        if depth == 3
        else inner,
    )


_FIELDS = _fields(3)


@st.composite
def any_annotation(draw: st.DrawFn) -> Any:
    """An annotation, three levels deep."""
    return draw(_FIELDS).annotation


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """An annotation with one value that matches it."""
    one = draw(_FIELDS)
    return one.annotation, draw(one.values)


ANNOTATIONS = any_annotation()
TYPED_VALUES = typed_values()


def draw(strategy: st.SearchStrategy[T], count: int, *, seed: int) -> list[T]:
    """Some examples, always the same."""
    drawn: list[T] = []

    @fixed_seed(seed)
    @settings(max_examples=count, database=None, phases=[Phase.generate], deadline=None)
    @given(strategy)
    def collect(example: T) -> None:
        drawn.append(example)

    collect()
    return drawn
