"""Filters of somebody's own, to be written as JSON and made of it."""

from __future__ import annotations

from dataclasses import is_dataclass
from inspect import isabstract
from typing import TypeVar

from artigraph.errors import FilterError, NameTakenError
from artigraph.filter.base import Filter
from artigraph.filter.known import add_class, class_called
from artigraph.home import home

__all__ = ["register_filter"]

F = TypeVar("F", bound=type[Filter])


def register_filter(cls: F) -> F:
    """Let a filter class of your own be written as JSON, and be made of it.

    ::

        @register_filter
        @dataclass(frozen=True, kw_only=True)
        class Recent(Filter):
            days: int

            def clause(self): ...

    Its values then come out of texts and stores, which somebody else may have written, so
    ``clause`` has to treat them as such: bound, and never as SQL. One that a cell or a
    module registers again takes the place of the older one.

    Args:
        cls: The class: a frozen dataclass.

    Returns:
        The same class.

    Raises:
        FilterError: It is no such class.
        NameTakenError: Another class is registered under its name, or artigraph has one.
    """
    given: object = cls
    if not (isinstance(given, type) and issubclass(given, Filter)) or isabstract(given):
        raise FilterError(f"register_filter() takes a subclass of Filter, not {given!r}.")
    # Of its own: what a base declares would leave out the fields that it adds.
    params = vars(cls).get("__dataclass_params__")
    if not is_dataclass(cls) or params is None or not params.frozen:
        raise FilterError(
            f"{cls.__name__} is no frozen dataclass. Write @register_filter and below it "
            "@dataclass(frozen=True, kw_only=True) above the class."
        )
    name = cls.__name__
    known = class_called(name)
    if known is not None and home(known) != home(cls):
        raise NameTakenError(
            f"The filter name {name!r} belongs to {home(known)}, so {home(cls)} needs another: "
            "rename the class."
        )
    add_class(cls)
    return cls
