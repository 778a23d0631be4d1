"""Bytes under way: hashed and counted, shown by a bar, and stopped if nobody waits for them.

A thread cannot be stopped from outside, so it asks whenever it has moved some bytes.

The bar comes for what takes long, and not for what does not. It is drawn by tqdm: in
a notebook as a widget, in a terminal as text, and not at all where the output is
neither. tqdm is imported when a bar is due.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from hashlib import sha256
from time import monotonic
from typing import Any, BinaryIO, TypeVar, cast

from typing_extensions import Buffer

from artigraph.concurrency import run_in_thread
from artigraph.errors import StorageError

__all__ = ["Sink", "Stop", "progress", "stoppable"]

T = TypeVar("T")

_PATIENCE = 2.0
"""Seconds before anything is shown."""
_WORTHWHILE = 3.0
"""Seconds that all of it must be expected to take."""


class Sink(io.RawIOBase):
    """A file to write to, which counts and hashes what passes.

    Args:
        put: Called with the bytes of every write; it must take all of them.
        advance: Called with their number afterwards, as that of :func:`progress`.
    """

    def __init__(
        self,
        put: Callable[[memoryview], object],
        advance: Callable[[int], object] | None = None,
    ) -> None:
        self.size = 0
        self._put, self._advance = put, advance
        self._hash = sha256()
        self._failure: BaseException | None = None

    @property
    def digest(self) -> str:
        """The sha256 of what was written so far, in hex."""
        return self._hash.hexdigest()

    def fill(
        self,
        write: Callable[[BinaryIO], object],
        failing: AbstractContextManager[object] | None = None,
    ) -> None:
        """Let a function write to it.

        Args:
            write: The function.
            failing: Where an error of a write is raised again, to be told in other words.

        Raises:
            BaseException: What a write raised, whatever the function made
                of it; else what the function raised.
        """
        try:
            write(cast(BinaryIO, self))
        except BaseException:
            if self._failure is None:
                raise
        if self._failure is not None:
            with failing or nullcontext():
                raise self._failure

    def writable(self) -> bool:
        """Whether bytes can be written: yes."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self.size

    def write(self, data: Buffer, /) -> int:
        """Write all of the bytes and return their number."""
        if self.closed:
            raise ValueError("write to closed file")
        view = memoryview(data)
        if not view.nbytes:
            return 0
        # Also for arrays that are no plain bytes, and without a copy.
        view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        try:
            self._put(view)
            if self._advance is not None:
                self._advance(view.nbytes)
        except BaseException as error:
            # Libraries turn what a file raises into errors of their own.
            self._failure = error
            raise
        self._hash.update(view)
        self.size += len(view)
        return len(view)


class Stop:
    """Whether somebody still waits for a call."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Say that nobody waits any more."""
        self._cancelled.set()

    def check(self) -> None:
        """End the thread that asks, if nobody waits for it.

        Raises:
            StorageError: The call was cancelled; so nobody sees this.
        """
        if self._cancelled.is_set():
            raise StorageError("The call was cancelled.")


async def stoppable(function: Callable[..., T], *arguments: Any) -> T:
    """Call a blocking function in a thread, with a :class:`Stop` after its other arguments."""
    stop = Stop()
    try:
        return await run_in_thread(function, *arguments, stop)
    finally:
        stop.cancel()


@contextmanager
def progress(
    total: int | None, description: str, stop: Stop | None = None, *, unit: str = "B"
) -> Iterator[Callable[[int], None]]:
    """Show how a transfer goes, once it has run for two seconds and will need three.

    Args:
        total: How many bytes there are to move, or None if nobody
            knows; then a bar without an end appears after three seconds.
        description: What stands before the bar.
        stop: What may end the transfer.
        unit: What is counted, if it is not bytes.

    Yields:
        A function, to be called with every number of bytes that were moved,
        from any thread. It raises nothing but what the stop does.
    """
    shown = _Progress(total, description, stop, unit)
    try:
        yield shown.advance
    finally:
        shown.close()


class _Progress:
    def __init__(self, total: int | None, description: str, stop: Stop | None, unit: str) -> None:
        self._total, self._unit = total, unit
        self._stop = stop
        self._description = description
        self._done = 0
        self._began = monotonic()
        self._bar: Any = None
        self._closed = False
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
        if self._stop is not None:
            self._stop.check()
        with self._lock:
            self._done += count
            with _surviving():
                if _failed.is_set():
                    return
                if self._bar is not None:
                    self._bar.update(count)
                elif not self._closed and self._is_due():
                    self._bar = self._show()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._bar is not None and not _failed.is_set():
                with _surviving():
                    self._bar.close()

    def _is_due(self) -> bool:
        elapsed = monotonic() - self._began
        if elapsed <= _PATIENCE:
            return False
        if self._total is None:
            return elapsed > _WORTHWHILE
        return elapsed * self._total / max(self._done, 1) > _WORTHWHILE

    def _show(self) -> Any:
        if sys.stderr is None:  # as under pythonw
            return None
        return _bar_class()(
            total=self._total,
            initial=self._done,
            desc=self._description,
            unit=self._unit,
            unit_scale=True,
            unit_divisor=1024 if self._unit == "B" else 1000,
            leave=False,
            file=sys.stderr,
            # Not into log files; a notebook counts as a terminal here.
            disable=None,
        )


@cache
def _bar_class() -> Any:
    from tqdm.auto import tqdm

    class Bar(tqdm):
        monitor_interval = 0

    # A bar that fails keeps its lock, and every other bar would wait for it for ever.
    Bar.set_lock(threading.RLock())
    return Bar


_failed = threading.Event()


@contextmanager
def _surviving() -> Iterator[None]:
    # A bar is a courtesy: no terminal and no widget is reason to fail.
    try:
        yield
    except Exception:
        _failed.set()
        with suppress(Exception):
            # What is left of the bar takes the lock again when it is collected.
            _bar_class().set_lock(threading.RLock())
