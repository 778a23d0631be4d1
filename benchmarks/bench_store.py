"""Writing and reading models and nodes on SQLite, against plain ``sqlite3``.

Each round takes both in turn, and the best of each is compared, so that a
noisy machine slows both alike.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from artigraph import (
    DataModel,
    ModelFilter,
    Node,
    NodeRelationshipFilter,
    new_node,
    read_model,
    read_models,
    read_nodes,
    set_engine,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from benchmarks.plain import PlainStore
from benchmarks.report import Report, seconds, seconds_async

ROUNDS = 5
SINGLE = 300


class Fit(DataModel, version=1):
    """Five plain fields."""

    depth: int
    loss: float
    name: str
    converged: bool
    layers: list[int]


def make_models(count: int) -> dict[str, Fit]:
    return {f"m{i}": Fit(i, i / 7, f"name{i}", True, [1, 2, 3]) for i in range(count)}


async def new_parent(plain: PlainStore) -> tuple[int, int]:
    """A parent in both stores, and the first id free below it in the plain one."""
    ours = (await write_node(new_node())).node_id
    (used,) = plain.connection.execute("SELECT max(node_id) FROM artigraph_node").fetchone()
    plain.write_nodes([None], ours := max(ours, (used or 0) + 1))
    return ours, ours + 1


async def bulk(report: Report, plain: PlainStore, count: int, rounds: int, limits: bool) -> float:
    models = make_models(count)
    fields = {label: dict(vars(model)) for label, model in models.items()}
    wrote, wrote_plain, did_read, did_read_plain = [], [], [], []
    for _ in range(rounds):
        parent = (await write_node(new_node())).node_id
        plain_parent, first = await new_parent(plain)
        wrote_plain.append(seconds(partial(plain.write_models, plain_parent, fields, first)))
        wrote.append(await seconds_async(partial(write_models, parent_id=parent, models=models)))
        children = NodeRelationshipFilter(child_of=parent)
        did_read_plain.append(seconds(partial(plain.read_models, plain_parent)))
        did_read.append(await seconds_async(partial(read_models, children)))
        assert [model.value for model in (await read_models(children))[:9]] == list(
            models.values()
        )[:9]
    report.ratio(f"write {count:,} models", wrote, wrote_plain, 2.5 if limits else None)
    report.ratio(f"read {count:,} models", did_read, did_read_plain, 3 if limits else None)
    return min(wrote) / count


async def subtree(report: Report, plain: PlainStore, count: int) -> None:
    """A root, 100 branches, and all other nodes spread below those."""
    root = await write_node(new_node())
    branches = await write_nodes([Node(node_parent_id=root.node_id) for _ in range(100)])
    await write_nodes(
        [Node(node_parent_id=branches[i % 100].node_id) for i in range(count - len(branches))]
    )
    plain_root, first = await new_parent(plain)
    plain.write_nodes([plain_root] * 100, first)
    plain.write_nodes([first + i % 100 for i in range(count - 100)], first + 100)
    ours, theirs = [], []
    for _ in range(3):
        theirs.append(seconds(partial(plain.read_subtree, plain_root)))
        below = NodeRelationshipFilter(descendant_of=root)
        ours.append(await seconds_async(partial(read_nodes, below)))
    assert len(plain.read_subtree(plain_root)) == len(await read_nodes(below)) == count
    report.ratio(f"read a subtree of {count:,} nodes", ours, theirs, 3)


async def single(report: Report) -> None:
    parent = (await write_node(new_node())).node_id
    model = make_models(1)["m0"]
    writes: list[float] = []
    reads: list[float] = []
    for i in range(SINGLE):
        written: list[Any] = []

        async def write(label: str = f"m{i}", written: list[Any] = written) -> None:
            written.append(await write_model(parent_id=parent, label=label, model=model))

        writes.append(await timed(write))
        by_id = ModelFilter(node_id=written[0].artifact.node_id)
        reads.append(await timed(partial(read_model, by_id)))
    report.median("write one model, median", writes, 3)
    report.median("read one model by id, median", reads, 1.5)


async def timed(function: Any) -> float:
    """As seconds_async(), without the collection that would dwarf a single call."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    await function()
    return loop.time() - start


async def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artigraph.db"
        set_engine(f"sqlite+aiosqlite:///{path}", create_tables=True)
        await write_node(new_node())
        plain = PlainStore(Path(folder) / "plain.db", path)
        await single(report)
        small = await bulk(report, plain, 20_000, ROUNDS, limits=True)
        large = await bulk(report, plain, 200_000, 1, limits=False)
        report.value("time a model, at 200,000 over at 20,000", large / small, 1.5)
        await subtree(report, plain, 100_000)
        plain.connection.close()
    return report.failures


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
