"""Which rows of a frame are shown, and in which order.

Only the columns in question are read, one row group after another; of each,
only the rows that hold are kept, so memory is that of the keys. Cancelling
ends it between row groups.

* the last step, sorting the keys, is one call that cannot be interrupted:
  about two seconds for ten million numbers
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.errors import PartError
from artigraph.frame.pyarrow.chunks import AT_ONCE, ColumnChunks
from artigraph.frame.pyarrow.condition import can_sort, comparable, mask, may_hold, read_condition
from artigraph.frame.query import Condition, SortKey

__all__ = ["LARGEST_KEYS", "find_rows"]

LARGEST_KEYS = 2**30
"""Bytes of keys that are sorted at most."""

Progress = Callable[[int, int], object]
"""Told how many row groups are done, and how many there are."""


async def find_rows(
    chunks: ColumnChunks,
    sort: Sequence[SortKey],
    conditions: Sequence[Condition],
    progress: Progress = lambda done, total: None,
) -> Any:
    """Find the rows that meet all conditions, in an order.

    Args:
        chunks: The frame.
        sort: Columns to sort by; rows whose keys are equal stay in their order.
        conditions: All of which must hold.
        progress: Told after each row group.

    Returns:
        An array of row numbers.

    Raises:
        PartError: A column cannot be sorted or compared so, or the keys would
            take more than 1 GB of memory.
        ArtigraphError: As for ``StoredFrame.page``.
    """
    for key in sort:
        facts = chunks.columns[key.column]
        if not can_sort(chunks.types[key.column], facts):
            raise PartError(f"Rows cannot be sorted by {facts.label!r}, which is {facts.dtype}.")
    asked = [
        read_condition(c, chunks.types[c.column], chunks.columns[c.column]) for c in conditions
    ]
    places = list(dict.fromkeys([one.path for one in asked] + [key.column for key in sort]))
    groups = [
        group
        for group in range(len(chunks.group_rows))
        if all(
            may_hold(one, chunks.facts(group, one.path), chunks.columns[one.path]) for one in asked
        )
    ]
    done = size = 0

    def select(group: int, columns: dict[int, Any]) -> tuple[Any, list[Any]]:
        start = int(chunks.starts[group])
        rows = np.arange(start, start + chunks.group_rows[group])
        keys = [
            (chunks.columns[key.column].sort_key or comparable)(columns[key.column]) for key in sort
        ]
        if not asked:
            return rows, keys
        masks = (mask(one, columns[one.path], chunks.columns[one.path]) for one in asked)
        holds = reduce(pc.and_, masks)
        return rows[holds.to_numpy().astype(bool)], [key.filter(holds) for key in keys]

    async def find(group: int) -> tuple[Any, list[Any]]:
        nonlocal done, size
        columns = dict(zip(places, await chunks.read(group, places, keep=False), strict=True))
        found = await run_in_thread(select, group, columns)
        done, size = done + 1, size + sum(key.nbytes for key in found[1])
        if size > LARGEST_KEYS:
            raise PartError(
                "The values to sort by take more than 1 GB of memory. Filter first, or sort by "
                "another column."
            )
        progress(done, len(groups))
        return found

    parts = await gather_bounded(find, groups, limit=AT_ONCE)
    return await run_in_thread(_sorted, parts, sort)


def _sorted(parts: list[tuple[Any, list[Any]]], sort: Sequence[SortKey]) -> object:
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in parts)])
    # Half the memory of what is kept for as long as the order is.
    if not len(rows) or rows[-1] < 2**32:
        rows = rows.astype(np.uint32)
    if not sort or not len(rows):
        return rows
    names = [str(i) for i in range(len(sort))]
    columns = [
        pa.chunked_array([chunk for _, keys in parts for chunk in keys[i].chunks])
        for i in range(len(sort))
    ]
    order: list[Any] = ["descending" if key.descending else "ascending" for key in sort]
    # Stable, and by itself with missing values at the end.
    found = pc.sort_indices(pa.table(columns, names), list(zip(names, order, strict=True)))
    return rows[found.to_numpy()]
