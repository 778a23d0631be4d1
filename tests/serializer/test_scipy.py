"""Sparse matrices of every format come back entry by entry."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings, strategies as st
from numpy.lib import format as npy

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.scipy import CLASSES, sparse_serializer
from artigraph.testing.serializer import SerializerTests

NAMES = sorted(cls.__name__ for cls in CLASSES)
DTYPES = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", "f", "d", "g", "F", "D", "G"]
DENSE = np.array([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, 4, 0]])


def facts(matrix: Any) -> dict[str, Any]:
    """All that makes a matrix up, as plain values."""
    found: dict[str, Any] = {"class": type(matrix), "shape": matrix.shape, "dtype": matrix.dtype}
    if matrix.format == "dok":
        return found | {"items": list(matrix.items())}
    if matrix.format == "lil":
        return found | {"rows": matrix.rows.tolist(), "data": matrix.data.tolist()}
    arrays = {"data": matrix.data}
    if matrix.format == "dia":
        arrays["offsets"] = matrix.offsets
    elif matrix.format == "coo":
        arrays |= {f"axis {i}": one for i, one in enumerate(matrix.coords)}
        found["canonical"] = matrix.has_canonical_format
    else:
        arrays |= {"indices": matrix.indices, "indptr": matrix.indptr}
        found["sorted"] = matrix.has_sorted_indices
        found["canonical"] = matrix.has_canonical_format
    for name, array in arrays.items():
        found[name] = (array.dtype, array.shape, array.tolist())
    return found


class TestSparseSerializer(SerializerTests):
    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return sparse_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        unsorted = sp.csr_array(([1.0, 2.0, 3.0], [2, 0, 0], [0, 3, 3]), shape=(2, 3))
        wide = sp.csr_array(DENSE)
        wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
        zeros = sp.dok_array((3, 4))
        zeros.setdefault((1, 1), np.float64(0))
        line = sp.dok_array((5,))
        line[2] = 1.5
        spare = sp.csc_array(DENSE)
        spare.indices = np.concatenate([spare.indices, [0, 0]]).astype(np.int32)
        spare.data = np.concatenate([spare.data, [0, 0]])
        return [
            *(getattr(sp, name)(DENSE.astype(float)) for name in NAMES),
            *(getattr(sp, name)((2, 3), dtype="F") for name in NAMES),
            *(getattr(sp, name)((0, 3)) for name in NAMES if name[:3] not in ("dia", "bsr")),
            unsorted,
            wide,
            zeros,
            line,
            sp.csr_array(np.array([1, 0, 2])),
            sp.coo_array(np.ones((2, 3, 4))),
            sp.coo_array(([0.0, 1.0, 1.0], ([1, 0, 0], [2, 0, 0])), shape=(2, 3)),
            sp.bsr_array(np.kron(DENSE, np.ones((2, 3)))),
            sp.dia_array(([[1, 2, 3], [4, 5, 6]], [0, -7]), shape=(3, 4)),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        odd = sp.dia_array(DENSE)
        odd.data = odd.data.astype(object)
        return [object(), DENSE, [1], odd]

    def equal(self, old: Any, new: Any) -> bool:
        return facts(old) == facts(new)


@given(
    st.sampled_from(NAMES),
    st.sampled_from(DTYPES),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1)), max_size=12),
)
@settings(deadline=None)
def test_matrix_survives(
    name: str, dtype: str, shape: tuple[int, int], entries: list[tuple[int, int, int]]
) -> None:
    """Any class and dtype comes back, with zeros and duplicates as far as it has them."""
    entries = [(i % shape[0], j % shape[1], value) for i, j, value in entries]
    rows, columns, values = zip(*entries, strict=True) if entries else ((), (), ())
    triples = (np.array(values, dtype), (np.array(rows, int), np.array(columns, int)))
    matrix = getattr(sp, name)(sp.coo_array(triples, shape=shape))
    back = sparse_serializer.deserialize(sparse_serializer.serialize(matrix))
    assert facts(back) == facts(matrix)
    assert np.array_equal(back.toarray(), matrix.toarray())


@pytest.mark.parametrize("name", [name for name in NAMES if name[:3] not in ("dok", "lil")])
def test_scipy_opens_the_bytes(name: str) -> None:
    """SciPy's own reader opens the formats that it knows."""
    matrix = getattr(sp, name)(DENSE)
    back = sp.load_npz(io.BytesIO(sparse_serializer.serialize(matrix)))
    assert type(back) is type(matrix)
    assert np.array_equal(back.toarray(), DENSE)


