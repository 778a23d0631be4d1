"""SciPy's sparse arrays and matrices as ``.npz`` bytes.

The parts of a matrix are ``.npy`` files in an uncompressed zip, named as
SciPy's own ``save_npz`` names them, so ``scipy.sparse.load_npz`` opens the
formats that it knows (all but lil and dok). Nothing is pickled, neither
written nor read, and indices are checked before SciPy's C code sees them.

Spare room at the end of a matrix's buffers is not kept, nor how many entries
it prints. Values in the lists of a lil matrix come back as Python numbers.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.lib import format as npy

from artigraph.errors import SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.part import parsed, reading

__all__ = ["SparseSerializer", "sparse_serializer"]

Array = np.ndarray[Any, np.dtype[Any]]
Parts = dict[str, Array]

Sparse: TypeAlias = Any
"""A sparse array or matrix: SciPy ships no types."""

COMPRESSED = ("bsr", "csc", "csr")
FORMATS = (*COMPRESSED, "coo", "dia", "dok", "lil")
CLASSES = {
    getattr(sp, f"{form}_{kind}"): (form, kind == "array")
    for form in FORMATS
    for kind in ("array", "matrix")
}

MAX_MEMBERS = 16
"""Files in a zip; more would mean that something else wrote it."""


class SparseSerializer(Serializer[Any]):
    """Every sparse array and matrix of SciPy as ``.npz``.

    * keeps format, class (array or matrix), shape, dtype, dtypes of indices,
      explicit zeros, duplicates, the order of entries, and what the matrix
      says of itself (``has_sorted_indices``, ``has_canonical_format``)
    * refuses dtypes that SciPy does not support, such as object, foreign byte
      orders, subclasses, and matrices whose indices contradict their shape
    """

    name = "artigraph-scipy"
    types = tuple(CLASSES)

    def serialize(self, value: Sparse, /) -> bytes:
        """Write a sparse array or matrix.

        Raises:
            SerializationError: It is none, or would not come back equal.
        """
        _check_value(value)
        try:
            parts = _take_apart(value)
            # What the reader will check, without a copy of the entries.
            _put_together(parts)
        except Exception as error:  # SciPy has many words for a broken matrix
            raise SerializationError(
                f"This {type(value).__name__} of shape {value.shape} contradicts itself: {error}. "
                "Build it anew from its entries; value.check_format() says whether it is sound."
            ) from error
        return _zip(parts)

    def deserialize(self, data: bytes, /) -> Sparse:
        """Read a sparse array or matrix.

        Raises:
            DeserializationError: The bytes are not what this serializer
                writes, damaged, or their indices lie outside of the shape.
        """
        told = f"These {len(data)} bytes are not a sparse matrix that {self.name!r} wrote"
        with reading(f"{told}, or they are damaged"):
            return _put_together(_unzip(data))

    def summarize(self, value: Sparse, /) -> Mapping[str, Any]:
        """Its format, shape, dtype and number of stored entries."""
        return {
            "kind": "sparse",
            "format": value.format,
            "shape": [int(length) for length in value.shape],
            "dtype": str(value.dtype),
            "stored": int(value.nnz),
        }


def _check_value(value: Sparse) -> None:
    if type(value) not in CLASSES:
        fix = "Use scipy.sparse.csr_array(value)."
        if not sp.issparse(value) and not isinstance(value, np.ndarray):
            fix = "Use artigraph.serializer.numpy.array_serializer for dense data."
        raise SerializationError(
            f"{SparseSerializer.name!r} takes SciPy's own sparse arrays and matrices, not a "
            f"{type(value).__module__}.{type(value).__qualname__}, which would not come back as "
            f"one. {fix}"
        )
    if value.dtype.kind not in "biufc" or not value.dtype.isnative:
        raise SerializationError(
            f"A sparse matrix of dtype {value.dtype!r} cannot be stored: it needs numbers in this "
            "machine's byte order. Use value.astype(float)."
        )


def _take_apart(value: Sparse) -> Parts:
    form, is_array = CLASSES[type(value)]
    shape = np.array(value.shape, np.int64)
    parts: Parts = {"format": np.array(form.encode("ascii")), "shape": shape}
    if is_array:
        parts["_is_array"] = np.array(True)
    if form in COMPRESSED:
        stored = int(value.indptr[-1]) if len(value.indptr) else 0
        parts |= {"indices": value.indices[:stored], "indptr": value.indptr}
        parts["data"] = value.data[:stored]
        # Before it is asked for its flags, which C code finds in its indices.
        arrays = (parts["data"], parts["indices"], parts["indptr"])
        type(value)(arrays, shape=value.shape).check_format(full_check=True)
        parts["flags"] = np.array([value.has_sorted_indices, value.has_canonical_format])
    elif form == "coo":
        parts |= _coordinates(value.coords) | {"data": value.data}
        parts["flags"] = np.array([value.has_canonical_format])
    elif form == "dia":
        parts |= {"offsets": value.offsets, "data": value.data}
    elif form == "dok":
        keys = np.array(list(value.keys()), np.int64).reshape(-1, value.ndim)
        parts |= _coordinates(tuple(keys.T))
        parts["data"] = np.array(list(value.values()), value.dtype)
    else:
        counts = [len(row) for row in value.rows]
        parts["indptr"] = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        parts["indices"] = np.array([i for row in value.rows for i in row], np.int64)
        parts["data"] = np.array([x for row in value.data for x in row], value.dtype)
    return parts


def _coordinates(coords: tuple[Array, ...]) -> Parts:
    # As save_npz names them.
    if len(coords) == 2:
        return {"row": coords[0], "col": coords[1]}
    return {"coords": np.array(coords)}


def _put_together(parts: Parts) -> Sparse:
    form = parts["format"].item().decode("ascii")
    if form not in FORMATS:
        raise ValueError(f"{form!r} is no sparse format; known are {', '.join(FORMATS)}")
    cls = getattr(sp, f"{form}_{'array' if '_is_array' in parts else 'matrix'}")
    shape = tuple(_integers(parts["shape"]).tolist())
    data = parts["data"]
    dimensions = {"bsr": 3, "dia": 2}.get(form, 1)
    if data.dtype.kind not in "biufc" or data.ndim != dimensions:
        raise ValueError(f"the values are {data.ndim}-dimensional and of dtype {data.dtype}")
    if form in COMPRESSED:
        matrix = _compressed(cls, shape, parts)
    elif form == "dia":
        matrix = cls((data, parts["offsets"]), shape=shape)
        matrix.offsets = _integers(parts["offsets"])
    elif form == "lil":
        matrix = _lists(cls, shape, parts)
    else:
        found = parts["coords"] if "coords" in parts else (parts["row"], parts["col"])
        coords = tuple(_integers(one) for one in found)
        _check_coordinates(coords, shape, len(data))
        matrix = (_keys if form == "dok" else _triples)(cls, shape, coords, parts)
    if matrix.dtype != data.dtype or tuple(matrix.shape) != shape:
        raise ValueError(f"it would come back with dtype {matrix.dtype} and shape {matrix.shape}")
    return matrix


def _compressed(cls: type[Sparse], shape: tuple[int, ...], parts: Parts) -> Sparse:
    data, indices, indptr = parts["data"], _integers(parts["indices"]), _integers(parts["indptr"])
    matrix = cls((data, indices, indptr), shape=shape)
    # SciPy narrows indices where it can; a wrong one would be read outside of
    # the buffer by its C code.
    matrix.check_format(full_check=True)
    found = (bool(matrix.has_sorted_indices), bool(matrix.has_canonical_format))
    if len(data) != len(indices) or matrix.data.dtype != data.dtype:
        raise ValueError(f"{len(data)} values for {len(indices)} indices")
    matrix.indices, matrix.indptr = indices, indptr
    said = (_flag(parts, 0), _flag(parts, 1))
    if any(says and not is_so for says, is_so in zip(said, found, strict=True)):
        raise ValueError(
            "its has_sorted_indices or has_canonical_format is set, but its indices are unsorted "
            "or double"
        )
    # In this order: clearing the first clears the second.
    matrix.has_sorted_indices, matrix.has_canonical_format = said[0], said[1]
    return matrix


def _lists(cls: type[Sparse], shape: tuple[int, ...], parts: Parts) -> Sparse:
    data, indices, indptr = parts["data"], _integers(parts["indices"]), _integers(parts["indptr"])
    # Before anything of the shape's size is made.
    if len(shape) != 2 or len(indptr) != shape[0] + 1 or len(data) != len(indices):
        raise ValueError(f"{len(indptr)} row ends and {len(data)} values for shape {shape}")
    ends = indptr.tolist()
    if ends[0] != 0 or ends[-1] != len(data) or (np.diff(indptr) < 0).any():
        raise ValueError("its rows do not follow each other")
    rows = np.repeat(np.arange(shape[0]), np.diff(indptr))
    _check_coordinates((rows, indices), shape, len(data))
    if not _is_canonical((rows, indices)):
        raise ValueError("the columns of a row are unsorted or double")
    columns, values = indices.tolist(), data.tolist()
    matrix = cls(shape, dtype=data.dtype)
    for i in range(shape[0]):
        matrix.rows[i] = columns[ends[i] : ends[i + 1]]
        matrix.data[i] = values[ends[i] : ends[i + 1]]
    return matrix


def _triples(
    cls: type[Sparse], shape: tuple[int, ...], coords: tuple[Array, ...], parts: Parts
) -> Sparse:
    matrix = cls((parts["data"], coords), shape=shape)
    matrix.coords = coords  # SciPy may have narrowed them
    matrix.has_canonical_format = _flag(parts, 0)
    if matrix.has_canonical_format and not _is_canonical(coords):
        raise ValueError("its has_canonical_format is set, but entries are unsorted or double")
    return matrix


def _keys(
    cls: type[Sparse], shape: tuple[int, ...], coords: tuple[Array, ...], parts: Parts
) -> Sparse:
    data = parts["data"]
    matrix = cls(shape, dtype=data.dtype)
    lists = [one.tolist() for one in coords]
    # setdefault, for assigning a zero would drop it.
    for key, value in zip(zip(*lists, strict=True), data, strict=True):
        matrix.setdefault(key if len(key) > 1 else key[0], value)
    if matrix.nnz != len(data):
        raise ValueError(f"only {matrix.nnz} of {len(data)} keys differ")
    return matrix


def _check_coordinates(coords: tuple[Array, ...], shape: tuple[int, ...], stored: int) -> None:
    if len(coords) != len(shape) or any(one.shape != (stored,) for one in coords):
        raise ValueError(f"{len(coords)} lists of coordinates for shape {shape}")
    for one, length in zip(coords, shape, strict=True):
        if stored and (one.min() < 0 or one.max() >= length):
            raise ValueError(f"a coordinate lies outside of shape {shape}")


def _is_canonical(coords: tuple[Array, ...]) -> bool:
    """Whether every entry comes after the one before, by rows."""
    undecided = np.ones(max(0, len(coords[0]) - 1), bool)
    for one in coords:
        if (undecided & (one[1:] < one[:-1])).any():
            return False
        undecided &= one[1:] == one[:-1]
    return not undecided.any()


def _integers(array: Array) -> Array:
    if array.dtype not in (np.int32, np.int64):
        raise ValueError(f"its indices have dtype {array.dtype}, not int32 or int64")
    return array


def _flag(parts: Parts, index: int) -> bool:
    return parts["flags"].tolist()[index] is True


def _zip(parts: Parts) -> bytes:
    file = io.BytesIO()
    # Not compressed, so that a reader never makes more of the bytes than they are;
    # and without times, so that equal parts make equal bytes.
    np.savez(file, **parts)  # type: ignore[arg-type]  # no part is named as an argument
    return file.getvalue()


def _unzip(data: bytes) -> Parts:
    parts: Parts = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise ValueError(f"the zip holds {len(members)} files")
        for member in members:
            name = member.filename.removesuffix(".npy")
            if member.compress_type != zipfile.ZIP_STORED or name in parts:
                raise ValueError(f"{member.filename!r} is compressed, or there twice")
            if member.file_size > len(data):
                raise ValueError(f"{member.filename!r} is said to be larger than the zip")
            parts[name] = _read_array(archive.read(member))
    return parts


def _read_array(data: bytes) -> Array:
    file = io.BytesIO(data)
    if npy.read_magic(file) != (1, 0):
        raise ValueError("an array has another version of the .npy format")
    header = file.tell()

    def read_header() -> Any:
        file.seek(header)
        return npy.read_array_header_1_0(file)

    shape, fortran, dtype = parsed(read_header)
    if dtype.kind not in "biufcS":
        raise ValueError(f"an array has dtype {dtype}, which is never written")
    # NumPy would make room for whatever the header says.
    start = file.tell()
    if math.prod(shape) * dtype.itemsize != len(data) - start:
        raise ValueError(f"an array of shape {shape} has {len(data) - start} bytes")
    # A copy, for bytes cannot be written to.
    flat = np.frombuffer(data, dtype, offset=start).copy()
    return flat.reshape(shape, order="F" if fortran else "C")


sparse_serializer = SparseSerializer()
"""SciPy's sparse arrays and matrices."""
