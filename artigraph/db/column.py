"""Whether the table's columns keep what node classes write into them today.

A column is never altered, so a class whose annotation has changed may meet a
column of another type, in which a value would become another one. Types that
differ in size only are compatible: values that are too large for the table's
are refused when they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Dialect, Table
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.exc import CompileError, UnsupportedCompilationError
from sqlalchemy.types import Enum, TypeEngine

from artigraph.dialect.registry import dialect_of
from artigraph.errors import SchemaError
from artigraph.orm.check.affinity import affinity_of, unwrapped
from artigraph.orm.node import Node, node_table, users_columns

__all__ = ["check_types", "share_stored_types", "stored_types"]

_STORED = "artigraph_columns"
"""The attribute of a dialect that holds the types of the table's columns by name."""


def share_stored_types(dialect: Dialect, types: dict[str, TypeEngine[Any]]) -> None:
    """Have an engine know what :func:`check_types` has seen through another one.

    Args:
        dialect: The engine's.
        types: To be filled in.
    """
    setattr(dialect, _STORED, types)


def stored_types(dialect: Dialect) -> Mapping[str, TypeEngine[Any]]:
    """The types of the table's columns by name, as far as they were seen."""
    types: Mapping[str, TypeEngine[Any]] = getattr(dialect, _STORED, {})
    return types


def check_types(
    connection: Connection, table: Table, present: Mapping[str, ReflectedColumn], shown: str
) -> None:
    """See that the columns of all node classes keep what the classes write.

    Args:
        connection: To the database.
        table: The table that was looked at.
        present: Its columns by name.
        shown: The database's address as an error may show it.

    Raises:
        SchemaError: A column has a type that would change values.
    """
    if table is not node_table:
        return
    dialect = connection.dialect
    seen = {name: column["type"] for name, column in present.items()}
    # Columns that a class no longer has stay in the table, whatever their type.
    for mapper in dict(Node.__mapper__.polymorphic_map).values():
        for name, column in users_columns(mapper.class_).items():
            stored = seen.get(column.name)
            if stored is not None and not _gives_back(column, stored, dialect):
                raise SchemaError(
                    f"{mapper.class_.__name__}.{name} is of type "
                    f"{_compiled(column.type, dialect)}, but the table {table.name!r} of {shown} "
                    f"has the column {column.name!r} as {_compiled(stored, dialect)}, where its "
                    "values would become others. A column's type is never altered: give the new "
                    f"one another name, as in {column.name}_2, and the values there stay."
                )
    types = getattr(dialect, _STORED, None)
    if types is not None:
        types.update(seen)


def _gives_back(column: Column[Any], stored: TypeEngine[Any], dialect: Dialect) -> bool:
    if _compiled(column.type, dialect) == _compiled(stored, dialect):
        return True
    affinity, there = _stored_affinity(column.type, dialect), affinity_of(stored)
    if affinity is None or there is None:
        return True  # a type of the user's or of an extension
    return dialect_of(dialect).gives_back(affinity, there)


def _stored_affinity(type_: TypeEngine[Any], dialect: Dialect) -> str | None:
    """The affinity of the column that a type makes."""
    affinity = affinity_of(type_)
    inner = unwrapped(type_, dialect)
    if isinstance(inner, Enum) and not inner.native_enum:
        return "text"
    if not dialect_of(dialect).checks_types and affinity is not None:
        return affinity  # by what is sent: a TypeDecorator may make texts of anything
    return affinity_of(inner) or affinity


def _compiled(type_: TypeEngine[Any], dialect: Dialect) -> str:
    try:
        return str(type_.compile(dialect=dialect))
    except (CompileError, UnsupportedCompilationError, NotImplementedError):
        return repr(type_)
