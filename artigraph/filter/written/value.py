"""Plain values in written filters, as documents of models keep them.

JSON's own kinds stand as they are; another one is an object with its kind under ``"$"`` and
its content under ``"v"``. Values that are equal are written alike where that loses nothing:
``1.0`` as ``1``, and a moment in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

from artigraph.display.escape import visible
from artigraph.errors import FilterError, SerializationError
from artigraph.types.scalar import SCALARS_BY_NAME, SCALARS_BY_TYPE, comparable_of, without_numpy

__all__ = ["TAG", "canonical", "read_scalar", "write_scalar"]

TAG = "$"
"""The key of an object that says what it is."""

_EXACT = 2**53
"""Below it a float and an integer are the same number."""


def canonical(value: Any) -> Any:
    """A value as the one that stands for all that are equal to it.

    A member of an enumeration that is a text or a number is that; what comes of NumPy and
    pandas is Python's.
    """
    value = without_numpy(value)
    if isinstance(value, bool) or value is None:
        return value
    if type(value) not in SCALARS_BY_TYPE:
        value = _without_subclass(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, Decimal) and value.is_finite():
        return _shortest(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        with suppress(OverflowError, ValueError):
            moment = value.astimezone(UTC)
            # In an hour that the clock goes through twice, none of another zone is equal.
            return moment if moment == value else value
    return value


_PLAIN: Mapping[type[Any], Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
}


def _without_subclass(value: Any) -> Any:
    for type_, make in _PLAIN.items():
        if isinstance(value, type_):
            return make(value)
    if isinstance(value, Enum | PurePath) or comparable_of(type(value)) is None:
        return value
    for name in ("to_pydatetime", "to_pytimedelta"):  # of pandas
        if hasattr(value, name) and value == value:
            made = getattr(value, name)()
            return made if made == value else value
    return value


def _shortest(value: Decimal) -> Decimal:
    sign, digits, exponent = value.as_tuple()
    if not any(digits) or not isinstance(exponent, int):
        return Decimal(0)
    kept = len(digits)
    while digits[kept - 1] == 0:
        kept -= 1
    return Decimal((sign, digits[:kept], exponent + len(digits) - kept))


def write_scalar(value: Any, at: str) -> object:
    """JSON of a value without inner values.

    Args:
        value: The value, as :func:`canonical` makes it.
        at: Where it is, for an error.

    Raises:
        FilterError: It is none that JSON keeps.
    """
    scalar = SCALARS_BY_TYPE.get(type(value))
    if scalar is None:
        raise _refused(value, at)
    fits = scalar.fits(value)
    if scalar.native and fits:
        return value
    if not scalar.native and not fits:
        raise FilterError(
            f"{at} cannot be written as JSON: {value!r:.60} would not come back equal. Compare "
            "with its text instead."
        )
    try:
        return {TAG: scalar.name, "v": scalar.write(value)}
    except SerializationError as error:
        raise FilterError(f"{at} cannot be written as JSON: {error}") from error


def _refused(value: object, at: str) -> FilterError:
    name = visible(type(value).__name__, 60)
    if callable(value):
        called = visible(getattr(value, "__qualname__", name), 60)
        say = (
            f"it is a function, {called}, and code is never kept. Keep the values that it works "
            "with, and let the class's clause() do the rest."
        )
    elif isinstance(value, Enum):
        say = (
            f"a member of {name} is found again only as the value of a model's field that is "
            f"annotated so, for a class that is defined here. Keep its name: {value.name!r}."
        )
    elif hasattr(value, "node_id"):
        known = isinstance(value.node_id, int)
        say = f"it is a {name}. " + (
            f"Keep its id: {value.node_id}."
            if known
            else "A node that is not written yet has no id: write it first, and keep its node_id."
        )
    else:
        say = f"{name} is no type that JSON keeps. Keep a number, a text, a date or the like."
    return FilterError(f"{at} cannot be written as JSON: {say}")


def read_scalar(kind: str, content: object, at: str) -> Any:
    """A value of what :func:`write_scalar` has made.

    Raises:
        FilterError: There is no such kind, or it is none of it.
    """
    scalar = SCALARS_BY_NAME.get(kind)
    if scalar is None:
        raise FilterError(
            f"{at} is of a kind {visible(kind, 60)!r}, which is not known here. Import what "
            "registers it, or update artigraph."
        )
    if not isinstance(content, str | int) or isinstance(content, bool):
        raise FilterError(f"{at} is no {kind}: it holds {content!r:.60}.")
    try:
        value = scalar.read(content)
    except Exception as error:  # whatever a registered type raises
        raise FilterError(f"{at} is no {kind}: {visible(f'{content!r:.60}', 80)}.") from error
    return value
