"""A table of runs as a frame of pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

__all__ = ["to_pandas"]


def to_pandas(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Columns as a frame, each of the type that its values share.

    Args:
        columns: Values by name, one a row.
    """
    made = {name: pd.Series(values, dtype=_dtype(values)) for name, values in columns.items()}
    return pd.DataFrame(made)


def _dtype(values: Sequence[Any]) -> Any:
    found = {type(value) for value in values}
    some_missing = type(None) in found
    found.discard(type(None))
    if found == {bool}:
        return "boolean" if some_missing else "bool"
    if found == {int} and all(-(2**63) <= value < 2**63 for value in values if value is not None):
        return "Int64" if some_missing else "int64"
    if found and found <= {int, float}:
        return "float64"
    if found == {datetime}:
        return "datetime64[us, UTC]"
    return "timedelta64[us]" if found == {timedelta} else object
