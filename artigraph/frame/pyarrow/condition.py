"""Conditions on columns: which row groups can be left out, and which rows hold.

A row group is left out where the footer's statistics show that no row of it
can meet the condition. They are somebody else's claims: where they say
nothing, or nothing comparable, the group is read.
"""

from __future__ import annotations

import re
from decimal import ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.errors import PartError
from artigraph.filter.operator import Comparison, Operator
from artigraph.frame.pyarrow.column import Column, computed_type, make_column, stored_column
from artigraph.frame.pyarrow.text import PER_SECOND
from artigraph.frame.query import Condition, operators
from artigraph.serializer.part import FrameColumn

__all__ = [
    "can_filter",
    "can_sort",
    "comparable",
    "mask",
    "may_hold",
    "offered",
    "read_condition",
]


_READ_AS_TEXT = (pa.types.is_integer, pa.types.is_date, pa.types.is_boolean)


def comparable(column: Column) -> Column:
    """A column whose values Arrow can compare, of another type if need be."""
    column = stored_column(column)
    kind = computed_type(column.type)
    return column if kind == column.type else column.cast(kind)


def can_sort(type_: pa.DataType, facts: FrameColumn) -> bool:
    """Whether rows can be sorted by a column: by codes, where those are what is stored."""
    type_ = computed_type(type_)
    unordered = (pa.types.is_nested, pa.types.is_null, pa.types.is_interval)
    return not any(is_one(type_) for is_one in unordered) or facts.sort_key is not None


def can_filter(type_: pa.DataType, facts: FrameColumn) -> bool:
    """Whether a column's values can be compared with what somebody types."""
    # What pandas alone can show is not what Arrow would compare, and nobody types bytes.
    is_bytes = str(computed_type(type_)) in ("binary", "large_binary")
    return can_sort(type_, facts) and facts.show is None and not is_bytes


def offered(type_: pa.DataType, facts: FrameColumn) -> list[str]:
    """The names of the operators that a column's values can be compared by."""
    known = operators().items()
    return [name for name, operator in known if _why_not(operator, type_, facts) is None]


def _why_not(operator: Operator, type_: pa.DataType, facts: FrameColumn) -> str | None:
    if operator.takes == "nothing":
        return None
    if not can_filter(type_, facts):
        return (
            f"The values of {facts.label!r} ({facts.dtype}) cannot be compared with a text. "
            "Ask whether they are missing, or use to_pandas()."
        )
    type_ = computed_type(type_)
    as_text = _is_text(type_) or any(is_one(type_) for is_one in _READ_AS_TEXT)
    if operator.needs == "text" and not as_text:
        known = (o for o in operators().values() if o.takes == "one" and o.needs != "text")
        others = " ".join(one.words for one in known)
        return f"{facts.label!r} holds no text but {facts.dtype}. Use one of {others}."
    return None


def _by_key(operator: Operator, facts: FrameColumn) -> bool:
    """Whether the order that is asked for is not that of the values themselves."""
    return operator.needs == "order" and facts.sort_key is not None


def mask(asked: Comparison[int], column: Column, facts: FrameColumn) -> Any:
    """Which rows of a column hold, as booleans without nulls."""
    function = getattr(pc, asked.operator.arrow)
    if asked.operator.takes == "nothing":
        return function(column)
    if facts.sort_key is not None and _by_key(asked.operator, facts):
        return pc.fill_null(function(facts.sort_key(column), asked.value), False)
    column = comparable(column)
    if asked.operator.needs == "text":
        text = column.cast(pa.large_string())
        return pc.fill_null(function(text, pattern=asked.value, ignore_case=True), False)
    if pa.types.is_decimal(column.type) and 36 < column.type.precision <= 38:
        # So that a value with one digit more has a place beside them.
        column = column.cast(pa.decimal256(column.type.precision, column.type.scale))
    return pc.fill_null(function(column, asked.value), False)


def may_hold(asked: Comparison[int], chunk: Any | None, facts: FrameColumn) -> bool:
    """Whether a row of a chunk can hold, as far as the footer tells."""
    told = getattr(chunk, "statistics", None)
    if told is None or asked.operator.may_hold is None or _by_key(asked.operator, facts):
        return True
    value = asked.value.as_py() if isinstance(asked.value, pa.Scalar) else asked.value
    try:
        return bool(asked.operator.may_hold(told, value))
    except (TypeError, ValueError, pa.ArrowException):
        return True  # such as a time zone on one side only, or no extremes


