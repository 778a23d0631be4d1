"""Version 3: runs with their environment, and curves."""

from __future__ import annotations

from artigraph.db.step.base import Step
from artigraph.orm.node import node_table
from artigraph.orm.run import EnvironmentRecord
from artigraph.orm.series import SeriesBlockRecord, SeriesRecord, SeriesWriterRecord

__all__ = ["STEP"]

_NODES = node_table.name

STEP = Step(
    number=3,
    title="runs, their environments and their curves",
    # Older libraries ask for columns under the names that they had.
    oldest_reader=3,
    oldest_writer=3,
    tables=[
        record.__tablename__
        for record in (EnvironmentRecord, SeriesRecord, SeriesBlockRecord, SeriesWriterRecord)
    ],
    renames={
        _NODES: {
            "cell_run_status": "tracked_run_status",
            "cell_run_started_at": "tracked_run_started_at",
            "cell_run_ended_at": "tracked_run_ended_at",
            "cell_run_error": "tracked_run_error",
            "cell_run_source": "tracked_run_source",
            "cell_run_digest": "tracked_run_code",
            "cell_run_params": "tracked_run_params",
        }
    },
    columns={_NODES: ["tracked_run_environment", "tracked_run_commit", "tracked_run_beat_at"]},
)
