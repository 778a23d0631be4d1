"""Any value as a short line of text, and as a field with what unfolds below it.

A value's own ``__repr__`` may raise, or return ten megabytes: the line says so,
or is cut and tells the length. Libraries are recognised, never imported.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import islice
from math import isfinite
from types import MappingProxyType
from typing import Any

from artigraph.display.escape import counted, cut, visible
from artigraph.display.facts import Badge, Facts, Field
from artigraph.display.library import describer_of, python_number
from artigraph.display.options import Limits
from artigraph.display.shown import Shown, TooManyFactsError, count_fact, failed, type_name

__all__ = [
    "LONGEST_CELL",
    "LONGEST_NAME",
    "brief",
    "cell",
    "describe_fields",
    "describe_value",
    "ends",
    "format_duration",
    "format_size",
    "format_time",
    "shown_in_cells",
    "table_cell",
]

LONGEST_INT = 2_000
"""Bits of an integer that is written out; Python refuses very long ones."""


def brief(value: object, limits: Limits) -> str:
    """Any value on one line, as Python writes it where that is short.

    Returns:
        A text of bounded length, which nobody has escaped yet.
    """
    try:
        return _brief(value, limits)
    except Exception as error:  # whatever somebody's __repr__ raises
        return failed(error)


def cell(value: object, limits: Limits) -> str:
    """A value on one line where its type stands beside it: a date as a date.

    Args:
        value: The value.
        limits: How much of it is shown.
    """
    show = shown_in_cells.get(type(value))
    return brief(value, limits) if show is None else cut(show(value), limits.max_text)


def table_cell(value: object, limits: Limits) -> str:
    """A value in a list of many: short, a text without quotes, a number in few digits."""
    try:
        return _table_cell(value, limits)
    except Exception as error:
        return cut(failed(error), LONGEST_CELL)


def _table_cell(value: object, limits: Limits) -> str:
    found = describer_of(type(value))
    if found is not None and found.number is not None:
        value = found.number(value)
    if type(value) is str:
        return cut(value, LONGEST_CELL)
    if type(value) is float and isfinite(value):
        return f"{value:.6g}"
    line = found.line(value) if found is not None and found.line and found.is_data else None
    if line is None and isinstance(value, Shown):
        lines = value._describe(replace(limits, max_depth=0, max_fields=1)).lines
        line = " ".join(lines) or None
    if line is not None:
        return cut(line, LONGEST_CELL)
    small = replace(limits, max_text=LONGEST_CELL, max_items=min(4, limits.max_items), max_depth=1)
    return cut(cell(value, small), LONGEST_CELL)


LONGEST_CELL = 48
"""Characters of a value in a list that are shown."""


def format_time(moment: datetime) -> str:
    """A moment to the second; in words if it is UTC. What somebody else wrote may be none."""
    if not isinstance(moment, datetime):
        return visible(cut(str(moment), LONGEST_CELL))
    shown = f"{moment:%Y-%m-%d %H:%M:%S}"
    offset = moment.utcoffset()
    if offset is None:
        return shown
    return f"{shown} UTC" if not offset else f"{shown}{moment:%z}"


def format_duration(value: timedelta) -> str:
    """A length of time in words: ``1.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    seconds = value.total_seconds()
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def format_size(size: int) -> str:
    """Write a number of bytes as people do, in powers of 1,000. It may be none, as a time may."""
    if not isinstance(size, int | float):
        return visible(cut(str(size), LONGEST_CELL))
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:,.1f} EB"


def describe_value(name: str, value: object, limits: Limits) -> Field:
    """A value as a field: its type, a line, and what unfolds below it."""
    count_fact()
    try:
        return _describe(name, value, limits)
    except TooManyFactsError:
        raise
    except Exception as error:
        return Field(name, type_name(value), failed(error), (Badge("failed", "failed"),))


def describe_fields(
    items: Iterable[tuple[str, object]],
    limits: Limits,
    *,
    hidden: Collection[str] = (),
    badges: Mapping[str, tuple[Badge, ...]] = MappingProxyType({}),
) -> tuple[tuple[Field, ...], int]:
    """Values by name as fields.

    Args:
        items: Names and values; those past ``max_fields`` are counted.
        limits: How much of each is shown.
        hidden: Names whose values are kept to themselves.
        badges: What is known of some by name, such as where they live.

    Returns:
        The fields, and how many are left out.
    """
    items = iter(items)
    found = []
    for name, value in islice(items, limits.max_fields):
        shown = cut(str(name), LONGEST_NAME)
        if name in hidden:
            found.append(Field(shown, "", "not shown: repr=False"))
            continue
        one = describe_value(shown, value, limits)
        if name in badges:
            one = replace(one, badges=(*one.badges, *badges[name]))
        found.append(one)
        pictures = limits.max_pictures - _pictures(one.inside)
        limits = replace(limits, max_pictures=pictures)
    return tuple(found), sum(1 for _ in items)


LONGEST_NAME = 80
"""Characters of a field's name that are shown."""

shown_in_cells: dict[type[Any], Callable[[Any], str]] = {}
"""How values of a type are written where it stands beside them; see ``artigraph.types``."""


def _pictures(facts: Facts | None) -> int:
    if facts is None:
        return 0
    return (facts.picture is not None) + sum(_pictures(one.inside) for one in facts.fields)


