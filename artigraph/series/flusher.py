"""Points on their way to the database: kept, written each second, and tried again.

A task at home writes as long as there is something to write, and ends then, so that an idle writer
costs nothing. Home is the portal's thread, so that a loop that never yields is written all the
same; where the database serves one event loop alone it is that loop, and in a session the caller.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection

from artigraph.db.retry import retried
from artigraph.db.session import session_is_open, write
from artigraph.db.setting import current_setting, pinned_context, using
from artigraph.portal import start_in_portal
from artigraph.series.claim import claim, new_token, release, renew
from artigraph.series.curve import Ahead
from artigraph.series.rows import load_curves, write_curves
from artigraph.series.waiting import MOST_WAITING, Waiting

__all__ = ["Flusher", "flushers"]

EACH = 1.0
"""Seconds after which points are written."""
SOONER = 0.25
"""Seconds after which many are."""
MANY = 1_000
"""Calls after which points are written sooner."""
SLOW = 5
"""Seconds after which it is told that a write has not come to its end."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts at the most."""
LAST_SECONDS = 10.0
"""How long the end of the process waits for what is not written."""

_log = logging.getLogger("artigraph")

_ALWAYS = -1


class Flusher:
    """What writes the curves of a node, behind :class:`artigraph.series.writer.SeriesWriter`.

    Args:
        node_id: The node.
    """

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.setting = current_setting()
        self.token = new_token()
        self.waiting = Waiting()
        self.is_claimed = False
        """Whether it may have a claim, which somebody has to give up."""
        self.is_abandoned = False
        """Whether nobody refers to its writer any more."""
        self.trouble: str | None = None
        """What is to be told with the next call."""
        self._is_told = False
        self._is_served = False
        self._sooner: asyncio.Event | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._new_locks()
        self._find_home()
        flushers.add(self)

    def _find_home(self) -> None:
        self._context = pinned_context()
        self._in_session = session_is_open()
        self.in_portal = not self._in_session and (
            self.setting is None or self.setting.serves_every_loop
        )
        if not self.in_portal and not self._in_session:
            with suppress(RuntimeError):  # it is flushed by whoever flushes it
                self._home = asyncio.get_running_loop()

    def _leave_session(self) -> None:
        """Where the first points came in a session that has ended, go home."""
        with using(self.setting):
            if self._in_session and not session_is_open():
                self._find_home()

    def _new_locks(self) -> None:
        # Held by who starts or ends the task that writes; whatever frees memory meanwhile may
        # abandon a writer.
        self._guard = threading.RLock()
        self._turn: asyncio.Lock | None = None

    # From the caller's thread

    def look_after(self) -> None:
        """Have what waits written."""
        with self._guard:
            self._leave_session()
            if self._is_served:
                self.waiting.queue.limit = MOST_WAITING
                if self._home is not None and self._sooner is not None:
                    with suppress(RuntimeError):  # it has ended
                        self._home.call_soon_threadsafe(self._sooner.set)
                return
            self.waiting.queue.limit = MANY
            if self.in_portal:
                self._is_served = True
                self._context.run(start_in_portal, self._serve())
            elif self._home is not None and not self._home.is_closed():
                self._is_served = True
                self._home.call_soon_threadsafe(self._start_here, context=self._context)
            else:
                # The session may end before the next point.
                self.waiting.queue.limit = 0 if self._in_session else MOST_WAITING

    def _start_here(self) -> None:
        _keep(asyncio.ensure_future(self._serve()))

    def abandon(self) -> None:
        """Write what is left and end, since nobody refers to the writer any more."""
        self.is_abandoned = True
        if not self._has_work():
            flushers.discard(self)
        elif self._home is not None:
            with suppress(RuntimeError):  # it has ended
                self._home.call_soon_threadsafe(self._end_here, context=self._context)

    def drop(self) -> None:
        """Forget what waits, and end; a claim that may be left is free to be taken over."""
        self.waiting.forget()
        self.is_claimed = False
        flushers.discard(self)

    def _end_here(self) -> None:
        with self._guard:
            if self._sooner is not None:
                self._sooner.set()
            elif not self._is_served:
                self._is_served = True
                self._start_here()

    async def run(self, ends: bool = False) -> None:
        """Write all that waits, at home.

        Args:
            ends: Let others write from now on.
        """
        work = self.write(ends)
        if self.in_portal:
            await asyncio.wrap_future(self._context.run(start_in_portal, work))
        else:
            await work
        if ends:
            flushers.discard(self)

    # At home

    async def _serve(self) -> None:
        """Write as long as there is something to write."""
        sooner = asyncio.Event()
        with self._guard:
            self._home, self._sooner = asyncio.get_running_loop(), sooner
        wait = EACH
        try:
            while True:
                if not self.is_abandoned:
                    await self._rest(wait, sooner)
                error = await self._try() if self._has_work() else None
                if error is None:
                    self._is_told, wait = False, EACH
                    if self._is_done():
                        return
                    continue
                if self.is_abandoned and wait > EACH:
                    # It was tried twice, and nobody is there who could be told, or do anything.
                    self._log_loss(error)
                    return
                self._note_trouble(str(error))
                wait = min(wait * 2, LONGEST_WAIT)
        finally:
            with self._guard:
                self._is_served, self._sooner = False, None
                self.waiting.queue.limit = 0 if self.trouble is None else _ALWAYS
                if self.is_abandoned:
                    flushers.discard(self)

    def _has_work(self) -> bool:
        return bool(self.waiting or (self.is_abandoned and self.is_claimed))

    def _is_done(self) -> bool:
        with self._guard:
            # Whoever comes from now on finds that nobody looks, and starts this anew.
            self.waiting.queue.limit, self._is_served = 0, False
            if self.waiting:
                self.waiting.queue.limit, self._is_served = MANY, True
            if self.trouble is not None:
                self.waiting.queue.limit = _ALWAYS
            return not self._is_served

    async def _rest(self, seconds: float, sooner: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        began, ends = loop.time(), loop.time() + seconds
        while (left := ends - loop.time()) > 0 and not self.is_abandoned:
            with suppress(TimeoutError):
                await asyncio.wait_for(sooner.wait(), min(left, EACH))
                sooner.clear()
                ends = min(ends, max(began + SOONER, loop.time())) if seconds <= EACH else ends
            if seconds > EACH:
                self.waiting.collect()

    async def _try(self) -> Exception | None:
        """Write once; what went wrong is returned."""
        task = asyncio.ensure_future(self.write(self.is_abandoned))
        try:
            second = 0
            while not (await asyncio.wait({task}, timeout=EACH))[0]:
                self.waiting.collect()
                second += 1
                if second == SLOW:
                    self._note_trouble(f"the database has not answered for {SLOW} seconds.")
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            raise asyncio.CancelledError
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        return error

    def _note_trouble(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self.trouble = (
                f"Points of node {self.node_id} are not written yet: {why} They are kept in "
                "memory, and writing them is tried again until it succeeds."
            )
            self.waiting.queue.limit = _ALWAYS

    def _log_loss(self, error: Exception) -> None:
        if self.waiting:
            _log.error(
                "%d points of node %d are lost: nobody refers to their writer any more, and they "
                "cannot be written: %s",
                self.waiting.points(),
                self.node_id,
                error,
            )

    async def write(self, ends: bool = False) -> None:
        """Write all that waits, in one transaction; here, and once at a time.

        Args:
            ends: Let others write from now on.
        """
        for other in list(flushers):
            if other.is_abandoned and other is not self and other._is_beside(self):
                # What is left of a writer that nobody refers to any more goes first.
                with suppress(Exception):
                    await other._in_turn(ends=True)
                    flushers.discard(other)
        await self._in_turn(ends)

    async def _in_turn(self, ends: bool) -> None:
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            if self.waiting or (self.is_claimed if ends else not self.waiting.is_known):
                try:
                    with using(self.setting):
                        await self._write(ends)
                finally:
                    if self.setting is not None:
                        self.setting.close_if_left()

    def _is_beside(self, other: Flusher) -> bool:
        """Whether it is of the same node, and of this loop."""
        own, its = self.setting, other.setting
        here = self._home is None or self._home is asyncio.get_running_loop()
        # By its address: a copy beside it says that it is the same store.
        same = own is its or (own and its and own.store == its.store)
        return self.node_id == other.node_id and bool(same) and here

    @retried
    async def _write(self, ends: bool) -> None:
        done: list[tuple[Ahead, int]] = []

        def work(connection: Connection) -> None:
            done.clear()
            self._become_writer(connection)
            self.waiting.collect()
            if ahead := self.waiting.ahead():
                ids = write_curves(connection, self.node_id, ahead)
                done.extend(zip(ahead, ids, strict=True))
            if ends:
                release(connection, self.node_id, self.token)

        try:
            async with write() as transaction:
                if self._in_session:
                    transaction.on_rollback.append(self._doubt)
                self.is_claimed = True
                await transaction.run(work, last=True)
        except BaseException:
            self._doubt()
            raise
        self.waiting.settle(done)
        if ends:
            self.is_claimed = self.waiting.is_known = False

    def _become_writer(self, connection: Connection) -> None:
        if not renew(connection, self.node_id, self.token):
            claim(connection, self.node_id, self.token, _is_alive)
        elif self.waiting.is_known:
            return
        self.waiting.adopt(load_curves(connection, self.node_id))

    def _doubt(self) -> None:
        self.waiting.is_known = False

    # Processes

    def forget(self) -> None:
        """In a forked process: what waits is the parent's, and so is the right to write."""
        self._new_locks()
        self.waiting.forget()
        self._is_served = self.is_claimed = False
        self._sooner = None
        self._home = None if self.in_portal else self._home
        self.token = new_token()

    def end(self) -> None:
        """At the end of the process: write what waits, as far as that is possible."""
        if self.in_portal and (self.is_claimed or self.waiting):
            with suppress(Exception):
                self._context.run(start_in_portal, self.write(True)).result(LAST_SECONDS)


flushers: set[Flusher] = set()
"""Those that have not ended."""

_tasks: set[asyncio.Future[None]] = set()


def _keep(task: asyncio.Future[None]) -> None:
    # A loop holds tasks weakly.
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _is_alive(token: str) -> bool:
    return any(one.token == token for one in list(flushers))


def _for_all(do: Callable[[Flusher], None]) -> None:
    for one in list(flushers):
        do(one)


# As long as threads can still be started, which an engine that is not open yet needs; atexit's own
# turn comes after that.
_before_threads_end = getattr(threading, "_register_atexit", atexit.register)
_before_threads_end(_for_all, Flusher.end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _for_all(Flusher.forget))
