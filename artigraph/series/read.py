"""Curves read: what lists tell of them without a point, and all points as one frame."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of, ask
from artigraph.db.session import read
from artigraph.display.escape import cut
from artigraph.errors import DeserializationError, FilterError, SeriesWarning
from artigraph.filter.order import check_counts
from artigraph.filter.relation import Nodes, check_nodes, nodes_clause
from artigraph.filter.value import among
from artigraph.orm.node import node_table
from artigraph.orm.series import SeriesBlockRecord, SeriesRecord
from artigraph.outline.path_text import read_path_texts
from artigraph.series.codec import LONGEST_BLOCK, Packed, unpack
from artigraph.series.line import LONGEST_LINE
from artigraph.series.summary import SeriesList, SeriesSummary, summary_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from artigraph.series.numpy import Columns

__all__ = ["MOST_READ", "list_series", "read_series", "read_series_table", "summaries_of"]

MOST_READ = 50_000_000
"""Points that are read at once."""
CHUNK = 256
"""Blocks that are taken apart at once."""
TOGETHER = 1_000_000
"""Points of which curves are made at once: of few calls, and of little more memory."""

_of: Any = SeriesRecord.__table__.c
_in: Any = SeriesBlockRecord.__table__.c

_SUMMARY = (
    _of.series_node_id,
    _of.series_name,
    _of.series_points,
    _of.series_last_step,
    _of.series_last,
    _of.series_min,
    _of.series_max,
    func.substr(_of.series_line, 1, LONGEST_LINE + 1, type_=_of.series_line.type).label("line"),
)


async def summaries_of(node_ids: Collection[int]) -> dict[int, list[SeriesSummary]]:
    """What is told of the curves of some nodes, without their points, in one statement.

    Args:
        node_ids: The nodes; whether they are there, and not in the trash, is known already.

    Returns:
        By node the curves in the order in which they were begun; nodes without one are left out.
    """
    if not node_ids:
        return {}
    query = select(*_SUMMARY).where(among(_of.series_node_id, node_ids)).order_by(_of.series_id)
    found: dict[int, list[SeriesSummary]] = {}
    for row in await ask(query):
        if (summary := summary_of(row)) is not None:
            found.setdefault(summary.node_id, []).append(summary)
    return found


async def list_series(filter: Nodes, *, limit: int = 10_000) -> list[SeriesSummary]:
    """See :func:`artigraph.series.list_series`."""
    check_counts(limit=limit)
    clause = nodes_clause(check_nodes("list_series()", filter))
    query = (
        select(*_SUMMARY)
        .join(node_table, node_table.c.node_id == _of.series_node_id)
        .where(clause)
        .order_by(_of.series_node_id, _of.series_id)
        .limit(limit)
    )
    rows = await ask(query)
    return SeriesList([one for row in rows if (one := summary_of(row)) is not None])


async def read_series(
    filter: Nodes, names: str | Collection[str] | None = None, max_points: int | None = 500
) -> pd.DataFrame:
    """See :func:`artigraph.series.read_series`."""
    from artigraph.series.pandas import frame_of

    return await run_in_thread(frame_of, await _read(filter, names, max_points))


async def read_series_table(
    filter: Nodes, names: str | Collection[str] | None = None, max_points: int | None = 500
) -> pa.Table:
    """See :func:`artigraph.series.read_series_table`."""
    from artigraph.series.pyarrow import table_of

    return await run_in_thread(table_of, await _read(filter, names, max_points))


async def _read(
    filter: Nodes, names: object, max_points: int | None
) -> list[tuple[int, str, str, Columns]]:
    check_counts(least=4, max_points=max_points)
    wanted = _check_names(names)
    clause = nodes_clause(check_nodes("read_series()", filter))
    if wanted is not None:
        clause = and_(clause, among(_of.series_name, wanted))
    query = (
        select(_of.series_id, _of.series_node_id, _of.series_name)
        .join(node_table, node_table.c.node_id == _of.series_node_id)
        .where(clause)
        .order_by(_of.series_node_id, _of.series_name)
    )
    async with read() as connection:
        rows = await all_of(await connection.execute(query))
        paths = await read_path_texts(connection, {row[1] for row in rows}) if rows else {}
        reader = _Reader(max_points)
        await _read_blocks(connection, [row[0] for row in rows], reader)
    if reader.damaged:
        warnings.warn(
            f"{len(reader.damaged):,} blocks of curves are damaged, and their points left out; "
            f"the first is of series {reader.damaged[0]}",
            SeriesWarning,
            stacklevel=3,
        )
    return await run_in_thread(_found, rows, paths, reader)


def _check_names(names: object) -> list[str] | None:
    if names is None:
        return None
    several = [names] if isinstance(names, str) else names
    if not isinstance(several, Collection) or not all(isinstance(one, str) for one in several):
        raise FilterError(
            f"names=… takes the name of a curve or several, not {cut(repr(names), 80)}. Leave it "
            "out for all curves."
        )
    return list(several)


async def _read_blocks(
    connection: AsyncConnection, series_ids: Collection[int], reader: _Reader
) -> None:
    if not series_ids:
        return
    data = func.substr(_in.block_data, 1, LONGEST_BLOCK + 1, type_=_in.block_data.type)
    query = (
        select(_in.block_series_id, _in.block_count, data.label("data"))
        .where(among(_in.block_series_id, sorted(series_ids)))
        .order_by(_in.block_series_id, _in.block_number)
    )
    async with connection.stream(query) as result:
        async for rows in result.partitions(CHUNK):
            await run_in_thread(reader.take, rows)
    await run_in_thread(reader.finish)


@dataclass
class _Reader:
    """Makes curves of blocks, which come in order."""

    most: int | None
    curves: dict[int, Columns] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)
    _waiting: dict[int, list[Packed]] = field(default_factory=dict)
    _points: int = 0
    _ready: int = 0
    """Points of blocks that wait to become curves."""

    def take(self, rows: Iterable[Any]) -> None:
        last = None
        for series_id, count, data in rows:
            try:
                packed = unpack(data, count)
            except DeserializationError:
                self.damaged.append(series_id)
                continue
            self._waiting.setdefault(series_id, []).append(packed)
            self._points += count
            self._ready += count
            if self._points > MOST_READ:
                raise FilterError(
                    f"There are more than {MOST_READ:,} points. Narrow the filter, name the "
                    "curves, or leave max_points=None out."
                )
            last = series_id
        if self._ready < TOGETHER:
            return
        # The last one may go on.
        self._finish([one for one in self._waiting if one != last])

    def finish(self) -> None:
        self._finish(list(self._waiting))

    def _finish(self, series_ids: Sequence[int]) -> None:
        from artigraph.series.numpy import columns_of, thinned

        self._ready = 0
        if not series_ids:
            return
        made = columns_of([self._waiting.pop(one) for one in series_ids])
        for series_id, columns in zip(series_ids, made, strict=True):
            if self.most is not None and len(columns) > self.most:
                few = thinned(columns, self.most)
                self._points -= len(columns) - len(few)
                self.curves[series_id] = few
            else:
                self.curves[series_id] = columns


def _found(
    rows: Sequence[Any], paths: dict[int, str], reader: _Reader
) -> list[tuple[int, str, str, Columns]]:
    return [
        (node_id, paths.get(node_id, f"#{node_id}"), str(name), reader.curves[series_id])
        for series_id, node_id, name in rows
        if series_id in reader.curves
    ]
