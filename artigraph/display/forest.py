"""The forms of trees: lines of text, branches that fold, a picture, mermaid, and others' own.

A form is one function, see :func:`tree_form`. Those that cells show all tell the same facts,
and none is larger than ``artigraph.options.max_bytes``: one that would be is drawn with fewer
children and levels.
"""

from __future__ import annotations

import inspect
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from artigraph.display.escape import cut, html_text, visible
from artigraph.display.html import page
from artigraph.display.options import Limits, options
from artigraph.display.shown import failed
from artigraph.display.tree import (
    BRACKETS,
    LONGEST,
    NodeKind,
    TreeItem,
    cut_tree,
    svg_tree,
    text_tree,
)
from artigraph.errors import NameTakenError
from artigraph.home import home

__all__ = ["Forest", "TreeForm", "mermaid_tree", "tree_form", "tree_forms"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class TreeForm:
    """A form of trees; :func:`tree_form` makes one."""

    name: str
    help: str
    make: Callable[..., Any]
    mime: str = ""


tree_forms: dict[str, TreeForm] = {}
"""The forms by name, once their modules are imported."""


def tree_form(name: str, help: str, *, mime: str = "") -> Callable[[F], F]:
    """Make a function a form of trees, which ``%artigraph export`` knows by its name.

    ::

        @tree_form("labels", "labels, one a line", mime="text/x-labels")
        def labels(forest: Forest) -> str: ...


        @tree_form("count", "how many nodes there are")
        async def count(of, **limits):
            return len(await read_tree(of, **limits))

    Args:
        name: What to type.
        help: What it is, in a few words.
        mime: For text that a cell shows which ends with a tree. The function then draws as
            much of a :class:`Forest` as fits. Any other is a coroutine function, and takes
            what ``read_tree`` takes.

    Raises:
        NameTakenError: Another function is the form of that name, or of that MIME type.
        TypeError: It has no name or help, or is no such function.
    """

    def declare(make: F) -> F:
        where = home(make)
        if not name or not help or inspect.iscoroutinefunction(make) is bool(mime):
            wanted = "function of a forest" if mime else "coroutine function"
            raise TypeError(f"The form {name!r} wants a name, help and a {wanted}, not {where}.")
        for known in tree_forms.values():
            # The cell or the module that declares it may run again.
            is_same = home(known.make) == where
            if (known.name == name or (mime and known.mime == mime)) and not is_same:
                taken = repr(name) if known.name == name else mime
                raise NameTakenError(f"The form {taken} is {known.name!r} already, so not {where}.")
        tree_forms[name] = TreeForm(name, help, make, mime)
        return make

    return declare


OPEN_LEVELS = 2
"""Levels whose branches are open at first."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Some trees to be drawn side by side."""

    roots: Sequence[TreeItem]
    more: int = 0
    """How many further roots there are."""

    def text(self) -> str:
        """Lines of text."""
        return self.draw("text")

    def html(self) -> str:
        """HTML in which each branch folds."""
        return self.draw("html")

    def draw(self, name: str) -> str:
        """Draw as much as fits.

        Args:
            name: One of the forms that cells show.
        """
        return _within_budget(self, tree_forms[name].make)

    def bundle(self) -> dict[str, str]:
        """All that a cell shows but text, by MIME type."""
        forms = [form for form in tree_forms.values() if form.mime not in ("", "text/plain")]
        return {form.mime: self.draw(form.name) for form in forms}


def _within_budget(forest: Forest, draw: Callable[[Forest], str]) -> str:
    now = options.limits
    # Trees have no pictures, which would be the first to go.
    limits: Limits | None = replace(now, max_pictures=0)
    try:
        while limits is not None:
            drawn = draw(_cut(forest, limits))
            if len(drawn.encode()) <= now.max_bytes:
                return drawn
            limits = limits.smaller()
    except Exception as error:  # a repr must not fail, whatever is inside
        return draw(Forest([TreeItem(failed(error))]))
    return draw(Forest((), len(forest.roots) + forest.more))


def _cut(forest: Forest, limits: Limits) -> Forest:
    drawn = forest.roots[: limits.max_children]
    return Forest(
        [cut_tree(root, limits.max_children, limits.max_levels) for root in drawn],
        forest.more + len(forest.roots) - len(drawn),
    )


@tree_form("text", "lines of text", mime="text/plain")
def _text(forest: Forest) -> str:
    lines = [text_tree(root) for root in forest.roots]
    if forest.more or not lines:
        lines.append(_more(forest.more))
    return "\n".join(lines)


@tree_form("svg", "a picture", mime="image/svg+xml")
def _svg(forest: Forest) -> str:
    if len(forest.roots) == 1 and not forest.more:
        return svg_tree(forest.roots[0])
    number = len(forest.roots) + forest.more
    root = TreeItem(f"{number:,} roots", children=forest.roots, more=forest.more)
    return svg_tree(root, max_depth=13)


@tree_form("markdown", "a mermaid diagram for pages of Markdown", mime="text/markdown")
def _markdown(forest: Forest) -> str:
    return f"```mermaid\n{mermaid_tree(forest.roots, more=forest.more)}\n```\n"


@tree_form("html", "branches that fold", mime="text/html")
def _html(forest: Forest) -> str:
    items = "".join(_item(root, 0) for root in forest.roots)
    if forest.more or not forest.roots:
        items += f'<li class="ag-more">{_more(forest.more)}</li>'
    return page(f'<ul class="ag-branch">{items}</ul>\n')


def _item(item: TreeItem, level: int) -> str:
    line = "".join(_line(item))
    if not item.children and not item.more:
        return f'<li class="ag-leaf">{line}</li>\n'
    below = "".join(_item(child, level + 1) for child in item.children)
    if item.more:
        below += f'<li class="ag-more">{_more(item.more)}</li>\n'
    opened = " open" if level < OPEN_LEVELS else ""
    return (
        f"<li><details{opened}><summary>{line}</summary>\n"
        f'<ul class="ag-branch">\n{below}</ul></details></li>\n'
    )


def _line(item: TreeItem) -> Iterator[str]:
    opening, closing = BRACKETS[item.kind]
    if item.edge:
        yield f'<span class="ag-edge">{_shown(item.edge)}:</span> '
    # The brackets are for where the style is stripped.
    yield (
        f'<span class="ag-box ag-{item.kind}"><span class="ag-sep">{opening}</span>'
        f'{_shown(item.label)}<span class="ag-sep">{closing}</span></span>'
    )
    if item.title:
        yield f' <span class="ag-type">{_shown(item.title)}</span>'
    if item.status:
        separator = '<span class="ag-sep">·</span> ' if item.title else ""
        role = " ag-failed" if item.failed or item.status == "failed" else ""
        yield f' {separator}<span class="ag-badge{role}">{_shown(item.status)}</span>'


def _shown(text: str) -> str:
    return html_text(cut(text, LONGEST))


def _more(count: int) -> str:
    return f"… {count:,} more" if count else "no nodes"


# ---------------------------------------------------------------- mermaid

# A label stands in quotes, with all that could mean something to mermaid, to Markdown or to
# HTML written as #35;. Mermaid draws no more than 500 edges and reads no more than 50,000
# characters: what goes beyond is counted in a node "+7 more".

MOST_EDGES = 499
MOST_CHARACTERS = 49_000
LONGEST_MORE = 100
"""What the lines of one ``+7 more`` take at the most."""

_MERMAID_BRACKETS: dict[NodeKind | str, tuple[str, str]] = {
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
    drawing = _Mermaid()
    drawing.hang(None, items, more)
    while drawing.ahead:
        name, item = drawing.ahead.popleft()
        drawing.hang(name, item.children, item.more)
    return drawing.source()


@dataclass(slots=True)
class _Mermaid:
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
            self._add(above, _mermaid_box(f"n{len(self.boxes)}", "more", f"+{more:,} more"), "")
            self.is_cut = True

    def _draw(self, above: str | None, item: TreeItem) -> bool:
        name = f"n{len(self.boxes)}"
        # The label of a root's line has no line to stand on.
        texts = (item.label, item.caption) if above else (item.edge, item.label, item.caption)
        text = " · ".join(_mermaid_text(text) for text in texts if text) or " "
        box, edge = _mermaid_box(name, item.kind, text), _mermaid_text(item.edge)
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


def _mermaid_box(name: str, kind: str, text: str) -> str:
    opening, closing = _MERMAID_BRACKETS[kind]
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


def _mermaid_text(text: str) -> str:
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
