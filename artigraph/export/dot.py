"""The graph for Graphviz, whose library is loaded when one is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artigraph.display.forest import tree_form
from artigraph.filter.base import Filter
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.node import NodeLike
from artigraph.outline.tree import read_tree

if TYPE_CHECKING:
    from artigraph.export.graphviz import TreeDigraph

__all__ = ["to_graphviz"]


@tree_form("dot", "for Graphviz")
async def to_graphviz(
    of: NodeLike | Filter | Unset = UNSET,
    *,
    max_depth: int | None = 12,
    max_children: int | None = 20,
    max_nodes: int | None = 500,
) -> TreeDigraph:
    """Draw what hangs below some nodes with Graphviz.

    Nodes are round, models square with their label on the edge, artifacts
    have a folded corner. No value and no blob is read.

    Args:
        of: A node or its id; a filter, whose nodes are the roots; all roots,
            unless given.
        max_depth: How many levels below the roots; ``None`` for all of them.
        max_children: How many children of one node; ``None`` for all of them.
        max_nodes: How many nodes in all; ``None`` for all of them.

    Returns:
        A ``graphviz.Digraph``: shown as SVG at the end of a cell, or as its
        source where the ``dot`` program is not installed. What is left out is
        counted in nodes ``+7 more``.

    Raises:
        NodeNotFoundError: No node has the id.
        FilterError: A node that was never written, a limit that is no count.
    """
    from artigraph.export.graphviz import draw

    tree = await read_tree(of, max_depth=max_depth, max_children=max_children, max_nodes=max_nodes)
    return draw(tree.to_items(), tree.more)
