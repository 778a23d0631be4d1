"""Documents: what JSON, as the engine writes it, gives back equal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy.types import JSON

from artigraph.display.escape import cut
from artigraph.orm.check.base import Check, CheckedColumn, LossError

__all__ = ["check_document"]

_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def check_document(column: CheckedColumn) -> Check:
    """What is equal once it was written as JSON and read, the types of all in it as well."""
    # As the engine is set up to write and read them: a user's may know more types.
    dump = getattr(column.dialect, "_json_serializer", None) or json.dumps
    load = getattr(column.dialect, "_json_deserializer", None) or json.loads
    numeric = column.database.shows_numeric(column.stored)

    def check(value: object) -> object:
        if value is JSON.NULL:
            return value
        try:
            text = dump(value)
            back = load(text)
        except (TypeError, ValueError, RecursionError) as error:
            raise LossError(f"is no JSON ({error})") from None
        if numeric:
            back = _as_numeric(back, load)
        # A tuple is no list to Python either, so that being equal says all.
        if back != value:
            raise LossError(f"is no JSON as it is: {_difference(value, back, '') or 'it differs'}")
        # PostgreSQL alone refuses it, and a copy there must be possible.
        if _NUL_IN_JSON.search(text):
            raise LossError("holds a NUL, which not every database takes for text")
        return value

    return check


def _as_numeric(back: object, load: Callable[[str], Any]) -> object:
    """As a database shows it that writes large floats without an exponent."""
    if isinstance(back, float) and abs(back) >= 1e16:
        return load(format(Decimal(repr(back)), "f"))
    if isinstance(back, dict):
        return {key: _as_numeric(inner, load) for key, inner in back.items()}
    return [_as_numeric(inner, load) for inner in back] if isinstance(back, list) else back


def _difference(given: object, back: object, path: str) -> str | None:
    """Where a document would come back otherwise, and what as."""
    if isinstance(back, dict) and isinstance(given, dict) and len(given) == len(back):
        inner = [
            (given.get(key, LossError), read, f"{path}[{key!r}]") for key, read in back.items()
        ]
        if not any(value is LossError for value, _, _ in inner):
            return next((found for one in inner if (found := _difference(*one))), None)
    elif isinstance(back, list) and isinstance(given, list) and len(given) == len(back):
        pairs = enumerate(zip(given, back, strict=True))
        inner = [(value, read, f"{path}[{at}]") for at, (value, read) in pairs]
        return next((found for one in inner if (found := _difference(*one))), None)
    elif given == back:
        return None
    was, comes = cut(repr(given), 60), cut(repr(back), 60)
    return f"{path or 'it'} is {was}, and would come back as {comes}"
