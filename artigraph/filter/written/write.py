"""From a filter to its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any

import orjson

from artigraph.errors import FilterError, SerializationError
from artigraph.filter.base import Filter
from artigraph.filter.condition import Condition, FieldComparison, Negated, Several, SeveralOfField
from artigraph.filter.model import is_model_class
from artigraph.filter.operator import ValueFilter, keys
from artigraph.filter.order import Order, OrderBy
from artigraph.filter.shape import Path
from artigraph.filter.unset import UNSET
from artigraph.filter.written.bounds import FORMAT, MOST_CHARACTERS, Budget
from artigraph.filter.written.known import name_of_filter, name_of_model
from artigraph.filter.written.value import TAG, canonical, write_scalar
from artigraph.orm.node import Node
from artigraph.types.record import enumeration

__all__ = ["filter_text", "question_document"]


def filter_text(filter: Filter) -> str:
    """A filter as a text; see :meth:`artigraph.Filter.to_json`."""
    return _text({"version": FORMAT, "filter": _Writer().write(filter, type(filter).__name__, 2)})


def question_document(filter: Filter, order_by: OrderBy) -> dict[str, Any]:
    """A filter and an order, as JSON that every database keeps.

    Raises:
        FilterError: As for :meth:`artigraph.Filter.to_json`.
    """
    writer = _Writer()
    made: dict[str, Any] = {
        "version": FORMAT,
        "filter": writer.write(filter, type(filter).__name__, 2),
    }
    if order_by is not None:
        several = [order_by] if isinstance(order_by, str | Order) else order_by
        made["order_by"] = writer.write(tuple(several), "order_by", 2)
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
        if isinstance(value, Filter):
            return self._fields(value, at, level)
        if isinstance(value, ValueFilter):
            return {"is": "ValueFilter", **self._each(value.given().items(), at, level)}
        if isinstance(value, Order):
            by = self.write(value.by, f"{at}.by", level + 1)
            return {"is": "Order", "by": by, "descending": bool(value.descending)}
        if isinstance(value, Condition):
            return self._condition(value, at, level)
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

    def _fields(self, filter: Filter, at: str, level: int) -> dict[str, Any]:
        name = name_of_filter(filter)
        own = type(filter).__module__.startswith("artigraph.")
        made: dict[str, Any] = {"is": name}
        for field in fields(filter):  # type: ignore[arg-type]  # every known filter is a dataclass
            value = getattr(filter, field.name)
            # What is left out of somebody else's class may mean another thing tomorrow.
            if value is UNSET or not field.init or (own and value is field.default):
                continue
            made[field.name] = self.write(value, f"{at}.{field.name}", level + 1)
        return made

    def _each(self, items: Iterable[tuple[str, Any]], at: str, level: int) -> dict[str, Any]:
        return {key: self.write(one, f"{at}.{key}", level + 1) for key, one in items}

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

    def _condition(self, condition: Condition, at: str, level: int) -> dict[str, Any]:
        if isinstance(condition, FieldComparison):
            return self._comparisons(condition.path, [condition], at, level)
        if isinstance(condition, SeveralOfField):
            return self._comparisons(condition.path, condition.conditions, at, level)
        if type(condition) is Several:
            parts = self._list(condition.conditions, f"{at}.{condition.word}", level + 1)
            return {condition.word: parts}
        if isinstance(condition, Negated):
            return {"not": self.write(condition.condition, f"{at}.not", level + 1)}
        raise FilterError(
            f"{at} cannot be written as JSON: {type(condition).__name__} is no condition of "
            "artigraph's. Make one of comparisons of fields, as Fit.where(lambda f: f.loss < 0.1) "
            "does."
        )

    def _comparisons(
        self, path: Path, compared: Iterable[FieldComparison], at: str, level: int
    ) -> dict[str, Any]:
        # A text where its dots are the path's; a list where a key has one.
        dotted = ".".join(path)
        made: dict[str, Any] = {"field": dotted if tuple(dotted.split(".")) == path else [*path]}
        for one in compared:
            name = one.operator.name
            if keys().get(name) is not one.operator:
                raise FilterError(f"{at} compares by {name!r}, which no database knows.")
            where = f"{at}.{dotted[:60]}"
            try:
                made[name] = self.write(one.value, where, level + 1, compared=True)
            except SerializationError as error:
                raise FilterError(f"{where} cannot be written as JSON: {error}") from error
        return made


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
