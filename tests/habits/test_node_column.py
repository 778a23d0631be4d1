"""Adding a column of nodes takes one line in a class of one's own."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from artigraph import Node, NodeTypeFilter, read_nodes, read_tree, to_networkx, write_node
from artigraph.display.row import row_fact
from artigraph.errors import FilterError


class HabitTrial(Node):
    """A node with a column of its own."""

    __mapper_args__ = {"polymorphic_identity": "habit_trial"}  # noqa: RUF012  # as SQLAlchemy has it

    habit_seed: Mapped[int | None] = mapped_column(
        info=row_fact("seed", lambda facts, seed: facts.note("seed", str(seed)))
    )


async def test_a_column_is_stored_sorted_shown_and_exported(store: str) -> None:
    """It is written, ordered by, told in reprs, and read with trees, like those that stand."""
    for seed in (3, 1, 2):
        node = HabitTrial(node_label=f"<b>{seed}", habit_seed=seed)
        assert (await write_node(node)).habit_seed == seed
    found = await read_nodes(NodeTypeFilter(type=HabitTrial), order_by="-habit_seed")
    assert [node.habit_seed for node in found] == [3, 2, 1]  # type: ignore[attr-defined]  # they are trials
    assert "seed" in found[0]._repr_html_()
    assert "<b>" not in found[0]._repr_html_()
    tree = await read_tree(columns=["habit_seed"])
    assert [node.columns["habit_seed"] for node in tree] == [3, 1, 2]
    graph = await to_networkx(columns=["habit_seed"])
    assert sorted(graph.nodes[n]["habit_seed"] for n in graph) == [1, 2, 3]
    with pytest.raises(FilterError, match=r"No node has a column 'habit_sed'.*'habit_seed'"):
        await read_tree(columns=["habit_sed"])
