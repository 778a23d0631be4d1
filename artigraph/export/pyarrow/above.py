"""Columns of what models hang on, beside those of the models: ``run.status``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.errors import FilterError
from artigraph.export.pyarrow.nodes import read_node_table
from artigraph.export.reading import Asked
from artigraph.filter.node import NodeFilter, NodeTypeFilter
from artigraph.filter.value import among
from artigraph.filter.way import ways_up
from artigraph.orm.friendly import spoken_names
from artigraph.orm.node import Node, node_table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Above"]


class Above:
    """The nearest nodes of a class above models, for the table of those.

    Args:
        node_type: The class.
        asked: What is wanted of the models.

    Raises:
        FilterError: It is no node class.
    """

    def __init__(self, node_type: type[Node], asked: Asked) -> None:
        if not (isinstance(node_type, type) and issubclass(node_type, Node)):
            raise FilterError(
                f"above takes a node class, such as TrackedRun, whose columns stand beside those "
                f"of the models, not {node_type!r:.80}."
            )
        self._type, self._asked = node_type, asked
        self._prefix = f"{spoken_names(node_type)[-1]}."
        given = asked.columns
        several = isinstance(given, Sequence) and not isinstance(given, str)
        self.others: Sequence[str] | None = given
        self._own: list[str] | None = None
        if given is not None and several:
            own = [one for one in given if isinstance(one, str) and one.startswith(self._prefix)]
            self._own = [one.removeprefix(self._prefix) for one in own]
            # A table needs a row's id where nothing else of the models is asked for.
            self.others = [one for one in given if one not in own] or ["node_id"]

    async def join(self, table: pa.Table, parents: Sequence[int | None]) -> pa.Table:
        """The table of the models with the columns of what they hang on.

        Args:
            table: The table.
            parents: What each of its rows hangs on.
        """
        if self._own is not None and not self._own:
            return table
        nearest = await self._nearest({one for one in parents if one is not None})
        filter = NodeFilter(node_type=self._type, node_id=sorted(set(nearest.values())))
        columns = self._own and [*dict.fromkeys([*self._own, "id"])]
        asked = replace(
            self._asked, filter=filter, columns=columns, tags=False, order_by=None, limit=None
        )
        nodes = await read_node_table(asked)
        return await run_in_thread(self._beside, table, parents, nearest, nodes)

    async def _nearest(self, start: Collection[int]) -> Mapping[int, int]:
        """By a node, itself or the nearest one above it that is of the class."""
        if not start:
            return {}
        ways = ways_up(lambda row: among(row.c.node_id, sorted(start)))
        of_type = NodeTypeFilter(type=self._type).clause()
        found = (
            select(ways.c.start_id, ways.c.node_id, ways.c.steps)
            .join(node_table, node_table.c.node_id == ways.c.node_id)
            .where(of_type, node_table.c.node_trashed_at.is_(None))
        )
        nearest: dict[int, tuple[int, int]] = {}
        async with read() as connection:
            for node, over, steps in await all_of(await connection.execute(found)):
                nearest[node] = min(nearest.get(node, (steps, over)), (steps, over))
        return {node: over for node, (_, over) in nearest.items()}

    def _beside(
        self,
        table: pa.Table,
        parents: Sequence[int | None],
        nearest: Mapping[int, int],
        nodes: pa.Table,
    ) -> pa.Table:
        import pyarrow as pa

        at = {node_id: row for row, node_id in enumerate(nodes.column("id").to_pylist())}
        rows: list[Any] = [at.get(nearest.get(parent or 0, 0)) for parent in parents]
        taken = nodes.take(pa.array(rows, pa.int64()))
        names = set(table.column_names)
        for field in nodes.schema:
            if self._own is not None and field.name == "id" and "id" not in self._own:
                continue
            name = f"{self._prefix}{field.name}"
            while name in names:
                name = f".{name}"
            table = table.append_column(field.with_name(name), taken.column(field.name))
        return table
