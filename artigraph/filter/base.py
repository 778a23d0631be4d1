"""What every filter can do: become a clause, and combine with others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import reduce
from typing import Any, ClassVar, Self

from sqlalchemy import Boolean, ColumnElement, False_, True_, and_, false, func, not_, or_, true
from sqlalchemy.sql.elements import AsBoolean
from typing_extensions import dataclass_transform, override

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import FilterError
from artigraph.filter.english import Phrase, short_repr, shown_value
from artigraph.filter.known import Written, named_here
from artigraph.filter.unset import NOT_WRITTEN, UNSET
from artigraph.orm.node import Node, node_table, row_of
from artigraph.registry import did_you_mean

__all__ = [
    "PRESENT",
    "AllOf",
    "AnyOf",
    "Filter",
    "Not",
    "check_keys",
    "clause_of",
    "finds_all",
    "finds_none",
    "limited_clause_of",
    "negated",
]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Filter(Shown, Written, ABC):
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
    def __new__(cls, *args: object, **kwargs: object) -> Self:
        names: list[str] = [field.name for field in fields(cls)] if is_dataclass(cls) else []
        check_keys(cls, args, kwargs, names)
        for name, value in kwargs.items():
            if value is None:
                _refuse_none(cls, name)
        return super().__new__(cls)

    @abstractmethod
    def clause(self) -> ColumnElement[bool]:
        """The question as a clause on the columns of ``Node``."""

    def prepared(self) -> tuple[ColumnElement[bool], Mapping[str, object]]:
        """The clause, and what its parameters stand for.

        Returns:
            A clause that is the same object each time, where only the parameters differ, so
            that a statement with it need be made only once; and no parameters elsewhere.
        """
        return clause_of(self), {}

    def limits_nothing(self) -> bool:
        """Whether it says nothing that a row must fulfil, as ``NodeFilter()``.

        What is meant is what the filter says, not what is stored: one that
        happens to find every row limits something. To be of a kind is no limit,
        so ``ModelFilter()`` limits nothing: it stands for all models. Functions
        that delete refuse such a filter without ``everything=True``.
        """
        return finds_all(self.clause())

    def to_json(self) -> str:
        """The filter as JSON: a text to keep in a file or to send, as for :meth:`from_json`.

        Returns:
            The text; equal filters give equal texts.

        Raises:
            FilterError: It holds what JSON does not keep, such as a function, it is too
                large, or its class is your own and not registered, as with
                :func:`artigraph.register_filter`.
        """
        from artigraph.filter.written.write import filter_text  # by few, and not at the start

        return filter_text(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The filter of a text that :meth:`to_json` has made.

        Classes are found by their names among artigraph's own, those that are registered,
        and the models and nodes that are defined here; a name of a model that is not defined
        here stays a name. Nothing is evaluated or imported, so the text may be anybody's.

        Args:
            text: The text.

        Returns:
            The filter, equal to the one that was written.

        Raises:
            FilterError: It is no such text, or names a class that is not known here.
        """
        from artigraph.filter.written.read import filter_of_text

        made = filter_of_text(text, Filter)  # type: ignore[type-abstract]  # it is compared with
        if not isinstance(made, cls):
            raise FilterError(
                f"The text is a {type(made).__name__}, which is no {cls.__name__}. "
                "Filter.from_json() takes any."
            )
        return made

    def __and__(self, other: Filter) -> Filter:
        return AllOf(filters=(*_parts(AllOf, self), *_parts(AllOf, other)))

    def __or__(self, other: Filter) -> Filter:
        return AnyOf(filters=(*_parts(AnyOf, self), *_parts(AnyOf, other)))

    def __rand__(self, other: object) -> Filter:
        return AllOf(filters=(*_parts(AllOf, other), *_parts(AllOf, self)))

    def __ror__(self, other: object) -> Filter:
        return AnyOf(filters=(*_parts(AnyOf, other), *_parts(AnyOf, self)))

    def __invert__(self) -> Filter:
        return Not(filter=self)

    def __bool__(self) -> bool:
        raise FilterError(
            "A filter is neither true nor false. Combine filters with &, | and ~ "
            "instead of and, or and not."
        )

    _instead_of_none: ClassVar[str] = ""
    """What else to say than ``None``, where a kind of filter has a key for it."""

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
    """The clause of what a caller gave as a filter, on rows that are not in the trash.

    Raises:
        FilterError: It is none.
    """
    return and_(_check_filter(filter).clause(), PRESENT)


