"""What a thing tells of itself, for text and HTML alike.

Facts hold plain text that nobody has escaped: whoever draws them does. They
are small, since whoever makes them has cut what is long and counted what is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Badge", "Facts", "Field", "Picture", "Role", "Table"]

Role: TypeAlias = Literal["version", "place", "size", "state", "failed", "tag"]


@dataclass(frozen=True, slots=True)
class Badge:
    """A word or two beside a name."""

    text: str
    role: Role = "state"


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
