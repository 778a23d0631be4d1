"""The forms of trees: lines of text, branches that fold, a picture, mermaid, and others' own.

A form is one function, see :func:`tree_form`. Those that cells show all tell the same facts,
and none is larger than ``artigraph.options.max_bytes``: one that would be is drawn with fewer
children and levels.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from artigraph.display.escape import cut, html_text
from artigraph.display.html import page
from artigraph.display.mermaid import mermaid_tree
from artigraph.display.options import Limits, options
from artigraph.display.shown import failed
from artigraph.display.tree import BRACKETS, LONGEST, TreeItem, cut_tree, svg_tree, text_tree
from artigraph.errors import NameTakenError

__all__ = ["Forest", "TreeForm", "tree_form", "tree_forms"]

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
        where = f"{make.__module__}.{make.__qualname__}"
        if not name or not help or inspect.iscoroutinefunction(make) is bool(mime):
            wanted = "function of a forest" if mime else "coroutine function"
            raise TypeError(f"The form {name!r} wants a name, help and a {wanted}, not {where}.")
        for known in tree_forms.values():
            # The cell or the module that declares it may run again.
            is_same = f"{known.make.__module__}.{known.make.__qualname__}" == where
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
