"""The one type of arrays that differ, which keeps every value."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from artigraph.export.pyarrow.array import JSON
from artigraph.export.pyarrow.unify import unified

EXAMPLES: list[pa.Array[Any]] = [
    pa.array([True]),
    pa.array([1]),
    pa.array([1.5]),
    pa.array(["x"]),
    pa.array([b"x"]),
    pa.array([Decimal("1.25")]),
    pa.array([0]).cast(pa.timestamp("us")),
    pa.array([0]).cast(pa.timestamp("us", "UTC")),
    pa.array([0]).cast(pa.duration("us")),
    pa.array([0], pa.int32()).cast(pa.date32()),
    pa.array([0]).cast(pa.time64("us")),
    pa.array(["1"], JSON),
]


@pytest.mark.parametrize(("one", "other"), list(combinations(EXAMPLES, 2)))
@pytest.mark.parametrize("nested", [False, True])
def test_only_integers_become_floats(
    one: pa.Array[Any], other: pa.Array[Any], nested: bool
) -> None:
    """What has nothing in common becomes JSON, also where Arrow would have a type for it."""
    arrays = [one, other]
    if nested:
        arrays = [pa.array([array.to_pylist()], pa.list_(array.type)) for array in arrays]
    number = pa.list_(pa.float64()) if nested else pa.float64()
    numbers = {one.type, other.type} == {pa.int64(), pa.float64()}
    for found in (unified(arrays), unified(arrays[::-1])):
        assert {array.type for array in found} == {number if numbers else JSON}


def test_integer_that_no_float_equals_is_kept() -> None:
    """Integers become floats all or none."""
    found = unified([pa.array([2**53 + 1, 1]), pa.array([1.5])])
    assert [array.to_pylist() for array in found] == [["9007199254740993", "1"], ["1.5"]]


def test_missing_values_take_any_type() -> None:
    """Nulls, and lists of nothing, are of the type of the others."""
    found = unified([pa.nulls(1), pa.array([[]]), pa.array([[[1]]])])
    assert {array.type for array in found} == {pa.list_(pa.list_(pa.int64()))}


decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda one: len(one.as_tuple().digits) + abs(int(one.as_tuple().exponent)) < 40
)


@given(st.lists(decimals, min_size=1, max_size=4))
def test_decimals_gain_digits(values: list[Decimal]) -> None:
    """Each is still itself, in as many digits as all of them need, or all are JSON."""
    found = unified([pa.array([value]) for value in values])
    assert len({array.type for array in found}) == 1
    if found[0].type != JSON:
        assert [array[0].as_py() for array in found] == values


def test_decimals_of_too_many_digits_become_json() -> None:
    """Arrow's have 76 at most."""
    found = unified([pa.array([Decimal(10) ** 60]), pa.array([Decimal("1e-30")])])
    assert {array.type for array in found} == {JSON}
