"""What the fields of a model's class hold, as far as a column has one type for it.

Documents tell what was stored. What the class declares is for columns
without any value, and for the order of columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final, TypeAlias

from artigraph.export.column import Name
from artigraph.model.base import BaseModel
from artigraph.model.data import DataModel
from artigraph.serializer.base import find_serializer
from artigraph.types import annotation
from artigraph.types.annotation import Tree
from artigraph.types.record import Scalar
from artigraph.types.scalar import INTEGER, NUMBER, SCALARS_BY_TYPE, TEXT

__all__ = ["DICT", "PART", "Declared", "declared_columns"]

Declared: TypeAlias = "Scalar | str | tuple[Declared] | None"
"""One scalar type; a tuple of one, for lists of them; ``DICT``; ``PART``; or ``None``,
for what a column has no one type for."""

DICT: Final = "dict"
"""Keys that are columns of their own, whichever they are."""

PART: Final = "part"
"""A frame, array or other value in a row of its own."""


def declared_columns(model: type[BaseModel]) -> dict[Name, Declared]:
    """The columns that a class's fields make.

    Args:
        model: The class. Only the fields of a ``DataModel`` are known before
            there is an instance.

    Returns:
        What each holds, in the class's order; a nested model's fields are
        columns of their own.
    """
    columns: dict[Name, Declared] = {}
    _declare((), model, columns, ())
    return columns


def _declare(
    prefix: Name, model: type[object], columns: dict[Name, Declared], above: tuple[type, ...]
) -> None:
    if not issubclass(model, DataModel) or model in above:
        return
    # A class whose annotations cannot be resolved says so when it is used itself.
    with suppress(Exception):
        for field, tree in model._model_fields().items():
            arms = list(_arms(tree))
            if len(arms) == 1 and isinstance(arms[0], annotation.Model):
                _declare((*prefix, field), arms[0].type_, columns, (*above, model))
            else:
                columns[(*prefix, field)] = _kind(arms)


def _arms(tree: Tree) -> Iterator[Tree]:
    """What a value may be, ``None`` left out: a missing value has any column's type."""
    match tree:
        case annotation.Optional(inner=inner):
            yield from _arms(inner)
        case annotation.Either(arms=arms):
            for arm in arms:
                yield from _arms(arm)
        case _:
            yield tree


def _kind(arms: list[Tree]) -> Declared:
    kinds = set(map(_kind_of_arm, arms))
    if kinds == {INTEGER, NUMBER}:
        return NUMBER
    return kinds.pop() if len(kinds) == 1 else None


def _kind_of_arm(tree: Tree) -> Declared:
    match tree:
        case annotation.OwnRow():
            return PART
        case annotation.Dict():
            return DICT
        case annotation.Literals(values=values):
            singles = {SCALARS_BY_TYPE.get(type(value)) for value in values}
            return singles.pop() if len(singles) == 1 else None
        case annotation.Collection(item=items):
            item = _kind(list(_arms(items)))
            return None if item is None or item in (DICT, PART) else (item,)
        case annotation.Single(scalar=scalar):
            if scalar.name.startswith("enum:"):
                return INTEGER if scalar.form == "integer" else TEXT
            return scalar
        case annotation.Anything(type_=type_, generic=False) if type_ not in (None, object):
            return None if find_serializer(type_) is None else PART
    return None
