"""Version 2: which store and which row it is, who wrote it; tags, notes, trash and locks."""

from __future__ import annotations

from artigraph.db.step.base import Fill, Step
from artigraph.orm.node import node_table
from artigraph.orm.note import NoteRecord
from artigraph.orm.query import QueryRecord
from artigraph.orm.tag import TagRecord
from artigraph.orm.trash import TrashRecord

__all__ = ["STEP"]

_NODES = node_table.name

STEP = Step(
    number=2,
    title="identity, authors, tags, notes, trash and locks",
    # They list what is in the trash among the roots, and know nothing of tags.
    oldest_reader=1,
    oldest_writer=1,
    tables=[record.__tablename__ for record in (TagRecord, NoteRecord, QueryRecord, TrashRecord)],
    columns={
        _NODES: [
            "node_uid",
            "node_created_by",
            "node_updated_by",
            "node_locked_at",
            "node_trashed_at",
            "artifact_dropped_at",
        ]
    },
    fills=[
        Fill(
            table=_NODES,
            key="node_id",
            column="node_uid",
            value="uid_sql",
            names={"moment": "node_created_at", "id": "node_id"},
            # Of a library that knows of no uids, and locked since: named once it is unlocked.
            unless="node_locked_at",
        )
    ],
    indexes={_NODES: ["artigraph_node_uid"]},
    guarded=[_NODES],
)
