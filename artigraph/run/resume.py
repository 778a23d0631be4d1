"""Runs gone on with: found by their label and place, and taken unless somebody runs them."""

from __future__ import annotations

from typing import Any, Self

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm.attributes import set_committed_value
from typing_extensions import override

from artigraph.db.fetch import ask
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.display.escape import cut, visible
from artigraph.errors import RunBusyError, RunError
from artigraph.filter.base import PRESENT
from artigraph.filter.node import NodeFilter, with_subclasses
from artigraph.filter.value import among
from artigraph.node.current import innermost
from artigraph.node.node import read_node
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.run import ALIVE, TrackedRun
from artigraph.run.beat import can_beat, left_at
from artigraph.run.run import Run

__all__ = ["ResumedRun"]

_columns: Any = node_table.c


class ResumedRun(Run):
    """A run that goes on with one that is there, if it is."""

    @override
    async def __aenter__(self) -> Self:
        with self.using_its_store():
            if (found := await self._find()) is not None:
                await self._take(found)
        return await super().__aenter__()

    async def _find(self) -> TrackedRun | None:
        """The newest run of that label in that place."""
        node = self.node
        parent = node.node_parent_id
        if parent is None and (current := innermost()) is not None:
            parent = current.node.node_id
            if parent is None:
                return None  # what it would hang on is not written, so nothing hangs there
        place = _columns.node_parent_id
        types = with_subclasses({str(type(node).__mapper__.polymorphic_identity)})
        query = (
            select(_columns.node_id)
            .where(
                _columns.node_label == node.node_label,
                place.is_(None) if parent is None else place == parent,
                among(_columns.node_type, types),
                PRESENT,
            )
            .order_by(_columns.node_id.desc())
            .limit(1)
        )
        rows = await ask(query)
        if not rows:
            return None
        found = await read_node(NodeFilter(node_id=rows[0][0]))
        return found if isinstance(found, TrackedRun) else None

    async def _take(self, found: TrackedRun) -> None:
        given = self.node.tracked_run_params or {}
        # Somebody else's may be anything.
        had = found.tracked_run_params if isinstance(found.tracked_run_params, dict) else {}
        if given != had:
            self._refuse_params(found, given, had)
        self._node, self._resumed = found, True
        if found.tracked_run_status == "finished":
            self._finished = True
            return
        now = utc_now()
        changed: dict[str, Any] = {
            "tracked_run_status": "running",
            "tracked_run_beat_at": now if can_beat() else None,
            "tracked_run_ended_at": None,
            "tracked_run_error": None,
        }
        if not await _claim(found, changed):
            raise RunBusyError(
                f"The run {visible(str(found.node_label), 60)!r} (node {found.node_id}) is run by "
                "another process, which gave a sign of life less than "
                f"{ALIVE.total_seconds():.0f} s ago. Wait for its end; of one that was killed, "
                "wait until it is shown as lost."
            )
        for name, value in changed.items():
            set_committed_value(found, name, value)

    def _refuse_params(self, found: TrackedRun, given: dict[str, Any], had: dict[str, Any]) -> None:
        names = [n for n in {**had, **given} if had.get(n, _NONE) != given.get(n, _NONE)]
        one = names[0]
        raise RunError(
            f"The run {visible(str(found.node_label), 60)!r} (node {found.node_id}) was begun with "
            f"other parameters: {visible(one, 60)} was {cut(repr(had.get(one)), 60)}, and is "
            f"{cut(repr(given.get(one)), 60)} now. Give the same, or call this one otherwise."
        )


_NONE = object()


@retried
async def _claim(found: TrackedRun, changed: dict[str, Any]) -> bool:
    """Take a run that nobody runs; false if somebody does."""
    alive = utc_now() - ALIVE
    beat_at, status = _columns.tracked_run_beat_at, _columns.tracked_run_status
    # One of a memory, or of the first release, gives no sign of life; nor does one that this
    # process has left, as long as nobody else has given one since.
    silent = or_(beat_at.is_(None), beat_at < alive, beat_at == left_at(found.node_id))
    nobody = or_(status.is_(None), and_(status != "finished", or_(status != "running", silent)))
    async with write() as transaction:
        taken = await transaction.connection.execute(
            update(node_table).where(_columns.node_id == found.node_id, nobody).values(changed)
        )
        return taken.rowcount == 1
