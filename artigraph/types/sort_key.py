"""A value as one short text that sorts and compares as values of its kind do.

So that one index answers for values of any kind: numbers stand beside numbers, texts
beside texts, and moments with a zone apart from those without one. Values that have no
order share a few texts that no comparison finds.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from artigraph.errors import SerializationError
from artigraph.types.record import SCALARS_BY_TYPE, Scalar
from artigraph.types.scalar import DECIMAL, INTEGER, NUMBER, PATH, TEXT

__all__ = ["KEY_LENGTH", "NAN", "NOTHING", "ORDERED", "key_of_value", "kind_bounds", "sort_key"]

KEY_LENGTH = 255
"""Characters of a key: of a longer text the beginning."""

NOTHING = ""
"""The key of ``None``."""
NAN = "!nan"
"""The key of a float that is no number."""
_OTHER = "!"
ORDERED = "a"
"""Keys of values that have an order are no less than this."""

_NUMBERS = (NUMBER, INTEGER, DECIMAL)
_REST = 2048
"""A float rounds integers of 64 bits by no more than half of this."""


def key_of_value(value: object) -> str:
    """The key of a value as it is stored."""
    if value is None:
        return NOTHING
    scalar = PATH if isinstance(value, PurePath) else SCALARS_BY_TYPE.get(type(value))
    if isinstance(value, float) and value != value:
        return NAN
    if scalar is not None:
        with suppress(TypeError, ValueError, SerializationError):
            return sort_key(scalar, scalar.store(value))
    return _OTHER


def sort_key(scalar: Scalar, stored: Any) -> str:
    """The key of a value of a kind.

    Args:
        scalar: The kind.
        stored: What the kind's ``store`` has made of the value.
    """
    kind = _kind(scalar, stored)
    if scalar in _NUMBERS or (isinstance(stored, int) and not isinstance(stored, bool)):
        return kind + _number_key(stored)
    return (kind + (str(int(stored)) if isinstance(stored, bool) else str(stored)))[:KEY_LENGTH]


def kind_bounds(scalar: Scalar, stored: Any) -> tuple[str, str]:
    """What keys of a kind are no less than, and what they are less than."""
    kind = _kind(scalar, stored)
    return kind, kind[:-1] + chr(ord(kind[-1]) + 1)


def _kind(scalar: Scalar, stored: Any) -> str:
    if scalar in _NUMBERS:
        return "n"
    if scalar is TEXT:
        return "s"
    # Naive and aware moments do not compare.
    zone = stored[26:27] if scalar.form == "moment" and isinstance(stored, str) else ""
    return f"v{scalar.name}{zone}:"


def _number_key(number: int | float | Decimal) -> str:
    """Twenty digits that sort as numbers do, whatever they are: 1, 1.0 and Decimal(1) are one."""
    try:
        nearest = float(number) + 0.0  # no negative nought
    except OverflowError:
        nearest = float("inf") if number > 0 else -float("inf")
    (bits,) = struct.unpack(">Q", struct.pack(">d", nearest))
    ordered = bits ^ (2**63 if bits < 2**63 else 2**64 - 1)
    rest = 0
    if not isinstance(number, float) and abs(nearest) < 2**64 and number == int(number):
        rest = int(number) - int(nearest)
    return f"{ordered:016x}{rest + _REST:04x}"
