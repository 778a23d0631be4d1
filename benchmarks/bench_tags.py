"""Tags as conditions over a million models, against SQL written by hand on the same database.

Whoever wrote it by hand would have a table of tags with a text and a number, and an index
of each: it stands beside artigraph's, with the same tags. ``bench_tags.py 100000`` takes as
many models, ``bench_tags.py 100000 sqlite`` one database of the three.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from artigraph import (
    DataModel,
    Filter,
    ModelFilter,
    TagFilter,
    ValueFilter,
    count_models,
    get_engine,
    list_tags,
    read_models,
    read_tags,
    set_engine,
    tag_nodes,
)
from artigraph.filter.order import ordering_of
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.tag.value import stored_tags
from benchmarks.report import Report, seconds_async

ROUNDS = 5
COUNT = 1_000_000
SERVERS = {
    "postgresql": os.environ.get(
        "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
    ),
    "mariadb": os.environ.get(
        "ARTIGRAPH_TEST_MARIADB", "mariadb+asyncmy://root@127.0.0.1:3306/test"
    ),
}
SERIES = {
    "sqlite": "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    "SELECT i FROM n) AS n",
    "postgresql": "(SELECT generate_series(1, {count}) AS i) AS n",
    "mariadb": "(SELECT seq AS i FROM seq_1_to_{count}) AS n",
}
COLUMNS = (
    "node_id, node_parent_id, node_type, node_label, node_created_at, node_updated_at, "
    "model_artifact_type, model_artifact_version, model_artifact_data, model_artifact_parts"
)
HAND = "FROM artigraph_node WHERE model_artifact_type = 'TagsBench' AND node_trashed_at IS NULL AND"
STAGES = {
    "prod": "i % 100 = 1",
    "test": "i % 100 > 1 AND i % 2 = 0",
    "dev": "i % 100 <> 1 AND i % 2 = 1",
}


class TagsBench(DataModel, version=1):
    """A field; what is asked for are tags."""

    loss: float


def fill(name: str, count: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Statements that make the models and both tables of tags."""
    series = SERIES[name].format(count=count)
    moment = "'2024-01-01 00:00:00.000000'"
    moment = f"CAST({moment} AS TIMESTAMPTZ)" if name == "postgresql" else moment
    document = "'{\"loss\": 0.5}'"
    document = f"CAST({document} AS JSONB)" if name == "postgresql" else document
    yield (
        (
            "INSERT INTO artigraph_node (node_id, node_type, node_label, node_created_at, "
            "node_updated_at, model_artifact_type, model_artifact_data, model_artifact_version, "
            f"model_artifact_parts) SELECT i, 'model_artifact', {named(name)}, {moment}, {moment}, "
            f"'TagsBench', {document}, 1, 0 FROM {series}"
        ),
        [],
    )
    key = "VARCHAR(255) COLLATE utf8mb4_nopad_bin" if name == "mariadb" else "VARCHAR(255)"
    yield (
        f"CREATE TABLE own_tag (node_id BIGINT, name {key}, words {key}, number FLOAT8, "
        "PRIMARY KEY (node_id, name))".replace("FLOAT8", "DOUBLE PRECISION"),
        [],
    )
    yield (
        f"CREATE TABLE given (i INTEGER, name {key}, value TEXT, sorted {key}, digest {key}, "
        "words VARCHAR(99), number DOUBLE PRECISION)",
        [],
    )
    values = [{"score": i / 1000} for i in range(1000)]
    tags: list[dict[str, Any]] = [{"best": None}, *({"stage": one} for one in STAGES), *values]
    rows = []
    for at, tag in enumerate(tags):
        (value,) = tag.values()
        (one,) = stored_tags(tag)
        document = '{"value": %s}' % (f'"{value}"' if isinstance(value, str) else value)
        rows.append(
            {
                "i": at - 4,
                "name": one.name,
                "value": None if value is None else document,
                "sorted": one.key,
                "digest": one.digest,
                "words": value if isinstance(value, str) else None,
                "number": value if isinstance(value, float) else None,
            }
        )
    yield "INSERT INTO given VALUES (:i, :name, :value, :sorted, :digest, :words, :number)", rows
    picks = ["i % 1000 = 1", *STAGES.values()]
    typed = "CAST(value AS JSONB)" if name == "postgresql" else "value"
    joins = [
        *((f"given.i = {at - 4}", pick) for at, pick in enumerate(picks)),
        ("given.i = n.i % 1000 AND given.name = 'score'", "1 = 1"),
    ]
    for joined, pick in joins:
        pick = pick.replace("i ", "n.i ")
        source = f"FROM {series} JOIN given ON {joined} WHERE {pick}"
        yield (
            (
                "INSERT INTO artigraph_tag (tag_node_id, tag_name, tag_value, tag_key, tag_digest, "
                f"tag_at) SELECT n.i, name, {typed}, sorted, digest, {moment} {source}"
            ),
            [],
        )
        yield f"INSERT INTO own_tag SELECT n.i, name, words, number {source}", []
    yield "CREATE INDEX own_words ON own_tag (name, words, node_id)", []
    yield "CREATE INDEX own_number ON own_tag (name, number, node_id)", []


