"""What is asked of a view: an order of rows, and conditions that they meet.

Both may come from a page in a browser, so they are checked here and name
columns by number. Values are text; what they mean depends on the column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artigraph.errors import PartError
from artigraph.filter.operator import OPERATORS, Operator

__all__ = ["Condition", "SortKey", "operators", "read_conditions", "read_sort"]

LONGEST = 10_000
"""Characters of a value that is compared."""


def operators() -> dict[str, Operator]:
    """The operators that Arrow knows, by name; no other is asked of a view.

    In a view text is compared without regard to case, and none but ``missing``
    holds for a missing value.
    """
    return {name: one for name, one in OPERATORS.items() if one.arrow}


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by. Missing values come last either way."""

    column: int
    """The column's number."""
    descending: bool = False
    """Whether the largest comes first."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column's value must be for a row to be shown."""

    column: int
    """The column's number."""
    operator: str
    """The name of one of :func:`operators`."""
    value: str = ""
    """What to compare with, as text; unused by those that take no value."""


def read_sort(given: object, columns: int) -> tuple[SortKey, ...]:
    """Check an order that came as JSON: a list of ``{"column", "descending"}``.

    Raises:
        PartError: It is no such list.
    """
    keys = [
        SortKey(_column(item, columns), item.get("descending") is True) for item in _items(given)
    ]
    if len({key.column for key in keys}) < len(keys):
        raise PartError("A column is named twice in the order. Name it once.")
    return tuple(keys)


def read_conditions(given: object, columns: int) -> tuple[Condition, ...]:
    """Check conditions that came as JSON: a list of ``{"column", "operator", "value"}``.

    Raises:
        PartError: It is no such list.
    """
    found = []
    for item in _items(given):
        operator, value = item.get("operator"), item.get("value", "")
        if operator not in operators():
            known = ", ".join(operators())
            raise PartError(f"There is no operator {operator!r}. There are {known}.")
        if not isinstance(value, str) or len(value) > LONGEST:
            raise PartError(f"A value to compare with is text of at most {LONGEST:,} characters.")
        found.append(Condition(_column(item, columns), operator, value))
    return tuple(found)


def _items(given: object) -> list[Mapping[str, Any]]:
    if not isinstance(given, list | tuple) or not all(isinstance(i, Mapping) for i in given):
        raise PartError(f"A list of objects was expected, not {given!r:.100}.")
    return list(given)


def _column(item: Mapping[str, Any], columns: int) -> int:
    column = item.get("column")
    if type(column) is not int or not 0 <= column < columns:
        raise PartError(f"There is no column number {column!r:.100}; they go from 0 to {columns}.")
    return column
