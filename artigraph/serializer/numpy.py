"""NumPy arrays as ``.npy`` bytes.

Any shape, any dtype except object. Nothing is pickled, neither written nor
read. Extended floats (``longdouble``) depend on the processor that wrote
them; a memory map comes back as an ordinary array.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer

__all__ = ["ArraySerializer", "array_serializer", "numpy_serializer"]

Array = np.ndarray[Any, np.dtype[Any]]

MAX_HEADER = 1_000_000
"""Bytes of a header that is read; NumPy's own limit is 10,000, less than the
names of a few hundred fields."""


class ArraySerializer(Serializer[Array]):
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
        _check_class(value)
        _check_dtype(value.dtype)
        # BytesIO hands its buffer out without a copy, so the array is in
        # memory once more and not twice.
        file = io.BytesIO()
        try:
            npy.write_array(file, value, version=(1, 0), allow_pickle=False)
        except ValueError:  # names too long or too foreign for the first version
            file = io.BytesIO()
            npy.write_array(file, value, version=(3, 0), allow_pickle=False)
        if file.tell() - value.nbytes > MAX_HEADER:
            raise SerializationError(
                f"The {len(value.dtype.names or ())} fields of this array need a header of more "
                f"than {MAX_HEADER} bytes, which would not be read again. Use fewer fields."
            )
        if _has_padding(value.dtype):
            # What lies between fields is whatever was in memory: neither the
            # same twice, nor ours to publish.
            file.seek(-value.nbytes, io.SEEK_END)
            file.write(_without_padding(value))
        return file.getvalue()

    def deserialize(self, data: bytes, /) -> Array:
        """Read an array.

        Raises:
            DeserializationError: The bytes are damaged, hold objects, or go
                on after the array.
        """
        file = io.BytesIO(data)
        try:
            array: Array = npy.read_array(file, allow_pickle=False, max_header_size=MAX_HEADER)
        except Exception as error:  # the header is parsed as Python, so anything may come
            raise DeserializationError(
                f"These {len(data)} bytes are not an array that {self.name!r} wrote: {error}"
            ) from error
        if file.tell() != len(data):
            raise DeserializationError(
                f"{len(data) - file.tell()} bytes follow the array of shape {array.shape}, so "
                f"{self.name!r} did not write them, or they are damaged."
            )
        return array

    def summarize(self, value: Array, /) -> Mapping[str, Any]:
        """Its shape and dtype."""
        return {"kind": "array", "shape": list(value.shape), "dtype": str(value.dtype)}


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


def _without_padding(array: Array) -> bytes:
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    clean = np.zeros(array.shape, array.dtype, order="F" if fortran else "C")
    _copy_fields(array, clean)
    return clean.tobytes("A")


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
