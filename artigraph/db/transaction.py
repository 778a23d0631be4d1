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

    @property
    def author(self) -> str | None:
        """Who writes, where rows have to say it; ``None`` where the server fills that in."""
        # So that nobody can claim to be another.
        return None if dialect_of(self.connection).user_sql else self.user

    def hold_good(self) -> None:
        """Make the changes in memory that the rows have made."""
        if self.on_success:
            with collector_paused():
                for change in self.on_success:
                    change()

    async def run(self, work: Callable[[Connection], None], *, last: bool = False) -> None:
        """Do something of several statements, at one go where the database allows it.

        Args:
            work: It is given the connection, and gets as far as it gets if it raises.
            last: Nothing comes after it: what can be is committed along with it.
        """
        known = self.connection.sync_connection
        travel = None if known is None else dialect_of(known).traveller(known)
        if known is None or travel is None or _others_listen(known):
            await self.connection.run_sync(work)
            return
        gone: list[bool] = []
        at_once = partial(self._do, partial(work, known), known if last else None, gone)
        await to_its_end(travel(at_once), when_cancelled=lambda: gone.append(True))

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
    told = connection.dispatch, connection.dialect.dispatch
    listeners = chain.from_iterable(
        getattr(one, name)
        for one, names in zip(told, (_TOLD, _ASKED), strict=True)
        for name in names
    )
    # What is written in C has no module.
    return not all((getattr(one, "__module__", "") or "").startswith(_OURS) for one in listeners)


_ASKED = ("do_execute", "do_execute_no_params", "do_executemany", "handle_error")
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
