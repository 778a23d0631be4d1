"""Conditions on fields of models and columns of nodes, before it is known of which class.

A condition names a field by the path that leads to it and says how its value
compares. Against a model's class it is checked: that the field exists, and
that the comparison makes sense for what the field is annotated as. It then
becomes a clause on the document of the model's row, or of the row of a nested
model below it. Against a node class it asks the row's columns, and the documents in them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)
from typing_extensions import override

from artigraph.errors import ArtigraphError, FilterError, SerializationError
from artigraph.filter.base import negated
from artigraph.filter.comparable import choose_scalar
from artigraph.filter.known import Reader, Writer, Written, read_by_key
from artigraph.filter.location import (
    find_field,
    nested_model,
    path_of,
    shown_path,
)
from artigraph.filter.operator import OPERATORS, Comparison, Operator, asked_of, keys
from artigraph.filter.shape import Path, Shape
from artigraph.filter.stored import StoredValue
from artigraph.orm.node import node_table
from artigraph.types.record import Scalar

__all__ = [
    "Condition",
    "FieldComparison",
    "Negated",
    "Several",
    "SeveralOfField",
    "compare",
    "conditions_of",
]


class Condition(Written, ABC):
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
        return _combined("and", self, _checked(other))

    def __or__(self, other: object) -> Condition:
        return _combined("or", self, _checked(other))

    def __rand__(self, other: object) -> Condition:
        # Type checkers take a comparison of a field for the bool that it is elsewhere.
        return _checked(other) & self

    def __ror__(self, other: object) -> Condition:
        return _checked(other) | self

    def __invert__(self) -> Condition:
        return Negated(condition=self)

    def __bool__(self) -> bool:
        raise FilterError(
            "A condition is neither true nor false. Combine conditions with &, | and ~ instead of "
            "and, or and not, each in parentheses: (f.loss > 0.1) & (f.loss < 0.5)."
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        raise FilterError(
            f"{at} cannot be written as JSON: {type(self).__name__} is no condition of "
            "artigraph's. Make one of comparisons of fields, as Fit.where(lambda f: f.loss < 0.1) "
            "does."
        )


def _checked(other: object) -> Condition:
    if is_true := getattr(type(other), "_is_true", None):  # a field that is a bool
        other = is_true(other)
    if not isinstance(other, Condition):
        raise FilterError(
            f"{other!r} is no condition. Put each side in parentheses: "
            "(f.loss < 0.1) & (f.depth == 3)."
        )
    return other


def _combined(word: str, *sides: Condition) -> Condition:
    """Conditions side by side: a & b & c are three, and not two in two."""
    parts: list[Condition] = []
    for side in sides:
        alike = type(side) is Several and side.word == word
        parts += side.conditions if isinstance(side, Several) and alike else [side]
    return Several(conditions=tuple(parts), word=word)


@read_by_key("and", "or")
@dataclass(frozen=True, kw_only=True, repr=False)
class Several(Condition):
    """Several conditions, of which all must hold, or one."""

    conditions: tuple[Condition, ...]
    word: str

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        clauses = [one.clause(row, owner, shape) for one in self.conditions]
        return and_(true(), *clauses) if self.word == "and" else or_(*clauses)

    def __str__(self) -> str:
        return (
            f" {self.word} ".join(
                f"({one})" if isinstance(one, Several) and one.word != self.word else str(one)
                for one in self.conditions
            )
            or "anything"
        )

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        if type(self) is not Several:
            return super()._as_json(writer, at, level)
        return {self.word: writer.write(self.conditions, f"{at}.{self.word}", level + 1)}

    @override
    @classmethod
    def _from_json(cls, given: dict[str, Any], reader: Reader, at: str, level: int) -> Any:
        word = "and" if "and" in given else "or"
        reader.check_names(at, given, (word,))
        listed = given[word]
        parts = reader.read(listed, f"{at}.{word}", level + 1) if isinstance(listed, list) else ()
        if not parts or not all(isinstance(one, Condition) for one in parts):
            raise FilterError(f"{at}.{word} is no list of conditions.")
        return Several(conditions=parts, word=word)


@read_by_key("not")
@dataclass(frozen=True, kw_only=True, repr=False)
class Negated(Condition):
    """What a condition does not find."""

    condition: Condition

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        # As for filters: what has no value there is found as well.
        return negated(self.condition.clause(row, owner, shape))

    def __str__(self) -> str:
        return f"not ({self.condition})"

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        return {"not": writer.write(self.condition, f"{at}.not", level + 1)}

    @override
    @classmethod
    def _from_json(cls, given: dict[str, Any], reader: Reader, at: str, level: int) -> Any:
        reader.check_names(at, given, ("not",))
        inner = reader.read(given["not"], f"{at}.not", level + 1)
        if not isinstance(inner, Condition):
            raise FilterError(f"{at}.not is no condition.")
        return Negated(condition=inner)


@read_by_key("field")
@dataclass(frozen=True, repr=False)
class FieldComparison(Condition, Comparison[Path]):
    """One field's value, compared."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.operator.read(self.value))

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        return _on_field(row, owner, shape, self.path, [self])

    def __str__(self) -> str:
        return self.operator.phrase(shown_path(self.path), self.value)

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        return _comparisons(writer, self.path, [self], at, level)

    @override
    @classmethod
    def _from_json(cls, given: dict[str, Any], reader: Reader, at: str, level: int) -> Any:
        field = given.pop("field")
        try:
            path = path_of(tuple(field) if isinstance(field, list) else field)
        except FilterError as error:
            raise FilterError(f"{at}: {error}") from error
        reader.check_names(f"{at}, a comparison,", given, (*keys(),))
        at = f"{at}.{'.'.join(path)[:60]}"
        # In the order of the operators, as all that makes comparisons has it.
        asked = {
            name: reader.compared(path, given[name], f"{at}.{name}", level + 1)
            for name in keys()
            if name in given
        }
        try:
            return compare(path, asked)
        except ArtigraphError as error:
            raise FilterError(f"{at}: {error}") from error

    @property
    def values(self) -> tuple[Any, ...]:
        """All that the field is compared with."""
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def finds_missing(self) -> bool:
        """Whether a model without the row that would hold the field is found."""
        return None in self.values and not self.operator.negated

    @property
    def asked(self) -> tuple[Operator, Any] | None:
        """What the database compares; ``None`` where NULL or NaN alone is asked for."""
        operator = OPERATORS[self.operator.instead or self.operator.name]
        if operator.takes == "several":
            return operator, tuple(one for one in self.value if one is not None)
        return None if self.value is None or self.is_nan else (operator, self.value)

    @property
    def is_nan(self) -> bool:
        """Whether it asks for NaN, or for all but that."""
        equality = self.operator.needs is None and not self.operator.instead
        return equality and isinstance(self.value, float) and self.value != self.value

    def holds(
        self, value: StoredValue, scalar: Scalar | None, stored: object
    ) -> ColumnElement[bool]:
        """The comparison of a row's value, as a scalar that is so stored."""
        present = value.present()
        if self.asked is None or scalar is None:
            if self.is_nan:
                nan = value.nan()
                return and_(present, not_(nan)) if self.operator.negated else nan
            return present if self.operator.negated else not_(present)
        operator, _ = self.asked
        clause = value.compared(operator, scalar, stored)
        if self.operator.negated and self.values:
            # NaN, and what is of another kind, is not equal either.
            return and_(present, func.coalesce(clause, true(), type_=Boolean()))
        return or_(clause, not_(present)) if None in self.values else clause


