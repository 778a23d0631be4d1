"""What a worker says of its operations, so that it is known after it was killed.

One file for each worker, only ever appended to, and flushed to the disk: a line before an
operation says what it is about to do, another one after it what came of that.
"""

from __future__ import annotations

import json
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import override

__all__ = ["Entry", "Journal", "Leaks", "read_journals", "small_disk"]


def small_disk(size: int | None) -> None:
    """Let no file of this process grow beyond a size, as on a full disk, or any again."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


@contextmanager
def _large_disk() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits[1], limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


class Journal:
    """A file that only grows.

    Args:
        file: The file; it is made.
    """

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        self._count = 0

    def begin(self, kind: str, **what: Any) -> int:
        """Say what will be tried; the operation's number."""
        self._count += 1
        self._append({"begin": self._count, "kind": kind, **what})
        return self._count

    def end(self, operation: int, outcome: str, **more: Any) -> None:
        """Say what came of it: ``done``, ``failed`` or ``unknown``."""
        self._append({"end": operation, "outcome": outcome, **more})

    def fault(self, text: str) -> None:
        """Say that something is wrong that may never be."""
        self._append({"fault": text})

    def _append(self, record: dict[str, Any]) -> None:
        with _large_disk():
            os.write(self._file, json.dumps(record).encode() + b"\n")
            os.fsync(self._file)


class Leaks(logging.Handler):
    """Of what is logged, only that a connection was given back by nobody is wrong."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if "garbage collector" in (text := record.getMessage()):
            self._journal.fault(text)


@dataclass
class Entry:
    """An operation as its worker has told of it; one without an outcome was killed."""

    worker: str
    kind: str
    what: dict[str, Any]
    outcome: str = "unknown"
    more: dict[str, Any] = field(default_factory=dict)


def read_journals(folder: Path) -> tuple[list[Entry], list[str]]:
    """All operations of all workers, and what they found wrong."""
    entries: list[Entry] = []
    faults: list[str] = []
    for file in sorted(folder.glob("*.journal")):
        own: dict[int, Entry] = {}
        for line in file.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # it was killed in the middle of a line
            record = json.loads(line)
            if "fault" in record:
                faults.append(f"{file.stem}: {record['fault']}")
            elif "begin" in record:
                own[record.pop("begin")] = Entry(file.stem, record.pop("kind"), record)
            else:
                entry = own[record.pop("end")]
                entry.outcome, entry.more = record.pop("outcome"), record
        entries += own.values()
    return entries, faults
