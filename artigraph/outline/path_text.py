"""Paths as one text: labels from the root down, joined by ``/``."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.filter.value import among
from artigraph.orm.node import node_table

__all__ = ["path_step", "read_path_texts"]


async def read_path_texts(connection: AsyncConnection, node_ids: Collection[int]) -> dict[int, str]:
    """The paths of nodes from their roots, in one recursive query.

    Args:
        connection: The connection.
        node_ids: The nodes, however many.

    Returns:
        By id, the labels from the root down to the node, joined by ``/``; see
        :func:`path_step`.
    """
    columns = (node_table.c.node_id, node_table.c.node_parent_id, node_table.c.node_label)
    given = select(*columns).where(among(node_table.c.node_id, sorted(node_ids)))
    found = given.cte(recursive=True)
    above = node_table.alias()
    # UNION forgets what it has seen twice, and so ends on a cycle.
    found = found.union(
        select(above.c.node_id, above.c.node_parent_id, above.c.node_label).join(
            found, above.c.node_id == found.c.node_parent_id
        )
    )
    rows = await all_of(await connection.execute(select(found)))
    return await run_in_thread(_paths, rows)


def _paths(rows: Iterable[Any]) -> dict[int, str]:
    nodes: dict[int, tuple[int, str | None]] = {row[0]: (row[1], row[2]) for row in rows}
    paths: dict[int, str] = {}
    for start in nodes:
        chain: dict[int, str] = {}
        node_id = start
        while node_id in nodes and node_id not in paths and node_id not in chain:
            parent_id, label = nodes[node_id]
            chain[node_id] = path_step(node_id, label)
            node_id = parent_id
        path = paths.get(node_id)
        for below, step in reversed(chain.items()):
            paths[below] = path = step if path is None else f"{path}/{step}"
    return paths


def path_step(node_id: int, label: str | None) -> str:
    r"""A node's step in a path: its label, or ``#12`` for node 12 without one.

    In a label ``/`` is written ``\/``, ``\`` is ``\\``, and ``#`` at its start is
    ``\#``, so that no two nodes below one parent have the same path.
    """
    if label is None:
        return f"#{node_id}"
    label = str(label)  # somebody else's may be bytes
    if "/" in label or "\\" in label:
        label = label.replace("\\", "\\\\").replace("/", "\\/")
    return f"\\{label}" if label.startswith("#") else label
