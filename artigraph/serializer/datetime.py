"""Datetimes and timedeltas as short text, exact to the microsecond.

Datetimes follow RFC 9557. All are of one width up to the zone, and aware
ones start with the UTC instant, so their text sorts as they do::

    2024-01-01T11:00:00.000000                   naive
    2024-01-01T11:00:00.000000Z                  datetime.timezone.utc
    2024-01-01T11:00:00.000000Z[Europe/Berlin]   zoneinfo.ZoneInfo
    2024-01-01T11:00:00.000000Z[+01:00]          any other offset

The instant is what is kept: should a government change a zone's rules, the
local time that comes back follows the new rules. A time zone of another
library comes back as the fixed offset it had; the name of a
``datetime.timezone`` is dropped.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = [
    "DatetimeSerializer",
    "TimedeltaSerializer",
    "datetime_serializer",
    "decode_datetime",
    "encode_datetime",
    "timedelta_serializer",
]

PATTERN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6})"
    r"(Z?)(?:\[([^\[\]]+)\])?"
)
OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{6}))?)?")
SECOND_FOLD = "_fold=1"
"""RFC 9557 leaves keys with an underscore to private use. This one marks the
second of two equal local times of a naive datetime."""

MICROSECOND = timedelta(microseconds=1)


def encode_datetime(value: datetime) -> str:
    """Write a datetime as text that sorts as instants do.

    Args:
        value: Naive or aware; not an instance of a subclass.

    Returns:
        Text that :func:`decode_datetime` turns into an equal datetime.

    Raises:
        SerializationError: It would not come back equal, such as a local
            time that a clock change skipped.
    """
    if type(value) is not datetime:
        raise SerializationError(
            f"{value!r} is a {_name(value)}, which would come back as a datetime.datetime. "
            f"{_datetime_fix(value)}"
        )
    if value.tzinfo is None:
        suffix = f"[{SECOND_FOLD}]" if value.fold else ""
        return value.replace(fold=0).isoformat(timespec="microseconds") + suffix
    offset = value.utcoffset()
    if offset is None:
        raise SerializationError(
            f"{value!r} has a tzinfo that gives no offset. Use value.replace(tzinfo=None), "
            "or a zoneinfo.ZoneInfo."
        )
    try:
        instant = value.astimezone(UTC)
    except OverflowError as error:
        raise SerializationError(
            f"{value!r} lies outside the years 1 to 9999 in UTC. "
            "Store it naive, with value.replace(tzinfo=None)."
        ) from error
    text = instant.replace(tzinfo=None, fold=0).isoformat(timespec="microseconds") + "Z"
    if value.tzinfo == UTC:
        return text
    from zoneinfo import ZoneInfo  # for other zones than UTC, and not at the start

    if isinstance(value.tzinfo, ZoneInfo):
        text += f"[{value.tzinfo.key}]"
    else:
        text += f"[{_encode_offset(offset)}]"
    _check_comes_back(value, text)
    return text


def decode_datetime(text: str) -> datetime:
    """Read what :func:`encode_datetime` wrote.

    Raises:
        DeserializationError: The text has another form, or its time zone is
            not known on this computer.
    """
    match = PATTERN.fullmatch(text)
    if match is None:
        raise DeserializationError(
            f"{text[:80]!r} is not a stored datetime, which looks like "
            "'2024-01-01T11:00:00.000000Z[Europe/Berlin]'. It is damaged, or something else "
            "wrote it."
        )
    clock, utc, zone = match.groups()
    try:
        value = datetime.fromisoformat(clock)
        if not utc and zone in (None, SECOND_FOLD):
            return value.replace(fold=int(zone is not None))
        value = value.replace(tzinfo=UTC)
        if not utc:
            raise ValueError(f"a zone needs a 'Z' before it: {zone!r}")
        return value if zone is None else value.astimezone(_decode_zone(zone))
    except (KeyError, OSError) as error:  # the first is a ZoneInfoNotFoundError
        raise DeserializationError(
            f"The time zone {zone!r} of {text!r} is not known here. "
            "Install the newest list of zones with: pip install --upgrade tzdata"
        ) from error
    except (ValueError, OverflowError) as error:
        raise DeserializationError(f"{text!r} is not a stored datetime: {error}.") from error


class DatetimeSerializer(Serializer[datetime]):
    """Datetimes as text; see the module for its form.

    * keeps microseconds, the instant, the zone and which of two equal local
      times was meant
    * refuses subclasses such as ``pandas.Timestamp``, which has nanoseconds
    """

    name = "artigraph-datetime"

    def serialize(self, value: datetime, /) -> bytes:
        """Write a datetime.

        Raises:
            SerializationError: It would not come back equal.
        """
        if not isinstance(value, datetime):
            raise SerializationError(
                f"{self.name!r} takes a datetime.datetime, not {value!r} of type {_name(value)}."
            )
        return encode_datetime(value).encode()

    def deserialize(self, data: bytes, /) -> datetime:
        """Read a datetime.

        Raises:
            DeserializationError: The bytes are not a stored datetime.
        """
        return decode_datetime(_decode_text(data, self.name))


class TimedeltaSerializer(Serializer[timedelta]):
    """Timedeltas as a decimal count of microseconds.

    * keeps every timedelta exactly
    * refuses subclasses such as ``pandas.Timedelta``, which has nanoseconds
    """

    name = "artigraph-timedelta"

    def serialize(self, value: timedelta, /) -> bytes:
        """Write a timedelta.

        Raises:
            SerializationError: It is not a plain ``datetime.timedelta``.
        """
        if type(value) is not timedelta:
            fix = (
                "Use value.to_pytimedelta()."
                if hasattr(value, "to_pytimedelta")
                else "Use datetime.timedelta(seconds=...)."
            )
            raise SerializationError(
                f"{self.name!r} takes a datetime.timedelta, not {value!r} of type {_name(value)}. "
                f"{fix}"
            )
        return str(value // MICROSECOND).encode()

    def deserialize(self, data: bytes, /) -> timedelta:
        """Read a timedelta.

        Raises:
            DeserializationError: The bytes are not a count of microseconds.
        """
        text = _decode_text(data, self.name)
        try:
            if re.fullmatch(r"0|-?[1-9][0-9]*", text) is None:
                raise ValueError("it is not a whole number")
            return int(text) * MICROSECOND
        except (ValueError, OverflowError) as error:
            raise DeserializationError(
                f"{text[:80]!r} is not a stored timedelta, a count of microseconds: {error}."
            ) from error


def _check_comes_back(value: datetime, text: str) -> None:
    try:
        back = decode_datetime(text)
    except DeserializationError as error:
        raise SerializationError(
            f"{value!r} would not come back: {error} Use a zoneinfo.ZoneInfo with a known key, "
            "or value.astimezone(datetime.timezone.utc)."
        ) from error
    # Two datetimes of one zone compare by wall time alone, so the offset,
    # which tells the two folds apart, is asked for as well.
    if back != value or back.utcoffset() != value.utcoffset():
        raise SerializationError(
            f"{value!r} would come back as {back!r}: clocks in its zone skip or repeat that time. "
            "Use value.astimezone(datetime.timezone.utc)."
        )


def _encode_offset(offset: timedelta) -> str:
    sign = "-" if offset < timedelta(0) else "+"
    seconds, microseconds = divmod(abs(offset) // MICROSECOND, 1_000_000)
    text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}"
    if seconds % 60 or microseconds:
        text += f":{seconds % 60:02}"
    return f"{text}.{microseconds:06}" if microseconds else text


def _decode_zone(zone: str) -> ZoneInfo | timezone:
    match = OFFSET.fullmatch(zone)
    if match is None:
        from zoneinfo import ZoneInfo

        return ZoneInfo(zone)
    sign, *parts = match.groups(default="0")
    hours, minutes, seconds, microseconds = map(int, parts)
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    return timezone(-offset if sign == "-" else offset)


def _decode_text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DeserializationError(
            f"These {len(data)} bytes are not text, though {name!r} was to read them. "
            "They are damaged, or another serializer wrote them."
        ) from error


def _datetime_fix(value: datetime) -> str:
    if hasattr(value, "to_pydatetime"):
        return "Use value.to_pydatetime(), which drops the nanoseconds."
    return "Use datetime.datetime.combine(value.date(), value.timetz())."


def _name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


datetime_serializer = DatetimeSerializer()
"""Datetimes, naive or aware."""

timedelta_serializer = TimedeltaSerializer()
"""Timedeltas."""
