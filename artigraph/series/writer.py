"""Curves written while something goes on: noted at once, and written from a thread.

:meth:`SeriesWriter.add` only appends to a list; :mod:`artigraph.series.flusher` does the rest.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Mapping
from time import time
from types import TracebackType
from typing import Any, Self, SupportsFloat, SupportsIndex

from typing_extensions import override

from artigraph.db.setting import current_setting
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import SeriesError, SeriesWarning
from artigraph.series.flusher import Flusher
from artigraph.series.point import check_name, check_step, number
from artigraph.series.rows import MOST_CURVES
from artigraph.series.waiting import MOST_WAITING

__all__ = ["SeriesWriter", "log_point", "open_writer"]

_HALF = 2**63


_open: weakref.WeakSet[SeriesWriter] = weakref.WeakSet()


def open_writer(node_id: int) -> SeriesWriter | None:
    """The writer of this process that writes the curves of a node of the store in use, if any."""
    now = current_setting()
    for one in list(_open):
        known = one._flusher.setting
        if one.node_id != node_id or now is None or known is None:
            continue
        if known is now or known.store == now.store:
            return one
    return None


async def log_point(node_id: int, step: int | None, values: Mapping[str, SupportsFloat]) -> None:
    """Write a point of each of some curves, and be done: what a line of a magic does.

    Where this process has a writer of that node open, it takes them.

    Args:
        node_id: The node.
        step: As for :meth:`SeriesWriter.add`.
        values: Numbers by the names of the curves.

    Raises:
        SeriesError: As for :meth:`SeriesWriter.add`.
        ArtigraphError: They could not be written, and are forgotten.
    """
    writer = open_writer(node_id)
    if writer is not None:
        writer.add(step, **values)
        await writer.flush()
        return
    writer = SeriesWriter(node_id)
    writer.add(step, **values)
    try:
        await writer.close()
    except BaseException:
        # The line is told that it failed, and nothing of it may come to be written later.
        writer._flusher.drop()
        raise


class SeriesWriter(Shown):
    """Writes the curves of a node; :func:`open_series` makes it.

    Args:
        node_id: The node.
    """

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self._flusher = Flusher(node_id)
        self._queue = self._flusher.waiting.queue
        self._is_closed = False
        weakref.finalize(self, self._flusher.abandon).atexit = False
        _open.add(self)

    def add(self, /, step: SupportsIndex | None = None, **values: SupportsFloat) -> None:
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
        queue: Any = self._queue
        if not (values and values.keys() <= queue.names):
            self._check(values)
        if step is not None and not (type(step) is int and -_HALF <= step < _HALF):
            step = check_step(step)
        queue.append((step, time(), values))
        if len(queue) > queue.limit:
            self._flusher.look_after()
            if self._flusher.trouble is not None:
                self._tell(stacklevel=3)

    def _check(self, values: Mapping[str, object]) -> None:
        """What to look at where not all names were seen before."""
        if self._is_closed:
            raise SeriesError(
                f"These curves of node {self.node_id} are closed, so nothing was logged. "
                f"open_series({self.node_id}) goes on with them."
            )
        if self._flusher.waiting.calls() >= MOST_WAITING:
            raise SeriesError(
                f"{self._flusher.waiting.calls():,} points of node {self.node_id} wait "
                "in memory, since the database could not be written to for a long time, and no "
                "more are taken. See to the database: they are written as soon as it answers."
            )
        if not values:
            raise SeriesError(
                "add() takes numbers by name, as in series.add(step, loss=0.1); it was given none."
            )
        for name in values:
            check_name(name)
        if len(self._queue.names | values.keys()) > MOST_CURVES:
            raise SeriesError(
                f"A node has {MOST_CURVES:,} curves at the most, and node {self.node_id} would "
                "have more; nothing of this call was logged. Many numbers a step are an array: "
                "run.keep(name=array)."
            )
        self._queue.names |= values.keys()

    def _tell(self, stacklevel: int) -> None:
        told, self._flusher.trouble = self._flusher.trouble, None
        if told is not None:
            warnings.warn(told, SeriesWarning, stacklevel=stacklevel)

    async def open(self) -> Self:
        """Become the one who writes the curves of the node, before the first point comes.

        Returns:
            Itself.

        Raises:
            SeriesTakenError: Somebody else writes them.
            NodeNotFoundError: There is no such node.
            LockedError: It is locked.
        """
        await self._flusher.run()
        return self

    async def flush(self) -> None:
        """Write all that was noted, now.

        Raises:
            SeriesTakenError: Somebody else writes the curves of this node; what is not written is
                kept.
            ArtigraphError: The database does not take it; likewise.
        """
        if not self._is_closed:
            self._tell(stacklevel=3)
            await self._flusher.run()

    async def close(self) -> None:
        """Write what is left, and let others write; once closed, it does nothing.

        Raises:
            SeriesTakenError: Somebody else writes the curves of this node. What is not written is
                kept, and calling it again tries again.
            ArtigraphError: The database does not take it; likewise.
        """
        flusher = self._flusher
        if self._is_closed:
            return
        self._tell(stacklevel=3)
        if flusher.is_claimed or flusher.waiting:
            try:
                await flusher.run(ends=True)
            except Exception as error:
                if left := flusher.waiting.points():
                    error.add_note(
                        f"{left:,} points of node {self.node_id} are not written. They are kept: "
                        "call close() again once the reason is gone."
                    )
                raise
        else:
            flusher.abandon()  # it has not begun
        self._is_closed, self._queue.names = True, frozenset()
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

    @override
    def _describe(self, limits: Limits) -> Facts:
        state = "closed" if self._is_closed else "open"
        notes = [("node", str(self.node_id))]
        if left := self._flusher.waiting.calls():
            notes.append(("not written yet", f"{left:,}"))
        return Facts(type(self).__name__, badges=(Badge(state),), notes=tuple(notes))

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{type(self).__name__} of node {self.node_id}>"
