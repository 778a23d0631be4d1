"""From what an annotation tells to its codec, and from a stored schema to the same codec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import Codec, EncodingContext, LoadedChildren, Schema, is_tagged
from artigraph.codec.container import (
    collection_codec,
    dict_codec,
    optional_codec,
    tuple_codec,
    union_codec,
)
from artigraph.codec.scalar import scalar_codec
from artigraph.serializer.base import Serializer, find_serializer, get_serializer
from artigraph.storage.base import Storage
from artigraph.types import annotation
from artigraph.types.annotation import Tree
from artigraph.types.record import enumeration
from artigraph.types.scalar import SCALARS_BY_NAME

__all__ = ["codec_of", "codec_of_schema"]


def codec_of(tree: Tree) -> Codec:
    """The codec for a field, of what its annotation tells."""
    match tree:
        case annotation.Single(scalar=scalar):
            return scalar_codec(scalar)
        case annotation.Optional(inner=inner):
            return optional_codec(codec_of(inner))
        case annotation.Either(arms=arms):
            return _one_of([codec_of(arm) for arm in arms])
        case annotation.Collection(types=types, item=item):
            codecs = [collection_codec(type_, codec_of(item)) for type_ in types]
            return codecs[0] if len(codecs) == 1 else _one_of(codecs)
        case annotation.Tuple(items=items):
            return tuple_codec([codec_of(item) for item in items])
        case annotation.Dict(key_type=key_type, key=key, value=value):
            return dict_codec(key_type, codec_of(key), codec_of(value))
        case annotation.OwnRow(inner=inner):
            return _row_codec(codec_of(inner), tree.serializer, tree.storage, tree.type_)
        case annotation.Anything(type_=type_) if type_ is not None and not tree.generic:
            return _class_codec(type_)
    return ANY


def _class_codec(type_: type[Any]) -> Codec:
    """The codec of what an annotation gives no more than a class for."""

    def encode(value: object, context: EncodingContext) -> object:
        if not _is_one_of(value, type_):
            context.note_other(value, type_)
        return ANY.encode(value, context)

    return replace(ANY, encode=encode)


def _is_one_of(value: object, types: type[Any] | tuple[type[Any], ...]) -> bool:
    try:
        return isinstance(value, types)
    except TypeError:  # a protocol, say, that is none at run time
        return True


def _one_of(codecs: list[Codec]) -> Codec:
    arms = [codec for codec in codecs if codec.kind not in ("native", "any")]
    return union_codec(arms, [arm.kind for arm in arms]) if arms else ANY


def _row_codec(
    inner: Codec,
    serializer: Serializer[Any] | None = None,
    storage: Storage | None = None,
    type_: type[Any] | None = None,
) -> Codec:
    """The codec of what is in a row of its own.

    Args:
        inner: What the value is; a serializer that takes any JSON is given
            what this makes of it.
        serializer: How it becomes bytes; by its type, or as JSON, unless given.
        storage: Where the bytes go, and those of other children that are found in the
            value and name no storage; into the database, unless given.
        type_: The annotated class, where the inner codec does not know it.
    """
    types = () if serializer is None else serializer.types
    types = types if type_ is None else (type_,)

    def accepts(value: object) -> bool:
        return isinstance(value, types) if types and inner.kind == "any" else inner.accepts(value)

    def encode(value: object, context: EncodingContext) -> object:
        if types and inner.kind == "any" and not _is_one_of(value, types):
            context.note_other(value, types[0])
        chosen = serializer or find_serializer(type(value)) or get_serializer("artigraph-json")
        if chosen.takes_json:
            value = inner.encode(value, context.stored_in(storage))
        return context.add_child(value, chosen, storage)

    def decode(stored: Any, children: LoadedChildren) -> object:
        child = children.get(str(stored.get("v"))) if is_tagged(stored) else None
        if child is not None and child.takes_json:
            return inner.decode(children.take(stored["v"]).value, children)
        return inner.decode(stored, children)

    schema = None if inner.schema is None else {"part": inner.schema}
    return Codec("part", encode, decode, accepts, schema, deep=True)


def codec_of_schema(schema: Schema) -> Codec:
    """The codec that wrote a document, from what it said of itself.

    Args:
        schema: A codec's ``schema`` out of a database. What it does not know
            is read as it stands.
    """
    if isinstance(schema, str):
        scalar = SCALARS_BY_NAME.get(schema)
        return ANY if scalar is None else scalar_codec(scalar)
    if not isinstance(schema, dict) or len(schema) != 1:
        return ANY
    ((kind, content),) = schema.items()
    if kind == "enum":
        return scalar_codec(enumeration(str(content)))
    if kind in _COLLECTIONS:
        return collection_codec(_COLLECTIONS[kind], codec_of_schema(content))
    if kind == "places" and isinstance(content, list):
        return tuple_codec([codec_of_schema(item) for item in content])
    if kind == "dict" and isinstance(content, list) and len(content) == 3:
        key_type = {"str": str, "int": int}.get(content[0])
        return dict_codec(key_type, codec_of_schema(content[1]), codec_of_schema(content[2]))
    if kind == "optional":
        return optional_codec(codec_of_schema(content))
    if kind == "part":
        return _row_codec(codec_of_schema(content))
    if kind == "union" and isinstance(content, list):
        arms = [arm for arm in content if isinstance(arm, list) and len(arm) == 2]
        names = [str(name) for name, _ in arms]
        return union_codec([codec_of_schema(arm) for _, arm in arms], names)
    return ANY


_COLLECTIONS = {type_.__name__: type_ for type_ in (list, set, frozenset, tuple)}
