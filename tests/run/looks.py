"""Runs of tests: read anew, learned of, and lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import update

from artigraph import (
    DataModel,
    NodeFilter,
    TrackedRun,
    read_node,
)
from artigraph.db.session import write
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.run import ALIVE


class RunFit(DataModel, version=1):
    loss: float


async def run_of(label: str) -> TrackedRun:
    """A run, read anew."""
    found = await read_node(NodeFilter(label=label))
    assert isinstance(found, TrackedRun)
    return found


async def learned(label: str) -> TrackedRun:
    """A run, once its environment is known."""
    for _ in range(1_000):
        if (found := await run_of(label)).tracked_run_environment is not None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("the environment was not noted")


async def lose(label: str, ago: timedelta = ALIVE * 2) -> None:
    """Let a run look as if its process had been killed a while ago."""
    async with write() as transaction:
        await transaction.connection.execute(
            update(node_table)
            .where(node_table.c.node_label == label)
            .values(tracked_run_status="running", tracked_run_beat_at=utc_now() - ago)
        )
