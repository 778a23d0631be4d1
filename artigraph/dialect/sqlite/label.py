"""An index of SQLite's that finds labels by a part of them: FTS5, by three characters each.

FTS5 writes what it has heard of out before each statement, which would make a write of many
rows ten times as long. So a new label is first noted in a table, and every 256th row has
those that were noted indexed together. A search asks both, and whoever has the rows found
compares their labels: the index alone promises only not to leave one out.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import TextClause, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.dialect.base import LABEL_INDEX
from artigraph.errors import FilterError

__all__ = ["create_label_index", "label_candidates"]

_NEW = "artigraph_label_new"
"""The table of rows whose label is not in the index yet; of each other row with a label it is."""

_TOGETHER = 256
"""Rows that are indexed at once."""


async def create_label_index(connection: AsyncConnection, table: str) -> None:
    """Make the index, and what keeps it; where it is there, nothing happens."""
    if await _is_there(connection):
        return
    for statement in _statements(table):
        try:
            await connection.exec_driver_sql(statement)
        except OperationalError as error:
            if not str(error.orig).startswith(("no such module", "no such tokenizer", "error in")):
                raise
            raise FilterError(
                f"This SQLite has no index that finds a part of a text ({error.orig}). Use a "
                "Python whose sqlite3 is 3.34 or newer, with FTS5."
            ) from error


def _statements(table: str) -> Iterator[str]:
    insert = f"INSERT INTO {LABEL_INDEX} (rowid, node_label)"
    # It has to be told what it has indexed, and must not be told of anything else.
    remove = (
        f"INSERT INTO {LABEL_INDEX} ({LABEL_INDEX}, rowid, node_label) "
        "SELECT 'delete', old.node_id, old.node_label WHERE old.node_label IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM {_NEW} WHERE node_id = old.node_id); "
        f"DELETE FROM {_NEW} WHERE node_id = old.node_id;"
    )
    note = f"INSERT INTO {_NEW} SELECT new.node_id WHERE new.node_label IS NOT NULL;"
    yield (
        f"CREATE VIRTUAL TABLE {LABEL_INDEX} USING fts5(node_label, content = '{table}', "
        "content_rowid = 'node_id', tokenize = 'trigram', detail = 'none')"
    )
    yield f"CREATE TABLE {_NEW} (node_id INTEGER PRIMARY KEY)"
    yield f"{insert} SELECT node_id, node_label FROM {table} WHERE node_label IS NOT NULL"
    trigger = f"CREATE TRIGGER {LABEL_INDEX}"
    yield f"{trigger}_insert AFTER INSERT ON {table} BEGIN {note} END"
    yield (
        f"{trigger}_together AFTER INSERT ON {table} WHEN new.node_id % {_TOGETHER} = 0 BEGIN "
        f"{insert} SELECT node_id, node_label FROM {_NEW} CROSS JOIN {table} USING (node_id); "
        f"DELETE FROM {_NEW}; END"
    )
    yield (
        f"{trigger}_update AFTER UPDATE OF node_label ON {table} "
        f"WHEN new.node_label IS NOT old.node_label BEGIN {remove} {note} END"
    )
    yield f"{trigger}_delete AFTER DELETE ON {table} BEGIN {remove} END"


async def label_candidates(
    connection: AsyncConnection, table: str, part: str, most: int
) -> list[int] | None:
    """See :meth:`artigraph.dialect.base.Dialect.label_candidates`."""
    if len(part) < 3 or not await _is_there(connection):
        return None
    grams = {part[at : at + 3].replace('"', '""') for at in range(len(part) - 2)}
    asked = {"grams": " AND ".join(f'"{gram}"' for gram in grams), "part": part, "most": most + 1}
    found = (await connection.execute(_query(table), asked)).scalars().all()
    return None if len(found) > most else list(found)


def _query(table: str) -> TextClause:
    # Of a CROSS JOIN it begins with the first table, which has few rows.
    return text(
        f"SELECT node_id FROM (SELECT rowid AS node_id FROM {LABEL_INDEX} "
        f"WHERE {LABEL_INDEX} MATCH :grams LIMIT :most) "
        f"UNION ALL SELECT node_id FROM (SELECT node_id FROM {_NEW} "
        f"CROSS JOIN {table} USING (node_id) WHERE instr(lower(node_label), lower(:part)) "
        "LIMIT :most)"
    )


async def _is_there(connection: AsyncConnection) -> bool:
    query = text("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = :name")
    return bool((await connection.execute(query, {"name": LABEL_INDEX})).scalar_one())
