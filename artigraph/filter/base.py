"""What every filter can do: become a clause, and combine with others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import reduce
from typing import Any, Self

from sqlalchemy import Boolean, ColumnElement, and_, false, func, not_, or_
from typing_extensions import dataclass_transform, override

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.limits import Limits
from artigraph.display.shown import Shown
from artigraph.errors import FilterError
from artigraph.filter.english import Phrase, shown_value
from artigraph.registry import did_you_mean

__all__ = ["AllOf", "AnyOf", "Filter", "Not", "check_keys", "clause_of"]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Filter(Shown, ABC):
    """A question about rows of ``artigraph_node``.

    Subclass it as a frozen, keyword-only dataclass with one method::

        @dataclass(frozen=True, kw_only=True)
        class Recent(Filter):
            days: int

            def clause(self):
                return Node.node_created_at > datetime.now(UTC) - timedelta(days=self.days)

    Filters combine with ``&``, ``|`` and ``~``.
    """

    @override
    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        check_keys(cls, args, kwargs)
        return super().__new__(cls)

    @abstractmethod
    def clause(self) -> ColumnElement[bool]:
        """The question as a clause on the columns of ``Node``."""

    def __and__(self, other: Filter) -> Filter:
        return AllOf(filters=(self, _check_filter(other)))

    def __or__(self, other: Filter) -> Filter:
        return AnyOf(filters=(self, _check_filter(other)))

    def __rand__(self, other: object) -> Filter:
        return AllOf(filters=(_check_filter(other), self))

    def __ror__(self, other: object) -> Filter:
        return AnyOf(filters=(_check_filter(other), self))

    def __invert__(self) -> Filter:
        return Not(filter=self)

    def __bool__(self) -> bool:
        raise FilterError(
            "A filter is neither true nor false. Combine filters with &, | and ~ "
            "instead of and, or and not."
        )

    def phrase(self) -> Phrase:
        """What the filter finds, in words; a subclass may say it better."""
        given = (
            f"{f.name}={shown_value(getattr(self, f.name))}"
            for f in fields(self)  # type: ignore[arg-type]  # every concrete filter is a dataclass
            if getattr(self, f.name) != f.default
        )
        return Phrase(tails=(f"that {type(self).__name__}({', '.join(given)}) finds",))

    def __str__(self) -> str:
        # Names may be somebody else's, and errors show them in terminals.
        return visible(str(self.phrase()))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    @override
    def _describe(self, limits: Limits) -> Facts:
        return Facts(type(self).__name__, lines=(cut(str(self), 1_000),))


def clause_of(filter: Filter) -> ColumnElement[bool]:
    """The clause of what a caller gave as a filter.

    Raises:
        FilterError: It is none.
    """
    return _check_filter(filter).clause()


def _check_filter(given: object) -> Filter:
    if not isinstance(given, Filter):
        say = "Say what to look for, as in NodeFilter(node_id=7)."
        for sign, of_class in _OF_CLASS.items():
            if isinstance(given, type) and hasattr(given, sign):
                say = f"For all of the class write {of_class.format(given.__name__)}."
        raise FilterError(f"{given!r} is no filter. {say}")
    return given


_OF_CLASS = {
    "model_name": "ModelFilter(model_type={})",
    "__mapper__": "NodeFilter(node_type={})",
}


def check_keys(cls: type[Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Refuse what a keyword-only dataclass does not take, in words that help.

    Raises:
        FilterError: A positional argument, or a name that is no field.
    """
    names = [field.name for field in fields(cls)] if is_dataclass(cls) else []
    if args:
        raise FilterError(
            f"{cls.__name__} takes keywords only, not {args[0]!r}. "
            f"Name what it is: {', '.join(f'{name}=' for name in names)}."
        )
    for name in kwargs:
        if name not in names:
            raise FilterError(f"{cls.__name__} has no key {name!r}. {did_you_mean(name, names)}")


@dataclass(frozen=True, kw_only=True, repr=False)
class AllOf(Filter):
    """Rows that every one of the filters finds."""

    filters: tuple[Filter, ...]

    @override
    def clause(self) -> ColumnElement[bool]:
        return and_(*(f.clause() for f in self.filters))

    @override
    def phrase(self) -> Phrase:
        return reduce(Phrase.joined, (f.phrase() for f in self.filters))


@dataclass(frozen=True, kw_only=True, repr=False)
class AnyOf(Filter):
    """Rows that at least one of the filters finds."""

    filters: tuple[Filter, ...]

    @override
    def clause(self) -> ColumnElement[bool]:
        return or_(*(f.clause() for f in self.filters))

    @override
    def phrase(self) -> Phrase:
        return Phrase("", (f"that are {' or '.join(map(_operand, self.filters))}",))


@dataclass(frozen=True, kw_only=True, repr=False)
class Not(Filter):
    """Rows that the filter does not find; those included that have no value there."""

    filter: Filter

    @override
    def clause(self) -> ColumnElement[bool]:
        # In SQL, NOT of a comparison with NULL is as little true as the comparison.
        return not_(func.coalesce(self.filter.clause(), false(), type_=Boolean()))

    @override
    def phrase(self) -> Phrase:
        inner = self.filter.phrase()
        if isinstance(self.filter, AnyOf):
            (either,) = inner.tails
            return Phrase("", (f"that are not ({either.removeprefix('that are ')})",))
        return Phrase("", (f"that are not {_operand(self.filter)}",))


def _operand(operand: Filter) -> str:
    return f"({operand})" if operand.phrase().tails else str(operand)
