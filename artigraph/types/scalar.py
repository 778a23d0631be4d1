"""Scalar types of fields, one record each; nothing else knows one of them by name.

Codecs, filters, magics, reprs and frames ask the record. A further type is one
more record::

    register_scalar(Scalar("ipv4", (IPv4Address,), write=str, read=IPv4Address))
"""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import copysign, nan
from pathlib import Path, PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any
from uuid import UUID

from artigraph.display.value import format_time
from artigraph.errors import DeserializationError
from artigraph.orm.base import is_clean
from artigraph.serializer.datetime import decode_datetime, encode_datetime
from artigraph.types.record import (
    INTEGER_LIMIT,
    SCALARS_BY_NAME,
    SCALARS_BY_TYPE,
    Scalar,
    instance,
    register_scalar,
)

__all__ = [
    "DECIMAL",
    "INTEGER",
    "NUMBER",
    "PATH",
    "SCALARS_BY_NAME",
    "SCALARS_BY_TYPE",
    "TEXT",
    "comparable_of",
    "fits_scalar",
    "parse_duration",
    "parse_number",
    "without_numpy",
]

FLOAT_LIMIT = 1e16
"""From here on a float is an integer, and PostgreSQL writes it as one."""

_real = instance(int, float, Decimal, but=(bool,))


def _store_number(value: object) -> object:
    if math.isnan(_real(value)):
        raise ValueError("NaN equals nothing and has no order. Only eq and ne find it.")
    return _within_floats(value)


def _store_decimal(value: object) -> object:
    if not Decimal(str(_real(value))).is_finite():
        raise ValueError("only finite decimals are compared.")
    return _within_floats(value)


def _within_floats(value: object) -> object:
    """A member of an enumeration as its number, and a huge decimal as an infinity."""
    if isinstance(value, Decimal):
        return value if math.isfinite(value) and math.isfinite(float(value)) else float(value)
    return int(value) if isinstance(value, int) else value


def parse_number(text: str) -> int | float:
    """An integer of 64 bits, or else a float.

    Raises:
        ValueError: It is neither.
    """
    if re.fullmatch(r"[+-]?[0-9]{1,19}", text) and -INTEGER_LIMIT <= int(text) < INTEGER_LIMIT:
        return int(text)
    # float() also takes "1_000", and digits of any script.
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf|nan", text, re.I):
        raise ValueError(text)
    return float(text)


def _is_json_float(value: float) -> bool:
    return -FLOAT_LIMIT < value < FLOAT_LIMIT and (value != 0 or copysign(1.0, value) > 0)


def _read_float(stored: object) -> float:
    """The same object for every NaN, so that models compare equal."""
    value = float(str(stored))
    return nan if value != value else value


def _parse_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _store_text(value: object) -> str:
    return _check_text(str.__str__(instance(str)(value)))


def _check_text(text: str) -> str:
    if not is_clean(text):
        raise ValueError("it holds a NUL or a lone surrogate, which is no text.")
    return text


def _read_str(stored: Any) -> str:
    text = json.loads(stored)
    if not isinstance(text, str):
        raise DeserializationError(f"{stored!r} was stored as an escaped text and is none.")
    return text


def _store_datetime(value: datetime) -> str:
    value = instance(datetime)(value)
    if type(value) is not datetime:  # a pandas.Timestamp
        value = datetime.fromisoformat(value.isoformat(timespec="microseconds"))
    text = encode_datetime(value)
    return text[:27] if text[26:27] == "Z" else text[:26]


def _store_date(value: date) -> str:
    return str(instance(date, but=(datetime,))(value).isoformat())


_SECOND_FOLD = "[_fold=1]"
"""Marks the second of two equal local times, as it does for a datetime."""


def _write_time(value: time) -> str:
    return value.isoformat("microseconds") + (_SECOND_FOLD if value.fold else "")


def _read_time(stored: str) -> time:
    text = stored.removesuffix(_SECOND_FOLD)
    return time.fromisoformat(text).replace(fold=int(text != stored))


def _store_time(value: time) -> str:
    if instance(time)(value).tzinfo is not None:
        raise ValueError("times are stored without a zone.")
    return str(value.isoformat("microseconds"))


