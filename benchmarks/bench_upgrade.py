"""A store of the first schema is upgraded, beside what the least of it takes by hand.

By hand is one ``ALTER TABLE`` that adds a column, and one ``UPDATE`` that fills it in each
row. The copy of a file is timed apart. ``--small`` takes a tenth of the rows.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from artigraph import engine_context, get_engine, upgrade_schema
from artigraph.db.setting import current_setting
from artigraph.db.step import steps
from artigraph.dialect.registry import dialect_of
from artigraph.dialect.sqlite.guard import copy_file
from benchmarks.own_database import SERVERS, own_database
from benchmarks.report import Report, seconds

NUMBERS = {
    "sqlite": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "
    "WHERE n < {count}) SELECT {columns} FROM numbers",
    "postgresql": "SELECT {columns} FROM generate_series(1, {count}) AS numbers(n)",
    "mariadb": "SELECT {columns} FROM (SELECT seq AS n FROM seq_1_to_{count}) AS numbers",
}
TEXT = {"sqlite": "'m' || n", "postgresql": "'m' || n", "mariadb": "CONCAT('m', n)"}
DOCUMENT = '{"loss": 0.1, "layers": 3, "name": "adam", "good": true}'
ROW = {
    "node_id": "n",
    "node_type": "'model_artifact'",
    "node_created_at": "'2026-01-02 03:04:05.678901'",
    "node_updated_at": "'2026-01-02 03:04:05.678901'",
    "model_artifact_type": "'Fit'",
    "model_artifact_version": "1",
    "model_artifact_data": f"'{DOCUMENT}'",
    "model_artifact_parts": "0",
}
CAST = {"node_created_at": "::timestamptz", "node_updated_at": "::timestamptz"}
CAST |= {"model_artifact_data": "::jsonb"}
BY_HAND = {
    "sqlite": ("BLOB", "randomblob(16)"),
    "postgresql": ("BYTEA", "uuid_send(gen_random_uuid())"),
    "mariadb": ("BINARY(16)", "UNHEX(REPLACE(UUID(), '-', ''))"),
}


async def fill(engine: AsyncEngine, count: int) -> None:
    """Make the tables what the first schema had, and fill the rows in."""
    name = engine.dialect.name
    values = dict(ROW, node_label=TEXT[name])
    if name == "postgresql":
        values = {column: value + CAST.get(column, "") for column, value in values.items()}
    rows = NUMBERS[name].format(count=count, columns=", ".join(values.values()))
    async with engine.connect() as connection:
        for step in steps():
            for trigger in dialect_of(engine).guards("artigraph_node"):
                on = " ON artigraph_node" if name == "postgresql" else ""
                await connection.execute(text(f"DROP TRIGGER {trigger}{on}"))
            for table in (*step.tables, "artigraph_schema"):
                await connection.execute(text(f"DROP TABLE {table}"))
            for table, indexes in step.indexes.items():
                for index in indexes:
                    on = f" ON {table}" if name == "mariadb" else ""
                    await connection.execute(text(f"DROP INDEX {index}{on}"))
            for table, columns in step.columns.items():
                for column in columns:
                    await connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        into = f"INSERT INTO artigraph_node ({', '.join(values)}) {rows}"
        await connection.exec_driver_sql(into)
        await connection.commit()


async def by_hand(engine: AsyncEngine) -> float:
    """What one column and one value for each row takes, and is taken back."""
    type_, value = BY_HAND[engine.dialect.name]
    async with engine.connect() as connection:
        began = time.perf_counter()
        await connection.execute(text(f"ALTER TABLE artigraph_node ADD COLUMN by_hand {type_}"))
        await connection.execute(text(f"UPDATE artigraph_node SET by_hand = {value}"))
        await connection.commit()
        return time.perf_counter() - began


async def upgrade(report: Report, name: str, url: str, count: int) -> None:
    with engine_context(url, create_tables=True):
        await fill(await get_engine(), count)
        await (await get_engine()).dispose()
    engine = create_async_engine(url)
    plain = await by_hand(engine)
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE artigraph_node DROP COLUMN by_hand"))
    if engine.dialect.name == "postgresql":
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("VACUUM ANALYZE artigraph_node"))
    await engine.dispose()
    copied = 0.0
    if name == "SQLite":
        source, copies = Path(str(engine.url.database)), []
        copied = seconds(lambda: copies.append(copy_file(source, 0)))
        copies[0].unlink()
        print(f"{name}: {count:,} rows are copied in {copied:.1f} s")
    with engine_context(url):
        done = await upgrade_schema()
        setting = current_setting()
        assert setting is not None
        await (await setting.unchecked_engine()).dispose()
    assert done.steps, done
    report.ratio(f"{name}: the steps, over by hand", [done.seconds - copied], [plain], 3)


async def main(count: int, names: list[str]) -> int:
    report = Report()
    for name in names or ["SQLite", *SERVERS]:
        async with AsyncExitStack() as stack:
            if name == "SQLite":
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                url = f"sqlite+aiosqlite:///{folder}/old.db"
            else:
                url = await stack.enter_async_context(own_database(name, "artigraph_bench_upgrade"))
            await upgrade(report, name, url, count)
    return report.failures


if __name__ == "__main__":
    count = 100_000 if "--small" in sys.argv else 1_000_000
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    sys.exit(bool(asyncio.run(main(count, chosen))))
