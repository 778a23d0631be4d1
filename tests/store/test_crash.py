"""Processes that die while they write and delete: no row is ever without its bytes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from artigraph import (
    ModelFilter,
    NodeFilter,
    RemoteArtifact,
    check_storage,
    collect_garbage,
    delete_nodes,
    get_engine,
    read_models,
)
from artigraph.storage.file import FileSystemStorage

pytestmark = pytest.mark.skipif(os.name == "nt", reason="SIGKILL and fork are a thing of POSIX")

PREAMBLE = """
import asyncio, os, random, signal, sys, time
import numpy as np, pandas as pd
from typing import Any
from sqlalchemy import event
from artigraph import *
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage

url, folder = sys.argv[1:]

def model(storage):
    return create_model(
        "CrashFit",
        number=int,
        frame=(Any, model_field(serializer=dataframe_serializer, storage=storage)),
        array=(Any, model_field(serializer=array_serializer, storage=storage)),
    )

def make(fit_model, number):
    return fit_model(
        number=number,
        frame=pd.DataFrame({"n": np.full(500, number)}),
        array=np.full(20_000 * (number % 3 + 1), number),
    )

def hand_over(*words):
    # The test looks at what is left, and says when to go on.
    print(*words, flush=True)
    sys.stdin.readline()
"""

RANDOM = """
async def work(seed):
    set_engine(url, create_tables=True)
    dice = random.Random(seed)
    fit_model = model(FileSystemStorage(folder))

    async def one(task):
        for turn in range(100_000):
            numbers = [dice.randrange(6) for _ in range(dice.randrange(1, 4))]
            models = {str(n): make(fit_model, number) for n, number in enumerate(numbers)}
            root = await write_node(new_node(node_label=f"{seed}.{task}.{turn}"))
            await write_models(parent_id=root.node_id, models=models)
            if turn == 0 and task == 0:
                os.write(started, b"x")
            if dice.random() < 0.8:
                await delete_nodes(NodeFilter(node_id=root.node_id))

    await asyncio.gather(one(0), one(1))

dice = random.Random(7)
for seed in range(15):
    waiting, started = os.pipe()
    victim = os.fork()
    if victim == 0:
        asyncio.run(work(seed))
        os._exit(1)
    os.close(started)
    os.read(waiting, 1)
    os.close(waiting)
    time.sleep(dice.random() * 0.15)
    os.kill(victim, signal.SIGKILL)
    _, status = os.waitpid(victim, 0)
    hand_over("killed", seed, os.WTERMSIG(status) if os.WIFSIGNALED(status) else "ended")
"""

STEPS = """
class Dies(FileSystemStorage):
    step = ""
    count = 0

    def die(self, step):
        if self.step == step:
            os._exit(9)

    async def create_from(self, write):
        self.die("before the first put")
        def half(file):
            if self.step == "in the middle of a put":
                file.write(b"half of it")
                os._exit(9)
            write(file)
        done = await super().create_from(half)
        self.count += 1
        self.die("after the first put")
        if self.count == 2:
            self.die("after the last put")
        return done

    async def exists(self, location):
        self.die("in the transaction, before its rows")
        return await super().exists(location)

    async def delete(self, location):
        self.die("after the commit, before the removal")
        await super().delete(location)
        self.die("in the middle of the removal")

async def work(step, after):
    set_engine(url, create_tables=True)
    storage = Dies(folder)
    fit_model = model(storage)
    engine = await get_engine()
    await write_model(label="kept", model=make(fit_model, 1))
    await write_model(label="equal", model=make(fit_model, 2))
    await write_model(label="victim", model=make(fit_model, 2 if after == "shared" else 3))
    storage.step, storage.count = step, 0

    def commit(connection):
        if step == "before the commit":
            os._exit(9)

    event.listen(engine.sync_engine, "commit", commit)
    if after == "write":
        await write_model(label="new", model=make(fit_model, 4))
    else:
        await delete_models(NodeFilter(label="victim"))
    storage.die("after all of it")

WRITE = [
    "before the first put", "in the middle of a put", "after the first put", "after the last put",
    "in the transaction, before its rows", "before the commit", "after all of it",
]
DELETE = [
    "before the commit", "after the commit, before the removal", "in the middle of the removal",
    "after all of it",
]
SHARED = ["before the commit", "after all of it"]
for what, steps in (("write", WRITE), ("delete", DELETE), ("shared", SHARED)):
    for step in steps:
        victim = os.fork()
        if victim == 0:
            try:
                asyncio.run(work(step, what))
            finally:
                os._exit(1)
        _, status = os.waitpid(victim, 0)
        hand_over(what, os.waitstatus_to_exitcode(status), step)
