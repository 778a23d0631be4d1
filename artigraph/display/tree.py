r"""A tree drawn as text and as SVG, from facts alone.

Both drawings tell the same: text where only text is shown, SVG elsewhere.
Reading the facts from a database is the caller's job.

* every text comes from somebody: markup is escaped, and characters that would
  hide or reorder text are written out as ``\u202e``
* no script, no identifier and nothing from the network, so that a drawing may
  stand in any page, twice if need be
* big fans and deep trees are cut, and say how much is left out
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Literal, TypeAlias

from artigraph.display.escape import visible

__all__ = ["BRACKETS", "LONGEST", "NodeKind", "TreeItem", "cut_tree", "svg_tree", "text_tree"]

NodeKind: TypeAlias = Literal["node", "model", "artifact"]


@dataclass(frozen=True, slots=True)
class TreeItem:
    """One thing in a tree, with what hangs on it."""

    label: str
    """What stands in its box: a node's label, a model's class."""
    kind: NodeKind = "node"
    """A node is drawn round, a model square, an artifact with a folded corner."""
    title: str = ""
    """A second, smaller line."""
    edge: str = ""
    """What stands on the line that leads to it."""
    children: Sequence[TreeItem] = ()
    """What hangs on it."""
    more: int = 0
    """How many further children it has that are not listed."""
    status: str = ""
    """How it went, such as ``"failed"``, and what else its badges say; stands behind the title."""
    failed: bool = False
    """Whether it went wrong, where the status is mere ``"failed"``."""

    @property
    def caption(self) -> str:
        """Title and status."""
        # Either may be a column that somebody else has filled.
        return " · ".join(str(text) for text in (self.title, self.status) if text)


def text_tree(root: TreeItem, *, max_children: int = 20, max_depth: int = 12) -> str:
    """Draw a tree as lines of text: ``(node)``, ``[model]``, ``{artifact}``.

    Returns:
        The lines, without a newline at the end.
    """
    return "\n".join(_lines(cut_tree(root, max_children, max_depth), "", ""))


def svg_tree(root: TreeItem, *, max_children: int = 20, max_depth: int = 12) -> str:
    """Draw a tree as SVG, from left to right.

    Its colours are CSS variables, ``--ag-tree-ink``, ``-line``, ``-paper``,
    ``-node``, ``-model`` and ``-artifact``. Without them it has its own, which
    are readable on light and dark pages.

    Returns:
        An ``svg`` element, fit for a file of its own or inside HTML.
    """
    root = cut_tree(root, max_children, max_depth)
    boxes = list(_lay_out(root))
    width = max(box.x + box.width for box in boxes) + MARGIN
    height = max(box.y + box.height for box in boxes) + MARGIN
    name = escape(f"Tree of {_shown(root.label)}")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="ag-tree" role="img" '
            f'aria-label="{name}" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}">',
            STYLE,
            *(_draw_line(box, box.above) for box in boxes if box.above is not None),
            *(_draw_box(box) for box in boxes),
            "</svg>\n",
        ]
    )


def cut_tree(item: TreeItem, max_children: int, max_depth: int) -> TreeItem:
    """What is drawn of a tree; what is left out is counted."""
    if not item.children:
        return item
    drawn = item.children[:max_children] if max_depth > 0 else ()
    return replace(
        item,
        children=[cut_tree(child, max_children, max_depth - 1) for child in drawn],
        more=item.more + len(item.children) - len(drawn),
    )


# ------------------------------------------------------------------------ text

LONGEST = 44
"""Characters of a text that are drawn."""


def _shown(text: str) -> str:
    return visible(text, LONGEST)


def _more(count: int) -> str:
    return f"… {count:,} more"


BRACKETS: dict[NodeKind, tuple[str, str]] = {
    "node": ("(", ")"),
    "model": ("[", "]"),
    "artifact": ("{", "}"),
}
"""What stands around a label where no box is drawn."""


def _lines(item: TreeItem, first: str, further: str) -> Iterator[str]:
    opening, closing = BRACKETS[item.kind]
    edge = f"{_shown(item.edge)}: " if item.edge else ""
    title = f"  {_shown(item.caption)}" if item.caption else ""
    yield f"{first}{edge}{opening}{_shown(item.label)}{closing}{title}"
    for number, child in enumerate(item.children, 1):
        last = number == len(item.children) and not item.more
        yield from _lines(
            child,
            further + ("└── " if last else "├── "),
            further + ("    " if last else "│   "),
        )
    if item.more:
        yield f"{further}└── {_more(item.more)}"


# ------------------------------------------------------------------------- SVG

MARGIN = 8.0
PADDING = 14.0
GAP = 12.0
"""Between two boxes of one column."""
BEND = 36.0
"""Between a box and the edges' labels, where the lines bend."""
ARROW = 7.0

