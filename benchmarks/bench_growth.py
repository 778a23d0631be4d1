"""Whether the time of a work grows with its size, and not with the size's square.

``python -m benchmarks.bench_growth`` does each work at a size and at four times that: a
ratio of 4 is linear growth, one of 16 quadratic. What takes no time at the smaller size
grows less.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    DataModel,
    ModelFilter,
    NodeFilter,
    NodeRelationshipFilter,
    count_models,
    delete_nodes,
    get_engine,
    is_in,
    new_node,
    read_frame,
    read_model,
    read_models,
    set_engine,
    write_model,
    write_models,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.frame.frame import StoredFrame
from artigraph.frame.query import Condition, SortKey
from artigraph.frame.view import FrameView
from artigraph.notebook.frame_handlers import FrameHandlers
from artigraph.storage.file import FileSystemStorage
from benchmarks.report import Report, seconds_async

SERVERS = {
    "PostgreSQL": os.environ.get(
        "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
    ),
    "MariaDB": os.environ.get(
        "ARTIGRAPH_TEST_MARIADB", "mariadb+asyncmy://root@127.0.0.1:3306/test"
    ),
}
TIMES = 4
"""How much more there is the second time."""

MOST = 1.6 * TIMES
"""Of a square it would be 16."""

ROUNDS = 3

LABEL = "measured"

SCREEN = 16
"""Columns that a viewer shows at once."""

Work = Callable[[], Awaitable[object]]


class Reading(DataModel, version=1):
    number: int
    name: str


class Series(DataModel, version=1):
    values: list[float]
    facts: dict[str, float]


async def compare(
    report: Report, name: str, size: int, make: Callable[[int], AsyncIterator[Work]]
) -> None:
    """Do a work at a size and at a multiple of it, the best of some rounds each.

    Args:
        report: Where it is printed.
        name: What the work is called.
        size: How much there is the first time.
        make: Prepares the work for a size, and yields it as often as it can be done.
    """
    best = {}
    for many in (size, size * TIMES):
        best[many] = min([await seconds_async(work) async for work in make(many)])
    report.ratio(f"{name}, {size:,} and {TIMES} times", [best[size * TIMES]], [best[size]], MOST)


def again(make: Callable[[int], Awaitable[Work]]) -> Callable[[int], AsyncIterator[Work]]:
    """A work that can be done more than once after one preparation."""

    async def works(size: int) -> AsyncIterator[Work]:
        work = await make(size)
        for _ in range(ROUNDS):
            yield work

    return works


# ---------------------------------------------------------------------- rows


async def below(size: int) -> int:
    """A new root with models below it; the root's id."""
    (root,) = await write_nodes([new_node()])
    models = {f"m{i}": Reading(number=i, name=f"reading {i}") for i in range(size)}
    await write_models(models=models, parent_id=root.node_id)
    return root.node_id


async def deletes(size: int) -> AsyncIterator[Work]:
    """Delete what is below a node."""
    for _ in range(2):
        root = await below(size)
        yield partial(delete_nodes, NodeFilter(node_id=root))


async def moves(size: int) -> AsyncIterator[Work]:
    """Hang nodes elsewhere."""
    nodes = await write_nodes([new_node() for _ in range(size)])
    for _ in range(2):
        (top,) = await write_nodes([new_node()])
        pairs = [(top.node_id, node.node_id) for node in nodes]
        yield partial(write_parent_child_relationships, pairs)


async def long_lists(size: int) -> Work:
    """Ask for one of so many texts, among so many rows."""
    root = await below(size)
    names = [f"reading {i}" for i in range(0, 2 * size, 2)]
    listed = Reading.where(lambda f: is_in(f.name, names))
    asked = listed & NodeRelationshipFilter(child_of=root)
    return lambda: count_models(asked)


async def listings(size: int) -> Work:
    """Read all models of a type."""
    root = await below(size)
    asked = ModelFilter(model_type=Reading) & NodeRelationshipFilter(child_of=root)
    return lambda: read_models(asked)


async def tables(size: int) -> Work:
    """Read all models of a type as a table."""
    root = await below(size)
    asked = ModelFilter(model_type=Reading) & NodeRelationshipFilter(child_of=root)
    return lambda: read_frame(asked)


async def rows(report: Report, database: str) -> None:
    """Works on many rows."""
    print(f"== {database}")
    await compare(report, f"{database}: delete rows", 2_000, deletes)
    await compare(report, f"{database}: move rows", 500, moves)
    await compare(report, f"{database}: a list in a filter", 2_000, again(long_lists))
    await compare(report, f"{database}: read models", 2_000, again(listings))
    await compare(report, f"{database}: read a table of models", 2_000, again(tables))


