"""Databases of a benchmark's own on the servers here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

__all__ = ["SERVERS", "own_database"]

SERVERS = {
    "PostgreSQL": os.environ.get(
        "ARTIGRAPH_TEST_POSTGRESQL", "postgresql+asyncpg://postgres@127.0.0.1:5432/test"
    ),
    "MariaDB": os.environ.get(
        "ARTIGRAPH_TEST_MARIADB", "mariadb+asyncmy://root@127.0.0.1:3306/test"
    ),
}


@asynccontextmanager
async def own_database(server: str, name: str) -> AsyncIterator[str]:
    """An empty database on a server of :data:`SERVERS`; its address, for as long as this lasts."""
    url = make_url(SERVERS[server])
    force = " WITH (FORCE)" if server == "PostgreSQL" else ""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(f"DROP DATABASE IF EXISTS {name}{force}"))
            await connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            async with engine.connect() as connection:
                await connection.execute(text(f"DROP DATABASE {name}{force}"))
    finally:
        await engine.dispose()
