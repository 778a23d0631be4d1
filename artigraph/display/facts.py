"""What a thing tells of itself, for text and HTML alike.

Facts hold plain text that nobody has escaped: whoever draws them does. They
are small, since whoever makes them has cut what is long and counted what is
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from artigraph.errors import NodeTypeError

__all__ = [
    "ROW_FACT",
    "Badge",
    "BadgeCell",
    "Facts",
    "Field",
    "Picture",
    "Role",
    "RowFact",
    "Table",
    "facts_of_columns",
]

Role: TypeAlias = Literal["version", "place", "size", "state", "failed", "tag"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A word or two beside a name."""

    text: str
    role: Role = "state"


class BadgeCell(str):
    """A text that HTML shows as a badge; as a cell of a table.

    Args:
        text: The words.
        role: What they are about, which gives them their colour.
    """

    role: Role

    def __new__(cls, text: str, role: Role = "state") -> BadgeCell:
        """Name it."""
        made = super().__new__(cls, text)
        made.role = role
        return made


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts, some of them left out in the middle or at the end."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    types: tuple[str, ...] = ()
    """A type for each column, if they have one."""
    gap: int | None = None
    """Before which of the rows some are left out; ``len(rows)`` is at the end."""
    more: int = 0
    """How many rows are left out."""
    more_columns: int = 0
    """How many columns are left out."""
    numbers: frozenset[int] = frozenset()
    """Columns that are numbers, to be set flush right."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, as the bytes of a file that every browser draws."""

    png: bytes
    width: int
    height: int
    type: Literal["png", "jpeg", "gif", "webp", "svg+xml"] = "png"
    """What the file is, after ``image/``."""


@dataclass(frozen=True, slots=True)
class Field:
    """A name with a value."""

    name: str
    type: str
    value: str
    badges: tuple[Badge, ...] = ()
    inside: Facts | None = None
    """What unfolds below it; its name, label and badges stand here, not there."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is shown of one thing."""

    name: str
    """What it is: the name of its class."""
    label: str = ""
    """What it is called."""
    badges: tuple[Badge, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """More about it, by name: id, time, path."""
    lines: tuple[str, ...] = ()
    """Sentences about it."""
    fields: tuple[Field, ...] = ()
    more_fields: int = 0
    """How many fields are left out."""
    table: Table | None = None
    picture: Picture | None = None
    code: str = ""
    """How it is written in Python, on one line or several."""
    warnings: tuple[str, ...] = ()
    """What is left out, or went wrong."""


# ------------------------------------------------------------------- rows

ROW_FACT = "artigraph_row_fact"
"""Under which the ``info`` of a column has its fact."""


@dataclass(frozen=True, slots=True)
class RowFact:
    """What a column tells of its row.

    Raises:
        NodeTypeError: It has no name, or nothing that tells it.
    """

    name: str
    """What it is called; once in a class and its bases."""
    tell: Callable[[Any, Any], None]
    """Says it with ``note()`` or ``badge()`` of the facts, given them and the column's value; not
    asked where there is none."""
    in_trees: bool = False
    """Whether trees and the explorer tell it as well, which then read the column."""
    is_field: bool = True
    """Whether the column is among the fields of a card all the same."""
    in_lists: bool = True
    """Whether it then has a column of a list, too."""
    leads: bool = False
    """Whether a list has it before times, in a column of that name, and a card before other
    fields."""
    most: int | None = None
    """Characters of it that a card shows; as many as of any text, unless given."""

    def is_shown(self, *, in_list: bool) -> bool:
        """Whether the column is among the fields of a card, or has one of a list."""
        return self.is_field and (self.in_lists or not in_list)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or not callable(self.tell):
            raise NodeTypeError(
                f"row_fact({self.name!r}, {self.tell!r}) wants a name and a function: "
                "row_fact('device', lambda facts, device: facts.badge(device))."
            )


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
        fact: RowFact | None = info.get(ROW_FACT)
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
