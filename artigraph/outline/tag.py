"""Tags, read along with the rows that they are of.

A repr shows them and may ask nothing, as :mod:`artigraph.outline.path` says of paths.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from artigraph.dialect.registry import dialect_of
from artigraph.display.tag import LONGEST_JSON, MOST_CHIPS
from artigraph.orm.base import Document
from artigraph.orm.node import TAGS, node_table
from artigraph.orm.tag import tag_table
from artigraph.outline.path import labels_above

__all__ = ["shown_along", "tags_column"]


class _TagsOf(FunctionElement[Any]):
    """A row's tags as a JSON array of pairs, with the beginnings of their values."""

    inherit_cache = True
    type = Document


@cache
def tags_column() -> ColumnElement[Any]:
    """A column with a row's tags, for a select of rows, as ``display.tag`` shows them."""
    return _TagsOf(node_table.c.node_id).label(TAGS)


@cache
def shown_along() -> tuple[ColumnElement[Any], ...]:
    """What is read along with a row that is read alone: where it hangs, and its tags."""
    return labels_above(), tags_column()


@compiles(_TagsOf)
def _collected(element: _TagsOf, compiler: SQLCompiler, **kw: object) -> str:
    kw.pop("add_to_result_map", None)
    (node_id,) = (compiler.process(one, **kw) for one in element.clauses)
    database = dialect_of(compiler)
    return database.tags_sql(tag_table.name, node_id, MOST_CHIPS + 1, LONGEST_JSON)
