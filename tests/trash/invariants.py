"""What must hold of trash and locks, whoever has done what."""

from __future__ import annotations

from sqlalchemy import and_, or_, select

from artigraph import new_session
from artigraph.orm.node import node_table
from artigraph.orm.trash import TrashRecord

__all__ = ["assert_closed_below"]


async def assert_closed_below() -> None:
    """No row that is found hangs below one in the trash, no unlocked one below a locked one.

    And each tree in the trash has its entry, with the right count.
    """
    above = node_table.alias()
    child = node_table
    wrong = or_(
        and_(above.c.node_trashed_at.is_not(None), child.c.node_trashed_at.is_(None)),
        and_(above.c.node_trashed_at.is_(None), child.c.node_trashed_at.is_not(None)),
        and_(above.c.node_locked_at.is_not(None), child.c.node_locked_at.is_(None)),
    )
    async with new_session() as session:
        query = select(child.c.node_id, above.c.node_id).join(
            above, child.c.node_parent_id == above.c.node_id
        )
        assert (await session.execute(query.where(wrong))).all() == []
        tops = select(child.c.node_id).where(
            child.c.node_parent_id.is_(None), child.c.node_trashed_at.is_not(None)
        )
        entries = select(TrashRecord.trash_node_id, TrashRecord.trash_count)
        counts = {row.trash_node_id: row.trash_count for row in await session.execute(entries)}
        assert set((await session.execute(tops)).scalars()) == counts.keys()
        trashed = select(child.c.node_id, child.c.node_parent_id).where(
            child.c.node_trashed_at.is_not(None)
        )
        parents = {row.node_id: row.node_parent_id for row in await session.execute(trashed)}
    found = dict.fromkeys(counts, 0)
    for node_id in parents:
        at = node_id
        while (parent := parents[at]) is not None:
            at = parent
        found[at] += 1
    assert found == counts
