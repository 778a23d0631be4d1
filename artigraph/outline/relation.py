"""What stands above and below many nodes at once: counts, and paths from the root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from artigraph.db.fetch import ask
from artigraph.db.session import read_session
from artigraph.errors import FilterError, NodeNotFoundError
from artigraph.filter.base import PRESENT, Filter
from artigraph.filter.relation import NodeRelationshipFilter, Nodes, check_nodes, nodes_clause
from artigraph.garbage import collector_paused
from artigraph.orm.node import Node, NodeLike, node_table
from artigraph.outline.summary import CHILD_COUNT, path_to

__all__ = ["count_children", "count_descendants", "read_path", "read_paths"]


async def count_children(nodes: Nodes) -> dict[int, int]:
    """Count what hangs right on each of some nodes, in one query.

    Args:
        nodes: An id, a node, several, or a filter.

    Returns:
        The counts by id: one for each node that the filter finds, or for each
        id that was given; 0 if there is no such node.

    Raises:
        FilterError: A node that was never written, or something that is none.
    """
    nodes = check_nodes("count_children()", nodes)
    counts = select(node_table.c.node_id, CHILD_COUNT).where(nodes_clause(nodes))
    return await _count(nodes, counts)


async def count_descendants(nodes: Nodes) -> dict[int, int]:
    """Count all that is below each of some nodes, at any depth, in one query.

    What is below several of them is walked and counted for each.

    Args:
        nodes: An id, a node, several, or a filter.

    Returns:
        The counts by id, as those of :func:`count_children`. On a cycle a node
        does not count itself.

    Raises:
        FilterError: A node that was never written, or something that is none.
    """
    nodes = check_nodes("count_descendants()", nodes)
    own = node_table.c.node_id
    # UNION keeps a pair once, and so ends on a cycle.
    first = select(own.label("top_id"), own.label("node_id")).where(nodes_clause(nodes))
    below = first.cte(recursive=True)
    child = node_table.alias()
    below = below.union(
        select(below.c.top_id, child.c.node_id).join(
            below, child.c.node_parent_id == below.c.node_id
        )
    )
    counts = select(below.c.top_id, func.count() - 1).group_by(below.c.top_id)
    return await _count(nodes, counts)


async def _count(nodes: Nodes, query: Select[Any]) -> dict[int, int]:
    rows = await ask(query.order_by(query.selected_columns[0]))
    asked = dict.fromkeys(nodes if isinstance(nodes, tuple) else (), 0)
    return asked | dict(map(tuple, rows))


async def read_path(node: NodeLike) -> list[Node]:
    """Read what a node hangs on, from the root down to the node itself.

    Args:
        node: The node or its id.

    Returns:
        The nodes, the root first and the node last, as ``read_nodes`` gives them.

    Raises:
        NodeNotFoundError: No node has the id.
        FilterError: A node that was never written, or several.
    """
    given = check_nodes("read_path()", node)
    if isinstance(given, Filter) or len(given) != 1:
        raise FilterError(f"read_path() takes one node; read_paths() takes several, or {node!r}.")
    path = (await read_paths(given))[given[0]]
    if not path:
        raise NodeNotFoundError(f"There is no node {given[0]}, so no path leads to it.")
    return path


async def read_paths(nodes: Nodes) -> dict[int, list[Node]]:
    """Read the paths from the root to each of some nodes, in one query.

    Args:
        nodes: An id, a node, several, or a filter.

    Returns:
        The paths by id, each as of :func:`read_path`; an empty one for an id
        that no node has. Nodes on several paths are the same objects.

    Raises:
        FilterError: A node that was never written, or something that is none.
    """
    nodes = check_nodes("read_paths()", nodes)
    asked = case((nodes_clause(nodes), 1), else_=0)
    above = NodeRelationshipFilter(ancestor_of=nodes, include_self=True).clause()
    query = select(Node, asked).where(above, PRESENT).order_by(Node.node_id)
    async with read_session() as session:
        if session.identity_map:
            # Rows are also written past the session's objects: believe the database.
            query = query.execution_options(populate_existing=True)
        rows = await session.run_sync(_load_all, query)
    by_id = {node.node_id: node for node, _ in rows}
    wanted = nodes if isinstance(nodes, tuple) else [n.node_id for n, is_asked in rows if is_asked]
    return {node_id: path_to(node_id, by_id) for node_id in wanted}


def _load_all(session: Session, query: Select[Any]) -> Sequence[Any]:
    with collector_paused():
        return session.execute(query).all()
