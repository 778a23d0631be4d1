"""A stored array tells of itself for nothing, and reads slices and maps."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from artigraph.errors import CorruptBlobError, DeserializationError, PartError, StorageError
from artigraph.frame.array import StoredArray
from artigraph.serializer.numpy import array_serializer
from tests.frame.sources import CountingSource, keep

TIMES = "\N{MULTIPLICATION SIGN}"


def stored(value: Any, path: Path, **options: Any) -> tuple[StoredArray, CountingSource]:
    """A handle of an array, and its source."""
    handle, source = keep(array_serializer, value, path / "blob", **options)
    assert isinstance(handle, StoredArray)
    return handle, source


def numbers(*shape: int, dtype: str = "f8") -> Any:
    """An array whose elements all differ."""
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def same(old: Any, new: Any) -> bool:
    """Whether two arrays are equal in values, shape and dtype."""
    return bool(
        old.dtype == new.dtype and old.shape == new.shape and old.tobytes() == new.tobytes()
    )


async def test_row_alone_tells_of_the_array(tmp_path: Path) -> None:
    """Shape, dtype and size come from the row."""
    handle, source = stored(numbers(3, 4, dtype="i2"), tmp_path)
    assert (handle.shape, handle.dtype, handle.ndim, handle.size) == ((3, 4), "int16", 2, 12)
    assert handle.nbytes == source.size
    assert len(handle) == 3
    assert repr(handle) == f"<StoredArray 'value' 3 {TIMES} 4 int16, 152 B, numpy>"
    assert source.opened == 0


async def test_odd_shapes_are_shown(tmp_path: Path) -> None:
    """Arrays without axes and without elements have a repr, and are true."""
    scalar, _ = stored(np.array(5), tmp_path)
    assert repr(scalar) == "<StoredArray 'value' scalar int64, 136 B, numpy>"
    with pytest.raises(TypeError, match="without axes"):
        len(scalar)
    empty, _ = stored(np.zeros((0, 3)), tmp_path)
    assert f"0 {TIMES} 3 float64" in repr(empty)
    assert empty
    assert scalar


async def test_load_gives_the_array_back(tmp_path: Path) -> None:
    """All of it comes back, in one request; so from a local file."""
    value = numbers(100, 3)
    handle, source = stored(value, tmp_path)
    assert same(await handle.load(), value)
    assert source.ranges == [(0, source.size)]
    local, _ = stored(value, tmp_path, local=True)
    assert same(await local.load(), value)


@given(st.data())
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_part_is_the_slice(tmp_path: Path, data: st.DataObject) -> None:
    """Any slice or place, of any order of axes, gives what the array gives."""
    shape = data.draw(st.sampled_from([(7,), (7, 3), (0, 2), (5, 0), (4, 2, 2)]))
    value = numbers(*shape, dtype=data.draw(st.sampled_from(["f8", ">i2", "M8[s]", "U3"])))
    if data.draw(st.booleans()):
        value = np.asfortranarray(value)
    near = st.none() | st.integers(-9, 9)
    steps = st.none() | st.sampled_from([1, 2, 3, -1, -2])
    index = data.draw(st.builds(slice, near, near, steps))
    handle, _ = stored(value, tmp_path)
    part = asyncio.run(handle.part(index))
    assert same(part, value[index])
    assert part.flags.writeable
    if len(value):
        place = data.draw(st.integers(-len(value), len(value) - 1))
        assert same(asyncio.run(handle.part(place)), value[place])


async def test_part_reads_its_bytes_only(tmp_path: Path) -> None:
    """A slice costs the header and its own range."""
    value = numbers(100_000, 4)
    handle, source = stored(value, tmp_path)
    assert same(await handle.part(slice(50_000, 50_100)), value[50_000:50_100])
    assert len(source.ranges) == 2
    assert source.bytes_read == 4096 + 100 * 4 * 8


async def test_structured_and_long_headers(tmp_path: Path) -> None:
    """Fields, titles and headers longer than one read are understood."""
    fields = [(f"a field of a long name {i} ä", "i1") for i in range(500)]
    value = np.zeros(10, fields)
    value["a field of a long name 3 ä"] = np.arange(10)
    handle, _ = stored(value, tmp_path, local=True)
    assert same(await handle.part(slice(3, 5)), value[3:5])
    assert same(np.asarray(await handle.memory_map()), value)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (10, "no element 10 in a first axis of 10"),
        (-11, "no element -11 in a first axis of 10"),
        ("a", "whole number or a slice of the first axis, not 'a'"),
        ((1, 2), r"not \(1, 2\)\. Cut the other axes"),
        (slice("a", None), r"slice\('a', None, None\) is no slice of an array"),
        (slice(None, None, 0), "slice step cannot be zero"),
    ],
)
async def test_impossible_parts_are_refused(tmp_path: Path, index: Any, message: str) -> None:
    """What is no part of the first axis is an error that says why."""
    handle, _ = stored(numbers(10, 2), tmp_path)
    with pytest.raises(PartError, match=message):
        await handle.part(index)
    scalar, _ = stored(np.array(1), tmp_path)
    with pytest.raises(PartError, match=r"without axes has no parts. Use load\(\)"):
        await scalar.part(0)


@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (0, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
async def test_memory_map_can_only_be_read(tmp_path: Path, shape: Any, order: Any) -> None:
    """A local file is mapped, equal and read-only."""
    value = np.array(numbers(*shape) if shape else 3.5, order=order)
    handle, _ = stored(value, tmp_path, local=True)
    mapped = await handle.memory_map()
    assert same(np.asarray(mapped), value)
    assert mapped.flags.f_contiguous == value.flags.f_contiguous
    assert not mapped.flags.writeable
    if value.size:
        assert isinstance(mapped, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            mapped[...] = 0


async def test_only_local_files_are_mapped(tmp_path: Path) -> None:
    """Elsewhere the error names what can be done."""
    handle, _ = stored(numbers(5), tmp_path)
    with pytest.raises(StorageError, match=r"Only a local file .* Use load\(\), or part\(index\)"):
        await handle.memory_map()


async def test_damage_is_found(tmp_path: Path) -> None:
    """A changed byte is found by load, a missing one by every way to read."""
    value = numbers(1000)
    changed, _ = stored(value, tmp_path, change=lambda data: data[:-1] + b"x")
    with pytest.raises(CorruptBlobError, match=r"'value' of node 7 .* damaged"):
        await changed.load()
    cut, _ = stored(value, tmp_path, local=True, change=lambda data: data[:-1])
    with pytest.raises(CorruptBlobError):
        await cut.load()
    with pytest.raises(DeserializationError, match="'value' of node 7 cannot be read"):
        await cut.part(slice(990, None))
    with pytest.raises(DeserializationError, match=r"has 8127 bytes, where an array of shape"):
        await cut.memory_map()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x09\x00" + b"x" * 100,
        b"\x93NUMPY\x01\x00\x05\x00hello",
        b"\x93NUMPY\x01\x00\x02\x00{}",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
        b"PK\x03\x04" * 50,
    ],
)
async def test_foreign_files_are_refused(tmp_path: Path, data: bytes) -> None:
    """What is no array is an error of artigraph's, and nothing of it is run."""
    handle, _ = stored(numbers(10), tmp_path, local=True, change=lambda _: data)
    with pytest.raises(DeserializationError, match="'value' of node 7 cannot be read"):
        await handle.part(0)
    with pytest.raises(DeserializationError, match="'value' of node 7 cannot be read"):
        await handle.memory_map()


async def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    """A file that says it holds objects is refused by every way to read it."""
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    data = path.read_bytes()
    handle, _ = stored(numbers(1), tmp_path, local=True, change=lambda _: data)
    with pytest.raises(DeserializationError, match="Python objects"):
        await handle.part(0)
    with pytest.raises(DeserializationError, match="Python objects"):
        await handle.memory_map()


async def test_a_smaller_array_in_its_place_is_refused(tmp_path: Path) -> None:
    """A sound file of another shape has not the slice that the row promises."""
    other = array_serializer.serialize(numbers(5))
    handle, _ = stored(numbers(10), tmp_path, change=lambda _: other)
    with pytest.raises(DeserializationError, match=r"shape \(5,\) has no slice from 7 to 8"):
        await handle.part(7)
