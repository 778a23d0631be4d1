"""JSON values come back equal and of the same types, or are refused."""

from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.json import check_json, json_serializer, json_sorted_serializer
from artigraph.testing.serializer import SerializerTests


class Color(enum.StrEnum):
    RED = "red"


VALUES: list[Any] = [
    None,
    True,
    0,
    -(10**400),
    1.5,
    float("inf"),
    float("-inf"),
    "",
    "häß\u2028\x00\U0001f600",
    [],
    {},
    {"b": [1, {"a": None}], "a": [[[]]], "": 1.0},
]

BAD_VALUES: list[Any] = [
    (1, 2),
    {1},
    frozenset(),
    {1: 2},
    {None: 1},
    {"a": {(1, 2): 3}},
    OrderedDict(a=1),
    Color.RED,
    b"bytes",
    np.float64(1.5),
    np.arange(3),
    1j,
    "\ud800",
    {"\udfff": 1},
    object(),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def same(old: Any, new: Any) -> bool:
    """Equal with equal types; NaN equals NaN and -0.0 is not 0.0."""
    if type(old) is not type(new):
        return False
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, float):
        return repr(old) == repr(new)
    return bool(old == new)


class JsonTests(SerializerTests):
    detects_truncation = False

    @pytest.fixture
    def values(self) -> list[Any]:
        return VALUES

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return BAD_VALUES


class TestJsonSerializer(JsonTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return json_serializer


class TestJsonSortedSerializer(JsonTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return json_sorted_serializer


@given(json_values)
@settings(deadline=None)
def test_json_survives(value: Any) -> None:
    """Any JSON value comes back, down to the sign of a zero."""
    for serializer in (json_serializer, json_sorted_serializer):
        assert same(value, serializer.deserialize(serializer.serialize(value)))


def test_nan_survives() -> None:
    """NaN comes back as NaN."""
    assert math.isnan(json_serializer.deserialize(json_serializer.serialize(float("nan"))))


def test_keys_keep_their_order() -> None:
    """The plain serializer keeps the order of keys."""
    value = {"b": 1, "a": 2}
    assert list(json_serializer.deserialize(json_serializer.serialize(value))) == ["b", "a"]


def test_sorted_makes_equal_bytes() -> None:
    """The sorted serializer gives equal dicts equal bytes."""
    one = json_sorted_serializer.serialize({"b": 1, "a": {"d": 1, "c": 2}})
    assert one == json_sorted_serializer.serialize({"a": {"c": 2, "d": 1}, "b": 1})


def test_bytes_are_plain_json() -> None:
    """The bytes are compact JSON in UTF-8."""
    assert json_serializer.serialize({"a": [1, "ä"]}) == '{"a":[1,"ä"]}'.encode()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [0, (1,)]}, r"value\['a'\]\[1\] is \(1,\) of type tuple.*Use list\(value\)"),
        ({"a": {2: 3}}, r"value\['a'\] has the key 2 of type int.*Use str\(key\)"),
        ([{1}], r"value\[0\] is \{1\} of type set.*Use sorted\(value\)"),
        ([np.int64(1)], r"value\[0\] .* of type int64.*Use value.tolist\(\)"),
        ([Color.RED], r"of type Color.*Store value.value instead"),
        ([OrderedDict()], r"of type OrderedDict.*Use dict\(value\)"),
        (["\ud800"], r"value\[0\] has a lone surrogate at position 0.*'replace'"),
        ({"k\ud800": 1}, r"value\['k\\ud800'\] has a lone surrogate at position 1"),
        ([object()], r"value\[0\] .* Store it as a JSON value, or name a serializer"),
        ([10**5000], r"value\[0\] is an int of .* bits.*Store hex\(value\)"),
    ],
)
def test_refusal_names_place_and_fix(value: Any, message: str) -> None:
    """A refusal says which part of the value it means and what to type."""
    with pytest.raises(SerializationError, match=message):
        json_serializer.serialize(value)


def test_value_within_itself_is_refused() -> None:
    """A list that contains itself is refused rather than followed for ever."""
    value: list[Any] = []
    value.append({"again": value})
    with pytest.raises(SerializationError, match=r"value\[0\]\['again'\].*contains itself"):
        json_serializer.serialize(value)


def test_deepest_value_is_readable_from_a_deep_stack() -> None:
    """What is written can be read where most of the stack is in use."""
    value: Any = 1
    for _ in range(200):
        value = [value]
    data = json_serializer.serialize(value)

    def read(depth: int) -> Any:
        return read(depth - 1) if depth else json_serializer.deserialize(data)

    assert read(500) == value
    with pytest.raises(SerializationError, match="200 lists and dicts deep"):
        json_serializer.serialize([value])


def test_bottomless_json_is_refused() -> None:
    """Bytes that would exhaust the stack are an error of artigraph's."""
    with pytest.raises(DeserializationError, match="are not JSON"):
        json_serializer.deserialize(b"[" * 1_000_000)


def test_check_names_its_place() -> None:
    """A caller chooses what the value is called."""
    with pytest.raises(SerializationError, match=r"frame\.attrs\['a'\] is"):
        check_json({"a": ()}, "frame.attrs")


def test_settings_make_serializers_different() -> None:
    """Equal serializers have equal settings; both take any JSON value."""
    assert json_serializer != json_sorted_serializer
    assert len({json_serializer, json_sorted_serializer}) == 2
    assert json_serializer.takes_json
    assert json.loads(json_sorted_serializer.serialize([1])) == [1]