def test_matrix_that_came_back_can_be_changed() -> None:
    """The buffers of what came back are its own."""
    back = sparse_serializer.deserialize(sparse_serializer.serialize(sp.csr_array(DENSE)))
    back.data[0] = 9
    back *= 2
    assert back.max() == 18


def test_flags_survive() -> None:
    """What a matrix says of its own order comes back, also when it is too modest."""
    matrix = sp.csr_array(DENSE)
    matrix.has_sorted_indices = False
    assert not matrix.has_canonical_format
    back = sparse_serializer.deserialize(sparse_serializer.serialize(matrix))
    assert not back.has_sorted_indices
    assert not back.has_canonical_format


def test_summary_tells_format_and_shape() -> None:
    """A summary has format, shape, dtype and how many entries are stored."""
    assert sparse_serializer.summarize(sp.csc_array(DENSE)) == {
        "kind": "sparse",
        "format": "csc",
        "shape": [3, 4],
        "dtype": "int64",
        "stored": 4,
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_class_finds_it(name: str) -> None:
    """All of SciPy's sparse classes find the serializer."""
    assert find_serializer(getattr(sp, name)) == sparse_serializer


class Own(sp.csr_array):  # type: ignore[misc]  # SciPy has no types
    """A class that would not come back."""


def lying() -> Any:
    matrix = sp.csr_array(([1.0, 2.0], [2, 0], [0, 2]), shape=(1, 3))
    matrix.has_sorted_indices = True
    return matrix


def outside() -> Any:
    matrix = sp.csr_array(DENSE)
    matrix.indices[0] = 2**30
    return matrix


def outside_coo() -> Any:
    matrix = sp.coo_array(DENSE)
    matrix.coords[0][0] = -5
    return matrix


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (DENSE, r"not a numpy.ndarray.*Use scipy.sparse.csr_array\(value\)"),
        ([1], r"not a builtins.list.*array_serializer for dense"),
        (Own(DENSE), r"not a .*Own, which would not come back"),
        (lying(), r"contradicts itself: its has_sorted_indices"),
        (outside(), r"contradicts itself: .*ind"),
        (outside_coo(), r"contradicts itself: a coordinate lies outside"),
    ],
)
def test_refusal_says_the_fix(value: Any, message: str) -> None:
    """A refusal says what was found and what to type."""
    with pytest.raises(SerializationError, match=message):
        sparse_serializer.serialize(value)


Change = Callable[[dict[str, bytes]], None]


