"""What a written filter may hold, and which classes it may name.

This stands below every filter and knows none: each kind says itself how it is written and
read, by the two methods of :class:`Written`, and enters its class here. A name that comes out
of a text is looked up here and nowhere else. It is never taken for a module's path.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from inspect import isabstract
from typing import Any, Protocol, TypeVar

from artigraph.display.escape import visible
from artigraph.errors import FilterError
from artigraph.filter.shape import Path, is_model_class
from artigraph.home import home
from artigraph.orm.node import Node
from artigraph.registry import did_you_mean, public_name

__all__ = [
    "BY_KEY",
    "Reader",
    "Writer",
    "Written",
    "add_class",
    "class_called",
    "class_named",
    "know_models",
    "model_named",
    "name_of_class",
    "name_of_model",
    "named_here",
    "node_class",
    "read_by_key",
]


class Writer(Protocol):
    """What makes JSON of the values that something written holds."""

    def write(self, value: Any, at: str, level: int, *, compared: bool = False) -> Any:
        """JSON of a value, which is at a place and in so many objects and lists."""
        ...

    def fields(self, given: Written, at: str, level: int) -> dict[str, Any]:
        """JSON of a dataclass: the name of its class, and its fields."""
        ...


class Reader(Protocol):
    """What makes values of JSON, for something that holds them."""

    shapes: tuple[Any, ...]
    """Of the models whose fields are compared just now."""

    def read(self, given: object, at: str, level: int) -> Any:
        """What JSON stands for, which is at a place and in so many objects and lists."""
        ...

    def compared(self, path: Path, given: object, at: str, level: int) -> Any:
        """What a model's field is compared with."""
        ...

    def values(self, cls: type[Any], given: Mapping[str, Any], at: str, level: int) -> Any:
        """The values of a dataclass's fields; a name that is none's is refused."""
        ...

    def make(self, cls: type[Any], values: Mapping[str, Any], at: str) -> Any:
        """A dataclass of its values."""
        ...

    def check_names(self, what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Refuse a key that is not known."""
        ...


class Written:
    """Something that filters hold as JSON: as its fields, unless it says otherwise."""

    def _as_json(self, writer: Writer, at: str, level: int) -> dict[str, Any]:
        """Its JSON.

        Args:
            writer: Writes the values that it holds.
            at: Where it is, for an error.
            level: How many objects and lists it is in.
        """
        return writer.fields(self, at, level)

    @classmethod
    def _from_json(cls, given: dict[str, Any], reader: Reader, at: str, level: int) -> Any:
        """One of its JSON, whose class is told already, and which may be anybody's.

        Args:
            given: The JSON, without the name of the class.
            reader: Reads the values that it holds.
            at: Where it is, for an error.
            level: How many objects and lists it is in.
        """
        return reader.make(cls, reader.values(cls, given, at, level), at)


C = TypeVar("C", bound=type[Written])

_OWN = "artigraph."
"""How the modules of artigraph's classes begin."""
_here: dict[str, type[Written]] = {}
_registered: dict[str, type[Written]] = {}
_models: Mapping[str, type[Any]] = {}

BY_KEY: dict[str, type[Written]] = {}
"""What an object is that names no class, by the key that tells."""


def named_here(cls: C) -> C:
    """Know a class of artigraph's by its name, which is no public filter's."""
    _here[cls.__name__] = cls
    return cls


def read_by_key(*keys: str) -> Callable[[C], C]:
    """Have a class read what has one of some keys."""

    def enter(cls: C) -> C:
        BY_KEY.update(dict.fromkeys(keys, cls))
        return cls

    return enter


def add_class(cls: type[Written]) -> None:
    """Know a class of somebody's own by its name, in place of an older one."""
    _registered[cls.__name__] = cls


def class_called(name: str) -> type[Written] | None:
    """The class that is known by a name."""
    return _own(name) or _registered.get(name)


def _own(name: str) -> type[Written] | None:
    """One of artigraph's own classes, by artigraph's own table of names."""
    if name in _here:
        return _here[name]
    found: Any = None
    if name.endswith("Filter") and name.isascii() and name.isidentifier():
        with suppress(AttributeError):
            found = public_name(name)
    is_written = isinstance(found, type) and issubclass(found, Written)
    return found if is_written and not isabstract(found) else None


def class_named(name: str, at: str) -> type[Written]:
    """The class that a name stands for.

    Args:
        name: The name.
        at: Where it stands, for an error.

    Raises:
        FilterError: None has that name.
    """
    found = class_called(name)
    if found is None:
        own = [one for one in _public() if _own(one) is not None]
        near = did_you_mean(name[:60], {*own, *_here, *_registered})
        raise FilterError(
            f"No filter {visible(name, 60)!r} is known here, at {at}. {near} One of your own is "
            "known once the code has run that defines it, with @register_filter above the class."
        )
    return found


def _public() -> list[str]:
    return dir(sys.modules["artigraph"])


def name_of_class(given: Written) -> str:
    """The name that something's class is written by.

    Raises:
        FilterError: It is not registered.
    """
    cls = type(given)
    known = class_called(cls.__name__)
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
