"""The record of a scalar type: all that is known of values without inner values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, Flag
from typing import Any, Literal, TypeAlias

from artigraph.display.value import shown_in_cells
from artigraph.errors import DeserializationError, NameTakenError
from artigraph.home import home, newest

__all__ = [
    "INTEGER_LIMIT",
    "SCALARS_BY_NAME",
    "SCALARS_BY_TYPE",
    "ArrowType",
    "Form",
    "Scalar",
    "enumeration",
    "instance",
    "register_scalar",
]

INTEGER_LIMIT = 2**63
"""Larger integers are written as text: parsers make floats of them."""

ArrowType: TypeAlias = tuple[Any, ...]
"""A type of Arrow without importing it: the function of pyarrow that makes it,
and what that takes: ``("timestamp", "us", "UTC")``."""

Form: TypeAlias = Literal[
    "number", "integer", "boolean", "text", "name", "moment", "time", "decimal"
]
"""How SQL reads a field: ``integer`` is a number that some database would round,
``name`` a text that is never long, ``moment`` and ``time`` are texts whose zone or
fold is left out."""


def _missing(value: object) -> Any:
    raise NotImplementedError


def _fits(value: object) -> bool:
    return True


def _itself(value: object) -> object:
    return value


def instance(*types: type[Any], but: tuple[type[Any], ...] = ()) -> Callable[[Any], Any]:
    """A function that returns values of some types, and raises ``TypeError`` for others."""

    def check(value: object) -> object:
        if not isinstance(value, types) or isinstance(value, but):
            raise TypeError
        return value

    return check


@dataclass(frozen=True, eq=False)
class Scalar:
    """How values of a type are written, read, compared, typed, shown, and what Arrow has for them.

    Raises:
        TypeError: It lacks types, or how they are written or read.
    """

    name: str
    """What a value calls itself where no annotation tells, and what a document says
    of a field. It is stored, so it never changes."""
    types: tuple[type[Any], ...]
    """The annotated type first; values of all of them, but not of subclasses."""
    write: Callable[[Any], str | int] = _missing
    """Makes the plain form of a value. For JSON's own types, that of a value which
    JSON does not keep as it is."""
    read: Callable[[Any], Any] = _missing
    """Makes the value of its plain form."""
    fits: Callable[[Any], bool] = _fits
    """Whether the plain form keeps a value of this type; whether JSON itself does."""
    native: bool = False
    """Whether it is one of JSON's own types."""
    noun: str = ""
    """What an error calls it; ``a`` and its type, unless given."""
    form: Form = "text"
    """How SQL reads it."""
    store: Callable[[Any], Any] = _missing
    """Turns what somebody compares with into what is stored; ``write``, unless given.

    Raises ``TypeError`` for a value of another type, and ``ValueError`` with a
    message for one that cannot be compared."""
    ordered: bool | None = None
    """Whether what is stored has the order of the values; if it is neither text nor a
    bool, unless given."""
    has_patterns: bool = False
    """Whether it is like a pattern."""
    example: str = ""
    """How Python writes one."""
    parse: Callable[[str], Any] = _missing
    """Makes the value of what somebody types; ``read``, unless given. Raises
    ``ValueError`` or ``ArithmeticError`` for what is none."""
    hint: str = ""
    """What to type, in a sentence."""
    show: Callable[[Any], str] | None = str
    """Writes it where its type stands beside it; ``None`` for as anywhere else."""
    arrow: ArrowType = ("string",)
    """What it is in Arrow; texts are those that are stored."""
    own: Callable[[Any], Any] = _itself
    """Makes a value of these types of one of the same that were made again, as an enumeration
    whose cell has run again is; anything else as it is."""

    def __post_init__(self) -> None:
        lacks = [name for name in ("write", "read") if getattr(self, name) is _missing]
        lacks += [] if self.types else ["types"]
        if lacks:
            raise TypeError(f"The scalar type {self.name!r} lacks {' and '.join(lacks)}.")
        check, write = instance(*self.types), self.write
        for name, missing, made in (
            ("noun", "", f"a {self.types[0].__name__}"),
            ("store", _missing, lambda value: write(check(value))),
            ("parse", _missing, self.read),
            ("ordered", None, self.form not in ("text", "name", "boolean")),
        ):
            if getattr(self, name) == missing:
                object.__setattr__(self, name, made)

    @property
    def tag(self) -> str:
        """What a value calls itself where JSON does not tell."""
        return "" if self.native else self.name


