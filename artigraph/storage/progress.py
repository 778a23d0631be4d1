"""A progress bar for what takes long, and nothing for what does not.

Drawn by tqdm: in a notebook as a widget, in a terminal as text, and not at
all where the output is neither. tqdm is imported when a bar is due.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic
from typing import Any

__all__ = ["progress"]

_PATIENCE = 2.0
"""Seconds before anything is shown."""
_WORTHWHILE = 3.0
"""Seconds that all of it must be expected to take."""


@contextmanager
def progress(total_bytes: int | None, description: str) -> Iterator[Callable[[int], None]]:
    """Show how a transfer goes, once it has run for two seconds and will need three.

    Args:
        total_bytes: How many bytes there are to move, or None if nobody
            knows; then a bar without an end appears after three seconds.
        description: What stands before the bar.

    Yields:
        A function, to be called with every number of bytes that were moved,
        from any thread. It never raises.
    """
    shown = _Progress(total_bytes, description)
    try:
        yield shown.advance
    finally:
        shown.close()


class _Progress:
    def __init__(self, total: int | None, description: str) -> None:
        self._total = total
        self._description = description
        self._done = 0
        self._began = monotonic()
        self._bar: Any = None
        self._closed = False
        self._lock = threading.Lock()

    def advance(self, count: int) -> None:
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
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
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
