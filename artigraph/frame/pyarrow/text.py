"""Values of a column as texts, for people to look at and for programs to paste.

What is looked at is short, and says what it holds: hidden characters are
written out. A mark beside each text says what the text alone cannot: that it
stands for a missing value, that it is cut, that it is no number, that it is
empty. What is pasted is whole and exact.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.display.escape import visible
from artigraph.frame.pyarrow.column import Column, stored_column
from artigraph.serializer.part import FrameColumn

__all__ = [
    "CUT",
    "EMPTY",
    "MISSING",
    "ODD",
    "PER_SECOND",
    "PLAIN",
    "align",
    "exact_texts",
    "short_texts",
]

PLAIN, MISSING, CUT, ODD, EMPTY = "-0coe"
"""The marks: nothing special, a missing value, a text that is cut or a number
that is rounded, NaN or an infinity, an empty text."""

LONGEST = 120
"""Characters of a text that are looked at in a cell."""

ELEMENTS = 12
"""Elements of a nested value that are looked at in a cell."""


def align(kind: pa.DataType) -> str:
    """Where the texts of a type stand in their column: ``"right"`` for numbers."""
    if pa.types.is_dictionary(kind):
        return align(kind.value_type)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return "right" if number or pa.types.is_duration(kind) else "left"


def short_texts(column: Column, facts: FrameColumn) -> tuple[list[str], str]:
    """Make the texts of cells.

    Args:
        column: A ``pyarrow.ChunkedArray``, of the rows in sight.
        facts: What is known of it.

    Returns:
        The texts, and a string with one mark for each.
    """
    whole = _texts(column, facts, short=True)
    texts, marks = [], []
    for text in whole:
        if text is None:
            texts.append(facts.null)
            marks.append(MISSING)
        elif text == "":
            texts.append('""')
            marks.append(EMPTY)
        else:
            shown, mark = text if isinstance(text, tuple) else (text, PLAIN)
            texts.append(visible(shown, LONGEST))
            marks.append(CUT if len(shown) > LONGEST else mark)
    return texts, "".join(marks)


def exact_texts(column: Column, facts: FrameColumn) -> list[str | None]:
    """Make the whole texts of cells, as they are, with ``None`` for missing values."""
    return [t[0] if isinstance(t, tuple) else t for t in _texts(column, facts, short=False)]


Text = str | tuple[str, str] | None
"""A text, a text with its mark, or a missing value."""


def _texts(column: Column, facts: FrameColumn, short: bool) -> list[Text]:
    if facts.show is not None:
        shown = facts.show(column)
        return [t if v else None for t, v in zip(shown, _valid(column), strict=True)]
    column = stored_column(column)
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        number = _short_number if short else _exact_number(kind)
        return [None if v is None else number(v) for v in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        return _timestamps(column)
    if pa.types.is_duration(kind):
        return [None if v is None else _duration(v, kind.unit) for v in _integers(column)]
    if pa.types.is_nested(kind):
        return [_nested(column[i], short) for i in range(len(column))]
    if pa.types.is_boolean(kind):
        return [None if v is None else str(v) for v in column.to_pylist()]
    if _is_bytes(kind):
        return [None if v is None else _bytes(v, short) for v in column.to_pylist()]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        if short:
            # Most of a megabyte need not become an object of Python.
            column = pc.utf8_slice_codeunits(column, 0, LONGEST + 1)
        found: list[Text] = column.to_pylist()
        return found
    try:
        found = list(column.cast(pa.string()).to_pylist())
    except pa.ArrowException:
        found = [None if v is None else str(v) for v in column.to_pylist()]
    if pa.types.is_time(kind):
        return [None if t is None else _without_zeros(str(t)) for t in found]
    return found


def _valid(column: Column) -> list[bool]:
    return [bool(one) for one in column.is_valid().to_pylist()]


def _is_bytes(kind: pa.DataType) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


# --------------------------------------------------------------------- numbers


def _short_number(value: float) -> Text:
    if not math.isfinite(value):
        return ("NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"), ODD
    whole = repr(value)
    if len(whole) <= 10:
        return whole.removesuffix(".0") if "e" not in whole else whole
    size = abs(value)
    if 1e-4 <= size < 1e15:
        digits = len(str(int(size)))
        shown = f"{value:.{max(2, 6 - digits)}f}"
    else:
        shown = f"{value:.6g}"
    # A rounded number says so: the page offers the whole one.
    return shown if float(shown) == value else (shown, CUT)


def _exact_number(kind: pa.DataType) -> Callable[[float], Text]:
    digits = {"float": 9, "halffloat": 5}.get(str(kind))

    def exact(value: float) -> Text:
        if digits is None or not math.isfinite(value):
            return repr(value)
        # The fewest digits that give a number of this size back.
        for precision in range(1, digits):
            text = f"{value:.{precision}g}"
            if pa.scalar(float(text), kind).as_py() == value:
                return text
        return f"{value:.{digits}g}"

    return exact


# ----------------------------------------------------------------------- times


def _timestamps(column: Any) -> list[Text]:
    if column.type.tz is not None:
        try:
            column = pc.local_timestamp(column)
        except pa.ArrowException:  # a zone that this machine does not know
            column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    texts: list[str | None] = column.cast(pa.string()).to_pylist()
    return [None if t is None else _without_zeros(t) for t in texts]


def _without_zeros(text: str) -> str:
    # Of "12:00:00.000000" and "12:00:00.250000" what tells something.
    return re.sub(r"(\.\d*?)0+(?=Z?$)", lambda m: m[1].rstrip("."), text)


def _integers(column: Column) -> list[int | None]:
    found: list[int | None] = column.cast(pa.int64()).to_pylist()
    return found


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def _duration(value: int, unit: str) -> str:
    per_second = PER_SECOND[unit]
    seconds, fraction = divmod(abs(value), per_second)
    days, rest = divmod(seconds, 86400)
    clock = str(timedelta(seconds=rest)).zfill(8)
    if fraction:
        clock += f".{fraction:0{len(str(per_second)) - 1}d}".rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{days}d {clock}" if days else f"{sign}{clock}"


# ------------------------------------------------------------- bytes and lists


def _bytes(value: bytes, short: bool) -> str:
    return value[: LONGEST // 2 + 1].hex(" ") if short else value.hex()


def _nested(scalar: Any, short: bool) -> Text:
    if not scalar.is_valid:
        return None
    values = getattr(scalar, "values", None)
    if short and isinstance(values, pa.Array) and len(values) > ELEMENTS:
        head = _json(values.slice(0, ELEMENTS).to_pylist())
        return f"{head[:-1]}, … {len(values) - ELEMENTS:,} more]", CUT
    return _json(scalar.as_py())


def _json(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
