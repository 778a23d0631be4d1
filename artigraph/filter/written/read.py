"""From JSON to a filter: what is not known is refused, in words that say where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

import orjson

from artigraph.display.escape import visible
from artigraph.errors import ArtigraphError, FilterError
from artigraph.filter.base import Filter
from artigraph.filter.condition import Condition, Negated, Several, compare
from artigraph.filter.location import find_field, path_of
from artigraph.filter.model import ModelTypeFilter, is_model_class
from artigraph.filter.operator import ValueFilter, keys
from artigraph.filter.order import Order, OrderBy
from artigraph.filter.shape import Path, Shape
from artigraph.filter.written.bounds import FORMAT, MOST_CHARACTERS, Budget
from artigraph.filter.written.known import filter_class, model_named, node_class
from artigraph.filter.written.value import TAG, read_scalar
from artigraph.registry import did_you_mean

__all__ = ["filter_of_text", "read_question"]

_TO_JSON = "Give the text that to_json() has made of a filter."


def filter_of_text(text: object) -> Filter:
    """The filter that a text is; see :meth:`artigraph.Filter.from_json`."""
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
    return _read(document, ("filter",))[0]


def read_question(document: object) -> tuple[Filter, OrderBy]:
    """A filter and an order of what was kept of them.

    Args:
        document: As :func:`~artigraph.filter.written.write.question_document` makes it, or
            anything, since it may be somebody else's.

    Raises:
        FilterError: It is no such document, or names a class that is not known here.
    """
    return _read(document, ("filter", "order_by"))


def _read(document: object, takes: tuple[str, ...]) -> tuple[Filter, OrderBy]:
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
    _check_names("The document", document, ("version", *takes))
    found = reader.read(document.get("filter"), "filter", 2)
    if not isinstance(found, Filter):
        raise FilterError(f"filter is no filter, but {found!r:.60}. {_TO_JSON}")
    order = document.get("order_by")
    order_by = None if order is None else reader.read(order, "order_by", 2)
    listed = isinstance(order_by, tuple) and all(isinstance(one, str | Order) for one in order_by)
    if order_by is not None and not listed:
        raise FilterError(f"order_by is a list of names, not {order_by!r:.60}.")
    return found, cast(OrderBy, order_by)


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
        self._shapes: tuple[Shape, ...] = ()
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
        raise FilterError(
            f"{at} is nothing that a filter holds: it has the keys "
            f"{visible(', '.join(map(str, given))[:80])}, and none of {', '.join(self._KINDS)}."
        )

    def _made(self, given: dict[str, Any], at: str, level: int) -> Any:
        """Something of a class."""
        name = given["is"]
        if not isinstance(name, str):
            raise FilterError(f"{at} is of a class, which is named by a text, not by {name!r:.60}.")
        items = {key: one for key, one in given.items() if key != "is"}
        if name == "ValueFilter":
            _check_names(f"{at}, a ValueFilter,", items, (*keys(),))
            return _make(ValueFilter, self._each(items, at, level), at)
        if name == "Order":
            _check_names(f"{at}, an Order,", items, ("by", "descending"))
            values = self._each(items, at, level)
            _check_bools(at, values, {"descending": False})
            return _make(Order, {"by": "", **values}, at)
        cls = filter_class(name, at)
        known = {one.name: one for one in fields(cls) if one.init}  # type: ignore[arg-type]  # every known filter is a dataclass
        _check_names(f"{at}, a {name},", items, (*known,))
        # The types first: they tell what is compared in their fields.
        where = items.pop("where", None) if "model_type" in known else None
        values = self._each(items, at, level)
        if where is not None:
            outer, self._shapes = self._shapes, _shapes_of(values.get("model_type"))
            values["where"] = self.read(where, f"{at}.where", level + 1)
            self._shapes = outer
            if not isinstance(values["where"], Condition):
                raise FilterError(f"{at}.where is no condition, but {values['where']!r:.60}.")
        _check_bools(at, values, {one.name: one.default for one in known.values()})
        return _make(cls, values, at)

    def _each(self, items: Mapping[str, Any], at: str, level: int) -> dict[str, Any]:
        return {key: self.read(one, f"{at}.{key}", level + 1) for key, one in items.items()}

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
        """A member of an enumeration by what is kept of it: :meth:`_compared` knows the class."""
        if not isinstance(content, str | int) or isinstance(content, bool):
            raise FilterError(f"{at} is no member of an enumeration: {content!r:.60}.")
        return content

    def _comparison(self, given: dict[str, Any], at: str, level: int) -> Condition:
        field = given["field"]
        if isinstance(field, list):
            field = tuple(field)
        try:
            path = path_of(field)
        except FilterError as error:
            raise FilterError(f"{at}: {error}") from error
        items = {key: one for key, one in given.items() if key != "field"}
        _check_names(f"{at}, a comparison,", items, (*keys(),))
        at = f"{at}.{'.'.join(path)[:60]}"
        # In the order of the operators, as all that makes comparisons has it.
        asked = {
            name: self._compared(path, items[name], f"{at}.{name}", level + 1)
            for name in keys()
            if name in items
        }
        try:
            return compare(path, asked)
        except ArtigraphError as error:
            raise FilterError(f"{at}: {error}") from error

    def _compared(self, path: Path, given: object, at: str, level: int) -> Any:
        """What a field is compared with; of an enumeration, its member if the class is known."""
        if isinstance(given, list):
            self._budget.spend(at, level)
            return tuple(
                self._compared(path, one, f"{at}[{n}]", level + 1) for n, one in enumerate(given)
            )
        value = self.read(given, at, level)
        kind = given.get(TAG) if isinstance(given, dict) else None
        if not isinstance(kind, str) or not kind.startswith("enum:"):
            return value
        for shape in self._shapes:
            for scalar in find_field("the model", shape, path).shape.scalars or ():
                if scalar.name == kind:
                    try:
                        return scalar.read(value)
                    except Exception as error:
                        raise FilterError(f"{at}: {visible(str(error), 200)}") from error
        return value

    def _several(self, word: str, given: dict[str, Any], at: str, level: int) -> Condition:
        _check_names(at, given, (word,))
        listed = given[word]
        parts = self.read(listed, f"{at}.{word}", level + 1) if isinstance(listed, list) else ()
        if not parts or not all(isinstance(one, Condition) for one in parts):
            raise FilterError(f"{at}.{word} is no list of conditions.")
        return Several(conditions=parts, word=word)

    def _all(self, given: dict[str, Any], at: str, level: int) -> Condition:
        return self._several("and", given, at, level)

    def _any(self, given: dict[str, Any], at: str, level: int) -> Condition:
        return self._several("or", given, at, level)

    def _not(self, given: dict[str, Any], at: str, level: int) -> Condition:
        _check_names(at, given, ("not",))
        inner = self.read(given["not"], f"{at}.not", level + 1)
        if not isinstance(inner, Condition):
            raise FilterError(f"{at}.not is no condition.")
        return Negated(condition=inner)

    _KINDS: Mapping[str, Callable[[_Reader, dict[str, Any], str, int], Any]] = {
        "is": _made,
        "model": _model,
        "node_type": _node_type,
        TAG: _tagged,
        "field": _comparison,
        "and": _all,
        "or": _any,
        "not": _not,
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


def _check_bools(at: str, values: Mapping[str, object], defaults: Mapping[str, object]) -> None:
    """Refuse anything but true and false where a class has one of them by default."""
    for name, value in values.items():
        if isinstance(defaults.get(name), bool) and not isinstance(value, bool):
            raise FilterError(f"{at}.{name} is true or false, not {value!r:.60}.")


def _make(cls: Callable[..., Any], values: Mapping[str, Any], at: str) -> Any:
    try:
        return cls(**values)
    except FilterError as error:
        raise FilterError(f"{at}: {error}") from error
    except Exception as error:  # a required one is missing, or it is somebody's own
        raise FilterError(
            f"{at} cannot be made: {visible(f'{type(error).__name__}: {error}', 200)}"
        ) from error


def _shapes_of(types: object) -> tuple[Shape, ...]:
    several = types if isinstance(types, tuple) else (types,)
    named: list[Any] = [one.type if isinstance(one, ModelTypeFilter) else one for one in several]
    return tuple(one._model_shape() for one in named if is_model_class(one))