def rezip(matrix: Any, change: Change, compression: int = zipfile.ZIP_STORED) -> bytes:
    """The bytes of a matrix with other members in its zip."""
    with zipfile.ZipFile(io.BytesIO(sparse_serializer.serialize(matrix))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def as_npy(value: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(value))
    return file.getvalue()


def header(dtype: str, shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


class Evil:
    """Unpickling it would be noticed."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was unpickled",))


def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Evil()], object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "member", "data"),
    [
        ("csr_array", "data", pickled()),
        ("csr_array", "data", pickle.dumps(Evil())),
        ("csr_array", "format", as_npy(b"evil")),
        ("csr_array", "format", as_npy(b"coo")),
        ("csr_array", "format", as_npy(3)),
        ("csr_array", "shape", as_npy([3.5, 4.5])),
        ("csr_array", "shape", as_npy([2**62, 2**62])),
        ("csr_array", "shape", as_npy([3, -4])),
        ("csr_array", "data", header("<f8", (10**12,))),
        ("csr_array", "data", header("<f8", (4,))),
        ("csr_array", "data", as_npy(["a", "b", "c", "d"])),
        ("csr_array", "data", as_npy(np.zeros(4, "M8[s]"))),
        ("csr_array", "data", as_npy(np.zeros(9))),
        ("csr_array", "data", as_npy(np.zeros((2, 2)))),
        ("csr_array", "indices", as_npy([1, 3, 0, 2**40])),
        ("csr_array", "indices", as_npy([1, 3, 0, -1])),
        ("csr_array", "indices", as_npy([1.0, 3.0, 0.0, 2.0])),
        ("csr_array", "indices", as_npy(np.array([3, 1, 0, 2], np.int32))),
        ("csr_array", "indptr", as_npy([0, 2, 2, 10**9])),
        ("csr_array", "indptr", as_npy([0, 4, 2, 4])),
        ("csr_array", "indptr", as_npy([-8, 2, 2, 4])),
        ("csr_array", "flags", as_npy([1])),
        ("csr_array", "flags", as_npy([True])),
        ("bsr_array", "data", as_npy(np.zeros((4, 0, 0)))),
        ("coo_array", "row", as_npy([0, 0, 0, 3])),
        ("coo_array", "row", as_npy([0, 0])),
        ("coo_array", "row", as_npy([2, 2, 0, 0])),
        ("dia_array", "offsets", as_npy([0, 0, 0, 0, 0])),
        ("dia_array", "data", as_npy(np.zeros(3))),
        ("dok_array", "col", as_npy([0, 0, 0, 4])),
        ("dok_array", "col", as_npy([1, 1, 0, 2])),
        ("lil_array", "shape", as_npy([10**15, 4])),
        ("lil_array", "indices", as_npy([3, 1, 0, 2])),
        ("lil_array", "indices", as_npy([1, 3, 0, 9])),
        ("lil_array", "indptr", as_npy([0, 4, 2, 4])),
        ("lil_array", "indptr", as_npy([0, 2, 2, 3])),
    ],
)
def test_hostile_member_is_refused(name: str, member: str, data: bytes) -> None:
    """Pickles, false headers, and indices outside of the shape are refused."""

    def change(members: dict[str, bytes]) -> None:
        members[f"{member}.npy"] = data

    with pytest.raises(DeserializationError, match="not a sparse matrix that 'artigraph-scipy'"):
        sparse_serializer.deserialize(rezip(getattr(sp, name)(DENSE), change))


def test_compressed_zip_is_refused() -> None:
    """A zip that could unfold to more than it is, is refused before it does."""

    def grow(members: dict[str, bytes]) -> None:
        members["data.npy"] = bytes(50_000_000)

    data = rezip(sp.csr_array(DENSE), grow, zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    with pytest.raises(DeserializationError, match="is compressed, or there twice"):
        sparse_serializer.deserialize(data)


def test_many_members_are_refused() -> None:
    """A zip of many files, or without one that is needed, is refused."""

    def add(members: dict[str, bytes]) -> None:
        members.update({f"{i}.npy": as_npy(i) for i in range(20)})

    def drop(members: dict[str, bytes]) -> None:
        del members["indptr.npy"]

    for change, message in [(add, "holds 2. files"), (drop, "indptr")]:
        with pytest.raises(DeserializationError, match=message):
            sparse_serializer.deserialize(rezip(sp.csr_array(DENSE), change))


def test_bytes_stay() -> None:
    """A matrix is stored in the same bytes as ever, so that equal blobs are kept once."""
    data = sparse_serializer.serialize(sp.csr_array(np.arange(6.0).reshape(2, 3)))
    known = "527e27cd3db2494c1e351877c0df7486a2656df899ca2a8cdc2adb8d319d00f8"
    assert hashlib.sha256(data).hexdigest() == known
