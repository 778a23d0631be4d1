"""Numbers: integers of so many bits, floats, decimals of so many digits, truth."""

from __future__ import annotations

import math
import operator
from decimal import Decimal
from typing import Any

from sqlalchemy.types import TypeDecorator

from artigraph.orm.check.base import Check, CheckedColumn, LossError, one_by_one

__all__ = ["check_boolean", "check_decimal", "check_float", "check_integer"]


@one_by_one
def check_boolean(column: CheckedColumn, value: object) -> bool:
    """``True`` or ``False``, also as 1 and 0."""
    if value in (True, False):
        return bool(value)
    raise LossError("is not True or False")


def check_integer(column: CheckedColumn) -> Check:
    """An integer of the column's bits; of a float one without a fraction."""
    bits = _bits(column)
    low, high = (0, 2**bits) if getattr(column.stored, "unsigned", False) else _signed(bits)

    def check(value: object) -> int:
        if type(value) is not int:
            value = _integer(value)
        if low <= value < high:
            return int(value)
        raise LossError(f"does not fit into {bits} bits")

    return check


def _integer(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    try:
        return operator.index(value)
    except TypeError:
        raise LossError("is no integer") from None


def _signed(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1)


def _bits(column: CheckedColumn) -> int:
    sizes = column.database.integer_bits.items()
    return next((bits for size, bits in sizes if isinstance(column.stored, size)), 32)


def check_float(column: CheckedColumn) -> Check:
    """A number that a float is equal to."""
    database, stored = column.database, column.stored

    def check(value: object) -> float:
        number = value if type(value) is float else _float(value)
        if not math.isfinite(number):
            if not (database.keeps_nan if math.isnan(number) else database.keeps_infinity):
                raise LossError("has no place in a column of this database; None has")
        elif not database.keeps_float(stored, number):
            raise LossError("has more digits than the four bytes of this table's column hold")
        return number

    return check


def _float(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise LossError("is no number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise LossError("is no number that a float holds") from None
    if number != value and not math.isnan(number):
        raise LossError(f"is not the float {number!r}")
    return number


@one_by_one
def check_decimal(column: CheckedColumn, value: object) -> Decimal:
    """A number of the column's digits. SQLite keeps it as a float."""
    database = column.database
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, float):
        number = Decimal(repr(float(value)))
    elif hasattr(value, "__index__"):
        number = Decimal(operator.index(value))
    else:
        raise LossError("is no number")
    if not number.is_finite():
        kept = database.keeps_infinity if number.is_infinite() else database.keeps_nan
        if number.is_snan() or not kept:
            raise LossError("has no place in a column of this database; None has")
        return number
    if database.decimals_are_floats:
        read = repr(float(number))
        if not isinstance(column.declared.dialect_impl(column.dialect), TypeDecorator):
            # SQLAlchemy's own reads so many digits behind the point, and no more.
            scale = getattr(column.declared, "_effective_decimal_return_scale", 10)
            read = f"{float(number):.{scale}f}"
        if Decimal(read) != number:
            raise LossError(
                "has more digits than SQLite keeps of a decimal, about 15; a column of texts, "
                "Mapped[str], keeps them all"
            )
        return number
    _refuse_more_digits(column, number)
    return number


def _refuse_more_digits(column: CheckedColumn, number: Decimal) -> None:
    precision = getattr(column.stored, "precision", None)
    scale = getattr(column.stored, "scale", None) or 0
    if precision is None:
        precision = column.database.decimal_digits
        if precision is None:
            return
    _, digits, exponent = number.as_tuple()
    exponent = int(exponent)  # a letter, were it not finite
    significant = "".join(map(str, digits)).rstrip("0")
    behind = max(0, -(exponent + len(digits) - len(significant))) if significant else 0
    before = max(0, number.adjusted() + 1) if significant else 0
    if behind > scale or before > precision - scale:
        raise LossError(
            f"has more digits than this table's column keeps: {precision - scale} before the "
            f"point and {scale} behind it"
        )
