"""Rows that hold values: in the database, in a storage, or as a model's document.

What a listing or a repr shows of a value (size, digest, summary) stands in
the row, so that none of them has to open a blob.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column, synonym
from typing_extensions import override

from artigraph.display.row import RowFacts, row_fact
from artigraph.orm.base import BinaryName, Document, LargeBytes, UTCDateTime
from artigraph.orm.node import Node, node_table
from artigraph.storage.badge import storage_badges

__all__ = ["BaseArtifact", "DatabaseArtifact", "ModelArtifact", "RemoteArtifact"]


def _tell_database(told: RowFacts, value: object) -> None:
    _tell_storage(told, None)


def _tell_storage(told: RowFacts, storage: str | None) -> None:
    for badge in storage_badges(storage, told.row.get("artifact_size")):
        told.badge(badge.text, badge.role, cell=badge.role)


def _tell_dropped(told: RowFacts, moment: object) -> None:
    told.badge("dropped", "state")


def _tell_model(told: RowFacts, name: str) -> None:
    version = f"{name} v{told.row.get('model_artifact_version')}"
    told.badge(version, "version", cell="type")
    told.badge("database", "place")


_COLUMNS = ("artifact_", "database_artifact_", "remote_artifact_", "model_artifact_")


class BaseArtifact(Node):
    """A row with a value; see its subclasses for where the value is.

    Args:
        **columns: Values of its columns by name, all optional.
    """

    __mapper_args__ = {"polymorphic_identity": "artifact"}

    artifact_serializer: Mapped[str | None] = mapped_column(BinaryName(255))
    """Name of the serializer that wrote the bytes."""
    artifact_size: Mapped[int | None] = mapped_column(BigInteger)
    """Length of the bytes."""
    artifact_digest: Mapped[str | None] = mapped_column(String(64))
    """Lower-case hexadecimal SHA-256 of the bytes."""
    artifact_summary: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What the serializer tells of the value: shape, columns, dtypes."""
    artifact_dropped_at: Mapped[datetime | None] = mapped_column(
        UTCDateTime(), info=row_fact("dropped", _tell_dropped, in_trees=True)
    )
    """When its bytes were given up; size, digest and summary stay."""

    artifact_label = synonym("node_label")
    """The node's label under its old name."""

    @override
    def _noun(self) -> str:
        return "artifacts"

    @override
    def _fields(self, loaded: Mapping[str, Any], *, in_list: bool) -> dict[str, Any]:
        fields = super()._fields(loaded, in_list=in_list)
        # What these say of a value, a list says in columns of its own.
        return {k: v for k, v in fields.items() if not (in_list and k.startswith(_COLUMNS))}


class DatabaseArtifact(BaseArtifact):
    """A value whose bytes are in the row itself."""

    __mapper_args__ = {"polymorphic_identity": "database_artifact"}

    database_artifact_value: Mapped[bytes | None] = mapped_column(
        LargeBytes, info=row_fact("database", _tell_database)
    )
    """The serialized value."""


class RemoteArtifact(BaseArtifact):
    """A value whose bytes are in a storage."""

    __mapper_args__ = {"polymorphic_identity": "remote_artifact"}

    remote_artifact_storage: Mapped[str | None] = mapped_column(
        BinaryName(255), info=row_fact("storage", _tell_storage)
    )
    """Name of the storage."""
    remote_artifact_location: Mapped[str | None] = mapped_column(BinaryName(1024))
    """What the storage calls the place."""


class ModelArtifact(BaseArtifact):
    """A typed value: its plain fields as one document, the others as rows below it."""

    __mapper_args__ = {"polymorphic_identity": "model_artifact"}

    model_artifact_type: Mapped[str | None] = mapped_column(
        BinaryName(255), info=row_fact("model", _tell_model)
    )
    """The model's name."""
    model_artifact_version: Mapped[int | None] = mapped_column()
    """The version of the model's class that wrote it."""
    model_artifact_data: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """The plain fields by name, as ``artigraph.codec`` wrote them."""
    model_artifact_parts: Mapped[int | None] = mapped_column()
    """How many rows below this one the document refers to."""


_columns = node_table.c
Index("artigraph_node_model", _columns.model_artifact_type, _columns.model_artifact_version)
Index(
    "artigraph_node_model_created",  # the newest of a type, without sorting all of them
    _columns.model_artifact_type,
    _columns.node_created_at,
    _columns.node_id,
)

# Few rows name a blob; a partial index costs the others nothing. It answers
# whether any row still names one.
Index(
    "artigraph_node_location",
    _columns.remote_artifact_location,
    info={"where": _columns.remote_artifact_location.is_not(None), "most": 255},
)
