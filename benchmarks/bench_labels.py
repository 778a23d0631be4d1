"""Searches by a part of a label among a million models, with an index of labels and without.

Printed beside an indexed lookup, which reads one node by its id. ``--small`` takes a tenth
of the models.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from artigraph import create_label_index, get_engine, new_node, set_engine, write_models, write_node
from artigraph.outline.page import browse_node, browse_search
from artigraph.outline.search import search_clause, words_in
from benchmarks.bench_questions import Fit, fill_postgresql, fill_sqlite
from benchmarks.own_database import own_database
from benchmarks.report import Report, seconds_async

ROUNDS = 7
WRITTEN = 20_000
SINGLE = 100
SEARCHES = {"nothing": "nowhere", "one": "m98765", "ten thousand": "m12", "a type": "rare"}
"""What is looked for, by about what it finds."""


async def search(words: str) -> Any:
    return await browse_search(search_clause(words), words=words_in(words))


async def best(work: Any) -> float:
    return min([await seconds_async(work) for _ in range(ROUNDS)])


async def writing(name: str) -> None:
    models = {f"{name} {n}": Fit(0.1, 3, "adam", True, {"dropout": 0.5}) for n in range(WRITTEN)}
    root = await write_node(new_node(node_label=name))
    taken = await seconds_async(lambda: write_models(parent_id=root.node_id, models=models))

    async def one_by_one() -> None:
        for n in range(SINGLE):
            await write_node(new_node(node_label=f"single {n}", node_parent_id=root.node_id))

    single = await seconds_async(one_by_one)
    print(
        f"  {name}: {WRITTEN:,} models in {taken:.2f} s; a node in {single / SINGLE * 1e3:.2f} ms"
    )


async def size() -> float:
    engine = await get_engine()
    sqlite = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    query = (
        sqlite
        if engine.dialect.name == "sqlite"
        else ("SELECT pg_total_relation_size('artigraph_node')")
    )
    async with engine.connect() as connection:
        return float((await connection.execute(text(query))).scalar_one()) / 1e6


async def labels(report: Report, name: str, count: int) -> None:
    engine = await get_engine()
    await search("nowhere")
    lookup = await best(lambda: browse_node(count // 2))
    print(f"{name}: {count:,} models; a node by its id in {lookup * 1e3:.2f} ms")
    for what, words in SEARCHES.items():
        taken = await best(lambda words=words: search(words))
        print(f"  without an index, {what}: {taken * 1e3:.1f} ms")
    await writing("without")
    before, begun = await size(), time.perf_counter()
    await create_label_index()
    print(f"  made in {time.perf_counter() - begun:.1f} s: {await size() - before:.0f} MB more")
    await writing("with")
    for what, words in SEARCHES.items():
        # Beside each other, since a machine has other work.
        lookup = await best(lambda: browse_node(count // 2))
        taken = await best(lambda words=words: search(words))
        limit = 5 if what == "nothing" else None
        report.ratio(f"{name}: {what}, over a lookup", [taken], [lookup], limit)
    assert engine is await get_engine()


async def main(count: int) -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.db"
        reset = set_engine(f"sqlite+aiosqlite:///{path}", create_tables=True)
        await get_engine()
        fill_sqlite(path, count)
        await labels(report, "SQLite", count)
        reset()
    async with own_database("PostgreSQL", "artigraph_bench_labels") as url:
        reset = set_engine(url, create_tables=True)
        await get_engine()
        await fill_postgresql(url, count)
        async with (await get_engine()).begin() as connection:
            # Its ids were chosen, past the sequence that further rows are counted by.
            await connection.execute(text(f"SELECT setval('artigraph_node_id_seq', {count + 1})"))
        await labels(report, "PostgreSQL", count)
        reset()
    return report.failures


if __name__ == "__main__":
    sys.exit(bool(asyncio.run(main(100_000 if "--small" in sys.argv else 1_000_000))))