def _store_timedelta(value: timedelta) -> int:
    return int(instance(timedelta)(value) // timedelta(microseconds=1))


def _write_timedelta(value: timedelta) -> str | int:
    microseconds = _store_timedelta(value)
    # Some thousand centuries are more than 64 bits of microseconds.
    return microseconds if abs(microseconds) < INTEGER_LIMIT else str(microseconds)


def _read_timedelta(stored: str | int) -> timedelta:
    return timedelta(microseconds=int(stored))


_DURATION = re.compile(
    r"(?:(?P<days>\d+(?:\.\d+)?)d)?(?:(?P<hours>\d+(?:\.\d+)?)h)?(?:(?P<minutes>\d+(?:\.\d+)?)m)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)


def parse_duration(text: str) -> timedelta:
    """A time that passes, such as ``5m``, ``1h30m`` or ``2d``.

    Raises:
        ValueError: It is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ValueError(text)
    return timedelta(**{name: float(given) for name, given in found.groupdict("0").items()})


def _write_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _path(name: str, *types: type[PurePath]) -> Scalar:
    return Scalar(
        name,
        types,
        str,
        types[0],
        lambda value: is_clean(str(value)),
        noun="a path",
        store=lambda value: _check_text(str(instance(str, PurePath)(value))),
        has_patterns=True,
        example="Path('data')",
        parse=str,
    )


for _scalar in (
    Scalar(
        "bool",
        (bool,),
        str,
        _parse_bool,
        native=True,
        form="boolean",
        store=instance(bool),
        example="True",
        parse=_parse_bool,
        hint="Type true or false.",
        arrow=("bool_",),
    ),
    Scalar(
        "int",
        (int,),
        hex,  # as Python refuses thousands of decimal digits
        lambda stored: int(str(stored), 16),
        lambda value: -INTEGER_LIMIT <= value < INTEGER_LIMIT,
        native=True,
        noun="an integer",
        form="integer",
        store=_store_number,
        example="3",
        parse=parse_number,
        arrow=("int64",),
    ),
    Scalar(
        "float",
        (float,),
        repr,
        _read_float,
        _is_json_float,
        native=True,
        noun="a number",
        form="number",
        store=_store_number,
        example="0.5",
        parse=parse_number,
        arrow=("float64",),
    ),
    Scalar(
        "str",
        (str,),
        json.dumps,  # escaped where a database would not keep it
        _read_str,
        is_clean,
        native=True,
        noun="a text",
        store=_store_text,
        ordered=True,
        has_patterns=True,
        example="'adam'",
        parse=str,
    ),
    Scalar(
        "datetime",
        (datetime,),
        encode_datetime,
        decode_datetime,
        form="moment",
        store=_store_datetime,
        example="datetime(2024, 1, 31)",
        parse=datetime.fromisoformat,
        hint="Type 2024-01-31T12:30, with +00:00 behind it where the field has a zone.",
        show=format_time,
        arrow=("timestamp", "us", "UTC"),
    ),
    Scalar(
        "date",
        (date,),
        date.isoformat,
        date.fromisoformat,
        form="name",
        store=_store_date,
        ordered=True,
        example="date(2024, 1, 31)",
        hint="Type 2024-01-31.",
        arrow=("date32",),
    ),
    Scalar(
        "time",
        (time,),
        _write_time,
        _read_time,
        lambda value: value.tzinfo is None,
        form="time",
        store=_store_time,
        example="time(12, 30)",
        parse=time.fromisoformat,
        hint="Type 12:30.",
        arrow=("time64", "us"),
    ),
    Scalar(
        "timedelta",
        (timedelta,),
        _write_timedelta,
        _read_timedelta,
        form="integer",
        store=_store_timedelta,
        example="timedelta(minutes=5)",
        parse=parse_duration,
        hint="Type 5m, 1h30m or 2d.",
        arrow=("duration", "us"),
    ),
    Scalar(
        "decimal",
        (Decimal,),
        str,
        Decimal,
        form="decimal",
        store=_store_decimal,
        example="Decimal('0.5')",
        arrow=("decimal128", 38, 0),
    ),
    Scalar("uuid", (UUID,), str, UUID, form="name", example="UUID('…')"),
    Scalar(
        "bytes",
        (bytes,),
        _write_bytes,
        base64.b64decode,
        noun="bytes",
        example="b'…'",
        parse=bytes.fromhex,
        hint="Type its bytes as hexadecimal digits.",
        show=None,
        arrow=("binary",),
    ),
    # A Path is made as the class of the system at hand. That of another system comes back
    # as a pure path.
    _path("path", Path, PosixPath, WindowsPath),
    _path("posixpath", PurePosixPath),
    _path("windowspath", PureWindowsPath),
):
    register_scalar(_scalar)

DECIMAL, INTEGER, NUMBER, PATH, TEXT = (
    SCALARS_BY_NAME[_name] for _name in ("decimal", "int", "float", "path", "str")
)


def comparable_of(type_: type[Any]) -> Scalar | None:
    """What values of a type or a subclass compare as; ``None`` for what does not."""
    if issubclass(type_, PurePath):
        return PATH
    return next((SCALARS_BY_TYPE[base] for base in type_.__mro__ if base in SCALARS_BY_TYPE), None)


def fits_scalar(scalar: Scalar, value: object) -> bool:
    """Whether a value is of a scalar type, as type checkers see it.

    An integer is a number, and so is a bool; a scalar of NumPy is what equals it; a path of
    another system is a path.
    """
    value = without_numpy(value)
    type_ = scalar.types[0]
    if isinstance(value, scalar.types) or (type_ is float and isinstance(value, int)):
        return True
    return isinstance(value, PurePath) and issubclass(type_, PurePath)


def without_numpy(value: Any) -> Any:
    """A scalar of numpy as the Python value that equals it; anything else as it is.

    An array without dimensions is one, too. What Python has no equal of, such as a
    long double, stays what it is.
    """
    if type(value).__module__ != "numpy" or getattr(value, "ndim", None) != 0:
        return value
    kind = value.dtype.kind
    if kind not in "biufcmMSU":
        return value
    if isinstance(value, str):  # item() would drop the NULs at its end
        return str.__str__(value)
    item = value.item()
    if kind in "mM" and type(item) is int:
        # Of nanoseconds, as in a frame's columns, numpy makes an integer.
        item = value.astype(f"{kind}8[us]").item()
        return value if type(item) is int else item  # of years beyond Python's
    return item
