"""Chaos: many processes at one store, and everything that can go wrong, for some minutes.

``python -m tests.chaos --seconds 600 --seed 7 --databases sqlite,postgresql,mariadb``

Databases take turns. In a round, writers, readers, movers, deleters and collectors work in
several processes; these are killed and begun anew, their connections cut, their calls
cancelled, their disk full. Then everything is compared with what they have reported, and
deleted. Ends with 1 if anything was wrong. What the seed settles is what is tried;
what meets what is the machine's affair.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import make_url

from artigraph import engine_context, get_engine
from tests.chaos.checks import check_round, clear
from tests.chaos.faults import Proxy, proxy_to
from tests.chaos.journal import Entry, read_journals
from tests.chaos.scene import Scene, Values, make_scene
from tests.chaos.worker import Task, run
from tests.conftest import DATABASES, own_database

PROCESSES = 3
ROUND = 30.0
"""Seconds of a round, without its checks."""
PATIENCE = 90.0
"""Seconds after which a worker that should have stopped hangs."""

spawner = multiprocessing.get_context("forkserver")


@dataclass
class Figures:
    """What one database has seen."""

    rounds: int = 0
    kills: int = 0
    cuts: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    said: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, entries: list[Entry]) -> None:
        """Count operations."""
        self.outcomes.update((entry.kind.split()[0], entry.outcome) for entry in entries)
        for entry in entries:
            if (error := entry.more.get("error")) is not None:
                self.errors[error] += 1
                self.said.setdefault(error, f"{entry.kind}: {entry.more.get('told', '')[:200]}")


class Round:
    """Some seconds of chaos on one database.

    Args:
        url: The database.
        folder: Of this round, for the journals; the blobs are beside it.
        values: The models.
        seed: What the dice are thrown by.
        until: When it ends, by ``time.time()``.
    """

    def __init__(self, url: str, folder: Path, values: Values, seed: str, until: float) -> None:
        self.url, self.folder, self.values, self.seed = url, folder, values, seed
        self.until, self.kills, self._made = until, 0, 0
        self.dice = random.Random(seed)

    def _start(self, scene: Scene, url: str) -> BaseProcess:
        self._made += 1
        name = f"w{self._made}"
        process = spawner.Process(
            target=run,
            args=(
                Task(
                    name=name,
                    seed=f"{self.seed}.{name}",
                    url=url,
                    folder=self.values.files.directory,
                    journals=self.folder,
                    scene=scene,
                    until=self.until,
                    fills_disk=self._made % 3 == 0,
                ),
            ),
        )
        process.start()
        return process

    async def run(self, proxy: Proxy | None) -> list[str]:
        """Let it happen; what is wrong already."""
        scene = await make_scene()
        url = make_url(self.url)
        if proxy is not None:
            url = url.set(host="127.0.0.1", port=proxy.port)
        address = url.render_as_string(hide_password=False)
        workers = [self._start(scene, address) for _ in range(PROCESSES)]
        wrong: list[str] = []
        try:
            while time.time() < self.until:
                await asyncio.sleep(self.dice.random() * 1.5)
                if proxy is not None and self.dice.random() < 0.7:
                    proxy.hang_up()
                place = self.dice.randrange(PROCESSES)
                if self.dice.random() < 0.3 and workers[place].is_alive():
                    workers[place].kill()
                    self.kills += 1
                    await asyncio.to_thread(workers[place].join)
                elif workers[place].is_alive() or time.time() >= self.until:
                    continue
                elif workers[place].exitcode != 0:
                    wrong.append(f"a worker ended with {workers[place].exitcode}")
                workers[place] = self._start(scene, address)
            for worker in workers:
                await asyncio.to_thread(worker.join, max(0.0, self.until + PATIENCE - time.time()))
                if worker.exitcode is None:
                    wrong.append(f"a worker hangs: {worker.name}")
                elif worker.exitcode != 0:
                    wrong.append(f"a worker ended with {worker.exitcode}")
        finally:
            for worker in workers:
                if worker.is_alive():
                    worker.kill()
                    worker.join()
        entries, faults = read_journals(self.folder)
        self.entries = entries
        try:
            wrong += await check_round(self.values, scene, entries)
        except Exception:
            wrong.append(f"the checks ended with an error:\n{traceback.format_exc()}")
        return [*wrong, *faults]


async def one_round(
    url: str, folder: Path, values: Values, seed: str, seconds: float, figures: Figures
) -> None:
    """A round with its checks; the store is empty afterwards."""
    address = make_url(url)
    async with AsyncExitStack() as stack:
        stack.enter_context(engine_context(url, create_tables=True))
        proxy = None
        if address.host:
            port = address.port or 0
            dice = random.Random(f"{seed}.cuts")
            proxy = await stack.enter_async_context(proxy_to(address.host, port, dice))
        this = Round(url, folder, values, seed, time.time() + seconds)
        wrong = await this.run(proxy)
        wrong += await clear(values)
        await (await get_engine()).dispose()
    figures.rounds += 1
    figures.kills += this.kills
    figures.cuts += proxy.cut if proxy else 0
    figures.add(this.entries)
    figures.wrong += [f"[seed {seed}] {text}" for text in wrong]


def tell(name: str, figures: Figures) -> None:
    """Print what was seen."""
    total = Counter[str]()
    kinds: dict[str, Counter[str]] = {}
    for (kind, outcome), count in figures.outcomes.items():
        total[outcome] += count
        kinds.setdefault(kind, Counter())[outcome] += count
    sys.stdout.write(
        f"{name}: {figures.rounds} rounds, {sum(total.values())} operations ({total['done']} done, "
        f"{total['failed']} failed, {total['unknown']} of unknown outcome), {figures.kills} kills, "
        f"{figures.cuts} connections cut; {len(figures.wrong)} wrong\n"
    )
    for kind, outcomes in sorted(kinds.items()):
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        sys.stdout.write(f"  {kind:8} {told}\n")
    for error, count in figures.errors.most_common():
        sys.stdout.write(f"  {count} {error}, such as {figures.said[error]}\n")
    # Of what differs in numbers alone, the first is told.
    alike: dict[str, list[str]] = {}
    for wrong in figures.wrong:
        alike.setdefault(re.sub(r"\d+", "", wrong[-200:]), []).append(wrong)
    for same in list(alike.values())[:20]:
        sys.stdout.write(f"  WRONG, {len(same)} times: {same[0]}\n")


def main() -> int:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--databases", default=",".join(DATABASES))
    given = parser.parse_args()
    names = given.databases.split(",")
    sys.stdout.write(f"seed {given.seed}, {given.seconds:g} seconds on {', '.join(names)}\n")
    sys.stdout.flush()
    spawner.set_forkserver_preload(["tests.chaos.worker"])
    ends = time.time() + given.seconds
    figures = {name: Figures() for name in names}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="artigraph-chaos-")))
        urls = {
            name: f"sqlite+aiosqlite:///{folder / 'chaos.db'}"
            if name == "sqlite"
            else stack.enter_context(own_database(name, "artigraph_chaos"))
            for name in names
        }
        values = Values(folder / "blobs")
        turn = 0
        while (left := ends - time.time()) > 1:
            name = names[turn % len(names)]
            seconds = min(ROUND, left, given.seconds / len(names))
            seed = f"{given.seed}.{turn}"
            journals = folder / f"round {turn}"
            journals.mkdir()
            asyncio.run(one_round(urls[name], journals, values, seed, seconds, figures[name]))
            shutil.rmtree(journals)
            turn += 1
            told = figures[name]
            sys.stdout.write(f"round {turn}, {name}: {len(told.wrong)} wrong so far\n")
            sys.stdout.flush()
    for name in names:
        tell(name, figures[name])
    return 1 if any(told.wrong for told in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
