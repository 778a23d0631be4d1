"""A row together with its value, as facts: what is kept, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeAlias

from artigraph.display.facts import Facts, Field
from artigraph.display.limits import Limits
from artigraph.display.model import describe_model
from artigraph.display.place import place_badges
from artigraph.display.results import HasCells
from artigraph.display.row import RowFacts
from artigraph.display.shown import type_name
from artigraph.display.value import describe_value, table_cell

__all__ = ["Places", "artifact_cells", "describe_artifact"]

Places: TypeAlias = Mapping[str, tuple[str | None, int | None]]
"""Of the parts of a model, by their labels: the storage, unless they are in the
database, and the size."""


def describe_artifact(
    row: RowFacts, value: object, limits: Limits, *, places: Places = MappingProxyType({})
) -> Facts:
    """The facts of a row and of its value.

    Args:
        row: What is loaded of the row.
        value: What it holds.
        limits: How much of both is shown.
        places: Where the parts of a model live.
    """
    one = _described(row, value, limits)
    # A model says its version itself.
    badges = [badge for badge in row.all_badges() if badge.role != "version"]
    facts = one.inside or Facts(one.type)
    return replace(
        facts,
        label=row.shown_label(),
        badges=(*one.badges, *badges),
        notes=(*row.notes(), *facts.notes),
        lines=(one.value,) if one.value else (),
        fields=tuple(_placed(field, places) for field in facts.fields),
    )


def artifact_cells(row: RowFacts, value: object, limits: Limits) -> dict[str, str]:
    """What a list says of a row and of its value, by column.

    Args:
        row: What is loaded of the row.
        value: What it holds.
        limits: How much of both is shown.
    """
    cells = replace(row, columns={}).cells(limits)
    if not any(badge.role == "version" for badge in row.badges):
        cells["type"] = type_name(value)
    if not isinstance(value, HasCells):
        return cells | {"value": table_cell(value, limits)}
    # A field may have the name of a column.
    inside = value._cells(limits).items()
    return cells | {f".{name}" if name in cells else name: text for name, text in inside}


def _described(row: RowFacts, value: object, limits: Limits) -> Field:
    name, version = (row.columns.get(f"model_artifact_{part}") for part in ("type", "version"))
    if name is not None and type(value) is dict:
        facts = describe_model(str(name), version, _without_tags(value), limits)
        return Field("", facts.name, "", facts.badges, replace(facts, badges=()))
    return describe_value("value", value, limits)


def _without_tags(document: dict[str, Any]) -> dict[str, Any]:
    return {field: stored for field, stored in document.items() if field != "$"}


def _placed(field: Field, places: Places) -> Field:
    if field.name not in places or any(badge.role == "place" for badge in field.badges):
        return field
    return replace(field, badges=(*field.badges, *place_badges(*places[field.name])))
