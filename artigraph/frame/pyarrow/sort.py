"""Sorting many rows in small steps, so that it can be given up at any moment.

Arrow sorts ten million values in one call of some seconds, which nobody can
end. So rows are first dealt out to buckets by the weightiest key, and each
bucket is sorted by a call of its own: sample sort, after W. D. Frazer and
A. C. McKellar, "Samplesort: a sampling approach to minimal storage tree
sorting", Journal of the ACM 17(3), 1970. Steps run in worker threads, several
at a time, and small sorts find their values in the processor's cache, so all
of them take no longer than the one call.

* values that many rows share have buckets of their own, and are compared no more
* cancelling ends it between steps, of some hundredths of a second for numbers
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artigraph.concurrency import gather_bounded, run_in_thread

__all__ = ["STEP", "sort_rows"]

STEP = 2**17
"""Rows of one step, about."""

AT_ONCE = 4
"""Steps under way at once."""

SPLITTERS = 127
"""Values that rows are dealt out by; a power of two but one."""

SAMPLED = 32
"""Rows that are looked at for each of those values."""


async def sort_rows(parts: list[pa.Table], descending: Sequence[bool]) -> list[Any]:
    """Sort rows by their keys, in the order of ``pyarrow.compute.sort_indices``.

    Args:
        parts: Tables of one schema, in the order of the rows: in the first column the rows'
            numbers, in the others their keys, the weightiest first. The list is emptied, so
            that they are not kept longer than they are wanted.
        descending: For each key whether the largest comes first.

    Returns:
        Arrays of row numbers, one after another. NaN comes behind all numbers and missing
        values come last, either way; rows whose keys are equal stay in their order.
    """
    count = sum(map(len, parts))
    if count <= STEP or not descending:
        return [await run_in_thread(_sort, parts, descending)] if count else []
    blocks = list(_blocks(parts))
    parts.clear()
    splitters = await run_in_thread(_choose, blocks)
    if splitters is None:
        # Of what was looked at nothing has a value; this is as good as never.
        return [await run_in_thread(_sort, blocks, descending)]

    async def deal(block: pa.Table) -> list[pa.Table]:
        return await run_in_thread(_deal, block, splitters, descending[0])

    dealt = await gather_bounded(deal, blocks, limit=AT_ONCE)
    del blocks

    async def sort(bucket: int) -> list[Any]:
        found = [pieces[bucket] for pieces in dealt if len(pieces[bucket])]
        # In every other one all rows have the same first key.
        if bucket % 2 or bucket > 2 * SPLITTERS:
            return await sort_rows([piece.remove_column(1) for piece in found], descending[1:])
        # Not as even as was seen in what was looked at; going on might never end.
        if sum(map(len, found)) > count // 2:
            return [await run_in_thread(_sort, found, descending)]
        return await sort_rows(found, descending)

    buckets = range(2 * SPLITTERS + 3)
    return [rows for part in await gather_bounded(sort, buckets, limit=AT_ONCE) for rows in part]


# What follows runs in worker threads, except _blocks, which copies nothing.


def _blocks(parts: Sequence[pa.Table]) -> Iterator[pa.Table]:
    whole = pa.concat_tables(parts)
    return (whole.slice(start, STEP) for start in range(0, len(whole), STEP))


def _sort(parts: Sequence[pa.Table], descending: Sequence[bool]) -> Any:
    """The numbers of a few rows, in their order."""
    whole = pa.concat_tables(parts)
    rows = whole.column(0).to_numpy()
    if not descending:
        return rows
    # One chunk is sorted faster than many.
    keys = (
        whole.remove_column(0).combine_chunks().rename_columns([*map(str, range(len(descending)))])
    )
    order: list[Any] = ["descending" if each else "ascending" for each in descending]
    found = pc.sort_indices(keys, list(zip(keys.column_names, order, strict=True)))
    return rows[found.to_numpy()]


def _choose(blocks: Sequence[pa.Table]) -> Any:
    """Values of the first key that part the rows about evenly, ascending; or ``None``."""
    each = max(1, SAMPLED * (SPLITTERS + 1) // len(blocks))
    sample = pa.concat_tables(
        block.select([1]).take(np.linspace(0, len(block) - 1, min(each, len(block))).astype(int))
        for block in blocks
    )
    values = sample.column(0).combine_chunks().drop_null()
    if pa.types.is_floating(values.type):
        values = values.filter(pc.invert(pc.is_nan(values)))
    if not len(values):
        return None
    values = values.take(pc.sort_indices(values))
    return values.take(np.linspace(0, len(values) - 1, SPLITTERS + 2).astype(int)[1:-1])


def _deal(block: pa.Table, splitters: Any, descending: bool) -> list[pa.Table]:
    """Deal rows out to buckets, in the order in which these stand in the end.

    Returns:
        For each of n splitters two tables: of rows before it, and of such as are equal to it;
        then of rows behind all of them, of those that have NaN, and that have no value.
    """
    block = block.combine_chunks()
    (values,) = block.column(1).chunks
    buckets = _buckets(values, splitters)
    if descending:
        buckets = 2 * len(splitters) - buckets
    if pa.types.is_floating(values.type):
        buckets[_true(pc.is_nan(values))] = 2 * len(splitters) + 1
    if values.null_count:
        buckets[_true(values.is_null())] = 2 * len(splitters) + 2
    # NumPy sorts numbers of 16 bits by their digits.
    dealt = block.take(np.argsort(buckets, kind="stable"))
    ends = np.cumsum(np.bincount(buckets, minlength=2 * len(splitters) + 3))
    return [
        dealt.slice(start, stop - start)
        for start, stop in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)
    ]


def _buckets(values: Any, splitters: Any) -> Any:
    """The bucket of each value: twice the splitters up to it, less one if the last is equal."""
    below = np.zeros(len(values), np.int32)
    step = (len(splitters) + 1) // 2
    # A binary search of all values at once, which works for whatever Arrow compares.
    while step:
        probes = splitters.take(pa.array(below + (step - 1)))
        below += _true(pc.greater_equal(values, probes)) * np.int32(step)
        step //= 2
    last = splitters.take(pa.array(np.maximum(below - 1, 0)))
    equal = _true(pc.equal(values, last)) & (below > 0)
    return (2 * below - equal).astype(np.uint16)


def _true(found: Any) -> Any:
    return found.fill_null(False).to_numpy(zero_copy_only=False)
