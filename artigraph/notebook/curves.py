"""The curves of a node, read along with it where it is shown by itself: a repr may ask nothing."""

from __future__ import annotations

from dataclasses import replace

from artigraph.display.facts import Table
from artigraph.display.options import Limits
from artigraph.orm.node import BESIDE, Node
from artigraph.series.read import summaries_of
from artigraph.series.summary import SeriesList, SeriesSummary

__all__ = ["tell_curves"]


async def tell_curves(node: Node) -> None:
    """Have a node show its curves as well, as they are now.

    Args:
        node: It has been written.
    """
    found = (await summaries_of([node.node_id])).get(node.node_id)
    if found:
        vars(node)[BESIDE] = _Curves(found)
    else:
        vars(node).pop(BESIDE, None)


class _Curves:
    """Makes the table of them."""

    def __init__(self, curves: list[SeriesSummary]) -> None:
        self._curves = SeriesList(curves)

    def __call__(self, limits: Limits) -> Table | None:
        table = self._curves._describe(limits).table
        if table is None or table.columns[:1] != ("node",):
            return table
        # All of them are of the one that they are shown with.
        return replace(
            table,
            columns=table.columns[1:],
            rows=tuple(row[1:] for row in table.rows),
            types=table.types[1:],
            numbers=frozenset(at - 1 for at in table.numbers if at > 0),
        )
