"""The first page of a frame as plain HTML, where no widget can be drawn.

It stands beside the widget in a saved notebook, so it must read well without
any style, and nothing in it is anybody's markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.display.escape import counted, html_text
from artigraph.frame.pyarrow.text import MISSING

__all__ = ["page_html"]

ROWS = 10
"""Rows that are shown."""

COLUMNS = 12
"""Columns that are shown."""


def page_html(page: Mapping[str, Any]) -> str:
    """Write a table of the first rows and columns.

    Args:
        page: What ``FrameHandlers.first`` gives.
    """
    columns, cells = page["columns"][:COLUMNS], page["cells"]
    numbers = cells["numbers"][:ROWS]
    head = "".join(f"<th>{html_text(column['label'])}</th>" for column in columns)
    dtypes = "".join(f"<td><small>{html_text(column['dtype'])}</small></td>" for column in columns)
    rows = "".join(
        f"<tr><th>{number:,}</th>"
        + "".join(_cell(cells, columns, column, row) for column in range(len(columns)))
        + "</tr>"
        for row, number in enumerate(numbers)
    )
    left = [
        counted(count, f"more {noun}")
        for count, noun in (
            (page["rows"] - len(numbers), "row"),
            (page["num_columns"] - sum(not column["is_index"] for column in columns), "column"),
        )
        if count > 0
    ]
    more = f"<p>… {' and '.join(left)}</p>" if left else ""
    title = html_text(f"{page['label']}: " if page["label"] else "")
    return (
        f"<p><strong>{title}{page['rows']:,} rows \N{MULTIPLICATION SIGN} "
        f"{page['num_columns']:,} columns</strong>, {html_text(page['size'])}</p>"
        f"<table><thead><tr><th></th>{head}</tr><tr><td></td>{dtypes}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{more}"
    )


def _cell(cells: Mapping[str, Any], columns: list[Any], column: int, row: int) -> str:
    text = html_text(cells["texts"][column][row])
    if cells["marks"][column][row] == MISSING:
        text = f"<em>{text}</em>"
    right = ' style="text-align: right"' if columns[column]["align"] == "right" else ""
    return f"<td{right}>{text}</td>"
