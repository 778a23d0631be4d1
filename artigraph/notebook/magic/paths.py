"""Where rows hang that a line shows, read all at once: a repr may ask nothing."""

from __future__ import annotations

from collections.abc import Sequence

from artigraph.db.session import read
from artigraph.display.options import options
from artigraph.display.value import ends
from artigraph.node.qualified import QualifiedArtifact
from artigraph.orm.node import PATH, Node, row_of
from artigraph.outline.path import paths_of

__all__ = ["tell_paths"]


async def tell_paths(found: Sequence[object]) -> None:
    """Read where the rows hang that a list shows, all at once."""
    first, _, last = ends(found, options.limits.max_results)
    rows = {id(one): row for one in (*first, *last) if isinstance(row := row_of(one), Node)}
    below = [row.node_id for row in rows.values() if row.node_parent_id is not None]
    if not below:
        return
    async with read() as connection:
        paths = await paths_of(connection, below)
    for one in (*first, *last):
        path = paths.get(rows[id(one)].node_id) if id(one) in rows else None
        if path and isinstance(one, QualifiedArtifact):
            one.path = path
        elif path:
            vars(one)[PATH] = {rows[id(one)].node_parent_id: path}
