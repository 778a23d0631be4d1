"""What differs between databases where tags are set, and read along with the rows they are of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import ColumnElement, Insert, Select, Table

__all__ = ["Changes", "Tags"]

Changes: TypeAlias = Callable[[Any], list[tuple[str, ColumnElement[Any]]]]
"""The new values of a row that is there already, of those that would have been inserted;
they are set in this order."""


class Tags:
    """How a database sets and shows tags."""

    counts_changes: ClassVar[bool] = True
    """An insert that changes rows which are there tells how many there were of both."""
    asks_row_by_row: ClassVar[bool] = False
    """Whether ``EXISTS`` is as quick as ``IN`` where few rows of many are found; ``IN`` may be
    without end there where many are."""

    def as_document(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """A parameter that is a document, where a statement does not tell by itself."""
        return value

    def insert_or_change(
        self, table: Table, names: Sequence[str], rows: Select[Any], key: Sequence[str], to: Changes
    ) -> Insert:
        """A statement that inserts rows, and changes those whose key is there already.

        Args:
            table: The table.
            names: Its columns, as the rows have them.
            rows: What to insert; it has a WHERE.
            key: The columns of the primary key.
            to: What to change the others to.
        """
        raise NotImplementedError

    def tags_sql(self, table: str, node_id: str, most: int, characters: int) -> str:
        """SQL for a row's tags as a JSON array of names with the beginnings of their values.

        Args:
            table: The table of tags.
            node_id: SQL for the row's id.
            most: How many tags at the most.
            characters: How much of each name and of each value's JSON.

        Returns:
            An expression; NULL or an empty array where there are none.
        """
        raise NotImplementedError
