"""Curves as one frame of pandas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from artigraph.series.numpy import Columns, joined_columns
from artigraph.series.pyarrow import texts_of

__all__ = ["frame_of"]


def frame_of(curves: Sequence[tuple[int, str, str, Columns]]) -> pd.DataFrame:
    """One row a point.

    Args:
        curves: Of each the node's id, its path, the curve's name, and its points.
    """
    counts, columns = joined_columns([one for *_, one in curves])
    ids = np.array([node_id for node_id, *_ in curves], dtype=np.int64)
    times = pd.Series(columns.times.view("M8[ms]"), copy=False).dt.tz_localize("UTC")
    return pd.DataFrame(
        {
            "node_id": np.repeat(ids, counts),
            "path": texts_of([path for _, path, *_ in curves], counts, large=True).to_pandas(),
            "name": texts_of([name for _, _, name, _ in curves], counts, large=True).to_pandas(),
            "step": columns.steps,
            "time": times,
            "value": columns.values,
            "attempt": columns.attempts,
        },
        copy=False,
    )
