"""Arrays of any shape and dtype but object come back bit for bit."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.dtypes import StringDType

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.numpy import array_serializer, numpy_serializer, read_header
from artigraph.testing.serializer import SerializerTests

scalars = hnp.scalar_dtypes()
dtypes = scalars | hnp.array_dtypes(scalars) | hnp.nested_dtypes(scalars, max_leaves=5)
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


def packed(array: np.ndarray[Any, Any]) -> bytes:
    """Every bit of every value, without what lies between fields."""
    if array.dtype.names is None:
        return array.tobytes()
    return b"".join(packed(array[name]) for name in array.dtype.names)


def identical(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> bool:
    """Equal in dtype, shape, order and every bit of every value."""
    fortran = old.flags.f_contiguous and not old.flags.c_contiguous
    return (
        old.dtype == new.dtype
        and old.dtype.str == new.dtype.str
        and old.shape == new.shape
        and packed(old) == packed(new)
        and (new.flags.f_contiguous or not fortran)
    )


class TestArraySerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return array_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return [
            np.array(5),
            np.zeros((0, 3)),
            np.arange(12.0).reshape(3, 4),
            np.asfortranarray(np.arange(12.0).reshape(3, 4)),
            np.arange(10)[::-2],
            np.arange(3, dtype=">i4"),
            np.array([1 + 2j, np.nan]),
            np.array(["2024-01-01", "NaT"], "M8[us]"),
            np.array(["a", "äöü"]),
            np.array([(1, 2.5, "x")], [("a", "i1"), ("b", ">f8"), ("c", "U3", (2,))]),
            np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
            np.zeros(3, np.dtype([])),
            np.zeros(3, "g"),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [
            np.array([object()]),
            np.zeros(2, [("a", "O")]),
            np.zeros(2, [("a", [("b", "O")])]),
            np.array(["a"], StringDType()),
            np.zeros(2, np.dtype("i4", metadata={"a": 1})),
            np.zeros(2, [("a", np.dtype("i4", metadata={"a": 1}))]),
            np.zeros(2, [("a", np.dtype("i4", metadata={"a": 1}), (2,))]),
            np.zeros(2, np.dtype({"names": ["a", "b"], "formats": ["i4"] * 2, "offsets": [4, 0]})),
            np.zeros(2, np.dtype((np.record, [("a", "i4")]))),
            np.ma.masked_array([1, 2], [True, False]),
            np.zeros(2, [("a", "i4")]).view(np.recarray),
            np.float64(1.5),
            [1, 2],
        ]

    def equal(self, old: Any, new: Any) -> bool:
        return identical(old, new)


@given(arrays)
@settings(deadline=None)
def test_array_survives(array: np.ndarray[Any, Any]) -> None:
    """Any shape and dtype comes back bit for bit, and can be written to."""
    back = array_serializer.deserialize(array_serializer.serialize(array))
    assert identical(array, back)
    assert back.flags.writeable


@given(arrays, st.data())
@settings(deadline=None)
def test_summary_tells_shape_and_dtype(array: np.ndarray[Any, Any], data: st.DataObject) -> None:
    """A summary has the shape and the dtype in words."""
    summary = array_serializer.summarize(array)
    assert summary == {"kind": "array", "shape": list(array.shape), "dtype": str(array.dtype)}


def test_titles_survive() -> None:
    """Titles of fields come back."""
    array = np.zeros(2, np.dtype([(("a title", "a"), "i4")]))
    back = array_serializer.deserialize(array_serializer.serialize(array))
    assert back.dtype.fields == array.dtype.fields


def test_memory_between_fields_is_not_written() -> None:
    """Bytes between aligned fields, which hold anything, are written as zeros."""
    inner = np.dtype([("a", "i1"), ("b", "i4")], align=True)
    dtype = np.dtype([("a", "i1"), ("b", inner, (2,))], align=True)
    array = np.frombuffer(b"\xff" * dtype.itemsize * 2, dtype)
    order = np.asfortranarray(np.frombuffer(bytes(range(120)), dtype).reshape(2, 3))
    assert identical(order, array_serializer.deserialize(array_serializer.serialize(order)))
    data = array_serializer.serialize(array)
    assert identical(array, array_serializer.deserialize(data))
    assert data[-dtype.itemsize :].count(0) == 9
    assert data[-dtype.itemsize :].count(0xFF) == 11


def test_foreign_field_names_survive() -> None:
    """Field names need not be Latin."""
    array = np.zeros(2, [("имя", "i4")])
    assert identical(array, array_serializer.deserialize(array_serializer.serialize(array)))


def test_many_fields_survive() -> None:
    """A header longer than NumPy reads by default is read."""
    array = np.zeros(2, [(f"a_rather_long_name_{i}", "f8") for i in range(2000)])
    assert identical(array, array_serializer.deserialize(array_serializer.serialize(array)))


def test_endless_fields_are_refused() -> None:
    """A header that would not be read again is not written."""
    array = np.zeros(1, [(f"{i}" * 400, "i1") for i in range(1000)])
    with pytest.raises(SerializationError, match=r"1000 fields .* Use fewer fields"):
        array_serializer.serialize(array)


def test_broadcast_array_survives() -> None:
    """An array whose rows share their memory comes back in full."""
    array = np.broadcast_to(np.arange(3), (4, 3))
    assert identical(array, array_serializer.deserialize(array_serializer.serialize(array)))


def test_memory_map_is_read_as_an_array(tmp_path: Path) -> None:
    """A memory map is written as the array that it shows."""
    mapped = np.memmap(tmp_path / "data", dtype="f8", mode="w+", shape=(3,))
    mapped[:] = [1, 2, 3]
    back = array_serializer.deserialize(array_serializer.serialize(mapped))
    assert type(back) is np.ndarray
    assert back.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([None]), r"dtype\('O'\) holds Python objects.*value.astype\(float\)"),
        (np.array(["a"], StringDType()), r"StringDType.*Use value.astype\('U'\)"),
        (np.ma.masked_array([1]), r"MaskedArray.*value.filled\(...\) and value.mask"),
        (np.zeros(1, [("a", "i4")]).view(np.recarray), r"recarray.*value.view\(numpy.ndarray\)"),
        ([1], r"not a builtins.list.*Use numpy.asarray\(value\)"),
        (np.zeros(1, np.dtype("i4", metadata={"a": 1})), r"carries metadata.*value.astype"),
        (np.zeros(1, np.dtype((np.record, [("a", "i4")]))), r"would come back with"),
        (
            np.zeros(1, np.dtype({"names": ["a", "b"], "formats": ["i4"] * 2, "offsets": [4, 0]})),
            r"cannot be written as \.npy.*repack_fields",
        ),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str) -> None:
    """A refusal says what was found and what to type."""
    with pytest.raises(SerializationError, match=message):
        array_serializer.serialize(value)


def test_stored_objects_are_not_unpickled() -> None:
    """An .npy file with objects, which only pickle reads, is refused."""
    file = io.BytesIO()
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DeserializationError, match="Object arrays cannot be loaded"):
        array_serializer.deserialize(file.getvalue())


def test_further_bytes_are_refused() -> None:
    """Bytes after the array mean that something else wrote them."""
    data = array_serializer.serialize(np.zeros(3))
    with pytest.raises(DeserializationError, match=r"5 bytes follow the array of shape \(3,\)"):
        array_serializer.deserialize(data + b"extra")


def test_both_names_are_one_serializer() -> None:
    """The serializer has two names in its module and one in the database."""
    assert numpy_serializer is array_serializer
    assert array_serializer.name == "artigraph-numpy"


@pytest.fixture
def threads_meet_often() -> Iterator[None]:
    """Threads take turns at almost every step, and collect garbage meanwhile."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()

    def take_time(_phase: str, _info: dict[str, int]) -> None:
        list(range(50))

    gc.callbacks.append(take_time)
    sys.setswitchinterval(1e-6)
    gc.set_threshold(3)
    yield
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)
    gc.callbacks.remove(take_time)


@pytest.mark.usefixtures("threads_meet_often")
def test_many_threads_read_at_once() -> None:
    """Python's parser, which headers want, is disturbed by others at work in it."""
    array = np.zeros(3, [("a", "i8"), ("b", "i8")])
    data = array_serializer.serialize(array)

    def read(_: int) -> bool:
        header = read_header(io.BytesIO(data))
        return header.shape == (3,) and bool((array_serializer.deserialize(data) == array).all())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(3000)))
