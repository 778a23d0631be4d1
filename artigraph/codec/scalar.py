"""Codecs of scalar types: values that are annotated are written plainly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import TAG, Codec, EncodingContext, LoadedChildren, Schema, native_json
from artigraph.errors import SerializationError
from artigraph.types.record import Scalar
from artigraph.types.scalar import without_numpy

__all__ = ["scalar_codec", "untyped"]

encode_any, decode_any = ANY.encode, ANY.decode


def untyped(value: object, context: EncodingContext, *plain: type[Any]) -> object:
    """JSON of a value that is none of its annotation's.

    Args:
        value: The value.
        context: Where it is.
        *plain: What the annotation's values are in JSON, which must not be read as one.
    """
    described = encode_any(value, context)
    return {TAG: "any", "v": described} if isinstance(described, plain) else described


def scalar_codec(scalar: Scalar) -> Codec:
    """The codec of values of one scalar type."""
    if scalar.native:
        return _float_codec(scalar) if float in scalar.types else _native_codec(scalar)
    types, fits, write, read = scalar.types, scalar.fits, scalar.write, scalar.read
    own = scalar.own

    def accepts(value: object) -> bool:
        return type(value) in types or type(own(value)) in types

    def encode(value: object, context: EncodingContext) -> object:
        if type(value) not in types:
            value = own(value)
        if type(value) in types and fits(value):
            try:
                return write(value)
            except SerializationError as error:
                context.refuse(value, str(error), "")
        context.note_misfit(value, scalar)
        return untyped(value, context, str, int)

    def decode(stored: object, children: LoadedChildren) -> object:
        if isinstance(stored, str | int) and not isinstance(stored, bool):
            return read(stored)
        return decode_any(stored, children)

    kind, _, name = scalar.name.partition(":")
    schema: Schema = {kind: name} if name else kind
    return Codec(scalar.name, encode, decode, accepts, schema)


def _number(value: object) -> object:
    """A number of numpy as Python's; anything else as it is."""
    plain = without_numpy(value)
    return plain if isinstance(plain, int | float) else value


_PLAIN: dict[type[Any], Callable[[Any], Any]] = {str: str.__str__, int: int.__int__}


def _native_codec(scalar: Scalar) -> Codec:
    (type_,), fits = scalar.types, scalar.fits

    def encode(value: object, context: EncodingContext) -> object:
        if type(value) is not type_:
            value = _number(value)
            # Typed by its annotation: a StrEnum's text, a numpy integer's number. In
            # Python a bool is an int, but JSON tells them apart.
            if isinstance(value, bool) or not isinstance(value, type_):
                context.note_misfit(value, scalar)
                return encode_any(value, context)
            # Not str(value): an Enum that is a str has another text for that.
            value = _PLAIN[type_](value)
        return value if fits(value) else native_json(scalar, value)

    return Codec("native", encode, decode_any, lambda value: isinstance(value, type_))


def _float_codec(scalar: Scalar) -> Codec:
    fits = scalar.fits

    def encode(value: object, context: EncodingContext) -> object:
        if type(value) is not float:
            number = _number(value)
            if isinstance(number, int) and not isinstance(number, bool):
                exact = _exact_float(number)
                if exact is None:
                    # Plainly, it would come back as a float.
                    return {TAG: "int", "v": hex(number)}
                number = exact
            if not isinstance(number, float):
                context.note_misfit(number, scalar)
                return encode_any(number, context)
            value = float(number)
        return value if fits(value) else native_json(scalar, value)

    def decode(stored: object, children: LoadedChildren) -> object:
        if type(stored) is float:
            return stored
        return float(stored) if type(stored) is int else decode_any(stored, children)

    return Codec("native", encode, decode, lambda value: isinstance(value, float))


def _exact_float(value: int) -> float | None:
    """An integer as the float that equals it, if there is one."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if number == value else None
