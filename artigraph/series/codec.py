"""Points packed into the bytes of a block, and read from bytes that anybody may have written.

A block is, in this order and little endian:

* a byte with the version of this format, 1
* the steps, and then the times in milliseconds since 1970, each as whole numbers: a byte that
  says how, and the first number in 8 bytes. ``0``: an 8-byte stride follows, which leads from
  each number to the next. ``1``, ``2``, ``4`` or ``8``: the differences from one number to the
  next follow, in that many bytes each; a difference that 64 bits do not hold is wrapped. 128 more:
  the differences are compressed
* the values: a byte that says how, then all of them as 8-byte floats, ``0``; or ``1``: all of
  their first bytes, then all of their second ones and so on, compressed

What is compressed is a 4-byte length and a stream of zlib. Infinities and every NaN come back as
they were. A packed block is never evaluated, and makes no more memory than its count allows.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import sub

from artigraph.errors import DeserializationError

__all__ = ["LONGEST_BLOCK", "MOST_POINTS", "Packed", "Points", "pack", "unpack", "unpack_points"]

VERSION = 1
MOST_POINTS = 65_536
"""Points that a block may have; artigraph writes far fewer."""
LONGEST_BLOCK = 2 * 24 * MOST_POINTS
"""Bytes that a block may have."""

_FIRST = struct.Struct("<Bq")
_STRIDE = struct.Struct("<q")
_LENGTH = struct.Struct("<I")
_WIDTHS = {1: "b", 2: "h", 4: "i", 8: "q"}
_COMPRESSED = 0x80
_FLOAT = 8
_HALF, _WHOLE = 2**63, 2**64


@dataclass(frozen=True)
class Points:
    """Some points of a curve, one after another."""

    steps: array[int]
    """Signed 64-bit integers."""
    times: array[int]
    """Milliseconds since 1970, in UTC, signed 64-bit."""
    values: array[float]
    """64-bit floats."""

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Whole:
    """Whole numbers as they are packed: the first, and what leads from each to the next."""

    first: int
    stride: int | None
    """The same each time; ``None`` if it is not."""
    width: int = 0
    """Bytes of each difference."""
    differences: bytes = b""
    """Little endian and signed, one fewer than there are numbers."""


@dataclass(frozen=True)
class Packed:
    """A block taken apart, for whoever makes numbers of it in a way of his own."""

    count: int
    steps: Whole
    times: Whole
    values: bytes
    """8-byte floats, little endian."""


def _little(numbers: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _from_little(code: str, data: bytes) -> array[int]:
    numbers: array[int] = array(code)
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def pack(steps: Sequence[int], times: Sequence[int], values: Sequence[float]) -> bytes:
    """Pack points.

    Args:
        steps: Integers of 64 bits.
        times: As many milliseconds since 1970.
        values: As many floats.

    Returns:
        The bytes of a block, without their count.
    """
    return b"".join((bytes((VERSION,)), _whole(steps), _whole(times), _floats(values)))


def _whole(numbers: Sequence[int]) -> bytes:
    if len(numbers) < 2:
        first = numbers[0] if numbers else 0
        return _FIRST.pack(0, first) + _STRIDE.pack(0)
    differences = list(map(sub, numbers[1:], numbers))
    low, high = min(differences), max(differences)
    if low < -_HALF or high >= _HALF:
        differences = [(one + _HALF) % _WHOLE - _HALF for one in differences]
        low, high = min(differences), max(differences)
    if low == high:
        return _FIRST.pack(0, numbers[0]) + _STRIDE.pack(low)
    width = next(w for w in _WIDTHS if -(1 << 8 * w - 1) <= low and high < 1 << 8 * w - 1)
    plain = _little(array(_WIDTHS[width], differences))
    packed = zlib.compress(plain, 6)
    if len(packed) + _LENGTH.size < len(plain):
        return _FIRST.pack(width | _COMPRESSED, numbers[0]) + _LENGTH.pack(len(packed)) + packed
    return _FIRST.pack(width, numbers[0]) + plain


def _floats(values: Sequence[float]) -> bytes:
    plain = _little(values if isinstance(values, array) else array("d", values))
    shuffled = b"".join(plain[place::_FLOAT] for place in range(_FLOAT))
    packed = zlib.compress(shuffled, 6)
    # A little less is not worth the time that it takes each reader.
    if len(packed) + _LENGTH.size < len(plain) * 3 // 4:
        return b"\x01" + _LENGTH.pack(len(packed)) + packed
    return b"\x00" + plain


def unpack(data: bytes, count: int) -> Packed:
    """Take a block apart.

    Args:
        data: Its bytes, which may be anybody's.
        count: How many points it is said to have.

    Raises:
        DeserializationError: It is no block of so many points, or of a newer artigraph.
    """
    if not isinstance(data, bytes) or type(count) is not int or not 0 < count <= MOST_POINTS:
        raise _damaged(f"it is said to have {count!r:.40} points")
    if len(data) > LONGEST_BLOCK:
        raise _damaged(f"it has {len(data):,} bytes")
    if data[:1] != bytes((VERSION,)):
        raise DeserializationError(
            f"A block of points has the format {data[:1]!r}, and this artigraph knows {VERSION}. "
            "If a newer artigraph wrote it, install that: pip install -U artigraph"
        )
    try:
        steps, at = _read_whole(data, 1, count)
        times, at = _read_whole(data, at, count)
        values, at = _read_floats(data, at, count)
    except (struct.error, IndexError, zlib.error) as error:
        raise _damaged(str(error)) from error
    if at != len(data):
        raise _damaged(f"{len(data) - at:,} bytes follow behind its end")
    return Packed(count, steps, times, values)


def unpack_points(data: bytes, count: int) -> Points:
    """The points of a block, without any library.

    Args:
        data: Its bytes.
        count: How many points it is said to have.

    Raises:
        DeserializationError: As :func:`unpack`.
    """
    packed = unpack(data, count)
    values: array[float] = array("d")
    values.frombytes(packed.values)
    if sys.byteorder == "big":
        values.byteswap()
    return Points(_numbers(packed.steps, count), _numbers(packed.times, count), values)


def _numbers(whole: Whole, count: int) -> array[int]:
    if whole.stride is None:
        differences: Sequence[int] = _from_little(_WIDTHS[whole.width], whole.differences)
    else:
        differences = (whole.stride,) * (count - 1)
    numbers = list(accumulate(differences, initial=whole.first))
    if min(numbers) < -_HALF or max(numbers) >= _HALF:
        numbers = [(one + _HALF) % _WHOLE - _HALF for one in numbers]
    return array("q", numbers)


def _read_whole(data: bytes, at: int, count: int) -> tuple[Whole, int]:
    how, first = _FIRST.unpack_from(data, at)
    at += _FIRST.size
    if how == 0:
        (stride,) = _STRIDE.unpack_from(data, at)
        return Whole(first, stride), at + _STRIDE.size
    width = how & ~_COMPRESSED
    if width not in _WIDTHS:
        raise _damaged(f"numbers of {width} bytes")
    size = width * (count - 1)
    if how & _COMPRESSED:
        plain, at = _inflate(data, at, size)
    else:
        plain, at = _slice(data, at, size), at + size
    return Whole(first, None, width, plain), at


def _read_floats(data: bytes, at: int, count: int) -> tuple[bytes, int]:
    how, size = data[at], _FLOAT * count
    at += 1
    if how == 0:
        return _slice(data, at, size), at + size
    if how != 1:
        raise _damaged(f"values packed in the way {how}")
    shuffled, at = _inflate(data, at, size)
    plain = bytearray(size)
    for place in range(_FLOAT):
        plain[place::_FLOAT] = shuffled[place * count : (place + 1) * count]
    return bytes(plain), at


def _slice(data: bytes, at: int, size: int) -> bytes:
    found = data[at : at + size]
    if len(found) != size:
        raise _damaged("its end is missing")
    return found


def _inflate(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    (length,) = _LENGTH.unpack_from(data, at)
    at += _LENGTH.size
    opened = zlib.decompressobj()
    # A small stream may stand for any amount of memory.
    plain = opened.decompress(_slice(data, at, length), size + 1)
    if len(plain) != size or not opened.eof or opened.unused_data:
        raise _damaged("a stream of another length than it should have")
    return plain, at + length


def _damaged(found: str) -> DeserializationError:
    return DeserializationError(
        f"A block of points is damaged: {found}. Its points cannot be read; a copy of the database "
        "from before that may still have them."
    )
