"""Values that columns are compared with, one or very many."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from math import isfinite
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Float,
    String,
    Text,
    bindparam,
    false,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import CTE, SelectBase
from sqlalchemy.sql.visitors import iterate

from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import cut
from artigraph.errors import FilterError
from artigraph.orm.base import is_clean, is_moment
from artigraph.orm.check.affinity import affinity_of

__all__ = ["among", "check_moment", "check_value", "has_subquery"]


MOST_PARAMETERS = 500
"""Longer lists travel as one JSON parameter where a statement may not have any number of
them; the databases' own limits begin at 32,766, and other clauses want theirs."""


def check_value(value: object) -> None:
    """Refuse what no column can hold, and some driver cannot send.

    Raises:
        FilterError: An integer of more than 64 bits, or a text with a NUL or a
            lone surrogate, or an aware moment that is none in UTC.
    """
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            # Python writes out none that is very long.
            shown = repr(value) if abs(value) < 10**80 else "a number of more than 80 digits"
            raise FilterError(f"No row can be found by {shown}: it has more than 64 bits.")
    elif isinstance(value, str) and not is_clean(value):
        raise FilterError(
            f"No row can be found by {cut(repr(value), 200)}: it holds a NUL or a lone surrogate, "
            "which is no text."
        )
    elif isinstance(value, datetime) and value.tzinfo is not None:
        check_moment(value)


def check_moment(value: datetime) -> None:
    """Refuse what is no moment in UTC; a naive one is taken for local time.

    Raises:
        FilterError: It lies before the year 1 there, or after the year 9999.
    """
    if not is_moment(value):
        raise FilterError(
            f"No row can be found by {value!r}: it is no moment between the years 1 and 9999 "
            "in UTC."
        )


def among(
    column: ColumnElement[Any], values: Collection[Any], *, changing: bool = False
) -> ColumnElement[bool]:
    """A clause for a column that has one of the values, however many there are.

    Args:
        column: The column.
        values: The values; ``None`` finds rows without one.
        changing: It is for an UPDATE or a DELETE, in which no database joins what is compared.

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
        rows = _unpacked(present)
        unpacked = column.bool_op("IN")(rows)
        # Beside numbers of another type the rows could not be hashed.
        alike = isinstance(rows, _Integers) and affinity_of(column.type) == "integer"
        clause = unpacked if alike and not changing else _OfMany(column.in_(present), unpacked)
    return or_(clause, column.is_(None)) if len(present) < len(values) else clause


def has_subquery(clause: ColumnElement[bool]) -> bool:
    """Whether a clause asks for more than the columns of the row that it is asked of."""
    return any(isinstance(part, SelectBase | CTE | _Rows) for part in iterate(clause))


def _unpacked(values: list[Any]) -> _Rows:
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


class _OfMany(FunctionElement[bool]):
    """A comparison with very many values: with each as a parameter, or with all in one."""

    inherit_cache = True
    type = Boolean()


@compiles(_OfMany)
def _of_many(element: _OfMany, compiler: SQLCompiler, **kw: object) -> str:
    parameters, unpacked = element.clauses
    chosen = parameters if dialect_of(compiler).takes_any_parameters else unpacked
    return f"({compiler.process(chosen, **kw)})"


class _Rows(FunctionElement[Any]):
    """The rows of a JSON array."""

    inherit_cache = True
    values: ClassVar[str]


class _Integers(_Rows):
    inherit_cache = True
    values = "integer"
    type = BigInteger()


class _Numbers(_Rows):
    inherit_cache = True
    values = "number"
    type = Float()


class _Texts(_Rows):
    inherit_cache = True
    values = "text"
    type = String()


@compiles(_Rows)
def _unpack(element: _Rows, compiler: SQLCompiler, **kw: object) -> str:
    (array,) = element.clauses
    return dialect_of(compiler).rows_of(compiler.process(array, **kw), element.values)
