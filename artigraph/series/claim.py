"""Who writes the curves of a node: one at a time.

A row says who, and when that one last wrote. It is taken over from somebody who has not written for
a minute, or whose process is known to be gone; whoever has lost it learns so with the next write,
in the same transaction, and so spoils nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Insert, Update, delete, exists, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from artigraph.db.outcome import conflict
from artigraph.display.escape import cut
from artigraph.errors import NodeNotFoundError, SeriesTakenError
from artigraph.filter.base import PRESENT
from artigraph.node.closed import closed_parent
from artigraph.orm.base import is_moment, utc_now
from artigraph.orm.node import node_table
from artigraph.orm.series import SeriesWriterRecord

__all__ = ["SILENT", "claim", "new_token", "release", "renew"]

SILENT = timedelta(seconds=60)
"""How long a writer is waited for that does not write."""

_table: Any = SeriesWriterRecord.__table__
_columns = _table.c


@cache
def _machine() -> str:
    # What tells processes of this machine, and of this container, from those of all others.
    told = [socket.gethostname()]
    for file in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        with suppress(OSError):
            told.append(Path(file).read_text())
    with suppress(OSError):
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    return sha256("\0".join(told).encode()).hexdigest()[:12]


def new_token() -> str:
    """A name for a writer of this process."""
    return f"{_machine()}-{os.getpid()}-{secrets.token_hex(8)}"


def _is_gone(token: str, is_ours: Callable[[str], bool]) -> bool:
    """Whether the writer of a name is known to write no more."""
    machine, _, rest = token.partition("-")
    pid, _, _ = rest.partition("-")
    if machine != _machine() or not pid.isdecimal() or len(pid) > 9:
        return False
    if int(pid) == os.getpid():
        return not is_ours(token)
    if os.name != "posix":  # elsewhere that signal ends the process
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _here(node_id: int) -> tuple[Any, ...]:
    """The clause for a node on which something may be written."""
    return node_table.c.node_id == node_id, PRESENT, node_table.c.node_locked_at.is_(None)


def renew(connection: Connection, node_id: int, token: str) -> bool:
    """Say that a writer writes, in the transaction that does so.

    Returns:
        Whether it still may.
    """
    here = exists(select(node_table.c.node_id).where(*_here(node_id)))
    mine = (_columns.writer_node_id == node_id, _columns.writer_token == token, here)
    said = update(_table).where(*mine).values(writer_at=utc_now())
    return connection.execute(said).rowcount == 1


def claim(connection: Connection, node_id: int, token: str, is_ours: Callable[[str], bool]) -> None:
    """Become the one who writes the curves of a node.

    Args:
        connection: One whose transaction writes.
        node_id: The node.
        token: The writer's name.
        is_ours: Whether a name of this process is one of a writer that is open.

    Raises:
        SeriesTakenError: Somebody else writes them.
        NodeNotFoundError: There is no such node.
        LockedError: It is locked.
    """
    query = select(_columns.writer_token, _columns.writer_at).where(
        _columns.writer_node_id == node_id
    )
    row = connection.execute(query).first()
    if row is not None:
        # Of one that was closed meanwhile nobody else is the reason.
        _refuse_closed(connection, node_id)
    if row is None:
        names = ["writer_node_id", "writer_token", "writer_at"]
        values = [
            literal(token, _columns.writer_token.type),
            literal(utc_now(), _columns.writer_at.type),
        ]
        rows = select(node_table.c.node_id, *values).where(*_here(node_id))
        made: Insert | Update = insert(_table).from_select(names, rows)
    else:
        _refuse_taken(node_id, row.writer_token, row.writer_at, is_ours)
        made = (
            update(_table)
            .where(
                _columns.writer_node_id == node_id,
                _columns.writer_token == row.writer_token,
                exists(select(node_table.c.node_id).where(*_here(node_id))),
            )
            .values(writer_token=token, writer_at=utc_now())
        )
    try:
        changed = connection.execute(made).rowcount
    except IntegrityError as error:
        raise conflict(error.orig or error) from error
    if changed != 1:
        _refuse_closed(connection, node_id)
        raise conflict("another writer has begun at the same moment")


def _refuse_taken(node_id: int, token: object, at: object, is_ours: Callable[[str], bool]) -> None:
    if not isinstance(token, str) or not isinstance(at, datetime) or not is_moment(at):
        return  # nobody that writes has put that there
    silent = utc_now() - at
    if silent > SILENT or _is_gone(token, is_ours):
        return
    machine, _, rest = token.partition("-")
    pid = cut(rest.partition("-")[0], 12)
    who = f"process {pid} of this machine" if machine == _machine() else "another machine"
    if machine == _machine() and pid == str(os.getpid()):
        who = "another writer of this process"
    seconds = max(0, int(silent.total_seconds()))
    raise SeriesTakenError(
        f"The curves of node {node_id} are written by {who}, which last wrote {seconds} s ago, "
        "and there is one writer of a node at a time. End it first, by await series.close() or "
        f"with its run, or log to a node of your own. Where it is gone for good, this works "
        f"{SILENT.total_seconds():.0f} s after it last wrote."
    )


def _refuse_closed(connection: Connection, node_id: int) -> None:
    columns = node_table.c
    query = select(columns.node_trashed_at, columns.node_locked_at).where(
        columns.node_id == node_id
    )
    row = connection.execute(query).first()
    if row is None:
        raise NodeNotFoundError(
            f"There is no node {node_id} to log to: it was deleted, or is of another database. "
            "Nothing was written."
        )
    if row.node_trashed_at is not None or row.node_locked_at is not None:
        raise closed_parent(connection, node_id, "no curves are written there")


def release(connection: Connection, node_id: int, token: str) -> None:
    """Let others write the curves of a node."""
    mine = (_columns.writer_node_id == node_id, _columns.writer_token == token)
    connection.execute(delete(_table).where(*mine))
