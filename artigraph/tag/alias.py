"""A tag that only one node below another may have: it moves from one to the next.

Whoever moves one holds the row of the node above, so that two are never at it at once; and
a unique index sees that there are not two, whatever happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, literal, or_, select

from artigraph.db.fetch import ask
from artigraph.db.setting import current_store
from artigraph.db.store import refuse_other_store
from artigraph.db.transaction import Transaction
from artigraph.errors import MultipleNodesFoundError, NodeNotFoundError, TagError
from artigraph.filter.base import PRESENT
from artigraph.filter.english import shown_nodes
from artigraph.filter.relation import walk
from artigraph.filter.value import among
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.tag.value import StoredTag, stored_tags

__all__ = ["aliases_beside", "make_room"]

_tag, _node = tag_table.c, node_table.c


async def make_room(
    transaction: Transaction,
    clause: ColumnElement[bool],
    stored: Sequence[StoredTag],
    scope: tuple[int, ...],
    told: str,
) -> int | None:
    """Take tags away from whichever has them below a node, for the one that is to have them.

    Args:
        transaction: The transaction, which keeps others from doing the same before it ends.
        clause: What finds that one.
        stored: The tags.
        scope: The id of the node.
        told: The filter in words.

    Returns:
        The id of the one; ``None`` if there is none, and nothing was changed.

    Raises:
        NodeNotFoundError: There is no such node.
        MultipleNodesFoundError: The filter finds several.
        TagError: What it finds is not below the node.
    """
    refuse_other_store(shown_nodes(scope), getattr(scope, "store", None), current_store())
    above, connection = scope[0], transaction.connection
    held = select(_node.node_id).where(_node.node_id == above, PRESENT)
    if (await connection.execute(held.with_for_update(key_share=True))).first() is None:
        raise NodeNotFoundError(
            f"There is no node {above}, so nothing is unique below it. Nothing was changed."
        )
    found = (await connection.execute(select(_node.node_id).where(clause).limit(2))).scalars().all()
    if not found:
        return None
    if len(found) > 1:
        raise MultipleNodesFoundError(
            f"Only one node below node {above} may have the tag, and there are several: {told}. "
            f"Node {found[0]} is one of them. Nothing was changed. Narrow the filter, as in "
            f"NodeFilter(node_id={found[0]})."
        )
    same = or_(*(and_(_tag.tag_name == one.name, _tag.tag_digest == one.digest) for one in stored))
    below = set(await _below(transaction, above, found[0], same))
    if found[0] not in below:
        raise TagError(
            f"Node {found[0]} is not below node {above}, so it cannot have what is unique below "
            f"that. Nothing was changed. Say unique_below= a node that it hangs on."
        )
    others = or_(_tag.tag_scope_id == above, among(_tag.tag_node_id, below, changing=True))
    await connection.execute(delete(tag_table).where(same, others, _tag.tag_node_id != found[0]))
    return int(found[0])


async def aliases_beside(node_id: int, tags: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Which tags that a node was given another one has as an alias, below what both hang on.

    Args:
        node_id: The node.
        tags: Its new tags: values by name.

    Returns:
        By name the other node, and the one below which it is an alias.
    """
    same = [
        and_(_tag.tag_name == one.name, _tag.tag_digest == one.digest) for one in stored_tags(tags)
    ]
    start = node_table.alias()
    first = select(start.c.node_id.label("node_id")).where(start.c.node_id == node_id)
    above = walk(first, "node_id", "node_parent_id")
    query = (
        select(_tag.tag_name, _tag.tag_node_id, _tag.tag_scope_id)
        .join(node_table, _node.node_id == _tag.tag_node_id)
        .where(or_(*same), _tag.tag_node_id != node_id, PRESENT)
        .where(_tag.tag_scope_id.in_(select(above.c.node_id)))
    )
    return {row.tag_name: (row.tag_node_id, row.tag_scope_id) for row in await ask(query)}


async def _below(
    transaction: Transaction, above: int, node_id: int, same: ColumnElement[bool]
) -> Sequence[int]:
    """Which of a node and those that have the tags are below another one."""
    # Up from each, since there are few of them, and many may be below.
    start = select(_tag.tag_node_id.label("start_id"), _tag.tag_node_id.label("node_id"))
    given = literal(node_id, _node.node_id.type)
    first = start.where(same).union(select(given, given)).subquery()
    up = select(first.c.start_id, first.c.node_id).cte(recursive=True)
    step = node_table.alias()
    # UNION forgets what it has seen twice, and so ends on a cycle.
    up = up.union(
        select(up.c.start_id, step.c.node_parent_id)
        .join(step, step.c.node_id == up.c.node_id)
        .where(step.c.node_parent_id.is_not(None))
    )
    query = select(up.c.start_id).where(up.c.node_id == above, up.c.start_id != above).distinct()
    return (await transaction.connection.execute(query)).scalars().all()
