"""Tags read: those of some nodes, and the names that there are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from artigraph.db.fetch import ask
from artigraph.errors import FilterError
from artigraph.filter.base import PRESENT, Filter, clause_of
from artigraph.filter.order import check_counts
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.outline.name import names_in
from artigraph.tag.value import value_of

__all__ = ["list_tags", "read_tags", "tag_names"]

_tag = tag_table.c


async def read_tags(filter: Filter, *, limit: int = 100_000) -> dict[int, dict[str, Any]]:
    """Read the tags of the nodes that a filter finds, in one query.

    Args:
        filter: Any filter, or several combined.
        limit: How many tags to read at the most.

    Returns:
        By node, in the order of ids, the values of its tags by name; nodes without a tag are
        left out.

    Raises:
        FilterError: There are more tags than the limit; so that none is left out unseen.
    """
    check_counts(limit=limit, least=1)
    query = (
        select(_tag.tag_node_id, _tag.tag_name, _tag.tag_value)
        .join(node_table, node_table.c.node_id == _tag.tag_node_id)
        .where(clause_of(filter))
        .order_by(_tag.tag_node_id, _tag.tag_name)
        .limit(limit + 1)
    )
    rows = await ask(query)
    if len(rows) > limit:
        raise FilterError(
            f"There are more than {limit:,} tags: {filter}. Narrow the filter, or say how many "
            f"to read: read_tags(filter, limit={10 * limit})."
        )
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row.tag_node_id, {})[row.tag_name] = value_of(row.tag_value)
    return found


async def tag_names(*, limit: int = 200) -> list[str]:
    """The names of tags, from the index alone; of what is in the trash, too."""
    names = names_in(_tag.tag_name)
    query = select(names.c.name).where(names.c.name.is_not(None)).limit(limit)
    return [row.name for row in await ask(query)]


async def list_tags(*, limit: int = 1_000) -> dict[str, int]:
    """How many nodes have each tag, by name.

    Args:
        limit: How many names at the most, the first ones by alphabet.
    """
    check_counts(limit=limit, least=1)
    query = (
        select(_tag.tag_name, func.count().label("nodes"))
        .join(node_table, node_table.c.node_id == _tag.tag_node_id)
        .where(PRESENT)
        .group_by(_tag.tag_name)
        .order_by(_tag.tag_name)
        .limit(limit)
    )
    return {row.tag_name: row.nodes for row in await ask(query)}
