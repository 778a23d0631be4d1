"""Charts of what a thousand to a million rows cost on SQLite, for the guide of performance.

``python -m benchmarks.growth_charts`` measures in some minutes, prints a table, and draws
``docs/images/growth-*.svg``. Each round takes artigraph and the plain driver in turn, and the best
of each counts. Of a million rows there are two rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from artigraph import (
    DataModel,
    ModelFilter,
    Node,
    NodeRelationshipFilter,
    create_label_index,
    engine_context,
    get_engine,
    new_node,
    read_model,
    read_models,
    read_nodes,
    write_models,
    write_node,
    write_nodes,
)
from benchmarks.bench_calls import bare_sqlite
from benchmarks.chart import Line, draw
from benchmarks.plain import PlainStore
from benchmarks.report import seconds, seconds_async

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PICTURES = Path(__file__).parents[1] / "docs" / "images"
CALLS = 200
"""Single calls, of which the best would be luck; the median counts."""

BRANCHES = 100

Measure = Callable[[int, Path, PlainStore], Awaitable[None]]


@dataclass
class Chart:
    """One measure: its picture's name, its title, what sizes count, and the plain way's name."""

    name: str
    title: str
    across: str
    plain: str
    ours: dict[int, float] = field(default_factory=dict)
    theirs: dict[int, float] = field(default_factory=dict)

    def lines(self) -> list[Line]:
        """What is drawn."""
        return [Line("artigraph", self.ours), Line(self.plain, self.theirs)]

    def take(self, size: int, ours: list[float], theirs: list[float]) -> None:
        """Keep the best of some rounds, and print them."""
        self.ours[size], self.theirs[size] = min(ours), min(theirs)
        ratio = self.ours[size] / self.theirs[size]
        shown = f"{self.ours[size] * 1e3:,.2f} ms | {self.theirs[size] * 1e3:,.2f} ms"
        print(f"| {self.title} | {size:,} | {shown} | {ratio:.2f} |", flush=True)


WRITE = Chart("write", "Write models in one call", "models", "sqlite3")
READ = Chart("read", "Read models, as instances", "models", "sqlite3 and json")
BY_ID = Chart("by-id", "Read one model by its id", "models in the store", "aiosqlite")
SUBTREE = Chart("subtree", "Read all nodes of a subtree", "nodes", "sqlite3")
LABELS = Chart("labels", "Search all labels for what is in none", "models", "sqlite3, LIKE")


class GrowthFit(DataModel, version=1):
    """Five plain fields."""

    depth: int
    loss: float
    name: str
    converged: bool
    layers: list[int]


def rounds(size: int) -> int:
    """Fewer of what takes long."""
    return 5 if size <= 10_000 else 3 if size <= 100_000 else 2


def used(plain: PlainStore) -> int:
    """The last id of a plain store."""
    (last,) = plain.connection.execute("SELECT max(node_id) FROM artigraph_node").fetchone()
    return last or 0


async def models(size: int, path: Path, plain: PlainStore) -> None:
    """Write and read so many models below one node, as often as it is worth."""
    made = {f"m{i}": GrowthFit(i, i / 7, f"name{i}", True, [1, 2, 3]) for i in range(size)}
    fields = {label: dict(vars(model)) for label, model in made.items()}
    times: list[list[float]] = [[], [], [], []]
    for _ in range(rounds(size)):
        root = (await write_node(new_node())).node_id
        first = used(plain) + 1
        plain.write_nodes([None], first)
        times[0].append(await seconds_async(partial(write_models, parent_id=root, models=made)))
        times[1].append(seconds(partial(plain.write_models, first, fields, first + 1)))
        below = NodeRelationshipFilter(child_of=root)
        times[2].append(await seconds_async(partial(read_models, below)))
        times[3].append(seconds(partial(plain.read_models, first)))
    WRITE.take(size, *times[:2])
    READ.take(size, *times[2:])
    node_id = root + size // 2
    async with bare_sqlite(f"sqlite+aiosqlite:///{path}", root, node_id) as bare:
        by_id = partial(read_model, ModelFilter(node_id=node_id))
        BY_ID.take(size, *[[taken] for taken in await medians(by_id, bare.read)])


async def medians(*calls: Callable[[], Awaitable[object]]) -> list[float]:
    """The median of each call's times, all of them taken in turn."""
    loop = asyncio.get_running_loop()
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(CALLS):
        for call, taken in zip(calls, times, strict=True):
            start = loop.time()
            await call()
            taken.append(loop.time() - start)
    return [sorted(taken)[CALLS // 2] for taken in times]


async def subtree(size: int, path: Path, plain: PlainStore) -> None:
    """A root, some branches, and all other nodes spread below those."""
    root = await write_node(new_node())
    parents = [Node(node_parent_id=root.node_id) for _ in range(min(BRANCHES, size // 2))]
    branches = await write_nodes(parents)
    many = len(branches)
    leaves = [Node(node_parent_id=branches[i % many].node_id) for i in range(size - many)]
    await write_nodes(leaves)
    first = used(plain) + 1
    plain.write_nodes([None], first)
    plain.write_nodes([first] * many, first + 1)
    plain.write_nodes([first + 1 + i % many for i in range(size - many)], first + 1 + many)
    del parents, branches, leaves
    below = NodeRelationshipFilter(descendant_of=root)
    ours, theirs = [], []
    for _ in range(rounds(size)):
        ours.append(await seconds_async(partial(read_nodes, below)))
        theirs.append(seconds(partial(plain.read_subtree, first)))
    SUBTREE.take(size, ours, theirs)


async def labels(size: int, path: Path, plain: PlainStore) -> None:
    """Search by a part of a label, with the index that is made on demand."""
    # These define models called Fit, which whoever imports the charts alone has as well.
    from benchmarks.bench_labels import search
    from benchmarks.bench_questions import fill_sqlite

    del plain  # the same file is asked
    fill_sqlite(path, size)
    await create_label_index()
    bare = sqlite3.connect(path)
    query = "SELECT node_id FROM artigraph_node WHERE node_label LIKE '%nowhere%'"
    ours, theirs = [], []
    for _ in range(5):
        ours.append(await seconds_async(partial(search, "nowhere")))
        theirs.append(seconds(lambda: bare.execute(query).fetchall()))
    bare.close()
    LABELS.take(size, ours, theirs)


MEASURES: dict[str, tuple[Measure, tuple[Chart, ...]]] = {
    "models": (models, (WRITE, READ, BY_ID)),
    "subtree": (subtree, (SUBTREE,)),
    "labels": (labels, (LABELS,)),
}
CHARTS = [chart for _, charts in MEASURES.values() for chart in charts]


@asynccontextmanager
async def stores() -> AsyncIterator[tuple[Path, PlainStore]]:
    """A new store of artigraph's, and a plain one with its tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artigraph.db"
        with engine_context(f"sqlite+aiosqlite:///{path}", create_tables=True):
            engine = await get_engine()  # makes the tables
            plain = PlainStore(Path(folder) / "plain.db", path)
            try:
                yield path, plain
            finally:
                plain.connection.close()
                await engine.dispose()


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth_charts")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of rows")
    parser.add_argument("--into", type=Path, default=PICTURES, help="where pictures go")
    parser.add_argument("--only", choices=MEASURES, nargs="+", default=list(MEASURES))
    asked = parser.parse_args()
    for size in asked.sizes:
        for name in asked.only:
            async with stores() as (path, plain):
                await MEASURES[name][0](size, path, plain)
    for chart in (chart for name in asked.only for chart in MEASURES[name][1]):
        drawn = draw(chart.title, chart.across, chart.lines())
        (asked.into / f"growth-{chart.name}.svg").write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
