"""What an explorer's page may change of a node: thrown away, given back, deleted, locked."""

from __future__ import annotations

from typing import Any

from artigraph.errors import FilterError
from artigraph.filter.node import NodeFilter
from artigraph.node.node import delete_nodes
from artigraph.notebook.answering import Handlers, answers
from artigraph.notebook.explorer_details import gone
from artigraph.outline.relation import count_descendants
from artigraph.trash.lock import lock_nodes, unlock_nodes
from artigraph.trash.restore import restore_nodes
from artigraph.trash.trash import trash_nodes

__all__ = ["TreeChanges"]


class TreeChanges(Handlers):
    """Changes of one node, with all below it. The page asks its reader first."""

    @answers("below")
    async def _count_below(self, params: dict[str, Any]) -> dict[str, Any]:
        # What any change takes along; asked once somebody is about to make one.
        found = await count_descendants(NodeFilter(node_id=_node(params)))
        return {"rows": sum(found.values())}

    @answers("trash")
    async def _trash(self, params: dict[str, Any]) -> dict[str, Any]:
        node = _node(params)
        return _some(node, await trash_nodes(NodeFilter(node_id=node)))

    @answers("restore")
    async def _restore(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"rows": await restore_nodes(_node(params))}

    @answers("delete")
    async def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        node = _node(params)
        return _some(node, await delete_nodes(NodeFilter(node_id=node)))

    @answers("lock")
    async def _lock(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"rows": await lock_nodes(NodeFilter(node_id=_node(params)))}

    @answers("unlock")
    async def _unlock(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"rows": await unlock_nodes(NodeFilter(node_id=_node(params)))}


def _node(params: dict[str, Any]) -> int:
    node = params.get("node")
    if not isinstance(node, int) or isinstance(node, bool) or not 0 < node < 2**63:
        raise FilterError(f"node is the id of a node, not {node!r:.100}.")
    return node


def _some(node: int, rows: int) -> dict[str, Any]:
    if not rows:
        raise gone(node)
    return {"rows": rows}
