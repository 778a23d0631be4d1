"""Previews of arrays that are pictures: whole numbers below 256, in gray or in colours."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

from artigraph.display.facts import Facts, Picture
from artigraph.display.library import WIDEST, shape_line
from artigraph.display.options import Limits
from artigraph.display.value import format_size
from artigraph.preview.base import Content, previews

__all__ = ["show_array"]

LARGEST = 64 * 2**20
"""Elements of an array that is read for its picture."""

_COLOURS = {1: 0, 3: 2, 4: 6}
"""How a PNG calls pixels of so many numbers."""


@previews("artigraph-numpy")
def show_array(content: Content, limits: Limits) -> Facts:
    """An array of bytes as a picture, where its shape is that of one."""
    shape = content.summary.get("shape")
    dtype = content.summary.get("dtype")
    known = isinstance(shape, list) and all(type(one) is int and one >= 0 for one in shape)
    line = shape_line(shape, str(dtype)) if isinstance(shape, list) and known else "an array"
    facts = Facts("Preview", content.name, lines=(line,))
    if not isinstance(shape, list) or not known or dtype != "uint8" or not _is_picture(shape):
        return facts
    if math.prod(shape) > LARGEST or content.size > LARGEST + 10_000:
        told = f"not drawn: it is larger than {format_size(LARGEST)}. Read a part(slice) of it"
        return Facts(facts.name, facts.label, lines=facts.lines, warnings=(told,))
    array = content.load()
    # Its row may say anything.
    if list(array.shape) != shape or str(array.dtype) != "uint8":
        return facts
    return Facts(facts.name, facts.label, lines=facts.lines, picture=_drawn(array, limits))


def _is_picture(shape: list[int]) -> bool:
    flat = len(shape) == 2 or (len(shape) == 3 and shape[2] in _COLOURS)
    return flat and min(shape[:2]) > 1


def _drawn(array: Any, limits: Limits) -> Picture | None:
    step = max(1, -(-array.shape[1] // WIDEST), -(-array.shape[0] // (3 * WIDEST)))
    while True:
        png = _png(array[::step, ::step])
        if len(png) * 4 // 3 + 12_000 <= limits.max_bytes:
            break
        step *= 2
        if step > max(array.shape[:2]):
            return None
    width = min(int(array.shape[1]), WIDEST)
    return Picture(png, width, max(1, int(array.shape[0]) * width // int(array.shape[1])))


def _png(array: Any) -> bytes:
    """A PNG of the nearest pixels."""
    height, width = map(int, array.shape[:2])
    depth = int(array.shape[2]) if len(array.shape) == 3 else 1
    # Each row of a PNG begins with how it is written: as it is, or less the row above it.
    less = array.copy()
    less[1:] -= array[:-1]
    rows = (_rows(b"\0", array), _rows(b"\2", less))
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[depth], 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", min(map(zlib.compress, rows), key=len)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _rows(way: bytes, array: Any) -> bytes:
    return b"".join(way + array[row].tobytes() for row in range(int(array.shape[0])))
