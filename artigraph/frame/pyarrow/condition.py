"""Conditions on columns: which row groups can be left out, and which rows hold.

A row group is left out where the footer's statistics show that no row of it
can meet the condition. They are somebody else's claims: where they say
nothing, or nothing comparable, the group is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.errors import PartError
from artigraph.frame.pyarrow.column import stored_column
from artigraph.frame.query import OPERATORS, Condition
from artigraph.serializer.part import FrameColumn

__all__ = ["Test", "can_filter", "can_sort", "comparable", "make_test"]

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": pc.equal,
    "ne": pc.not_equal,
    "lt": pc.less,
    "le": pc.less_equal,
    "gt": pc.greater,
    "ge": pc.greater_equal,
}


def comparable(column: Any) -> Any:
    """A column whose values Arrow can compare: dictionaries become their values."""
    column = stored_column(column)
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def can_sort(kind: pa.DataType, facts: FrameColumn) -> bool:
    """Whether rows can be sorted by a column: by codes, where those are what is stored."""
    kind = _plain(kind)
    return not (pa.types.is_nested(kind) or pa.types.is_null(kind)) or facts.sort_key is not None


def can_filter(kind: pa.DataType, facts: FrameColumn) -> bool:
    """Whether a column's values can be compared with what somebody types."""
    # What pandas alone can show is not what Arrow would compare.
    return can_sort(kind, facts) and facts.show is None and not _is_bytes(_plain(kind))


def _plain(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


class Test:
    """One condition on one column.

    Args:
        condition: The condition.
        value: What to compare with: a scalar, or text for ``contains``.
    """

    __test__ = False  # not one of pytest's

    def __init__(self, condition: Condition, value: Any) -> None:
        self.column, self.operator, self.value = condition.column, condition.operator, value

    def mask(self, column: Any) -> Any:
        """Which rows hold, as booleans without nulls."""
        if self.operator == "missing":
            return pc.is_null(column)
        if self.operator == "present":
            return pc.is_valid(column)
        column = comparable(column)
        if self.operator == "contains":
            found = pc.match_substring(
                column.cast(pa.large_string()), pattern=self.value, ignore_case=True
            )
        else:
            found = _COMPARE[self.operator](column, self.value)
        return pc.fill_null(found, False)

    def may_hold(self, chunk: Any | None) -> bool:
        """Whether a row of a chunk can hold, as far as the footer tells."""
        found = getattr(chunk, "statistics", None)
        if found is None:
            return True
        if self.operator == "missing":
            return not found.has_null_count or found.null_count > 0
        if self.operator == "present":
            return not found.has_null_count or found.null_count < chunk.num_values  # type: ignore[union-attr]  # it has statistics
        if self.operator in ("ne", "contains") or not found.has_min_max:
            return True
        try:
            low, high, value = found.min, found.max, self.value.as_py()
            checks = {
                "eq": lambda: low <= value <= high,
                "lt": lambda: low < value,
                "le": lambda: low <= value,
                "gt": lambda: high > value,
                "ge": lambda: high >= value,
            }
            return bool(checks[self.operator]())
        except (TypeError, ValueError, pa.ArrowException):
            return True  # such as a time zone on one side only


def make_test(condition: Condition, kind: pa.DataType, facts: FrameColumn) -> Test:
    """Give a condition's text the meaning that its column has.

    Raises:
        PartError: The column cannot be compared so, or not with this.
    """
    if condition.operator in ("missing", "present"):
        return Test(condition, None)
    if not can_filter(kind, facts):
        raise PartError(
            f"The values of {facts.label!r} ({facts.dtype}) cannot be compared with a text. "
            "Ask whether they are missing, or use to_pandas()."
        )
    kind = _plain(kind)
    if condition.operator == "contains":
        if pa.types.is_floating(kind) or not _can_be_text(kind):
            raise PartError(
                f"{facts.label!r} holds no text but {facts.dtype}. Use one of "
                f"{' '.join(OPERATORS[name] for name in _COMPARE)}."
            )
        return Test(condition, condition.value)
    try:
        return Test(condition, parse(condition.value, kind))
    except (pa.ArrowException, ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise PartError(
            f"{condition.value!r:.100} is no value to compare {facts.label!r} ({facts.dtype}) "
            f"with. {_example(kind)}"
        ) from error


def _can_be_text(kind: pa.DataType) -> bool:
    return (
        _is_text(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_date(kind)
        or pa.types.is_boolean(kind)
    )


def _is_text(kind: pa.DataType) -> bool:
    # As a name, since older releases lack string_view.
    return str(kind) in ("string", "large_string", "string_view")


def parse(text: str, kind: pa.DataType) -> Any:
    """Turn text into a scalar to compare a column of this type with.

    Raises:
        Exception: Of several kinds, where that is not possible.
    """
    if _is_text(kind):
        return pa.scalar(text, kind)
    text = text.strip()
    if pa.types.is_boolean(kind):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in words:
            raise ValueError(text)
        return pa.scalar(words[text.lower()])
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _number(text.replace(",", "").replace("_", ""), kind)
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(text))
    if pa.types.is_duration(kind):
        return pa.scalar(_duration(text), kind)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        try:
            return pa.scalar(text).cast(kind)
        except pa.ArrowInvalid:
            # Without an offset it is meant as the column shows it.
            naive: Any = pa.scalar(text).cast(pa.timestamp(kind.unit))
            return pc.assume_timezone(naive, kind.tz)
    return pa.scalar(text).cast(kind)


def _number(text: str, kind: pa.DataType) -> Any:
    if pa.types.is_integer(kind):
        try:
            return pa.scalar(int(text), kind)
        except (ValueError, OverflowError, pa.ArrowInvalid):
            pass  # such as 1.5, or more than the type holds
    number = float(text)
    if number != number:
        raise ValueError(text)
    return pa.scalar(number, kind if pa.types.is_floating(kind) else pa.float64())


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(-?[0-9.]+)\s*([a-z]+)", text.lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError(text)
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def _example(kind: pa.DataType) -> str:
    if pa.types.is_duration(kind):
        return f"Type a number and one of {', '.join(_UNITS)}, such as 90s."
    if pa.types.is_temporal(kind):
        return "Type it as 2024-01-31, 2024-01-31 12:30 or 12:30:00."
    if pa.types.is_boolean(kind):
        return "Type true or false."
    return "Type a number, such as 12 or 1.5e-3."
