"""Values that say themselves what they are, for where no annotation does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from importlib import import_module
from typing import Any, NoReturn

from artigraph.codec.base import (
    NESTED,
    TAG,
    Codec,
    EncodingContext,
    LoadedChildren,
    native_json,
)
from artigraph.errors import DeserializationError, SerializationError
from artigraph.orm.base import is_clean
from artigraph.serializer.base import find_serializer
from artigraph.types.annotation import ModelValue
from artigraph.types.record import Scalar
from artigraph.types.scalar import SCALARS_BY_NAME, SCALARS_BY_TYPE

__all__ = ["ANY"]


def _encode(value: object, context: EncodingContext, /) -> object:
    """JSON of a value, which says itself what it is."""
    type_ = type(value)
    scalar = SCALARS_BY_TYPE.get(type_)
    if scalar is not None:
        if scalar.native:
            return value if scalar.fits(value) else native_json(scalar, value)
        return _describe_scalar(scalar, value, context)
    describe = _DESCRIBE.get(type_)
    if describe is not None:
        return describe(value, context)
    if isinstance(value, ModelValue):
        return context.add_child(value)
    if type_.__module__ == "numpy" and _is_numpy_scalar(type_):
        return import_module("artigraph.codec.numpy").describe_numpy(value, context)
    serializer = find_serializer(type_)
    if serializer is not None:
        return context.add_child(value, serializer)
    _refuse(value, context)


def _decode(stored: object, children: LoadedChildren, /) -> object:
    if type(stored) is list:
        return [_decode(item, children) if type(item) in NESTED else item for item in stored]
    if type(stored) is not dict:
        return stored
    if TAG not in stored:
        return {key: _decode(item, children) for key, item in stored.items()}
    return _decode_tagged(stored, children)


def _decode_tagged(stored: dict[str, Any], children: LoadedChildren) -> object:
    kind, content = stored[TAG], stored.get("v")
    if kind in SCALARS_BY_NAME:
        return SCALARS_BY_NAME[kind].read(content)
    if kind in _COLLECTIONS:
        return _COLLECTIONS[kind](_decode(item, children) for item in content or ())
    if kind in ("any", "of"):
        return _decode(content, children)
    if kind in ("dict", "pairs"):
        return {_decode(k, children): _decode(v, children) for k, v in content or ()}
    if kind == "numpy":
        read = import_module("artigraph.codec.numpy").read_numpy
        return read(str(stored.get("t")), _decode(content, children))
    if kind == "ref":
        child = children.take(content)
        return _decode(child.value, children) if child.takes_json else child.value
    raise DeserializationError(
        f"A value of the kind {kind!r} was stored, which this version of artigraph does not "
        "know. Update artigraph to read it."
    )


def _is_numpy_scalar(type_: type[Any]) -> bool:
    return any(base.__name__ == "generic" for base in type_.__mro__)


def _refuse(value: object, context: EncodingContext) -> NoReturn:
    if isinstance(value, Enum):
        name = type(value).__name__
        context.refuse(
            value,
            "an enumeration's member needs its class to come back",
            f"Annotate the field with {name}, or store its value. If it is annotated so, {name} "
            f"was made again without this member: take one of {name} as it is now.",
        )
    if isinstance(value, datetime) and value != value:
        context.refuse(value, "only pandas has a missing time", "Store None instead.")
    bases: tuple[type[Any], ...] = (dict, list, tuple, set, frozenset, *SCALARS_BY_TYPE)
    for base in bases:
        if isinstance(value, base):
            # pandas.Timestamp and pandas.Timedelta know better how.
            methods = ("to_pydatetime", "to_pytimedelta")
            method = next((name for name in methods if hasattr(value, name)), None)
            call = _CONVERT.get(base.__name__, f"{base.__name__}(value)")
            convert = call if method is None else f"value.{method}()"
            context.refuse(
                value,
                f"it would come back as a plain {base.__name__}",
                f"Convert it with {convert} first, or make it a DataModel.",
            )
    if (told := getattr(type(value), "_artigraph_refused", None)) is not None:
        context.refuse(value, *told)
    context.refuse(
        value,
        "JSON cannot hold it",
        "Annotate the field with a serializer, as in Annotated[T, my_serializer], or make it a "
        "DataModel.",
    )


_CONVERT = {
    "datetime": "datetime.datetime.combine(value.date(), value.timetz())",
    "date": "datetime.date.fromordinal(value.toordinal())",
    "time": "datetime.time.fromisoformat(value.isoformat())",
    "timedelta": "datetime.timedelta(value.days, value.seconds, value.microseconds)",
    "UUID": "uuid.UUID(int=value.int)",
}
"""What makes a plain value of one of a subclass, for types that take no such value."""


def _describe_list(value: list[Any], context: EncodingContext) -> object:
    return [_encode(item, context.at(i)) for i, item in enumerate(value)]


def _describe_dict(value: dict[Any, Any], context: EncodingContext) -> object:
    if all(type(key) is str and key != TAG and is_clean(key) for key in value):
        return {key: _encode(v, context.at(key)) for key, v in value.items()}
    pairs = [[_encode(k, context.at(k, 3)), _encode(v, context.at(k, 3))] for k, v in value.items()]
    return {TAG: "dict", "v": pairs}


def _describe_collection(kind: str) -> Callable[[Any, EncodingContext], Any]:
    def describe(value: Iterable[object], context: EncodingContext) -> object:
        items = [_encode(item, context.at(i, 2)) for i, item in enumerate(value)]
        return {TAG: kind, "v": items}

    return describe


def _describe_scalar(scalar: Scalar, value: object, context: EncodingContext) -> object:
    if not scalar.fits(value):
        context.refuse(value, "it would not come back equal", "Store it as text or as bytes.")
    try:
        return {TAG: scalar.name, "v": scalar.write(value)}
    except SerializationError as error:
        context.refuse(value, str(error), "")


_COLLECTIONS: dict[str, type[Any]] = {
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
}

_DESCRIBE: dict[type[Any], Callable[[Any, EncodingContext], Any]] = {
    type(None): lambda value, context: None,
    list: _describe_list,
    dict: _describe_dict,
    **{type_: _describe_collection(kind) for kind, type_ in _COLLECTIONS.items()},
}

ANY = Codec("any", _encode, _decode, lambda value: True, deep=True)
"""Any value at all, by its own type.

Numbers, texts, lists and dicts are JSON as they stand. Models and values that a
serializer names become children. All else is an object that has its kind under
``"$"`` and its content under ``"v"``."""
