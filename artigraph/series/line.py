"""A curve as lists draw it: the smallest and largest value of up to 64 stretches of equal length.

It grows along with the curve: once there are 64 stretches, two at a time become one, and all that
follow are twice as long. So a list of runs draws curves of any length without reading a point.

As bytes: the version, 1; how many points a stretch has and how many the last one has so far,
in 8 bytes each; then the two values of each stretch as 4-byte floats, NaN where it has
no finite value. All little endian.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Sequence
from math import inf, isfinite, nan

__all__ = ["LONGEST_LINE", "MOST_BUCKETS", "Line", "read_buckets"]

VERSION = 1
MOST_BUCKETS = 64
LARGEST = 3.4028234663852886e38
"""The largest 4-byte float."""

_HEAD = struct.Struct("<BQQ")
LONGEST_LINE = _HEAD.size + 8 * MOST_BUCKETS
"""Bytes."""

Bucket = tuple[float, float]


class Line:
    """A curve as lists draw it, while it grows.

    Args:
        data: What was packed before; begun anew where that cannot be read.
        points: How many points the curve has.
    """

    def __init__(self, data: bytes | None = None, points: int = 0) -> None:
        self.stride, self.filled, self.buckets = _read(data) or (1, 0, [])
        if not self.buckets and points:
            # What it missed is drawn as a gap.
            self._skip(points)

    def _skip(self, points: int) -> None:
        while self.stride * MOST_BUCKETS < points:
            self.stride *= 2
        full, self.filled = divmod(points, self.stride)
        self.buckets = [(nan, nan)] * (full + bool(self.filled))
        self.filled = self.filled or self.stride

    def copy(self) -> Line:
        """Another one like it."""
        made = Line()
        made.stride, made.filled, made.buckets = self.stride, self.filled, list(self.buckets)
        return made

    def extend(self, values: Sequence[float]) -> None:
        """Go on with some values."""
        at, most = 0, len(values)
        while at < most:
            if not self.buckets or self.filled >= self.stride:
                if len(self.buckets) >= MOST_BUCKETS:
                    self._halve()
                    continue
                self.buckets.append((nan, nan))
                self.filled = 0
            taken = min(self.stride - self.filled, most - at)
            self.buckets[-1] = joined(self.buckets[-1], span(values[at : at + taken]))
            self.filled += taken
            at += taken

    def _halve(self) -> None:
        pairs = zip(self.buckets[::2], self.buckets[1::2], strict=True)
        self.buckets = [joined(one, two) for one, two in pairs]
        self.stride *= 2
        self.filled = self.stride

    def pack(self) -> bytes:
        """Its bytes."""
        clipped = [max(-LARGEST, min(LARGEST, v)) if v == v else v for b in self.buckets for v in b]
        packed = array("f", clipped)
        if sys.byteorder == "big":
            packed.byteswap()
        return _HEAD.pack(VERSION, self.stride, self.filled) + packed.tobytes()


def span(values: Sequence[float]) -> Bucket:
    """The smallest and the largest finite value; NaN twice if there is none."""
    low, high = min(values), max(values)
    # A NaN among them may make these any of them.
    if not isfinite(sum(values)) or not -inf < low <= high < inf:
        finite = [value for value in values if isfinite(value)]
        if not finite:
            return nan, nan
        low, high = min(finite), max(finite)
    return low, high


def joined(one: Bucket, two: Bucket) -> Bucket:
    """Both stretches as one."""
    if one[0] != one[0]:
        return two
    if two[0] != two[0]:
        return one
    return min(one[0], two[0]), max(one[1], two[1])


def _read(data: object) -> tuple[int, int, list[Bucket]] | None:
    if not isinstance(data, bytes) or not _HEAD.size < len(data) <= LONGEST_LINE:
        return None
    version, stride, filled = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if version != VERSION or len(body) % 8 or not 0 < filled <= stride <= 2**40:
        return None
    values = array("f", body)
    if sys.byteorder == "big":
        values.byteswap()
    pairs = list(zip(values[::2], values[1::2], strict=True))
    return (
        stride,
        filled,
        [pair if -inf < pair[0] <= pair[1] < inf else (nan, nan) for pair in pairs],
    )


def read_buckets(data: object) -> tuple[Bucket, ...]:
    """The stretches of a packed line.

    Args:
        data: Its bytes, which may be anybody's.

    Returns:
        The smallest and largest value of each, NaN twice where it has none; nothing of what is
        no line.
    """
    read = _read(data)
    return () if read is None else tuple(read[2])
