"""Tags as columns of a frame of models: ``tag:stage``, ``tag:score``.

Their values are taken apart as those of fields are that may be anything. A tag without a
value is ``True`` where it is set, since it would look like a missing one otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import orjson
from sqlalchemy import ColumnElement, Text, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.fetch import all_of
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import visible
from artigraph.errors import FilterError
from artigraph.filter.tag import VALUE
from artigraph.filter.value import among, check_value
from artigraph.home import warn_caller
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.registry import did_you_mean, nearest
from artigraph.tag.read import tag_names

__all__ = ["TagCells", "check_tags", "read_cells", "tag_document", "warn_of_misspelt"]

TagCells: TypeAlias = Mapping[int, Mapping[str, Any]]
"""By node, what stands in the columns of its tags, as documents have it."""

_PREFIX = "tag:"
_tag = tag_table.c


def check_tags(tags: object) -> tuple[str, ...] | bool:
    """Which tags are wanted: all, none, or those of these names.

    Raises:
        FilterError: It says neither.
    """
    if isinstance(tags, bool):
        return tags
    several = isinstance(tags, Collection) and not isinstance(tags, str | bytes | Mapping)
    if not several or not all(isinstance(name, str) for name in tags):  # type: ignore[attr-defined]  # as just seen
        raise FilterError(
            f"tags=… takes names of tags in a list, as in tags=['stage'], or True for all, not "
            f"{tags!r}."
        )
    for name in tags:  # type: ignore[attr-defined]  # as above
        check_value(name)
    return tuple(dict.fromkeys(tags))  # type: ignore[call-overload]  # as above


async def read_cells(
    connection: AsyncConnection, clause: ColumnElement[bool], wanted: tuple[str, ...] | bool
) -> TagCells:
    """The tags of the models that a clause finds, in one query."""
    query = (
        select(_tag.tag_node_id, _tag.tag_name, cast(_tag.tag_value, Text()).label("document"))
        .join(node_table, node_table.c.node_id == _tag.tag_node_id)
        .where(clause)
    )
    if not isinstance(wanted, bool):
        query = query.where(among(_tag.tag_name, wanted))
    as_written = dialect_of(connection).document_json
    cells: dict[int, dict[str, Any]] = {}
    for row in await all_of(await connection.execute(query)):
        text = row.document
        if text is not None and as_written is not None:
            text = as_written(text)
        cells.setdefault(row.tag_node_id, {})[f"{_PREFIX}{row.tag_name}"] = _value(text)
    return cells


async def warn_of_misspelt(cells: TagCells, wanted: tuple[str, ...]) -> None:
    """Warn of a tag that no node has, where one that is called nearly so is there.

    Args:
        cells: The tags that were found.
        wanted: The names that were asked for.
    """
    found = {column for columns in cells.values() for column in columns}
    missing = [name for name in wanted if f"{_PREFIX}{name}" not in found]
    known = await tag_names() if missing else []
    for name in missing:
        if name not in known and nearest(name, known):
            told = f"No node has the tag {visible(name, 60)!r}, so its column is empty."
            warn_caller(f"{told} {visible(did_you_mean(name, known), 200)}", UserWarning)


def _value(text: str | None) -> Any:
    if text is None:
        return True
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # somebody else's
    return document.get(VALUE) if isinstance(document, dict) else document


def tag_document(cells: TagCells, node_id: int) -> str:
    """The tags of a model as a document of fields."""
    found = cells.get(node_id)
    return "{}" if found is None else orjson.dumps(found).decode()
