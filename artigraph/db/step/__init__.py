"""The steps from one schema to the next: one file each, ``s0002_….py`` with its ``STEP``.

A step only adds: tables, columns, indexes, triggers, and values in columns of its own; or
gives a column of artigraph's another name. It never makes a table anew, which on SQLite would
hand deleted ids out again and lose indexes of fields, and never touches a column that it does
not know.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from artigraph.db.step.base import Step

__all__ = ["later_columns", "needed_version", "steps"]


@cache
def steps() -> tuple[Step, ...]:
    """All steps, the first one first."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("s[0-9]*.py"))
    found = tuple(import_module(f"{__name__}.{name}").STEP for name in names)
    if [step.number for step in found] != list(range(2, len(found) + 2)):
        raise ValueError(f"Steps are numbered from 2 on, without a gap: {names}.")
    return found


def needed_version() -> int:
    """The version that a store has after all of them."""
    return steps()[-1].number


def later_columns(table: str) -> set[str]:
    """The columns of a table that the first version had not."""
    return {name for step in steps() for name in step.new_columns(table)}
