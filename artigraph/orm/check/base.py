"""A column as its class has it and as the table has it, and the refusal of a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, TypeAlias

from sqlalchemy import Dialect
from sqlalchemy.types import TypeEngine

from artigraph.dialect.base import Dialect as Database
from artigraph.dialect.registry import dialect_of

__all__ = ["Check", "CheckedColumn", "LossError", "one_by_one"]

Check: TypeAlias = Callable[[Any], Any]
"""Takes a value and returns what is sent for it, or raises :class:`LossError`."""


class LossError(Exception):
    """Why a value would come back otherwise; who knows the column's name makes an error of it."""


@dataclass(frozen=True, eq=False)
class CheckedColumn:
    """A column as its class declares it and as the table has it."""

    declared: TypeEngine[Any]
    stored: TypeEngine[Any]
    dialect: Dialect

    @property
    def database(self) -> Database:
        """What the database says of its columns."""
        return dialect_of(self.dialect)


def one_by_one(check: Callable[[CheckedColumn, Any], Any]) -> Callable[[CheckedColumn], Check]:
    """Make a function of a column and a value one that makes a column's check."""

    @wraps(check)
    def check_of(column: CheckedColumn) -> Check:
        return partial(check, column)

    return check_of
