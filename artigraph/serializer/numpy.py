"""NumPy arrays as ``.npy`` bytes.

Any shape, any dtype except object. Nothing is pickled, neither written nor
read. Extended floats (``longdouble``) depend on the processor that wrote
them; a memory map comes back as an ordinary array.
"""

from __future__ import annotations

import ast
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.part import SliceSerializer, parsed, reading

__all__ = ["ArraySerializer", "Header", "array_serializer", "numpy_serializer", "read_header"]

Array = np.ndarray[Any, np.dtype[Any]]

MAX_HEADER = 1_000_000
"""Bytes of a header that is read; NumPy's own limit is 10,000, less than the
names of a few hundred fields."""

FIRST_READ = 4096
"""Bytes read at once for the header, which nearly always are enough."""


class Header(NamedTuple):
    """What an ``.npy`` file says before its values."""

    shape: tuple[int, ...]
    """Length of each axis."""
    dtype: np.dtype[Any]
    fortran_order: bool
    """Whether the first axis changes fastest."""
    offset: int
    """Bytes before the first value."""

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return self.dtype.itemsize * math.prod(self.shape)


class ArraySerializer(SliceSerializer[Array]):
    """Arrays as ``.npy`` bytes.

    * keeps shape (0-dimensional and empty too), dtype, byte order, structured
      fields, and Fortran order where the whole array has it
    * refuses object arrays, which would need pickle, dtypes that ``.npy``
      cannot describe, and subclasses of ndarray such as masked arrays
    """

    name = "artigraph-numpy"
    types = (np.ndarray,)

    def serialize(self, value: Array, /) -> bytes:
        """Write an array.

        Raises:
            SerializationError: It would not come back equal.
        """
        # BytesIO hands its buffer out without a copy, so the array is in
        # memory once more and not twice.
        file = io.BytesIO()
        self.dump(value, file)
        return file.getvalue()

    def deserialize(self, data: bytes, /) -> Array:
        """Read an array.

        Raises:
            DeserializationError: The bytes are damaged, hold objects, or go
                on after the array.
        """
        return self._load(io.BytesIO(data), f"These {len(data)} bytes are")

    def dump(self, value: Array, file: BinaryIO, /) -> Mapping[str, Any]:
        """Write an array, some megabytes at a time.

        Raises:
            SerializationError: It would not come back equal; nothing was
                written.
        """
        _check_class(value)
        _check_dtype(value.dtype)
        version = _version(value)
        if _has_padding(value.dtype):
            # What lies between fields is whatever was in memory: neither the
            # same twice, nor ours to publish.
            value = _without_padding(value)
        npy.write_array(file, value, version=version, allow_pickle=False)
        return self.summarize(value)

    def load(self, file: BinaryIO, /) -> Array:
        """Read an array straight into its own memory.

        Raises:
            DeserializationError: The file is damaged, holds objects, or goes
                on after the array.
        """
        return self._load(file, "This file is")

    def _load(self, file: BinaryIO, what: str) -> Array:
        start = file.tell()
        # The header is parsed as Python, so anything may come.
        with reading(f"{what} not an array that {self.name!r} wrote"):
            array = parsed(lambda: _read_array(file, start))
        more = -file.tell() + file.seek(0, io.SEEK_END)
        if more:
            raise DeserializationError(
                f"{more} bytes follow the array of shape {array.shape}, so {self.name!r} did not "
                "write them, or they are damaged."
            )
        return array

    def read_slice(self, file: BinaryIO, start: int, stop: int, /) -> Array:
        """Read the elements ``start`` to ``stop`` of the first axis.

        They are one range of bytes, but in Fortran order, where the whole
        array is read. Values have no checksum.

        Raises:
            DeserializationError: The file is damaged, or has no such slice.
        """
        header = read_header(file)
        shape = header.shape
        if not shape or not 0 <= start <= stop <= shape[0]:
            raise DeserializationError(
                f"An array of shape {shape} has no slice from {start} to {stop}."
            )
        if header.fortran_order and len(shape) > 1:
            file.seek(0)
            return self.load(file)[start:stop].copy(order="F")
        with reading("This file is not an array, or it is damaged"):
            row = header.dtype.itemsize * math.prod(shape[1:])
            file.seek(header.offset + start * row)
            data = bytearray(file.read((stop - start) * row))
            array = np.frombuffer(data, header.dtype) if data else np.empty(0, header.dtype)
            return array.reshape((stop - start, *shape[1:]))

    def memory_map(self, path: Path, /) -> Array:
        """Map a file into memory, to be read but not written.

        Raises:
            DeserializationError: The file is no array, or it has another size.
        """
        with path.open("rb") as file:
            header = read_header(file)
        size = path.stat().st_size
        if size != header.offset + header.nbytes:
            raise DeserializationError(
                f"{str(path)!r} has {size} bytes, where an array of shape {header.shape} and dtype "
                f"{header.dtype} takes {header.offset + header.nbytes}. It is damaged."
            )
        order: Literal["C", "F"] = "F" if header.fortran_order else "C"
        if header.nbytes == 0:
            # The system maps no empty ranges.
            empty: Array = np.empty(header.shape, header.dtype, order)
            empty.flags.writeable = False
            return empty
        with reading("This file cannot be mapped"):
            return np.memmap(path, header.dtype, "r", header.offset, header.shape, order)

    def summarize(self, value: Array, /) -> Mapping[str, Any]:
        """Its shape and dtype."""
        return {"kind": "array", "shape": list(value.shape), "dtype": str(value.dtype)}


