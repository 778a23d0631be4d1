"""Tags in MariaDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Insert, Select, Table
from sqlalchemy.dialects.mysql import insert
from typing_extensions import override

from artigraph.dialect.mariadb.column import COLLATION
from artigraph.dialect.tag import Changes, Tags

__all__ = ["MariaDBTags"]


class MariaDBTags(Tags):
    """How MariaDB sets and shows tags."""

    # One that is changed counts as two.
    counts_changes: ClassVar[bool] = False

    @override
    def insert_or_change(
        self, table: Table, names: Sequence[str], rows: Select[Any], key: Sequence[str], to: Changes
    ) -> Insert:
        made = insert(table).from_select(list(names), rows, include_defaults=False)
        return made.on_duplicate_key_update(to(made.inserted))

    @override
    def tags_sql(self, table: str, node_id: str, most: int, characters: int) -> str:
        # No subquery in a FROM looks at the row outside; its arrays have a LIMIT of their own.
        # A document has the table's collation, which does not mix with a name's.
        value = f"LEFT(tag_value, {characters}) COLLATE {COLLATION}"
        return (
            f"(SELECT JSON_ARRAYAGG(JSON_ARRAY(LEFT(tag_name, {characters}), "  # names of our own
            f"{value}) ORDER BY tag_name LIMIT {most}) "
            f"FROM {table} WHERE tag_node_id = {node_id})"
        )
