"""Files of SQLite that may be read and not written, and those in such folders.

Reading a file in WAL mode wants a journal and its index beside it, also where there is
nothing to read in them. Where they cannot be made, a connection may be told that nobody
changes the file (``immutable``), and then needs neither. That holds only while nobody
does: with a journal beside the file, its latest rows would be missing without a word.

* each time such a connection is taken from its pool, the file is looked at; if it has
  changed, another connection is opened in its place
* an address that says how the file is to be locked is followed to the letter
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.util import await_only

from artigraph.concurrency import run_in_thread
from artigraph.dialect.base import ONLY_READS
from artigraph.dialect.sqlite.address import options_of, path_of
from artigraph.errors import EngineURLError, ReadOnlyError

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = [
    "SNAPSHOT",
    "explain_refused_write",
    "locks_as_usual",
    "open_where_nothing_can_be_made",
    "raise_if_read_only",
    "refuse_if_changed",
]

SNAPSHOT = "artigraph_snapshot"
"""In a connection's record: the file as it was when nobody was to change it."""

Snapshot = tuple[Path, tuple[int, ...]]


def locks_as_usual(options: Mapping[str, Any]) -> bool:
    """Whether a file that is opened so may be opened beside it in the usual way.

    Args:
        options: Of :func:`artigraph.dialect.sqlite.address.options_of`.
    """
    return options.keys().isdisjoint({"immutable", "nolock", "vfs"}) and (
        options.get("mode") != "memory"
    )


def open_where_nothing_can_be_made(
    _dialect: object,
    record: ConnectionPoolEntry | None,
    arguments: list[Any],
    options: dict[str, Any],
) -> None:
    """Before a connection is made: make it one that reads, where nothing can be written.

    For SQLAlchemy's event ``do_connect``; it changes the arguments.

    Raises:
        EngineURLError: The file's latest rows are in a journal that cannot be read here.
    """
    address = str(arguments[0])
    if record is None or not locks_as_usual(options_of(address, {})):
        return
    path = path_of(address)
    if os.access(path.parent, os.W_OK):
        return
    snapshot = await_only(run_in_thread(_snapshot_if_needed, path))
    if snapshot is not None:
        arguments[0] = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        options["uri"] = True
        record.info[SNAPSHOT] = snapshot


def _snapshot_if_needed(path: Path) -> Snapshot | None:
    """What to hold a file to that can be read in no other way, else ``None``."""
    if not os.access(path, os.R_OK):
        return None  # the connection says so
    snapshot = path, _state(path)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as probe:
            probe.execute("PRAGMA schema_version")
    except sqlite3.OperationalError:
        pass
    else:
        return None
    journal = path.with_name(f"{path.name}-wal")
    if journal.exists() and journal.stat().st_size:
        raise EngineURLError(
            f"The database {path} cannot be read: {journal.name} beside it holds its latest rows, "
            f"and reading that means writing to {path.parent}, which this user may not. "
            f"Copy {path.name} and {journal.name} to a folder of your own and use that copy; or "
            "have somebody who may write there read one node with artigraph: the file is then "
            "whole by itself."
        )
    return snapshot


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    journal = path.with_name(f"{path.name}-wal")
    size = journal.stat().st_size if journal.exists() else 0
    return found.st_ino, found.st_size, found.st_mtime_ns, size


def refuse_if_changed(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have a pool open another connection if the file is not as it was.

    For SQLAlchemy's event ``checkout``.

    Raises:
        DisconnectionError: It is not; the pool tries again by itself.
    """
    snapshot: Snapshot | None = record.info.get(SNAPSHOT)
    if snapshot is None:
        return
    path, state = snapshot
    try:
        changed = _state(path) != state
    except OSError:
        changed = True
    if changed:
        raise DisconnectionError(f"{path} was changed by somebody else")


def explain_refused_write(context: ExceptionContext) -> None:
    """Say why a write was refused, where SQLite says that it was.

    For SQLAlchemy's event ``handle_error``.

    Raises:
        ReadOnlyError: The database can only be read.
    """
    error, connection = context.original_exception, context.connection
    if connection is not None and not connection.closed and ONLY_READS in connection.info:
        return  # whoever has told it so says why
    if isinstance(error, sqlite3.Error) and context.engine is not None:
        raise_if_read_only(error, context.engine.url)


def raise_if_read_only(error: sqlite3.Error, url: URL) -> None:
    """The same, for a statement that SQLAlchemy has not sent itself.

    Raises:
        ReadOnlyError: The database can only be read.
    """
    if "readonly database" in str(error):
        raise ReadOnlyError(
            f"The database {url.database} can only be read: {_reason(url)}. Nothing was written."
        ) from error


def _reason(url: URL) -> str:
    name = str(url.database)
    options = options_of(name, url.query)
    if "immutable" in options or options.get("mode") == "ro":
        return "its address asks for that. Set one without mode= and immutable="
    path = path_of(name)
    if not path.exists():
        return "it was moved or deleted while it was open. Put it back, or set its new address"
    # What lies beside the file has its rights, unless somebody else's process made it.
    beside = [path.with_name(path.name + end) for end in ("-wal", "-shm")]
    shut = _shut(path, path.parent) or _shut(*beside) or [name]
    return (
        f"this user may not write to {' and '.join(shut)}. Ask for that right, or work on a copy "
        f"of your own (of {path.name}, and of {path.name}-wal where there is one)"
    )


def _shut(*paths: Path) -> list[str]:
    return [str(path) for path in paths if path.exists() and not os.access(path, os.W_OK)]
