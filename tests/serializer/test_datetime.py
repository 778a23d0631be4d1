"""Datetimes and timedeltas come back exactly, as text that sorts."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

import pandas as pd
import pytest
from hypothesis import assume, given, settings, strategies as st

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.base import Serializer
from artigraph.serializer.datetime import (
    datetime_serializer,
    decode_datetime,
    encode_datetime,
    timedelta_serializer,
)
from artigraph.testing.serializer import SerializerTests

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ODD_OFFSET = timezone(-timedelta(hours=1, minutes=2, seconds=3, microseconds=4))

offsets = st.timedeltas(timedelta(hours=-23, minutes=-59), timedelta(hours=23, minutes=59))
zones: Any = st.none() | st.just(UTC) | st.timezones() | st.builds(timezone, offsets)


class Nowhere(tzinfo):
    """A zone that gives no offset."""

    def utcoffset(self, moment: datetime | None, /) -> timedelta | None:
        return None

    def dst(self, moment: datetime | None, /) -> None:
        return None

    def tzname(self, moment: datetime | None, /) -> None:
        return None


class Foreign(tzinfo):
    """A zone of another library, with a fixed offset."""

    def utcoffset(self, moment: datetime | None, /) -> timedelta:
        return timedelta(hours=2)

    def dst(self, moment: datetime | None, /) -> None:
        return None

    def tzname(self, moment: datetime | None, /) -> None:
        return None


class TestDatetimeSerializer(SerializerTests):
    detects_truncation = False  # without its zone it is a naive datetime

    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return datetime_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return [
            datetime.min,
            datetime.max,
            datetime(2024, 1, 1, tzinfo=UTC),
            datetime(2024, 1, 1, 12, 30, 1, 5, BERLIN),
            datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN),
            datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
            datetime(2024, 10, 27, 2, 30, fold=1),
            datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
            datetime(2024, 1, 1, tzinfo=ODD_OFFSET),
        ]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [
            "2024-01-01",
            datetime(2024, 1, 1).date(),
            pd.Timestamp("2024-01-01"),
            datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN),
            datetime.min.replace(tzinfo=BERLIN),
            datetime.max.replace(tzinfo=timezone(-timedelta(hours=1))),
            datetime(2024, 1, 1, tzinfo=Nowhere()),
        ]

    def equal(self, old: Any, new: Any) -> bool:
        zone_is_same = old.tzinfo is new.tzinfo or old.tzinfo == new.tzinfo
        return bool(old == new) and old.fold == new.fold and zone_is_same


class TestTimedeltaSerializer(SerializerTests):
    detects_truncation = False

    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        return timedelta_serializer

    @pytest.fixture
    def values(self) -> list[Any]:
        return [timedelta.min, timedelta.max, timedelta(0), timedelta(microseconds=-1)]

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        return [1.5, pd.Timedelta("1s"), None]


@given(st.datetimes(timezones=zones, allow_imaginary=False))
@settings(deadline=None)
def test_datetime_survives(value: datetime) -> None:
    """Any datetime of any zone comes back with its wall time, offset and zone."""
    try:
        text = encode_datetime(value)
    except SerializationError:
        # Only the first and the last day may not fit in UTC.
        assume(
            datetime.min + timedelta(1) < value.replace(tzinfo=None) < datetime.max - timedelta(1)
        )
        raise
    back = decode_datetime(text)
    assert type(back) is datetime
    assert back == value
    assert back.replace(tzinfo=None) == value.replace(tzinfo=None)
    assert back.utcoffset() == value.utcoffset()
    assert back.tzinfo == value.tzinfo
    assert encode_datetime(back) == text


@given(st.lists(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones), max_size=9))
@settings(deadline=None)
def test_text_sorts_as_instants(values: list[datetime]) -> None:
    """Aware datetimes of all zones sort alike as text and as instants."""
    instants = [value.astimezone(UTC) for value in values if value.tzinfo is not None]
    texts = [encode_datetime(value) for value in instants]
    assert [decode_datetime(text) for text in sorted(texts)] == sorted(instants)


@given(st.datetimes(timezones=zones))
@settings(deadline=None)
def test_nonexistent_times_are_refused_or_come_back(value: datetime) -> None:
    """A local time that was skipped is refused; it never comes back as another."""
    try:
        back = decode_datetime(encode_datetime(value))
    except SerializationError:
        return
    assert back.replace(tzinfo=None) == value.replace(tzinfo=None)
    assert back.utcoffset() == value.utcoffset()


@given(st.timedeltas())
def test_timedelta_survives(value: timedelta) -> None:
    """Any timedelta comes back to the microsecond."""
    assert timedelta_serializer.deserialize(timedelta_serializer.serialize(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 1, 11), "2024-01-01T11:00:00.000000"),
        (datetime(24, 1, 1, 11), "0024-01-01T11:00:00.000000"),
        (datetime(2024, 1, 1, 11, tzinfo=UTC), "2024-01-01T11:00:00.000000Z"),
        (datetime(2024, 1, 1, 12, tzinfo=BERLIN), "2024-01-01T11:00:00.000000Z[Europe/Berlin]"),
        (
            datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=1))),
            "2024-01-01T11:00:00.000000Z[+01:00]",
        ),
        (
            datetime(2024, 1, 1, 12, tzinfo=ODD_OFFSET),
            "2024-01-01T13:02:03.000004Z[-01:02:03.000004]",
        ),
        (datetime(2024, 10, 27, 2, 30, fold=1), "2024-10-27T02:30:00.000000[_fold=1]"),
    ],
)
def test_text_is_as_documented(value: datetime, text: str) -> None:
    """The text follows RFC 9557; stored text never changes its meaning."""
    assert encode_datetime(value) == text
    assert decode_datetime(text) == value


def test_zone_of_another_library_keeps_its_offset() -> None:
    """A zone that artigraph does not know comes back as its offset."""
    value = datetime(2024, 1, 1, tzinfo=Foreign())
    back = decode_datetime(encode_datetime(value))
    assert back == value
    assert back.tzinfo == timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (pd.Timestamp("2024-01-01"), r"Timestamp.*Use value.to_pydatetime\(\)"),
        (datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN), r"skip or repeat.*astimezone"),
        (datetime.min.replace(tzinfo=BERLIN), r"outside the years 1 to 9999.*replace"),
        (datetime(2024, 1, 1, tzinfo=Nowhere()), r"gives no offset. Use value.replace"),
    ],
)
def test_refusal_says_the_fix(value: datetime, message: str) -> None:
    """A refusal says what to type instead."""
    with pytest.raises(SerializationError, match=message):
        encode_datetime(value)


def test_zone_from_a_file_is_refused() -> None:
    """A ZoneInfo without a usable key could not be found again."""
    paths = [zoneinfo.resources_path] if hasattr(zoneinfo, "resources_path") else zoneinfo.TZPATH
    data = None
    for path in paths:
        try:
            with open(f"{path}/Europe/Berlin", "rb") as file:
                data = zoneinfo.ZoneInfo.from_file(file)
        except OSError:
            continue
    if data is None:
        pytest.skip("the system has no files of time zones")
    with pytest.raises(SerializationError, match="known key"):
        encode_datetime(datetime(2024, 1, 1, tzinfo=data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-01",
        "2024-01-01T11:00:00.000000+01:00",
        "2024-01-01T11:00:00.000000[Europe/Berlin]",
        "2024-13-01T11:00:00.000000Z",
        "2024-01-01T11:00:00.000000Z[Nowhere/At All]",
        "2024-01-01T11:00:00.000000Z[../../etc/passwd]",
        "2024-01-01T11:00:00.000000Z[Europe]",
        "2024-01-01T11:00:00.000000Z[+25:00]",
        "2024-01-01T11:00:00.000000Z[_fold=1]",
        "0001-01-01T00:00:00.000000Z[-01:00]",
        "\u0662024-01-01T11:00:00.000000Z",
        "2024-01-01T11:00:00.000000Z\n",
    ],
)
def test_other_text_is_refused(text: str) -> None:
    """Text of another form is an error of artigraph's, never a guess."""
    with pytest.raises(DeserializationError, match=r"datetime|time zone"):
        decode_datetime(text)


def test_unknown_zone_says_what_to_install() -> None:
    """A zone that this computer does not know names the package that has it."""
    with pytest.raises(DeserializationError, match="pip install --upgrade tzdata"):
        decode_datetime("2024-01-01T11:00:00.000000Z[Mars/Olympus_Mons]")


@pytest.mark.parametrize("data", [b"1.5", b"-0", b"007", b" 1", b"1_000", b"9" * 30, b"9" * 9999])
def test_other_counts_are_refused(data: bytes) -> None:
    """A timedelta is one canonical count of microseconds."""
    with pytest.raises(DeserializationError, match="not a stored timedelta"):
        timedelta_serializer.deserialize(data)
