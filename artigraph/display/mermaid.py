r"""A tree as mermaid source: rounded nodes, square models, labels on the edges.

A label stands in quotes, with all that could mean something to mermaid, to
Markdown or to HTML written as ``#35;``, and what would hide as ``\u202e``.
Mermaid draws no more than 500 edges and reads no more than 50,000 characters:
what goes beyond is counted in a node ``+7 more``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from artigraph.display.escape import visible
from artigraph.display.tree import LONGEST, NodeKind, TreeItem

__all__ = ["mermaid_tree"]

MOST_EDGES = 499
MOST_CHARACTERS = 49_000
LONGEST_MORE = 100
"""What the lines of one ``+7 more`` take at the most."""

_SHAPES: dict[NodeKind | str, tuple[str, str]] = {
    "node": ("([", "])"),
    "model": ("[", "]"),
    "artifact": ("[/", "/]"),
    "more": ("([", "]):::more"),
}
_DASHED = "    classDef more stroke-dasharray: 3 3"


def mermaid_tree(items: Sequence[TreeItem], *, more: int = 0) -> str:
    """Draw trees as mermaid source, from left to right.

    Returns:
        The source, without a fence around it and a newline at its end.
    """
    drawing = _Drawing()
    drawing.hang(None, items, more)
    while drawing.ahead:
        name, item = drawing.ahead.popleft()
        drawing.hang(name, item.children, item.more)
    return drawing.source()


@dataclass(slots=True)
class _Drawing:
    boxes: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    ahead: deque[tuple[str, TreeItem]] = field(default_factory=deque)
    """Drawn items with something below them that is not drawn yet. For each
    one more box fits, which may have to say what is left out."""
    size: int = 0
    """Characters so far."""
    is_cut: bool = False

    def hang(self, above: str | None, children: Sequence[TreeItem], more: int) -> None:
        """Draw what hangs on an item, as far as it fits."""
        drawn = 0
        for child in children:
            if not self._draw(above, child):
                break
            drawn += 1
        more += len(children) - drawn
        if more:
            self._add(above, _box(f"n{len(self.boxes)}", "more", f"+{more:,} more"), "")
            self.is_cut = True

    def _draw(self, above: str | None, item: TreeItem) -> bool:
        name = f"n{len(self.boxes)}"
        # The label of a root's line has no line to stand on.
        texts = (item.label, item.caption) if above else (item.edge, item.label, item.caption)
        text = " · ".join(_shown(text) for text in texts if text) or " "
        box, edge = _box(name, item.kind, text), _shown(item.edge)
        has_more = bool(item.children or item.more)
        # One for what may be left out beside it.
        kept_free = len(self.ahead) + has_more + 1
        edges = len(self.edges) + 1 + kept_free
        size = self.size + _size(box) + _size(_edge(above, name, edge))
        if edges > MOST_EDGES or size + kept_free * LONGEST_MORE > MOST_CHARACTERS:
            return False
        self._add(above, box, edge)
        if has_more:
            self.ahead.append((name, item))
        return True

    def _add(self, above: str | None, box: str, edge: str) -> None:
        line = _edge(above, f"n{len(self.boxes)}", edge)
        self.boxes.append(box)
        if above:
            self.edges.append(line)
        self.size += _size(box) + _size(line)

    def source(self) -> str:
        dashed = [_DASHED] if self.is_cut else []
        return "\n".join(["graph LR", *self.boxes, *self.edges, *dashed])


def _box(name: str, kind: str, text: str) -> str:
    opening, closing = _SHAPES[kind]
    return f'    {name}{opening}"{text}"{closing}'


def _edge(above: str | None, below: str, text: str) -> str:
    label = f'|"{text}"| ' if text else ""
    return f"    {above} --> {label}{below}"


def _size(line: str) -> int:
    # As a browser counts, and with the newline.
    return len(line.encode("utf-16-le")) // 2 + 1


_HARMLESS = frozenset(" ,.-_+=()…")
"""What means nothing inside quotes, besides letters and digits."""
_MARKS = {"ﬂ°": r"\ufb02°", "¶ß": r"\xb6ß"}
"""What mermaid itself marks an encoded character with, written out."""


def _shown(text: str) -> str:
    text = visible(text, LONGEST)
    for mark, written in _MARKS.items():
        text = text.replace(mark, written)
    shown = "".join(
        c if c in _HARMLESS or c.isalnum() or c > "\x7f" else f"#{ord(c)};" for c in text
    )
    # At its beginning these would make it a list.
    return re.sub(r"^( *)([-+]|[0-9]+(?=[.)])[.)]?)", _encode_last, shown)


def _encode_last(start: re.Match[str]) -> str:
    return f"{start[0][:-1]}#{ord(start[0][-1])};"
