"""Indexes on what stands in models' documents, for questions that are asked often.

An index leads with the model's type, then the field's value: a question names
the type, and a database takes the narrower of two indexes. It serves every
model that has such a field. SQLite and PostgreSQL index the very expression
that filters use; MariaDB indexes columns only, so there the value is a generated
column that takes no room in the rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import column as bare_column

from artigraph.db.mariadb import read_field_columns
from artigraph.db.session import session_is_open, write
from artigraph.errors import FilterError
from artigraph.filter.dialect import is_plain_key
from artigraph.filter.json import INDEXED_LENGTH, DocumentValue, value_column_name
from artigraph.filter.location import find_field, path_of, shown_path
from artigraph.filter.model import is_model_class
from artigraph.filter.shape import Path
from artigraph.model.base import BaseModel
from artigraph.orm.base import MARIADB_COLLATION
from artigraph.orm.node import node_table
from artigraph.types.record import Scalar

__all__ = ["create_field_index", "drop_field_index"]


async def create_field_index(model: type[BaseModel], field: str | Path) -> None:
    """Let the database find models by a field without reading them all.

    An index costs a little at every write. There is nothing to do later: it is
    kept by the database, and used by every filter and order that names the field.

    Args:
        model: The class.
        field: A field such as ``"loss"`` or ``"params.depth"``; a tuple where a key
            has a dot in it. An index that is there already stays.

    Raises:
        FilterError: The class has no such field, it cannot be indexed, or MariaDB is
            asked inside of ``new_session()``.
    """
    await _for_each(model, field, _create)


async def drop_field_index(model: type[BaseModel], field: str | Path) -> None:
    """Remove what :func:`create_field_index` has made; the models stay.

    Args:
        model: The class.
        field: As for :func:`create_field_index`. Nothing happens where there is no
            index.

    Raises:
        FilterError: The class has no such field, it cannot be indexed, or MariaDB is
            asked inside of ``new_session()``.
    """
    await _for_each(model, field, _drop)


async def _for_each(
    model: type[BaseModel],
    field: str | Path,
    change: Callable[[AsyncConnection, DocumentValue], Awaitable[None]],
) -> None:
    values = list(_values(model, field))
    async with write() as transaction:
        _refuse_in_session(transaction.connection.dialect)
        for value in values:
            await change(transaction.connection, value)


def _values(model: type[BaseModel], field: str | Path) -> Iterator[DocumentValue]:
    if not isinstance(model, type) or not is_model_class(model):
        raise FilterError(f"An index is made for a model's class, not for {model!r}.")
    path = path_of(field)
    name = f"{model.__name__}.{shown_path(path)}"
    location = find_field(model.__name__, model._model_shape(), path)
    if location.labels:
        raise FilterError(
            f"{name} stands in a row of its own. Index the field of the inner model's class."
        )
    if not all(is_plain_key(key) for key in path):
        raise FilterError(
            f"{name} cannot be indexed: a key in it has characters other than letters, digits, "
            "spaces and any of . : - _"
        )
    kinds = location.shape.kinds
    if not kinds:
        raise FilterError(
            f"{name} is {location.shape.name}, of which no database knows how to sort it. "
            "Index a field that is annotated as a number, a text, a date or the like."
        )
    for scalar in kinds:
        yield _value(location.keys, scalar, location.shape.tells_kind)


def _value(keys: Path, scalar: Scalar, plain: bool) -> DocumentValue:
    # An expression in an index must not name the table.
    document: ColumnElement[Any] = bare_column(node_table.c.model_artifact_data.name)
    return DocumentValue.of_kind(document, keys, scalar, plain)


def _index_name(value: DocumentValue) -> str:
    return f"{value_column_name(value)}_ix"


def _sql(value: DocumentValue, dialect: Dialect) -> str:
    return str(value.compile(dialect=dialect))


def _refuse_in_session(dialect: Dialect) -> None:
    if dialect.name in ("mysql", "mariadb") and session_is_open():
        raise FilterError(
            "MariaDB commits what a session has written before it changes an index. Call this "
            "outside of new_session()."
        )


async def _create(connection: AsyncConnection, value: DocumentValue) -> None:
    dialect, name, table = connection.dialect, _index_name(value), node_table.name
    if dialect.name in ("mysql", "mariadb"):
        generated = value_column_name(value)
        if generated not in await read_field_columns(connection):
            sql_type, length = _MARIADB_TYPES.get(value.form, ("DOUBLE", ""))
            await connection.exec_driver_sql(
                f"ALTER TABLE {table} ADD COLUMN {generated} {sql_type} "
                f"GENERATED ALWAYS AS ({_sql(value, dialect)}) VIRTUAL INVISIBLE, "
                f"ADD INDEX {name} (model_artifact_type, {generated}{length})"
            )
            await read_field_columns(connection)
        return
    expression = _sql(value, dialect)
    if dialect.name == "postgresql" and value.form == "text":
        # A longer text would be refused at every write: a key ends at 2.7 kB.
        expression = f"left({expression}, {INDEXED_LENGTH})"
    await connection.exec_driver_sql(
        f"CREATE INDEX IF NOT EXISTS {name} ON {table} "
        f"(model_artifact_type, ({expression}), node_id)"
    )
    if dialect.name == "postgresql":
        # Only so does it learn how selective the expression is.
        await connection.exec_driver_sql(f"ANALYZE {table}")


_BINARY = f"CHARACTER SET utf8mb4 COLLATE {MARIADB_COLLATION}"
_MARIADB_TYPES = {
    "integer": ("DECIMAL(65, 30)", ""),
    "boolean": ("BOOLEAN", ""),
    "moment": (f"VARCHAR(27) {_BINARY}", ""),
    "time": (f"VARCHAR(15) {_BINARY}", ""),
    "name": (f"VARCHAR(255) {_BINARY}", ""),
    "text": (f"LONGTEXT {_BINARY}", "(191)"),
}


async def _drop(connection: AsyncConnection, value: DocumentValue) -> None:
    name = _index_name(value)
    if connection.dialect.name in ("mysql", "mariadb"):
        await connection.exec_driver_sql(
            f"ALTER TABLE {node_table.name} DROP INDEX IF EXISTS {name}, "
            f"DROP COLUMN IF EXISTS {value_column_name(value)}"
        )
        await read_field_columns(connection)
    else:
        await connection.exec_driver_sql(f"DROP INDEX IF EXISTS {name}")
