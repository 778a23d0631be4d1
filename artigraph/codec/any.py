"""Values that say themselves what they are, for where no annotation does."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from typing import Any, ClassVar

from typing_extensions import override

from artigraph.codec.base import TAG, Codec, ModelValue, Parts, Place
from artigraph.codec.scalar import (
    SCALARS_BY_KIND,
    SCALARS_BY_TYPE,
    describe_float,
    describe_int,
    describe_str,
    read_float,
)
from artigraph.errors import DeserializationError, SerializationError
from artigraph.orm.base import is_clean
from artigraph.serializer.base import find_serializer

__all__ = ["ANY", "AnyCodec"]


class AnyCodec(Codec):
    """Any value at all, by its own type.

    Numbers, texts, lists and dicts are JSON as they stand. Models and values
    that a serializer names become parts. All else is an object that has its
    kind under ``"$"`` and its content under ``"v"``.
    """

    kind: ClassVar[str] = "any"
    deep = True

    @override
    def accepts(self, value: object) -> bool:
        return True

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        describe = _DESCRIBE.get(type(value))
        if describe is not None:
            return describe(value, place)
        if isinstance(value, ModelValue):
            return place.add_part(value)
        if type(value).__module__ == "numpy" and _is_numpy_scalar(type(value)):
            return import_module("artigraph.codec.numpy").describe_numpy(value, place)
        serializer = find_serializer(type(value))
        if serializer is not None:
            return place.add_part(value, serializer)
        return _refuse(value, place)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if type(stored) is list:
            return [self.decode(item, parts) for item in stored]
        if type(stored) is not dict:
            return stored
        if TAG not in stored:
            return {key: self.decode(item, parts) for key, item in stored.items()}
        return self._decode_tagged(stored, parts)

    def _decode_tagged(self, stored: dict[str, Any], parts: Parts) -> Any:
        kind, content = stored[TAG], stored.get("v")
        if kind in SCALARS_BY_KIND:
            return SCALARS_BY_KIND[kind].read(content)
        if kind in _COLLECTIONS:
            return _COLLECTIONS[kind](self.decode(item, parts) for item in content or ())
        if kind in ("any", "of"):
            return self.decode(content, parts)
        if kind == "int":
            return int(str(content), 16)
        if kind == "float":
            return read_float(str(content))
        if kind == "str":
            return _read_str(content)
        if kind in ("dict", "pairs"):
            return {self.decode(k, parts): self.decode(v, parts) for k, v in content or ()}
        if kind == "numpy":
            read = import_module("artigraph.codec.numpy").read_numpy
            return read(str(stored.get("t")), self.decode(content, parts))
        if kind == "ref":
            part = parts.get(str(content))
            if part is None:
                raise DeserializationError(f"The row {content!r} below the model is missing.")
            return self.decode(part.value, parts) if part.takes_json else part.value
        raise DeserializationError(
            f"A value of the kind {kind!r} was stored, which this version of artigraph does not "
            "know. Update artigraph to read it."
        )


def _is_numpy_scalar(type_: type[Any]) -> bool:
    return any(base.__name__ == "generic" for base in type_.__mro__)


def _refuse(value: object, place: Place) -> Any:
    if isinstance(value, Enum):
        name = type(value).__name__
        place.refuse(
            value,
            "an enumeration's member needs its class to come back",
            f"Annotate the field with {name}, or store its value.",
        )
    for base in (dict, list, tuple, set, frozenset, str, bytes, int, float, *SCALARS_BY_TYPE):
        if isinstance(value, base):
            # pandas.Timestamp and pandas.Timedelta know better how.
            methods = ("to_pydatetime", "to_pytimedelta")
            method = next((name for name in methods if hasattr(value, name)), None)
            convert = f"{base.__name__}(…)" if method is None else f"value.{method}()"
            place.refuse(
                value,
                f"it would come back as a plain {base.__name__}",
                f"Convert it with {convert} first, or make it a DataModel.",
            )
    place.refuse(
        value,
        "JSON cannot hold it",
        "Annotate the field with a serializer, as in Annotated[T, my_serializer], or make it a "
        "DataModel.",
    )


def _describe_list(value: list[Any], place: Place) -> Any:
    return [ANY.encode(item, place.at(i)) for i, item in enumerate(value)]


def _describe_dict(value: dict[Any, Any], place: Place) -> Any:
    if all(type(key) is str and key != TAG and is_clean(key) for key in value):
        return {key: ANY.encode(v, place.at(key)) for key, v in value.items()}
    pairs = [
        [ANY.encode(k, place.at(k, 3)), ANY.encode(v, place.at(k, 3))] for k, v in value.items()
    ]
    return {TAG: "dict", "v": pairs}


def _describe_collection(kind: str) -> Callable[[Any, Place], Any]:
    def describe(value: Any, place: Place) -> Any:
        items = [ANY.encode(item, place.at(i, 2)) for i, item in enumerate(value)]
        return {TAG: kind, "v": items}

    return describe


def _describe_scalar(value: Any, place: Place) -> Any:
    scalar = SCALARS_BY_TYPE[type(value)]
    if not scalar.exact(value):
        place.refuse(value, "it would not come back equal", "Store it as text or as bytes.")
    try:
        return {TAG: scalar.kind, "v": scalar.write(value)}
    except SerializationError as error:
        place.refuse(value, str(error), "")


def _read_str(stored: Any) -> str:
    text = json.loads(stored)
    if not isinstance(text, str):
        raise DeserializationError(f"{stored!r} was stored as an escaped text and is none.")
    return text


_COLLECTIONS: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}

_DESCRIBE: dict[type[Any], Callable[[Any, Place], Any]] = {
    type(None): lambda value, place: None,
    bool: lambda value, place: value,
    int: lambda value, place: describe_int(value),
    float: lambda value, place: describe_float(value),
    str: lambda value, place: describe_str(value),
    list: _describe_list,
    dict: _describe_dict,
    **{type_: _describe_collection(kind) for kind, type_ in _COLLECTIONS.items()},  # type: ignore[misc]  # they are classes
    **dict.fromkeys(SCALARS_BY_TYPE, _describe_scalar),
}

ANY = AnyCodec()
"""The one codec for anything; it has no state."""
