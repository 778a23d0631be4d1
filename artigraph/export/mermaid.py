"""The graph as mermaid source, which notebooks and Markdown pages draw."""

from __future__ import annotations

from artigraph.display.forest import mermaid_tree, tree_form
from artigraph.filter.base import Filter
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.node import NodeLike
from artigraph.outline.tree import read_tree

__all__ = ["Mermaid", "to_mermaid"]


class Mermaid(str):
    """Mermaid source: a ``str`` that JupyterLab and Notebook 7 draw as a diagram."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        return f"```mermaid\n{self}\n```"


@tree_form("mermaid", "a diagram as text")
async def to_mermaid(
    of: NodeLike | Filter | Unset = UNSET,
    *,
    max_depth: int | None = 12,
    max_children: int | None = 20,
    max_nodes: int | None = 200,
) -> Mermaid:
    """Draw what hangs below some nodes as a mermaid diagram.

    Nodes are round, models square with their label on the edge, artifacts
    slanted. No value and no blob is read.

    Args:
        of: A node or its id; a filter, whose nodes are the roots; all roots,
            unless given.
        max_depth: How many levels below the roots; ``None`` for all of them.
        max_children: How many children of one node; ``None`` for all of them.
        max_nodes: How many nodes in all; ``None`` for as many as mermaid draws,
            which is a little below 500.

    Returns:
        The source: a string, shown as a diagram at the end of a cell. What is
        left out is counted in nodes ``+7 more``.

    Raises:
        NodeNotFoundError: No node has the id.
        FilterError: A node that was never written, a limit that is no count.
    """
    most = _MOST if max_nodes is None else max_nodes
    tree = await read_tree(of, max_depth=max_depth, max_children=max_children, max_nodes=most)
    return Mermaid(mermaid_tree(tree.to_items(), more=tree.more))


_MOST = 1_000
"""More nodes than mermaid draws."""
