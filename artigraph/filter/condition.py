"""Conditions on the fields of models, before it is known of which class.

A condition names a field by the path that leads to it and says how its value
compares. Against a model's class it is checked: that the field exists, and
that the comparison makes sense for what the field is annotated as. It then
becomes a clause on the document of the model's row, or of the row of a nested
model below it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    and_,
    exists,
    literal,
    not_,
    or_,
    select,
    true,
)
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.base import negated
from artigraph.filter.english import comparison
from artigraph.filter.json import DocumentValue, SameBeginning
from artigraph.filter.kind import convert, kind_of_values
from artigraph.filter.place import Place, find_place, path_of, shown_path
from artigraph.filter.shape import Path, Shape
from artigraph.filter.unset import UNSET
from artigraph.filter.value import ValueFilter
from artigraph.orm.node import node_table
from artigraph.types.record import Scalar

__all__ = ["Comparison", "Condition", "conditions_of"]


class Condition(ABC):
    """Something that a model's fields must fulfil; combine with ``&``, ``|``, ``~``."""

    @abstractmethod
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        """The condition as a clause.

        Args:
            row: The table, or an alias of it, whose rows are the models.
            owner: The class's name, for errors.
            shape: The class's own shape.

        Raises:
            FilterError: The class has no such field, or the comparison makes no
                sense for it.
        """

    @abstractmethod
    def __str__(self) -> str: ...

    def __and__(self, other: object) -> Condition:
        return _Several(conditions=(self, _checked(other)), word="and")

    def __or__(self, other: object) -> Condition:
        return _Several(conditions=(self, _checked(other)), word="or")

    def __rand__(self, other: object) -> Condition:
        # Type checkers take a comparison of a field for the bool that it is elsewhere.
        return _checked(other) & self

    def __ror__(self, other: object) -> Condition:
        return _checked(other) | self

    def __invert__(self) -> Condition:
        return _Negated(condition=self)

    def __bool__(self) -> bool:
        raise FilterError(
            "A condition is neither true nor false. Combine conditions with &, | and ~ instead of "
            "and, or and not, each in parentheses: (f.loss > 0.1) & (f.loss < 0.5)."
        )

    def __repr__(self) -> str:
        return f"<{self}>"


def _checked(other: object) -> Condition:
    if is_true := getattr(type(other), "_is_true", None):  # a field that is a bool
        other = is_true(other)
    if not isinstance(other, Condition):
        raise FilterError(
            f"{other!r} is no condition. Put each side in parentheses: "
            "(f.loss < 0.1) & (f.depth == 3)."
        )
    return other


@dataclass(frozen=True, kw_only=True, repr=False)
class _Several(Condition):
    conditions: tuple[Condition, ...]
    word: str

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        clauses = [one.clause(row, owner, shape) for one in self.conditions]
        return and_(*clauses) if self.word == "and" else or_(*clauses)

    def __str__(self) -> str:
        return f" {self.word} ".join(
            f"({one})" if isinstance(one, _Several) and one.word != self.word else str(one)
            for one in self.conditions
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class _Negated(Condition):
    condition: Condition

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        # As for filters: what has no value there is found as well.
        return negated(self.condition.clause(row, owner, shape))

    def __str__(self) -> str:
        return f"not ({self.condition})"


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Condition):
    """One field's value, compared."""

    path: Path
    value: ValueFilter

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        place = find_place(owner, shape, self.path)
        field = f"{owner}.{shown_path(self.path)}"
        return _in_row(row, place.labels, _Compared(self.value, place, field))

    def check(self, owner: str, shape: Shape) -> None:
        """See that a class has the field, and that the comparison makes sense for it.

        Raises:
            FilterError: Either is not so.
        """
        place = find_place(owner, shape, self.path)
        _Compared(self.value, place, f"{owner}.{shown_path(self.path)}")

    def __str__(self) -> str:
        return comparison(shown_path(self.path), self.value)


