"""Facts drawn as text, for terminals and wherever only text is shown.

* no line is longer than the width asked for, but for a single word or cell
  that is
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from artigraph.display.escape import counted, visible, width_of
from artigraph.display.facts import Badge, Facts, Field, Table

__all__ = ["render_text"]

NARROWEST = 24
"""Columns of a terminal below which nothing is wrapped any further."""

WIDEST_NAME = 28
"""Columns that names, or types, may take before they push values aside."""

_SEPARATOR = " · "


def render_text(facts: Facts, width: int = 80) -> str:
    """Draw facts as lines of text.

    Returns:
        The lines, without a newline at the end.
    """
    width = max(width, NARROWEST)
    return "\n".join([*_head(facts, width), *_inside(facts, width)])


def _head(facts: Facts, width: int) -> list[str]:
    label = f" '{visible(facts.label)}'" if facts.label else ""
    return _wrapped(f"{visible(facts.name)}{label}{_badges(facts.badges)}", width)


def _inside(facts: Facts, width: int) -> Iterator[str]:
    width = max(width, NARROWEST)
    notes = [f"{visible(name)} {visible(value)}".strip() for name, value in facts.notes]
    yield from _joined(notes, width)
    for line in facts.lines:
        if line:
            yield from _wrapped(visible(line), width)
    yield from _fields(facts.fields, width)
    if facts.more_fields:
        yield f"  … +{facts.more_fields:,} more"
    if facts.table is not None:
        yield from (f"  {line}".rstrip() for line in _table(facts.table, width - 2))
    for line in facts.code.split("\n") if facts.code else ():
        yield from _wrapped(visible(line), width)
    for warning in facts.warnings:
        yield from _wrapped(f"({visible(warning)})", width)


def _badges(badges: Iterable[Badge]) -> str:
    return "".join(f"  [{visible(badge.text)}]" for badge in badges)


def _fields(fields: Sequence[Field], width: int) -> Iterator[str]:
    names = _widest((one.name for one in fields), width)
    types = _widest((one.type for one in fields), width)
    for one in fields:
        start = f"  {_left(visible(one.name), names)}  {_left(visible(one.type), types)}  "
        value = f"{visible(one.value)}{_badges(one.badges)}".strip()
        left = width - names - types - 6
        if width_of(start) + width_of(value) <= width:
            yield f"{start}{value}".rstrip()
        elif left >= NARROWEST and width_of(start) == names + types + 6:
            first, *further = _wrapped(value, left)
            yield f"{start}{first}".rstrip()
            indent = " " * (names + types + 6)
            yield from (f"{indent}{line}" for line in further)
        else:
            yield from _wrapped(start.rstrip(), width)
            yield from (f"    {line}" for line in _wrapped(value, width - 4))
        if one.inside is not None:
            yield from (f"    {line}".rstrip() for line in _inside(one.inside, width - 4))


def _widest(texts: Iterable[str], width: int) -> int:
    most = max(4, min(WIDEST_NAME, width // 4))
    return min(max((width_of(visible(text)) for text in texts), default=0), most)


def _table(table: Table, width: int) -> Iterator[str]:
    """A table, in blocks of columns if it is wider than the terminal."""
    if not table.columns:
        return
    shown = [[visible(cell) for cell in table.columns]]
    if table.types:
        shown.append([visible(cell) for cell in table.types])
    above = len(shown)
    shown += [[visible(cell) for cell in row] for row in table.rows]
    widths = [max(map(width_of, column)) for column in zip(*shown, strict=True)]
    start = 1
    while start == 1 or start < len(widths):
        # The first column names the rows, so that each block begins with it.
        end, used = start, widths[0]
        while end < len(widths) and (end == start or used + 2 + widths[end] <= width):
            used += 2 + widths[end]
            end += 1
        if start > 1:
            yield ""
        for number, row in enumerate(shown):
            if table.more and table.gap is not None and number - above == table.gap:
                yield f"… +{table.more:,} more"
            cells = (
                (_right if at in table.numbers else _left)(row[at], widths[at])
                for at in (0, *range(start, end))
            )
            yield "  ".join(cells).rstrip()
        if table.more and table.gap is not None and table.gap + above >= len(shown):
            yield f"… +{table.more:,} more"
        start = max(end, 2)
    if table.more_columns:
        yield f"+{counted(table.more_columns, 'more column')}"


def _left(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _right(text: str, width: int) -> str:
    return " " * (width - width_of(text)) + text


def _joined(texts: Iterable[str], width: int) -> Iterator[str]:
    line = ""
    for text in texts:
        if line and width_of(line) + width_of(text) + len(_SEPARATOR) > width:
            yield from _wrapped(line, width)
            line = text
        else:
            line = f"{line}{_SEPARATOR}{text}" if line else text
    if line:
        yield from _wrapped(line, width)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a text, broken between words where that is possible."""
    lines = []
    start = 0
    while (end := _end_of_line(text, start, width)) < len(text):
        space = text.rfind(" ", start + 1, end + 1)
        if space > (start + end) // 2:
            lines.append(text[start:space])
            start = space + 1
        else:
            lines.append(text[start:end])
            start = end
    return [*lines, text[start:]]


def _end_of_line(text: str, start: int, width: int) -> int:
    """Up to where a text fits into so many columns."""
    # A mark may widen the character before it, so that pieces are measured whole.
    ends = range(start, min(len(text), start + 2 * width) + 1)
    return ends[bisect_right(ends, width, key=lambda end: width_of(text[start:end])) - 1]
