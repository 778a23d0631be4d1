"""Nodes read as an Arrow table; a chunk of rows is taken apart in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from artigraph.concurrency import run_in_thread
from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.export.node_rows import (
    ON_REQUEST,
    columns_of_classes,
    select_nodes_of,
    stored_classes,
)
from artigraph.export.reading import Asked, chunks
from artigraph.export.selection import Selection
from artigraph.filter.asked import node_types_of
from artigraph.filter.base import clause_of
from artigraph.filter.order import ordering_of
from artigraph.model.unfit import tell_of_fields
from artigraph.outline.path_text import read_path_texts

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_node_table"]


async def read_node_table(asked: Asked) -> pa.Table:
    """The nodes that a filter finds, as a table.

    Args:
        asked: What is wanted of them.
    """
    from artigraph.export.pyarrow.node_builder import NodeTableBuilder
    from artigraph.export.tag import read_cells, warn_of_misspelt

    wanted, selection = asked.tags, Selection(asked.columns)
    clause, ordering = clause_of(asked.filter), ordering_of(asked.order_by, asked.filter)
    async with read() as connection:
        named = node_types_of(asked.filter)
        classes = [*named, *await stored_classes(connection, clause)]
        known = columns_of_classes(classes)
        columns = [one for one in known if selection.wants(one.name)]
        further = [
            name for name in ON_REQUEST if asked.columns is not None and name in asked.columns
        ]
        query = select_nodes_of(clause, columns, further, ordering, asked.limit)
        names = [one.name for one in known]
        as_written = dialect_of(connection).document_json
        table = NodeTableBuilder(selection, as_written, columns, further, names)
        async for rows in chunks(connection, query):
            await run_in_thread(table.take, rows)
        if selection.wants_path and table.parents:
            table.paths = await read_path_texts(connection, table.parents)
        cells = await read_cells(connection, clause, wanted) if wanted else {}
    if isinstance(wanted, tuple):
        await warn_of_misspelt(cells, wanted)
    if wanted:
        await run_in_thread(table.add_tags, cells, wanted if isinstance(wanted, tuple) else ())
    tell_of_fields(table.unreadable, strict=asked.strict)
    return await run_in_thread(table.build, table.paths)
