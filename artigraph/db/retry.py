"""Calls that are made again after another transaction was in their way.

A deadlock has to be ended by one of the two, and what one call has seen another may
have changed before it writes. Nothing of such a call is written, so it is made again, a
few times, a little later each time.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from artigraph.db.session import outermost_session
from artigraph.errors import DatabaseBusyError

__all__ = ["retried"]

P = ParamSpec("P")
T = TypeVar("T")

ATTEMPTS = 10
"""The last of which comes after about two seconds."""


def retried(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make a coroutine function again whose one transaction met another one's.

    Inside a session it is not, whose other statements would have to be made again as well.

    Args:
        function: It leaves its arguments and all objects as they were when it fails.
    """

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                return await function(*args, **kwargs)
            except DatabaseBusyError as error:
                if not error.is_conflict or outermost_session() is not None:
                    raise
            await asyncio.sleep(random.uniform(0, 0.004 * 2**attempt))  # noqa: S311  # no secret
        return await function(*args, **kwargs)

    return call
