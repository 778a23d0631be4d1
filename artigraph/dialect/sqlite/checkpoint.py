"""An SQLite file that is whole by itself: what its journal holds is moved into it.

In WAL mode a commit goes to a second file, the journal (``-wal``), and SQLite moves it
into the first one every thousand pages, and when the last connection closes. A kernel
keeps its connections until its process ends, and then they are not closed: a copy of
the file alone would be a database without its latest rows, or an empty one.

A commit notes that its file was written. One daemon thread makes a file whole once
nobody has written for a second, on a connection of its own that waits for no lock, so
neither a writer nor an event loop waits for it. It ends when every file is whole. At
the end of the process, the same is done at once.

* a transaction that is open keeps the journal in use: the thread comes back
* a process that is killed leaves its journal; the next one that opens the file makes it
  whole
* a file that was moved, deleted or replaced is left alone
* a forked child knows none of its parent's files, and has a thread of its own
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from weakref import WeakValueDictionary

__all__ = ["DatabaseFile", "database_file", "make_all_whole"]

QUIET = 1.0
"""Seconds without a commit after which a file is made whole."""

LONGEST_WAIT = 60.0
"""Seconds at most between two attempts at a file whose journal stays in use."""

_due: dict[DatabaseFile, float] = {}
"""The files that were written, and when to make each whole.

Whoever begins with one takes it out first: a commit meanwhile puts it in again.
"""

_thread: threading.Thread | None = None
_starting = threading.Lock()
_nothing_due = threading.Event()
"""Set to have the thread look whether it may end."""

_checkpointing = threading.Lock()
"""Held by whoever makes files whole: a process must neither end nor fork amid that."""


class DatabaseFile:
    """A file that connections of this process write to.

    Args:
        path: Where SQLite says that it is.

    Raises:
        OSError: There is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = f"{path}-wal"
        self._identity = _identity(path)
        self._wait = QUIET

    def is_still(self) -> bool:
        """Whether the file at the path is still the one that was opened."""
        try:
            return _identity(self.path) == self._identity
        except OSError:
            return False

    def has_journal(self) -> bool:
        """Whether something lies in the journal that may not be in the file."""
        try:
            return os.stat(self._journal).st_size > 0
        except OSError:
            return False

    def mark_written(self) -> None:
        """Have it made whole once it is quiet."""
        _due[self] = time.monotonic() + QUIET
        if _thread is None:
            _start()

    def make_whole(self) -> None:
        """Move what the journal holds into the file, now.

        What an open transaction stands in the way of, the thread does later.
        """
        with _checkpointing:
            self._make_whole()

    def _make_whole(self) -> None:
        _due.pop(self, None)
        if self._checkpoint():
            self._wait = QUIET
        else:
            _due.setdefault(self, time.monotonic() + self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            _start()
        if not _due:
            _nothing_due.set()

    def _checkpoint(self) -> bool:
        """Whether nothing is left to do."""
        # Beside another file the journal would be taken for that one's.
        if not self.has_journal() or not self.is_still():
            return True
        try:
            # Not to be made if it goes this moment; and not to wait for any lock.
            address = f"{self.path.as_uri()}?mode=rw"
            with closing(sqlite3.connect(address, uri=True, timeout=0)) as connection:
                # Writers may go on while most of the work is done, and wait for the rest only.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            return False  # locked, or the disk is full: the journal stays as it is
        return not busy


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


_files: WeakValueDictionary[Path, DatabaseFile] = WeakValueDictionary()


def database_file(path: Path) -> DatabaseFile | None:
    """The one object for a file, whichever connections lead to it.

    Args:
        path: Where SQLite says that it is.

    Returns:
        ``None`` if there is no such file, as for a memory database.
    """
    file = _files.get(path)
    if file is None or not file.is_still():
        try:
            file = _files[path] = DatabaseFile(path)
        except OSError:
            return None
    return file


def make_all_whole() -> None:
    """Make every file whole that was written, now."""
    with _checkpointing:
        for file in list(_due):
            file._make_whole()


# Early, so that it runs late: what other handlers write is in.
atexit.register(make_all_whole)


def _start() -> None:
    global _thread
    with _starting:
        if _thread is None:
            thread = threading.Thread(target=_serve, name="artigraph-checkpoint", daemon=True)
            # An interpreter that ends starts no threads; its last act is make_all_whole().
            with suppress(RuntimeError):
                thread.start()
                _thread = thread


def _serve() -> None:
    while not _ends():
        _nothing_due.clear()
        due = list(_due.items())
        if not due:
            continue
        file, when = min(due, key=lambda item: item[1])
        wait = when - time.monotonic()
        if wait > 0:
            # No longer: another file may be due before this one.
            _nothing_due.wait(min(wait, QUIET))
        else:
            file.make_whole()


def _ends() -> bool:
    global _thread
    with _starting:
        # In this order: whoever marks a file now either is seen here, or starts a thread.
        this, _thread = _thread, None
        if _due:
            _thread = this
    return _thread is not this


def _begin_child() -> None:
    global _thread, _starting, _nothing_due
    _thread, _starting, _nothing_due = None, threading.Lock(), threading.Event()
    _due.clear()
    _files.clear()
    _checkpointing.release()


# A child that was made amid a checkpoint would have SQLite's locks, but not their holder.
os.register_at_fork(
    before=_checkpointing.acquire,
    after_in_parent=_checkpointing.release,
    after_in_child=_begin_child,
)
