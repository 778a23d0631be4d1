"""Rows of the tree, and models, as facts.

What a column tells of its row stands beside the column, in the ``info`` of its
``mapped_column``; see :func:`row_fact`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts, Field, Role
from artigraph.display.options import Limits
from artigraph.display.shown import failed
from artigraph.display.value import (
    LONGEST_CELL,
    LONGEST_NAME,
    brief,
    describe_fields,
    table_cell,
)
from artigraph.errors import NodeTypeError

__all__ = [
    "RowFact",
    "RowFacts",
    "brief_model",
    "describe_held",
    "describe_model",
    "describe_row",
    "facts_of_columns",
    "model_cells",
    "row_cells",
    "row_fact",
]

LONGEST_NOTE = 20_000
"""Characters of a note that are shown."""

_FACT = "artigraph_row_fact"


@dataclass(frozen=True, slots=True)
class RowFact:
    """What a column tells of its row.

    Raises:
        NodeTypeError: It has no name, or nothing that tells it.
    """

    name: str
    """What it is called; once in a class and its bases."""
    tell: Callable[[RowFacts, Any], None]
    """Says it with :meth:`RowFacts.note` or :meth:`RowFacts.badge`, given the facts and the
    column's value; not asked where there is none."""
    in_trees: bool = False
    """Whether trees and the explorer tell it as well, which then read the column."""
    is_field: bool = True
    """Whether the column is among the fields of a card all the same."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not callable(self.tell):
            raise NodeTypeError(
                f"row_fact({self.name!r}, {self.tell!r}) wants a name and a function: "
                "row_fact('device', lambda facts, device: facts.badge(device))."
            )


def row_fact(name: str, tell: Callable[[RowFacts, Any], None], **options: bool) -> dict[Any, Any]:
    """The ``info`` of a column that tells a :class:`RowFact`; takes what that takes.

    ::

        class Training(CellRun):
            __mapper_args__ = {"polymorphic_identity": "training"}
            training_device: Mapped[str | None] = mapped_column(
                info=row_fact("device", lambda facts, device: facts.badge(device), in_trees=True)
            )
    """
    return {_FACT: RowFact(name, tell, **options)}


def facts_of_columns(
    owner: str, inherited: Mapping[str, RowFact], infos: Mapping[str, Mapping[Any, Any]]
) -> dict[str, RowFact]:
    """What the columns of a class tell, by column.

    Args:
        owner: The class's name.
        inherited: What the columns of its bases tell.
        infos: The ``info`` of its own columns.

    Raises:
        NodeTypeError: Two of them tell a fact of one name.
    """
    found = dict(inherited)
    for column, info in infos.items():
        fact: RowFact | None = info.get(_FACT)
        if fact is None:
            continue
        for other, known in found.items():
            if known.name == fact.name and other != column:
                raise NodeTypeError(
                    f"{owner} has the fact {fact.name!r} of {column!r} and of {other!r}. "
                    "Give one of them another name."
                )
        found[column] = fact
    return found


class RowFacts:
    """What the columns of one row tell.

    Args:
        name: The name of its class.
        row: The columns that are loaded and have a value, by name.
        facts: What columns of its class tell.
        limits: How much of it is shown.
        path: The labels of what it hangs on, from the root down, if they were read.
    """

    __slots__ = ("badges", "cells", "code", "label", "limits", "name", "notes", "path", "row")

    def __init__(
        self,
        name: str,
        row: Mapping[str, Any],
        facts: Mapping[str, RowFact],
        limits: Limits,
        path: Collection[str | None] = (),
    ) -> None:
        self.name, self.row, self.limits, self.path = name, row, limits, path
        self.label = self.code = ""
        self.notes: list[tuple[str, str]] = []
        self.badges: list[Badge] = []
        self.cells = {"id": "", "label": "", "type": name}
        for column, fact in facts.items():
            value = row.get(column)
            if value is not None:
                try:
                    fact.tell(self, value)
                except Exception as error:  # one that cannot be told must not hide the others
                    self.note(fact.name, failed(error))

    def note(self, name: str, value: object, *, cell: str = "") -> None:
        """Tell something below the name, as in ``id 12``.

        Args:
            name: What it is called.
            value: What it is.
            cell: The column of a list that tells it, if one does.
        """
        text = cut(str(value), LONGEST_NOTE)
        self.notes.append((name, text))
        if cell:
            self.cells[cell] = cut(text, LONGEST_CELL)

    def badge(self, text: object, role: Role = "state", *, cell: str = "") -> None:
        """Tell something in a word or two beside the name.

        Args:
            text: The words.
            role: What they are about, which gives them their colour.
            cell: The column of a list that tells it, if one does.
        """
        badge = Badge(cut(str(text), LONGEST_NAME), role)
        self.badges.append(badge)
        if cell:
            self.cells[cell] = badge.text


def describe_held(told: RowFacts, value: Field, badges: Mapping[str, tuple[Badge, ...]]) -> Facts:
    """The facts of a row and of the value that it holds.

    Args:
        told: What the row's columns tell.
        value: The value.
        badges: Of fields of a model, by name, where they live.
    """
    facts = value.inside or Facts(value.type)
    return replace(
        facts,
        label=told.label,
        # A model says its version itself.
        badges=(*value.badges, *(badge for badge in told.badges if badge.role != "version")),
        notes=(*told.notes, *facts.notes),
        lines=(value.value,) if value.value else (),
        fields=tuple(
            one
            if one.name not in badges or any(badge.role == "place" for badge in one.badges)
            else replace(one, badges=(*one.badges, *badges[one.name]))
            for one in facts.fields
        ),
    )


def row_cells(told: RowFacts, fields: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    """What a list says of a row, by column.

    Args:
        told: What its columns tell.
        fields: Columns that have one of the list each, by name.
        limits: How much of each value is shown.
    """
    cells = {cut(name, LONGEST_CELL): table_cell(value, limits) for name, value in fields.items()}
    return told.cells | cells


def describe_row(told: RowFacts, fields: Mapping[str, Any], limits: Limits) -> Facts:
    """A row's facts.

    Args:
        told: What its columns tell.
        fields: Columns that are fields of the card, by name.
        limits: How much of it is shown.
    """
    shown, more = describe_fields(fields.items(), limits)
    return Facts(
        told.name,
        told.label,
        tuple(told.badges),
        tuple(told.notes),
        fields=shown,
        more_fields=more,
        code=told.code,
    )


def describe_model(
    name: str,
    version: int | None,
    data: Mapping[str, object],
    limits: Limits,
    *,
    hidden: Collection[str] = (),
) -> Facts:
    """A model's facts: its name, its version, and its fields with their types.

    Args:
        name: What its rows are called.
        version: The version of its class, or of its row.
        data: Its fields by name.
        limits: How much of them is shown.
        hidden: Fields that are named but whose values are kept to themselves.
    """
    fields, more = describe_fields(data.items(), limits, hidden=hidden)
    badges = () if version is None else (Badge(f"v{version}", "version"),)
    return Facts(cut(name, LONGEST_NAME), badges=badges, fields=fields, more_fields=more)


def brief_model(
    name: str, data: Mapping[str, object], limits: Limits, *, hidden: Collection[str] = ()
) -> str:
    """A model on one line, as a dataclass writes itself."""
    name = cut(name, LONGEST_NAME)
    if limits.max_depth < 0:
        return f"{name}(…)"
    shown = [field for field in data if field not in hidden]
    inner = limits.in_model_line()
    fields = [
        f"{cut(field, LONGEST_NAME)}={brief(data[field], inner)}"
        for field in shown[: limits.max_fields]
    ]
    more = len(shown) - len(fields)
    if more:
        fields.append(f"… +{more:,} more")
    return f"{name}({', '.join(fields)})"


def model_cells(
    data: Mapping[str, object], limits: Limits, *, hidden: Collection[str] = ()
) -> dict[str, str]:
    """A model's fields as cells of a list."""
    return {
        cut(field, LONGEST_CELL): table_cell(value, limits)
        for field, value in data.items()
        if field not in hidden
    }
