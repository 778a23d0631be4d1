"""Trees as a notebook shows them: lines of text, branches that fold, a picture, mermaid.

All four tell the same facts. None is larger than ``artigraph.options.max_bytes``:
one that would be is drawn with fewer children and levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from artigraph.display.escape import cut, html_text
from artigraph.display.html import page
from artigraph.display.limits import Limits
from artigraph.display.mermaid import mermaid_tree
from artigraph.display.options import options
from artigraph.display.shown import failed
from artigraph.display.tree import Kind, TreeItem, cut_tree, svg_tree, text_tree

__all__ = ["Forest"]

OPEN_LEVELS = 2
"""Levels whose branches are open at first."""

LONGEST = 44
"""Characters of a text that are drawn, as in the other drawings."""

_BRACKETS: dict[Kind, tuple[str, str]] = {
    "node": ("(", ")"),
    "model": ("[", "]"),
    "artifact": ("{", "}"),
}


@dataclass(frozen=True, slots=True)
class Forest:
    """Some trees to be drawn side by side."""

    roots: Sequence[TreeItem]
    more: int = 0
    """How many further roots there are."""

    def text(self) -> str:
        """Lines of text."""
        return _within_budget(self, _text)

    def html(self) -> str:
        """HTML in which each branch folds."""
        return _within_budget(self, _html)

    def svg(self) -> str:
        """A picture, from left to right."""
        return _within_budget(self, _svg)

    def markdown(self) -> str:
        """A fence of mermaid."""
        return _within_budget(self, _markdown)


def _within_budget(forest: Forest, draw: Callable[[Forest], str]) -> str:
    now = options.limits
    limits: Limits | None = now
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


def _text(forest: Forest) -> str:
    lines = [text_tree(root) for root in forest.roots]
    if forest.more or not lines:
        lines.append(_more(forest.more))
    return "\n".join(lines)


def _svg(forest: Forest) -> str:
    if len(forest.roots) == 1 and not forest.more:
        return svg_tree(forest.roots[0])
    number = len(forest.roots) + forest.more
    root = TreeItem(f"{number:,} roots", children=forest.roots, more=forest.more)
    return svg_tree(root, max_depth=13)


def _markdown(forest: Forest) -> str:
    return f"```mermaid\n{mermaid_tree(forest.roots, more=forest.more)}\n```\n"


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
    opening, closing = _BRACKETS[item.kind]
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
        role = " ag-failed" if item.status == "failed" else ""
        yield f' {separator}<span class="ag-badge{role}">{_shown(item.status)}</span>'


def _shown(text: str) -> str:
    return html_text(cut(text, LONGEST))


def _more(count: int) -> str:
    return f"… {count:,} more" if count else "no nodes"
