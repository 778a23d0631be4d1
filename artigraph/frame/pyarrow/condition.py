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
from artigraph.frame.pyarrow.column import Column, stored_column
from artigraph.frame.query import Condition, operators
from artigraph.serializer.part import FrameColumn

__all__ = ["can_filter", "can_sort", "comparable", "mask", "may_hold", "read_condition"]


_READ_AS_TEXT = (pa.types.is_integer, pa.types.is_date, pa.types.is_boolean)


def comparable(column: Column) -> Column:
    """A column whose values Arrow can compare, of another type if need be."""
    column = stored_column(column)
    type_ = _value_type(column.type)
    return column if type_ == column.type else column.cast(type_)


def can_sort(type_: pa.DataType, facts: FrameColumn) -> bool:
    """Whether rows can be sorted by a column: by codes, where those are what is stored."""
    type_ = _value_type(type_)
    unordered = (pa.types.is_nested, pa.types.is_null, pa.types.is_interval)
    return not any(is_one(type_) for is_one in unordered) or facts.sort_key is not None


def can_filter(type_: pa.DataType, facts: FrameColumn) -> bool:
    """Whether a column's values can be compared with what somebody types."""
    # What pandas alone can show is not what Arrow would compare, and nobody types bytes.
    is_bytes = str(_value_type(type_)) in ("binary", "large_binary")
    return can_sort(type_, facts) and facts.show is None and not is_bytes


def _value_type(type_: Any) -> Any:
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    # Small numbers, which Arrow neither sorts nor compares.
    if pa.types.is_float16(type_):
        return pa.float32()
    if str(type_).startswith(("decimal32", "decimal64")):
        return pa.decimal128(type_.precision, type_.scale)
    return type_


def mask(asked: Comparison[int], column: Column) -> Any:
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


def read_condition(given: Condition, type_: pa.DataType, facts: FrameColumn) -> Comparison[int]:
    """Give a condition's text the meaning that its column has.

    Raises:
        PartError: The column cannot be compared so, or not with this.
    """
    operator = operators()[given.operator]
    value: Any = None
    if operator.takes != "nothing":
        if not can_filter(type_, facts):
            raise PartError(
                f"The values of {facts.label!r} ({facts.dtype}) cannot be compared with a text. "
                "Ask whether they are missing, or use to_pandas()."
            )
        value = _read_value(operator, given.value, _value_type(type_), facts)
    return Comparison(given.column, operator, value)


def _read_value(operator: Operator, text: str, type_: pa.DataType, facts: FrameColumn) -> object:
    if operator.needs == "text":
        if not _is_text(type_) and not any(is_one(type_) for is_one in _READ_AS_TEXT):
            known = (o for o in operators().values() if o.takes == "one" and o.needs != "text")
            others = " ".join(one.words for one in known)
            raise PartError(
                f"{facts.label!r} holds no text but {facts.dtype}. Use one of {others}."
            )
        return text
    try:
        return parse(text, type_)
    except (pa.ArrowException, ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise PartError(
            f"{text!r:.100} is no value to compare {facts.label!r} ({facts.dtype}) with. "
            f"{_example(type_)}"
        ) from error


def _is_text(type_: pa.DataType) -> bool:
    # As a name, since older releases lack string_view.
    return str(type_) in ("string", "large_string", "string_view")


def parse(text: str, type_: pa.DataType) -> Any:
    """Turn text into a scalar to compare a column of this type with.

    Raises:
        Exception: Of several types, where that is not possible.
    """
    if _is_text(type_):
        return pa.scalar(text, type_)
    text = text.strip()
    if pa.types.is_boolean(type_):
        text = {"yes": "true", "no": "false"}.get(text.lower(), text)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return _number(text.replace(",", "").replace("_", ""), type_)
    if pa.types.is_decimal(type_):
        return pa.scalar(Decimal(text))
    if pa.types.is_duration(type_):
        return pa.scalar(_duration(text), type_)
    if pa.types.is_timestamp(type_) and type_.tz is not None:
        try:
            return pa.scalar(text).cast(type_)
        except pa.ArrowInvalid:
            # Without an offset it is meant as the column shows it.
            naive: Any = pa.scalar(text).cast(pa.timestamp(type_.unit))
            return pc.assume_timezone(naive, type_.tz)
    return pa.scalar(text).cast(type_)


def _number(text: str, type_: pa.DataType) -> object:
    if pa.types.is_integer(type_):
        try:
            return pa.scalar(int(text), type_)
        except (ValueError, OverflowError, pa.ArrowInvalid):
            pass  # such as 1.5, or more than the type holds
    number = float(text)
    if number != number:
        raise ValueError(text)
    return pa.scalar(number, type_ if pa.types.is_floating(type_) else pa.float64())


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(-?[0-9.]+)\s*([a-z]+)", text.lower())
    if match is None or match[2] not in _UNITS:
        raise ValueError(text)
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def _example(type_: pa.DataType) -> str:
    if pa.types.is_duration(type_):
        return f"Type a number and one of {', '.join(_UNITS)}, such as 90s."
    if pa.types.is_temporal(type_):
        return "Type it as 2024-01-31, 2024-01-31 12:30 or 12:30:00."
    if pa.types.is_boolean(type_):
        return "Type true or false."
    return "Type a number, such as 12 or 1.5e-3."
