"""Previews of texts: as they are written, never as a page."""

from __future__ import annotations

import json
from contextlib import suppress

from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.value import format_size
from artigraph.preview.base import Content, previews, text_room

__all__ = ["decoded", "text_facts"]

LARGEST_JSON = 200_000
"""Bytes of a JSON that is indented; a longer one is shown as it is written."""

_NAMES = {"text/html": "HTML", "text/markdown": "Markdown"}


def decoded(data: bytes) -> tuple[str, bool]:
    """Bytes as a text, and whether they are one."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace"), True
    # The last character may have been cut in two.
    text = data.decode("utf-8-sig", "replace")
    odd = text[:-1].count("\ufffd") + text.count("\0")
    return text, odd <= len(text) // 100


def text_facts(content: Content, limits: Limits, text: str, *, whole: bool) -> Facts:
    """The facts of a text.

    Args:
        content: Where it is from.
        limits: How much of it is shown.
        text: Its beginning.
        whole: Whether that is all of it.
    """
    room = text_room(limits)
    shown = text[:room]
    left_out = not whole or len(text) > room
    line = format_size(content.size) + (f", of which {len(shown):,} characters" * left_out)
    return Facts("Preview", content.name, lines=(line,), code=shown + "…" * left_out)


@previews("text/*", "application/yaml", "application/toml", "application/xml")
@previews("application/javascript", "application/x-sh", "application/jsonl")
def show_text(content: Content, limits: Limits) -> Facts:
    """The first lines of a text."""
    most = 4 * text_room(limits)
    data = content.start(most)
    text, is_text = decoded(data)
    if not is_text:
        told = f"{format_size(content.size)}, which are no text in UTF-8"
        return Facts("Preview", content.name, lines=(told,))
    return text_facts(content, limits, text, whole=len(data) >= content.size)


@previews("application/json", "artigraph-json", "artigraph-json-sorted")
def show_json(content: Content, limits: Limits) -> Facts:
    """A JSON, indented where it is short and whole."""
    if content.size <= LARGEST_JSON:
        text, _ = decoded(content.start(LARGEST_JSON))
        # Numbers of a million digits, and a million brackets, are refused in their own ways.
        with suppress(ValueError, RecursionError):
            return text_facts(content, limits, _indented(text, text_room(limits)), whole=True)
    return show_text(content, limits)


def _indented(text: str, room: int) -> str:
    """The beginning of a JSON, indented; no more of it is made, since indents may be most of it."""
    parts, size = [], 0
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(json.loads(text)):
        parts.append(part)
        size += len(part)
        if size > room:
            break
    return "".join(parts)