def read_condition(given: Condition, type_: pa.DataType, facts: FrameColumn) -> Comparison[int]:
    """Give a condition's text the meaning that its column has.

    Raises:
        PartError: The column cannot be compared so, or not with this.
    """
    operator = operators()[given.operator]
    reason = _why_not(operator, type_, facts)
    if reason is not None:
        raise PartError(reason)
    value: Any = None
    if operator.takes != "nothing":
        value = _read_value(operator, given.value, computed_type(type_), facts)
    return Comparison(given.column, operator, value)


def _read_value(operator: Operator, text: str, type_: pa.DataType, facts: FrameColumn) -> object:
    if operator.needs == "text":
        return text
    try:
        value = parse(text, type_)
    except (pa.ArrowException, ValueError, OverflowError, InvalidOperation, TypeError) as error:
        raise PartError(
            f"{text!r:.100} is no value to compare {facts.label!r} ({facts.dtype}) with. "
            f"{_example(type_)}"
        ) from error
    if facts.sort_key is None or operator.needs != "order":
        return value
    key: Any = None
    try:
        asked = value.cast(type_)
        key = facts.sort_key(make_column([pa.array([asked.as_py()], type_)], type_))[0]
    except pa.ArrowInvalid:
        pass  # such as 1.5 among integers
    if key is None or not key.is_valid:
        raise PartError(
            f"{text!r:.100} is none of the categories of {facts.label!r}, whose order tells which "
            "are smaller. Type one of them, or use = or ≠."
        )
    return key


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
        return pa.scalar(_beside(text, type_.scale, type_.precision - type_.scale))
    if pa.types.is_duration(type_):
        return pa.scalar(int(_seconds(text) * PER_SECOND[type_.unit]), type_)
    if pa.types.is_fixed_size_binary(type_):
        return pa.scalar(bytes.fromhex(text.replace("-", "")), type_)
    if pa.types.is_time(type_):
        # Arrow reads such a text on a day alone.
        moment: Any = pa.scalar(f"1970-01-01 {text}").cast(pa.timestamp(type_.unit))
        return moment.cast(type_)
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
        return pa.scalar(_beside(text, 0, 20))
    number = float(text)
    if number != number:
        raise ValueError(text)
    return pa.scalar(number, type_)


def _beside(text: str, scale: int, digits: int) -> Decimal:
    """A decimal that compares with those of a scale as the number does, and is no longer."""
    number, limit = Decimal(text), Decimal(10) ** digits
    if number.is_nan():
        raise ValueError(text)
    with localcontext(prec=100):
        number = max(-limit, min(limit, number))
        below = number.quantize(Decimal(1).scaleb(-scale), ROUND_FLOOR)
        return below if below == number else below + Decimal(5).scaleb(-scale - 1)


_UNITS = {"us": "1e-6", "ms": "1e-3", "s": "1", "min": "60", "h": "3600", "d": "86400"}


# As cells show them, and as Python and pandas write them.
_CLOCK = re.compile(
    r"(?P<sign>-?)(?:(?P<days>\d+) ?d(?P<ays>ays?)?,? ?)?\+?"
    r"(?:(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?))?"
)


def _seconds(text: str) -> Decimal:
    match = re.fullmatch(r"(-?[0-9.]+)\s*([a-z]+)", text.lower())
    if match is not None and match[2] in _UNITS:
        return Decimal(match[1]) * Decimal(_UNITS[match[2]])
    match = _CLOCK.fullmatch(text.lower())
    if match is None or not (match["days"] or match["hours"]):
        raise ValueError(text)
    days, *clock = (Decimal(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    sign = -1 if match["sign"] else 1
    seconds = clock[0] * 3600 + clock[1] * 60 + clock[2]
    # Python's "-1 day, 23:58:30" and pandas' "-1 days +23:58:30" go back a day, then on.
    return sign * days * 86400 + (seconds if match["ays"] else sign * seconds)


def _example(type_: pa.DataType) -> str:
    if pa.types.is_duration(type_):
        return f"Type a number and one of {', '.join(_UNITS)}, such as 90s."
    if pa.types.is_time(type_):
        return "Type it as 12:30 or 12:30:00."
    if pa.types.is_date(type_):
        return "Type it as 2024-01-31."
    if pa.types.is_temporal(type_):
        return "Type it as 2024-01-31, 2024-01-31 12:30 or 2024-01-31 12:30:00."
    if pa.types.is_boolean(type_):
        return "Type true or false."
    if pa.types.is_fixed_size_binary(type_):
        return f"Type {2 * type_.byte_width} hex digits."
    return "Type a number, such as 12 or 1.5e-3."