def named(name: str) -> str:
    return "CONCAT('m', i)" if name == "mariadb" else "'m' || i"


async def by_hand(engine: AsyncEngine, sql: str) -> list[Any]:
    """The rows of a statement."""
    async with engine.connect() as connection:
        return list((await connection.execute(text(sql))).all())


async def plan(engine: AsyncEngine, filter: Filter, order_by: Any = None) -> str:
    """How the database goes about a question."""
    ordering = ordering_of(order_by, filter)
    query = node_table.select().where(filter.clause()).order_by(*ordering.clauses)
    options = {"literal_binds": True}
    compiled = query.limit(50).compile(dialect=engine.dialect, compile_kwargs=options)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    async with engine.connect() as connection:
        lines = (await connection.exec_driver_sql(f"{explain} {compiled}".replace("%", "%%"))).all()
    return "; ".join(str(line[-1]).strip() for line in lines)


async def compare(
    report: Report,
    name: str,
    engine: AsyncEngine,
    ours: Callable[[], Awaitable[Any]],
    sql: str,
    limit: float | None = 2,
) -> None:
    """One question, both ways in turn."""
    found, wanted = await ours(), await by_hand(engine, sql)
    assert (found if isinstance(found, int) else len(found)) == (
        wanted[0][0] if isinstance(found, int) else len(wanted)
    ), name
    mine: list[float] = []
    plain: list[float] = []
    for _ in range(ROUNDS):
        plain.append(await seconds_async(lambda: by_hand(engine, sql)))
        mine.append(await seconds_async(ours))
    report.ratio(name, mine, plain, limit)


def among(what: str) -> str:
    return f"node_id IN (SELECT node_id FROM own_tag WHERE {what})"


