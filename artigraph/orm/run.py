"""What is kept of a notebook's cell that was run, beside what it saved.

Columns of its own, so that a tree shows how each run went without reading
more. ``artigraph.notebook`` fills them in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from artigraph.display.escape import cut
from artigraph.display.row import RowFacts, row_fact
from artigraph.orm.base import BinaryName, Document
from artigraph.orm.node import Node

__all__ = ["CellRun", "CellRunStatus"]

CellRunStatus: TypeAlias = Literal["running", "finished", "failed", "interrupted"]
"""How a run went. One whose kernel died stays ``"running"``."""

MOST_LINES = 40
"""Lines of a source that are shown."""


def _tell_status(told: RowFacts, status: object) -> None:
    went_wrong = status in ("failed", "interrupted")
    told.badge(cut(str(status), 16), "failed" if went_wrong else "state")


def _tell_source(told: RowFacts, source: object) -> None:
    source, limits = str(source), told.limits
    most = min(MOST_LINES, limits.max_fields)
    # Cut first: it may be of megabytes.
    lines = source[: most * limits.max_text].split("\n")
    shown = [cut(line.expandtabs(4), limits.max_text) for line in lines[:most]]
    if len(lines) > most or len(source) > most * limits.max_text:
        shown.append(f"… ({len(source):,} characters)")
    told.code = "\n".join(shown)


class CellRun(Node):
    """A run of one cell, by ``%%artigraph run``.

    Subclass it to keep more about a run; the magic takes the subclass as its
    ``--node-type``::

        class Training(CellRun):
            __mapper_args__ = {"polymorphic_identity": "training"}
            training_dataset: Mapped[str | None] = None

    Args:
        **columns: Values of its columns by name, all optional.
    """

    __mapper_args__ = {"polymorphic_identity": "artigraph_cell_run"}

    cell_run_status: Mapped[str | None] = mapped_column(
        BinaryName(16), info=row_fact("status", _tell_status, in_trees=True)
    )
    """``"running"``, ``"finished"``, ``"failed"`` or ``"interrupted"``."""
    cell_run_started_at: Mapped[datetime | None] = mapped_column()
    """When the cell began, in UTC."""
    cell_run_ended_at: Mapped[datetime | None] = mapped_column()
    """When it ended, in UTC; ``None`` while it runs."""
    cell_run_error: Mapped[str | None] = mapped_column()
    """The type and the text of the exception that ended it, if one did."""
    cell_run_source: Mapped[str | None] = mapped_column(
        info=row_fact("source", _tell_source, is_field=False)
    )
    """The whole cell, its first line included, with keys, tokens and passwords blackened."""
    cell_run_digest: Mapped[str | None] = mapped_column(String(64))
    """Lower-case hexadecimal SHA-256 of ``cell_run_source`` in UTF-8."""
    cell_run_count: Mapped[int | None] = mapped_column()
    """The number in brackets beside the cell."""
    cell_run_params: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What ``--param`` has named, by name; passwords and the like are blackened."""
    cell_run_saved: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What the cell has saved on its node: ids by label."""