_NUMBERS = (bool, int, float, complex)


def _brief(value: object, limits: Limits) -> str:
    kind = type(value)
    if kind is str and isinstance(value, str):
        return _text(value, limits)
    if kind is int and isinstance(value, int):
        bits = value.bit_length()
        return repr(value) if bits <= LONGEST_INT else f"<int of {bits:,} bits>"
    if value is None or kind in _NUMBERS:
        return repr(value)
    if kind in (bytes, bytearray) and isinstance(value, bytes | bytearray):
        return _bytes(value, limits)
    if kind in _BRACKETS:
        return _collection(value, limits)
    if isinstance(value, Shown):
        if type(value).__repr__ is not Shown.__repr__:
            return _own(value, limits)
        return _capped(value._brief(limits), limits)
    if isinstance(value, Enum):
        return f"{type_name(value)}.{value.name}"
    found = describer_of(kind)
    if found is not None and found.line is not None:
        return f"<{type_name(value)} {found.line(value)}>"
    value = python_number(value)
    return repr(value) if type(value) in _NUMBERS else _own(value, limits)


def _own(value: object, limits: Limits) -> str:
    """What a value says of itself, on one line."""
    text = repr(value)
    length = len(text)
    # Far more than fits is looked at by nobody, so it is not searched for lines.
    short = " ".join(text[: 4 * limits.max_text].split())
    if len(short) <= limits.max_text and length <= 4 * limits.max_text:
        return short
    return f"{short[: limits.max_text]}… ({length:,} characters)"


def _text(value: str, limits: Limits) -> str:
    if len(value) <= limits.max_text:
        return repr(value)
    return f"{repr(value[: limits.max_text])[:-1]}…' ({len(value):,} characters)"


def _bytes(value: bytes | bytearray, limits: Limits) -> str:
    most = limits.max_text // 4
    if len(value) <= most:
        return repr(value)
    return f"{repr(value[:most])[:-1]}…' ({len(value):,} bytes)"


_BRACKETS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    deque: ("deque([", "])"),
    dict: ("{", "}"),
}


def _collection(value: Any, limits: Limits) -> str:
    opening, closing = _BRACKETS[type(value)]
    if not value:
        return repr(value)
    if limits.max_depth < 0:
        return f"{opening}… {counted(len(value), 'item')}{closing}"
    inner = limits.in_collection_line()

    def line(item: Any) -> str:
        if type(value) is dict:
            return f"{brief(item[0], inner)}: {brief(item[1], inner)}"
        return brief(item, inner)

    first, more, last = ends(value, limits.max_items)
    parts = [line(item) for item in first]
    if more:
        parts.append(f"… +{more:,} more")
    parts += [line(item) for item in last]
    if type(value) is tuple and len(parts) == 1:
        closing = f",{closing}"
    return _capped(f"{opening}{', '.join(parts)}{closing}", limits)


def _capped(text: str, limits: Limits) -> str:
    longest = 4 * limits.max_text
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text):,} characters)"


def ends(value: Any, most: int) -> tuple[list[Any], int, list[Any]]:
    """The first and the last items of a collection, and how many are between them.

    Args:
        value: A collection with a length; of a dict, the items.
        most: How many items are shown.
    """
    items: Any = value.items() if isinstance(value, Mapping) else value
    if len(value) <= most:
        return list(items), 0, []
    if isinstance(value, set | frozenset):  # they have no end
        return list(islice(items, most)), len(value) - most, []
    last = most // 2
    ending = list(islice(reversed(items), last))[::-1]
    return list(islice(items, most - last)), len(value) - most, ending


def _describe(name: str, value: object, limits: Limits) -> Field:
    if limits.max_depth > 0:
        if isinstance(value, Shown):
            facts = value._describe(limits.deeper())
            return _folded(name, facts)
        found = describer_of(type(value))
        if found is not None and found.facts is not None:
            return _folded(name, found.facts(value, limits, brief))
        if type(value) in (list, tuple, dict) and any(map(_unfolds, _values(value))):
            return _described_items(name, value, limits)
    return Field(name, type_name(value), cell(value, limits))


def _folded(name: str, facts: Facts) -> Field:
    inside = replace(facts, label="", badges=(), lines=())
    bare = Facts(facts.name)
    folds = inside != bare
    return Field(name, facts.name, " ".join(facts.lines), facts.badges, inside if folds else None)


def _values(value: Any) -> Iterable[object]:
    items = value.values() if type(value) is dict else value
    return islice(items, 50)


def _unfolds(value: object) -> bool:
    if isinstance(value, Shown):
        return True
    found = describer_of(type(value))
    return found is not None and found.line is not None


def _described_items(name: str, value: Any, limits: Limits) -> Field:
    first, more, last = ends(value, min(limits.max_items, limits.max_fields))
    if type(value) is dict:
        pairs = [(brief(key, limits), item) for key, item in [*first, *last]]
    else:
        numbers = [*range(len(first)), *range(len(value) - len(last), len(value))]
        pairs = [(str(n), item) for n, item in zip(numbers, [*first, *last], strict=True)]
    fields, left_out = describe_fields(pairs, limits.deeper())
    return Field(
        name,
        type_name(value),
        counted(len(value), "item"),
        inside=Facts(type_name(value), fields=fields, more_fields=more + left_out),
    )
