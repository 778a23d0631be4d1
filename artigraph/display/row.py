"""A row of the tree as facts: its id, label, time, parent, and further columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts
from artigraph.display.limits import Limits
from artigraph.display.value import (
    LONGEST_CELL,
    describe_fields,
    format_time,
    table_cell,
)

__all__ = ["RowFacts", "describe_row"]

LONGEST_LABEL = 255
"""Characters of a label that are shown: as many as a database takes."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What every row has, as far as it is loaded."""

    name: str
    """The name of its class."""
    node_id: Any = None
    label: Any = None
    parent_id: Any = None
    path: Sequence[str | None] | None = None
    """The labels of what it hangs on, from the root down, if they were read."""
    created_at: Any = None
    updated_at: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Its further columns by name."""
    badges: tuple[Badge, ...] = ()

    def notes(self) -> tuple[tuple[str, str], ...]:
        """Id, place in the tree, and times."""
        notes = []
        if self.node_id is not None:
            notes.append(("id", _number(self.node_id)))
        if self.path:
            notes.append(("path", self._shown_path()))
        elif self.parent_id is not None:
            notes.append(("below node", _number(self.parent_id)))
        if self.created_at is not None:
            notes.append(("created", _time(self.created_at)))
        if self.updated_at is not None and self.updated_at != self.created_at:
            notes.append(("updated", _time(self.updated_at)))
        return tuple(notes)

    def _shown_path(self) -> str:
        return " / ".join("?" if step is None else cut(step, 60) for step in self.path or ())

    def shown_label(self) -> str:
        """Its label, or an empty text."""
        return "" if self.label is None else cut(str(self.label), LONGEST_LABEL)

    def all_badges(self) -> tuple[Badge, ...]:
        """Its badges, and that it is not written if it is not."""
        return self.badges if self.node_id is not None else (*self.badges, Badge("not written"))

    def cells(self, limits: Limits) -> dict[str, str]:
        """What a list says of it, by column.

        Args:
            limits: How much of each value is shown.
        """
        cells = {
            "id": "" if self.node_id is None else _number(self.node_id),
            "label": self.shown_label(),
        }
        if self.path:
            cells["path"] = cut(self._shown_path(), LONGEST_CELL)
        elif self.parent_id is not None:
            cells["below"] = _number(self.parent_id)
        cells["type"] = self.name
        version = [badge.text for badge in self.badges if badge.role == "version"]
        if version:
            cells["type"] = version[0]
        else:
            places = (badge for badge in self.badges if badge.role in ("place", "size"))
            cells |= {badge.role: badge.text for badge in places}
        if self.created_at is not None:
            cells["created (UTC)"] = _time(self.created_at).removesuffix(" UTC")
        for name, value in self.columns.items():
            cells[cut(str(name), LONGEST_CELL)] = table_cell(value, limits)
        return cells


def describe_row(row: RowFacts, limits: Limits) -> Facts:
    """A row's facts.

    Args:
        row: What is loaded of it.
        limits: How much of it is shown.
    """
    fields, more = describe_fields(row.columns.items(), limits)
    return Facts(
        row.name,
        row.shown_label(),
        row.all_badges(),
        row.notes(),
        fields=fields,
        more_fields=more,
    )


def _number(value: Any) -> str:
    return cut(str(value), 20)


def _time(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else cut(str(value), 40)
