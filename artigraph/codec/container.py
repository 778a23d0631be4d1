"""Codecs of what holds other values, and of one of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import TAG, Codec, EncodingContext, LoadedChildren, Schema, is_tagged
from artigraph.codec.scalar import untyped
from artigraph.errors import DeserializationError
from artigraph.orm.base import is_clean
from artigraph.types.record import INTEGER_LIMIT

__all__ = ["collection_codec", "dict_codec", "optional_codec", "tuple_codec", "union_codec"]

encode_any, decode_any = ANY.encode, ANY.decode


def collection_codec(type_: type[Any], item: Codec) -> Codec:
    """The codec of a list, set, frozenset, or a tuple of any length."""
    encode_item, decode_item, deep, kind = item.encode, item.decode, item.deep, type_.__name__

    def encode(value: Any, context: EncodingContext) -> object:
        if type(value) is not type_:
            return untyped(value, context, list)
        if deep:
            return [encode_item(one, context.at(i)) for i, one in enumerate(value)]
        return [encode_item(one, context) for one in value]

    def decode(stored: object, children: LoadedChildren) -> object:
        if type(stored) is not list:
            return decode_any(stored, children)
        items = [decode_item(one, children) for one in stored]
        return items if type_ is list else type_(items)

    schema = None if type_ is list and item.schema is None else {kind: item.schema}
    read = decode_any if type_ is list and decode_item is decode_any else decode
    return Codec(kind, encode, read, lambda value: type(value) is type_, schema, deep=True)


def tuple_codec(items: Sequence[Codec]) -> Codec:
    """The codec of a tuple whose items are annotated one by one."""

    def accepts(value: object) -> bool:
        return type(value) is tuple and len(value) == len(items)

    def encode(value: Any, context: EncodingContext) -> object:
        if not accepts(value):
            return untyped(value, context, list)
        pairs = zip(items, value, strict=True)
        return [item.encode(one, context.at(i)) for i, (item, one) in enumerate(pairs)]

    def decode(stored: object, children: LoadedChildren) -> object:
        if type(stored) is not list:
            return decode_any(stored, children)
        if len(stored) != len(items):
            raise DeserializationError(
                f"A tuple of {len(items)} values was stored with {len(stored)}."
            )
        return tuple(item.decode(one, children) for item, one in zip(items, stored, strict=True))

    schema = {"places": [item.schema for item in items]}
    return Codec("tuple", encode, decode, accepts, schema, deep=True)


def dict_codec(key_type: type[str] | type[int] | None, key: Codec, value: Codec) -> Codec:
    """The codec of a dict.

    Text and integer keys are an object's keys; all others make it a list of
    pairs.

    Args:
        key_type: The annotated type of the keys, if it is ``str`` or ``int``.
        key: What the keys are.
        value: What the values are.
    """
    encode_value, decode_value = value.encode, value.decode

    def encode(given: object, context: EncodingContext) -> object:
        if type(given) is not dict:
            # An object of anything is always tagged.
            return encode_any(given, context)
        if key_type is int and all(
            type(k) is int and -INTEGER_LIMIT <= k < INTEGER_LIMIT for k in given
        ):
            return {str(k): encode_value(v, context.at(k)) for k, v in given.items()}
        if key_type is str and all(type(k) is str and k != TAG and is_clean(k) for k in given):
            return {k: encode_value(v, context.at(k)) for k, v in given.items()}
        pairs = [
            [key.encode(k, context.at(k, 3)), encode_value(v, context.at(k, 3))]
            for k, v in given.items()
        ]
        return {TAG: "pairs", "v": pairs}

    def decode(stored: object, children: LoadedChildren) -> object:
        if type(stored) is not dict:
            return decode_any(stored, children)
        if not is_tagged(stored):
            read = int if key_type is int else str
            return {read(k): decode_value(v, children) for k, v in stored.items()}
        if stored[TAG] != "pairs":
            return decode_any(stored, children)
        return {key.decode(k, children): decode_value(v, children) for k, v in stored["v"]}

    schema: Schema = None
    if key_type is not str or value.schema is not None:
        name = "pairs" if key_type is None else key_type.__name__
        schema = {"dict": [name, key.schema, value.schema]}
    return Codec("dict", encode, decode, lambda given: type(given) is dict, schema, deep=True)


def optional_codec(inner: Codec) -> Codec:
    """The codec of something or ``None``, which is JSON's null."""
    encode, decode = inner.encode, inner.decode
    return Codec(
        inner.kind,
        lambda value, context: None if value is None else encode(value, context),
        lambda stored, children: None if stored is None else decode(stored, children),
        lambda value: value is None or inner.accepts(value),
        None if inner.schema is None else {"optional": inner.schema},
        inner.deep,
    )


def union_codec(arms: Sequence[Codec], names: Sequence[str]) -> Codec:
    """The codec of a value of one of several types, which says of which.

    Args:
        arms: What it may be, without those that JSON tells by itself.
        names: What a value's tag calls each arm; made unique.
    """
    by_name: dict[str, Codec] = {}
    for arm, name in zip(arms, names, strict=True):
        # tuple[int, int] | tuple[int, ...] are of one kind.
        by_name[name if name not in by_name else f"{name}~{len(by_name)}"] = arm

    def encode(value: object, context: EncodingContext) -> object:
        if value is None:
            return None
        for name, arm in by_name.items():
            if arm.accepts(value):
                inner = context.deeper() if arm.deep else context
                return {TAG: "of", "t": name, "v": arm.encode(value, inner)}
        return encode_any(value, context)

    def decode(stored: Any, children: LoadedChildren) -> object:
        if is_tagged(stored) and stored[TAG] == "of":
            arm = by_name.get(str(stored.get("t")))
            if arm is not None:
                return arm.decode(stored["v"], children)
        return decode_any(stored, children)

    return Codec(
        "union",
        encode,
        decode,
        lambda value: any(arm.accepts(value) for arm in by_name.values()),
        {"union": [[name, arm.schema] for name, arm in by_name.items()]},
        deep=True,
    )
