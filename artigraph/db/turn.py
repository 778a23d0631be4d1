"""One call at a time in a session, and none that waits for its turn in vain."""

from __future__ import annotations

import asyncio
from typing import Any

from artigraph.concurrency import waits_for
from artigraph.errors import TransactionFailedError

__all__ = ["Turns"]

LOOK_SECONDS = 1
"""So often one that waits looks whether it does so in vain."""


class Turns:
    """A lock that is refused to a task which the holder waits for."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> None:
        """Wait for the others.

        Raises:
            TransactionFailedError: The one whose turn it is waits for this task.
        """
        # One that nobody has may be promised to somebody who waits already.
        await self._wait()
        self._holder = asyncio.current_task()

    async def __aexit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()

    async def _wait(self) -> None:
        task = asyncio.current_task()
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._lock.acquire()
                return
            except TimeoutError:
                if task and self._holder and waits_for(self._holder, task):
                    raise TransactionFailedError(
                        "This task is part of a session, and another new_session() block inside "
                        "of that, which comes first, waits for this task: neither would ever end. "
                        "Nothing of this call was written. Start the task inside of the inner "
                        "block, or await it outside of that."
                    ) from None
