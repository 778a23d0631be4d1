"""Values that columns are compared with, one or very many."""

from __future__ import annotations

import json
from collections.abc import Collection
from math import isfinite
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    String,
    Text,
    bindparam,
    cast,
    false,
    or_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from artigraph.errors import FilterError
from artigraph.orm.base import MARIADB_COLLATION, is_clean

__all__ = ["among", "check_value"]


MOST_PARAMETERS = 500
"""Longer lists travel as one JSON parameter; the databases' own limits begin at
32,766 parameters a statement, and other clauses want theirs."""


def check_value(value: object) -> None:
    """Refuse what no column can hold, and some driver cannot send.

    Raises:
        FilterError: An integer of more than 64 bits, or a text with a NUL or a
            lone surrogate.
    """
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise FilterError(f"No row can be found by {value!r}: it has more than 64 bits.")
    elif isinstance(value, str) and not is_clean(value):
        raise FilterError(
            f"No row can be found by {value!r}: it holds a NUL or a lone surrogate, "
            "which is no text."
        )


def among(column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """A clause for a column that has one of the values, however many there are.

    Raises:
        FilterError: Very many values of a type that JSON does not keep.
    """
    present = [value for value in values if value is not None]
    clause: ColumnElement[bool]
    if not present:
        clause = false()
    elif len(present) == 1:
        clause = column == present[0]
    elif len(present) <= MOST_PARAMETERS:
        clause = column.in_(present)
    else:
        clause = column.bool_op("IN")(_unpacked(present))
    return or_(clause, column.is_(None)) if len(present) < len(values) else clause


def _unpacked(values: list[Any]) -> FunctionElement[Any]:
    packed = bindparam(None, json.dumps(values, default=str), type_=Text())
    types = {type(value) for value in values}
    if types == {int}:
        return _Integers(packed)
    if types <= {int, float} and all(map(isfinite, values)):
        return _Numbers(packed)
    if types == {str}:
        return _Texts(packed)
    raise FilterError(
        f"A list of {len(values)} values must hold finite numbers or texts only, not "
        f"{', '.join(sorted(t.__name__ for t in types))}. Ask in parts of {MOST_PARAMETERS}."
    )


class _Integers(FunctionElement[int]):
    """The rows of a JSON array of integers."""

    inherit_cache = True
    type = BigInteger()


class _Numbers(FunctionElement[float]):
    """The rows of a JSON array of numbers."""

    inherit_cache = True
    type = Float()


class _Texts(FunctionElement[str]):
    """The rows of a JSON array of texts."""

    inherit_cache = True
    type = String()


def _argument(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses.clauses[0], **kw)


@compiles(_Integers, "sqlite")
@compiles(_Numbers, "sqlite")
@compiles(_Texts, "sqlite")
def _on_sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"(SELECT value FROM json_each({_argument(element, compiler, **kw)}))"  # noqa: S608  # a bound parameter


@compiles(_Integers, "postgresql")
@compiles(_Numbers, "postgresql")
@compiles(_Texts, "postgresql")
def _on_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    array = compiler.process(cast(element.clauses.clauses[0], JSONB), **kw)
    casts = {_Integers: "value::bigint", _Numbers: "value::numeric", _Texts: "value"}
    value = casts[type(element)]
    return f"(SELECT {value} FROM jsonb_array_elements_text({array}))"  # noqa: S608  # as above


@compiles(_Integers, "mysql", "mariadb")
@compiles(_Numbers, "mysql", "mariadb")
@compiles(_Texts, "mysql", "mariadb")
def _on_mariadb(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    types = {
        _Integers: "BIGINT",
        _Numbers: "DOUBLE",
        _Texts: f"VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE {MARIADB_COLLATION}",
    }
    type_ = types[type(element)]
    array = _argument(element, compiler, **kw)
    rows = f"JSON_TABLE({array}, '$[*]' COLUMNS (value {type_} PATH '$')) AS packed"
    return f"(SELECT packed.value FROM {rows})"  # noqa: S608  # as above
