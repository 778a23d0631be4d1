"""Where a row hangs, read along with it: the labels of all above it.

A repr shows the path and may ask nothing, so it has to be known by then. A
statement of its own would double what reading one row costs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from artigraph.dialect.registry import dialect_of
from artigraph.filter.way import LONGEST_WAY, ways_up
from artigraph.orm.base import Document
from artigraph.orm.node import node_table

__all__ = ["LABELS_ABOVE", "labels_above", "path_of", "paths_of"]

LABELS_ABOVE = "labels_above"
"""What the column is called."""


def path_of(labels: Sequence[object] | None) -> tuple[str, ...]:
    """The path that the column tells; what a database has made of its levels is left out."""
    return tuple(str(label) for label in labels or () if label is not None)


async def paths_of(connection: AsyncConnection, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The labels of all above some nodes, the root's first, in one statement.

    Args:
        connection: To the database.
        ids: The nodes' ids; a few.
    """
    up = ways_up(lambda nodes: nodes.c.node_id.in_(ids))
    label = func.coalesce(node_table.c.node_label, "#" + cast(up.c.node_id, String(20)))
    query = (
        select(up.c.start_id, label)
        .join(node_table, node_table.c.node_id == up.c.node_id)
        .where(up.c.steps > 0)
        .order_by(up.c.start_id, up.c.steps.desc())
    )
    paths: dict[int, tuple[str, ...]] = dict.fromkeys(ids, ())
    for start, above in await connection.execute(query):
        paths[start] += (above,)
    return paths


class _LabelsAbove(FunctionElement[Any]):
    """The labels of a row's ancestors as a JSON array, the root's first."""

    inherit_cache = True
    type = Document


_STEPS = 12
"""Levels that are told along with a row where a subquery cannot be recursive."""


@cache
def labels_above() -> ColumnElement[Any]:
    """A column with the labels of a row's ancestors, for a select of rows.

    Returns:
        The column: a list of labels, the root's first, with ``#12`` for a node
        without one, or null for a root. :func:`path_of` reads it.
    """
    return _LabelsAbove(node_table.c.node_parent_id, literal(LONGEST_WAY)).label(LABELS_ABOVE)


@compiles(_LabelsAbove)
def _recursive(element: _LabelsAbove, compiler: SQLCompiler, **kw: object) -> str:
    kw.pop("add_to_result_map", None)
    parent, deepest = (compiler.process(one, **kw) for one in element.clauses)
    database = dialect_of(compiler)
    if database.labels is None:
        return _chained(parent)
    step = "above.node_parent_id, COALESCE(above.node_label, '#' || above.node_id)"
    table, collected = node_table.name, database.labels
    return (
        f"(WITH RECURSIVE up(parent_id, label, steps) AS ("  # noqa: S608  # names of our own
        f"SELECT {step}, 1 FROM {table} AS above WHERE above.node_id = {parent} UNION ALL "
        f"SELECT {step}, up.steps + 1 FROM {table} AS above JOIN up "
        f"ON above.node_id = up.parent_id WHERE up.steps < {deepest}) {collected})"
    )


def _chained(parent: str) -> str:
    """The same by a join a level, and ``…`` for what is above the last."""
    table = node_table.name
    levels = [f"up{number}" for number in range(1, _STEPS + 1)]
    labels = [
        f"IF({up}.node_id IS NULL, NULL, COALESCE({up}.node_label, CONCAT('#', {up}.node_id)))"
        for up in reversed(levels)
    ]
    further = f"IF({levels[-1]}.node_parent_id IS NULL, NULL, '…')"
    joins = " ".join(
        f"LEFT JOIN {table} AS {above} ON {above}.node_id = {below}.node_parent_id"
        for below, above in pairwise(levels)
    )
    return (
        f"(SELECT JSON_ARRAY({', '.join((further, *labels))}) "  # noqa: S608  # names of our own
        f"FROM {table} AS {levels[0]} {joins} WHERE {levels[0]}.node_id = {parent})"
    )
