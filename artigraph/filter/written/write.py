"""From a filter to its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

import orjson

from artigraph.errors import FilterError
from artigraph.filter.known import Written, name_of_class, name_of_model
from artigraph.filter.shape import is_model_class
from artigraph.filter.unset import UNSET
from artigraph.filter.written.bounds import FORMAT, MOST_CHARACTERS, Budget
from artigraph.filter.written.value import TAG, canonical, write_scalar
from artigraph.orm.node import Node
from artigraph.types.record import enumeration

__all__ = ["document_of", "filter_text"]


def filter_text(filter: Written) -> str:
    """A filter as a text; see :meth:`artigraph.Filter.to_json`."""
    return _text({"version": FORMAT, "filter": _Writer().write(filter, type(filter).__name__, 2)})


def document_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A filter and what goes with it, by name, as JSON that every database keeps.

    Raises:
        FilterError: As for :meth:`artigraph.Filter.to_json`.
    """
    writer = _Writer()
    made: dict[str, Any] = {"version": FORMAT}
    for name, one in given.items():
        made[name] = writer.write(one, type(one).__name__ if name == "filter" else name, 2)
    _text(made)
    return made


def _text(document: object) -> str:
    text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    if len(text) > MOST_CHARACTERS:
        raise FilterError(
            f"A filter as JSON has {MOST_CHARACTERS:,} characters at the most, and this one has "
            f"{len(text):,}. Say what the rows have in common instead of listing them."
        )
    return text


class _Writer:
    def __init__(self) -> None:
        self._budget = Budget()

    def write(self, value: Any, at: str, level: int, *, compared: bool = False) -> Any:
        """JSON of a value.

        Args:
            value: The value.
            at: Where it is, for an error.
            level: How many objects and lists it will be in.
            compared: Whether a model's field is compared with it, whose annotation tells of
                an enumeration.
        """
        self._budget.spend(at, level)
        if isinstance(value, Written):
            return value._as_json(self, at, level)
        if isinstance(value, type):
            return _class(value, at)
        if isinstance(value, tuple):
            return self._list(value, at, level, compared=compared)
        if type(value) in (list, set, frozenset, dict):
            return self._collection(value, at, level)
        value = canonical(value)
        if value is None:
            return None
        if compared and isinstance(value, Enum):
            scalar = enumeration(type(value))
            return {TAG: scalar.name, "v": scalar.write(value)}
        return write_scalar(value, at)

    def fields(self, given: Written, at: str, level: int) -> dict[str, Any]:
        """JSON of a dataclass: the name of its class, and its fields."""
        name = name_of_class(given)
        own = type(given).__module__.startswith("artigraph.")
        made: dict[str, Any] = {"is": name}
        for field in fields(given):  # type: ignore[arg-type]  # every known one is a dataclass
            value = getattr(given, field.name)
            # What is left out of somebody else's class may mean another thing tomorrow.
            if value is UNSET or not field.init or (own and value is field.default):
                continue
            made[field.name] = self.write(value, f"{at}.{field.name}", level + 1)
        return made

    def _list(
        self, values: Iterable[Any], at: str, level: int, *, compared: bool = False
    ) -> list[Any]:
        return [
            self.write(one, f"{at}[{n}]", level + 1, compared=compared)
            for n, one in enumerate(values)
        ]

    def _collection(self, value: Any, at: str, level: int) -> dict[str, Any]:
        if isinstance(value, Mapping):
            pairs = [self._list(pair, at, level + 2) for pair in value.items()]
            return {TAG: "dict", "v": sorted(pairs, key=_order)}
        written = self._list(value, at, level + 1)
        if not isinstance(value, list):
            written.sort(key=_order)
        return {TAG: type(value).__name__, "v": written}


def _class(cls: type[Any], at: str) -> dict[str, str]:
    if is_model_class(cls):
        return {"model": name_of_model(cls)}
    if issubclass(cls, Node):
        return {"node_type": str(cls.__mapper__.polymorphic_identity)}
    raise FilterError(
        f"{at} cannot be written as JSON: {cls.__name__} is neither a model's class nor a "
        "node's, and no other is found again by its name."
    )


def _order(written: object) -> bytes:
    return orjson.dumps(written, option=orjson.OPT_SORT_KEYS)