"""


class Child:
    """A process that makes others die, and waits each time until that is looked at."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    async def next(self) -> list[str]:
        """What it says of the next one; nothing once it has come to its end."""
        assert self._process.stdout is not None
        return (await asyncio.to_thread(self._process.stdout.readline)).strip().split(maxsplit=2)

    def go_on(self) -> None:
        """Let it go on."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@asynccontextmanager
async def child(script: str, *arguments: str) -> AsyncIterator[Child]:
    """Start a script and see that it ends well."""
    process = subprocess.Popen(  # noqa: ASYNC220  # starting one takes no time
        [sys.executable, "-W", "error", "-c", PREAMBLE + script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        async with asyncio.timeout(300):
            yield Child(process)
            _, errors = await asyncio.to_thread(process.communicate, timeout=300)
            assert (process.returncode, errors) == (0, "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def blobs_in(folder: Path) -> set[str]:
    """Every file in a storage's folder, temporary ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def collect_all(storage: FileSystemStorage, named: set[str]) -> int:
    """Collect while nobody writes: exactly what no row names goes, and nothing is left to do."""
    before = blobs_in(storage.directory)
    dry = await collect_garbage(storage, older_than=timedelta(0))
    assert blobs_in(storage.directory) == before
    assert dry.num_blobs == len(before - named)
    real = await collect_garbage(storage, older_than=timedelta(0), dry_run=False)
    assert (real.num_blobs, real.nbytes) == (dry.num_blobs, dry.nbytes)
    assert blobs_in(storage.directory) == named
    again = await collect_garbage(storage, older_than=timedelta(0), dry_run=False)
    assert (again.num_blobs, again.nbytes, again.blobs) == (0, 0, [])
    return real.num_blobs


async def named_by_rows(storage: FileSystemStorage) -> set[str]:
    """The locations that rows name."""
    async with (await get_engine()).connect() as connection:
        query = select(RemoteArtifact.remote_artifact_location).where(
            RemoteArtifact.remote_artifact_storage == storage.name
        )
        return {str(location) for location in (await connection.execute(query)).scalars()}


async def test_sigkill_at_random_moments(store: str, database_url: str, tmp_path: Path) -> None:
    """15 writers and deleters die one after another: every row has its bytes after each."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    rounds = collected = 0
    async with child(RANDOM, database_url, str(tmp_path / "blobs")) as killer:
        while said := await killer.next():
            assert said == ["killed", str(rounds), "9"]
            rounds += 1
            report = await check_storage(storage)
            assert report.ok, report.rows
            if rounds % 5 == 0:
                collected += await collect_all(storage, await named_by_rows(storage))
                assert (await check_storage(storage)).orphans.num_blobs == 0
            killer.go_on()
    assert rounds == 15
    await read_every_model()


async def read_every_model() -> None:
    """Every model that is left reads, whole and with its own values."""
    for found in await read_models(ModelFilter()):
        fields = found.value.data  # nobody here defines its class
        number = fields["number"]
        assert set(fields["frame"].n) == {number}
        assert set(fields["array"].tolist()) == {number}


WRITTEN = {"kept", "equal", "victim"}


async def test_death_at_every_step(store: str, database_url: str, tmp_path: Path) -> None:
    """At each step of a write and of a delete: rows whole or gone, bytes or at worst orphans."""
    storage = FileSystemStorage(tmp_path / "blobs").register()
    steps = []
    async with child(STEPS, database_url, str(tmp_path / "blobs")) as killer:
        while said := await killer.next():
            what, code, step = said
            assert code == "9", f"{what}: {step} was never reached"
            steps.append((what, step))
            report = await check_storage(storage)
            assert report.ok, (said, report.rows)
            labels = {model.artifact.node_label for model in await read_models(ModelFilter())}
            committed = step not in UNCOMMITTED
            if what == "write":
                assert labels == (WRITTEN | {"new"} if committed else WRITTEN), step
            else:
                assert labels == (WRITTEN - {"victim"} if committed else WRITTEN), step
            await read_every_model()
            orphans = await collect_all(storage, await named_by_rows(storage))
            if (what, step) in ORPHANS:
                assert orphans == ORPHANS[what, step], (what, step)
            await delete_nodes(NodeFilter(), everything=True)
            assert blobs_in(tmp_path / "blobs") == set()
            killer.go_on()
    assert len(steps) == 13


UNCOMMITTED = {
    "before the first put",
    "in the middle of a put",
    "after the first put",
    "after the last put",
    "in the transaction, before its rows",
    "before the commit",
}
ORPHANS = {
    ("write", "before the first put"): 0,
    ("write", "after the last put"): 2,
    ("write", "in the transaction, before its rows"): 2,
    ("write", "before the commit"): 2,
    ("write", "after all of it"): 0,
    ("delete", "before the commit"): 0,
    ("delete", "after the commit, before the removal"): 2,
    ("delete", "after all of it"): 0,
    ("shared", "before the commit"): 0,
    ("shared", "after all of it"): 0,
}
"""How many orphans there are exactly; elsewhere other puts and removals are under way."""
