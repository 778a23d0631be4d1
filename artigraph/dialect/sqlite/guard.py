"""SQLite's triggers, and a function of its own for names that it cannot make."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import BindParameter, Connection, Engine, bindparam, text
from typing_extensions import override

from artigraph.dialect.base import WAIT_SECONDS
from artigraph.dialect.guard import LOCKED, Guards
from artigraph.dialect.sqlite.connection import file_of

__all__ = ["SQLiteGuards"]

_LOCKED = "OLD.node_locked_at IS NOT NULL"


class SQLiteGuards(Guards):
    """What SQLite sees to by itself."""

    upgrades_by_itself = True
    second_name_sql = "GENERATED ALWAYS AS ({}) VIRTUAL"
    # It makes no bytes of hexadecimal digits before 3.41; see prepare_fill(). Of what is no time,
    # or lies before 1970, as many digits are kept as there is room for.
    uid_sql: ClassVar[str] = (
        "artigraph_unhex(printf('%012x7%03x%08x%08x', "
        "CAST(strftime('%s', {moment}) AS INTEGER) * 1000 "
        "+ CAST(substr({moment}, 21, 6) AS INTEGER) / 1000 & 281474976710655, "
        "CAST(substr({moment}, 21, 6) AS INTEGER) % 1000 * 4096 / 1000 & 4095, "
        "2147483648 | ({id} & 1073741823), random() & 4294967295))"
    )
    parents_sql = "IN (SELECT value FROM json_each(:parents))"

    @override
    def bound_parents(self, ids: Collection[int]) -> BindParameter[Any]:
        return bindparam("parents", json.dumps(list(ids)))

    @override
    def guards(self, table: str) -> Mapping[str, Sequence[str]]:
        changed = f"BEFORE UPDATE ON {table} WHEN {_LOCKED} AND NEW.node_locked_at IS NOT NULL"
        deleted = f"BEFORE DELETE ON {table} WHEN {_LOCKED}"
        when = {f"{table}_locked_update": changed, f"{table}_locked_delete": deleted}
        return {
            name: [
                f"CREATE TRIGGER IF NOT EXISTS {name} {event} "
                f"BEGIN SELECT RAISE(ABORT, '{LOCKED}'); END"
            ]
            for name, event in when.items()
        }

    @override
    def guard_names(self, connection: Connection, table: str) -> set[str]:
        query = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
        return {str(name) for (name,) in connection.execute(query, {"table": table})}

    @override
    def prepare_fill(self, connection: Connection) -> None:
        adapted: Any = connection.connection.dbapi_connection
        adapted.run_async(lambda driver: driver.create_function("artigraph_unhex", 1, _unhex))

    @override
    def copy_beside(self, engine: Engine, version: int) -> Path | None:
        file = file_of(engine)
        return None if file is None else copy_file(file.path, version)


def _unhex(digits: str) -> bytes:
    return bytes.fromhex(digits)


def copy_file(source: Path, version: int) -> Path:
    """Copy a database beside itself as it was last committed, whoever writes meanwhile.

    Args:
        source: The file.
        version: What its name says.

    Returns:
        The copy, such as ``runs.db.before-2``; a number follows if there is one of that name.

    Raises:
        OSError: It could not be copied; nothing of it is left.
    """
    begun = source.with_name(f"{source.name}.before-{version + 1}.part")
    try:
        # Of one that was killed.
        begun.unlink(missing_ok=True)
        with closing(sqlite3.connect(source, timeout=WAIT_SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", (str(begun),))
        for number in count():
            copy = source.with_name(
                f"{source.name}.before-{version + 1}{f'.{number}' * bool(number)}"
            )
            if not copy.exists():
                begun.rename(copy)
                return copy
    except sqlite3.Error as error:
        raise OSError(str(error)) from error
    finally:
        begun.unlink(missing_ok=True)
    raise AssertionError  # count() has no end
