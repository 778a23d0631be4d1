"""What a stored field may be compared with, and how that is done in SQL.

Documents keep a date as text and a duration as a number. A kind knows the
form in which its values stand there, so that a condition compares dates as
dates; and it refuses what makes no sense, such as a text against a number.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Literal, TypeAlias
from uuid import UUID

from artigraph.display.escape import visible
from artigraph.display.options import options
from artigraph.display.value import brief
from artigraph.errors import FilterError, SerializationError
from artigraph.filter.operator import Operator
from artigraph.orm.base import is_clean
from artigraph.serializer.datetime import encode_datetime

__all__ = [
    "BOOLEAN",
    "BYTES",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "DURATION",
    "INTEGER",
    "KINDS",
    "NUMBER",
    "PATH",
    "TEXT",
    "TIME",
    "UUID_",
    "Form",
    "Kind",
    "kind_of_values",
]

Form: TypeAlias = Literal[
    "number", "integer", "boolean", "text", "name", "moment", "time", "decimal"
]
"""How SQL reads a field: ``integer`` is a number that some database would round,
``name`` a text that is never long, ``moment`` and ``time`` are texts whose zone or
fold is left out."""


@dataclass(frozen=True)
class Kind:
    """One kind of value that fields have."""

    name: str
    """What an error calls it."""
    form: Form
    store: Callable[[Any], Any]
    """Turns what somebody compares with into what is stored.

    Raises ``TypeError`` for a value of another kind, and ``ValueError`` with a
    message for one that cannot be compared."""
    tag: str = ""
    """What a value calls itself where no annotation tells its kind."""
    ordered: bool = True
    has_patterns: bool = False
    example: str = ""

    def convert(self, field: str, operator: Operator, value: Any) -> Any:
        """What a field is compared with in SQL.

        Args:
            field: The field, as errors call it.
            operator: How it is compared.
            value: With what; neither ``None`` nor, among several, one that is.

        Raises:
            FilterError: It makes no sense for this kind.
        """
        problem = ""
        if operator.needs == "order" and not self.ordered:
            problem = "which has no order"
        elif operator.needs == "text" and not self.has_patterns:
            problem = "and only text is like a pattern"
        if problem:
            raise FilterError(f"{field} is {self.name}, {problem}: {operator.name}={value!r}.")
        if operator.needs == "text":
            return value
        if operator.takes == "several":
            return tuple(self._store(field, one) for one in value)
        return self._store(field, value)

    def _store(self, field: str, value: Any) -> Any:
        try:
            return self.store(value)
        except TypeError:
            hint = f", as in {self.example}" if self.example else ""
            raise FilterError(
                f"{field} is {self.name}, which does not compare with {_shown(value)} "
                f"({type(value).__name__}). Give {self.name}{hint}."
            ) from None
        except (ValueError, SerializationError) as error:
            raise FilterError(
                f"{field} cannot be compared with {_shown(value)}: {error}"
            ) from error


def _shown(value: object) -> str:
    return visible(brief(value, options.limits))


def _instance(*types: type[Any], but: tuple[type[Any], ...] = ()) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, types) or isinstance(value, but):
            raise TypeError
        return value

    return check


_real = _instance(int, float, Decimal, but=(bool,))


def _store_number(value: Any) -> Any:
    if math.isnan(_real(value)):
        raise ValueError("NaN equals nothing and has no order. Only eq and ne find it.")
    return _within_floats(value)


def _store_decimal(value: Any) -> Any:
    if not Decimal(str(_real(value))).is_finite():
        raise ValueError("only finite decimals are compared.")
    return _within_floats(value)


def _within_floats(value: Any) -> Any:
    """A member of an enumeration as its number, and a huge decimal as an infinity."""
    if isinstance(value, Decimal):
        return value if math.isfinite(value) and math.isfinite(float(value)) else float(value)
    return int(value) if isinstance(value, int) else value


def _store_datetime(value: Any) -> str:
    if not isinstance(value, datetime):
        raise TypeError
    if type(value) is not datetime:  # a pandas.Timestamp
        value = datetime.fromisoformat(value.isoformat(timespec="microseconds"))
    text = encode_datetime(value)
    return text[:27] if text[26:27] == "Z" else text[:26]


def _store_time(value: Any) -> str:
    if not isinstance(value, time):
        raise TypeError
    if value.tzinfo is not None:
        raise ValueError("times are stored without a zone.")
    return value.isoformat("microseconds")


def _store_duration(value: Any) -> int:
    if not isinstance(value, timedelta):
        raise TypeError
    return value // timedelta(microseconds=1)


def _store_path(value: Any) -> str:
    if not isinstance(value, str | PurePath):
        raise TypeError
    return _check_text(str(value))


def _store_bytes(value: Any) -> str:
    return base64.b64encode(_instance(bytes)(value)).decode()


def _store_text(value: Any) -> str:
    return _check_text(str.__str__(_instance(str)(value)))


def _check_text(text: str) -> str:
    if not is_clean(text):
        raise ValueError("it holds a NUL or a lone surrogate, which is no text.")
    return text


INTEGER = Kind("an integer", "integer", _store_number, example="3")
NUMBER = Kind("a number", "number", _store_number, example="0.5")
BOOLEAN = Kind("a bool", "boolean", _instance(bool), ordered=False, example="True")
TEXT = Kind("a text", "text", _store_text, has_patterns=True, example="'adam'")
DATETIME = Kind(
    "a datetime", "moment", _store_datetime, "datetime", example="datetime(2024, 1, 31)"
)
DATE = Kind(
    "a date",
    "name",
    lambda value: _instance(date, but=(datetime,))(value).isoformat(),
    "date",
    example="date(2024, 1, 31)",
)
TIME = Kind("a time", "time", _store_time, "time", example="time(12, 30)")
DURATION = Kind(
    "a timedelta", "integer", _store_duration, "timedelta", example="timedelta(minutes=5)"
)
DECIMAL = Kind("a Decimal", "decimal", _store_decimal, "decimal", example="Decimal('0.5')")
UUID_ = Kind(
    "a UUID", "name", lambda value: str(_instance(UUID)(value)), "uuid", False, example="UUID('…')"
)
PATH = Kind("a path", "text", _store_path, "path", False, True, example="Path('data')")
BYTES = Kind("bytes", "text", _store_bytes, "bytes", False, example="b'…'")

KINDS: dict[type[Any], Kind] = {
    bool: BOOLEAN,
    int: INTEGER,
    float: NUMBER,
    str: TEXT,
    datetime: DATETIME,
    date: DATE,
    time: TIME,
    timedelta: DURATION,
    Decimal: DECIMAL,
    UUID: UUID_,
    bytes: BYTES,
}
"""The kind of a field that is annotated with a type."""


def kind_of_values(field: str, values: Iterable[Any]) -> Kind:
    """The kind that a comparison is of, for a field that may be anything.

    Args:
        field: The field, as errors call it.
        values: What it is compared with.

    Raises:
        FilterError: They are of several kinds, or of none that a field could have.
    """
    kinds = {kind.name: kind for kind in (_kind_of(field, value) for value in values)}
    if not kinds:
        return TEXT  # in_=[] finds nothing of any kind
    if kinds.keys() <= {INTEGER.name, NUMBER.name, DECIMAL.name}:
        # Without an annotation nobody knows whether the others are whole.
        return NUMBER
    if len(kinds) > 1:
        raise FilterError(
            f"{field} is compared with {' and '.join(sorted(kinds))}; compare it with one kind "
            "of value, or combine two filters with | or &."
        )
    return next(iter(kinds.values()))


def _kind_of(field: str, value: object) -> Kind:
    if isinstance(value, PurePath):
        return PATH
    for type_ in type(value).__mro__:
        if type_ in KINDS:
            return KINDS[type_]
    raise FilterError(
        f"{field} cannot be compared with {value!r} ({type(value).__name__}). Compare it with a "
        "number, a text, a bool, a date or None."
    )
