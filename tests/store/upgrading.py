"""What tests of upgrades have in common: what a database holds, asked past artigraph."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import engine_context, upgrade_schema
from artigraph.db.setting import current_setting
from artigraph.db.step import needed_version, steps

TABLES = ("artigraph_node", "artigraph_storage")
"""Those that the first schema had."""
NEEDED = needed_version()
NAMES = {old: new for step in steps() for old, new in step.renames.get(TABLES[0], {}).items()}
"""What columns of nodes are called now, by their older names."""


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def asked(url: str, ask: Callable[[Connection], Any]) -> Any:
    """What a database tells somebody who is not artigraph."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(ask)
    finally:
        await engine.dispose()


def rows_of(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """All rows of the first schema's tables, as the driver gives them, by column."""
    found = {}
    for table in TABLES:
        # By name: MariaDB's generated columns are not among all of a row.
        names = [column["name"] for column in inspect(connection).get_columns(table)]
        query = f"SELECT {', '.join(names)} FROM {table} ORDER BY 1"  # names of our own
        found[table] = [dict(row) for row in connection.execute(text(query)).mappings()]
    return found


def shape_of(connection: Connection) -> dict[str, Any]:
    """Columns with their types and collations, indexes and triggers, in no order."""
    name = connection.dialect.name
    queries = {
        "sqlite": (
            'SELECT m.name, c.name, c.type, c."notnull" FROM sqlite_master m, '
            "pragma_table_xinfo(m.name) c WHERE m.type = 'table'",
            "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')",
        ),
        "postgresql": (
            "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, "
            "column_default, collation_name FROM information_schema.columns "
            "WHERE table_schema = current_schema()",
            "SELECT indexname, indexdef, NULL FROM pg_indexes WHERE schemaname = current_schema() "
            "UNION ALL SELECT tgname, pg_get_triggerdef(oid), NULL FROM pg_trigger "
            "WHERE NOT tgisinternal",
        ),
        "mariadb": (
            "SELECT table_name, column_name, column_type, is_nullable, collation_name "
            "FROM information_schema.columns WHERE table_schema = DATABASE()",
            "SELECT index_name, table_name, CONCAT(non_unique, ' ', seq_in_index, ' ', "
            "column_name, ' ', COALESCE(sub_part, '')) FROM information_schema.statistics "
            "WHERE table_schema = DATABASE() UNION ALL SELECT trigger_name, event_object_table, "
            "action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
        ),
    }[name]
    columns, rest = (
        {tuple(map(str, row)) for row in connection.exec_driver_sql(query)} for query in queries
    )
    # What the old store's user has added is not in a fresh one.
    mine = {"trial", "field"}
    return {
        "columns": {c for c in columns if not any(word in str(c) for word in mine)},
        "rest": {r for r in rest if "artigraph_field" not in str(r)},
    }


def kept(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What a row says by now of what it said, under the names of then."""
    return {name: new[name if name in new else NAMES[name]] for name in old}


async def brought_up(url: str) -> Any:
    with engine_context(url):
        report = await upgrade_schema()
        await close()
    return report


async def close() -> None:
    """Close the engine in use, whatever tables its database has."""
    setting = current_setting()
    assert setting is not None
    await (await setting.unchecked_engine()).dispose()


def opened(url: str) -> AbstractContextManager[None]:
    """Use a store that was brought up; node classes of other tests may want columns in it."""
    return engine_context(url, create_tables=True)


MAKE = """
import asyncio, sys
from artigraph import *

async def main(url):
    set_engine(url, create_tables=True)
    await (await get_engine()).dispose()

asyncio.run(main(sys.argv[1]))
"""


def in_a_process_of_its_own(script: str, url: str) -> str:
    """What a script prints where no test has defined node classes, which want columns."""
    command = [sys.executable, "-c", script, url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
