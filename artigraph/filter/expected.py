"""What a key of a filter may hold: values of one type, several, or a comparison."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from artigraph.display.escape import cut
from artigraph.errors import FilterError
from artigraph.filter.base import Filter
from artigraph.filter.operator import OPERATORS, ValueFilter
from artigraph.filter.relation import check_nodes
from artigraph.filter.unset import NOT_WRITTEN, UNSET
from artigraph.filter.value import check_moment, check_value
from artigraph.types.scalar import without_numpy

__all__ = ["expect", "expect_uids", "one_id"]


def expect_uids(owner: Any) -> None:
    """Make of a filter's uids what rows have, or refuse what is none.

    Raises:
        FilterError: One is no UUID, nor the text of one.
    """
    given = owner.node_uid
    if given is UNSET:
        return
    several: tuple[Any, ...] | None = None
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        several = tuple(given)
    found: list[UUID] = []
    for one in (given,) if several is None else several:
        try:
            found.append(one if isinstance(one, UUID) else UUID(one))
        except (ValueError, TypeError, AttributeError):
            hint = f" {NOT_WRITTEN}" if one is None else ""
            raise FilterError(
                f"{type(owner).__name__}(node_uid=…) takes a UUID, its text, or several of them, "
                f"not {cut(repr(one), 80)} ({type(one).__name__}).{hint}"
            ) from None
    object.__setattr__(owner, "node_uid", found[0] if several is None else tuple(found))


def expect(owner: Filter, name: str, kind: type[Any]) -> None:
    """Refuse a filter whose key holds neither ``kind``, several, nor a ``ValueFilter``."""
    value = getattr(owner, name)
    if value is UNSET:
        return
    if isinstance(value, ValueFilter):
        _expect_compared(owner, name, kind, value)
        return
    # In Python True is an int; as an id it is a mistake.
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    value = tuple(map(without_numpy, value)) if several else without_numpy(value)
    object.__setattr__(owner, name, value)
    for one in value if several else (value,):
        if not isinstance(one, kind) or isinstance(one, bool):
            hint = f" {NOT_WRITTEN}" if one is None and name == "node_id" else ""
            raise FilterError(
                f"{type(owner).__name__}({name}=…) takes {kind.__name__}, several of them, or a "
                f"ValueFilter, not {one!r} ({type(one).__name__}).{hint}"
            )
        check_value(one)
        if kind is datetime:
            check_moment(one)


def _expect_compared(owner: Filter, name: str, kind: type[Any], asked: ValueFilter) -> None:
    """Refuse comparisons that some database does not know, and others answer as they like."""
    for key, value in asked.given().items():
        if name == "node_id" and None in (value if isinstance(value, tuple) else (value,)):
            # Every row has an id, so all rows but that of None are all rows.
            raise FilterError(
                f"{type(owner).__name__}(node_id=ValueFilter({key}={value!r})) compares with None, "
                f"which no row has for its id. {NOT_WRITTEN}"
            )
        if OPERATORS[key].needs == "text" and kind is not str:
            raise FilterError(
                f"{type(owner).__name__}({name}=…) is no text, and only text is like a pattern: "
                f"{key}={value!r}."
            )
        for one in value if isinstance(value, tuple) else (value,):
            # A float compares with an id; a NaT says of itself that it is a datetime.
            fits = isinstance(one, int | float if kind is int else kind) and one == one
            if one is not None and (not fits or isinstance(one, bool) or OPERATORS[key].instead):
                raise FilterError(
                    f"{type(owner).__name__}({name}=…) compares with {kind.__name__}, not by "
                    f"{key}={one!r} ({type(one).__name__})."
                )
            if isinstance(one, datetime):
                check_moment(one)


def one_id(name: str, node: Any, hint: str = "") -> int:
    """The id of the one node that a caller gave.

    Args:
        name: What the caller gave it as, for an error.
        node: The node, what was read or written, or an id.
        hint: What to do for several.

    Raises:
        FilterError: It is none of these, or several.
    """
    found = () if isinstance(node, Filter) else check_nodes(name, node, "a node or its id")
    if isinstance(found, Filter) or len(found) != 1:
        raise FilterError(f"{name} takes one node or its id, not {node!r:.60}.{hint}")
    return found[0]
