"""Curves as one table of Arrow's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from artigraph.series.numpy import Columns

__all__ = ["table_of"]


def table_of(curves: Sequence[tuple[int, str, str, Columns]]) -> pa.Table:
    """One row a point.

    Args:
        curves: Of each the node's id, its path, the curve's name, and its points.
    """
    counts = np.array([len(columns) for *_, columns in curves], dtype=np.int64)
    ids = np.array([node_id for node_id, *_ in curves], dtype=np.int64)
    columns: dict[str, Any] = {
        "node_id": pa.array(np.repeat(ids, counts)),
        "path": _texts([path for _, path, *_ in curves], counts),
        "name": _texts([name for _, _, name, _ in curves], counts),
    }
    for field in ("steps", "times", "values", "attempts"):
        parts = [getattr(one, field) for *_, one in curves]
        empty = np.empty(0, dtype=np.float64 if field == "values" else np.int64)
        columns[field.removesuffix("s")] = pa.array(np.concatenate(parts) if parts else empty)
    columns["time"] = columns["time"].cast(pa.timestamp("ms", tz="UTC"))
    return pa.table(columns)


def _texts(texts: Sequence[str], counts: Any) -> Any:
    known = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    numbers: Any = np.repeat(np.array([known[one] for one in texts], dtype=np.int32), counts)
    places, each = pa.array(numbers, pa.int32()), pa.array(list(known), pa.string())
    made = pa.DictionaryArray.from_arrays(places, each)
    return made.cast(pa.string())
