"""The facts that every kind of frame shows about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["SUMMARY_COLUMNS", "summarize_frame"]

SUMMARY_COLUMNS = 200
"""Columns that a summary lists; it counts the others."""


def summarize_frame(
    rows: int, columns: list[tuple[str, str]], row_groups: int
) -> Mapping[str, Any]:
    """The facts that every kind of frame shows about itself.

    Args:
        rows: How many rows.
        columns: Names and types, of which the first 200 are kept.
        row_groups: Parts that can be read on their own.
    """
    return {
        "kind": "frame",
        "rows": rows,
        "columns": [list(column) for column in columns[:SUMMARY_COLUMNS]],
        "num_columns": len(columns),
        "row_groups": row_groups,
    }
