"""Texts and bytes, and what is kept as a name: their length, and what is no text."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.types import BINARY, CHAR, Enum

from artigraph.home import newest
from artigraph.orm.base import is_clean
from artigraph.orm.check.base import Check, CheckedColumn, LossError, one_by_one

__all__ = ["check_bytes", "check_enum", "check_text", "check_uuid"]


def check_text(column: CheckedColumn) -> Check:
    """A text that fits into the column."""
    stored = column.stored
    database = column.database
    length = getattr(stored, "length", None) if database.checks_types else None
    # One that artigraph itself declares so has that length wherever it is.
    length = getattr(getattr(column.declared, "usual", None), "length", None) or length
    most = next(
        (most for type_, most in database.text_bytes.items() if isinstance(stored, type_)), None
    )
    padded = isinstance(stored, CHAR) and database.checks_types

    def check(value: object) -> str:
        if not isinstance(value, str):
            raise LossError("is no text")
        text = str.__str__(value)
        # PostgreSQL alone refuses a NUL, and a copy there must be possible.
        if not is_clean(text):
            raise LossError(
                "holds a NUL or a lone surrogate, which not every database takes for text"
            )
        # A text that is only too long by spaces is cut without a word.
        if length is not None and len(text) > length:
            raise LossError(f"is longer than the {length} characters of this table's column")
        if most is not None and len(text) > most // 4 and len(text.encode()) > most:
            raise LossError(f"is longer than the {most} bytes of this table's column")
        if padded and (text.endswith(" ") or (database.fills_char and len(text) < (length or 1))):
            raise LossError("would lose or gain spaces at its end in a column of type CHAR")
        return text

    return check


@one_by_one
def check_bytes(column: CheckedColumn, value: object) -> bytes:
    """Bytes of any kind."""
    if not isinstance(value, bytes | bytearray | memoryview):
        raise LossError("is no bytes")
    content = bytes(value)
    length = getattr(column.stored, "length", None)
    if isinstance(column.stored, BINARY) and length is not None and len(content) != length:
        raise LossError(f"would be filled up to the {length} bytes of this table's column")
    return content


@one_by_one
def check_uuid(column: CheckedColumn, value: object) -> UUID:
    """A UUID."""
    if not isinstance(value, UUID):
        raise LossError("is no UUID")
    if not column.database.keeps_uuid(column.stored, value):
        raise LossError("is of a version and variant that this database refuses")
    return value


@one_by_one
def check_enum(column: CheckedColumn, value: object) -> object:
    """A member, also by its name, that the table's column knows."""
    declared = column.declared
    if not isinstance(declared, Enum):
        raise TypeError(f"{declared!r} is no enumeration")
    members = declared.enum_class
    if members is None:
        name = value
        if not isinstance(value, str) or value not in declared.enums:
            raise LossError(f"is none of {', '.join(map(repr, declared.enums))}")
    else:
        if isinstance(value, str) and value in members.__members__:
            value = members[value]
        if not isinstance(value, members):
            again = newest(type(value)) is newest(members)
            way = (
                "; its class was made again: run the node class's cell again, too" if again else ""
            )
            raise LossError(f"is no {members.__name__}{way}")
        name = str(value.name)
    labels = getattr(column.stored, "enums", None)
    if labels and name not in labels and column.database.checks_types:
        raise LossError(
            f"is not among those of this table's column, {', '.join(map(repr, labels))}; give "
            "a column with more members another name"
        )
    return value
