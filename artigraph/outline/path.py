"""Where a row hangs, read along with it: the labels of all above it.

A repr shows the path and may ask nothing, so it has to be known by then. A
statement of its own would double what reading one row costs.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from artigraph.dialect.registry import dialect_of
from artigraph.filter.way import LONGEST_WAY
from artigraph.orm.base import Document
from artigraph.orm.node import node_table

__all__ = ["LABELS_ABOVE", "labels_above"]

LABELS_ABOVE = "labels_above"
"""What the column is called."""


class _LabelsAbove(FunctionElement[Any]):
    """The labels of a row's ancestors as a JSON array, the root's first."""

    inherit_cache = True
    type = Document


def labels_above(connection: AsyncConnection) -> ColumnElement[Any] | None:
    """A column with the labels of a row's ancestors, for a select of rows.

    Returns:
        The column: a list of labels, the root's first, with ``#12`` for a node
        without one, or null for a root. ``None`` where the database cannot tell
        along with the rows.
    """
    return None if dialect_of(connection).labels is None else _labels_above()


@cache
def _labels_above() -> ColumnElement[Any]:
    return _LabelsAbove(node_table.c.node_parent_id, literal(LONGEST_WAY)).label(LABELS_ABOVE)


@compiles(_LabelsAbove)
def _recursive(element: _LabelsAbove, compiler: SQLCompiler, **kw: object) -> str:
    kw.pop("add_to_result_map", None)
    parent, deepest = (compiler.process(one, **kw) for one in element.clauses)
    step = "above.node_parent_id, COALESCE(above.node_label, '#' || above.node_id)"
    table, collected = node_table.name, dialect_of(compiler).labels
    return (
        f"(WITH RECURSIVE up(parent_id, label, steps) AS ("  # noqa: S608  # names of our own
        f"SELECT {step}, 1 FROM {table} AS above WHERE above.node_id = {parent} UNION ALL "
        f"SELECT {step}, up.steps + 1 FROM {table} AS above JOIN up "
        f"ON above.node_id = up.parent_id WHERE up.steps < {deepest}) {collected})"
    )