STYLE = """<style>
.ag-tree { font-family: system-ui, "DejaVu Sans", sans-serif; font-size: 13px;
 max-width: 100%; height: auto }
.ag-tree text { fill: var(--ag-tree-ink, #1f2328); text-anchor: middle; dominant-baseline: central }
.ag-tree .ag-tree-title { font-size: 11px; opacity: .75 }
.ag-tree .ag-tree-edge { font-size: 11px }
.ag-tree .ag-tree-line { fill: none; stroke: var(--ag-tree-line, #8b929b) }
.ag-tree .ag-tree-arrow { fill: var(--ag-tree-line, #8b929b) }
.ag-tree rect { stroke: var(--ag-tree-line, #8b929b) }
.ag-tree .ag-tree-node { fill: var(--ag-tree-node, #e6e3fb); stroke: #8a7bd0 }
.ag-tree .ag-tree-model { fill: var(--ag-tree-model, #fdf1cf); stroke: #c29a2e }
.ag-tree .ag-tree-artifact { fill: var(--ag-tree-artifact, #dcf1e4); stroke: #5b9c75 }
.ag-tree .ag-tree-more, .ag-tree .ag-tree-paper { fill: var(--ag-tree-paper, #f3f4f6) }
.ag-tree .ag-tree-more { stroke-dasharray: 3 3 }
.ag-tree .ag-tree-paper { stroke: none }
.ag-tree .ag-tree-fold { fill: none; stroke: #5b9c75 }
@media (prefers-color-scheme: dark) {
.ag-tree text { fill: var(--ag-tree-ink, #e8eaed) }
.ag-tree .ag-tree-node { fill: var(--ag-tree-node, #3a3560) }
.ag-tree .ag-tree-model { fill: var(--ag-tree-model, #4d421c) }
.ag-tree .ag-tree-artifact { fill: var(--ag-tree-artifact, #1f4630) }
.ag-tree .ag-tree-more, .ag-tree .ag-tree-paper { fill: var(--ag-tree-paper, #23272e) }
}
</style>"""


@dataclass(slots=True)
class _Box:
    """A placed box; one without an item says how many are left out."""

    item: TreeItem | None
    label: str
    title: str
    edge: str
    above: _Box | None
    x: float
    y: float = 0.0

    @property
    def width(self) -> float:
        return max(_width(self.label, 13), _width(self.title, 11)) + 2 * PADDING

    @property
    def height(self) -> float:
        return 42.0 if self.title else 28.0

    @property
    def edge_width(self) -> float:
        return _width(self.edge, 11) + 12 if self.edge else 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def _width(text: str, size: float) -> float:
    """About how wide a text is; fonts differ, so this is on the wide side."""
    return sum(_width_of(character) for character in text) * size


