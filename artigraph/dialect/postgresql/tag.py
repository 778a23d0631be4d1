"""Tags in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Insert, Select, Table, cast
from sqlalchemy.dialects.postgresql import JSONB, insert
from typing_extensions import override

from artigraph.dialect.tag import Changes, Tags

__all__ = ["PostgreSQLTags"]


class PostgreSQLTags(Tags):
    """How PostgreSQL sets and shows tags."""

    # Beside an OR it looks through all ids of an IN for each row, once they take much memory.
    asks_row_by_row: ClassVar[bool] = True

    @override
    def as_document(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        return cast(value, JSONB)

    @override
    def insert_or_change(
        self, table: Table, names: Sequence[str], rows: Select[Any], key: Sequence[str], to: Changes
    ) -> Insert:
        made = insert(table).from_select(list(names), rows, include_defaults=False)
        return made.on_conflict_do_update(index_elements=list(key), set_=dict(to(made.excluded)))

    @override
    def tags_sql(self, table: str, node_id: str, most: int, characters: int) -> str:
        pair = f"left(tag_name, {characters}), left(CAST(tag_value AS TEXT), {characters})"
        return (
            f"(SELECT jsonb_agg(jsonb_build_array({pair})) FROM "
            f"(SELECT tag_name, tag_value FROM {table} WHERE tag_node_id = {node_id} "
            f"ORDER BY tag_name LIMIT {most}) AS first_ones)"
        )
