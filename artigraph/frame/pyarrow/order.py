"""Which rows of a frame are shown, and in which order.

Only the columns in question are read, one row group after another; of each,
only the rows that hold are kept, so memory is that of the keys. Cancelling
ends it between row groups, or between two steps of sorting the keys.
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
from artigraph.frame.pyarrow.sort import sort_rows
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
    early: Callable[[Any], object] | None = None,
) -> Any:
    """Find the rows that meet all conditions, in an order.

    Args:
        chunks: The frame.
        sort: Columns to sort by; rows whose keys are equal stay in their order.
        conditions: All of which must hold.
        progress: Told after each row group.
        early: Unless rows are sorted, told the first of those that will be returned, before the
            others are known: as soon as there is one, and whenever they have doubled.

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
    growing = _Growing(early) if early and not sort else None
    # Half the memory of what is kept for as long as the order is.
    numbers = np.uint32 if chunks.num_rows < 2**32 else np.int64

    def select(group: int, columns: dict[int, Any]) -> tuple[Any, list[Any]]:
        start = int(chunks.starts[group])
        rows = np.arange(start, start + chunks.group_rows[group], dtype=numbers)
        keys = [
            (chunks.columns[key.column].sort_key or comparable)(columns[key.column]) for key in sort
        ]
        if not asked:
            return rows, keys
        masks = (mask(one, columns[one.path], chunks.columns[one.path]) for one in asked)
        holds = reduce(pc.and_, masks)
        return rows[holds.to_numpy().astype(bool)], [key.filter(holds) for key in keys]

    async def find(place: int) -> tuple[Any, list[Any]]:
        nonlocal done, size
        group = groups[place]
        columns = dict(zip(places, await chunks.read(group, places, keep=False), strict=True))
        found = await run_in_thread(select, group, columns)
        done, size = done + 1, size + sum(key.nbytes for key in found[1])
        if size > LARGEST_KEYS:
            raise PartError(
                "The values to sort by take more than 1 GB of memory. Filter first, or sort by "
                "another column."
            )
        progress(done, len(groups))
        if growing:
            growing.add(place, found[0])
        return found

    parts = await gather_bounded(find, range(len(groups)), limit=AT_ONCE)
    if not sort:
        return await run_in_thread(_joined, [rows for rows, _ in parts])
    names = [str(i) for i in range(len(sort) + 1)]
    tables = [pa.table([pa.array(rows), *keys], names) for rows, keys in parts]
    del parts
    rows = await sort_rows(tables, [key.descending for key in sort])
    return await run_in_thread(_joined, rows)


def _joined(parts: list[Any]) -> Any:
    return np.concatenate([np.empty(0, np.uint32), *parts])


class _Growing:
    """The rows of all leading row groups that are done, told of as they grow."""

    def __init__(self, tell: Callable[[Any], object]) -> None:
        self._tell, self._ahead = tell, dict[int, Any]()
        self._parts: list[Any] = []
        self._rows = self._told = 0

    def add(self, place: int, rows: Any) -> None:
        """Take the rows of one row group; they come in any order."""
        self._ahead[place] = rows
        while (found := self._ahead.pop(len(self._parts), None)) is not None:
            self._parts.append(found)
            self._rows += len(found)
        if self._rows >= max(1, 2 * self._told):
            self._told = self._rows
            self._tell(_joined(self._parts))
