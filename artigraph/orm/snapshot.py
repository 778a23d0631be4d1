"""What a row's values were that can be changed in place, such as a document.

SQLAlchemy sees that an attribute is given another value, not that the value it
has is changed. A copy tells: it is taken when a value is written, or first
looked at after it was read, since nobody can have changed it before. So
reading many rows copies nothing, and classes without such columns pay nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Column, inspect
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.state import InstanceState
from typing_extensions import override

from artigraph.orm.check.affinity import affinity_of

__all__ = ["Copies", "changed_in_place", "copies_of", "note_copies", "watch_documents"]

Copies: TypeAlias = dict[str, tuple[Any, Any]]
"""For each attribute the very value that was written or read, and a copy of it."""

_COPIES = "artigraph_copies"
_FIXED = (
    *(str, int, float, bytes, type(None)),
    *(date, time, timedelta, Decimal, Enum, UUID),
)


class _Watched(InstrumentedAttribute[Any]):
    """An attribute that copies a value that was read, before anybody gets it."""

    __slots__ = ()
    inherit_cache = True

    @override
    def __get__(self, instance: object, owner: object) -> Any:
        value = super().__get__(instance, owner)
        if instance is None or isinstance(value, _FIXED):
            return value
        state: InstanceState[Any] = inspect(instance)
        # One that was set since is compared with what was there before.
        if state.has_identity and self.key not in state.committed_state:
            copies: Copies = state.info.setdefault(_COPIES, {})
            if self.key not in copies or copies[self.key][0] is not value:
                copies |= _copied(self.key, value)
        return value


def watch_documents(cls: type[Any]) -> tuple[str, ...]:
    """Watch those columns of a node class whose values can be changed in place.

    Args:
        cls: The class, once SQLAlchemy has mapped it.

    Returns:
        The names of their attributes.
    """
    watched = []
    for name, column in cls.__mapper__.columns.items():
        attribute = vars(cls).get(name)
        if (
            isinstance(attribute, InstrumentedAttribute)
            and isinstance(column, Column)
            and affinity_of(column.type) in (None, "document")
        ):
            # SQLAlchemy has no event for an attribute that is looked at.
            attribute.__class__ = _Watched
            watched.append(name)
    return tuple(watched)


def copies_of(names: tuple[str, ...], values: Mapping[str, Any]) -> Copies:
    """Copy values that are about to be written.

    Args:
        names: What :func:`watch_documents` has told of the class.
        values: Values by attribute.
    """
    copies: Copies = {}
    for name in names:
        if not isinstance(values.get(name), _FIXED):
            copies |= _copied(name, values[name])
    return copies


def note_copies(instance: object, copies: Copies) -> None:
    """Remember what was written, once it has held."""
    if copies:
        info = inspect(instance, raiseerr=True).info
        info[_COPIES] = {**info[_COPIES], **copies} if _COPIES in info else copies


def changed_in_place(instance: object) -> Iterator[str]:
    """The attributes whose value is no longer what was read or written."""
    state: InstanceState[Any] = inspect(instance, raiseerr=True)
    copies: Copies = state.info.get(_COPIES, {})
    for name, (value, copy) in copies.items():
        now = state.dict.get(name)
        # Another value that was not set came from the database.
        if (now is value or name in state.committed_state) and not _same(now, copy):
            yield name


def _copied(name: str, value: object) -> Copies:
    try:
        return {name: (value, _copy(value))}
    except Exception:  # a type of the user's that cannot be copied is compared by SQLAlchemy alone
        return {}


def _copy(value: object) -> Any:
    if isinstance(value, _FIXED):
        return value
    if type(value) is dict:
        return {key: _copy(inner) for key, inner in value.items()}
    if type(value) is list:
        return [_copy(inner) for inner in value]
    return deepcopy(value)


def _same(now: Any, before: Any) -> bool:
    """Whether a value is what it was; 1, 1.0 and True are three values, and order counts."""
    if now is before:
        return True
    if type(now) is not type(before):
        return False
    if isinstance(now, dict):
        return list(now) == list(before) and all(_same(now[key], before[key]) for key in now)
    if isinstance(now, list | tuple):
        return len(now) == len(before) and all(map(_same, now, before))
    try:
        return bool(now == before)
    except Exception:  # arrays and the like have no one answer
        return False
