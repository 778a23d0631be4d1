"""The graph for networkx, to compute with."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from artigraph.concurrency import run_in_thread
from artigraph.display.forest import tree_form
from artigraph.filter.base import Filter
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.node import NodeLike
from artigraph.outline.tree import Tree, TreeNode, read_tree

if TYPE_CHECKING:
    import networkx

__all__ = ["to_networkx"]


@tree_form("networkx", "a graph to compute with")
async def to_networkx(
    of: NodeLike | Filter | Unset = UNSET,
    *,
    max_depth: int | None = None,
    max_children: int | None = None,
    max_nodes: int | None = 10_000,
    columns: Collection[str] = (),
) -> networkx.DiGraph[Any]:
    """Read what hangs below some nodes into a ``networkx.DiGraph``.

    No value and no blob is read.

    Args:
        of: A node or its id; a filter, whose nodes are the roots; all roots,
            unless given.
        max_depth: How many levels below the roots; all, unless given.
        max_children: How many children of one node; all, unless given.
        max_nodes: How many nodes in all; ``None`` for all of them.
        columns: Names of further columns to read, of subclasses of ``Node``.

    Returns:
        A graph whose nodes are ids, with edges from parent to child. Attributes
        of a node are ``kind`` (``"node"``, ``"model"`` or ``"artifact"``),
        ``type``, ``created_at``, ``updated_at`` and, where it has them,
        ``label``, ``model``, ``version``, ``serializer``, ``size`` in bytes,
        ``content``, ``extent`` and the columns. An edge's ``label`` is that of
        its child. Where nodes are left out, a node ``"more below 12"`` of the
        kind ``"more"`` counts them in its attribute ``more``.

    Raises:
        NodeNotFoundError: No node has the id.
        FilterError: A node that was never written, a limit that is no count, or
            a column that cannot be read.
    """
    tree = await read_tree(
        of, max_depth=max_depth, max_children=max_children, max_nodes=max_nodes, columns=columns
    )
    return await run_in_thread(_build, tree)


@tree_form("json", "the node-link form that networkx and d3 read")
async def _to_json(of: NodeLike | Filter | Unset = UNSET, **limits: Any) -> dict[str, Any]:
    import networkx

    data = networkx.node_link_data(await to_networkx(of, **limits), edges="edges")
    # What JSON does not know, such as times, as text.
    made: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return made


def _build(tree: Tree) -> networkx.DiGraph[Any]:
    import networkx

    graph: networkx.DiGraph[Any] = networkx.DiGraph()
    for node in tree:
        graph.add_node(node.node_id, **_attributes(node))
        # A root may hang on a node that is no part of this tree.
        if node.depth:
            label = {} if node.label is None else {"label": node.label}
            graph.add_edge(node.parent_id, node.node_id, **label)
        if node.more:
            graph.add_edge(node.node_id, _add_more(graph, f" below {node.node_id}", node.more))
    if tree.more:
        _add_more(graph, " roots", tree.more)
    return graph


def _add_more(graph: networkx.DiGraph[Any], where: str, more: int) -> str:
    name = f"more{where}"
    graph.add_node(name, kind="more", label=f"+{more:,} more", more=more)
    return name


def _attributes(node: TreeNode) -> dict[str, Any]:
    attributes = {
        "kind": node.kind,
        "type": node.node_type,
        "label": node.label,
        "created_at": node.created_at,
        "updated_at": node.updated_at,
        "model": node.model_name,
        "version": node.model_version,
        "serializer": node.serializer,
        "size": node.size,
        "content": node.content or None,
        "extent": node.extent or None,
        **node.columns,
    }
    # Most formats that networkx writes know no None.
    return {name: value for name, value in attributes.items() if value is not None}
