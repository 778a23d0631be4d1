"""What somebody may choose of a row that a write fills in otherwise, and what nobody may.

Times and the uid are kept as they are given: a store that is filled from an older system
keeps its history. Who has written a row is never what the row itself claims.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect

from artigraph.display.escape import cut
from artigraph.errors import SerializationError
from artigraph.orm.base import is_moment
from artigraph.orm.node import Node

__all__ = ["WHO", "settle_chosen", "without_unchosen"]

WHO = frozenset({"node_created_by", "node_updated_by"})
"""The columns that say who has written a row."""

_TIMES = ("node_created_at", "node_updated_at")
_UID = "node_uid"
_SET_BY = {
    "node_locked_at": "lock_nodes() and unlock_nodes()",
    "node_trashed_at": "trash_nodes() and restore_nodes()",
}
"""Columns that say more than of their own row, by what sees to the rest as well."""


def without_unchosen(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row without those that a write fills in, since none were chosen."""
    left_out = {name for name in (*_TIMES, _UID) if values.get(name) is None} | WHO
    return {name: value for name, value in values.items() if name not in left_out}


def settle_chosen(node: Node, values: dict[str, Any]) -> None:
    """Make the times that somebody chose moments in UTC, and the uid a UUID.

    Args:
        node: Whose they are.
        values: Some of its columns by attribute, which are changed.

    Raises:
        SerializationError: They are none; or the uid was taken away, or something was set that
            only functions of its own set.
    """
    new = inspect(node).transient
    for name in values.keys() & {_UID, *_SET_BY}:
        if values[name] is None and new:
            del values[name]  # as of a copy: it leaves a row that is there as it is
        elif name in _SET_BY:
            raise SerializationError(
                f"{type(node).__name__}.{name} is set by {_SET_BY[name]}, which see to all else "
                "that belongs to it. Nothing was written. Call that, and leave the attribute alone."
            )
        elif values[name] is None:
            raise SerializationError(
                f"{type(node).__name__}.node_uid = None would leave the row without its identity. "
                "Nothing was written. Leave the attribute alone, or give another UUID."
            )
    for name in values.keys() & {*_TIMES}:
        value = values[name]
        if value is None:
            continue
        if not isinstance(value, datetime) or not is_moment(value):
            raise SerializationError(
                f"{type(node).__name__}.{name} = {cut(repr(value), 80)} is no moment. Give "
                "a datetime, or leave it out for that of the write. Nothing was written."
            )
        values[name] = value.astimezone(UTC)
    if values.get(_UID) is not None:
        values[_UID] = _uid(node, values[_UID])


def _uid(node: Node, value: object) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise SerializationError(
            f"{type(node).__name__}.node_uid = {cut(repr(value), 80)} is no UUID. Give one, as in "
            "uuid.uuid4(), or its text; or leave it out, and it is made. Nothing was written."
        ) from None
