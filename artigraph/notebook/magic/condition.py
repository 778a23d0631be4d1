"""Conditions as they are typed: ``loss<0.1``, ``name~ad%``, ``ended=null``.

A value is read as what its field is annotated as: a date for a date, a text
for a text. Nothing is evaluated, and a variable is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from IPython.core.error import UsageError

from artigraph.display.escape import visible
from artigraph.filter.condition import Condition, FieldComparison
from artigraph.filter.kind import (
    BOOLEAN,
    BYTES,
    DATE,
    DATETIME,
    DECIMAL,
    DURATION,
    INTEGER,
    NUMBER,
    TIME,
    UUID_,
    Kind,
)
from artigraph.filter.operator import SIGNS, sign_pattern, usual_signs
from artigraph.filter.place import AnyShape, Shape, find_place, path_of
from artigraph.filter.unset import UNSET, Unset
from artigraph.model.base import BaseModel
from artigraph.notebook.magic.words import Word
from artigraph.orm.node import node_table

__all__ = ["duration", "literal", "parse_conditions"]

_EXAMPLE = "as in loss<0.1, name=adam, name~ad%, ended=null"
_DURATION = re.compile(
    r"(?:(?P<days>\d+(?:\.\d+)?)d)?(?:(?P<hours>\d+(?:\.\d+)?)h)?(?:(?P<minutes>\d+(?:\.\d+)?)m)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)s)?"
)


def parse_conditions(
    words: Sequence[Word], owner: str, model: type[BaseModel] | None
) -> Condition | Unset:
    """Understand conditions, all of which must hold.

    Args:
        words: What was typed; blanks may stand around an operator.
        owner: The class's name, for errors.
        model: The class, if it is defined here.

    Returns:
        The condition; ``UNSET`` if nothing was typed.

    Raises:
        UsageError: A word that is no condition, or a value that its field cannot
            have.
        FilterError: The class has no such field.
    """
    shape: Shape = AnyShape() if model is None else model._model_shape()
    found: Condition | Unset = UNSET
    for word in _joined(words):
        one = _parse(word, owner, shape)
        found = one if found is UNSET else found & one
    return found


def _joined(words: Sequence[Word]) -> list[Word]:
    """The words, with those together that an operator stands between."""
    joined: list[Word] = []
    for word in words:
        begins = word.is_bare and sign_pattern().match(word.text)
        if joined and (begins or _awaits_value(joined[-1])):
            joined[-1] = joined[-1].followed_by(word)
        else:
            joined.append(word)
    return joined


def _awaits_value(word: Word) -> bool:
    cut = word.cut(sign_pattern())
    return cut is not None and cut[2].is_bare and not cut[2].text


def _parse(word: Word, owner: str, shape: Shape) -> Condition:
    cut = word.cut(sign_pattern())
    if cut is None or not cut[0] or (cut[2].is_bare and not cut[2].text):
        raise UsageError(
            f"{visible(word.text, 60)!r} is no condition. It is a field, one of {usual_signs()}, "
            f"and a value, {_EXAMPLE}."
        )
    name, sign, rest = cut
    path, operator = path_of(name), SIGNS[sign]
    kinds = find_place(owner, shape, path).shape.kinds
    is_read = not rest.is_object and operator.needs != "text"
    value = _value(rest, kinds, name) if is_read else rest.value
    comparison = FieldComparison(path, operator, value)
    # So that a comparison without sense is told before anything is asked.
    comparison.clause(node_table, owner, shape)
    return comparison


def _value(word: Word, kinds: Sequence[Kind] | None, field: str) -> Any:
    if word.is_bare and word.text.lower() in ("null", "none"):
        return None
    if kinds is None:
        return literal(word)
    for kind in kinds:
        try:
            return _READERS.get(kind, str)(word.text)
        except (ValueError, InvalidOperation):
            continue
    if not kinds:
        return word.text  # whoever checks the comparison says why it makes no sense
    names = " or ".join(kind.name for kind in kinds)
    raise UsageError(
        f"{visible(field, 60)} is {names}, and {visible(word.text, 60)!r} is none. "
        f"{_HINTS.get(kinds[0], '')}".strip()
    )


def literal(word: Word) -> Any:
    """What a word without a known type means.

    Args:
        word: A variable; or a number, ``true``, ``false`` or ``null`` without
            quotes; or any other text.

    Returns:
        The variable's value, an ``int``, ``float``, ``bool``, ``None`` or ``str``.
    """
    if not word.is_bare:
        return word.value
    if word.text.lower() in _WORDS:
        return _WORDS[word.text.lower()]
    for read in (_integer, _number):
        try:
            return read(word.text)
        except ValueError:
            continue
    return word.text


_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}


def _integer(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    # float() also takes "1_000", and digits of any script.
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf|nan", text, re.I):
        raise ValueError(text)
    return float(text)


def _integer_or_number(text: str) -> int | float:
    try:
        return _integer(text)
    except ValueError:
        return _number(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def duration(text: str) -> timedelta:
    """A time that passes, such as ``5m``, ``1h30m`` or ``2d``.

    Raises:
        ValueError: It is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        raise ValueError(text)
    return timedelta(**{name: float(given) for name, given in found.groupdict("0").items()})


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    INTEGER: _integer_or_number,
    NUMBER: _integer_or_number,
    DECIMAL: Decimal,
    BOOLEAN: _boolean,
    DATETIME: datetime.fromisoformat,
    DATE: date.fromisoformat,
    TIME: time.fromisoformat,
    DURATION: duration,
    UUID_: UUID,
    BYTES: bytes.fromhex,
}
"""How a text becomes a value of a kind; text and all others stay what they are."""

_HINTS: Mapping[Kind, str] = {
    BOOLEAN: "Type true or false.",
    DATETIME: "Type 2024-01-31T12:30, with +00:00 behind it where the field has a zone.",
    DATE: "Type 2024-01-31.",
    TIME: "Type 12:30.",
    DURATION: "Type 5m, 1h30m or 2d.",
    BYTES: "Type its bytes as hexadecimal digits.",
}
