"""What a stored field may be compared with.

Each scalar type knows the form in which its values stand in documents, so that a
condition compares dates as dates; what makes no sense, such as a text against a
number, is refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from artigraph.display.escape import visible
from artigraph.display.options import options
from artigraph.display.value import brief
from artigraph.errors import FilterError, SerializationError
from artigraph.filter.unset import UNSET
from artigraph.filter.value import ValueFilter
from artigraph.types.record import Scalar
from artigraph.types.scalar import DECIMAL, INTEGER, NUMBER, TEXT, comparable_of

__all__ = ["convert", "kind_of_values"]

ORDER = ("gt", "ge", "lt", "le")
PATTERN = ("like", "ilike")


def convert(kind: Scalar, field: str, asked: ValueFilter) -> ValueFilter:
    """A comparison as it is made in SQL.

    Args:
        kind: What the field's values are.
        field: The field, as errors call it.
        asked: The comparison, without those with ``None``.

    Raises:
        FilterError: It makes no sense for this kind.
    """
    changed: dict[str, Any] = {}
    for key, value in asked.given().items():
        if key in ORDER and not kind.ordered:
            raise FilterError(f"{field} is {kind.noun}, which has no order: {key}={value!r}.")
        if key in PATTERN:
            if not kind.has_patterns:
                raise FilterError(
                    f"{field} is {kind.noun}, and only text is like a pattern: {key}={value!r}."
                )
            if not isinstance(value, str):
                raise FilterError(f"A pattern is a text, not {value!r}: {field} {key}.")
        elif key in ("in_", "not_in"):
            changed[key] = tuple(_store(kind, field, one) for one in value)
        elif key in ("is_", "is_not"):
            # Only None, True and False are identical to anything in SQL.
            changed["eq" if key == "is_" else "ne"] = _store(kind, field, value)
            changed[key] = UNSET
        else:
            changed[key] = _store(kind, field, value)
    return replace(asked, **changed)


def _store(kind: Scalar, field: str, value: Any) -> Any:
    try:
        return kind.store(value)
    except TypeError:
        hint = f", as in {kind.example}" if kind.example else ""
        raise FilterError(
            f"{field} is {kind.noun}, which does not compare with {_shown(value)} "
            f"({type(value).__name__}). Give {kind.noun}{hint}."
        ) from None
    except (ValueError, SerializationError) as error:
        raise FilterError(f"{field} cannot be compared with {_shown(value)}: {error}") from error


def _shown(value: object) -> str:
    return visible(brief(value, options.limits))


def kind_of_values(field: str, asked: ValueFilter) -> Scalar:
    """The kind that a comparison is of, for a field that may be anything.

    Args:
        field: The field, as errors call it.
        asked: The comparison, without those with ``None``.

    Raises:
        FilterError: Its values are of several kinds, or of none that a field
            could have.
    """
    values = [
        one
        for value in asked.given().values()
        for one in (value if isinstance(value, tuple) else (value,))
    ]
    kinds = {_kind_of(field, value).noun: _kind_of(field, value) for value in values}
    if not kinds:
        return TEXT  # in_=[] finds nothing of any kind
    if kinds.keys() <= {INTEGER.noun, NUMBER.noun, DECIMAL.noun}:
        # Without an annotation nobody knows whether the others are whole.
        return NUMBER
    if len(kinds) > 1:
        raise FilterError(
            f"{field} is compared with {' and '.join(sorted(kinds))}; compare it with one kind "
            "of value, or combine two filters with | or &."
        )
    return next(iter(kinds.values()))


def _kind_of(field: str, value: object) -> Scalar:
    kind = comparable_of(type(value))
    if kind is not None:
        return kind
    raise FilterError(
        f"{field} cannot be compared with {value!r} ({type(value).__name__}). Compare it with a "
        "number, a text, a bool, a date or None."
    )