def read_header(file: BinaryIO) -> Header:
    """Read what an ``.npy`` file says before its values, nearly always in one read.

    Raises:
        DeserializationError: It is no such file, it is damaged, or it holds
            objects.
    """
    with reading("This file is not an array that 'artigraph-numpy' wrote"):
        file.seek(0)
        start = file.read(FIRST_READ)
        if start[:6] != b"\x93NUMPY" or start[6:8] not in (b"\1\0", b"\2\0", b"\3\0"):
            raise ValueError(f"it begins with {start[:8]!r}")
        width = 2 if start[6] == 1 else 4
        length = int.from_bytes(start[8 : 8 + width], "little")
        if length > MAX_HEADER:
            raise ValueError(f"its header has {length} bytes, more than {MAX_HEADER}")
        offset = 8 + width + length
        if offset > len(start):
            start += file.read(offset - len(start))
        text = start[8 + width : offset]
        if len(text) < length:
            raise ValueError("it ends within its header")
        literal = text.decode("utf-8" if start[6] == 3 else "latin-1")
        fields = parsed(lambda: ast.literal_eval(literal))
        if set(fields) != {"descr", "fortran_order", "shape"}:
            raise ValueError(f"its header has the keys {sorted(fields)}")
        shape, fortran_order = fields["shape"], fields["fortran_order"]
        if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError(f"its shape is {shape!r}")
        dtype = npy.descr_to_dtype(fields["descr"])
        if dtype.hasobject:
            raise ValueError("it holds Python objects, which only pickle could read")
    return Header(shape, dtype, bool(fortran_order), offset)


def _read_array(file: BinaryIO, start: int) -> Array:
    file.seek(start)
    array: Array = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
    return array


def _version(value: Array) -> tuple[int, int]:
    # Titles and names stand in the header, which the first version keeps short.
    header = repr(npy.header_data_from_array_1_0(value))
    if len(header.encode()) > MAX_HEADER - 1000:  # it is padded, and leaves room to grow
        raise SerializationError(
            f"The {len(value.dtype.names or ())} fields of this array need a header of more "
            f"than {MAX_HEADER} bytes, which would not be read again. Use fewer fields."
        )
    try:
        npy.write_array(io.BytesIO(), np.empty(0, value.dtype), version=(1, 0))
        fits = len(header) < 2**16 - 1000
    except ValueError:  # names too long or too foreign for the first version
        fits = False
    return (1, 0) if fits else (3, 0)


def _check_class(value: object) -> None:
    if type(value) in (np.ndarray, np.memmap):
        return
    if isinstance(value, np.ma.MaskedArray):
        fix = "Store value.filled(...) and value.mask as two arrays."
    elif isinstance(value, np.ndarray):
        fix = "Use value.view(numpy.ndarray)."
    else:
        fix = "Use numpy.asarray(value)."
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    raise SerializationError(
        f"{ArraySerializer.name!r} takes a numpy.ndarray, not a {name}, "
        f"which would not come back as one. {fix}"
    )


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        fix = (
            "Use value.astype('U')."
            if dtype.kind == "T"
            else "Convert it, as with value.astype(float) or value.astype('U')."
        )
        raise SerializationError(
            f"An array of dtype {dtype!r} holds Python objects, which only pickle could store. "
            f"{fix}"
        )
    if _has_metadata(dtype):
        raise SerializationError(
            f"The dtype {dtype!r} carries metadata, which would be lost. Store it beside the "
            "array, and convert with value.astype(numpy.dtype(value.dtype.str))."
        )
    try:
        back = npy.descr_to_dtype(npy.dtype_to_descr(dtype))
    except (ValueError, TypeError) as error:
        raise SerializationError(
            f"The dtype {dtype!r} cannot be written as .npy: {error}. Use "
            "numpy.lib.recfunctions.repack_fields(value)."
        ) from error
    if back != dtype or back.type is not dtype.type:
        raise SerializationError(
            f"An array of dtype {dtype!r} would come back with {back!r}. "
            f"Use value.astype({back!r})."
        )


def _has_padding(dtype: np.dtype[Any]) -> bool:
    if dtype.subdtype is not None:
        return _has_padding(dtype.subdtype[0])
    if dtype.fields is None:
        return False
    parts = [field[0] for field in _fields(dtype)]
    return sum(part.itemsize for part in parts) < dtype.itemsize or any(map(_has_padding, parts))


def _without_padding(array: Array) -> Array:
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    clean = np.zeros(array.shape, array.dtype, order="F" if fortran else "C")
    _copy_fields(array, clean)
    return clean


def _copy_fields(source: Array, target: Array) -> None:
    # NumPy may copy a whole record with its padding, but not a single field.
    if source.dtype.names is None:
        target[...] = source
    for name in source.dtype.names or ():
        _copy_fields(source[name], target[name])


def _fields(dtype: np.dtype[Any]) -> list[Any]:
    # A title stands for its field a second time.
    fields: Mapping[str, Any] = dtype.fields or {}
    return [fields[name] for name in dtype.names or ()]


def _has_metadata(dtype: np.dtype[Any]) -> bool:
    if dtype.metadata:
        return True
    if dtype.subdtype is not None:
        return _has_metadata(dtype.subdtype[0])
    return any(_has_metadata(field[0]) for field in _fields(dtype))


array_serializer = ArraySerializer()
"""NumPy arrays."""

numpy_serializer = array_serializer
"""The same by another name."""
