"""What runs ran in, read back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from artigraph.db.fetch import ask
from artigraph.filter.relation import Nodes, check_nodes, nodes_clause
from artigraph.orm.node import node_table
from artigraph.orm.run import EnvironmentRecord

__all__ = ["read_environment"]

_table: Any = EnvironmentRecord.__table__


async def read_environment(of: Nodes) -> dict[int, dict[str, Any]]:
    """Read what runs ran in, in one statement.

    Args:
        of: A run, its id, several, or a filter.

    Returns:
        By the id of each run of which it is known: ``python``, ``platform``, and the versions
        of installed ``packages`` by name. Runs that ran in the same share one object.

    Raises:
        FilterError: It is none of these.
    """
    chosen = nodes_clause(check_nodes("read_environment()", of))
    node, key = node_table.c, _table.c.environment_digest
    query = select(node.node_id, key, _table.c.environment_data).join(
        _table, key == node.tracked_run_environment
    )
    shared: dict[str, Any] = {}
    found = {}
    for row in await ask(query.where(chosen)):
        node_id, digest, data = tuple(row)
        if isinstance(data, dict):  # somebody else's may be anything
            found[node_id] = shared.setdefault(digest, data)
    return found
