"""Previews of figures: Matplotlib's as they were drawn, Plotly's in words.

A Plotly figure needs a browser's engine to be drawn; its traces are listed.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from artigraph.display.escape import counted, cut
from artigraph.display.facts import Facts, Table
from artigraph.display.library import LONGEST_NAME
from artigraph.display.options import Limits
from artigraph.display.value import format_size
from artigraph.preview.base import ROWS, Content, previews
from artigraph.preview.kind.picture import LARGEST, picture_facts

__all__ = ["show_matplotlib", "show_plotly"]

LARGEST_JSON = 8_000_000
"""Bytes of a figure that is taken apart."""


@previews("artigraph-matplotlib")
def show_matplotlib(content: Content, limits: Limits) -> Facts:
    """The picture that was drawn when the figure was stored."""
    return picture_facts(content, limits, _without_ours(content.start(LARGEST)))


def _without_ours(png: bytes) -> bytes:
    """A PNG without the chunks that artigraph adds: the same as vectors is large."""
    kept, at = [png[:8]], 8
    while at + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, at)
        end = at + 12 + length
        if png[at + 4 : at + 6] != b"ag":
            kept.append(png[at:end])
        at = end
    return b"".join(kept)


@previews("artigraph-plotly")
def show_plotly(content: Content, limits: Limits) -> Facts:
    """What a figure draws: its traces, by type and name."""
    facts = Facts("Preview", content.name, lines=(format_size(content.size),))
    if content.size > LARGEST_JSON:
        return facts
    try:
        figure = json.loads(content.start(LARGEST_JSON))
        traces = [one for one in figure["data"] if isinstance(one, dict)]
        layout = figure.get("layout") or {}
        title = layout.get("title") if isinstance(layout, dict) else None
        title = title.get("text") if isinstance(title, dict) else title
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return facts
    rows = tuple(
        (_text(one.get("type", "scatter")), _text(one.get("name", "")), _text(one.get("mode", "")))
        for one in traces[: ROWS * limits.max_rows]
    )
    named = f"{cut(title, 200)}: " if isinstance(title, str) else ""
    return Facts(
        facts.name,
        facts.label,
        lines=(f"{named}{counted(len(traces), 'trace')}, {facts.lines[0]}",),
        table=Table(
            ("type", "name", "mode"), rows, gap=len(rows), more=max(0, len(traces) - len(rows))
        ),
    )


def _text(value: Any) -> str:
    return cut(value, LONGEST_NAME) if isinstance(value, str) else ""
