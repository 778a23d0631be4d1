"""What waits for the outcome of a transaction: memory to change, blobs to remove, locks.

Of a savepoint it is handed over to what that is a savepoint of, since only the
outermost transaction's outcome is the database's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from artigraph.db.engine import EngineSetting
from artigraph.db.setting import using
from artigraph.db.store import Store
from artigraph.db.user import current_user
from artigraph.dialect.base import WAIT_SECONDS
from artigraph.errors import DatabaseBusyError

__all__ = ["InMemory", "OutcomeLock", "Pending"]

AfterCommit = Callable[[], Awaitable[None]]
InMemory = Callable[[], None]


class OutcomeLock:
    """A lock that a transaction keeps until its outcome is known: that of its session."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._owner: object = None

    async def acquire(self, owner: object) -> bool:
        """Wait for it; return whether it is new to the owner.

        Raises:
            DatabaseBusyError: Another one had it for too long.
        """
        if self._owner is owner:
            return False
        # The other one may wait in the database for this one, which neither could know; and
        # one that nobody has may be promised to somebody who waits already.
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise DatabaseBusyError(
                "A task side by side has written the node above in a session of its own, and "
                f"that session has not ended for {WAIT_SECONDS} seconds. Nothing was written. "
                "Keep sessions short, or write the node before the tasks start."
            ) from None
        self._owner = owner
        return True

    def release(self) -> None:
        """Give it up."""
        self._owner = None
        self._lock.release()

    def is_held_by_others(self, owner: object) -> bool:
        """Whether some other one than an owner has it."""
        return self._owner is not None and self._owner is not owner


@dataclass(eq=False)
class Pending:
    """What is to be done once the outcome of a transaction, or a savepoint, is known."""

    setting: EngineSetting | None = None
    """The database that the transaction is in."""
    outer: Pending | None = None
    """For a savepoint, what it is a savepoint of."""
    after_commit: list[AfterCommit] = field(default_factory=list)
    """Done once it is committed for good."""
    on_rollback: list[InMemory] = field(default_factory=list)
    """Done, last first, if it held but a session around it is rolled back."""
    locks: list[OutcomeLock] = field(default_factory=list)

    @property
    def store(self) -> Store | None:
        """The store that the transaction is in."""
        return None if self.setting is None else self.setting.store

    @property
    def user(self) -> str:
        """Who writes in it."""
        known = None if self.setting is None else self.setting.facts.user
        return current_user() if known is None else known

    @property
    def outermost(self) -> Pending:
        """That whose outcome is the database's."""
        return self if self.outer is None else self.outer.outermost

    async def hold(self, lock: OutcomeLock) -> None:
        """Hold a lock until the outcome is known."""
        if await lock.acquire(self.outermost):
            self.locks.append(lock)

    def let_go(self, lock: OutcomeLock) -> None:
        """Give one lock up before that."""
        if lock in self.locks:
            self.locks.remove(lock)
            lock.release()

    def hand_over(self) -> None:
        """Leave all of it to what this is a savepoint of."""
        if self.outer is None:
            raise RuntimeError("This is no savepoint.")
        self.outer.after_commit += self.after_commit
        self.outer.on_rollback += self.on_rollback
        self.outer.locks += self.locks

    def undo(self) -> None:
        """Take back in memory what the database has taken back."""
        for undo in reversed(self.on_rollback):
            undo()
        self.release()

    def release(self) -> None:
        """Give up the locks."""
        while self.locks:
            self.locks.pop().release()

    async def follow_up(self) -> None:
        """Do what is to be done after the commit."""
        self.release()
        if self.after_commit:
            # Another one may be set by now; what its rows name says nothing of this one's blobs.
            with using(self.setting):
                for task in self.after_commit:
                    await task()
