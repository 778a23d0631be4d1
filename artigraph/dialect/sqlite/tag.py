"""Tags in SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Insert, Select, Table
from sqlalchemy.dialects.sqlite import insert
from typing_extensions import override

from artigraph.dialect.tag import Changes, Tags

__all__ = ["SQLiteTags"]


class SQLiteTags(Tags):
    """How SQLite sets and shows tags."""

    @override
    def insert_or_change(
        self, table: Table, names: Sequence[str], rows: Select[Any], key: Sequence[str], to: Changes
    ) -> Insert:
        made = insert(table).from_select(list(names), rows, include_defaults=False)
        return made.on_conflict_do_update(index_elements=list(key), set_=dict(to(made.excluded)))

    @override
    def tags_sql(self, table: str, node_id: str, most: int, characters: int) -> str:
        # Somebody else may have put bytes there, of which no JSON is made.
        name, value = (
            f"CAST(substr(CAST({column} AS TEXT), 1, {characters}) AS TEXT)"
            for column in ("tag_name", "tag_value")
        )
        collected = f"NULLIF(json_group_array(json_array({name}, {value})), '[]')"
        return (
            f"(SELECT {collected} FROM "
            f"(SELECT tag_name, tag_value FROM {table} WHERE tag_node_id = {node_id} "
            f"ORDER BY tag_name LIMIT {most}))"
        )