async def questions(report: Report, name: str, count: int) -> None:
    """All questions of one database."""
    engine = await get_engine()
    every = ModelFilter(model_type=TagsBench)
    best, prod = TagFilter(name="best"), TagFilter(name="stage", value="prod")
    good = TagFilter(name="score", value=ValueFilter(gt=0.9))
    is_best, is_prod = "name = 'best'", "name = 'stage' AND words = 'prod'"
    is_good = "name = 'score' AND number > 0.9"
    # As somebody would write it who knows the database.
    lacks = (
        "NOT EXISTS (SELECT 1 FROM own_tag WHERE own_tag.node_id = artigraph_node.node_id AND {})"
    )
    title = f"{name}, {count:,}:"
    cases: list[tuple[str, Filter, str]] = [
        ("#best, one in 1,000", best, among(is_best)),
        ("stage = prod, one in 100", prod, among(is_prod)),
        ("score > 0.9, one in 10", good, among(is_good)),
        ("stage != prod, all but 1 in 100", TagFilter(name="stage", value=ValueFilter(ne="prod")),
         among("name = 'stage' AND words <> 'prod'")),
        ("not stage = prod", ~prod, lacks.format(is_prod)),
        ("stage = prod and score > 0.9", prod & good, f"{among(is_prod)} AND {among(is_good)}"),
        ("stage = prod or best", prod | best, f"({among(is_prod)} OR {among(is_best)})"),
        ("stage like pr%", TagFilter(name="stage", value=ValueFilter(like="pr%")),
         among("name = 'stage' AND words LIKE 'pr%'")),
    ]  # fmt: skip
    for told, filter, sql in cases:
        asked = filter & every
        await compare(
            report, f"{title} count {told}", engine,
            partial(count_models, asked), f"SELECT count(*) {HAND} {sql}",
        )  # fmt: skip
    for told, filter, sql in cases[:6]:
        asked = filter & every
        await compare(
            report, f"{title} first 50 {told}", engine,
            partial(read_models, asked, limit=50),
            f"SELECT {COLUMNS} {HAND} {sql} ORDER BY node_id LIMIT 50", None,
        )  # fmt: skip
    number = (
        "(SELECT number FROM own_tag WHERE own_tag.node_id = artigraph_node.node_id "
        "AND name = 'score')"
    )
    for told, filter, sql in (cases[1], ("", every, "1 = 1")):
        await compare(
            report, f"{title} 50 of the best score {told}", engine,
            partial(read_models, filter & every, order_by="-tag:score", limit=50),
            f"SELECT {COLUMNS} {HAND} {sql} ORDER BY {number} DESC, node_id DESC LIMIT 50",
        )  # fmt: skip
    await compare(
        report, f"{title} tags of stage = prod", engine, lambda: flat(read_tags(prod & every)),
        f"SELECT t.node_id, t.name, t.words, t.number FROM own_tag AS t JOIN artigraph_node AS n "
        f"ON n.node_id = t.node_id WHERE t.{among(is_prod)} "
        "ORDER BY t.node_id, t.name", None,
    )  # fmt: skip
    counts = "SELECT name, count(*) FROM own_tag GROUP BY name ORDER BY name"
    await compare(report, f"{title} names with counts", engine, list_tags, counts, None)
    same = {"sqlite": "ON CONFLICT (node_id, name) DO UPDATE SET words = excluded.words",
            "postgresql": "ON CONFLICT (node_id, name) DO UPDATE SET words = excluded.words",
            "mariadb": "ON DUPLICATE KEY UPDATE words = VALUES(words)"}[name]  # fmt: skip
    mine, plain = [], []
    for turn in range(ROUNDS):
        sql = f"INSERT INTO own_tag SELECT node_id, 'turn', '{turn}', NULL {HAND} {among(is_good)}"
        plain.append(await seconds_async(partial(changed, engine, f"{sql} {same}")))
        mine.append(await seconds_async(partial(tag_nodes, good & every, {"turn": turn})))
    report.ratio(f"{title} tag one in 10", mine, plain, None)
    for told, filter, order in (("not prod", ~prod & every, None), ("best", every, "-tag:score")):
        print(f"  {told}: {await plan(engine, filter, order)}")


async def flat(tags: Awaitable[dict[int, dict[str, Any]]]) -> list[Any]:
    return [tag for one in (await tags).values() for tag in one]


async def changed(engine: AsyncEngine, sql: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(sql))


@asynccontextmanager
async def store(name: str) -> Any:
    """An empty store on one of the databases."""
    if name == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite+aiosqlite:///{Path(folder) / 'tags.db'}"
        return
    own = f"artigraph_bench_tags_{os.getpid()}"
    server = create_async_engine(SERVERS[name], isolation_level="AUTOCOMMIT")
    async with server.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {own}"))
    try:
        url = make_url(SERVERS[name]).set(database=own)
        yield url.render_as_string(hide_password=False)
    finally:
        async with server.connect() as connection:
            force = " WITH (FORCE)" if name == "postgresql" else ""
            await connection.execute(text(f"DROP DATABASE {own}{force}"))
        await server.dispose()


async def main(count: int, names: list[str]) -> int:
    report = Report()
    for name in names:
        async with store(name) as url:
            reset = set_engine(url, create_tables=True)
            engine = await get_engine()
            for sql, rows in fill(name, count):
                async with engine.begin() as connection:
                    await connection.execute(text(sql), rows or None)
            tables = f"{node_table.name}, {tag_table.name}, own_tag"
            if name == "mariadb":
                await by_hand(engine, f"ANALYZE TABLE {tables}")
            elif name == "postgresql":
                settled = engine.execution_options(isolation_level="AUTOCOMMIT")
                async with settled.connect() as connection:
                    await connection.execute(text(f"VACUUM ANALYZE {tables}"))
            await questions(report, name, count)
            reset()
    return report.failures


if __name__ == "__main__":
    chosen = [one for one in ("sqlite", *SERVERS) if one in sys.argv[1:]] or ["sqlite", *SERVERS]
    counts = [int(one) for one in sys.argv[1:] if one.isdigit()]
    sys.exit(bool(asyncio.run(main(counts[0] if counts else COUNT, chosen))))
