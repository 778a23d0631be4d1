"""A graph for Graphviz, to be laid out by its ``dot`` program.

The source is there without that program; asking for a picture then says
what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any

import graphviz

from artigraph.display.escape import visible
from artigraph.display.tree import LONGEST, TreeItem
from artigraph.errors import MissingLibraryError

__all__ = ["TreeDigraph", "draw"]

_NODE_STYLES = {
    "node": {"style": "rounded,filled", "fillcolor": "#e6e3fb", "color": "#8a7bd0"},
    "model": {"style": "filled", "fillcolor": "#fdf1cf", "color": "#c29a2e"},
    "artifact": {"shape": "note", "style": "filled", "fillcolor": "#dcf1e4", "color": "#5b9c75"},
    "more": {"style": "rounded,dashed", "color": "#8b929b"},
}


def _telling(method: Callable[..., Any], program: str) -> Callable[..., Any]:
    @wraps(method)
    def told(*args: object, **kwargs: object) -> Any:
        try:
            return method(*args, **kwargs)
        except graphviz.ExecutableNotFound as error:
            raise MissingLibraryError(
                f"No picture can be drawn: Graphviz's program {program!r} is not installed. "
                "Install it with: apt-get install graphviz (or: brew install graphviz, conda "
                "install graphviz). The source needs no program: it is this graph's .source."
            ) from error

    return told


class TreeDigraph(graphviz.Digraph):
    """A ``graphviz.Digraph`` that says what to install where ``dot`` is missing.

    Its methods raise ``MissingLibraryError`` there, and a notebook shows its source.
    """

    pipe = _telling(graphviz.Digraph.pipe, "dot")
    render = _telling(graphviz.Digraph.render, "dot")
    unflatten = _telling(graphviz.Digraph.unflatten, "unflatten")

    def _repr_mimebundle_(
        self,
        include: Collection[str] | None = None,
        exclude: Collection[str] | None = None,
        **options: object,
    ) -> dict[str, Any]:
        try:
            return dict(super()._repr_mimebundle_(include, exclude, **options))
        except MissingLibraryError as error:
            return {"text/plain": f"{self.source}\n// {error}"}


def draw(items: Sequence[TreeItem], more: int) -> TreeDigraph:
    """Draw trees.

    Args:
        items: Their roots.
        more: How many further roots are not among them.

    Returns:
        What ``to_graphviz`` says.
    """
    graph = TreeDigraph(
        graph_attr={"rankdir": "LR", "bgcolor": "transparent"},
        node_attr={"shape": "box", "fontname": "sans-serif", "fontsize": "12"},
        edge_attr={"fontname": "sans-serif", "fontsize": "10", "color": "#8b929b"},
    )
    count = 0

    def add(above: str | None, kind: str, texts: Sequence[str], edge: str) -> str:
        nonlocal count
        name = f"n{count}"
        count += 1
        graph.node(name, _label(texts), **_NODE_STYLES[kind])
        if above is not None:
            graph.edge(above, name, **({"label": _label([edge])} if edge else {}))
        return name

    ahead: list[tuple[str | None, TreeItem | int]] = [(None, more)] if more else []
    ahead += [(None, item) for item in reversed(items)]
    while ahead:
        above, item = ahead.pop()
        if isinstance(item, int):
            add(above, "more", [f"+{item:,} more"], "")
            continue
        # The label of a root's line has no line to stand on.
        texts = (item.label, item.caption) if above else (item.edge, item.label, item.caption)
        name = add(above, item.kind, texts, item.edge)
        if item.more:
            ahead.append((name, item.more))
        ahead += [(name, child) for child in reversed(item.children)]
    return graph


def _label(texts: Sequence[str]) -> str:
    # Graphviz reads \N and &lt; in a label, and all of <…> as HTML.
    lines = (visible(text, LONGEST).replace("\\", "\\\\") for text in texts if text)
    label: str = graphviz.nohtml("\\n".join(line.replace("&", "&amp;") for line in lines))
    return label
