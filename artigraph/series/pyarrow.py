"""Curves as one table of Arrow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from artigraph.series.numpy import Columns, joined_columns

__all__ = ["table_of", "texts_of"]


def table_of(curves: Sequence[tuple[int, str, str, Columns]]) -> pa.Table:
    """One row a point.

    Args:
        curves: Of each the node's id, its path, the curve's name, and its points.
    """
    counts, columns = joined_columns([one for *_, one in curves])
    ids = np.array([node_id for node_id, *_ in curves], dtype=np.int64)
    return pa.table(
        {
            "node_id": pa.array(np.repeat(ids, counts)),
            "path": texts_of([path for _, path, *_ in curves], counts),
            "name": texts_of([name for _, _, name, _ in curves], counts),
            "step": pa.array(columns.steps),
            "time": pa.array(columns.times).cast(pa.timestamp("ms", tz="UTC")),
            "value": pa.array(columns.values),
            "attempt": pa.array(columns.attempts),
        }
    )


def texts_of(texts: Sequence[str], counts: Any, *, large: bool = False) -> Any:
    """Texts, each as often as is said; ``large`` as pandas keeps them, which then copies none."""
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    numbers: Any = np.repeat(np.array([known[one] for one in texts], dtype=np.int32), counts)
    each = pa.array(list(known), pa.large_string() if large else pa.string())
    return each.take(pa.array(numbers, pa.int32()))
