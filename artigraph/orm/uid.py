"""Names of rows that hold in every database: UUIDs of version 7.

They begin with their time, so they sort as the rows were written, and a unique index on
them grows at its end. Rows that were written before there were any get theirs from the
database, of the time of their writing: see ``Guards.uid_sql``.

Source: RFC 9562, 5.7, with the time's fraction as its method 3 of 6.2 has it and a counter
behind that, as its method 1.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from artigraph.dialect.registry import dialect_of

__all__ = ["BYTES", "Uid", "uid_of", "uids_now"]

BYTES = 16
"""How long one is."""

_VERSION, _VARIANT = 0x7 << 12, 0b10 << 30
# 12 bits of the time's fraction, 30 that count the names of one moment, 32 by chance.


class Uid(TypeDecorator[UUID]):
    """A UUID, kept as its 16 bytes in every database."""

    impl = LargeBinary(BYTES)
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own = dialect_of(dialect).column_types.get("uid", LargeBinary(BYTES))
        return dialect.type_descriptor(own)

    @override
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return _bytes_of

    @override
    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return uid_of


def _bytes_of(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else value


def uid_of(stored: object) -> object:
    """The UUID of 16 bytes; what is no such thing as it is."""
    if not isinstance(stored, bytes) or len(stored) != BYTES:
        return stored  # somebody else's: it spoils no other row
    # As UUID's own constructor does, without what that looks at first: a listing makes many.
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(stored))
    object.__setattr__(made, "is_safe", _UNKNOWN)
    return made


_UNKNOWN = UUID(int=0).is_safe


def uids_now(count: int) -> list[bytes]:
    """New names of this moment, in their order.

    Args:
        count: How many.

    Returns:
        Their bytes.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    head = (milliseconds << 16 | _VERSION | rest * 4096 // 1_000_000).to_bytes(8)
    chance = os.urandom(4 * count + 4)
    # It leaves room to count.
    first = _VARIANT | int.from_bytes(chance[-4:]) >> 3
    counted = struct.pack(f">{count}I", *range(first, first + count))
    return [head + counted[at : at + 4] + chance[at : at + 4] for at in range(0, 4 * count, 4)]
