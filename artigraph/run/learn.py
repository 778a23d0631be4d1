"""Environment and commit of runs, looked up beside them and noted on their rows."""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, literal, select, true

from artigraph.concurrency import run_in_own_thread
from artigraph.db.fetch import ask
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.db.setting import current_setting, current_store, using
from artigraph.db.store import Store
from artigraph.dialect.registry import dialect_of
from artigraph.errors import ArtigraphError
from artigraph.node.hold import mark
from artigraph.orm.node import node_table
from artigraph.orm.run import EnvironmentRecord, TrackedRun
from artigraph.portal import start_in_portal
from artigraph.run.facts import commit_of, environment, environment_digest, known_commit

__all__ = ["environments_of", "learn_facts", "set_known_facts"]

_table: Any = EnvironmentRecord.__table__
_kept: dict[tuple[Store, UUID], str] = {}
"""The environment of this process, by the stores that have its row."""
_pending: set[Future[None]] = set()

LONGEST_END = 10.0
"""Seconds that a process waits at its end for what is still looked up."""


def _key() -> tuple[Store, UUID] | None:
    """The store in use, by its uid as well: another may come to lie at the address."""
    store = current_store()
    return None if store is None or store.uid is None else (store, store.uid)


def set_known_facts(node: TrackedRun) -> bool:
    """Note on a new row what is known already, and say whether that is all."""
    key = _key()
    digest = None if key is None else _kept.get(key)
    fresh, commit = known_commit(Path.cwd())
    node.tracked_run_environment, node.tracked_run_commit = digest, commit if fresh else None
    return digest is not None and fresh


def learn_facts(node_id: int) -> None:
    """Look up the rest, and note it on a written row; returns at once.

    Args:
        node_id: The run. Its row is of the database in use.
    """
    # Pinned: another database may be set before the thread has begun.
    with using(current_setting()):
        future = start_in_portal(_learn(node_id, Path.cwd()))
    _pending.add(future)
    future.add_done_callback(_pending.discard)


async def _learn(node_id: int, folder: Path) -> None:
    try:
        digest, commit = await asyncio.gather(
            _keep_environment(), run_in_own_thread(commit_of, folder)
        )
        await _note(node_id, digest, commit)
    except ArtigraphError:
        # A run goes on without; a database that is gone is told by what it writes itself.
        return
    finally:
        if (setting := current_setting()) is not None:
            setting.close_if_left()


async def _keep_environment() -> str:
    data = await run_in_own_thread(environment)
    digest = environment_digest(data)
    known = select(_table.c.environment_digest).where(_table.c.environment_digest == digest)
    if not await ask(known):
        await _insert(digest, data)
    key = _key()
    if key is not None:
        _kept[key] = digest
    return digest


@retried
async def _insert(digest: str, data: dict[str, Any]) -> None:
    async with write() as transaction:
        connection = transaction.connection
        database = dialect_of(connection)
        values = select(
            literal(digest, _table.c.environment_digest.type).label("environment_digest"),
            database.as_document(literal(data, _table.c.environment_data.type)).label(
                "environment_data"
            ),
        ).where(true())
        # Another process may note the same meanwhile, which changes nothing then.
        names = ["environment_digest", "environment_data"]
        await connection.execute(
            database.insert_or_change(
                _table, names, values, names[:1], lambda given: [(names[0], given[names[0]])]
            )
        )


@retried
async def _note(node_id: int, digest: str, commit: str | None) -> None:
    async with write() as transaction:
        await mark(
            transaction.connection,
            [node_id],
            lacking="node_locked_at",
            tracked_run_environment=digest,
            tracked_run_commit=commit,
        )


async def environments_of(chosen: ColumnElement[bool]) -> dict[int, dict[str, Any]]:
    """What some runs ran in, by their ids; runs that ran in the same share one object.

    Args:
        chosen: What finds them.
    """
    node, key = node_table.c, _table.c.environment_digest
    query = select(node.node_id, key, _table.c.environment_data).join(
        _table, key == node.tracked_run_environment
    )
    shared: dict[str, Any] = {}
    found = {}
    for row in await ask(query.where(chosen)):
        node_id, digest, data = tuple(row)
        if isinstance(data, dict):  # somebody else's may be anything
            found[node_id] = shared.setdefault(digest, data)
    return found


def _finish() -> None:
    wait(list(_pending), timeout=LONGEST_END)


atexit.register(_finish)
