"""Plain values of Python, NumPy and pandas as JSON, each with its type.

What JSON has itself stands for itself. All else is an object with its kind
under ``"$"`` and its content under ``"v"``; so is a dict with that key, or
with keys that are no texts.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from artigraph.errors import SerializationError
from artigraph.serializer.datetime import decode_datetime, encode_datetime
from artigraph.serializer.json import check_json
from artigraph.serializer.pyarrow import check_zone

__all__ = ["decode_in_json", "decode_plain", "encode_in_json", "encode_plain"]

TAG = "$"

NUMBERS = "biufcmM"
"""Kinds of NumPy's dtypes that are kept, by their bytes."""

DEEPEST = 100
"""Lists and dicts within each other."""


def encode_plain(value: Any, place: str, fix: str, depth: int = 0) -> Any:
    """Turn a value into JSON.

    Args:
        value: What is kept.
        place: What an error calls it.
        fix: What an error says that can be done.
        depth: How many lists and dicts it is in.

    Raises:
        SerializationError: It would not come back equal.
    """
    kind = type(value)
    if value is None or kind is bool or kind is float:
        return value
    if kind is int or kind is str:
        check_json(value, place)
        return value
    if depth == DEEPEST:
        raise SerializationError(f"{place} is nested deeper than {DEEPEST} times. {fix}")

    def inner(item: object) -> Any:
        return encode_plain(item, place, fix, depth + 1)

    if kind is list:
        return [inner(item) for item in value]
    if kind is dict:
        if TAG not in value and all(type(key) is str for key in value):
            return {inner(key): inner(item) for key, item in value.items()}
        return {TAG: "dict", "v": [[inner(key), inner(item)] for key, item in value.items()]}
    for name, (type_, write, _) in _KINDS.items():
        if kind is type_ or (type_ is np.generic and isinstance(value, type_)):
            try:
                return {TAG: name, "v": write(value, inner)}
            except (ValueError, SerializationError) as error:
                raise SerializationError(f"{_told(place, value)}: {error} {fix}") from error
    raise SerializationError(f"{_told(place, value)}. {fix}")


def decode_plain(stored: object) -> Any:
    """Turn what :func:`encode_plain` gave back into the value.

    Raises:
        Exception: Of several kinds, where it gave no such thing.
    """
    if type(stored) is list:
        return [decode_plain(item) for item in stored]
    if type(stored) is not dict:
        return stored
    if TAG not in stored:
        return {key: decode_plain(item) for key, item in stored.items()}
    if stored[TAG] == "dict":
        return {decode_plain(key): decode_plain(item) for key, item in stored["v"]}
    return _KINDS[stored[TAG]][2](stored["v"])


def encode_in_json(value: Any) -> tuple[str | None, list[Any]] | None:
    """A single value of pandas as JSON that everybody reads, and what gives it back.

    Args:
        value: Any value of a class of pandas'.

    Returns:
        The moment as a text of ISO 8601 or ``None`` for a missing value, and what
        :func:`decode_in_json` needs; ``None`` for a value of another kind.

    Raises:
        ValueError: Its time zone would not come back.
    """
    if value is pd.NA or value is pd.NaT:
        return None, ["NA" if value is pd.NA else "NaT"]
    if type(value) is not pd.Timestamp:
        return None
    return value.isoformat(), ["Timestamp", *_write_timestamp(value, None)[1:]]


def decode_in_json(stored: Any, kind: list[Any]) -> Any:
    """Turn what :func:`encode_in_json` gave back into the value.

    Raises:
        Exception: Of several kinds, where it gave no such thing.
    """
    name, *needed = kind
    if name in ("NA", "NaT"):
        return _KINDS[name][2](stored)
    unit, zone = needed
    found = pd.Timestamp(stored)
    # With a zone the text has the offset.
    found = found if zone is None else found.tz_convert(check_zone(zone))
    return found.as_unit(unit)


def _told(place: str, value: object) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else f"{shown[:79]}…"
    return f"{place} holds {shown} of type {type(value).__name__}, which would not come back"


def _refuse(reason: str) -> NoReturn:
    raise ValueError(f"{reason}.")


def _write_numpy(value: Any, _: object) -> Any:
    dtype, shape = value.dtype, list(value.shape) if isinstance(value, np.ndarray) else None
    if dtype.kind not in NUMBERS:
        _refuse(f"its dtype is {dtype}")
    data = np.ascontiguousarray(value).tobytes()
    return [dtype.str, shape, base64.b64encode(data).decode()]


