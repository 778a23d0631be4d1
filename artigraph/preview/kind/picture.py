"""Previews of pictures.

What a picture is, its own first bytes say, whatever it is called. One with too many pixels
is never decoded, here or in the page; one of too many bytes is made smaller by Pillow.
"""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple, TypeAlias

from artigraph.display.facts import Facts, Picture
from artigraph.display.library import WIDEST
from artigraph.display.options import Limits
from artigraph.display.value import format_size
from artigraph.preview.base import Content, previews
from artigraph.preview.kind.text import show_text

__all__ = ["Size", "picture_facts", "size_of"]

MOST_PIXELS = 40_000_000
"""Pixels that are decoded: 160 MB for a moment."""

MOST_SENT = 10_000_000
"""Pixels of a picture that a page decodes."""

LARGEST = 32 * 2**20
"""Bytes of a picture that are read."""

AROUND = 12_000
"""Bytes that a page takes beside a picture."""

Type: TypeAlias = Literal["png", "jpeg", "gif", "webp", "svg+xml"]


class Size(NamedTuple):
    """What a picture's first bytes tell."""

    type: Type
    width: int
    height: int


def size_of(data: bytes) -> Size | None:
    """The type and size of a picture; ``None`` for anything else.

    Args:
        data: All of its bytes, or more than its header.
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Size("png", *struct.unpack_from(">II", data, 16))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return Size("gif", *_gif(data))
        if data.startswith(b"\xff\xd8\xff"):
            return Size("jpeg", *_jpeg(data))
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return Size("webp", *_webp(data))
    except (struct.error, IndexError, ValueError):
        return None
    return None


def _gif(data: bytes) -> tuple[int, int]:
    """The largest of its screen and its frames, which browsers draw in full."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    while at < len(data) and data[at] in (0x21, 0x2C):
        if data[at] == 0x21:
            at += 2
        else:
            x, y, wide, high, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height = max(width, x + wide), max(height, y + high)
            at += 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        kind = data[at + 1]
        if kind == 0xFF:
            at += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        wide, high = data[24:27], data[27:30]
        return 1 + int.from_bytes(wide, "little"), 1 + int.from_bytes(high, "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("no chunk of a picture")


@previews("image/*", "artigraph-pillow")
def show_picture(content: Content, limits: Limits) -> Facts:
    """A picture of a type that browsers draw."""
    if content.size > LARGEST:
        told = f"{format_size(content.size)}: more than the {format_size(LARGEST)} that are read"
        return Facts("Preview", content.name, lines=(told,))
    return picture_facts(content, limits, content.start(LARGEST))


@previews("image/svg+xml")
def show_svg(content: Content, limits: Limits) -> Facts:
    """A drawing as its text: what it would draw, fetch or repeat is anybody's guess."""
    return show_text(content, limits)


def picture_facts(content: Content, limits: Limits, data: bytes) -> Facts:
    """The facts of a picture.

    Args:
        content: Where it is from.
        limits: How many bytes it may take.
        data: The file's bytes, all of them.
    """
    size = size_of(data)
    if size is None:
        told = f"{format_size(content.size)}, which are no PNG, JPEG, GIF or WebP"
        return Facts("Preview", content.name, lines=(told,))
    line = f"{size.width:,} × {size.height:,} pixels, {size.type.upper()}"  # noqa: RUF001  # the sign of a product
    facts = Facts("Preview", content.name, lines=(f"{line}, {format_size(content.size)}",))
    if not 0 < size.width * size.height <= MOST_PIXELS:
        return _with_warning(facts, f"not drawn: more than {MOST_PIXELS:,} pixels, or none")
    # In a page, three bytes take four.
    room = (limits.max_bytes - AROUND) * 3 // 4
    if len(data) > room or size.width * size.height > MOST_SENT:
        try:
            from artigraph.serializer.pillow import thumbnail  # where it is installed
        except ModuleNotFoundError:
            told = f"it is too large for artigraph.options.max_bytes = {limits.max_bytes:,}"
            return _with_warning(facts, f"not drawn: {told}. To see it smaller: pip install pillow")
        smaller = thumbnail(data, size.type, WIDEST, room)
        if smaller is None:
            return _with_warning(facts, "not drawn: it is damaged, or has no smaller form")
        data, size = smaller, size._replace(type="png" if smaller[:1] == b"\x89" else "jpeg")
    width = min(size.width, WIDEST)
    height = max(1, size.height * width // size.width)
    return Facts(
        facts.name, facts.label, lines=facts.lines, picture=Picture(data, width, height, size.type)
    )


def _with_warning(facts: Facts, warning: str) -> Facts:
    return Facts(facts.name, facts.label, lines=facts.lines, warnings=(warning,))