SCALARS_BY_NAME: dict[str, Scalar] = {}
SCALARS_BY_TYPE: dict[type[Any], Scalar] = {}

_TAKEN = {"any", "dict", "numpy", "of", "pairs", "ref", "tuple", "set", "frozenset"}
"""What documents call other things."""


def register_scalar(scalar: Scalar) -> None:
    """Let fields hold one more type; before the classes that do are used.

    One that a cell or a module registers again takes the place of the older one.

    Args:
        scalar: All that is known of it.

    Raises:
        NameTakenError: There is another one of its name, or for one of its types.
    """
    known = SCALARS_BY_NAME.get(scalar.name)
    if known is scalar or (known is not None and _homes(known) != _homes(scalar)):
        known = None
    names = {*SCALARS_BY_NAME, *_TAKEN} - ({known.name} if known else set())
    taken = [repr(scalar.name)] if scalar.name in names else []
    taken += [t.__qualname__ for t in scalar.types if SCALARS_BY_TYPE.get(t, known) is not known]
    if taken:
        raise NameTakenError(
            f"The scalar type {scalar.name!r} cannot be registered: {' and '.join(taken)} already "
            "is. Give it another name, and types that have none yet."
        )
    SCALARS_BY_NAME[scalar.name] = scalar
    for type_ in scalar.types:
        SCALARS_BY_TYPE[type_] = scalar
        if scalar.show is not None and not scalar.native:
            shown_in_cells[type_] = scalar.show


def _homes(scalar: Scalar) -> list[str]:
    return [home(made) for made in (*scalar.types, scalar.write, scalar.read)]


def enumeration(type_: type[Enum] | str) -> Scalar:
    """The scalar type of an enumeration: members by name, combinations of flags by value.

    Args:
        type_: The enumeration; or its name where the class is not known, and members
            are read as their names.
    """
    if isinstance(type_, str):
        return Scalar(f"enum:{type_}", (Enum,), str, lambda stored: stored)
    name, names = type_.__qualname__, type_.__members__
    is_flag = issubclass(type_, Flag)
    # A member that is a text equals its value in Python, not its name.
    texts = [one.value for one in type_] if issubclass(type_, str) else []

    def write(member: Enum) -> str | int:
        if not is_flag:
            return str(member.name)
        number: int = member.value
        return number if -INTEGER_LIMIT <= number < INTEGER_LIMIT else str(number)

    def read(stored: str | int) -> Enum:
        try:
            return type_(int(stored)) if is_flag else type_[str(stored)]
        except KeyError:
            raise DeserializationError(
                f"{name} has no member {stored!r} any more. Put it back, or "
                "raise the model's version and write model_migrate()."
            ) from None

    def own(value: object) -> object:
        if isinstance(value, Enum) and newest(type(value)) is newest(type_):
            with suppress(ValueError, KeyError):
                return type_(value.value) if is_flag else type_[value.name]
        return value

    def store(value: Any) -> object:
        value = own(value)
        if not isinstance(value, type_):
            try:
                by_name = isinstance(value, str) and value in names and value not in texts
                value = type_[value] if by_name else type_(value)
            except (ValueError, TypeError, KeyError):
                raise TypeError from None
        return value.value if is_flag else value.name

    return Scalar(
        f"enum:{name}",
        (type_,),
        write,
        read,
        form="integer" if is_flag else "name",
        store=store,
        ordered=False,
        example=next((f"{type_.__name__}.{member}" for member in names), ""),
        parse=str,
        arrow=("int64",) if is_flag else ("string",),
        own=own,
    )
