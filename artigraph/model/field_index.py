"""Indexes on what models and nodes hold, for questions that are asked often.

An index leads with the model's type, then the field's value: a question names
the type, and a database takes the narrower of two indexes. It serves every
model that has such a field. One for a node class leads with the nodes' type.
Databases index the very expression that filters use; those that index columns only
keep the value in a generated one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import column as bare_column

from artigraph.db.session import session_is_open, write
from artigraph.dialect.base import FIELD_COLUMN
from artigraph.dialect.json import is_plain_key
from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.filter.column import NodeShape
from artigraph.filter.json import DocumentValue, value_column_name
from artigraph.filter.location import find_field, path_of, shown_path
from artigraph.filter.shape import Path, Shape, is_model_class
from artigraph.filter.stored import is_short
from artigraph.model.base import BaseModel
from artigraph.orm.node import Node, node_table
from artigraph.types.record import Scalar
from artigraph.types.scalar import NUMBER, TEXT

__all__ = ["create_field_index", "drop_field_index"]


async def create_field_index(model: type[BaseModel] | type[Node], field: str | Path) -> None:
    """Let the database find models, or nodes, by a field without reading them all.

    An index costs a little at every write. There is nothing to do later: it is
    kept by the database, and used by every filter and order that names the field.

    Args:
        model: The class, of models or of nodes.
        field: A field such as ``"loss"`` or ``"params.depth"``; a tuple where a key
            has a dot in it. Of nodes, a column by its friendly name, such as ``"status"``,
            or what is in a document of one: ``"params.lr"``. An index that is there
            already stays.

    Raises:
        FilterError: The class has no such field, it cannot be indexed, or MariaDB is
            asked inside of ``new_session()``.
    """
    await _for_each(model, field, _create)


async def drop_field_index(model: type[BaseModel] | type[Node], field: str | Path) -> None:
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


@dataclass(frozen=True)
class _Indexed:
    """What an index is made of."""

    value: DocumentValue | Column[Any]
    form: str
    of: str

    @property
    def name(self) -> str:
        if isinstance(self.value, DocumentValue):
            return value_column_name(self.value)
        return f"{FIELD_COLUMN}{sha256(self.value.name.encode()).hexdigest()[:16]}"


async def _for_each(
    model: type[BaseModel] | type[Node],
    field: str | Path,
    change: Callable[[AsyncConnection, _Indexed], Awaitable[None]],
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


def _values(model: type[BaseModel] | type[Node], field: str | Path) -> Iterator[_Indexed]:
    is_node = isinstance(model, type) and issubclass(model, Node)
    if not isinstance(model, type) or not (is_node or is_model_class(model)):
        raise FilterError(
            f"An index is made for a model's class, not for {model!r}, or for a node's."
        )
    path = path_of(field)
    name = f"{model.__name__}.{shown_path(path)}"
    shape: Shape = NodeShape(model) if issubclass(model, Node) else model._model_shape()
    location = find_field(model.__name__, shape, path)
    if location.shape.beside(node_table) is not None:
        raise FilterError(f"{name} needs no index: metrics are found by name and value anyhow.")
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
    if is_node and location.keys:
        # Nothing tells what stands there, so as whatever it is compared with most often.
        scalars = (NUMBER, TEXT)
    if not scalars:
        raise FilterError(
            f"{name} is {location.shape.name}, of which no database knows how to sort it. "
            "Index a field that is annotated as a number, a text, a date or the like."
        )
    if location.column is not None and not location.keys:
        yield _Indexed(location.column, _form_of(location.column, scalars[0]), "column")
        return
    # An expression in an index must not name the table.
    data = node_table.c.model_artifact_data if location.column is None else location.column
    document: ColumnElement[Any] = bare_column(data.name)
    for scalar in scalars:
        value = DocumentValue.of_kind(document, location.keys, scalar, location.shape.tells_type)
        yield _Indexed(value, value.form, "nodes" if is_node else "models")


def _form_of(column: Column[Any], scalar: Scalar) -> str:
    """How an index has a column: of a text that may be long, its beginning."""
    short = scalar.form == "text" and is_short(column)
    return "name" if short else scalar.form


async def _create(connection: AsyncConnection, indexed: _Indexed) -> None:
    database = dialect_of(connection)
    if isinstance(indexed.value, DocumentValue):
        compiled = indexed.value.compile(dialect=connection.dialect)
        if compiled.params:
            raise FilterError(
                f"{database.title} cannot index the field at {indexed.value.keys!r}: its key "
                f"{next(iter(compiled.params.values()))!r} is none that it reads in an index."
            )
        sql = f"({compiled})"
    else:
        sql = f"({connection.dialect.identifier_preparer.quote(indexed.value.name)})"
    await database.create_field_index(
        connection, node_table.name, indexed.name, sql, indexed.form, of=indexed.of
    )


async def _drop(connection: AsyncConnection, indexed: _Indexed) -> None:
    await dialect_of(connection).drop_field_index(connection, node_table.name, indexed.name)
