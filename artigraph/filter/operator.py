"""How values are compared: one row tells all that is known of an operator.

Fields in Python, a :class:`ValueFilter`, a line of the magic, the explorer's
search box and a condition of a frame's viewer are all understood as
:class:`Comparison`; what its operator means in SQL, in Arrow and in words stands
here and nowhere else. :func:`register` takes one more.
"""

from __future__ import annotations

import operator as operators
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from inspect import Parameter, Signature
from textwrap import fill
from typing import Any, ClassVar, Generic, Literal, TypedDict, TypeVar, Unpack

from sqlalchemy import ColumnElement, and_, true

from artigraph.errors import FilterError, NameTakenError
from artigraph.filter.base import check_keys
from artigraph.filter.english import listed, shown_value
from artigraph.filter.known import Written, named_here
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import among, check_value
from artigraph.home import home
from artigraph.types.scalar import without_numpy

__all__ = [
    "OPERATORS",
    "SIGNS",
    "Comparison",
    "Operator",
    "ValueFilter",
    "asked_of",
    "comparison",
    "keys",
    "match",
    "moment",
    "register",
    "sign_pattern",
    "usual_signs",
]

P = TypeVar("P")


def _asks_no_database(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    raise FilterError("Only a viewer compares so, and no database.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """What is known of one operator."""

    name: str
    """Its key in a :class:`ValueFilter`, and what a viewer's page sends."""
    words: str
    """How it reads between a name and a value."""
    help: str
    """What it asks, for whoever looks up the keys of a :class:`ValueFilter`."""
    signs: tuple[str, ...] = ()
    """How it is typed in magics and searches, the usual one first; else it cannot be."""
    when: str = ""
    """How it reads behind a verb and before a moment."""
    needs: Literal["order", "text"] | None = None
    """What values must have that it compares."""
    takes: Literal["one", "several", "nothing"] = "one"
    """How many values it compares with."""
    negated: bool = False
    """Whether it refuses what it compares with; ``None`` then stands for what is there."""
    instead: str = ""
    """The operator that fields of models are compared by, if not this one."""
    check: Callable[[Any], object] | None = None
    """Refuses a value that makes no sense for it."""
    clause: Callable[[ColumnElement[Any], Any], ColumnElement[bool]] = _asks_no_database
    """The comparison of a column with a value in SQL; without it no ``ValueFilter`` has it."""
    arrow: str = ""
    """The function of ``pyarrow.compute``; without it no viewer offers the operator."""
    may_hold: Callable[[Any, Any], bool] | None = None
    """Whether a chunk with these Parquet statistics may hold a row for a value; always, unless
    given. A fact that is missing there is ``None``, and what fails to compare may hold."""

    def read(self, value: Any) -> Any:
        """A value as it is compared with, of what somebody gave.

        Raises:
            FilterError: It makes no sense for the operator, or no database can send it.
        """
        if self.takes == "several":
            if isinstance(value, str | bytes) or not isinstance(value, Iterable):
                raise FilterError(
                    f"ValueFilter({self.name}=…) takes a list of values, not {value!r}."
                )
            value = tuple(value)
        elif isinstance(value, tuple):
            raise FilterError(
                f"ValueFilter({self.name}=…) takes one value, not the {len(value):,} of a tuple. "
                "For any of several say in_=[…]."
            )
        several = isinstance(value, tuple)
        value = tuple(map(without_numpy, value)) if several else without_numpy(value)
        if self.needs == "text" and not isinstance(value, str):
            raise FilterError(f"A pattern is a text, not {value!r}: {self.name}.")
        if self.needs == "order" and value is None:
            raise FilterError(f"ValueFilter({self.name}=None) never holds: NULL has no order.")
        if self.check is not None:
            self.check(value)
        for one in value if several else (value,):
            check_value(one)
        return value

    def phrase(self, name: str, value: Any) -> str:
        """What it asks of something, in words: ``loss < 0.1``, ``id in 1, 2 or 3``."""
        if self.takes == "several":
            return f"{name} {self.words} {listed(value)}"
        if value is None:
            return f"{name} is {'there' if self.negated else 'missing'}"
        return f"{name} {self.words} {shown_value(value)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _named, (self.name,)


def _named(name: str) -> Operator:
    return OPERATORS[name]


@dataclass(frozen=True)
class Comparison(Generic[P]):
    """One comparison.

    Args:
        path: What leads to what is compared: keys, or a column's number.
        operator: How it is compared.
        value: With what.
    """

    path: P
    operator: Operator
    value: Any


OPERATORS: dict[str, Operator] = {}
"""The operators by name; :func:`register` enters them."""
SIGNS: dict[str, Operator] = {}
"""The operators by what is typed for them."""


def keys() -> dict[str, Operator]:
    """The operators that databases know, by name: the keys of a :class:`ValueFilter`."""
    return {n: one for n, one in OPERATORS.items() if one.clause is not _asks_no_database}


def sign_pattern() -> re.Pattern[str]:
    """Finds the sign of an operator in a text; the longest first, or ``<=`` were ``<``."""
    return re.compile("|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))))


def usual_signs() -> str:
    """What may be typed between a field and a value: ``= != < …``."""
    return " ".join(one.signs[0] for one in OPERATORS.values() if one.signs)


def register(*operators: Operator) -> None:
    """Make operators known to everything that compares.

    One that a cell or a module registers again takes the place of the older one.

    Raises:
        NameTakenError: There is one of that name, or of that sign.
        FilterError: One lacks something, or has a sign and could not be typed.
    """
    for new in operators:
        this, asks = f"The operator {new.name!r}", new.clause is not _asks_no_database
        known = OPERATORS.get(new.name)
        if known and (home(known.clause), known.arrow) != (home(new.clause), new.arrow):
            known = None
        names, signs = ({k for k, o in t.items() if o is not known} for t in (OPERATORS, SIGNS))
        if taken := {new.name} & names or {*new.signs} & signs:
            raise NameTakenError(f"{this} needs another name or sign: {taken} is taken.")
        if not (new.name.isidentifier() and new.words and new.help):
            raise FilterError(f"{this} needs a name that is an identifier, words, and help.")
        if not (asks or new.arrow):
            raise FilterError(f"{this} needs a clause in SQL or a function of pyarrow.compute.")
        if new.signs and not (asks and new.takes == "one"):
            raise FilterError(f"{this} has a sign, so it needs a clause in SQL and one value.")
        if not all(re.fullmatch(r"[<>=!~^|&@]{1,3}", sign) for sign in new.signs):
            raise FilterError(f"{this} needs signs of one to three of <>=!~^|&@, not {new.signs}.")
        for sign in () if known is None else known.signs:
            del SIGNS[sign]
        OPERATORS[new.name] = new
        SIGNS.update(dict.fromkeys(new.signs, new))
    told = [fill(f"{n}: {o.help}", 80, subsequent_indent=" " * 12) for n, o in keys().items()]
    ValueFilter.__doc__ = _DOC.replace("*", "\n        ".join(told))
    ValueFilter.__signature__ = Signature(
        [Parameter(name, Parameter.KEYWORD_ONLY, default=UNSET) for name in keys()]
    )
    # For dataclasses.fields(), replace() and asdict().
    named = [(name, object, field(default=UNSET)) for name in keys()]
    made = make_dataclass("_", named)
    ValueFilter.__dataclass_fields__ = {one.name: one for one in fields(made)}


class _Asked(TypedDict, total=False):
    """The keys of a ``ValueFilter``, for type checkers and editors."""

    eq: object
    ne: object
    gt: object
    ge: object
    lt: object
    le: object
    in_: Collection[Any] | Unset
    not_in: Collection[Any] | Unset
    like: str | Unset
    ilike: str | Unset
    is_: bool | Unset | None
    is_not: bool | Unset | None


@named_here
@dataclass(frozen=True, init=False, repr=False, match_args=False)
class ValueFilter(Written):
    """How a column's value compares; several keys must hold together.

    ``None`` is SQL NULL: ``ValueFilter(eq=None)`` finds rows without a value.

    Args:
        *

    Raises:
        FilterError: An unknown key, a list where one value belongs, or a pattern
            that is none.
    """

    __signature__: ClassVar[Signature]
    _asked: tuple[tuple[str, Any], ...]

    def __init__(self, *args: object, **asked: Unpack[_Asked]) -> None:
        given: Mapping[str, Any] = {**asked}
        check_keys(type(self), args, given, list(keys()))
        asked_by = {n: one for n, one in keys().items() if given.get(n, UNSET) is not UNSET}
        read = tuple((name, one.read(given[name])) for name, one in asked_by.items())
        object.__setattr__(self, "_asked", read)

    def given(self) -> dict[str, Any]:
        """What it compares with, by the name of the comparison."""
        return dict(self._asked)

    def __getattr__(self, name: str) -> Any:
        if name not in keys():
            raise AttributeError(f"ValueFilter has no key {name!r}.")
        return self.given().get(name, UNSET)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *keys()]

    def __repr__(self) -> str:
        return f"ValueFilter({', '.join(f'{k}={v!r}' for k, v in self._asked)})"

    def on(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The comparison as a clause on a column."""
        return match(column, self)


_DOC = ValueFilter.__doc__ or ""


def asked_of(value: object) -> Mapping[str, Any]:
    """What is asked, by operator: a ``ValueFilter``'s keys, ``in_`` for several, ``eq`` for one."""
    if isinstance(value, ValueFilter):
        return value.given()
    several = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    return {"in_" if several else "eq": value}


def match(column: ColumnElement[Any], value: object) -> ColumnElement[bool]:
    """A clause on a column, for a value as :func:`asked_of` takes it."""
    asked = asked_of(value).items()
    if len(asked) == 1:
        ((name, one),) = asked
        return OPERATORS[name].clause(column, one)
    return and_(true(), *(OPERATORS[name].clause(column, one) for name, one in asked))


def comparison(name: str, value: object) -> str:
    """What a comparison asks, for a value as :func:`asked_of` takes it: ``id in 1, 2 or 3``."""
    told = [OPERATORS[key].phrase(name, one) for key, one in asked_of(value).items()]
    return " and ".join(told) or f"any {name}"


def moment(verb: str, value: object) -> str:
    """When something was done: ``created after 2024-01-01 00:00:00+00:00``."""
    whens = [(OPERATORS[key].when, one) for key, one in asked_of(value).items()]
    if not whens or not all(when for when, _ in whens):
        return comparison(verb, value)
    return f"{verb} {' and '.join(f'{when} {shown_value(one)}' for when, one in whens)}"


def _check_pattern(pattern: str) -> None:
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise FilterError(
            f"The pattern {pattern!r} ends with a backslash, which takes the next character as it "
            "is. Double it to look for a backslash."
        )


# fmt: off
register(
    Operator(name="eq", words="=", signs=("=", "=="), clause=operators.eq, help="Equal to this.",
             arrow="equal", may_hold=lambda facts, value: facts.min <= value <= facts.max),
    Operator(name="ne", words="≠", signs=("!=",), clause=operators.ne, negated=True,
             help="Not equal to this; as in SQL, a NULL is not unequal to a value. NaN is.",
             arrow="not_equal"),
    Operator(name="gt", words=">", signs=(">",), clause=operators.gt, needs="order", when="after",
             help="Greater than this.", arrow="greater", may_hold=lambda facts, v: facts.max > v),
    Operator(name="ge", words="≥", signs=(">=",), clause=operators.ge, needs="order", when="from",
             help="Greater than or equal to this.",
             arrow="greater_equal", may_hold=lambda facts, value: facts.max >= value),
    Operator(name="lt", words="<", signs=("<",), clause=operators.lt, needs="order", when="before",
             help="Less than this.", arrow="less", may_hold=lambda facts, value: facts.min < value),
    Operator(name="le", words="≤", signs=("<=",), clause=operators.le, needs="order", when="until",
             help="Less than or equal to this.",
             arrow="less_equal", may_hold=lambda facts, value: facts.min <= value),
    Operator(name="in_", words="in", takes="several", clause=among,
             help="Equal to one of these, however many they are."),
    Operator(name="not_in", words="not in", takes="several", negated=True,
             clause=lambda column, values: ~among(column, values), help="Equal to none of these."),
    Operator(name="like", words="like", signs=("~",), needs="text", check=_check_pattern,
             clause=lambda column, pattern: column.like(pattern, escape="\\"),
             help="Matches this pattern: ``%`` is any text, ``_`` any character, and a backslash "
             "before one of them or another backslash takes it as it is."),
    Operator(name="ilike", words="like (in any case)", needs="text", check=_check_pattern,
             clause=lambda column, pattern: column.ilike(pattern, escape="\\"),
             help="As ``like``, taking upper and lower case for one; letters beyond ASCII only "
             "where the database does."),
    Operator(name="is_", words="is", instead="eq", clause=lambda column, value: column.is_(value),
             help="Identical to this: ``None``, ``True`` or ``False``."),
    Operator(name="is_not", words="is not", instead="ne", negated=True,
             clause=lambda column, value: column.is_not(value), help="Not identical to this."),
    Operator(name="contains", words="contains", needs="text", arrow="match_substring",
             help="Has this text in it, in upper or lower case."),
    Operator(name="missing", words="is missing", takes="nothing", help="Has no value.",
             arrow="is_null", may_hold=lambda facts, _: facts.null_count != 0),
    Operator(name="present", words="is not missing", takes="nothing", help="Has a value.",
             arrow="is_valid", may_hold=lambda facts, _: facts.num_values > 0),
)
# fmt: on
