"""The yardstick: the same rows in the same tables, by the standard library alone.

Nothing is left out that the database must do: the tables and indexes are
those that artigraph made, foreign keys are on, and the log is write-ahead.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["PlainStore"]


class PlainStore:
    """A file with artigraph's tables, used through ``sqlite3``.

    Args:
        path: Where to make it.
        like: A database of artigraph's whose tables it copies.
    """

    def __init__(self, path: Path, like: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA foreign_keys = ON")
        with sqlite3.connect(like) as other:
            made = other.execute(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            )
            for (statement,) in made.fetchall():
                self.connection.execute(statement)
        other.close()

    def write_nodes(self, parents: Sequence[int | None], first_id: int) -> None:
        """Write nodes, one for each parent, with ids counted up from the first."""
        now = str(datetime.now(UTC).replace(tzinfo=None))
        self._insert(
            "node_id, node_parent_id, node_type, node_created_at, node_updated_at",
            [(first_id + i, parent, "node", now, now) for i, parent in enumerate(parents)],
        )

    def write_models(self, parent: int, models: dict[str, dict[str, Any]], first_id: int) -> None:
        """Write models' fields as JSON, one row each."""
        now = str(datetime.now(UTC).replace(tzinfo=None))
        self._insert(
            "node_id, node_parent_id, node_type, node_label, node_created_at, node_updated_at, "
            "model_artifact_type, model_artifact_version, model_artifact_parts, "
            "model_artifact_data",
            [
                (
                    first_id + i,
                    parent,
                    "model_artifact",
                    label,
                    now,
                    now,
                    "Fit",
                    1,
                    0,
                    json.dumps(d),
                )
                for i, (label, d) in enumerate(models.items())
            ],
        )

    def _insert(self, columns: str, rows: list[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(
            f"INSERT INTO artigraph_node ({columns}) VALUES ({marks})", rows
        )
        self.connection.execute("COMMIT")

    def read_models(self, parent: int) -> list[dict[str, Any]]:
        """Read the models under a node, with their JSON parsed."""
        rows = self.connection.execute(
            "SELECT node_id, node_parent_id, node_label, node_created_at, node_updated_at, "
            "model_artifact_type, model_artifact_version, model_artifact_parts, "
            "model_artifact_data FROM artigraph_node WHERE node_parent_id = ? "
            "AND node_type = 'model_artifact' ORDER BY node_id",
            (parent,),
        ).fetchall()
        return [json.loads(row[-1]) for row in rows]

    def read_subtree(self, root: int) -> list[tuple[Any, ...]]:
        """Read whole rows of everything below a node."""
        return self.connection.execute(
            "WITH RECURSIVE below(id) AS (SELECT node_id FROM artigraph_node WHERE "
            "node_parent_id = ? UNION SELECT node_id FROM artigraph_node JOIN below "
            "ON node_parent_id = below.id) "
            "SELECT * FROM artigraph_node WHERE node_id IN below ORDER BY node_id",
            (root,),
        ).fetchall()