def _read_numpy(stored: Any) -> Any:
    name, shape, text = stored
    dtype = np.dtype(name)
    if dtype.kind not in NUMBERS:
        raise ValueError(f"{name!r} is no dtype of numbers")
    # Of a bytearray, so that it may be written to.
    data = bytearray(base64.b64decode(text, validate=True))
    array: Any = np.ndarray(shape or (), dtype, buffer=data)
    return array[()] if shape is None else array


def _write_datetime(value: datetime, _: object) -> str:
    if not isinstance(value.tzinfo, timezone | ZoneInfo | None):
        _refuse("its time zone is of another library; use value.astimezone(zoneinfo.ZoneInfo(…))")
    return encode_datetime(value)


def _write_time(value: time, _: object) -> str:
    return _refuse("it has a time zone or a fold") if value.tzinfo or value.fold else str(value)


def _write_timestamp(value: Any, _: object) -> list[Any]:
    zone = None if value.tz is None else check_zone(str(value.tz))
    stored = [int(value.asm8.view("i8")), value.unit, zone]
    if (back := _read_timestamp(stored)) != value or back.tz != value.tz:
        _refuse("its time zone would be another")
    return stored


def _read_timestamp(stored: Any) -> Any:
    number, unit, zone = stored
    found = pd.Timestamp(np.datetime64(number, unit))
    return found if zone is None else found.tz_localize("UTC").tz_convert(check_zone(zone))


def _read_interval(stored: Any) -> Any:
    left, right, closed = stored
    return pd.Interval(decode_plain(left), decode_plain(right), closed)


def _write_set(value: Any, inner: Callable[[object], Any]) -> list[Any]:
    # Equal sets make equal bytes.
    return sorted(map(inner, value), key=json.dumps)


def _read_items(type_: type[Any]) -> Callable[[Any], Any]:
    return lambda stored: type_(map(decode_plain, stored))


_MICROSECOND = timedelta(microseconds=1)

Write = Callable[[Any, Callable[[object], Any]], Any]

_KINDS: dict[str, tuple[type[Any], Write, Callable[[Any], Any]]] = {
    "tuple": (tuple, lambda value, inner: list(map(inner, value)), _read_items(tuple)),
    "set": (set, _write_set, _read_items(set)),
    "frozenset": (frozenset, _write_set, _read_items(frozenset)),
    "bytes": (
        bytes,
        lambda value, _: base64.b64encode(value).decode(),
        lambda stored: base64.b64decode(stored, validate=True),
    ),
    "complex": (
        complex,
        lambda value, _: [value.real, value.imag],
        lambda stored: complex(*stored),
    ),
    "decimal": (Decimal, lambda value, _: str(value), Decimal),
    "date": (date, lambda value, _: value.isoformat(), date.fromisoformat),
    "time": (time, _write_time, time.fromisoformat),
    "datetime": (datetime, _write_datetime, decode_datetime),
    "timedelta": (
        timedelta,
        lambda value, _: value // _MICROSECOND,
        lambda stored: stored * _MICROSECOND,
    ),
    "uuid": (UUID, lambda value, _: str(value), UUID),
    "path": (type(Path()), lambda value, _: str(value), Path),
    "Timestamp": (pd.Timestamp, _write_timestamp, _read_timestamp),
    "Timedelta": (
        pd.Timedelta,
        lambda value, _: [int(value.asm8.view("i8")), value.unit],
        lambda stored: pd.Timedelta(np.timedelta64(*stored)),
    ),
    "Period": (
        pd.Period,
        lambda value, _: [value.ordinal, value.freqstr],
        lambda stored: pd.Period(ordinal=stored[0], freq=stored[1]),
    ),
    "Interval": (
        pd.Interval,
        lambda value, inner: [inner(value.left), inner(value.right), value.closed],
        _read_interval,
    ),
    "NA": (type(pd.NA), lambda value, _: None, lambda stored: pd.NA),
    "NaT": (type(pd.NaT), lambda value, _: None, lambda stored: pd.NaT),
    "array": (np.ndarray, _write_numpy, _read_numpy),
    "text": (np.str_, lambda value, inner: inner(str(value)), np.str_),
    "numpy": (np.generic, _write_numpy, _read_numpy),
}
"""The kinds, each with its type, how it is written, and how it is read."""
