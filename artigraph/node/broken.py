"""What a write of rows has broken, in words: their parents, their labels and their uids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.display.escape import cut
from artigraph.errors import LabelExistsError, NameTakenError
from artigraph.filter.value import among
from artigraph.node.key import parent_not_found
from artigraph.orm.node import node_table

__all__ = ["explain_labels", "explain_parents", "explain_uids"]

AT_ONCE = 500
"""Uids that are looked for at once."""


class _Row(Protocol):
    label: str | None
    node_id: int | None

    @property
    def columns(self) -> Mapping[str, Any]: ...

    @property
    def parent(self) -> object: ...


async def explain_parents(connection: AsyncConnection, rows: Iterable[_Row]) -> None:
    """Say which row above is not there.

    Raises:
        ParentNotFoundError: One is not.
    """
    parents = {row.parent for row in rows if isinstance(row.parent, int)}
    query = select(node_table.c.node_id).where(among(node_table.c.node_id, parents))
    missing = sorted(parents - set((await connection.execute(query)).scalars()))
    if missing:
        label = next(row.label for row in rows if row.parent == missing[0])
        raise parent_not_found(missing[0], label) from None


async def explain_labels(connection: AsyncConnection, rows: Iterable[_Row]) -> None:
    """Say which label is taken.

    Raises:
        LabelExistsError: One is.
    """
    wanted: set[tuple[int, str]] = set()
    for row in rows:
        if row.label is None or not isinstance(row.parent, int):
            continue
        if (row.parent, row.label) in wanted:
            _raise_label_exists(row.parent, row.label, "given twice in this call")
        wanted.add((row.parent, row.label))
    columns = node_table.c
    query = select(columns.node_parent_id, columns.node_label, columns.node_id).where(
        among(columns.node_parent_id, {parent for parent, _ in wanted}),
        among(columns.node_label, {label for _, label in wanted}),
    )
    own = {row.node_id for row in rows}
    for parent, label, node_id in (await connection.execute(query)).all():
        if (parent, label) in wanted and node_id not in own:
            _raise_label_exists(parent, label, f"that of node {node_id}")


async def explain_uids(connection: AsyncConnection, rows: Iterable[_Row]) -> None:
    """Say which uid is taken, of those that somebody chose.

    Raises:
        NameTakenError: One is.
    """
    chosen: dict[UUID, int | None] = {}
    for row in rows:
        uid = row.columns.get("node_uid")
        if uid is None:
            continue
        if uid in chosen and chosen[uid] != row.node_id:
            raise NameTakenError(
                f"The node_uid {uid} is given twice in this call, and each row has one of its own. "
                "Nothing was written. Leave it out of one of them."
            ) from None
        chosen[uid] = row.node_id
    c = node_table.c
    query = select(c.node_uid, c.node_id, c.node_label, c.node_trashed_at)
    uids = list(chosen)
    taken = [
        found
        for at in range(0, len(uids), AT_ONCE)
        for found in await connection.execute(query.where(c.node_uid.in_(uids[at : at + AT_ONCE])))
    ]
    for found in taken:
        if chosen[found.node_uid] == found.node_id:
            continue
        label = "" if found.node_label is None else f" ({cut(repr(found.node_label), 80)})"
        where = "" if found.node_trashed_at is None else ", which is in the trash"
        raise NameTakenError(
            f"The node_uid {found.node_uid} is that of node {found.node_id}{label}{where}, and "
            "each row has one of its own. Nothing was written. Leave node_uid out; or, if it is "
            f"the same thing, change that node: read_node(NodeFilter(node_id={found.node_id}))"
        ) from None


def _raise_label_exists(parent: int, label: str, owner: str) -> None:
    raise LabelExistsError(
        f"Under node {parent} the label {label!r} is taken: it is {owner}. "
        "Choose another label, or delete what has it."
    ) from None
