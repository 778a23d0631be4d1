"""Where a value stands that is compared: in a document of a row, or in a column of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import isinf
from typing import Any, Protocol

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    String,
    and_,
    literal,
    not_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from typing_extensions import override

from artigraph.dialect.registry import dialect_of
from artigraph.filter.json import NUMBER_TYPE, DocumentValue, SameBeginning
from artigraph.orm.check.affinity import affinity_of
from artigraph.orm.friendly import ways_of
from artigraph.types.record import Scalar

__all__ = ["InColumn", "InDocument", "StoredValue", "is_short"]

SHORT = 255
"""Characters of a text that every database indexes whole."""


class Compares(Protocol):
    """An operator, as far as it makes clauses."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def needs(self) -> str | None:
        """``"order"`` or ``"text"``, if it needs one of them."""
        ...

    @property
    def negated(self) -> bool:
        """Whether it refuses what it compares with."""
        ...

    @property
    def clause(self) -> Callable[[ColumnElement[Any], Any], ColumnElement[bool]]:
        """The comparison in SQL."""
        ...


class StoredValue(ABC):
    """A value of a row, for SQL."""

    @abstractmethod
    def present(self) -> ColumnElement[bool]:
        """Whether it is there; never NULL itself."""

    @abstractmethod
    def nan(self) -> ColumnElement[bool]:
        """Whether it is NaN."""

    @abstractmethod
    def compared(self, operator: Compares, scalar: Scalar, stored: Any) -> ColumnElement[bool]:
        """Its comparison.

        Args:
            operator: How it is compared.
            scalar: What it is compared as.
            stored: With what, as the scalar stores it.
        """

    @abstractmethod
    def sortable(self, scalar: Scalar) -> ColumnElement[Any]:
        """What rows are ordered by."""


class InDocument(StoredValue):
    """A value in a document.

    Args:
        document: The column.
        keys: What leads to it.
        plain: Whether an annotation tells what it is.
    """

    def __init__(self, document: ColumnElement[Any], keys: Sequence[str], plain: bool) -> None:
        self._document, self._keys, self._plain = document, keys, plain

    @override
    def present(self) -> ColumnElement[bool]:
        return DocumentValue(self._document, self._keys, "present")

    @override
    def nan(self) -> ColumnElement[bool]:
        return DocumentValue(self._document, self._keys, "nan", plain=self._plain)

    @override
    def compared(self, operator: Compares, scalar: Scalar, stored: Any) -> ColumnElement[bool]:
        value = self.sortable(scalar)
        clause = operator.clause(value, stored)
        if operator.needs == "order":
            clause = and_(clause, *_same_zone(scalar, value, stored))
        if scalar.form == "text" and operator.name == "eq":
            clause = and_(clause, SameBeginning(value, literal(stored, String())))
        return clause

    @override
    def sortable(self, scalar: Scalar) -> DocumentValue:
        return DocumentValue.of_kind(self._document, self._keys, scalar, self._plain)


def _same_zone(
    scalar: Scalar, value: ColumnElement[Any], asked: object
) -> list[ColumnElement[bool]]:
    """Naive and aware datetimes do not compare, though their texts would."""
    if scalar.form != "moment":
        return []
    zones = {one[26:27] for one in (asked if isinstance(asked, tuple) else (asked,))}
    return [value.like("%Z") if zone else not_(value.like("%Z")) for zone in zones]


class InColumn(StoredValue):
    """A value in a column of its own.

    Args:
        row: The table, or an alias of it.
        column: Its column, as the table has it.
    """

    def __init__(self, row: FromClause, column: Column[Any]) -> None:
        self._plain: ColumnElement[Any] = row.c[column.name]
        self._derived = ways_of(column).derived
        self._row, self._affinity = row, affinity_of(column.type)

    @property
    def told(self) -> ColumnElement[Any]:
        """The column as it is told, together with others of its row where that matters."""
        return self._plain if self._derived is None else self._derived.value(self._row)

    @override
    def present(self) -> ColumnElement[bool]:
        return self._plain.is_not(None)

    @override
    def nan(self) -> ColumnElement[bool]:
        return _IsNaN(self._plain) if self._affinity in ("float", "decimal") else _Never()

    @override
    def compared(self, operator: Compares, scalar: Scalar, stored: Any) -> ColumnElement[bool]:
        several = stored if isinstance(stored, tuple) else (stored,)
        if self._derived is not None and operator.needs is None and not operator.negated:
            kept = self._derived.kept
            if not any(one in kept for one in several):
                return operator.clause(self._plain, stored)
            held = {*several, *(holds for one in several for holds in kept.get(one, ()))}
            # The column by itself, which an index may have, and then what it is told with.
            return and_(self._plain.in_(sorted(held)), operator.clause(self.told, stored))
        column = self.told
        if self._affinity in ("integer", "float", "decimal"):
            bound = tuple(map(self._bound, several))
            stored = bound if isinstance(stored, tuple) else bound[0]
        if operator.needs == "order":
            if self._affinity in ("text", None):
                column = _ByBytes(column)
            clause = operator.clause(column, stored)
            return and_(clause, not_(self.nan())) if self._is_float else clause
        clause = operator.clause(column, stored)
        if operator.name == "eq" and self._affinity == "text" and not is_short(self._plain):
            # Of a long text an index has the beginning.
            clause = and_(clause, SameBeginning(column, literal(stored, String())))
        return clause

    @property
    def _is_float(self) -> bool:
        return self._affinity in ("float", "decimal")

    def _bound(self, value: Any) -> Any:
        """A number, so that no driver makes one of the column's type of it that it is not."""
        if isinstance(value, float) and (isinf(value) or self._affinity == "integer"):
            return literal(value, NUMBER_TYPE)
        if self._affinity == "float" and isinstance(value, int):
            # Of several, PostgreSQL's driver takes the first one's type for that of all.
            near = float(value) if abs(value) < 2**53 else None
            return literal(value, NUMBER_TYPE) if near is None else near
        return value

    @override
    def sortable(self, scalar: Scalar) -> ColumnElement[Any]:
        return self.told


def is_short(column: ColumnElement[Any]) -> bool:
    """Whether the texts of a column end where any database indexes them whole."""
    length = getattr(getattr(column.type, "usual", column.type), "length", None)
    return length is not None and length <= SHORT


class _Never(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


@compiles(_Never)
def _never(element: _Never, compiler: SQLCompiler, **kw: object) -> str:
    return "(1 = 0)"


class _IsNaN(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()


@compiles(_IsNaN)
def _is_nan(element: _IsNaN, compiler: SQLCompiler, **kw: object) -> str:
    (value,) = (compiler.process(clause, **kw) for clause in element.clauses)
    if not dialect_of(compiler).keeps_nan:
        return "(1 = 0)"
    return f"COALESCE({value} = 'NaN', FALSE)"


class _ByBytes(FunctionElement[str]):
    """A text that has the same order in every database."""

    inherit_cache = True
    type = String()


@compiles(_ByBytes)
def _by_bytes(element: _ByBytes, compiler: SQLCompiler, **kw: object) -> str:
    (value,) = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({value}{dialect_of(compiler).json.text_collation})"
