"""Comparisons of one column with one value or many."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, ClassVar, Self

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    String,
    Text,
    and_,
    bindparam,
    false,
    or_,
    true as sql_true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.filter.base import check_keys
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.base import is_clean
from artigraph.types.scalar import without_numpy

__all__ = ["ValueFilter", "among", "check_value", "match"]


MOST_PARAMETERS = 500
"""Longer lists travel as one JSON parameter; the databases' own limits begin at
32,766 parameters a statement, and other clauses want theirs."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ValueFilter:
    """How a column's value compares; several keys must hold together.

    ``None`` is SQL NULL: ``ValueFilter(eq=None)`` finds rows without a value.

    Args:
        eq: Equal to this.
        ne: Not equal to this; as in SQL, a NULL is not unequal to a value.
        gt: Greater than this.
        ge: Greater than or equal to this.
        lt: Less than this.
        le: Less than or equal to this.
        in_: Equal to one of these, however many they are.
        not_in: Equal to none of these.
        like: Matches this pattern: ``%`` is any text, ``_`` any character, and a
            backslash before one of them or another backslash takes it as it is.
        ilike: As ``like``, taking upper and lower case for one; letters beyond
            ASCII only where the database does.
        is_: Identical to this: ``None``, ``True`` or ``False``.
        is_not: Not identical to this.

    Raises:
        FilterError: An unknown key, a list where one value belongs, or a pattern
            that is none.
    """

    eq: Any = UNSET
    ne: Any = UNSET
    gt: Any = UNSET
    ge: Any = UNSET
    lt: Any = UNSET
    le: Any = UNSET
    in_: Collection[Any] | Unset = UNSET
    not_in: Collection[Any] | Unset = UNSET
    like: str | Unset = UNSET
    ilike: str | Unset = UNSET
    is_: bool | Unset | None = UNSET
    is_not: bool | Unset | None = UNSET

    @override
    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        check_keys(cls, args, kwargs)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in ("in_", "not_in"):
            given = getattr(self, name)
            if given is UNSET:
                continue
            if isinstance(given, str | bytes) or not isinstance(given, Iterable):
                raise FilterError(f"ValueFilter({name}=…) takes a list of values, not {given!r}.")
            object.__setattr__(self, name, tuple(given))
        for name, given in self.given().items():
            several = isinstance(given, tuple)
            value = tuple(map(without_numpy, given)) if several else without_numpy(given)
            object.__setattr__(self, name, value)
        for name in ("gt", "ge", "lt", "le"):
            if getattr(self, name) is None:
                raise FilterError(f"ValueFilter({name}=None) never holds: NULL has no order.")
        for name in ("like", "ilike"):
            _check_pattern(name, getattr(self, name))
        for field in fields(self):
            given = getattr(self, field.name)
            for value in given if isinstance(given, tuple) else (given,):
                check_value(value)

    def given(self) -> dict[str, Any]:
        """What it compares with, by the name of the comparison."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in given.items() if value is not UNSET}

    def __repr__(self) -> str:
        return f"ValueFilter({', '.join(f'{k}={v!r}' for k, v in self.given().items())})"

    def on(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The comparison as a clause on a column."""
        clauses: list[ColumnElement[bool]] = []
        if self.eq is not UNSET:
            clauses.append(column.is_(None) if self.eq is None else column == self.eq)
        if self.ne is not UNSET:
            clauses.append(column.is_not(None) if self.ne is None else column != self.ne)
        if self.gt is not UNSET:
            clauses.append(column > self.gt)
        if self.ge is not UNSET:
            clauses.append(column >= self.ge)
        if self.lt is not UNSET:
            clauses.append(column < self.lt)
        if self.le is not UNSET:
            clauses.append(column <= self.le)
        if self.in_ is not UNSET:
            clauses.append(among(column, self.in_))
        if self.not_in is not UNSET:
            clauses.append(~among(column, self.not_in))
        if self.like is not UNSET:
            clauses.append(column.like(self.like, escape="\\"))
        if self.ilike is not UNSET:
            clauses.append(column.ilike(self.ilike, escape="\\"))
        if self.is_ is not UNSET:
            clauses.append(column.is_(self.is_))
        if self.is_not is not UNSET:
            clauses.append(column.is_not(self.is_not))
        return and_(*clauses) if clauses else sql_true()


def _check_pattern(name: str, pattern: object) -> None:
    if pattern is UNSET:
        return
    if not isinstance(pattern, str):
        raise FilterError(f"A pattern is a text, not {pattern!r}: {name}.")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise FilterError(
            f"The pattern {pattern!r} ends with a backslash, which takes the next character as it "
            "is. Double it to look for a backslash."
        )


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


def match(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    """A clause for a plain value, several of them, or a :class:`ValueFilter`.

    Args:
        column: What is compared.
        value: A ``ValueFilter``; a list, tuple, set or other collection, for
            one of its values; or anything else, for that value itself.
    """
    if isinstance(value, ValueFilter):
        return value.on(column)
    if isinstance(value, Collection) and not isinstance(value, str | bytes):
        return among(column, value)
    equal: ColumnElement[bool] = column == value
    return equal


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
def _unpack(element: _Rows, compiler: SQLCompiler, **kw: Any) -> str:
    (array,) = element.clauses
    return dialect_of(compiler).rows_of(compiler.process(array, **kw), element.values)