@dataclass(frozen=True, kw_only=True, repr=False)
class SeveralOfField(Several):
    """One field's value, compared in several ways; in none it is only looked for."""

    conditions: tuple[FieldComparison, ...]
    path: Path

    @override
    def clause(self, row: FromClause, owner: str, shape: Shape) -> ColumnElement[bool]:
        return _on_field(row, owner, shape, self.path, self.conditions)

    def __str__(self) -> str:
        return super().__str__() if self.conditions else f"any {shown_path(self.path)}"

    @override
    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        return _comparisons(writer, self.path, self.conditions, at, level)


def _comparisons(
    writer: Writer, path: Path, compared: Sequence[FieldComparison], at: str, level: int
) -> dict[str, Any]:
    # A text where its dots are the path's; a list where a key has one.
    dotted = ".".join(path)
    made: dict[str, Any] = {"field": dotted if tuple(dotted.split(".")) == path else [*path]}
    for one in compared:
        name = one.operator.name
        if keys().get(name) is not one.operator:
            raise FilterError(f"{at} compares by {name!r}, which no database knows.")
        where = f"{at}.{dotted[:60]}"
        try:
            made[name] = writer.write(one.value, where, level + 1, compared=True)
        except SerializationError as error:
            raise FilterError(f"{where} cannot be written as JSON: {error}") from error
    return made


def _on_field(
    row: FromClause, owner: str, shape: Shape, path: Path, compared: Sequence[FieldComparison]
) -> ColumnElement[bool]:
    """Comparisons of one field, that must all hold, on the row of the model that has it."""
    location = find_field(owner, shape, path)
    asked = [one.asked for one in compared]
    scalar, stored = choose_scalar(location.shape, f"{owner}.{shown_path(path)}", asked)
    rows = [row, *(node_table.alias() for _ in location.labels)]
    value = location.stored(rows[-1])
    pairs = zip(compared, stored, strict=True)
    clause = and_(true(), *(one.holds(value, scalar, given) for one, given in pairs))
    for at, label in reversed(list(enumerate(location.labels))):
        inner = rows[at + 1]
        there = nested_model(inner, rows[at], label)
        clause = exists(select(inner.c.node_id).where(there, clause))
        if compared and all(one.finds_missing for one in compared):
            clause = or_(clause, not_(exists(select(inner.c.node_id).where(there))))
    return clause


def compare(path: Path, asked: Mapping[str, Any]) -> Condition:
    """A field, compared with values by the names of operators; all must hold."""
    found = [FieldComparison(path, OPERATORS[name], value) for name, value in asked.items()]
    if len(found) == 1:
        return found[0]
    return SeveralOfField(conditions=tuple(found), word="and", path=path)


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
    for field, value in given.items():
        if isinstance(value, Condition):
            raise FilterError(f"where={{{field!r}: …}} takes a value, not {value!r}.")
    found = [compare(path_of(field), asked_of(value)) for field, value in given.items()]
    if not found:
        raise FilterError("where={} asks for nothing. Leave it out, or name a field.")
    return found[0] if len(found) == 1 else Several(conditions=tuple(found), word="and")
