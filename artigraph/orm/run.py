"""The node of a run: how it went, what it was given, and what it ran.

Columns of its own, so that a tree shows how each run went without reading more.
``artigraph.run`` fills them in, and for cells ``artigraph.notebook`` those of ``CellRun``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, FromClause, String, and_, bindparam, case
from sqlalchemy.orm import Mapped, mapped_column, synonym

from artigraph.display.escape import cut
from artigraph.display.facts import Role
from artigraph.display.row import RowFacts, row_fact
from artigraph.display.value import format_duration
from artigraph.orm.base import Base, BinaryName, Document, UTCDateTime, is_moment, utc_now
from artigraph.orm.friendly import Derived, asked_as
from artigraph.orm.node import Node

__all__ = [
    "ALIVE",
    "LOST",
    "CellRun",
    "CellRunStatus",
    "EnvironmentRecord",
    "RunStatus",
    "TrackedRun",
    "duration_of",
    "status_role",
    "told_status",
]

RunStatus: TypeAlias = Literal["running", "finished", "failed", "interrupted"]
"""How a run went, as its row says it."""
CellRunStatus: TypeAlias = RunStatus
"""The older name of :data:`RunStatus`."""

LOST = "lost"
"""What a run is called whose row says that it is running, and whose process is gone."""

ALIVE = timedelta(seconds=60)
"""How long a run that gives no sign of life is taken for running."""

MOST_LINES = 40
"""Lines of a source that are shown."""
_DIGITS = 9
"""Characters of a digest that a card shows, with that it goes on."""


def told_status(status: object, beat_at: object) -> str:
    """How a run is said to go, given when its process last gave a sign of life.

    Args:
        status: What its row says.
        beat_at: When that was; ``None`` where it is not known, as of a run of the first release.
    """
    if status != "running" or not isinstance(beat_at, datetime) or not is_moment(beat_at):
        return str(status)
    return LOST if utc_now() - beat_at > ALIVE else "running"


def status_role(said: str) -> Role:
    """What a status is about, which gives it its colour.

    Args:
        said: The status, as :func:`told_status` says it.
    """
    return "failed" if said in ("failed", "interrupted", LOST) else "state"


def _status_in(row: FromClause) -> ColumnElement[str]:
    """As :func:`told_status`, for a row of the database, when it is asked."""
    status, beat_at = row.c.tracked_run_status, row.c.tracked_run_beat_at
    since = bindparam(None, callable_=lambda: utc_now() - ALIVE, type_=UTCDateTime())
    gone = and_(status == "running", beat_at < since)
    return case((gone, LOST), else_=status)


def _tell_status(told: RowFacts, status: object) -> None:
    said = told_status(status, told.row.get("tracked_run_beat_at"))
    told.badge(cut(said, 16), status_role(said), cell="status")


def duration_of(started_at: object, until: object) -> timedelta | None:
    """How long a run took; ``None`` where it is not known when it began and ended."""
    if not isinstance(started_at, datetime) or not isinstance(until, datetime):
        return None
    return max(until - started_at, timedelta())


def _tell_duration(told: RowFacts, ended_at: object) -> None:
    taken = duration_of(told.row.get("tracked_run_started_at"), ended_at)
    if taken is not None:
        told.note("duration", format_duration(taken))


def _tell_nothing(told: RowFacts, value: object) -> None:
    """Of a column that is told with another one."""


def _tell_source(told: RowFacts, source: object) -> None:
    source, limits = str(source), told.limits
    most = min(MOST_LINES, limits.max_fields)
    # Cut first: it may be of megabytes.
    lines = source[: most * limits.max_text].split("\n")
    shown = [cut(line.expandtabs(4), limits.max_text) for line in lines[:most]]
    if len(lines) > most or len(source) > most * limits.max_text:
        shown.append(f"… ({len(source):,} characters)")
    told.code = "\n".join(shown)


class TrackedRun(Node):
    """A run: a piece of work with its parameters, and how it went.

    ``start_run()`` makes one for a block, ``%%artigraph run`` for a cell. Subclass it to keep
    more about a run, and name the subclass as ``node_type``::

        class Training(TrackedRun):
            __mapper_args__ = {"polymorphic_identity": "training"}
            training_dataset: Mapped[str | None] = None

    Args:
        **columns: Values of its columns by name, all optional.
    """

    __mapper_args__ = {"polymorphic_identity": "artigraph_run"}

    tracked_run_status: Mapped[str | None] = mapped_column(
        BinaryName(16),
        info=row_fact("status", _tell_status, in_trees=True, leads=True)
        | asked_as(
            Derived(_status_in, {"running": ["running"], LOST: ["running"]}),
            words=("running", "finished", "failed", "interrupted", LOST),
        ),
    )
    """``"running"``, ``"finished"``, ``"failed"`` or ``"interrupted"``."""
    tracked_run_started_at: Mapped[datetime | None] = mapped_column()
    """When it began, in UTC."""
    tracked_run_ended_at: Mapped[datetime | None] = mapped_column(
        info=row_fact("duration", _tell_duration)
    )
    """When it ended, in UTC; ``None`` while it runs."""
    tracked_run_beat_at: Mapped[datetime | None] = mapped_column(
        info=row_fact("sign of life", _tell_nothing, in_trees=True, is_field=False)
    )
    """When its process last gave a sign of life, in UTC; ``None`` once it has ended."""
    tracked_run_error: Mapped[str | None] = mapped_column(
        info=row_fact("error", _tell_nothing, leads=True)
    )
    """The type and the text of the exception that ended it, if one did."""
    tracked_run_params: Mapped[dict[str, Any] | None] = mapped_column(
        Document, info=row_fact("params", _tell_nothing, leads=True) | asked_as(open_keys=True)
    )
    """What it was given, by name; passwords and the like are blackened."""
    tracked_run_source: Mapped[str | None] = mapped_column(
        info=row_fact("source", _tell_source, is_field=False)
    )
    """The cell or the function that began it, with keys, tokens and passwords blackened."""
    tracked_run_code: Mapped[str | None] = mapped_column(
        String(64), info=row_fact("code", _tell_nothing, in_lists=False, most=_DIGITS)
    )
    """Lower-case hexadecimal SHA-256 of ``tracked_run_source`` in UTF-8."""
    tracked_run_environment: Mapped[str | None] = mapped_column(
        String(64), info=row_fact("environment", _tell_nothing, in_lists=False, most=_DIGITS)
    )
    """Which environment it ran in: the key of a row of ``artigraph_environment``."""
    tracked_run_commit: Mapped[str | None] = mapped_column(String(80))
    """The commit of the folder's repository, in hexadecimal; ``-dirty`` follows where files
    differed from it."""


class CellRun(TrackedRun):
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

    cell_run_count: Mapped[int | None] = mapped_column()
    """The number in brackets beside the cell."""
    cell_run_saved: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What the cell has saved on its node: ids by label."""

    # The names that these columns had before there were other runs than those of cells.
    cell_run_status = synonym("tracked_run_status")
    cell_run_started_at = synonym("tracked_run_started_at")
    cell_run_ended_at = synonym("tracked_run_ended_at")
    cell_run_error = synonym("tracked_run_error")
    cell_run_source = synonym("tracked_run_source")
    cell_run_digest = synonym("tracked_run_code")
    cell_run_params = synonym("tracked_run_params")


class EnvironmentRecord(Base):
    """What runs ran in: one row for all that ran in the same."""

    __tablename__ = "artigraph_environment"

    environment_digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Lower-case hexadecimal SHA-256 of ``environment_data`` as JSON with sorted keys, without
    blanks, in UTF-8."""
    environment_data: Mapped[dict[str, Any]] = mapped_column(Document)
    """``python``, ``platform``, and the versions of installed ``packages`` by name."""
