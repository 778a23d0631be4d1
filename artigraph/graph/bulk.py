"""Many rows of one table in one statement, at the driver's own speed.

SQLAlchemy compiles the statement and converts the values; only its
bookkeeping of parameters, row by row, is left out. That takes 20,000 rows
from 0.32 s to 0.14 s; see ``docs/decisions/0002-bulk-inserts.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, insert
from sqlalchemy.ext.asyncio import AsyncConnection

__all__ = ["insert_many"]


async def insert_many(
    connection: AsyncConnection, table: Table, columns: Mapping[str, Sequence[Any]]
) -> None:
    """Insert rows that have values for the same columns.

    Args:
        connection: A connection in a transaction.
        table: The table.
        columns: For each column by name, its value in each row.
    """
    dialect = connection.dialect
    text, names, processors = _prepare(table, tuple(columns), dialect)
    converted = (
        columns[name] if process is None else map(process, columns[name])
        for name, process in zip(names, processors, strict=True)
    )
    await connection.exec_driver_sql(text, list(zip(*converted, strict=True)))


@lru_cache(maxsize=64)
def _prepare(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Sequence[str], Sequence[Callable[[Any], Any] | None]]:
    """The statement, its parameters in their order, and what converts each."""
    parameters = {name: bindparam(name, type_=table.c[name].type) for name in names}
    compiled = insert(table).values(parameters).compile(dialect=dialect)
    # All three drivers count parameters, and a statement has its own order.
    order = compiled.positiontup or names
    return (
        str(compiled),
        order,
        [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order],
    )