class _Compared:
    """A comparison of a field that is found, on whatever row holds it."""

    def __init__(self, value: ValueFilter, place: Place, field: str) -> None:
        self._place, self._field = place, field
        self.null, self.not_null, rest, self._or_null = _without_none(value)
        self.nan, rest = _without_nan(rest)
        self._kind = self._choose_kind(rest) if rest.given() else None
        self._rest = None if self._kind is None else convert(self._kind, field, rest)

    def _choose_kind(self, asked: ValueFilter) -> Scalar:
        kinds, errors = self._place.shape.kinds, []
        if kinds is None:
            return kind_of_values(self._field, asked)
        if not kinds:
            raise FilterError(
                f"{self._field} is {self._place.shape.name}, which is not compared with a value. "
                "Ask for a field in it, or for None."
            )
        for kind in kinds:
            try:
                convert(kind, self._field, asked)
            except FilterError as error:
                errors.append(error)
            else:
                return kind
        raise errors[0]

    @property
    def finds_missing(self) -> bool:
        """Whether a model without the row that holds the field is found."""
        return self.null or self._or_null

    def clause(self, document: ColumnElement[Any]) -> ColumnElement[bool]:
        keys = self._place.keys
        present = DocumentValue(document, keys, "present")
        clauses: list[ColumnElement[bool]] = []
        if self.null:
            clauses.append(not_(present))
        if self.not_null:
            clauses.append(present)
        if self.nan is not None:
            is_nan = DocumentValue(document, keys, "nan")
            clauses.append(is_nan if self.nan else and_(present, not_(is_nan)))
        if self._kind is not None and self._rest is not None:
            value = DocumentValue.of_kind(document, keys, self._kind, self._place.shape.tells_kind)
            clauses.append(self._rest.on(value))
            if self._kind.form == "text" and self._rest.eq is not UNSET:
                clauses.append(SameBeginning(value, literal(self._rest.eq, String())))
            clauses.extend(_same_zone(self._kind, value, self._rest))
        clause = and_(*clauses) if clauses else true()
        return or_(clause, not_(present)) if self._or_null else clause


def _same_zone(
    kind: Scalar, value: ColumnElement[Any], asked: ValueFilter
) -> Sequence[ColumnElement[bool]]:
    """Naive and aware datetimes do not compare, though their texts would."""
    if kind.form != "moment":
        return ()
    texts = {
        one[26:27]
        for given in asked.given().values()
        for one in (given if isinstance(given, tuple) else (given,))
    }
    return [value.like("%Z") if zone else not_(value.like("%Z")) for zone in texts]


def _without_none(value: ValueFilter) -> tuple[bool, bool, ValueFilter, bool]:
    """Whether null is asked for, or refused, what else is asked, and whether null will do."""
    changes: dict[str, Any] = {}
    null = value.eq is None or value.is_ is None
    not_null = value.ne is None or value.is_not is None
    for key in ("eq", "is_", "ne", "is_not"):
        if getattr(value, key) is None:
            changes[key] = UNSET
    or_null = value.in_ is not UNSET and None in value.in_
    if or_null and value.in_ is not UNSET:
        changes["in_"] = tuple(one for one in value.in_ if one is not None)
    if value.not_in is not UNSET and None in value.not_in:
        changes["not_in"] = tuple(one for one in value.not_in if one is not None)
        not_null = True
    return null, not_null, replace(value, **changes), or_null


def _without_nan(value: ValueFilter) -> tuple[bool | None, ValueFilter]:
    """Whether NaN is asked for or refused, and what else is asked."""
    if isinstance(value.eq, float) and value.eq != value.eq:
        return True, replace(value, eq=UNSET)
    if isinstance(value.ne, float) and value.ne != value.ne:
        return False, replace(value, ne=UNSET)
    return None, value


def _in_row(row: FromClause, labels: Sequence[str], compared: _Compared) -> ColumnElement[bool]:
    if not labels:
        return compared.clause(row.c.model_artifact_data)
    inner = node_table.alias()
    there = and_(
        inner.c.node_parent_id == row.c.node_id,
        inner.c.node_label == labels[0],
        inner.c.model_artifact_type.is_not(None),
    )
    found = _in_row(inner, labels[1:], compared)
    clause = exists(select(inner.c.node_id).where(there, found))
    if compared.finds_missing:
        return or_(clause, not_(exists(select(inner.c.node_id).where(there))))
    return clause


def conditions_of(given: object) -> Condition:
    """What somebody gave as ``where``, as a condition.

    Args:
        given: A condition, or a mapping from fields to values, several values or
            a ``ValueFilter`` each.

    Raises:
        FilterError: It is neither, or a field is named in another way.
    """
    if isinstance(given, Condition):
        return given
    if not isinstance(given, Mapping):
        raise FilterError(
            f"where takes a dict such as {{'loss': ValueFilter(lt=0.1)}}, or a condition such as "
            f"Fit.where(lambda f: f.loss < 0.1) makes, not {given!r}."
        )
    found: list[Condition] = []
    for field, value in given.items():
        found.append(Comparison(path=path_of(field), value=_value_filter(field, value)))
    if not found:
        raise FilterError("where={} asks for nothing. Leave it out, or name a field.")
    return found[0] if len(found) == 1 else _Several(conditions=tuple(found), word="and")


def _value_filter(field: object, value: Any) -> ValueFilter:
    if isinstance(value, ValueFilter):
        return value
    if isinstance(value, Condition):
        raise FilterError(f"where={{{field!r}: …}} takes a value or a ValueFilter, not {value!r}.")
    if isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping):
        return ValueFilter(in_=value)
    return ValueFilter(eq=value)
