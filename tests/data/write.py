"""Writes the stores of a folder here, with the package as it is now; see README.md.

python -m tests.data.write v0_1
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from artigraph import (
    DataModel,
    ModelGroup,
    allow_model_type_overwrites,
    create_field_index,
    get_engine,
    new_artifact,
    new_node,
    set_engine,
    write_artifact,
    write_model,
    write_models,
    write_node,
)
from tests.conftest import SERVERS

HERE = Path(__file__).parent
DATABASE = "artigraph_old_store"
DUMP = {
    "postgresql": "pg_dump -h {host} -p {port} -U {user} --no-owner --no-privileges --inserts "
    "{name}",
    "mariadb": "mariadb-dump -h {host} -P {port} -u {user} --skip-comments --skip-extended-insert "
    "--hex-blob --order-by-primary --skip-add-locks --skip-disable-keys "
    "--skip-triggers {name}",
}


async def write(old: Any) -> None:
    """Write every value of a folder into the default engine's database."""
    root = await write_node(new_node(node_label="models"))
    await write_models(parent_id=root.node_id, models=old.models())
    for label, (node_type, columns) in old.COLUMNS.items():
        await write_node(
            new_node(node_type, node_label=label, node_parent_id=root.node_id, **columns)
        )
    async with ModelGroup(new_node(node_label="group", node_parent_id=root.node_id)) as group:
        group.add_models(old.GROUP)
    above = await write_node(new_node(node_label="artifacts"))
    for label, (value, how) in old.ARTIFACTS.items():
        await write_artifact(new_artifact(label, value, parent_id=above.node_id, **how))
    await create_field_index(old.Scalars, "real")
    with allow_model_type_overwrites():

        class Migrated(DataModel, version=1, name=old.Migrated.model_name):
            loss: float
            depth: int

        await write_model(parent_id=root.node_id, label="migrated", model=Migrated(0.21, 4))


async def _administer(url: str, *statements: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def _write_to(url: str, old: ModuleType) -> None:
    reset = set_engine(url, create_tables=True)
    # Those of later schemas say themselves what they hold.
    await (old.write() if hasattr(old, "write") else write(old))
    await (await get_engine()).dispose()
    reset()


def main(folder: Path) -> None:
    """Write the SQLite file and the dumps of one folder anew."""
    old = importlib.import_module(f"tests.data.{'.'.join(folder.relative_to(HERE).parts)}.values")
    shutil.rmtree(folder / "files", ignore_errors=True)
    (folder / "sqlite.db").unlink(missing_ok=True)
    asyncio.run(_write_to(f"sqlite+aiosqlite:///{folder / 'sqlite.db'}", old))
    # One file, rather than three.
    with closing(sqlite3.connect(folder / "sqlite.db")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    for name, server in SERVERS.items():
        url = make_url(server)
        clean = f"DROP DATABASE IF EXISTS {DATABASE}"
        asyncio.run(_administer(server, clean, f"CREATE DATABASE {DATABASE}"))
        own = url.set(database=DATABASE).render_as_string(hide_password=False)
        asyncio.run(_write_to(own, old))
        command = DUMP[name].format(host=url.host, port=url.port, user=url.username, name=DATABASE)
        environment = {
            **os.environ,
            "PGPASSWORD": url.password or "",
            "MYSQL_PWD": url.password or "",
        }
        dump = subprocess.run(
            command.split(), env=environment, check=True, capture_output=True, encoding="utf-8"
        )
        # psql's own commands, and what another version of the server may not know.
        lines = [
            line
            for line in dump.stdout.split("\n")
            if line.strip() and not line.startswith(("\\", "--", "SET ", "/*"))
        ]
        (folder / f"{name}.sql").write_bytes(("\n".join(lines) + "\n").encode())
        asyncio.run(_administer(server, clean))


if __name__ == "__main__":
    main(HERE / sys.argv[1])
