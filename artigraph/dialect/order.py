"""The order of a dict's keys, where a database keeps documents in an order of its own.

PostgreSQL's ``JSONB`` has keys by length. A dict whose keys stand otherwise says so under
one more key: which of the keys, as they are read, comes where.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

__all__ = ["ModelDocument", "in_order", "json_in_order", "says_order", "with_order"]

_ORDER = "$o"
_IN_JSON = f'"{_ORDER}"'

_FEW = 64
"""Dicts of so many keys are mostly alike."""


class ModelDocument(dict[str, Any]):
    """A model's fields, whose order its class tells."""


def with_order(value: object) -> Any:
    """A document with the order of its keys, as it is sent.

    Args:
        value: What JSON can hold; what else there is stays.
    """
    if isinstance(value, list | tuple):
        return [with_order(one) if isinstance(one, dict | list | tuple) else one for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value, ModelDocument) and _ORDER not in value:
        return {key: one if key == "$" else with_order(one) for key, one in value.items()}
    made = {
        key: with_order(one) if isinstance(one, dict | list | tuple) else one
        for key, one in value.items()
    }
    keys = tuple(made)
    if not all(type(key) is str for key in keys):
        return made
    order = _order(keys) if len(keys) <= _FEW else _order.__wrapped__(keys)
    if _ORDER in made:  # the user's own
        made[_ORDER] = {"own": made[_ORDER], "order": order}
    elif any(at != place for at, place in enumerate(order)):
        made[_ORDER] = order
    return made


@lru_cache(maxsize=512)
def _order(keys: tuple[str, ...]) -> list[int]:
    """Where each key is among those that the database has sorted."""
    stored = sorted(keys, key=lambda key: (len(key.encode()), key.encode()))
    place = {key: at for at, key in enumerate(stored)}
    return [place[key] for key in keys]


def in_order(value: object) -> Any:
    """A document as :func:`with_order` was given it.

    Args:
        value: What was just made of its JSON, and is nobody else's: it may be changed.
    """
    if type(value) is list:
        for at, one in enumerate(value):
            if type(one) is dict or type(one) is list:
                value[at] = in_order(one)
    elif type(value) is dict:
        for key, one in value.items():
            if (type(one) is dict or type(one) is list) and key != _ORDER:
                value[key] = in_order(one)
        return _arranged(value) if _ORDER in value else value
    return value


def _arranged(value: dict[str, Any]) -> dict[str, Any]:
    order, rest = value[_ORDER], value.copy()
    if type(order) is dict and order.keys() == {"own", "order"}:
        order, rest[_ORDER] = order["order"], in_order(order["own"])
    else:
        del rest[_ORDER]
    if type(order) is not list or not _is_order(order, len(rest)):
        return value
    keys = list(rest)
    return {keys[at]: rest[keys[at]] for at in order}


def _is_order(order: list[Any], count: int) -> bool:
    # Somebody else may have written it, or changed the row since.
    numbers = {at for at in order if type(at) is int and 0 <= at < count}
    return len(numbers) == len(order) == count


def json_in_order(text: str) -> str:
    """The JSON of a document as it was written, of that which the database has."""
    return orjson.dumps(in_order(orjson.loads(text))).decode() if says_order(text) else text


def says_order(text: object) -> bool:
    """Whether there may be an order in a document's JSON; most have none."""
    if isinstance(text, bytes):
        return _IN_JSON.encode() in text
    return not isinstance(text, str) or _IN_JSON in text
