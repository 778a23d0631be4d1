"""Whether values of pandas are equal, NaNs in equal places included.

The ``equals`` of pandas takes no NaN for another that Arrow holds or that is
in a cell, such as an element of a list. It is asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from artigraph.serializer.pyarrow import equality as arrow

__all__ = ["equal_values"]


def equal_values(one: Any, other: Any, equal_cells: Callable[[Any, Any], bool]) -> bool:
    """Whether two values of pandas are equal.

    Args:
        one: A frame, a series or an index; of anything else, ``equals`` is asked.
        other: Another of its class.
        equal_cells: Compares what two cells hold.
    """
    if one.equals(other):
        return True
    if isinstance(one, pd.DataFrame):
        return (
            one.shape == other.shape
            and equal_values(one.columns, other.columns, equal_cells)
            and equal_values(one.index, other.index, equal_cells)
            and all(
                _equal_columns(one.iloc[:, i], other.iloc[:, i], equal_cells)
                for i in range(one.shape[1])
            )
        )
    if isinstance(one, pd.Series) and not equal_values(one.index, other.index, equal_cells):
        return False
    if isinstance(one, pd.MultiIndex) or not isinstance(one, pd.Series | pd.Index):
        return False
    return _equal_columns(one, other, equal_cells)


def _equal_columns(one: Any, other: Any, equal_cells: Callable[[Any, Any], bool]) -> bool:
    if one.dtype != other.dtype or len(one) != len(other):
        return False
    if isinstance(one.dtype, pd.ArrowDtype):
        return arrow.equal_values(
            *(pa.table({"": values.array}).column(0) for values in (one, other))
        )
    if isinstance(one.dtype, np.dtype) and one.dtype.kind == "O":
        return all(map(equal_cells, one.to_numpy(), other.to_numpy()))
    return bool(one.array.equals(other.array))