def limited_clause_of(
    filter: Filter, everything: bool, happens: str, instead: str
) -> ColumnElement[bool]:
    """The clause of a filter that says what is to be changed or removed.

    Args:
        filter: What a caller gave.
        everything: Whether it may limit nothing.
        happens: What happens to what it finds, for an error: ``"go"``.
        instead: What has happened in its place: ``"Nothing was deleted."``

    Raises:
        FilterError: It is none, or limits nothing and ``everything`` is not ``True``.
    """
    clause = clause_of(filter)
    if everything is not True and filter.limits_nothing():
        raise FilterError(
            f"The filter limits nothing, so all {filter} would {happens}. {instead} Say which are "
            f"to {happens}, as in NodeFilter(node_id=7), or that all of them are: everything=True."
        )
    return clause


PRESENT: ColumnElement[bool] = node_table.c.node_trashed_at.is_(None)
"""What a row must fulfil to be found: it was not thrown away."""


def finds_all(clause: ColumnElement[bool]) -> bool:
    """Whether a clause is no more than SQL's ``true``."""
    return isinstance(_bare(clause), True_)


def finds_none(clause: ColumnElement[bool]) -> bool:
    """Whether a clause is no more than SQL's ``false``."""
    return isinstance(_bare(clause), False_)


def negated(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    """What a clause does not find; those rows included that have no value there."""
    if finds_all(clause) or finds_none(clause):
        return false() if finds_all(clause) else true()
    if getattr(clause, "is_certain", False):
        return not_(clause)
    # In SQL, NOT of a comparison with NULL is as little true as the comparison.
    return not_(func.coalesce(clause, false(), type_=Boolean()))


def _bare(clause: ColumnElement[bool]) -> ColumnElement[bool]:
    # What and_() and or_() wrap a constant in that is all they are left with.
    while isinstance(clause, AsBoolean):
        clause = clause.element
    return clause


def _refuse_none(cls: type[Any], name: str) -> None:
    """Refuse ``None`` for a key that is left out otherwise; others may mean something by it."""
    (key,) = (field for field in fields(cls) if field.name == name)
    if key.default is not UNSET:
        return
    takes = str(key.type)
    null = f"For rows without a value say {name}=ValueFilter(eq=None)."
    said = (
        f"{cls.__name__}({name}=None) asks for nothing; None does not stand for everything.",
        NOT_WRITTEN if name == "node_id" or "Nodes" in takes else "",
        f"Leave {name} out to find all.",
        null if "ValueFilter" in takes and name != "node_id" else "",
        cls._instead_of_none,
    )
    raise FilterError(" ".join(filter(None, said)))


def _check_filter(given: object) -> Filter:
    if not isinstance(given, Filter):
        key = (
            f"label={cut(given, 60)!r}" if type(given) is str else f"node_id={_ids_in(given) or 7}"
        )
        say = f"Say what to look for, as in NodeFilter({key})."
        for sign, of_class in _OF_CLASS.items():
            if isinstance(given, type) and hasattr(given, sign):
                say = f"For all of the class write {of_class.format(given.__name__)}."
        if isinstance(getattr(given, "filter", None), Filter):
            say = "Give its filter: .filter."
        raise FilterError(f"{short_repr(given)} is no filter. {say}")
    return given


def _ids_in(given: object) -> object:
    """The id that somebody gave for a filter, or as a node, or several; else ``None``."""
    if isinstance(given, list | tuple):
        found = [_ids_in(one) for one in given[:_MOST_IDS]]
        return found if len(given) <= _MOST_IDS and all(type(one) is int for one in found) else None
    row = row_of(getattr(given, "node", given))  # a group has its node so
    node_id = row.node_id if isinstance(row, Node) else row
    return node_id if type(node_id) is int else None


_MOST_IDS = 5


_OF_CLASS = {
    "model_name": "ModelFilter(model_type={})",
    "__mapper__": "NodeFilter(node_type={})",
}


def _parts(cls: type[AllOf | AnyOf], given: object) -> tuple[Filter, ...]:
    """What is combined: a & b & c are three side by side, and not two in two."""
    checked = _check_filter(given)
    return checked.filters if type(checked) is cls else (checked,)


def _check_parts(owner: AllOf | AnyOf) -> None:
    """Refuse what holds something else than filters, or none."""
    if not isinstance(owner.filters, tuple) or not owner.filters:
        raise FilterError(
            f"{type(owner).__name__}(filters=…) takes a tuple of filters, not {owner.filters!r}."
        )
    for one in owner.filters:
        _check_filter(one)


def check_keys(cls: type, args: Sequence[Any], given: Iterable[str], names: list[str]) -> None:
    """Refuse what a class that takes keywords only does not take, in words that help.

    Raises:
        FilterError: A positional argument, or a name that is none of those.
    """
    if args:
        raise FilterError(
            f"{cls.__name__} takes keywords only, not {args[0]!r}. "
            f"Name what it is: {', '.join(f'{name}=' for name in names)}."
        )
    for name in given:
        if name not in names:
            raise FilterError(f"{cls.__name__} has no key {name!r}. {did_you_mean(name, names)}")


@named_here
@dataclass(frozen=True, kw_only=True, repr=False)
class AllOf(Filter):
    """Rows that every one of the filters finds."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts(self)

    @override
    def clause(self) -> ColumnElement[bool]:
        clauses = [f.clause() for f in self.filters]
        return false() if any(map(finds_none, clauses)) else and_(*clauses)

    @override
    def limits_nothing(self) -> bool:
        return all(f.limits_nothing() for f in self.filters)

    @override
    def phrase(self) -> Phrase:
        return reduce(Phrase.joined, (f.phrase() for f in self.filters))


@named_here
@dataclass(frozen=True, kw_only=True, repr=False)
class AnyOf(Filter):
    """Rows that at least one of the filters finds."""

    filters: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_parts(self)

    @override
    def clause(self) -> ColumnElement[bool]:
        clauses = [f.clause() for f in self.filters]
        # Those that know how are one question together.
        if len(alike := [one for one in clauses if hasattr(one, "either")]) > 1:
            others = [one for one in clauses if not hasattr(one, "either")]
            clauses = [*others, alike[0].either(alike[1:])]
        return or_(*clauses)

    @override
    def limits_nothing(self) -> bool:
        return any(f.limits_nothing() for f in self.filters)

    @override
    def phrase(self) -> Phrase:
        return Phrase("", (f"that are {' or '.join(map(_operand, self.filters))}",))


@named_here
@dataclass(frozen=True, kw_only=True, repr=False)
class Not(Filter):
    """Rows that the filter does not find; those included that have no value there."""

    filter: Filter

    def __post_init__(self) -> None:
        _check_filter(self.filter)

    @override
    def clause(self) -> ColumnElement[bool]:
        return negated(self.filter.clause())

    @override
    def phrase(self) -> Phrase:
        inner = self.filter.phrase()
        if isinstance(self.filter, AnyOf):
            (either,) = inner.tails
            return Phrase("", (f"that are not ({either.removeprefix('that are ')})",))
        return Phrase("", (f"that are not {_operand(self.filter)}",))


def _operand(operand: Filter) -> str:
    return f"({operand})" if operand.phrase().tails else str(operand)
