"""What the fields of a model's class hold, as far as a column has one type for it.

Documents tell what was stored. What the class declares is for columns
without any value, and for the order of columns.
"""

from __future__ import annotations

import collections.abc
import types
import typing
from contextlib import suppress
from enum import Enum, Flag
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias, get_args, get_origin

from artigraph.codec.scalar import SCALARS_BY_TYPE
from artigraph.export.column import Name
from artigraph.model.base import BaseModel
from artigraph.model.data import DataModel
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.storage.base import Storage

__all__ = ["DICT", "PART", "Declared", "declared_columns"]

Declared: TypeAlias = "str | tuple[Declared] | None"
"""One of Python's and of the codecs' kinds of single values, such as ``"int"`` or
``"datetime"``; a tuple of one, for lists of them; ``DICT``; ``PART``; or ``None``, for
what a column has no one type for."""

DICT: Final = "dict"
"""Keys that are columns of their own, whichever they are."""

PART: Final = "part"
"""A frame, array or other value in a row of its own."""

_SINGLE: dict[Any, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "str",
    **{type_: scalar.kind for type_, scalar in SCALARS_BY_TYPE.items()},
}
_COLLECTIONS = {
    list,
    set,
    frozenset,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Set,
    collections.abc.MutableSet,
    collections.abc.Collection,
    collections.abc.Iterable,
}


_DICTS = {dict, collections.abc.Mapping, collections.abc.MutableMapping}
_ANYTHING = {object, tuple, *_COLLECTIONS}


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
    prefix: Name,
    model: type[BaseModel],
    columns: dict[Name, Declared],
    above: tuple[type[BaseModel], ...],
) -> None:
    if not issubclass(model, DataModel) or model in above:
        return
    # A class whose annotations cannot be resolved says so when it is used itself.
    with suppress(Exception):
        for field, annotation in model.model_annotations().items():
            arms = _arms(annotation)
            nested = arms[0] if len(arms) == 1 else None
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                _declare((*prefix, field), nested, columns, (*above, model))
            else:
                columns[(*prefix, field)] = _kind(annotation)


def _plain(annotation: Any) -> Any:
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # the "type" statement of Python 3.12
            annotation = annotation.__value__
        elif get_origin(annotation) is Final:
            (annotation,) = get_args(annotation)
        elif get_origin(annotation) is Annotated:
            inner, *metadata = get_args(annotation)
            if any(isinstance(one, Serializer | Storage) for one in metadata):
                return PART
            annotation = inner
        else:
            return annotation


def _arms(annotation: Any) -> list[Any]:
    """What a value may be, ``None`` left out: a missing value has any column's type."""
    annotation = _plain(annotation)
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [arm for one in get_args(annotation) for arm in _arms(one)]
    return [] if annotation in (None, type(None)) else [annotation]


def _kind(annotation: Any) -> Declared:
    kinds: set[Declared] = {_kind_of_arm(arm) for arm in _arms(annotation)}
    if kinds == {"int", "float"}:
        return "float"
    return kinds.pop() if len(kinds) == 1 else None


def _kind_of_arm(annotation: Any) -> Declared:
    if annotation is PART:
        return PART
    origin, arguments = get_origin(annotation), get_args(annotation)
    if (origin or annotation) in _DICTS:
        return DICT
    if origin is Literal:
        singles = {_SINGLE.get(type(value)) for value in arguments}
        return singles.pop() if len(singles) == 1 else None
    if origin in _COLLECTIONS or (origin is tuple and arguments[1:] == (Ellipsis,)):
        item = _kind(arguments[0])
        return None if item is None or item in (DICT, PART) else (item,)
    if not isinstance(annotation, type) or origin is not None:
        return None
    if issubclass(annotation, Enum):
        return "int" if issubclass(annotation, Flag) else "str"
    if annotation in _SINGLE:
        return _SINGLE[annotation]
    if annotation in _ANYTHING or find_serializer(annotation) is None:
        return None
    return PART
