"""Curves written while something goes on: points noted at once, and written from a thread.

:meth:`SeriesWriter.add` only appends to a list. While there is something in it, a task in the
portal's thread writes it each second, so that a loop that never yields loses at most that when it
is killed; an idle writer costs nothing. Where the database serves one event loop alone, or inside
of a session, points are written there instead.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from time import time
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection
from typing_extensions import override

from artigraph.db.retry import retried
from artigraph.db.session import session_is_open, write
from artigraph.db.setting import current_setting, pinned_context, using
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import FilterError, SeriesError, SeriesWarning
from artigraph.filter.base import Filter
from artigraph.filter.relation import check_nodes
from artigraph.orm.node import NodeLike
from artigraph.portal import start_in_portal
from artigraph.series.claim import claim, new_token, release, renew
from artigraph.series.curve import Ahead, Curve
from artigraph.series.point import check_name, check_step, number
from artigraph.series.rows import load_curves, write_curves

__all__ = ["MOST_WAITING", "SeriesWriter", "open_series", "open_writer"]

T = TypeVar("T")

EACH = 1.0
"""Seconds after which points are written."""
SOONER = 0.1
"""Seconds after which many are."""
MANY = 1_000
"""Calls after which points are written sooner."""
SLOW = 5
"""Seconds after which it is told that a write has not come to its end."""
LONGEST_WAIT = 10.0
"""Seconds between two attempts at the most."""
MOST_WAITING = 10_000_000
"""Points that are kept in memory while they cannot be written."""
LAST_SECONDS = 10.0
"""How long the end of the process waits for what is not written."""

_ALWAYS = -1
_HALF = 2**63


def open_series(node: NodeLike) -> SeriesWriter:
    """Write curves of a node: numbers by step.

    ::

        async with open_series(run) as series:
            for step in range(1_000):
                series.add(step, loss=0.1, accuracy=0.9)

    Nothing is asked of the database here. Without a block, ``await series.close()`` writes what is
    left.

    Args:
        node: The node, most often a run: itself, what was read or written, or its id.

    Returns:
        What takes the points. One at a time writes the curves of a node.

    Raises:
        FilterError: It is no single node, or one that was never written.
        OtherStoreError: It is of another database than the one in use.
    """
    found = (
        () if isinstance(node, Filter) else check_nodes("open_series()", node, "a node or its id")
    )
    if isinstance(found, Filter) or len(found) != 1:
        raise FilterError(
            f"open_series() takes one node or its id, not {node!r:.60}. Open one for each."
        )
    return SeriesWriter(found[0])


_open: weakref.WeakSet[SeriesWriter] = weakref.WeakSet()
"""Those that are not closed."""


def open_writer(node_id: int) -> SeriesWriter | None:
    """The writer of this process that writes the curves of a node of the store in use, if any."""
    now = current_setting()
    for one in list(_open):
        known = one._setting
        if one.node_id != node_id or now is None or known is None:
            continue
        if known is now or known.store.is_same(now.store):
            return one
    return None


def _is_open(token: str) -> bool:
    return any(one._token == token for one in list(_open))


class SeriesWriter(Shown):
    """Writes the curves of a node; :func:`open_series` makes it.

    Args:
        node_id: The node.
    """

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self._setting = current_setting()
        self._token = new_token()
        self._pending: deque[tuple[int | None, float, dict[str, float]]] = deque()
        self._names: frozenset[str] = frozenset()
        self._limit = 0
        """How many calls may wait before somebody has to look after them."""
        self._curves: dict[str, Curve] | None = None
        """``None`` until the stored ones are known."""
        self._unsure: list[Ahead] = []
        """What was written, perhaps."""
        self._last_step = -1
        self._has_step = False
        self._waiting = 0
        """Points in ``_curves`` that are not written."""
        self._guard = threading.Lock()
        """Held by who starts or ends the task that writes."""
        self._moving = threading.Lock()
        """Held by who takes from ``_pending``."""
        self._is_served = self._is_closed = False
        self._sooner: asyncio.Event | None = None
        self._home: asyncio.AbstractEventLoop | None = None
        self._turn: asyncio.Lock | None = None
        self._trouble: str | None = None
        """What is to be told with the next call."""
        self._is_told = False
        self._context = pinned_context()
        self._in_session = session_is_open()
        self._in_portal = not self._in_session and (
            self._setting is None or self._setting.serves_every_loop
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        if not self._in_portal and not self._in_session:
            with suppress(RuntimeError):
                self._loop = asyncio.get_running_loop()
        _open.add(self)

    # Points

    def add(self, step: int | None = None, **values: float) -> None:
        """Note a point of each of some curves; they are written within a second.

        Args:
            step: Where on the curves, an integer of 64 bits. It may repeat or go back, as when
                something begins anew. One more than the last one, unless given; the first is 0.
            **values: Numbers by the names of the curves: ints, floats, or arrays and tensors
                without a dimension. NaN and infinities are kept.

        Raises:
            SeriesError: A value is no number, a step no integer, or the writer is closed. Nothing
                of this call is noted.

        Warns:
            SeriesWarning: Points could not be written so far; they are kept, and it goes on.
        """
        for value in values.values():
            if type(value) is not float:
                values = {name: number(name, one) for name, one in values.items()}
                break
        if not (values and values.keys() <= self._names):
            self._check(values)
        if step is not None and not (type(step) is int and -_HALF <= step < _HALF):
            step = check_step(step)
        pending = self._pending
        pending.append((step, time(), values))
        if len(pending) > self._limit:
            self._look_after()

    def _check(self, values: dict[str, float]) -> None:
        """What to look at where not all names were seen before."""
        if self._is_closed:
            raise SeriesError(
                f"These curves of node {self.node_id} are closed, so nothing was logged. "
                f"open_series({self.node_id}) goes on with them."
            )
        if self._waiting + len(self._pending) >= MOST_WAITING:
            raise SeriesError(
                f"{self._waiting + len(self._pending):,} points of node {self.node_id} wait in "
                "memory, since the database could not be written to for a long time, and no more "
                "are taken. See to the database; what waits is written as soon as it answers."
            )
        if not values:
            raise SeriesError(
                "add() takes numbers by name, as in series.add(step, loss=0.1); it was given none."
            )
        for name in values:
            check_name(name)
        self._names |= values.keys()

    def _look_after(self) -> None:
        """Have somebody write what waits; tell what went wrong."""
        with self._guard:
            loop, sooner = self._home, self._sooner
            if not self._is_served:
                self._serve_from_now()
            elif loop is not None and sooner is not None:
                self._limit = MOST_WAITING
                with suppress(RuntimeError):  # it has ended
                    loop.call_soon_threadsafe(sooner.set)
        if self._waiting + len(self._pending) >= MOST_WAITING:
            self._names = frozenset()  # so that each call looks
        self._tell(stacklevel=4)

    def _serve_from_now(self) -> None:
        self._limit = MANY
        if self._in_portal:
            self._is_served = True
            self._context.run(start_in_portal, self._serve())
        elif self._loop is not None and not self._loop.is_closed():
            self._is_served = True
            self._loop.call_soon_threadsafe(self._start_here, context=self._context)
        else:
            self._limit = MOST_WAITING

    def _start_here(self) -> None:
        task = asyncio.ensure_future(self._serve())
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)

    def _tell(self, stacklevel: int) -> None:
        told, self._trouble = self._trouble, None
        if told is not None:
            warnings.warn(told, SeriesWarning, stacklevel=stacklevel)

    def _note_trouble(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._trouble = (
                f"Points of node {self.node_id} are not written yet: {why} They are kept in "
                "memory, and writing them is tried again until it succeeds."
            )
            self._limit = _ALWAYS

    def _collect(self) -> None:
        """Take what waits into the curves."""
        with self._moving:
            curves = self._curves
            if curves is None:
                return
            pending = self._pending
            for _ in range(len(pending)):
                step, at, values = pending.popleft()
                if step is None:
                    step = min(self._last_step + 1, _HALF - 1)
                self._last_step, self._has_step = step, True
                moment = int(at * 1_000)
                for name, value in values.items():
                    curve = curves.get(name)
                    if curve is None:
                        curve = curves[name] = Curve(name)
                    curve.add(step, moment, value)
                self._waiting += len(values)

    # Writing

    async def _serve(self) -> None:
        """Write as long as there is something to write."""
        sooner = asyncio.Event()
        with self._guard:
            self._home, self._sooner = asyncio.get_running_loop(), sooner
        wait = EACH
        try:
            while True:
                await self._rest(wait, sooner)
                error = await self._try()
                with self._guard:
                    if error is None:
                        self._is_told, wait = False, EACH
                        self._limit = MANY if self._trouble is None else _ALWAYS
                        if not self._pending and not self._waiting:
                            self._limit = 0
                            if not self._pending:  # nor since it was said that nobody looks
                                self._is_served, self._sooner = False, None
                                return
                            self._limit = MANY
                    else:
                        self._note_trouble(str(error))
                        wait = min(wait * 2, LONGEST_WAIT)
        except BaseException:
            with self._guard:
                self._is_served, self._limit, self._sooner = False, 0, None
            raise

    async def _rest(self, seconds: float, sooner: asyncio.Event) -> None:
        ends = asyncio.get_running_loop().time() + seconds
        while (left := ends - asyncio.get_running_loop().time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(sooner.wait(), min(left, EACH))
                sooner.clear()
                if seconds <= EACH:
                    await asyncio.sleep(SOONER)
                    return
            if seconds > EACH:
                self._collect()

    async def _try(self) -> Exception | None:
        """Write once; what went wrong is returned."""
        task = asyncio.ensure_future(self._write())
        try:
            for second in range(1, 1_000_000):
                done, _ = await asyncio.wait({task}, timeout=EACH)
                if done:
                    break
                self._collect()
                if second == SLOW:
                    self._note_trouble(f"the database has not answered for {SLOW} s.")
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        if task.cancelled():
            raise asyncio.CancelledError
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        return error

    async def _write(self, *, ends: bool = False) -> None:
        """Write all that waits, in one transaction; once at a time."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            with using(self._setting):
                await self._attempt(ends)

    @retried
    async def _attempt(self, ends: bool) -> None:
        written: list[tuple[Ahead, int]] = []

        def work(connection: Connection) -> None:
            written.clear()
            self._become_writer(connection)
            self._collect()
            curves = list((self._curves or {}).values())
            self._unsure = [one.ahead() for one in curves if len(one.new)]
            if self._unsure:
                ids = write_curves(connection, self.node_id, self._unsure)
                written.extend(zip(self._unsure, ids, strict=True))
            if ends:
                release(connection, self.node_id, self._token)

        try:
            async with write() as transaction:
                if self._in_session:
                    transaction.on_rollback.append(self._forget)
                await transaction.run(work, last=True)
        except BaseException:
            self._doubt()
            raise
        with self._moving:
            for ahead, series_id in written:
                ahead.curve.settle(ahead, series_id)
                self._waiting -= ahead.taken
            self._unsure = []

    def _become_writer(self, connection: Connection) -> None:
        if self._curves is not None and not self._doubted:
            if renew(connection, self.node_id, self._token):
                return
        elif renew(connection, self.node_id, self._token):
            self._adopt(load_curves(connection, self.node_id))
            return
        claim(connection, self.node_id, self._token, _is_open)
        self._adopt(load_curves(connection, self.node_id))

    _doubted = False
    """Whether what is stored may not be what is thought."""

    def _doubt(self) -> None:
        self._doubted = True

    def _adopt(self, stored: dict[str, Curve]) -> None:
        """Go on with the curves as they are stored."""
        with self._moving:
            written = {one.curve.name: one for one in self._unsure}
            for name, curve in (self._curves or {}).items():
                now = stored.setdefault(name, Curve(name))
                now.new = curve.new
                done = written.get(name)
                if done is not None and now.points == done.points:
                    # The commit whose outcome was not known has held.
                    now.drop(done.taken)
                    self._waiting -= done.taken
            if not self._has_step and stored:
                steps = [one.last_step for one in stored.values() if one.points]
                self._last_step = max(steps, default=-1)
            self._curves, self._unsure, self._doubted = stored, [], False

    def _forget(self) -> None:
        """What was written in a session is taken back with it."""
        self._doubt()

    def _at_home(self, work: Coroutine[Any, Any, T]) -> Coroutine[Any, Any, T]:
        if not self._in_portal:
            return work
        future: Future[T] = self._context.run(start_in_portal, work)

        async def wait() -> T:
            return await asyncio.wrap_future(future)

        return wait()

    async def open(self) -> Self:
        """Become the one who writes the curves of the node, before the first point comes.

        Returns:
            Itself.

        Raises:
            SeriesTakenError: Somebody else writes them.
            NodeNotFoundError: There is no such node.
            LockedError: It is locked.
        """
        await self._at_home(self._write())
        return self

    async def flush(self) -> None:
        """Write all that was noted, now.

        Raises:
            SeriesTakenError: Somebody else writes the curves of this node.
            DatabaseBusyError: Another transaction was in the way; what is not written is kept.
        """
        if not self._is_closed:
            self._tell(stacklevel=3)
            await self._at_home(self._write())

    async def close(self) -> None:
        """Write what is left, and let others write; once closed, it does nothing.

        Raises:
            SeriesTakenError: Somebody else writes the curves of this node. What is not written is
                kept, and calling it again tries again.
            ArtigraphError: The database does not take it; likewise.
        """
        if self._is_closed:
            return
        self._tell(stacklevel=3)
        if self._curves is None and not self._pending:
            self._end()  # it has not begun
            return
        try:
            await self._at_home(self._write(ends=True))
        except Exception as error:
            if left := self._waiting + len(self._pending):
                error.add_note(
                    f"{left:,} points of node {self.node_id} are not written. They are kept: call "
                    "close() again once the reason is gone."
                )
            raise
        self._end()

    def _end(self) -> None:
        self._is_closed, self._names = True, frozenset()
        _open.discard(self)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self.close()
        except Exception as failed:
            if error is None:
                raise
            # That of the block is the one to tell.
            error.add_note(f"Nor were all points of node {self.node_id} written: {failed}")

    # What it shows

    @override
    def _describe(self, limits: Limits) -> Facts:
        state = "closed" if self._is_closed else "open"
        waiting = self._waiting + len(self._pending)
        notes = [("node", str(self.node_id))]
        if waiting:
            notes.append(("not written yet", f"{waiting:,}"))
        return Facts(type(self).__name__, badges=(Badge(state),), notes=tuple(notes))

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{type(self).__name__} of node {self.node_id}>"


_tasks: set[asyncio.Future[None]] = set()
"""A loop holds tasks weakly."""


def _write_the_rest() -> None:
    """At the end of the process: what waits is written, as far as that is possible."""
    for one in list(_open):
        if one._in_portal and (one._curves is not None or one._pending):
            with suppress(Exception):
                one._context.run(start_in_portal, one._write(ends=True)).result(LAST_SECONDS)


def _forget_writers() -> None:
    """In a forked process: what waits is the parent's, and so is the right to write."""
    for one in list(_open):
        one._pending, one._curves, one._waiting = deque(), None, 0
        one._guard, one._moving, one._turn = threading.Lock(), threading.Lock(), None
        one._is_served, one._limit, one._sooner, one._home = False, 0, None, None
        one._token, one._unsure, one._doubted = new_token(), [], False


atexit.register(_write_the_rest)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_writers)
