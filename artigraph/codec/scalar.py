"""Single values: how each kind is written plainly, and read back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from math import copysign, nan
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any, ClassVar
from uuid import UUID

from typing_extensions import override

from artigraph.codec.base import TAG, Codec, Parts, Place
from artigraph.errors import DeserializationError, SerializationError
from artigraph.orm.base import is_clean
from artigraph.serializer.datetime import decode_datetime, encode_datetime

__all__ = [
    "SCALARS_BY_KIND",
    "SCALARS_BY_TYPE",
    "EnumCodec",
    "FloatCodec",
    "NativeCodec",
    "Scalar",
    "ScalarCodec",
    "describe_float",
    "describe_int",
    "describe_str",
    "without_library",
]

INTEGER_LIMIT = 2**63
"""Larger integers are written as text: parsers make floats of them."""

FLOAT_LIMIT = 1e16
"""From here on a float is an integer, and PostgreSQL writes it as one."""


@dataclass(frozen=True)
class Scalar:
    """One kind of value without inner values, other than JSON's own.

    Its plain form is text or a number.
    """

    kind: str
    type: type[Any]
    write: Callable[[Any], str | int]
    read: Callable[[Any], Any]
    exact: Callable[[Any], bool] = lambda value: True
    """Whether the plain form keeps a value of this type."""


def _write_timedelta(value: timedelta) -> str | int:
    microseconds = value // timedelta(microseconds=1)
    # Some thousand centuries are more than 64 bits of microseconds.
    return microseconds if abs(microseconds) < INTEGER_LIMIT else str(microseconds)


def _read_timedelta(stored: str | int) -> timedelta:
    return timedelta(microseconds=int(stored))


def _write_time(value: time) -> str:
    return value.isoformat("microseconds") + (_SECOND_FOLD if value.fold else "")


def _read_time(stored: str) -> time:
    text = stored.removesuffix(_SECOND_FOLD)
    return time.fromisoformat(text).replace(fold=int(text != stored))


_SECOND_FOLD = "[_fold=1]"
"""Marks the second of two equal local times, as it does for a datetime."""


def _is_text(value: PurePath) -> bool:
    return is_clean(str(value))


_SCALARS = [
    Scalar("datetime", datetime, encode_datetime, decode_datetime),
    Scalar("date", date, date.isoformat, date.fromisoformat),
    Scalar("time", time, _write_time, _read_time, lambda value: value.tzinfo is None),
    Scalar("timedelta", timedelta, _write_timedelta, _read_timedelta),
    Scalar("decimal", Decimal, str, Decimal),
    Scalar("uuid", UUID, str, UUID),
    Scalar("bytes", bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    # The path of another system than this one's comes back as a pure path.
    Scalar("path", Path, str, Path, _is_text),
    Scalar("posixpath", PurePosixPath, str, PurePosixPath, _is_text),
    Scalar("windowspath", PureWindowsPath, str, PureWindowsPath, _is_text),
]

SCALARS_BY_KIND = {scalar.kind: scalar for scalar in _SCALARS}
SCALARS_BY_TYPE: dict[type[Any], Scalar] = {scalar.type: scalar for scalar in _SCALARS}
# A Path is made as the class of the system at hand.
SCALARS_BY_TYPE |= {PosixPath: SCALARS_BY_KIND["path"], WindowsPath: SCALARS_BY_KIND["path"]}


def describe_str(value: str) -> Any:
    """A text as JSON; escaped where a database would not keep it."""
    return value if is_clean(value) else {TAG: "str", "v": json.dumps(value)}


def describe_int(value: int) -> Any:
    """An integer as JSON; as text where a parser would make a float of it."""
    if -INTEGER_LIMIT <= value < INTEGER_LIMIT:
        return value
    return tag_int(value)


def tag_int(value: int) -> Any:
    """An integer as text; hexadecimal, as Python refuses thousands of decimal digits."""
    return {TAG: "int", "v": hex(value)}


def describe_float(value: float) -> Any:
    """A float as JSON; as text where it would come back as something else."""
    if abs(value) < FLOAT_LIMIT and (value or copysign(1.0, value) > 0):
        return value
    return {TAG: "float", "v": repr(value)}


def read_float(stored: str) -> float:
    """A float from text; the same object for every NaN, so that models compare equal."""
    value = float(stored)
    return nan if value != value else value


def without_library(value: Any) -> Any:
    """A numpy number as the Python number that equals it; anything else as it is."""
    dtype = getattr(value, "dtype", None) if type(value).__module__ == "numpy" else None
    if dtype is not None and dtype.kind in "biuf" and dtype.itemsize <= 8 and value.ndim == 0:
        return value.item()
    return value


def exact_float(value: int) -> float | None:
    """An integer as the float that equals it, if there is one."""
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if number == value else None


_PLAIN: dict[type[Any], Callable[[Any], Any]] = {str: str.__str__, int: int.__int__}


class NativeCodec(Codec):
    """``int``, ``str``, ``bool`` and ``None``, which JSON knows by itself.

    Args:
        type_: The annotated type.
        describe: Writes a value of exactly that type.
        other: What any other value is left to.
    """

    kind: ClassVar[str] = "native"

    def __init__(self, type_: type[Any], describe: Callable[[Any], Any], other: Codec) -> None:
        self._type, self._describe, self._other = type_, describe, other

    @override
    def accepts(self, value: object) -> bool:
        return isinstance(value, self._type)

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if type(value) is self._type:
            return self._describe(value)
        plain = without_library(value)
        # Typed by its annotation: a StrEnum's text, a numpy integer's number. In
        # Python a bool is an int, but JSON tells them apart.
        if isinstance(plain, self._type) and not isinstance(plain, bool):
            # Not str(plain): an Enum that is a str has another text for that.
            return self._describe(_PLAIN[self._type](plain))
        return self._other.encode(plain, place)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        return stored if type(stored) is self._type else self._other.decode(stored, parts)


class FloatCodec(Codec):
    """``float``: any JSON number comes back as one.

    Args:
        other: What any other value is left to.
    """

    kind: ClassVar[str] = "native"

    def __init__(self, other: Codec) -> None:
        self._other = other

    @override
    def accepts(self, value: object) -> bool:
        return isinstance(value, float)

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if type(value) is not float:
            value = without_library(value)
            if isinstance(value, bool):
                return value
            number = exact_float(value) if isinstance(value, int) else value
            if number is None:
                return tag_int(int(value))
            if not isinstance(number, float):
                return self._other.encode(value, place)
            value = float(number)
        return describe_float(value)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if type(stored) is float:
            return stored
        return float(stored) if type(stored) is int else self._other.decode(stored, parts)


class ScalarCodec(Codec):
    """Values of one :class:`Scalar`, plain.

    Args:
        scalar: The kind of value.
        other: What any other value is left to.
    """

    def __init__(self, scalar: Scalar, other: Codec) -> None:
        self._scalar, self._other = scalar, other
        self.schema = self.kind = scalar.kind  # type: ignore[misc]  # one class for all kinds

    @override
    def accepts(self, value: object) -> bool:
        return SCALARS_BY_TYPE.get(type(value)) is self._scalar

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if self.accepts(value) and self._scalar.exact(value):
            try:
                return self._scalar.write(value)
            except SerializationError as error:
                place.refuse(value, str(error), "")
        described = self._other.encode(value, place)
        # A text where a date was annotated must not be read as one.
        return {TAG: "any", "v": described} if isinstance(described, str | int) else described

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if isinstance(stored, str | int) and not isinstance(stored, bool):
            return self._scalar.read(stored)
        return self._other.decode(stored, parts)


class EnumCodec(Codec):
    """Members of one enumeration, by name; a combination of flags by its value.

    Args:
        type_: The annotated enumeration, or its name where the class is not known:
            members are then read as their names.
        other: What any other value is left to.
    """

    def __init__(self, type_: type[Enum] | str, other: Codec) -> None:
        self._type = type_ if isinstance(type_, type) else None
        self._other = other
        name = type_ if isinstance(type_, str) else type_.__qualname__
        self.schema = {"enum": name}
        self.kind = f"enum:{name}"  # type: ignore[misc]  # one class for all enumerations

    @override
    def accepts(self, value: object) -> bool:
        return type(value) is self._type

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if isinstance(value, Flag) and self.accepts(value):
            number = value.value
            return number if -INTEGER_LIMIT <= number < INTEGER_LIMIT else str(number)
        if self.accepts(value):
            return value.name
        described = self._other.encode(value, place)
        return {TAG: "any", "v": described} if isinstance(described, str | int) else described

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if not isinstance(stored, str | int) or isinstance(stored, bool) or self._type is None:
            return self._other.decode(stored, parts)
        if issubclass(self._type, Flag):
            return self._type(int(stored))
        try:
            return self._type[str(stored)]
        except KeyError:
            raise DeserializationError(
                f"{self._type.__qualname__} has no member {stored!r} any more. Put it back, or "
                "raise the model's version and write model_migrate()."
            ) from None
