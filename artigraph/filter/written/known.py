"""Which classes a written filter may name: artigraph's own, and those that code registers.

A name that comes out of a text is looked up here and nowhere else. It is never taken for
a module's path.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from inspect import isabstract
from typing import Any, TypeVar

from artigraph.display.escape import visible
from artigraph.errors import FilterError, NameTakenError
from artigraph.filter.base import AllOf, AnyOf, Filter, Not
from artigraph.filter.model import is_model_class
from artigraph.home import home
from artigraph.orm.node import Node
from artigraph.registry import did_you_mean, public_name

__all__ = [
    "filter_class",
    "know_models",
    "model_named",
    "name_of_filter",
    "name_of_model",
    "node_class",
    "register_filter",
]

F = TypeVar("F", bound=type[Filter])

_OWN = "artigraph."
"""How the modules of artigraph's classes begin."""
_COMBINED: Mapping[str, type[Filter]] = {one.__name__: one for one in (AllOf, AnyOf, Not)}
_registered: dict[str, type[Filter]] = {}
_models: Mapping[str, type[Any]] = {}


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
    known = _own(name) or _registered.get(name)
    if known is not None and home(known) != home(cls):
        raise NameTakenError(
            f"The filter name {name!r} belongs to {home(known)}, so {home(cls)} needs another: "
            "rename the class."
        )
    _registered[name] = cls
    return cls


def _own(name: str) -> type[Filter] | None:
    """One of artigraph's own classes, by artigraph's own table of names."""
    if name in _COMBINED:
        return _COMBINED[name]
    found: Any = None
    if name.endswith("Filter") and name.isascii() and name.isidentifier():
        with suppress(AttributeError):
            found = public_name(name)
    is_filter = isinstance(found, type) and issubclass(found, Filter)
    return found if is_filter and not isabstract(found) else None


def filter_class(name: str, at: str) -> type[Filter]:
    """The class that a name stands for.

    Args:
        name: The name.
        at: Where it stands, for an error.

    Raises:
        FilterError: None has that name.
    """
    found = _own(name) or _registered.get(name)
    if found is None:
        own = [one for one in _public() if _own(one) is not None]
        near = did_you_mean(name[:60], [*own, *_COMBINED, *_registered])
        raise FilterError(
            f"No filter {visible(name, 60)!r} is known here, at {at}. {near} One of your own is "
            "known once the code has run that defines it, with @register_filter above the class."
        )
    return found


def _public() -> list[str]:
    return dir(sys.modules["artigraph"])


def name_of_filter(filter: Filter) -> str:
    """The name that a filter's class is written by.

    Raises:
        FilterError: It is not registered.
    """
    cls = type(filter)
    known = _own(cls.__name__) or _registered.get(cls.__name__)
    if known is None or home(known) != home(cls):
        raise FilterError(
            f"{cls.__name__} cannot be written as JSON, since nobody could make one of it: it is "
            "not registered. Write @register_filter above the class."
        )
    return cls.__name__


def know_models(models: Mapping[str, type[Any]]) -> None:
    """Say which models there are, by name; the mapping is looked at when a name is asked for."""
    global _models
    _models = models


def name_of_model(model: type[Any]) -> str:
    """The name that a model's class is written by."""
    if model.__module__.startswith(_OWN):
        return f"{_OWN}{model.__name__}"
    return str(model.model_name)


def model_named(name: str) -> type[Any] | str:
    """The model's class of a name, or the name of one that is not defined here."""
    if name in _models:
        return _models[name]
    own = name.removeprefix(_OWN)
    if own != name and own.isascii() and own.isidentifier():
        with suppress(AttributeError):
            found = public_name(own) if own in _public() else None
            if isinstance(found, type) and is_model_class(found):
                return found
    return name


def node_class(identity: str) -> type[Node] | str:
    """The node class of an identity, or the identity of one that is not defined here."""
    mapper = Node.__mapper__.polymorphic_map.get(identity)
    return identity if mapper is None else mapper.class_
