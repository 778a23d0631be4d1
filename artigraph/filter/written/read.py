"""From JSON to a filter: what is not known is refused, in words that say where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, TypeVar

import orjson

from artigraph.display.escape import visible
from artigraph.errors import FilterError
from artigraph.filter.known import BY_KEY, Written, class_named, model_named, node_class
from artigraph.filter.location import find_field
from artigraph.filter.shape import Path, Shape
from artigraph.filter.written.bounds import FORMAT, MOST_CHARACTERS, Budget
from artigraph.filter.written.value import TAG, read_scalar
from artigraph.registry import did_you_mean

__all__ = ["filter_of_text", "read_document"]

F = TypeVar("F", bound=Written)

_TO_JSON = "Give the text that to_json() has made of a filter."


def filter_of_text(text: object, base: type[F]) -> F:
    """The filter that a text is, of a class; see :meth:`artigraph.Filter.from_json`."""
    if not isinstance(text, str):
        raise FilterError(f"from_json() takes a text, not {text!r:.60}. {_TO_JSON}")
    if len(text) > MOST_CHARACTERS:
        raise FilterError(
            f"A filter as JSON has {MOST_CHARACTERS:,} characters at the most, and this text has "
            f"{len(text):,}."
        )
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise FilterError(f"This is no JSON: {visible(str(error), 120)}. {_TO_JSON}") from error
    return read_document(document, base)[0]


def read_document(document: object, base: type[F], beside: str | None = None) -> tuple[F, Any]:
    """A filter, and what was kept beside it.

    Args:
        document: As :func:`~artigraph.filter.written.write.document_of` makes it, or
            anything, since it may be somebody else's.
        base: What the filter is an instance of.
        beside: What else there may be, by its name.

    Raises:
        FilterError: It is no such document, or names a class that is not known here.
    """
    if not isinstance(document, dict) or "version" not in document:
        raise FilterError(f"This is no filter: its version is missing. {_TO_JSON}")
    version = document["version"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FilterError(f"This is no filter: its version is {version!r:.40}. {_TO_JSON}")
    if version > FORMAT:
        raise FilterError(
            f"The filter is written in version {version} of the format, and this artigraph reads "
            f"{FORMAT}. Update artigraph to read it."
        )
    reader = _Reader()
    _check_names("The document", document, ("version", "filter", *([beside] if beside else [])))
    found = reader.read(document.get("filter"), "filter", 2)
    if not isinstance(found, base):
        raise FilterError(f"filter is no filter, but {found!r:.60}. {_TO_JSON}")
    other = document.get(beside) if beside else None
    return found, None if other is None else reader.read(other, str(beside), 2)


def _check_names(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise FilterError(
                f"{what} has a key {visible(name, 60)!r}, which means nothing there. "
                f"{did_you_mean(name[:60], known)}"
            )


class _Reader:
    def __init__(self) -> None:
        self._budget = Budget()
        self.shapes: tuple[Shape, ...] = ()
        """Of the models whose fields are compared just now."""

    def read(self, given: object, at: str, level: int) -> Any:
        """What JSON stands for.

        Args:
            given: The JSON.
            at: Where it is, for an error.
            level: How many objects and lists it is in.
        """
        self._budget.spend(at, level)
        if isinstance(given, list):
            return tuple(self.read(one, f"{at}[{n}]", level + 1) for n, one in enumerate(given))
        if not isinstance(given, dict):
            return given
        for key, read in self._KINDS.items():
            if key in given:
                return read(self, given, at, level)
        for key, cls in BY_KEY.items():
            if key in given:
                return cls._from_json({**given}, self, at, level)
        raise FilterError(
            f"{at} is nothing that a filter holds: it has the keys "
            f"{visible(', '.join(map(str, given))[:80])}, and none of "
            f"{', '.join([*self._KINDS, *BY_KEY])}."
        )

    def _made(self, given: dict[str, Any], at: str, level: int) -> Any:
        """Something of a class."""
        name = given["is"]
        if not isinstance(name, str):
            raise FilterError(f"{at} is of a class, which is named by a text, not by {name!r:.60}.")
        items = {key: one for key, one in given.items() if key != "is"}
        return class_named(name, at)._from_json(items, self, at, level)

    def values(
        self, cls: type[Any], given: Mapping[str, Any], at: str, level: int
    ) -> dict[str, Any]:
        """The values of a dataclass's fields; a name that is none's is refused."""
        self.check_names(f"{at}, a {cls.__name__},", given, (*_fields(cls),))
        return {key: self.read(one, f"{at}.{key}", level + 1) for key, one in given.items()}

    def make(self, cls: type[Any], values: Mapping[str, Any], at: str) -> Any:
        """A dataclass of its values: of true or false where those are its defaults."""
        for name, field in _fields(cls).items():
            value = values.get(name, field.default)
            if isinstance(field.default, bool) and not isinstance(value, bool):
                raise FilterError(f"{at}.{name} is true or false, not {value!r:.60}.")
        try:
            return cls(**values)
        except FilterError as error:
            raise FilterError(f"{at}: {error}") from error
        except Exception as error:  # a required one is missing, or it is somebody's own
            raise FilterError(
                f"{at} cannot be made: {visible(f'{type(error).__name__}: {error}', 200)}"
            ) from error

    def check_names(self, what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Refuse a key that is not known."""
        _check_names(what, given, known)

    def _model(self, given: dict[str, Any], at: str, level: int) -> Any:
        return model_named(_name(given, "model", at))

    def _node_type(self, given: dict[str, Any], at: str, level: int) -> Any:
        return node_class(_name(given, "node_type", at))

    def _tagged(self, given: dict[str, Any], at: str, level: int) -> Any:
        _check_names(at, given, (TAG, "v"))
        kind, content = given[TAG], given.get("v")
        if not isinstance(kind, str):
            raise FilterError(f"{at} is of a kind that is no text: {kind!r:.60}.")
        if kind.startswith("enum:"):
            return self._member(content, at)
        if kind not in _COLLECTIONS:
            return read_scalar(kind, content, at)
        if not isinstance(content, list):
            raise FilterError(f"{at} is no {kind}: it holds {content!r:.60}.")
        items = self.read(content, at, level + 1)
        try:
            made: Any = _COLLECTIONS[kind](items)
        except (TypeError, ValueError):  # what has no hash, or is no pair
            raise FilterError(f"{at} is no {kind} of what it holds.") from None
        return made

    def _member(self, content: object, at: str) -> object:
        """A member of an enumeration by what is kept of it: :meth:`compared` knows the class."""
        if not isinstance(content, str | int) or isinstance(content, bool):
            raise FilterError(f"{at} is no member of an enumeration: {content!r:.60}.")
        return content

    def compared(self, path: Path, given: object, at: str, level: int) -> Any:
        """What a field is compared with; of an enumeration, its member if the class is known."""
        if isinstance(given, list):
            self._budget.spend(at, level)
            return tuple(
                self.compared(path, one, f"{at}[{n}]", level + 1) for n, one in enumerate(given)
            )
        value = self.read(given, at, level)
        kind = given.get(TAG) if isinstance(given, dict) else None
        if not isinstance(kind, str) or not kind.startswith("enum:"):
            return value
        for shape in self.shapes:
            for scalar in find_field("the model", shape, path).shape.scalars or ():
                if scalar.name == kind:
                    try:
                        return scalar.read(value)
                    except Exception as error:
                        raise FilterError(f"{at}: {visible(str(error), 200)}") from error
        return value

    _KINDS: Mapping[str, Callable[[_Reader, dict[str, Any], str, int], Any]] = {
        "is": _made,
        "model": _model,
        "node_type": _node_type,
        TAG: _tagged,
    }
    """What an object is, by the key that tells."""


_COLLECTIONS: Mapping[str, Callable[[Any], Any]] = {
    "list": list,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
}


def _name(given: dict[str, Any], key: str, at: str) -> str:
    _check_names(at, given, (key,))
    name = given[key]
    if not isinstance(name, str):
        raise FilterError(f"{at} is named by a text, not by {name!r:.60}.")
    return name


def _fields(cls: type[Any]) -> dict[str, Field[Any]]:
    return {one.name: one for one in fields(cls) if one.init}
