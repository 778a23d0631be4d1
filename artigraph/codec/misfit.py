"""Values that are of another type than their fields are annotated as: kept, and told of once.

A codec that meets one keeps it as it is, for Python lets a field hold anything. But conditions
and orders take the field for what its annotation says, so whoever has written it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from artigraph.display.escape import visible
from artigraph.types import annotation
from artigraph.types.annotation import Tree
from artigraph.types.record import Scalar
from artigraph.types.scalar import SCALARS_BY_TYPE, fits_scalar

__all__ = ["Check", "Misfits", "checks_of", "type_shown", "value_shown"]


class Misfits:
    """What one call has written of other types than annotated, the first of each field."""

    __slots__ = ("_found", "_known")

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._found: dict[tuple[int, str], tuple[set[str], str, str]] = {}

    def begin(self, known: set[str]) -> None:
        """Go on with an instance of another class.

        Args:
            known: The class's fields of which was told before.
        """
        self._known = known

    def note(self, owner: str, path: str, scalar: Scalar, value: object) -> None:
        """Take note of a value, unless it fits after all.

        Args:
            owner: The model's name.
            path: Where in the model it is.
            scalar: What is annotated there.
            value: The value.
        """
        if not fits_scalar(scalar, value):
            self.note_other(owner, path, scalar.types[0], value)

    def note_other(self, owner: str, path: str, type_: type[Any], value: object) -> None:
        """Take note of a value that is none of the type that is annotated where it is."""
        field = path.partition(".")[0]
        key = (id(self._known), field)
        if field in self._known or key in self._found:
            return
        wanted = type_shown(type_)
        harm = f"conditions and orders look for {wanted} there"
        if type_ not in SCALARS_BY_TYPE:
            harm = f"who reads it expects {wanted}"
        either = f"{wanted} | {type_shown(type(value))}"
        self._found[key] = (
            self._known,
            field,
            f"{owner}.{visible(path, 80)} is annotated as {wanted}, and {value_shown(value)} was "
            f"given. It is written as it is, and comes back so; but {harm}. Give the field one, "
            f"or annotate what it holds: {either}. This is told once of each field of a class.",
        )

    def tell(self, warn: Callable[[str], None]) -> None:
        """Warn of each; of what was told none tells again."""
        for known, field, text in self._found.values():
            warn(text)
            known.add(field)


def type_shown(type_: type[Any]) -> str:
    """How a type is annotated."""
    return "None" if type_ is type(None) else visible(type_.__name__, 60)


def value_shown(value: object) -> str:
    """A value and its type, on one line; of what may be long, the type."""
    if value is None:
        return "None"
    if type(value) not in SCALARS_BY_TYPE:
        return f"one of type {type_shown(type(value))}"
    return f"{visible(f'{value!r:.60}', 60)} ({type_shown(type(value))})"


Check: TypeAlias = tuple[str, tuple[type[Any], ...], Callable[[object], bool], Tree]
"""A field, types of which every value fits, what says of any other value whether it fits, and
what the annotation tells."""


def checks_of(fields: Mapping[str, Tree]) -> Iterator[Check]:
    """What to see of values that were read, for fields of which an annotation tells enough."""
    for name, tree in fields.items():
        inner = tree.inner if isinstance(tree, annotation.Optional) else tree
        match inner:
            case annotation.Single(scalar=scalar):
                yield name, scalar.types, _fits_or_missing(scalar), tree
            case annotation.Collection(types=types):
                yield name, types, _holds_more, tree
            case annotation.Tuple():
                yield name, (tuple,), _holds_more, tree
            case annotation.Dict():
                yield name, (dict,), _holds_more, tree


def _fits_or_missing(scalar: Scalar) -> Callable[[object], bool]:
    return lambda value: value is None or fits_scalar(scalar, value)


def _holds_more(value: object) -> bool:
    """Whether a value may stand where a collection is annotated: any but a scalar."""
    return value is None or type(value) not in SCALARS_BY_TYPE
