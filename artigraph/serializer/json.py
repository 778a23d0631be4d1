"""JSON values as UTF-8 JSON text.

What comes back equals what went in and has the same types: ``None``,
booleans, integers of any size, floats with NaN and the infinities, strings,
lists, and dicts with string keys.

JSON has no more types than that. A tuple would come back as a list and the
key ``1`` as ``"1"``, so these are refused rather than changed. NaN and the
infinities are written as Python's ``json`` writes them, which other readers
of JSON may not accept.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, ClassVar

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer

__all__ = ["JsonSerializer", "check_json", "json_serializer", "json_sorted_serializer"]

MAX_DEPTH = 200
"""Lists and dicts within each other; Python's reader recurses, and what a
shallow stack wrote must be readable from a deep one."""


class JsonSerializer(Serializer[Any]):
    """Any JSON value, strictly.

    * keeps every JSON type, integers of any size, NaN and the infinities
    * refuses tuples, sets, keys other than strings, subclasses, other objects

    Args:
        name: Its stored name.
        sort_keys: Whether equal dicts make equal bytes whatever the order of
            their keys; that order is then lost.
    """

    takes_json: ClassVar[bool] = True

    def __init__(self, name: str, *, sort_keys: bool = False) -> None:
        self.name = name
        self.sort_keys = sort_keys

    def serialize(self, value: object, /) -> bytes:
        """Write a JSON value.

        Raises:
            SerializationError: Something in it would not come back equal.
        """
        check_json(value)
        text = json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), sort_keys=self.sort_keys
        )
        return text.encode()

    def deserialize(self, data: bytes, /) -> Any:
        """Read a JSON value.

        Raises:
            DeserializationError: The bytes are not JSON in UTF-8.
        """
        try:
            return json.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise DeserializationError(
                f"These {len(data)} bytes are not JSON, though {self.name!r} was to read them: "
                f"{error}. They are damaged, or another serializer wrote them."
            ) from error

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.sort_keys == getattr(other, "sort_keys", None)

    __hash__ = Serializer.__hash__


def check_json(value: object, place: str = "value") -> None:
    """Refuse whatever JSON would not give back with equal value and type.

    Args:
        value: What is about to be written.
        place: What an error calls the value itself; the way to the part that
            is refused follows, as in ``value['losses'][3]``.

    Raises:
        SerializationError: Names the place, what is there and the fix.
    """
    _check(value, place, (), 0)


Way = tuple[Any, ...]
"""Nested pairs ``(way, key)``: cheap to extend, turned into text only for an error."""


def _check(value: Any, place: str, way: Way, depth: int) -> None:
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return
    if kind is str:
        _check_text(value, place, way)
    elif kind is int:
        _check_int(value, place, way)
    elif kind is dict or kind is list:
        if depth >= MAX_DEPTH:
            raise SerializationError(
                f"{place}{_text(way, shorten=True)} lies more than {MAX_DEPTH} lists and dicts "
                "deep, or the value contains itself. Store it flat, or in parts."
            )
        if kind is list:
            for index, item in enumerate(value):
                _check(item, place, (way, index), depth + 1)
        else:
            for key, item in value.items():
                _check_key(key, place, way)
                _check(item, place, (way, key), depth + 1)
    else:
        raise SerializationError(
            f"{place}{_text(way)} is {_describe(value)}, which JSON would not give back. "
            f"{_fix(value)}"
        )


def _check_key(key: object, place: str, way: Way) -> None:
    if type(key) is not str:
        raise SerializationError(
            f"{place}{_text(way)} has the key {key!r} of type {type(key).__name__}, but a JSON "
            "object has only str keys. Use str(key), or store a list of [key, value] pairs."
        )
    _check_text(key, place, (way, key))


def _check_text(value: str, place: str, way: Way) -> None:
    # Asking for ASCII first is a glance at a flag; encoding is a copy.
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SerializationError(
            f"{place}{_text(way)} has a lone surrogate at position {error.start}, which UTF-8 "
            "cannot hold. Repair it with text.encode('utf-8', 'replace').decode(), or store bytes."
        ) from error


def _check_int(value: int, place: str, way: Way) -> None:
    # Python itself refuses to turn longer ones into text and back.
    if value.bit_length() < 2048:
        return
    try:
        str(value)
    except ValueError as error:
        raise SerializationError(
            f"{place}{_text(way)} is an int of {value.bit_length()} bits: {error}. "
            "Store hex(value) instead."
        ) from error


def _text(way: Way, *, shorten: bool = False) -> str:
    steps = []
    while way:
        way, key = way
        steps.append(f"[{key!r}]")
    steps.reverse()
    if shorten and len(steps) > 6:
        steps[6:] = ["..."]
    return "".join(steps)


def _describe(value: object) -> str:
    text = repr(value)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return f"{shown} of type {type(value).__name__}"


def _fix(value: object) -> str:
    if isinstance(value, Enum):
        return "Store value.value instead."
    if isinstance(value, tuple):
        return "Use list(value)."
    if isinstance(value, set | frozenset):
        return "Use sorted(value)."
    for base in (dict, list, str, int, float):
        if isinstance(value, base):
            return f"Use {base.__name__}(value)."
    if hasattr(value, "tolist"):
        return "Use value.tolist()."
    return "Store it as a JSON value, or name a serializer that knows its type."


json_serializer = JsonSerializer("artigraph-json")
"""JSON with the keys of dicts in their own order."""

json_sorted_serializer = JsonSerializer("artigraph-json-sorted", sort_keys=True)
"""JSON with sorted keys, so that equal values have equal bytes."""
