"""Indexes on what stands in models' documents, for questions that are asked often.

An index leads with the model's type, then the field's value: a question names
the type, and a database takes the narrower of two indexes. It serves every
model that has such a field. Databases index the very expression that filters use;
those that index columns only keep the value in a generated one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import column as bare_column

from artigraph.db.session import session_is_open, write
from artigraph.dialect.json import is_plain_key
from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.filter.json import DocumentValue, value_column_name
from artigraph.filter.location import find_field, path_of, shown_path
from artigraph.filter.shape import Path, is_model_class
from artigraph.model.base import BaseModel
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
        database = dialect_of(transaction.connection)
        if database.commits_before_index and session_is_open():
            raise FilterError(
                f"{database.title} commits what a session has written before it changes an index. "
                "Call this outside of new_session()."
            )
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
    scalars = location.shape.scalars
    if not scalars:
        raise FilterError(
            f"{name} is {location.shape.name}, of which no database knows how to sort it. "
            "Index a field that is annotated as a number, a text, a date or the like."
        )
    for scalar in scalars:
        yield _value(location.keys, scalar, location.shape.tells_type)


def _value(keys: Path, scalar: Scalar, plain: bool) -> DocumentValue:
    # An expression in an index must not name the table.
    document: ColumnElement[Any] = bare_column(node_table.c.model_artifact_data.name)
    return DocumentValue.of_kind(document, keys, scalar, plain)


async def _create(connection: AsyncConnection, value: DocumentValue) -> None:
    compiled = value.compile(dialect=connection.dialect)
    if compiled.params:
        raise FilterError(
            f"{dialect_of(connection).title} cannot index the field at {value.keys!r}: its key "
            f"{next(iter(compiled.params.values()))!r} is none that it reads in an index."
        )
    sql = str(compiled)
    await dialect_of(connection).create_field_index(
        connection, node_table.name, value_column_name(value), sql, value.form
    )


async def _drop(connection: AsyncConnection, value: DocumentValue) -> None:
    column = value_column_name(value)
    await dialect_of(connection).drop_field_index(connection, node_table.name, column)
