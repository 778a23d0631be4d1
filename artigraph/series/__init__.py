"""Curves: numbers by step, kept in packed blocks beside a node.

What does the work is loaded by the first call, since most programs have no curve.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from artigraph.filter.relation import Nodes
    from artigraph.orm.node import NodeLike
    from artigraph.series.summary import SeriesSummary
    from artigraph.series.writer import SeriesWriter

__all__ = ["list_series", "open_series", "read_series", "read_series_table"]


def open_series(node: NodeLike) -> SeriesWriter:
    """Write curves of a node: numbers by step.

    ::

        async with open_series(run) as series:
            for step in range(1_000):
                series.add(step, loss=0.1, accuracy=0.9)

    Nothing is asked of the database here. Without a block, ``await series.close()`` writes what is
    left.

    Args:
        node: The node, most often a run: itself, what was read or written, or its id.

    Returns:
        What takes the points. One at a time writes the curves of a node.

    Raises:
        FilterError: It is no single node, or one that was never written.
        OtherStoreError: It is of another database than the one in use.
    """
    from artigraph.filter.expected import one_id
    from artigraph.series.writer import SeriesWriter

    return SeriesWriter(one_id("open_series()", node, " Open one for each."))


async def list_series(filter: Nodes, *, limit: int = 10_000) -> list[SeriesSummary]:
    """The curves of some nodes, without their points: count, last value, extremes, a small line.

    Args:
        filter: A node, an id, several, or a filter: the curves of all that it finds.
        limit: How many to read at the most.

    Returns:
        They show themselves as a table; by node, in the order in which they were begun.

    Raises:
        FilterError: It is none of these, or ``limit`` is no count.
    """
    from artigraph.series.read import list_series

    return await list_series(filter, limit=limit)


async def read_series(
    filter: Nodes, names: str | Collection[str] | None = None, max_points: int | None = 500
) -> pd.DataFrame:
    """Read curves as one frame, however many nodes they are of.

    Args:
        filter: A node, an id, several, or a filter: the curves of all that it finds.
        names: The name of a curve, or several; all, unless given.
        max_points: A curve with more points is thinned to as many: the first and the last one,
            and the smallest and the largest value of each stretch between. ``None`` for all points.

    Returns:
        One row a point, by node and then by name, in the order in which they were logged:
        ``node_id``; ``path``, the node's labels from the root on, joined by ``/``; ``name``, the
        curve's; ``step``; ``time``, in UTC, in milliseconds; ``value``; ``attempt``, how often
        the steps of the curve went back so far, from 0 on.

    Raises:
        FilterError: It is none of these, ``max_points`` is no count from 4 on, or there are more
            than 50,000,000 points.

    Warns:
        SeriesWarning: Blocks of points are damaged, and left out.
    """
    from artigraph.series.read import read_series

    return await read_series(filter, names, max_points)


async def read_series_table(
    filter: Nodes, names: str | Collection[str] | None = None, max_points: int | None = 500
) -> pa.Table:
    """Read curves as one table of Arrow's: as :func:`read_series`, which see."""
    from artigraph.series.read import read_series_table

    return await read_series_table(filter, names, max_points)
