"""Models as an Arrow table: one row a model, one column a field.

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

__all__ = ["read_table"]

MANY_COLUMNS = MOST_COLUMNS // 10
"""Columns of one model that are too many where there are too many of all."""


async def read_table(
    filter: Filter,
    columns: Sequence[str] | None = None,
    *,
    tags: Sequence[str] | bool = False,
    strict: bool = False,
    order_by: OrderBy = None,
    limit: int | None = None,
    above: type[Node] | None = None,
) -> pa.Table:
    """Read the models that a filter finds as an Arrow table; or its nodes.

    Args:
        filter: Any filter, or several combined. One that asks for a class of nodes, such as
            ``NodeFilter(node_type=TrackedRun)`` or what ``TrackedRun.where()`` makes, gives
            those nodes. Any other gives the models that it finds, and its nodes if
            there is no model among them.
        columns: The columns to read, in order; a dict or a nested model stands
            for all of its columns. All, unless given.
        tags: Names of tags, each a column ``tag:name`` behind the others, which is ``True`` for
            a tag without a value; ``True`` for all tags that there are.
        strict: Raise what is wrong with the first row whose document cannot be read, or makes
            more than 10,000 columns alone. Its fields are missing otherwise, and one
            ``UnfitModelWarning`` tells of all such rows.
        order_by: As for :func:`read_models`; by id, unless given.
        limit: How many to read at the most.
        above: A node class, such as ``TrackedRun``: each model has the columns of the nearest
            node of that class which it hangs on as well, behind its own, as ``run.status``
            and ``run.params.lr``. They are missing where there is none.

    Returns:
        One row a model, by id. First the columns of the row: ``node_id``,
        ``node_label``, ``node_parent_id``, ``node_created_at`` and
        ``node_updated_at`` in UTC, ``model_type``, ``model_version`` and ``path``,
        the labels from the root on, joined by ``/``. Then the fields, in the
        order of the class, and by name where no class tells one; the keys of dicts
        and the fields of nested models are columns of their own, such as
        ``params.depth``. A column whose values have no one type in Arrow holds JSON,
        and its field says so in its metadata, as ``{"artigraph": "json"}``. Frames,
        arrays and other values in rows of their own are left out.

        Of nodes: one row a node. First ``path``, then the columns of their classes by
        friendly names, such as ``status``, where the entries of a document are columns of
        their own, such as ``params.lr``; last ``label``, ``type``, ``id``, ``parent_id``,
        ``created_at`` and ``updated_at``. ``uid``, ``created_by``, ``updated_by`` and
        ``locked_at`` are read if ``columns`` names them.

    Raises:
        FilterError: ``columns`` is no list, or names a column that no model has
            or that is left out; or there are more than 10,000 columns, and not just because of
            models that make 1,000 or more each, whose fields are missing then.
        DeserializationError: With ``strict``: a document is none that artigraph wrote, or makes
            too many columns.
    """
    from artigraph.export.tag import check_tags

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
    from artigraph.export.tag import read_cells, warn_of_misspelt

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
