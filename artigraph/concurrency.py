"""Blocking work in threads, many awaitables with a bound, one that nothing stops, and who waits.

Nothing in artigraph blocks the event loop: object stores and large values
go through :func:`run_in_thread`.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import Any, ParamSpec, TypeVar, cast

__all__ = [
    "gather_bounded",
    "is_asked_to_stop",
    "run_in_own_thread",
    "run_in_thread",
    "to_its_end",
    "waiting_loop",
    "waits_for",
]

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")


WORKERS = 32
"""Threads at most. asyncio's own pool has six on a machine of two cores, which
is too few to wait for an object store with."""


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a worker thread and await its result.

    It runs in a copy of the caller's context, as with ``asyncio.to_thread``.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    context.run(_waiting.set, loop)
    return await loop.run_in_executor(_pool(), partial(context.run, function, *args, **kwargs))


async def run_in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a blocking function in a thread that ends with it.

    For what is asked once, as when a database is opened: a program that keeps nothing in an
    object store has no thread of ours left when its event loop closes.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():  # it was cancelled
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(T, result))

    def work() -> None:
        result, error = None, None
        try:
            result = function(*args, **kwargs)
        except BaseException as raised:  # for whoever awaits it
            error = raised
        with suppress(RuntimeError):  # the loop has closed
            loop.call_soon_threadsafe(settle, result, error)

    # No pool's: those take nothing more once a process ends.
    threading.Thread(target=work, name="artigraph_once").start()
    return await done


def waiting_loop() -> asyncio.AbstractEventLoop | None:
    """In a function that :func:`run_in_thread` runs: the event loop that waits for it."""
    return _waiting.get()


_waiting: contextvars.ContextVar[asyncio.AbstractEventLoop | None] = contextvars.ContextVar(
    "artigraph_waiting_loop", default=None
)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="artigraph")


# A forked process has the pool but none of its threads.
os.register_at_fork(after_in_child=_pool.cache_clear)


async def gather_bounded(
    function: Callable[[T], Awaitable[U]], items: Iterable[T], *, limit: int = 16
) -> list[U]:
    """Await ``function(item)`` for every item, at most ``limit`` at a time.

    Args:
        function: A coroutine function of one argument.
        items: Its arguments.
        limit: How many may be under way at once.

    Returns:
        The results, in the order of the items.

    Raises:
        Exception: The first error of any call; the others are cancelled.
    """
    arguments = list(items)
    if len(arguments) <= 1:
        return [await function(item) for item in arguments]
    slots = asyncio.Semaphore(limit)

    async def call(item: T) -> U:
        async with slots:
            return await function(item)

    tasks = [asyncio.ensure_future(call(item)) for item in arguments]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


class to_its_end(Awaitable[T]):  # noqa: N801  # awaited like a function
    """Await a coroutine to its end, in the running task, whatever cancels that meanwhile.

    The cancellation goes on afterwards. Unlike a shielded task, the coroutine is
    nobody else's to cancel either, as ``asyncio.run`` does to all tasks at its end.
    It must not cancel itself by a time limit (``asyncio.timeout``).

    Args:
        coroutine: What must not stop half way.
        when_cancelled: Called as soon as the task is cancelled meanwhile.

    Raises:
        asyncio.CancelledError: The task was cancelled meanwhile; what the coroutine
            raised is then its cause.
    """

    __slots__ = ("_coroutine", "_when_cancelled")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],
        when_cancelled: Callable[[], None] | None = None,
    ) -> None:
        self._coroutine, self._when_cancelled = coroutine, when_cancelled

    def __await__(self) -> Generator[Any, None, T]:
        cancelled: asyncio.CancelledError | None = None
        try:
            while True:
                future = self._coroutine.send(None)
                while True:
                    try:
                        yield from _wait_for(future)
                    except asyncio.CancelledError as error:
                        cancelled = error
                        if self._when_cancelled is not None:
                            self._when_cancelled()
                    if future is None or future.done():
                        break
        except StopIteration as end:
            result: T = end.value
        except Exception as error:
            if cancelled is not None:
                raise cancelled from error
            raise
        finally:
            self._coroutine.close()
        if cancelled is not None:
            raise cancelled
        return result


def _wait_for(future: asyncio.Future[Any] | None) -> Generator[Any, None, None]:
    """Wait until a future that a coroutine has yielded is done, or let others run once."""
    if future is None:
        yield
        return
    # A cancelled task cancels what it waits for, so let it wait for another one; and
    # mark this one as taken, as a task does, so that it may be awaited elsewhere too.
    future._asyncio_future_blocking = False
    waiter = future.get_loop().create_future()
    future.add_done_callback(partial(_wake, waiter))
    yield from waiter


def _wake(waiter: asyncio.Future[None], _: asyncio.Future[Any]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def is_asked_to_stop(task: asyncio.Task[Any] | None) -> bool:
    """Whether a task was cancelled while it computed, and has not learned of it yet."""
    # asyncio tells by cancelling() how often it was, and by this alone whether it is still to come.
    return task is not None and getattr(task, "_must_cancel", False)


def waits_for(task: asyncio.Task[Any], other: asyncio.Task[Any]) -> bool:
    """Whether a task cannot go on before another one has ended, as far as asyncio tells.

    It does of ``await``, ``gather``, ``wait``, ``wait_for``, ``shield`` and task groups, also
    through tasks between the two; not of queues and events.
    """
    blocked = getattr(task, "_fut_waiter", None)
    reached: set[asyncio.Future[Any]] = set()
    found: list[asyncio.Future[Any]] = [other]
    while found:
        future = found.pop()
        reached.add(future)
        for callback, _ in getattr(future, "_callbacks", None) or ():
            for held in _futures_of(callback):
                # A task that knows of it need not be waiting for it at this moment.
                waits = getattr(held, "_fut_waiter", future) in reached
                if waits and held not in reached:
                    found.append(held)
    return blocked in reached


def _futures_of(callback: object) -> Iterator[asyncio.Future[Any]]:
    """The futures and tasks that a callback of a future's may set, or wake."""
    owner = getattr(callback, "__self__", None)
    held = [owner, *getattr(owner, "__dict__", {}).values(), *getattr(callback, "args", ())]
    for cell in getattr(callback, "__closure__", None) or ():
        with suppress(ValueError):  # it is empty
            held.append(cell.cell_contents)
    return (one for one in held if isinstance(one, asyncio.Future))
