"""Models read as an Arrow table, or nodes where a filter asks for those.

Documents are read in chunks and taken apart in a thread; no model is made and
no blob is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from artigraph.concurrency import run_in_thread
from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.export.column import MOST_COLUMNS, TooManyColumnsError
from artigraph.export.document import (
    ModelColumns,
    Nested,
    classes_asked_for,
    models_clause,
    read_nested,
    select_models,
)
from artigraph.export.node_rows import asks_for_nodes
from artigraph.export.pyarrow.above import Above
from artigraph.export.pyarrow.nodes import read_node_table
from artigraph.export.reading import Asked, chunks
from artigraph.export.selection import Selection
from artigraph.export.tag import check_tags, read_cells, warn_of_misspelt
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.model import ModelFilter
from artigraph.filter.order import OrderBy, check_counts, finds_models, ordering_of
from artigraph.filter.value import among
from artigraph.model.base import models_by_name
from artigraph.model.unfit import tell_of_fields
from artigraph.orm.node import Node, node_table
from artigraph.outline.path_text import read_path_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from artigraph.export.pyarrow.table import TableBuilder

__all__ = ["read_table_of"]

MANY_COLUMNS = MOST_COLUMNS // 10
"""Columns of one model that are too many where there are too many of all."""


async def read_table_of(
    filter: Filter,
    columns: Sequence[str] | None,
    tags: Sequence[str] | bool,
    strict: bool,
    order_by: OrderBy,
    limit: int | None,
    above: type[Node] | None,
) -> pa.Table:
    """See :func:`artigraph.read_table`."""
    check_counts(limit=limit)
    asked = Asked(filter, columns, check_tags(tags), strict, order_by, limit)
    clause_of(filter)  # refuses what is no filter
    if asks_for_nodes(filter):
        if above is not None:
            raise FilterError(
                f"above={above!r}: the filter asks for nodes, not for models: {filter}."
            )
        return await read_node_table(asked)
    # First, so that a mistake in what is asked for above is told before anything is read.
    run = None if above is None else Above(above, asked)
    table = await _read_models(asked if run is None else replace(asked, columns=run.others))
    if not table.has_rows and columns is None and not finds_models(filter):
        nodes = await read_node_table(asked)
        if nodes.num_rows:
            return nodes
    made = await run_in_thread(table.build, table.paths, classes_asked_for(filter))
    return made if run is None else await run.join(made, table.parents_by_row())


async def _read_models(asked: Asked) -> TableBuilder:
    """The table that is yet to be built."""
    try:
        table = await _read(asked, MOST_COLUMNS)
    except TooManyColumnsError:
        # A few models that have a frame's worth of columns each spoil no others either.
        table = await _read(asked, MANY_COLUMNS)
        if not table.has_fields:
            raise
    tell_of_fields(table.unreadable, strict=asked.strict)
    return table


async def _read(asked: Asked, most_of_one: int) -> TableBuilder:
    from artigraph.export.pyarrow.table import TableBuilder

    filter, wanted, selection = asked.filter, asked.tags, Selection(asked.columns)
    clause = models_clause(filter)
    ordering = ordering_of(asked.order_by, _models_only(filter), models_by_name)
    waiting: list[tuple[int, ModelColumns]] = []
    nested: Nested = {}
    query = select_models(clause, documents=selection.wants_fields, who=selection.wants_who)
    query = query.order_by(None).order_by(*ordering.clauses).limit(asked.limit)
    async with read() as connection:
        table = TableBuilder(selection, dialect_of(connection).document_json, most_of_one)
        async for rows in chunks(connection, query):
            waits = await run_in_thread(table.take, rows)
            if waits is not None:
                waiting.append(waits)
        if asked.limit is not None:
            clause = among(node_table.c.node_id, table.ids())
        if waiting:
            nested = await read_nested(connection, clause)
        if selection.wants_path and table.parents:
            table.paths = await read_path_texts(connection, table.parents)
        cells = await read_cells(connection, clause, wanted) if wanted else {}
    for chunk, models in waiting:
        await run_in_thread(table.add_chunk, chunk, models, nested)
    if isinstance(wanted, tuple):
        await warn_of_misspelt(cells, wanted)
    if wanted:
        await run_in_thread(table.add_tags, cells, wanted if isinstance(wanted, tuple) else ())
    return table


def _models_only(filter: Filter) -> Filter:
    return filter if isinstance(filter, ModelFilter) else filter & ModelFilter()
