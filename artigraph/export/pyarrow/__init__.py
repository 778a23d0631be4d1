"""Models as an Arrow table: one row a model, one column a field.

Documents are read in chunks and taken apart in a thread; no model is made and
no blob is opened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.export.column import MOST_COLUMNS, TooManyColumnsError
from artigraph.export.document import (
    ModelColumns,
    Nested,
    classes_asked_for,
    models_clause,
    read_nested,
    select_models,
)
from artigraph.export.selection import Selection
from artigraph.filter.base import Filter
from artigraph.model.unfit import tell_of_fields
from artigraph.outline.path_text import read_path_texts

if TYPE_CHECKING:
    import pyarrow as pa

    from artigraph.export.pyarrow.table import TableBuilder

__all__ = ["read_table"]

CHUNK = 4_000
"""Models whose documents are taken apart at a time."""

MANY_COLUMNS = MOST_COLUMNS // 10
"""Columns of one model that are too many where there are too many of all."""


async def read_table(
    filter: Filter,
    columns: Sequence[str] | None = None,
    *,
    tags: Sequence[str] | bool = False,
    strict: bool = False,
) -> pa.Table:
    """Read the models that a filter finds as an Arrow table.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left
            out.
        columns: The columns to read, in order; a dict or a nested model stands
            for all of its columns. All, unless given.
        tags: Names of tags, each a column ``tag:name`` behind the others, which is ``True`` for
            a tag without a value; ``True`` for all tags that there are.
        strict: Raise what is wrong with the first row whose document cannot be read, or makes
            more than 10,000 columns alone. Its fields are missing otherwise, and one
            ``UnfitModelWarning`` tells of all such rows.

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

    Raises:
        FilterError: ``columns`` is no list, or names a column that no model has
            or that is left out; or there are more than 10,000 columns, and not just because of
            models that make 1,000 or more each, whose fields are missing then.
        DeserializationError: With ``strict``: a document is none that artigraph wrote, or makes
            too many columns.
    """
    from artigraph.export.tag import check_tags

    selection, wanted = Selection(columns), check_tags(tags)
    try:
        table, paths = await _read(filter, selection, wanted, MOST_COLUMNS)
    except TooManyColumnsError:
        # A few models that have a frame's worth of columns each spoil no others either.
        table, paths = await _read(filter, selection, wanted, MANY_COLUMNS)
        if not table.has_fields:
            raise
    tell_of_fields(table.unreadable, strict=strict)
    return await run_in_thread(table.build, paths, classes_asked_for(filter))


async def _read(
    filter: Filter, selection: Selection, wanted: tuple[str, ...] | bool, most_of_one: int
) -> tuple[TableBuilder, Mapping[int, str]]:
    """The table that is yet to be built, and the paths of all that its models hang on."""
    from artigraph.export.pyarrow.table import TableBuilder
    from artigraph.export.tag import read_cells, warn_of_misspelt

    clause = models_clause(filter)
    waiting: list[tuple[int, ModelColumns]] = []
    nested: Nested = {}
    paths: Mapping[int, str] = {}
    query = select_models(clause, documents=selection.wants_fields, who=selection.wants_who)
    async with read() as connection:
        table = TableBuilder(selection, dialect_of(connection).document_json, most_of_one)
        async for rows in _chunks(connection, query):
            waits = await run_in_thread(table.take, rows)
            if waits is not None:
                waiting.append(waits)
        if waiting:
            nested = await read_nested(connection, clause)
        if selection.wants_path and table.parents:
            paths = await read_path_texts(connection, table.parents)
        cells = await read_cells(connection, clause, wanted) if wanted else {}
    for chunk, models in waiting:
        await run_in_thread(table.add_chunk, chunk, models, nested)
    if isinstance(wanted, tuple):
        await warn_of_misspelt(cells, wanted)
    if wanted:
        await run_in_thread(table.add_tags, cells, wanted if isinstance(wanted, tuple) else ())
    return table, paths


async def _chunks(
    connection: AsyncConnection, query: Select[Any]
) -> AsyncIterator[Sequence[Row[Any]]]:
    seen = 0
    try:
        async with connection.stream(query) as result:
            async for rows in result.partitions(CHUNK):
                seen += len(rows)
                yield rows
    except OperationalError as error:
        if error.connection_invalidated:
            raise
        # Over a cell that somebody else wrote; who reads all at once is given whatever is there.
        rest = (await all_of(await connection.execute(query)))[seen:]
        for start in range(0, len(rest), CHUNK):
            yield rest[start : start + CHUNK]
