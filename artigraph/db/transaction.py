"""A transaction of artigraph's own: its connection, and what follows from its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.concurrency import to_its_end
from artigraph.db.outcome import UNKNOWN, close, told
from artigraph.db.pending import InMemory, Pending
from artigraph.dialect.registry import dialect_of
from artigraph.errors import ConnectionLostError
from artigraph.garbage import collector_paused

__all__ = ["Transaction"]


@dataclass(eq=False, kw_only=True)
class Transaction(Pending):
    """A connection in a transaction, and what to do once its outcome is known."""

    connection: AsyncConnection
    on_success: list[InMemory] = field(default_factory=list)
    """Done, first first, once it has held."""
    _committed: bool | None = False
    """Whether :meth:`run` has committed; ``None`` if nobody knows."""

    def hold_good(self) -> None:
        """Make the changes in memory that the rows have made."""
        if self.on_success:
            with collector_paused():
                for change in self.on_success:
                    change()

    async def run(
        self, work: Callable[[Connection], None], *, last: bool = False, whole: bool = False
    ) -> None:
        """Do something of several statements, at one go where the database allows it.

        Args:
            work: It is given the connection, and gets as far as it gets if it raises.
            last: Nothing comes after it: what can be is committed along with it.
            whole: Only one of its statements changes anything.
        """
        known = self.connection.sync_connection
        if known is None or _others_listen(known):
            await self.connection.run_sync(work)
            return
        travel = dialect_of(known).traveller(known)
        if travel is None:
            if last and whole and self._is_new(known) and dialect_of(known).commit_next(known):
                await to_its_end(self.connection.run_sync(self._do_alone, work))
            else:
                await self.connection.run_sync(work)
            return
        gone: list[bool] = []
        at_once = partial(self._do, partial(work, known), known if last else None, gone)
        await to_its_end(travel(at_once), when_cancelled=lambda: gone.append(True))

    def _is_new(self, connection: Connection) -> bool:
        return self.outer is None and not connection.in_transaction()

    def _do_alone(self, connection: Connection, work: Callable[[Connection], None]) -> None:
        self._committed = None
        try:
            with told(UNKNOWN):
                work(connection)
        except ConnectionLostError:
            raise
        except Exception:
            self._committed = False
            raise
        self._committed = True

    def _do(self, work: Callable[[], None], to_commit: Connection | None, gone: list[bool]) -> None:
        if gone:
            return  # to_its_end() raises
        work()
        if to_commit is None or self.outer is not None or gone:
            return
        self._committed = None
        with told(UNKNOWN):
            to_commit.commit()
        self._committed = True

    async def commit(self) -> None:
        """Commit for good, whoever wants to stop; nothing is left open behind it."""
        try:
            if not self._committed:
                with told(UNKNOWN):
                    await self.connection.commit()
            self.hold_good()
        except BaseException:
            await self.connection.invalidate()  # as in a session
            raise
        finally:
            await self.roll_back()
        await self.follow_up()

    async def roll_back(self) -> None:
        """Take back what is not committed; nothing is left open behind it."""
        try:
            if self._committed is None:
                await self.connection.invalidate()  # as in a session
            await close(self.connection)
        finally:
            self.release()

    async def give_up(self) -> None:
        """Take it back, unless it was committed before whatever came then."""
        await (self.commit() if self._committed else self.roll_back())


def _others_listen(connection: Connection) -> bool:
    """Whether somebody else than artigraph is told of what a connection does.

    He is told on the event loop's thread and before anything is committed, as SQLAlchemy's
    users expect.
    """
    listeners = chain.from_iterable(getattr(connection.dispatch, name) for name in _TOLD)
    return not all(getattr(one, "__module__", "").startswith(_OURS) for one in listeners)


_OURS = "artigraph."
_TOLD = (
    "after_cursor_execute",
    "after_execute",
    "before_cursor_execute",
    "before_execute",
    "begin",
    "commit",
    "rollback",
)
