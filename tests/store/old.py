"""Stores that earlier code wrote, each test's own copy of one."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import own_database

FIRST = Path(__file__).parents[1] / "data" / "v0_1"
"""A store of the first schema, which does not say its version."""

_numbers = itertools.count()


@contextmanager
def old_store(database: str, folder: Path, place: Path) -> Iterator[str]:
    """Make a copy of an old store.

    Args:
        database: The name of the database.
        folder: The old store, of ``tests/data``.
        place: Where files go.

    Yields:
        Its address.
    """
    if database == "sqlite":
        file = place / f"old-{next(_numbers)}.db"
        shutil.copy(folder / "sqlite.db", file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    with own_database(database, f"artigraph_old_{next(_numbers)}") as url:
        asyncio.run(load(url, (folder / f"{database}.sql").read_bytes().decode()))
        yield url


async def load(url: str, script: str) -> None:
    """Run a dump of a server's."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        # The driver itself: SQLAlchemy would look for parameters in the values.
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if connection.dialect.name == "postgresql":
            await driver.execute(script)
        else:
            async with driver.cursor() as cursor:
                # As its client does it: rows name later ones, and generated columns a value.
                await cursor.execute("SET foreign_key_checks = 0, sql_mode = ''")
                # In a value the end of a line is escaped.
                for statement in filter(str.strip, script.split(";\n")):
                    await cursor.execute(statement)
    await engine.dispose()
