"""What is in the trash, told without looking at any of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Row, select
from typing_extensions import override

from artigraph.db.fetch import ask
from artigraph.display.escape import counted, cut
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown
from artigraph.display.value import format_time
from artigraph.filter.way import ways_up
from artigraph.orm.node import LABEL_LENGTH, node_table
from artigraph.orm.trash import TrashRecord

__all__ = ["TrashEntry", "read_trash"]

_trash = TrashRecord.__table__


@dataclass(frozen=True, slots=True)
class TrashEntry(Shown):
    """A tree in the trash: what :func:`read_trash` lists and :func:`restore_nodes` takes."""

    node_id: int
    """Its topmost node."""
    label: str | None
    """What that is called."""
    node_type: str
    """Its class's ``polymorphic_identity``; of a model, the model's name."""
    parent_id: int | None
    """The node that it hung on, which may be gone or in the trash as well; ``None`` of a root."""
    path: tuple[str, ...] | None
    """The labels of all above, the root's first, with ``#12`` for a node without one; ``None``
    if the node that it hung on is gone."""
    trashed_at: datetime
    """When it was thrown away, in UTC."""
    trashed_by: str | None
    """Who has thrown it away."""
    count: int
    """How many rows it has."""

    @override
    def _describe(self, limits: Limits) -> Facts:
        notes = [(name, text) for name, text in self._cells(limits).items() if name != "label"]
        return Facts("TrashEntry", cut(self.label or "", LABEL_LENGTH), notes=tuple(notes))

    @override
    def _brief(self, limits: Limits) -> str:
        name = "" if self.label is None else f" {cut(self.label, 80)!r}"
        return (
            f"<TrashEntry {self.node_id}{name}, {counted(self.count, 'row')}, since "
            f"{format_time(self.trashed_at)}>"
        )

    def _cells(self, limits: Limits) -> dict[str, str]:
        return {
            "id": str(self.node_id),
            "label": cut(self.label or "", LABEL_LENGTH),
            "type": cut(str(self.node_type), 80),
            "hung on": self._hung_on(),
            "trashed (UTC)": format_time(self.trashed_at).removesuffix(" UTC"),
            "by": cut(self.trashed_by or "", 80),
            "rows": f"{self.count:,}",
        }

    def _noun(self) -> str:
        return "trees"

    def _hung_on(self) -> str:
        if self.parent_id is None:
            return "nothing"
        if self.path is None:
            return f"node {self.parent_id}, which is gone"
        return " / ".join(cut(str(step), 60) for step in self.path)


async def read_trash() -> list[TrashEntry]:
    """Read what is in the trash, the newest first, in one statement.

    Returns:
        One entry for each tree; the list shows itself as a table.
    """
    top, above = node_table.alias(), node_table.alias()
    up = ways_up(lambda node: node.c.node_id.in_(select(_trash.c.trash_parent_id)))
    query = (
        select(
            _trash,
            top.c.node_label,
            top.c.node_type,
            top.c.model_artifact_type,
            up.c.node_id.label("step_id"),
            above.c.node_label.label("step_label"),
        )
        .join(top, top.c.node_id == _trash.c.trash_node_id)
        .outerjoin(up, up.c.start_id == _trash.c.trash_parent_id)
        .outerjoin(above, above.c.node_id == up.c.node_id)
        .order_by(_trash.c.trash_at.desc(), _trash.c.trash_node_id.desc(), up.c.steps.desc())
    )
    trees = groupby(await ask(query), key=lambda row: row.trash_node_id)
    return ResultList(_entry(list(rows)) for _, rows in trees)


def _entry(rows: Sequence[Row[Any]]) -> TrashEntry:
    row = rows[0]
    path: tuple[str, ...] | None = ()
    if row.trash_parent_id is not None:
        steps = [one for one in rows if one.step_id is not None]
        path = tuple(_step(one) for one in steps) or None
    return TrashEntry(
        row.trash_node_id,
        None if row.node_label is None else str(row.node_label),
        str(row.model_artifact_type or row.node_type),
        row.trash_parent_id,
        path,
        row.trash_at,
        row.trash_by,
        row.trash_count,
    )


def _step(row: Row[Any]) -> str:
    # A label that somebody else has written may be anything.
    return f"#{row.step_id}" if row.step_label is None else str(row.step_label)
