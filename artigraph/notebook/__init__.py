"""artigraph inside IPython: the only folder that imports it, and only once something is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artigraph.filter.base import Filter
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.node import Node

if TYPE_CHECKING:
    from artigraph.notebook.explorer import Explorer

__all__ = ["explore"]


async def explore(
    node_or_filter: Node | Filter | int | Unset = UNSET, *, height: int = 520
) -> Explorer:
    """Show the tree in a notebook, as the last line of a cell.

    Args:
        node_or_filter: A node or its id to begin with, a filter to begin with
            all that it finds; all roots, unless given.
        height: How tall it is, in pixels.

    Returns:
        A widget; its ``selected`` holds the id of the chosen node.

    Raises:
        FilterError: Something else, or a node that was never written.
        NodeNotFoundError: There is no such node.
        NoEngineError: No engine was set.
    """
    from artigraph.notebook.explorer import Explorer

    explorer = Explorer(node_or_filter, height=height)
    await explorer.refresh()
    return explorer
