"""Questions about tags: which a node has, and with what value.

A value is compared as a field of a model would be that may hold anything, by the key that
its row has beside it: one index tells the nodes of a tag, of a value, and of all that is
more or less. Few comparisons need the value itself: those with very long texts, and those
by operators that somebody else has registered.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Boolean, ColumnElement, and_, exists, func, not_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from typing_extensions import override

from artigraph.dialect.registry import dialect_of
from artigraph.errors import FilterError
from artigraph.filter.base import Filter
from artigraph.filter.comparable import choose_scalar
from artigraph.filter.condition import FieldComparison
from artigraph.filter.english import Phrase
from artigraph.filter.location import FieldLocation
from artigraph.filter.operator import OPERATORS, Operator, ValueFilter, asked_of, comparison, match
from artigraph.filter.shape import AnyShape
from artigraph.filter.stored import InDocument
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import check_value
from artigraph.orm.node import node_table
from artigraph.orm.tag import tag_table
from artigraph.types.record import Scalar
from artigraph.types.scalar import TEXT
from artigraph.types.sort_key import KEY_LENGTH, NAN, NOTHING, kind_bounds, sort_key

__all__ = ["VALUE", "TagFilter", "TagValue", "tag_clause"]

TagValue: TypeAlias = Any
"""Whatever a field is compared with: a text, a number, a bool, a moment, several, or a
``ValueFilter``."""

VALUE = "value"
"""The key of the value in its document."""

_tag = tag_table.c


@dataclass(frozen=True, kw_only=True, repr=False)
class TagFilter(Filter):
    """Nodes by their tags: those that have one tag of which all that is said is true.

    ``~TagFilter(name="best")`` finds all without it; ``&`` of two wants two tags, perhaps.

    Args:
        name: The tag's name, several, or a ``ValueFilter``; any name, unless given.
        value: Its value, several, or a ``ValueFilter``, compared as a field's is;
            ``ValueFilter(eq=None)`` for a tag without a value. Any, unless given.

    Raises:
        FilterError: An unknown key, a name that is none, or a comparison that makes no sense.
    """

    name: str | Collection[str] | ValueFilter | Unset = UNSET
    value: TagValue | ValueFilter | Unset = UNSET

    def __post_init__(self) -> None:
        given = () if self.name is UNSET else asked_of(self.name).items()
        for operator, asked in given:
            several = OPERATORS[operator].takes == "several"
            for one in asked if several else (asked,):
                if not isinstance(one, str):
                    raise FilterError(
                        f"TagFilter(name=…) takes the name of a tag, several, or a ValueFilter, "
                        f"not {one!r} ({type(one).__name__}). To ask for tags with a value say "
                        "value=…."
                    )
                check_value(one)
        if self.name is not UNSET and not isinstance(self.name, str | ValueFilter):
            object.__setattr__(self, "name", tuple(self.name))
        if isinstance(self.value, list | set | frozenset):
            object.__setattr__(self, "value", tuple(self.value))
        if self.value is not UNSET:
            _value_clause(self._called(), self.value)

    @override
    def clause(self) -> ColumnElement[bool]:
        clauses = []
        if self.name is not UNSET:
            clauses.append(match(_tag.tag_name, self.name))
        if self.value is not UNSET:
            clauses.append(_value_clause(self._called(), self.value))
        return tag_clause(and_(true(), *clauses))

    @override
    def limits_nothing(self) -> bool:
        return self.name is UNSET and self.value is UNSET

    @override
    def phrase(self) -> Phrase:
        if isinstance(self.name, str):
            told = f"tag {self.name}" if self.value is UNSET else ""
            return Phrase("", (f"with {told or comparison(f'tag {self.name}', self.value)}",))
        named = "any tag" if self.name is UNSET else f"a tag with {comparison('name', self.name)}"
        if self.value is not UNSET:
            named += f" and {comparison('value', self.value)}"
        return Phrase("", (f"with {named}",))

    def _called(self) -> str:
        return f"The tag {self.name!r}" if isinstance(self.name, str) else "A tag's value"


class _HasTag(FunctionElement[bool]):
    """Whether a row has a tag, asked as the database at hand answers soonest."""

    inherit_cache = True
    type = Boolean()
    is_certain = True
    """It is never NULL."""

    def __init__(self, asked: ColumnElement[bool]) -> None:
        among = node_table.c.node_id.in_(select(_tag.tag_node_id).where(asked))
        there = exists().where(_tag.tag_node_id == node_table.c.node_id, asked)
        super().__init__(among, there.correlate(node_table))
        self._asked = asked

    # A database without booleans would be asked whether it is 1, which no plan sees through.

    @override
    def self_group(self, against: OperatorType | None = None) -> _HasTag:
        return self

    @override
    def _negate(self) -> ColumnElement[bool]:
        return UnaryExpression(self, operator=operators.inv, type_=Boolean())

    def either(self, others: Iterable[_HasTag]) -> _HasTag:
        """Whether it has this tag or another one."""
        return _HasTag(or_(self._asked, *(one._asked for one in others)))


@compiles(_HasTag)
def _has_tag(element: _HasTag, compiler: SQLCompiler, **kw: object) -> str:
    among, there = element.clauses
    chosen = there if dialect_of(compiler).asks_row_by_row else among
    return f"({compiler.process(chosen, **kw)})"


def tag_clause(asked: ColumnElement[bool]) -> ColumnElement[bool]:
    """A clause on nodes, for what a tag of theirs must fulfil.

    Args:
        asked: A clause on the columns of the table of tags.
    """
    return _HasTag(asked)


_BY_KEY = {"eq", "ne", "in_", "not_in", "gt", "ge", "lt", "le"}
_PATTERNS = {"like", "ilike"}
_AT = FieldLocation((), (VALUE,), AnyShape())


def _value_clause(called: str, value: object) -> ColumnElement[bool]:
    """What the value of a tag must fulfil.

    Raises:
        FilterError: The comparison makes no sense.
    """
    if isinstance(value, dict):
        raise FilterError(
            f"{called} cannot be compared with {value!r}: lists and dicts are kept and given back, "
            "and are not compared. Compare it with a number, a text, a bool, a date or None."
        )
    compared = [FieldComparison((VALUE,), OPERATORS[n], v) for n, v in asked_of(value).items()]
    asked = [one.asked for one in compared]
    scalar, stored = choose_scalar(AnyShape(), called, asked)
    pairs = zip(compared, stored, strict=True)
    return and_(true(), *(_holds(one, scalar, value) for one, value in pairs))


def _holds(one: FieldComparison, scalar: Scalar | None, stored: Any) -> ColumnElement[bool]:
    key: ColumnElement[Any] = _tag.tag_key
    present = key != NOTHING
    if one.asked is None or scalar is None:
        if one.is_nan:
            return and_(present, key != NAN) if one.operator.negated else key == NAN
        return present if one.operator.negated else key == NOTHING
    operator, _ = one.asked
    several: Sequence[Any] = stored if isinstance(stored, tuple) else (stored,)
    if operator.name in _PATTERNS and scalar is TEXT:
        # Of a long text the key has the beginning only.
        long = func.char_length(key) >= KEY_LENGTH
        alike = and_(not_(long), operator.clause(key, f"s{stored}"))
        at = (
            key.between(f"s{begin}", f"s{begin}{_LAST}")
            if (begin := _beginning(operator, stored))
            else _is_kind(scalar, stored)
        )
        return and_(at, or_(alike, and_(long, _by_value(one, scalar, stored))))
    if operator.name not in _BY_KEY or any(_is_long(scalar, each) for each in several):
        return _by_value(one, scalar, stored)
    keys = [sort_key(scalar, each) for each in several]
    clause = operator.clause(key, tuple(keys) if isinstance(stored, tuple) else keys[0])
    if operator.needs == "order":
        return and_(clause, _is_kind(scalar, stored))
    if one.operator.negated:
        return and_(present, clause) if keys else clause
    return or_(clause, key == NOTHING) if None in one.values else clause


def _by_value(one: FieldComparison, scalar: Scalar, stored: Any) -> ColumnElement[bool]:
    value = InDocument(_tag.tag_value, _AT.keys, _AT.shape.tells_type)
    return one.holds(value, scalar, stored)


_LAST = "\U0010ffff"


def _beginning(operator: Operator, pattern: str) -> str:
    """What all texts begin with that are like a pattern; the index finds them by that."""
    plain = re.match(r"[^%_\\]*", pattern) if operator.name == "like" else None
    return plain[0][:99] if plain else ""


def _is_kind(scalar: Scalar, stored: Any) -> ColumnElement[bool]:
    least, beyond = kind_bounds(scalar, stored)
    return and_(_tag.tag_key >= least, _tag.tag_key < beyond)


def _is_long(scalar: Scalar, stored: Any) -> bool:
    return len(sort_key(scalar, stored)) >= KEY_LENGTH
