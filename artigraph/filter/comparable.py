"""What a stored field may be compared with.

Each scalar type knows the form in which its values stand in documents, so that a
condition compares dates as dates; what makes no sense, such as a text against a
number, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from artigraph.display.escape import visible
from artigraph.display.options import options
from artigraph.display.value import brief
from artigraph.errors import FilterError, SerializationError
from artigraph.filter.operator import Operator
from artigraph.filter.shape import Shape
from artigraph.filter.value import check_value
from artigraph.types.record import Scalar
from artigraph.types.scalar import DECIMAL, INTEGER, NUMBER, TEXT, comparable_of

__all__ = ["choose_scalar", "convert", "scalar_of_values"]


def choose_scalar(
    shape: Shape, field: str, asked: Sequence[tuple[Operator, Any] | None]
) -> tuple[Scalar | None, list[Any]]:
    """What a field is compared as, so that all that is asked makes sense, and with what.

    Raises:
        FilterError: There is nothing of the kind.
    """
    given = [one[1] for one in asked if one is not None]
    if not given:
        return None, [None] * len(asked)
    scalars = shape.scalars
    if scalars is None:
        values = [v for one in given for v in (one if isinstance(one, tuple) else [one])]
        scalars = (scalar_of_values(field, tuple(values)),)
    if not scalars:
        raise FilterError(
            f"{field} is {shape.name}, which is not compared with a value. "
            "Ask for a field in it, or for None."
        )
    errors = []
    for scalar in scalars:
        try:
            return scalar, [one and convert(scalar, field, *one) for one in asked]
        except FilterError as error:
            errors.append(error)
    raise errors[0]


def convert(scalar: Scalar, field: str, operator: Operator, value: Any) -> Any:
    """What a field is compared with in SQL.

    Args:
        scalar: What the field's values are.
        field: The field, as errors call it.
        operator: How it is compared.
        value: With what; neither ``None`` nor, among several, one that is.

    Raises:
        FilterError: It makes no sense for it.
    """
    problem = ""
    if operator.needs == "order" and not scalar.ordered:
        problem = "which has no order"
    elif operator.needs == "text" and not scalar.has_patterns:
        problem = "and only text is like a pattern"
    if problem:
        raise FilterError(f"{field} is {scalar.noun}, {problem}: {operator.name}={value!r}.")
    if operator.needs == "text":
        return value
    if operator.takes == "several":
        return tuple(_store(scalar, field, one) for one in value)
    return _store(scalar, field, value)


def _store(scalar: Scalar, field: str, value: object) -> object:
    try:
        stored = scalar.store(value)
    except TypeError:
        hint = f", as in {scalar.example}" if scalar.example else ""
        raise FilterError(
            f"{field} is {scalar.noun}, which does not compare with {_shown(value)} "
            f"({type(value).__name__}). Give {scalar.noun}{hint}."
        ) from None
    except (ValueError, SerializationError) as error:
        raise FilterError(f"{field} cannot be compared with {_shown(value)}: {error}") from error
    check_value(stored)
    return stored


def _shown(value: object) -> str:
    return visible(brief(value, options.limits))


def scalar_of_values(field: str, values: Iterable[Any]) -> Scalar:
    """The type that a comparison is of, for a field that may be anything.

    Args:
        field: The field, as errors call it.
        values: What it is compared with.

    Raises:
        FilterError: They are of several types, or of none that a field could have.
    """
    kinds = {scalar.noun: scalar for scalar in (_scalar_of(field, value) for value in values)}
    if not kinds:
        return TEXT  # in_=[] finds nothing of any type
    if kinds.keys() <= {INTEGER.noun, NUMBER.noun, DECIMAL.noun}:
        # Without an annotation nobody knows whether the others are whole.
        return NUMBER
    if len(kinds) > 1:
        raise FilterError(
            f"{field} is compared with {' and '.join(sorted(kinds))}; compare it with one kind "
            "of value, or combine two filters with | or &."
        )
    return next(iter(kinds.values()))


def _scalar_of(field: str, value: object) -> Scalar:
    scalar = comparable_of(type(value))
    if scalar is not None:
        return scalar
    raise FilterError(
        f"{field} cannot be compared with {value!r} ({type(value).__name__}). Compare it with a "
        "number, a text, a bool, a date or None."
    )
