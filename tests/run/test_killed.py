"""Runs whose process was killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import update

from artigraph import NodeFilter, TrackedRun, get_engine, read_node, read_runs, start_run
from artigraph.db.session import write
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.run import ALIVE

SCRIPT = """
import asyncio, sys, time
from artigraph import set_engine, start_run

async def main():
    set_engine(sys.argv[1])
    async with start_run("fit", lr=0.1) as run:
        await run.keep(first=1)
        for step in range(10_000_000):
            run.log(step, loss=1 / (step + 1))
            if step == 1_000:
                print("going", flush=True)
            time.sleep(0.001)

asyncio.run(main())
"""


@pytest.mark.usefixtures("store")
async def test_a_killed_run_is_lost_and_gone_on_with() -> None:
    """What it had logged until a moment before is there; then another process takes it."""
    url = (await get_engine()).url.render_as_string(hide_password=False)
    process = subprocess.Popen(  # noqa: ASYNC220  # it starts at once
        [sys.executable, "-c", SCRIPT, url], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        await asyncio.sleep(2)
        (row,) = await read_runs()
        assert row["status"] == "running"
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    (row,) = await read_runs()
    # It logs a thousand points a second at the most, and was watched for three.
    assert row["loss.points"] > 500
    node = await read_node(NodeFilter(label="fit"))
    assert isinstance(node, TrackedRun)
    assert node.tracked_run_status == "running"
    async with write() as transaction:
        # As a minute later.
        await transaction.connection.execute(
            update(node_table)
            .where(node_table.c.node_id == node.node_id)
            .values(tracked_run_beat_at=utc_now() - ALIVE - timedelta(seconds=1))
        )
    (row,) = await read_runs()
    assert (row["status"], row["first"]) == ("lost", 1)
    async with start_run("fit", resume=True, lr=0.1) as run:
        assert run.node.node_id == node.node_id
        run.log(loss=0.5)
    (again,) = await read_runs()
    assert again["status"] == "finished"
    assert again["loss"] == 0.5
    assert again["loss.points"] == row["loss.points"] + 1
