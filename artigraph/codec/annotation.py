"""From an annotation to its codec, and from a stored schema to the same codec."""

from __future__ import annotations

import collections.abc
import types
import typing
from enum import Enum
from typing import Annotated, Any, NewType, get_args, get_origin

from artigraph.codec.any import ANY
from artigraph.codec.base import Codec, Schema
from artigraph.codec.container import CollectionCodec, DictCodec, TupleCodec
from artigraph.codec.part import PartCodec
from artigraph.codec.scalar import (
    SCALARS_BY_KIND,
    SCALARS_BY_TYPE,
    EnumCodec,
    FloatCodec,
    NativeCodec,
    ScalarCodec,
    describe_int,
    describe_str,
)
from artigraph.codec.union import OptionalCodec, UnionCodec
from artigraph.errors import ModelDefinitionError
from artigraph.serializer.base import Serializer, serializers as serializers_by_name
from artigraph.storage.base import Storage, storages as storages_by_name

__all__ = ["codec_for", "codec_of_schema", "unwrap"]

NATIVE: dict[Any, Codec] = {
    bool: NativeCodec(bool, bool, ANY),
    int: NativeCodec(int, describe_int, ANY),
    float: FloatCodec(ANY),
    str: NativeCodec(str, describe_str, ANY),
}
COLLECTIONS: dict[Any, type[Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.abc.MutableSequence: list,
    collections.abc.MutableSet: set,
}
MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
EITHER: dict[Any, tuple[type[Any], ...]] = {
    collections.abc.Sequence: (list, tuple),
    collections.abc.Collection: (list, tuple, set, frozenset),
    collections.abc.Iterable: (list, tuple, set, frozenset),
    collections.abc.Set: (set, frozenset),
}
"""Abstract types, and the concrete ones that are told apart for them."""


def codec_for(annotation: Any) -> Codec:
    """The codec for a field.

    Args:
        annotation: The field's resolved annotation. ``Annotated`` may name a
            serializer and a storage, in any order and nesting.

    Raises:
        ModelDefinitionError: Two serializers or two storages are named.
    """
    annotation = unwrap(annotation)
    if isinstance(annotation, type) and annotation in NATIVE:
        return NATIVE[annotation]
    if get_origin(annotation) is Annotated:
        return _for_annotated(annotation)
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, Enum):
            return EnumCodec(annotation, ANY)
        if annotation in SCALARS_BY_TYPE:
            return ScalarCodec(SCALARS_BY_TYPE[annotation], ANY)
        return _for_collection(annotation, ())
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _for_union(arguments)
    return _for_collection(origin, arguments)


def unwrap(annotation: Any) -> Any:
    """What an alias, a ``NewType`` or a ``Final`` stands for."""
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # the "type" statement of Python 3.12
            annotation = annotation.__value__
        elif get_origin(annotation) is typing.Final:
            (annotation,) = get_args(annotation)
        else:
            return annotation


def _for_annotated(annotation: Any) -> Codec:
    inner, *metadata = get_args(annotation)
    inner = unwrap(inner)
    if get_origin(inner) is Annotated:  # an alias of one
        return _for_annotated(Annotated[(inner, *metadata)])
    # Annotated[X | None, …] is an X in a row of its own, or null.
    if get_origin(inner) in (typing.Union, types.UnionType) and type(None) in get_args(inner):
        arms = tuple(arm for arm in get_args(inner) if arm is not type(None))
        some: Any = typing.Union.__getitem__(arms)
        return OptionalCodec(_for_annotated(Annotated[(some, *metadata)]))
    serializers = [m for m in metadata if isinstance(m, Serializer)]
    storages = [m for m in metadata if isinstance(m, Storage)]
    for kind, named in (("serializer", serializers), ("storage", storages)):
        if len(named) > 1 and any(one != named[0] for one in named):
            raise ModelDefinitionError(
                f"One field names several {kind}s: {', '.join(repr(one) for one in named)}. "
                "Leave one of them."
            )
    for serializer in serializers:
        serializers_by_name.current(serializer)
    for storage in storages:
        storages_by_name.current(storage)
    codec = codec_for(inner)
    if not serializers and not storages:
        return codec
    named = get_origin(inner) or inner
    return PartCodec(
        codec,
        next(iter(serializers), None),
        next(iter(storages), None),
        named if isinstance(named, type) else None,
    )


def _for_union(arguments: tuple[Any, ...]) -> Codec:
    inner = [argument for argument in arguments if argument is not type(None)]
    if len(inner) == 1:
        return OptionalCodec(codec_for(inner[0]))
    codecs = [codec_for(argument) for argument in inner]
    arms = [codec for codec in codecs if codec.kind not in ("native", "any")]
    return UnionCodec(arms, ANY) if arms else ANY


def _for_collection(origin: Any, arguments: tuple[Any, ...]) -> Codec:
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return CollectionCodec(tuple, codec_for(arguments[0]), ANY)
        if arguments:
            return TupleCodec([codec_for(a) for a in arguments if a != ()], ANY)
        return CollectionCodec(tuple, ANY, ANY)
    if origin in COLLECTIONS:
        item = codec_for(arguments[0]) if arguments else ANY
        return CollectionCodec(COLLECTIONS[origin], item, ANY)
    if origin in MAPPINGS:
        key, value = arguments or (Any, Any)
        key = unwrap(key)
        key_type = key if key in (str, int) else str if key is Any else None
        return DictCodec(key_type, codec_for(key), codec_for(value), ANY)
    if origin in EITHER:
        item = codec_for(arguments[0]) if arguments else ANY
        return UnionCodec([CollectionCodec(type_, item, ANY) for type_ in EITHER[origin]], ANY)
    return ANY


def codec_of_schema(schema: Schema) -> Codec:
    """The codec that wrote a document, from what it said of itself.

    Args:
        schema: A codec's ``schema`` out of a database. What it does not know
            is read as it stands.
    """
    if isinstance(schema, str):
        scalar = SCALARS_BY_KIND.get(schema)
        return ANY if scalar is None else ScalarCodec(scalar, ANY)
    if not isinstance(schema, dict) or len(schema) != 1:
        return ANY
    ((kind, content),) = schema.items()
    if kind == "enum":
        return EnumCodec(str(content), ANY)
    if kind in ("list", "set", "frozenset", "tuple"):
        type_ = {"list": list, "set": set, "frozenset": frozenset, "tuple": tuple}[kind]
        return CollectionCodec(type_, codec_of_schema(content), ANY)
    if kind == "places" and isinstance(content, list):
        return TupleCodec([codec_of_schema(item) for item in content], ANY)
    if kind == "dict" and isinstance(content, list) and len(content) == 3:
        key_type = {"str": str, "int": int}.get(content[0])
        return DictCodec(key_type, codec_of_schema(content[1]), codec_of_schema(content[2]), ANY)
    if kind == "optional":
        return OptionalCodec(codec_of_schema(content))
    if kind == "part":
        return PartCodec(codec_of_schema(content), None, None)
    if kind == "union" and isinstance(content, list):
        arms = [arm for arm in content if isinstance(arm, list) and len(arm) == 2]
        names = [str(name) for name, _ in arms]
        return UnionCodec([codec_of_schema(arm) for _, arm in arms], ANY, names)
    return ANY
