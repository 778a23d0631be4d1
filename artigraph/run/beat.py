"""Signs of life: while runs are open, their rows say every few seconds that somebody is there.

So a run whose process was killed is told from one that runs. Nothing wakes up while no run is
open.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select

from artigraph.db.engine import EngineSetting
from artigraph.db.fetch import ask
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.db.setting import current_setting, current_store, using
from artigraph.db.store import Store
from artigraph.errors import ArtigraphError
from artigraph.filter.value import among
from artigraph.node.hold import mark
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.run import ALIVE
from artigraph.portal import start_in_portal

__all__ = ["BEAT_SECONDS", "Beating", "beat_for", "can_beat", "leave", "left_at"]

BEAT_SECONDS = ALIVE.total_seconds() / 3
"""How often: two may be missed before a run is called lost."""

_table: Any = node_table


class Beating:
    """An open run, of which signs of life are given.

    Args:
        node_id: Its row.
        beat_at: What the row says of the last one.
        taken: Called if somebody else has gone on with the run meanwhile.
    """

    __slots__ = ("beat_at", "node_id", "taken")

    def __init__(self, node_id: int, beat_at: datetime, taken: Callable[[], None]) -> None:
        self.node_id, self.beat_at, self.taken = node_id, beat_at, taken

    async def is_lost(self) -> bool:
        """Whether somebody else has taken the run for lost, and goes on with it.

        Asked only of a process that was silent for so long: one that slept.
        """
        if utc_now() - self.beat_at <= ALIVE:
            return False
        rows = await ask(
            select(_table.c.tracked_run_beat_at).where(_table.c.node_id == self.node_id)
        )
        return bool(rows) and rows[0][0] != self.beat_at


_lock = Lock()
_open: WeakKeyDictionary[EngineSetting, set[Beating]] = WeakKeyDictionary()
_tasks: WeakKeyDictionary[EngineSetting, Future[None]] = WeakKeyDictionary()


def _forget() -> None:
    global _lock
    # A forked process has none of these runs, and no thread that beats for them.
    _lock = Lock()
    _open.clear()
    _tasks.clear()
    _left.clear()


os.register_at_fork(after_in_child=_forget)


_left: dict[tuple[Store | None, int], datetime] = {}
"""Runs of this process whose end could not be written, with their last signs of life."""


def leave(run: Beating) -> None:
    """Let a run of this process be gone on with, though its row says that it runs."""
    _left[current_store(), run.node_id] = run.beat_at


def left_at(node_id: int) -> datetime | None:
    """The last sign of life of a run that this process has left, and whose row cannot say so."""
    return _left.get((current_store(), node_id))


def can_beat() -> bool:
    """Whether another thread reaches the database in use: not a memory of one loop's own."""
    setting = current_setting()
    return setting is not None and setting.serves_every_loop


def beat_for(run: Beating) -> Callable[[], None]:
    """Give signs of life of a run from now on; the database in use has it.

    Returns:
        What ends it.
    """
    setting = current_setting()
    if setting is None:
        raise RuntimeError("No database is set.")
    with _lock:
        runs = _open.setdefault(setting, set())
        runs.add(run)
        if setting not in _tasks:
            with using(setting):
                _tasks[setting] = start_in_portal(_beat(setting))

    def end() -> None:
        with _lock:
            runs.discard(run)
            if not runs and (task := _tasks.pop(setting, None)) is not None:
                task.cancel()

    return end


async def _beat(setting: EngineSetting) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        with _lock:
            runs = {run.node_id: run for run in _open.get(setting, ())}
        try:
            await _tell(runs)
        except ArtigraphError:
            # Gone or locked at the moment; there is a next time.
            continue
        finally:
            setting.close_if_left()


async def _tell(runs: dict[int, Beating]) -> None:
    if not runs:
        return
    columns = _table.c.node_id, _table.c.tracked_run_beat_at
    rows = await ask(select(*columns).where(among(_table.c.node_id, runs)))
    for row in rows:
        node_id, beat_at = tuple(row)
        if beat_at != runs[node_id].beat_at:
            runs.pop(node_id).taken()
    now = utc_now()
    await _note(list(runs), now)
    for run in runs.values():
        run.beat_at = now


@retried
async def _note(node_ids: list[int], now: datetime) -> None:
    async with write() as transaction:
        # What has ended meanwhile has no sign of life any more.
        await mark(
            transaction.connection,
            node_ids,
            having="tracked_run_beat_at",
            lacking="node_locked_at",
            tracked_run_beat_at=now,
        )
