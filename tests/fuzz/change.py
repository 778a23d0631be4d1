"""Changes to stored rows and blobs, as plain JSON: what hostile hands could write into a store.

A cell is ``{"text": hex}`` or ``{"blob": hex}``, so that it may be no UTF-8, or a plain
value. A long one may be ``{"text": hex, "times": n}``; one that is made of what stands
there is ``{"edits": [[offset, removed, hex], ...]}``, which keeps found inputs small.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

__all__ = ["BYTES", "COLUMNS", "JSON", "Change", "Store", "edited"]

Change = dict[str, Any]
"""``node`` and ``column`` say what becomes ``value``; ``honest``: size and digest follow."""

JSON = ["model_artifact_data", "artifact_summary", "tracked_run_params", "cell_run_saved"]
BYTES = "value"
"""The column name that stands for a value's bytes, in its row or in a file."""
COLUMNS = [
    *("node_parent_id", "node_type", "node_label", "node_created_at", "node_updated_at"),
    *("artifact_serializer", "artifact_size", "artifact_digest", "artifact_summary"),
    *("remote_artifact_storage", "remote_artifact_location", "database_artifact_value"),
    *("model_artifact_type", "model_artifact_version", "model_artifact_data"),
    *(
        "model_artifact_parts",
        "tracked_run_status",
        "tracked_run_started_at",
        "tracked_run_ended_at",
    ),
    *("tracked_run_error", "tracked_run_source", "tracked_run_code", "cell_run_count"),
    *("tracked_run_params", "cell_run_saved", "v0_1_by", "v0_1_count", "v0_1_loss"),
    *("v0_1_good", "v0_1_at", "v0_1_raw", "v0_1_note"),
]


def edited(data: bytes, edits: list[tuple[int, int, str]]) -> bytes:
    """Bytes with some of them replaced."""
    for offset, removed, new in edits:
        data = data[:offset] + bytes.fromhex(new) + data[offset + removed :]
    return data


class Store:
    """A SQLite file with its blobs in a folder, of which every case begins with a copy.

    Args:
        file: The store that nobody changes.
        files: The folder of its blobs, to which cases write and which is mended again.
    """

    def __init__(self, file: Path, files: Path) -> None:
        self._file, self._files = file, files
        self._kept: dict[Path, bytes] = {}
        with closing(sqlite3.connect(file)) as connection:
            connection.row_factory = sqlite3.Row
            self.rows = {
                int(row["node_id"]): dict(row)
                for row in connection.execute("SELECT * FROM artigraph_node")
            }

    def bytes_of(self, node: int) -> bytes | None:
        """The bytes of a value, wherever they are."""
        row: dict[str, Any] = self.rows[node]
        if row["remote_artifact_location"] is not None:
            file: Path = self._files / row["remote_artifact_location"]
            return file.read_bytes()
        value: bytes | None = row["database_artifact_value"]
        return value

    def write(self, changes: list[Change], file: Path) -> None:
        """Make a copy of the store and change it."""
        file.write_bytes(self._file.read_bytes())
        with closing(sqlite3.connect(file)) as connection:
            for change in changes:
                if change["column"] == BYTES:
                    self._write_bytes(connection, change)
                    continue
                sql, value = self._cell(change)
                connection.execute(
                    f"UPDATE artigraph_node SET {change['column']} = {sql} WHERE node_id = ?",
                    (value, change["node"]),
                )
            connection.commit()

    def mend(self) -> None:
        """Have all blobs as they were."""
        for file, data in self._kept.items():
            file.write_bytes(data)
        self._kept.clear()

    def _cell(self, change: Change) -> tuple[str, Any]:
        value = change["value"]
        if not isinstance(value, dict):
            return "?", value
        if "edits" in value:
            old = self.rows[change["node"]][change["column"]]
            data = old if isinstance(old, bytes) else str(old).encode()
            return "CAST(? AS TEXT)", edited(data, value["edits"])
        kind = next(kind for kind in ("text", "blob") if kind in value)
        data = bytes.fromhex(value[kind]) * value.get("times", 1)
        return ("CAST(? AS TEXT)" if kind == "text" else "?"), data

    def _write_bytes(self, connection: sqlite3.Connection, change: Change) -> None:
        node, value = change["node"], change["value"]
        old = self.bytes_of(node) or b""
        new = edited(old, value["edits"]) if "edits" in value else bytes.fromhex(value["blob"])
        location = self.rows[node]["remote_artifact_location"]
        if location is None:
            connection.execute(
                "UPDATE artigraph_node SET database_artifact_value = ? WHERE node_id = ?",
                (new, node),
            )
        else:
            file = self._files / location
            self._kept.setdefault(file, file.read_bytes())
            file.write_bytes(new)
        if change.get("honest"):
            connection.execute(
                "UPDATE artigraph_node SET artifact_size = ?, artifact_digest = ? "
                "WHERE node_id = ?",
                (len(new), hashlib.sha256(new).hexdigest(), node),
            )
