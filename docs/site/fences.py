"""Draws the pages' mermaid fences as SVG, so that no page loads a script.

Code browsers draw a mermaid fence by themselves. This understands the trees
that artigraph's own pages hold, ``class … found;`` among them, which marks
what a question finds; any other diagram stays the text that it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # ships no types
from sphinx.application import Sphinx

from artigraph.display.tree import NodeKind, TreeItem, svg_tree

__all__ = ["draw", "setup"]


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace mermaid fences once a page is parsed."""
    app.connect("doctree-read", _replace)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _replace(_app: Sphinx, doctree: nodes.document) -> None:
    for block in list(doctree.findall(nodes.literal_block)):
        if block.get("language") != "mermaid":
            continue
        drawn = draw(block.astext())
        if drawn is None:
            block["language"] = "text"
        else:
            block.replace_self(
                nodes.raw("", f'<div class="ag-example">{drawn}</div>', format="html")
            )


BOX = re.compile(
    r'(?P<name>\w+)(?:(?P<open>\(\[|\[/|\[|\()"?(?P<text>.*?)"?(?:\]\)|/\]|\]|\))(?P<more>:::more)?)?'
)
EDGE = re.compile(r'(?P<above>.+?) --> ?(?:\|"?(?P<text>[^|]*?)"?\| ?)?(?P<below>.+)')
FOUND = re.compile(r"class (?P<names>[\w,]+) found;?")
IGNORED = re.compile(r"(graph|flowchart) LR|classDef .*")
KINDS: dict[str, NodeKind] = {"(": "node", "[": "model", "[/": "artifact", "([": "node"}


@dataclass
class _Box:
    text: str
    kind: NodeKind
    is_more: bool
    """Whether it only says how many others are left out."""
    edge: str = ""
    above: _Box | None = None
    below: list[_Box] = field(default_factory=list)
    found: bool = False


def draw(source: str) -> str | None:
    """Draw mermaid source.

    Args:
        source: The source, without its fence.

    Returns:
        SVG elements, one for each tree, or ``None`` for what is no plain tree.
    """
    try:
        boxes = _boxes(source)
    except _OtherDiagramError:
        return None
    roots = [box for box in boxes if box.above is None]
    drawn = [(svg_tree(_item(root)), _by_level(root)) for root in roots]
    if "classDef found" not in source:
        return "".join(svg for svg, _ in drawn)
    return "".join(_mark(svg, boxes) for svg, boxes in drawn)


class _OtherDiagramError(Exception):
    """The source is of another kind than what is drawn here."""


def _boxes(source: str) -> list[_Box]:
    boxes: dict[str, _Box] = {}

    def box(term: str) -> _Box:
        match = BOX.fullmatch(term.strip())
        if match is None or (match["open"] is None and match["name"] not in boxes):
            raise _OtherDiagramError
        if match["open"]:
            text, is_more = _plain(match["text"]), bool(match["more"])
            boxes[match["name"]] = _Box(text, KINDS[match["open"]], is_more)
        return boxes[match["name"]]

    for line in filter(None, map(str.strip, source.splitlines())):
        if marked := FOUND.fullmatch(line):
            for name in marked["names"].split(","):
                box(name).found = True
        elif IGNORED.fullmatch(line):
            continue
        elif edge := EDGE.fullmatch(line):
            above = box(edge["above"])
            for term in edge["below"].split(" & "):
                below = box(term)
                if below.above is not None:
                    raise _OtherDiagramError
                below.above, below.edge = above, _plain(edge["text"] or "")
                above.below.append(below)
        else:
            box(line)
    if not boxes or any(one.is_more and one.above is None for one in boxes.values()):
        raise _OtherDiagramError
    return list(boxes.values())


def _item(box: _Box) -> TreeItem:
    label, _, title = box.text.partition(" · ")
    children = [_item(below) for below in box.below if not below.is_more]
    counts = [re.sub(r"\D", "", below.text) for below in box.below if below.is_more]
    return TreeItem(label, box.kind, title, box.edge, children, sum(map(int, counts)))


def _plain(text: str) -> str:
    return unescape(re.sub(r"#(\d+);", lambda code: chr(int(code[1])), text))


def _by_level(root: _Box) -> list[_Box]:
    boxes = [root]
    for box in boxes:  # grows while it is walked
        boxes.extend(below for below in box.below if not below.is_more)
    return boxes


RECT = re.compile(r'<rect class="(ag-tree-(?:node|model|artifact))"')


def _mark(svg: str, boxes: list[_Box]) -> str:
    # svg_tree draws boxes level by level, too.
    classes = iter("ag-found" if box.found else "ag-other" for box in boxes)
    return RECT.sub(lambda rect: f'<rect class="{rect[1]} {next(classes)}"', svg)
