"""A thread with an event loop of its own, for code that cannot await.

A magic, or the handler of a widget's message, runs while the kernel's loop is
busy running it, so it can neither await nor start that loop again. It hands
its coroutine to the portal. One engine serves each loop, and the caller's
context goes along, so the database that is set for the caller answers there.

* a transaction that is open in the calling cell does not reach so far: what it
  has written is not seen, and on SQLite it keeps every other writer out
* a coroutine that is told to stop is waited for, so that its transaction is
  rolled back before the next cell runs
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, TypeVar

__all__ = ["run_in_portal", "start_in_portal"]

T = TypeVar("T")

LONGEST_END = 10.0
"""Seconds that a cancelled coroutine has to come to its end while the caller waits."""

_THREAD = "artigraph-portal"

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_tasks: set[asyncio.Task[Any]] = set()
"""The loop holds tasks weakly; without a reference one may vanish half way."""


def _portal_loop() -> asyncio.AbstractEventLoop:
    """The portal's loop; its thread is started by the first who asks."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=(_loop,), name=_THREAD, daemon=True).start()
        return _loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        # asyncio hands these two to the task's caller, and ends the loop as well.
        with suppress(KeyboardInterrupt, SystemExit):
            loop.run_forever()


def _forget_loop() -> None:
    global _loop, _lock
    # A forked process has the loop but not its thread, and perhaps a locked lock.
    _lock, _loop = threading.Lock(), None
    _tasks.clear()


os.register_at_fork(after_in_child=_forget_loop)


def start_in_portal(coroutine: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine in the portal, without waiting for it.

    Args:
        coroutine: What to run. It sees the context variables of the caller.

    Returns:
        Its result to be; cancelling it cancels the coroutine.
    """
    return _start(coroutine)[0]


def run_in_portal(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the portal, and wait for it.

    The calling thread stands still meanwhile. Interrupting it, as a notebook's
    stop button does, cancels the coroutine and waits for it to end.

    Args:
        coroutine: What to run. It sees the context variables of the caller.

    Returns:
        What it returns.

    Raises:
        RuntimeError: The caller is in the portal itself, and would wait for ever.
    """
    if threading.current_thread().name == _THREAD:
        coroutine.close()
        raise RuntimeError("This runs in the portal already; await the coroutine instead.")
    future, ended = _start(coroutine)
    try:
        return future.result()
    except CancelledError:
        # asyncio's is another class.
        raise asyncio.CancelledError from None
    finally:
        if not ended.is_set():
            future.cancel()
            ended.wait(LONGEST_END)


def _start(coroutine: Coroutine[Any, Any, T]) -> tuple[Future[T], threading.Event]:
    """Start a coroutine; return its result to be, and what is set once it has ended."""
    loop = _portal_loop()
    result: Future[T] = Future()
    ended = threading.Event()

    def start() -> None:
        if result.cancelled():
            coroutine.close()
            ended.set()
            return
        task = loop.create_task(coroutine)
        _tasks.add(task)
        task.add_done_callback(finish)
        result.add_done_callback(lambda _: loop.call_soon_threadsafe(cancel, task))

    def cancel(task: asyncio.Task[T]) -> None:
        if result.cancelled():
            task.cancel()

    def finish(task: asyncio.Task[T]) -> None:
        _tasks.discard(task)
        # Before the result: whoever has that may ask whether this has ended.
        ended.set()
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            result.cancel()
        elif not result.set_running_or_notify_cancel():
            pass  # nobody waits for it any more
        elif error is not None:
            result.set_exception(error)
        else:
            result.set_result(task.result())

    # It takes a copy of the caller's context, and the task one of that.
    loop.call_soon_threadsafe(start)
    return result, ended
