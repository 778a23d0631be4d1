"""Points packed and taken apart again, whatever they are and whoever has packed them."""

from __future__ import annotations

import math
import struct
from array import array
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, strategies as st

from artigraph.errors import DeserializationError
from artigraph.series.codec import MOST_POINTS, pack, unpack, unpack_points
from artigraph.series.line import MOST_BUCKETS, Line, read_buckets
from artigraph.series.numpy import columns_of, thinned

INT64 = st.integers(-(2**63), 2**63 - 1)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(INT64, INT64, ANY_FLOAT), min_size=1, max_size=300))
def test_points_come_back(points: list[tuple[int, int, float]]) -> None:
    """Any steps, times and values, to the bit; by the library and without it."""
    steps, times, values = (list(column) for column in zip(*points, strict=True))
    data = pack(steps, times, values)
    found = unpack_points(data, len(points))
    assert (list(found.steps), list(found.times)) == (steps, times)
    assert found.values.tobytes() == array("d", values).tobytes()
    columns = columns_of([[unpack(data, len(points))]])[0]
    assert columns.steps.tolist() == steps
    assert columns.values.tobytes() == array("d", values).tobytes()


@given(
    st.integers(1, 400),
    st.integers(-(2**40), 2**40),
    st.integers(-50, 50),
    st.lists(st.sampled_from([0.5, 1.0, math.nan]), min_size=1),
)
def test_regular_points_come_back(count: int, first: int, stride: int, few: list[float]) -> None:
    """Steps with a stride take no room, and values that repeat take little."""
    steps = [first + stride * at for at in range(count)]
    values = [few[at % len(few)] for at in range(count)]
    data = pack(steps, steps, values)
    found = unpack_points(data, count)
    assert (list(found.steps), list(found.times)) == (steps, steps)
    assert found.values.tobytes() == array("d", values).tobytes()
    assert columns_of([[unpack(data, count)]])[0].times.tolist() == steps


@given(st.binary(max_size=200), st.integers(-1, MOST_POINTS + 1))
def test_bytes_of_anybody_do_no_harm(data: bytes, count: int) -> None:
    """What is no block is refused with a clear error, and with nothing else."""
    for given_data in (data, b"\x01" + data):
        with suppress(DeserializationError):
            unpack_points(given_data, count)
            columns_of([[unpack(given_data, count)]])


@given(st.data())
def test_damaged_blocks_do_no_harm(data: st.DataObject) -> None:
    """A byte that is changed, or an end that is missing, is an error or another number."""
    count = data.draw(st.integers(1, 40))
    floats = data.draw(st.lists(ANY_FLOAT, min_size=count, max_size=count))
    times = data.draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count))
    block = bytearray(pack(times, times, floats))
    at = data.draw(st.integers(0, len(block) - 1))
    block[at] = data.draw(st.integers(0, 255))
    for damaged in (bytes(block), bytes(block[:at])):
        with suppress(DeserializationError):
            assert len(unpack_points(damaged, count)) == count


def test_a_small_stream_makes_no_large_memory() -> None:
    """A stream that stands for more than its count allows is refused before it is unpacked."""
    import zlib

    bomb = zlib.compress(bytes(50_000_000), 9)
    head = b"\x01" + struct.pack("<Bqq", 0, 0, 1) * 2 + b"\x01" + struct.pack("<I", len(bomb))
    with pytest.raises(DeserializationError, match="another length"):
        unpack(head + bomb, 100)


@pytest.mark.parametrize("count", [0, -1, MOST_POINTS + 1, True, "3", None])
def test_a_count_is_one_that_a_block_may_have(count: object) -> None:
    """Any other is refused."""
    with pytest.raises(DeserializationError):
        unpack(pack([1], [1], [1.0]), count)  # type: ignore[arg-type]  # a database keeps anything


def test_a_newer_format_says_so() -> None:
    """A block of another version asks for a newer artigraph."""
    with pytest.raises(DeserializationError, match="newer artigraph"):
        unpack(b"\x02" + pack([1], [1], [1.0])[1:], 1)


@given(st.lists(st.lists(ANY_FLOAT, max_size=90), max_size=8))
def test_a_line_grows_along_with_its_curve(parts: list[list[float]]) -> None:
    """It has 64 stretches at the most, all of one length, whatever it is given at once."""
    values = [value for part in parts for value in part]
    line = Line()
    for part in parts:
        line = Line(line.pack())
        line.extend(part)
    found = read_buckets(line.pack())
    assert len(found) <= MOST_BUCKETS
    assert len(found) == -(-len(values) // line.stride)
    for at, (low, high) in enumerate(found):
        own = values[at * line.stride : (at + 1) * line.stride]
        finite = [one for one in own if math.isfinite(one)]
        if not finite:
            assert math.isnan(low)
            continue
        bounds = np.clip([min(finite), max(finite)], -3.4e38, 3.4e38).astype(np.float32)
        assert np.allclose([low, high], bounds, rtol=1e-2)


@given(st.binary(max_size=700))
def test_lines_of_anybody_do_no_harm(data: bytes) -> None:
    """What is no line draws nothing, and a curve goes on with a new one."""
    for one in (data, b"\x01" + data):
        assert len(read_buckets(one)) <= MOST_BUCKETS
        line = Line(one, 7)
        line.extend([1.0])
        assert len(read_buckets(line.pack())) <= MOST_BUCKETS


@given(st.lists(ANY_FLOAT, min_size=1, max_size=300), st.integers(4, 60))
def test_thinned_curves_keep_ends_and_extremes(values: list[float], most: int) -> None:
    """No more points than asked for, in order, with the ends and the extremes."""
    steps = list(range(len(values)))
    (whole,) = columns_of([[unpack(pack(steps, steps, values), len(values))]])
    few = thinned(whole, most)
    assert len(few) <= most
    assert few.steps.tolist() == sorted(set(few.steps.tolist()))
    assert {0, len(values) - 1} <= set(few.steps.tolist())
    finite = [value for value in values if math.isfinite(value)]
    if finite:
        assert {min(finite), max(finite)} <= set(few.values.tolist())
