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

__all__ = ["Keeper", "KeptColumn", "NotKept", "one_by_one"]

Keeper: TypeAlias = Callable[[Any], Any]
"""Takes a value and returns what is sent for it, or raises :class:`NotKept`."""


class NotKept(Exception):  # noqa: N818  # a reason; who knows the column's name makes an error of it
    """Why a value would come back otherwise."""


@dataclass(frozen=True, eq=False)
class KeptColumn:
    """A column as its class declares it and as the table has it."""

    declared: TypeEngine[Any]
    stored: TypeEngine[Any]
    dialect: Dialect

    @property
    def database(self) -> Database:
        """What the database says of its columns."""
        return dialect_of(self.dialect)


def one_by_one(keep: Callable[[KeptColumn, Any], Any]) -> Callable[[KeptColumn], Keeper]:
    """Make a function of a column and a value one that makes a column's keeper."""

    @wraps(keep)
    def keeper_of(column: KeptColumn) -> Keeper:
        return partial(keep, column)

    return keeper_of