def _width_of(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in "mwMW@%…":
        return 0.95
    if character in "ijl.,:;|'! ":
        return 0.36
    return 0.72 if character.isupper() else 0.62


def _lay_out(root: TreeItem) -> Iterator[_Box]:
    """Place boxes in columns; what hangs on a box has a strip of its own beside it."""
    levels: list[list[_Box]] = [[_Box(root, _shown(root.label), _shown(root.caption), "", None, 0)]]
    below: dict[int, list[_Box]] = {}
    while levels[-1]:
        levels.append([box for above in levels[-1] for box in _boxes_below(above)])
        for box in levels[-1]:
            below.setdefault(id(box.above), []).append(box)
    x = MARGIN
    strips: dict[int, float] = {}
    for level in levels[:-1]:
        labels = max(box.edge_width for box in level)
        x += 0 if level is levels[0] else BEND + labels + ARROW + 8
        for box in level:
            box.x = x
        x += max(box.width for box in level)
    for level in reversed(levels):
        for box in level:
            inner = [strips[id(child)] for child in below.get(id(box), ())]
            strips[id(box)] = max(box.height, sum(inner) + GAP * (len(inner) - 1))
    _stack(levels[0], MARGIN, strips, below)
    for level in levels:
        yield from level


def _boxes_below(above: _Box) -> Iterator[_Box]:
    if above.item is None:
        return
    for child in above.item.children:
        texts = (_shown(child.label), _shown(child.caption), _shown(child.edge))
        yield _Box(child, *texts, above, 0)
    if above.item.more:
        yield _Box(None, _more(above.item.more), "", "", above, 0)


def _stack(
    boxes: Sequence[_Box], y: float, strips: dict[int, float], below: dict[int, list[_Box]]
) -> None:
    for box in boxes:
        strip = strips[id(box)]
        children = below.get(id(box), [])
        tall = sum(strips[id(child)] for child in children) + GAP * (len(children) - 1)
        _stack(children, y + max(0.0, strip - tall) / 2, strips, below)
        middle = (children[0].middle + children[-1].middle) / 2 if children else y + strip / 2
        # Children of unequal size may pull it out of its strip.
        box.y = min(max(middle - box.height / 2, y), y + strip - box.height)
        y += strip + GAP


def _draw_line(box: _Box, above: _Box) -> str:
    start, end, tip = above.x + above.width, box.x - ARROW, box.x
    turn = box.x - ARROW - 8 - box.edge_width
    bend = (turn - start) / 2
    drawn = (
        f'<path class="ag-tree-line" d="M{start:.1f} {above.middle:.1f} '
        f"C{start + bend:.1f} {above.middle:.1f} {turn - bend:.1f} {box.middle:.1f} "
        f'{turn:.1f} {box.middle:.1f} H{end:.1f}"/>'
        f'<path class="ag-tree-arrow" d="M{tip:.1f} {box.middle:.1f} '
        f'l{-ARROW:.1f} -3.5 v7 z"/>'
    )
    if box.edge:
        drawn += (
            f'<rect class="ag-tree-paper" x="{turn:.1f}" y="{box.middle - 8:.1f}" '
            f'width="{box.edge_width:.1f}" height="16" rx="4"/>'
            + _draw_text(box.edge, "edge", turn, box.middle - 8, box.edge_width, 16)
        )
    return drawn


def _draw_box(box: _Box) -> str:
    kind = "more" if box.item is None else box.item.kind
    radius = box.height / 2 if kind in ("node", "more") else 1
    parts = [
        f'<rect class="ag-tree-{kind}" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:.1f}"/>'
    ]
    if kind == "artifact":
        parts.append(
            f'<path class="ag-tree-fold" d="M{box.x + box.width - 9:.1f} {box.y:.1f} v9 h9"/>'
        )
    line = 28.0 if not box.title else 24.0
    parts.append(_draw_text(box.label, "label", box.x, box.y, box.width, line))
    if box.title:
        parts.append(_draw_text(box.title, "title", box.x, box.y + 20, box.width, 20))
    return "".join(parts)


def _draw_text(text: str, role: str, x: float, y: float, width: float, height: float) -> str:
    # An svg inside clips: a single character can be wider than any guess.
    return (
        f'<svg x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f'<text class="ag-tree-{role}" x="50%" y="50%">{escape(text)}</text></svg>'
    )
