"""The stop button, and Ctrl-C, while a cell awaits.

ipykernel then waits for the cell's next ``await``, which a computation of
hours may not have, and for the loop's next event, which a cell that waits for
one may never see; a terminal's IPython stops its loop and forgets the cell
that it ran there, with whatever transaction that had open. Within the block
here a computation is stopped where it is, and a cell that waits is cancelled,
so that it comes to its own end.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

__all__ = ["interruptible"]


@dataclass(eq=False, slots=True)
class _Block:
    task: asyncio.Task[Any]
    computes: bool


# Blocks of tasks side by side do not end in the order in which they began, so
# they share one handler. All of this happens in the main thread.
_blocks: list[_Block] = []
_before: Callable[[int, FrameType | None], Any] = signal.default_int_handler


@contextmanager
def interruptible(*, computes: bool) -> Iterator[None]:
    """Let an interrupt end the running task, and nothing but it.

    Args:
        computes: Whether to stop what the task computes, and not only its waiting:
            fit for a user's own lines, and not for transactions.
    """
    global _before
    task = asyncio.current_task()
    handler = signal.getsignal(signal.SIGINT)
    # Signals are the main thread's, and somebody may have chosen to ignore this one.
    main = threading.current_thread() is threading.main_thread()
    if task is None or not callable(handler) or not main:
        yield
        return
    if handler is not _stop:
        _before = handler
        signal.signal(signal.SIGINT, _stop)
    block = _Block(task, computes)
    _blocks.append(block)
    try:
        yield
    finally:
        _blocks.remove(block)
        # Unless somebody has put another one there meanwhile.
        if not _blocks and signal.getsignal(signal.SIGINT) is _stop:
            signal.signal(signal.SIGINT, _before)


def _stop(number: int, frame: FrameType | None) -> None:
    running = _running_task()
    of_task = [block for block in _blocks if block.task is running]
    if of_task and of_task[-1].computes:
        raise KeyboardInterrupt
    tasks = {block.task for block in _blocks}
    if _before is signal.default_int_handler:
        for task in tasks:
            task.get_loop().call_soon_threadsafe(task.cancel)
        return
    _before(number, frame)
    for task in tasks:
        # ipykernel's takes itself for a callback of the loop and does not wake it.
        task.get_loop().call_soon_threadsafe(_nothing)


def _nothing() -> None:
    pass


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop is running
        return None
