"""Conditions on columns: which row groups can be left out, and which rows hold.

A row group is left out where the footer's statistics show that no row of it
can meet the condition. They are somebody else's claims: where they say
nothing, or nothing comparable, the group is read.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.errors import PartError
from artigraph.filter.operator import Comparison, Operator
from artigraph.frame.pyarrow.column import stored_column
from artigraph.frame.query import Condition, operators
from artigraph.serializer.part import FrameColumn

__all__ = ["can_filter", "can_sort", "comparable", "mask", "may_hold", "read_condition"]


_READ_AS_TEXT = (pa.types.is_integer, pa.types.is_date, pa.types.is_boolean)


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
    # What pandas alone can show is not what Arrow would compare, and nobody types bytes.
    is_bytes = str(_plain(kind)) in ("binary", "large_binary")
    return can_sort(kind, facts) and facts.show is None and not is_bytes


def _plain(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def mask(asked: Comparison[int], column: Any) -> Any:
    """Which rows of a column hold, as booleans without nulls."""
    function = getattr(pc, asked.operator.arrow)
    if asked.operator.takes == "nothing":
        return function(column)
    column = comparable(column)
    if asked.operator.needs == "text":
        text = column.cast(pa.large_string())
        return pc.fill_null(function(text, pattern=asked.value, ignore_case=True), False)
    return pc.fill_null(function(column, asked.value), False)


def may_hold(asked: Comparison[int], chunk: Any | None) -> bool:
    """Whether a row of a chunk can hold, as far as the footer tells."""
    facts = getattr(chunk, "statistics", None)
    if facts is None or asked.operator.may_hold is None:
        return True
    value = asked.value.as_py() if isinstance(asked.value, pa.Scalar) else asked.value
    try:
        return bool(asked.operator.may_hold(facts, value))
    except (TypeError, ValueError, pa.ArrowException):
        return True  # such as a time zone on one side only, or no extremes


def read_condition(given: Condition, kind: pa.DataType, facts: FrameColumn) -> Comparison[int]:
    """Give a condition's text the meaning that its column has.

    Raises:
        PartError: The column cannot be compared so, or not with this.
    """
    operator = operators()[given.operator]
    value: Any = None
    if operator.takes != "nothing":
        if not can_filter(kind, facts):
            raise PartError(
                f"The values of {facts.label!r} ({facts.dtype}) cannot be compared with a text. "
                "Ask whether they are missing, or use to_pandas()."
            )
        value = _read_value(operator, given.value, _plain(kind), facts)
    return Comparison(given.column, operator, value)


def _read_value(operator: Operator, text: str, kind: pa.DataType, facts: FrameColumn) -> Any:
    if operator.needs == "text":
        if not _is_text(kind) and not any(is_one(kind) for is_one in _READ_AS_TEXT):
            known = (o for o in operators().values() if o.takes == "one" and o.needs != "text")
            others = " ".join(one.words for one in known)
            raise PartError(
                f"{facts.label!r} holds no text but {facts.dtype}. Use one of {others}."
            )
        return text
    try:
        return parse(text, kind)
    except (pa.ArrowException, ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise PartError(
            f"{text!r:.100} is no value to compare {facts.label!r} ({facts.dtype}) with. "
            f"{_example(kind)}"
        ) from error


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
        text = {"yes": "true", "no": "false"}.get(text.lower(), text)
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
