"""Previews of tables that are texts: CSV and its like."""

from __future__ import annotations

import csv
import io

from artigraph.display.escape import cut
from artigraph.display.facts import Facts, Table
from artigraph.display.library import LONGEST_NAME
from artigraph.display.options import Limits
from artigraph.display.value import format_size
from artigraph.preview.base import ROWS, Content, previews
from artigraph.preview.kind.text import decoded, show_text

__all__ = ["show_csv"]

MOST_READ = 64_000
"""Bytes of which rows are made."""


@previews("text/csv", "text/tab-separated-values")
def show_csv(content: Content, limits: Limits) -> Facts:
    """The first rows of a table, whose first line names its columns."""
    data = content.start(MOST_READ)
    text, is_text = decoded(data)
    whole = len(data) >= content.size
    if not whole:  # its last line may go on
        text = text.rpartition("\n")[0] or text
    first = text.partition("\n")[0]
    delimiter = max(",\t;", key=first.count)
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            rows.append(row)
            if len(rows) > 1 + ROWS * limits.max_rows:
                break
    except csv.Error:
        is_text = False
    if not is_text or not rows:
        return show_text(content, limits)
    wide = max(map(len, rows))
    shown = min(wide, limits.max_columns)
    texts = [tuple(cut(one, LONGEST_NAME) for one in (*row, *[""] * wide)[:shown]) for row in rows]
    body = texts[1 : 1 + ROWS * limits.max_rows]
    all_shown = whole and len(body) == len(rows) - 1
    line = f"{format_size(content.size)}, {'all' if all_shown else 'the first'} {len(body)} rows"
    return Facts(
        "Preview",
        content.name,
        lines=(line,),
        table=Table(texts[0], tuple(body), more_columns=wide - shown),
    )
