"""A table of runs as one of Arrow's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

__all__ = ["to_arrow"]


def to_arrow(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns as a table, each of the type that its values share, else as JSON texts.

    Args:
        columns: Values by name, one a row.
    """
    return pa.table({name: _arrow(values) for name, values in columns.items()})


def _arrow(values: Sequence[Any]) -> pa.Array[Any]:
    found = {type(value) for value in values if value is not None}
    simple = found <= {int, float} or (
        len(found) == 1 and found <= {bool, str, datetime, timedelta}
    )
    made: pa.Array[Any]
    if simple:
        numbers = found == {int, float}
        try:
            made = pa.array([float(v) if numbers and v is not None else v for v in values])
        except (pa.ArrowInvalid, OverflowError):
            pass  # a whole number that 64 bits do not hold
        else:
            return made
    made = pa.array([None if v is None else orjson.dumps(v, default=str).decode() for v in values])
    return made
