"""Dates, times and durations: zones and fractions of a second that a column has not."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.types import TypeEngine

from artigraph.dialect.base import EPOCH
from artigraph.orm.base import UTCDateTime, is_moment
from artigraph.orm.check.base import CheckedColumn, LossError, one_by_one

__all__ = ["check_date", "check_datetime", "check_interval", "check_time"]


@one_by_one
def check_date(column: CheckedColumn, value: object) -> date:
    """A date, which a datetime is not."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise LossError("is no date")
    return value


@one_by_one
def check_time(column: CheckedColumn, value: object) -> time:
    """A time of day, in the column's fractions of a second."""
    if not isinstance(value, time):
        raise LossError("is no time")
    zoned = column.database.keeps_zones and getattr(column.declared, "timezone", False)
    if value.tzinfo is not None and not zoned:
        raise LossError("has a time zone, which the column has not")
    _refuse_fractions(column, value.microsecond)
    return value


@one_by_one
def check_datetime(column: CheckedColumn, value: object) -> datetime:
    """A moment, or a date with a time where the column is of such."""
    if not isinstance(value, datetime) or value != value:
        raise LossError("is no datetime")
    if isinstance(column.declared, UTCDateTime):
        if not is_moment(value):
            raise LossError("is no moment between the years 1 and 9999 in UTC")
    elif value.tzinfo is not None and not (column.database.keeps_zones and _zoned(column.declared)):
        raise LossError(
            "has a time zone, which the column would lose; declare it as Mapped[datetime] "
            "with no type, which keeps the moment"
        )
    _refuse_fractions(column, value.microsecond, getattr(value, "nanosecond", 0))
    return value


def _zoned(type_: TypeEngine[Any]) -> bool:
    return bool(getattr(type_, "timezone", False))


@one_by_one
def check_interval(column: CheckedColumn, value: object) -> timedelta:
    """A length of time, in the column's fractions of a second."""
    if not isinstance(value, timedelta) or value != value:
        raise LossError("is no timedelta")
    if not column.database.keeps_durations:
        try:
            EPOCH + value
        except OverflowError:
            raise LossError("is longer than this database keeps") from None
    _refuse_fractions(column, value.microseconds, getattr(value, "nanoseconds", 0))
    return value


def _refuse_fractions(column: CheckedColumn, microseconds: int, nanoseconds: int = 0) -> None:
    digits = column.database.second_digits(column.stored)
    if nanoseconds:
        raise LossError("has nanoseconds; microseconds are the finest that the column keeps")
    if microseconds % 10 ** (6 - digits):
        finest = f"{digits} digits of a second" if digits else "whole seconds"
        raise LossError(f"is finer than this table's column keeps: {finest}")
