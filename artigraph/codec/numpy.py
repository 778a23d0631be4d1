"""numpy scalars as JSON: numbers as Python's own, bytes where Python has no such number."""

from __future__ import annotations

import base64
import re

import numpy as np

from artigraph.codec.base import TAG, EncodingContext, native_json
from artigraph.errors import DeserializationError
from artigraph.types.scalar import NUMBER, TEXT

__all__ = ["describe_numpy", "read_numpy"]

# A dtype comes out of the database: only plain scalars of a fixed size are read.
DTYPE = re.compile(r"[<>|=]?([biufcSU])\d+|[<>=]?[mM]8(\[\w+\])?")


def describe_numpy(value: np.generic, context: EncodingContext) -> object:
    """A numpy scalar as JSON that keeps its dtype.

    Raises:
        SerializationError: A dtype without a fixed layout, such as object.
    """
    dtype = value.dtype.str
    if not DTYPE.fullmatch(dtype):
        context.refuse(value, f"a scalar of dtype {dtype!r} has no plain form", "Store an array.")
    if value.dtype.kind in "biu":
        return {TAG: "numpy", "t": dtype, "v": value.item()}
    if value.dtype.kind == "f" and value.dtype.itemsize <= 8 and _is_usual(value):
        return {TAG: "numpy", "t": dtype, "v": native_json(NUMBER, float(value))}
    if value.dtype.kind == "U":
        # An array would drop the NULs at its end.
        return {
            TAG: "numpy",
            "t": dtype,
            "v": native_json(TEXT, str.__str__(value)),
        }
    content = bytes(value) if isinstance(value, np.bytes_) else value.tobytes()
    data = base64.b64encode(content).decode()
    return {TAG: "numpy", "t": dtype, "v": {TAG: "bytes", "v": data}}


def read_numpy(dtype: str, content: object) -> np.generic:
    """A numpy scalar from what :func:`describe_numpy` made.

    Args:
        dtype: Its dtype, such as ``"<f8"``.
        content: A number or the scalar's bytes.

    Raises:
        DeserializationError: A dtype that no scalar was written with.
    """
    if not DTYPE.fullmatch(dtype):
        raise DeserializationError(f"{dtype!r} is no dtype of a scalar.")
    if content is None:  # numpy takes it for NaN
        raise DeserializationError(f"A scalar of dtype {dtype!r} was stored without its value.")
    if isinstance(content, bytes) and np.dtype(dtype).kind != "S":
        scalar: np.generic = np.frombuffer(content, np.dtype(dtype), count=1)[0]
        return scalar
    number: np.generic = np.dtype(dtype).type(content)
    return number


def _is_usual(value: np.generic) -> bool:
    """Whether a float is all that its number tells; a NaN may carry more."""
    return bool(value == value) or value.tobytes() == value.dtype.type(np.nan).tobytes()