# ---------------------------------------------------------------------- values


def large(size: int) -> Series:
    return Series(values=[i / 7 for i in range(size)], facts={f"k{i}": i / 7 for i in range(size)})


async def write_large(size: int) -> Work:
    series = large(size)
    return lambda: write_model(label=LABEL, model=series)


async def read_large(size: int) -> Work:
    written = await write_model(label=LABEL, model=large(size))
    return lambda: read_model(NodeFilter(node_id=written.artifact.node_id))


async def show_large(size: int) -> Work:
    series = large(size)

    async def show() -> object:
        return series._repr_html_()

    return show


async def values(report: Report) -> None:
    """Works on one large value."""
    print("== one model with long lists and dicts")
    await compare(report, "write", 20_000, again(write_large))
    await compare(report, "read", 20_000, again(read_large))
    await compare(report, "show", 20_000, again(show_large))


# ---------------------------------------------------------------------- frames


def wide(columns: int) -> pd.DataFrame:
    """A hundred rows with so many columns of three kinds."""
    kinds = (np.arange(100.0), np.arange(100), np.array([f"w{i}" for i in range(100)], object))
    return pd.DataFrame({f"c{i}": kinds[i % 3] for i in range(columns)})


def categorical(count: int) -> pd.DataFrame:
    """As many rows as categories."""
    names = [f"category {i}" for i in range(count)]
    return pd.DataFrame({"name": pd.Categorical(names), "x": np.arange(count)})


async def frames(report: Report, files: FileSystemStorage) -> None:
    """Works on wide frames and on frames of many categories."""

    class Kept(DataModel, version=1):
        table: Annotated[pd.DataFrame, files]

    async def stored(frame: pd.DataFrame) -> StoredFrame:
        written = await write_model(label=LABEL, model=Kept(table=frame))
        here = NodeFilter(node_id=written.artifact.node_id)
        read = await read_model(here, lazy=True)
        table = read.value.table
        assert isinstance(table, StoredFrame)
        return table

    async def looks(frame: pd.DataFrame, how: str) -> Work:
        handle = await stored(frame)

        async def first() -> object:
            return await FrameHandlers(handle).first()

        async def summaries() -> object:
            view = await FrameView.open(handle)
            return [await view.summary(i) for i in range(min(SCREEN, len(view.columns)))]

        async def sort() -> object:
            view = await FrameView.open(handle)
            return await view.arrange([SortKey(0, descending=True)])

        async def search() -> object:
            view = await FrameView.open(handle)
            return await view.arrange((), [Condition(0, "contains", "9")])

        async def whole() -> object:
            return await handle.to_pandas()

        async def html() -> object:
            return handle._repr_html_()

        works: dict[str, Work] = {
            "first page": first,
            "summaries": summaries,
            "sort": sort,
            "search": search,
            "read": whole,
            "repr": html,
        }
        return works[how]

    for name, make, size, hows in (
        ("columns", wide, 500, ("first page", "summaries", "read", "repr")),
        ("categories", categorical, 50_000, ("first page", "summaries", "sort", "search", "read")),
    ):
        print(f"== {name} of a frame")

        async def write(size: int, make: Callable[[int], pd.DataFrame] = make) -> Work:
            frame = make(size)
            return lambda: write_model(label=LABEL, model=Kept(table=frame))

        await compare(report, f"{name}: write", size, again(write))
        for how in hows:

            async def look(
                size: int, make: Callable[[int], pd.DataFrame] = make, how: str = how
            ) -> Work:
                return await looks(make(size), how)

            await compare(report, f"{name}: {how}", size, again(look))


# ---------------------------------------------------------------------- stores


@asynccontextmanager
async def own_database(address: str) -> AsyncIterator[str]:
    """A new database on a server, for as long as this lasts; its address."""
    name = f"artigraph_bench_{os.getpid()}"
    url = make_url(address)
    server = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            async with server.connect() as connection:
                await connection.execute(text(f"DROP DATABASE {name}"))
    finally:
        await server.dispose()


async def main() -> int:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        reset = set_engine(f"sqlite+aiosqlite:///{folder}/growth.db", create_tables=True)
        await rows(report, "SQLite")
        await values(report)
        await frames(report, FileSystemStorage(Path(folder) / "blobs", name="growth"))
        reset()
    for database, address in SERVERS.items():
        async with own_database(address) as url:
            reset = set_engine(url, create_tables=True)
            await rows(report, database)
            engine = await get_engine()
            reset()
            await engine.dispose()
    return report.failures


if __name__ == "__main__":
    sys.exit(min(asyncio.run(main()), 1))
