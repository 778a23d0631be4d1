"""Figures and images as PNGs, small enough to stand in a page.

* drawn in memory; a file that an image has not yet read stays unread
* a figure of Plotly needs a browser to be drawn, and is told in words
"""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

from artigraph.display.facts import Picture
from artigraph.display.limits import Limits
from artigraph.display.look import TIMES, is_library_value

__all__ = ["line_of_picture", "picture_of"]

WIDEST = 480
"""Pixels that a picture takes of the page."""

MOST_PIXELS = 1_000_000
"""Larger images are thinned out rather than encoded whole."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def line_of_picture(value: Any) -> str | None:
    """How large a figure or an image is; ``None`` for anything else.

    Args:
        value: Any value.
    """
    if is_library_value(value, "PIL.Image", "Image"):
        return f"{value.size[0]:,} {TIMES} {value.size[1]:,} pixels, {value.mode}"
    if is_library_value(value, "matplotlib.figure", "Figure"):
        width, height = value.get_size_inches()
        return f"{width:g} {TIMES} {height:g} inches at {value.dpi:g} dpi"
    if is_library_value(value, "artigraph.serializer.matplotlib", "FigureImage"):
        width, height = value.size
        return f"{width:g} {TIMES} {height:g} inches at {value.dpi:g} dpi"
    if is_library_value(value, "plotly.graph_objects", "Figure"):
        return f"{len(value.data):,} trace{'' if len(value.data) == 1 else 's'}"
    return None


def picture_of(value: Any, limits: Limits) -> Picture | None:
    """A figure or an image as a PNG; ``None`` if it is too large, or cannot be had at once.

    Args:
        value: One of which :func:`line_of_picture` tells the size.
        limits: How many bytes it may have.
    """
    png = _png(value)
    # In a page, three bytes take four.
    if png is None or len(png) * 4 // 3 > limits.max_bytes or not png.startswith(_SIGNATURE):
        return None
    width, height = struct.unpack(">II", png[16:24])
    shown = min(width, WIDEST)
    return Picture(png, shown, max(1, height * shown // max(1, width)))


def _png(value: Any) -> bytes | None:
    if is_library_value(value, "artigraph.serializer.matplotlib", "FigureImage"):
        return bytes(value.png)
    buffer = BytesIO()
    if is_library_value(value, "matplotlib.figure", "Figure"):
        value.savefig(buffer, format="png", dpi=min(value.dpi, 100))
        return buffer.getvalue()
    if is_library_value(value, "PIL.Image", "Image") and getattr(value, "fp", None) is None:
        width, height = value.size
        step = max(1, -(-width // WIDEST), int((width * height / MOST_PIXELS) ** 0.5))
        if step > 1:
            # The nearest pixels: others would mean to look at all of them.
            value = value.resize((max(1, width // step), max(1, height // step)), 0)
        if value.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
            value = value.convert("RGB")
        value.save(buffer, format="PNG")
        return buffer.getvalue()
    return None
