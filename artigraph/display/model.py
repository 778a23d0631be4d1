"""A model's facts: its name, its version, and its fields with their types."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts
from artigraph.display.limits import Limits
from artigraph.display.value import LONGEST_CELL, brief, describe_fields, table_cell

__all__ = ["brief_model", "describe_model", "model_cells"]


def describe_model(
    name: str,
    version: int | None,
    data: Mapping[str, object],
    limits: Limits,
    *,
    hidden: Collection[str] = (),
    places: Mapping[str, tuple[Badge, ...]] = MappingProxyType({}),
) -> Facts:
    """A model's facts.

    Args:
        name: What its rows are called.
        version: The version of its class, or of its row.
        data: Its fields by name.
        limits: How much of them is shown.
        hidden: Fields that are named but whose values are kept to themselves.
        places: Where some of the fields live, by name.
    """
    fields, more = describe_fields(data.items(), limits, hidden=hidden, badges=places)
    badges = () if version is None else (Badge(f"v{version}", "version"),)
    return Facts(cut(name, LONGEST_NAME), badges=badges, fields=fields, more_fields=more)


LONGEST_NAME = 80
"""Characters of a model's name that are shown."""


def brief_model(
    name: str,
    data: Mapping[str, object],
    limits: Limits,
    *,
    hidden: Collection[str] = (),
) -> str:
    """A model on one line, as a dataclass writes itself.

    Args:
        name: What the class is called.
        data: Its fields by name.
        limits: How much of them is shown.
        hidden: Fields that are left out.
    """
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
    """A model's fields as cells of a list.

    Args:
        data: Its fields by name.
        limits: How much of them is shown.
        hidden: Fields that are left out.
    """
    return {
        cut(field, LONGEST_CELL): table_cell(value, limits)
        for field, value in data.items()
        if field not in hidden
    }
