"""Graphs for networkx: ids, edges from parent to child, and what is known of each node."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import networkx
import pytest

from artigraph import (
    FilterError,
    ModelFilter,
    NodeNotFoundError,
    new_node,
    to_networkx,
    write_node,
    write_nodes,
)
from tests.conftest import Statements
from tests.export.experiment import write_experiment


async def test_nodes_edges_and_attributes(statements: Statements, tmp_path: Path) -> None:
    """One statement a level, and no blob: the files are gone."""
    wine = await write_experiment(tmp_path)
    statements.clear()
    graph = await to_networkx(wine, columns=["graph_run_state"])
    assert len(statements) == 4
    top, one, two, fit, frame = sorted(graph)
    assert top == wine.node_id
    assert set(graph.edges) == {(top, one), (top, two), (one, fit), (fit, frame)}
    assert networkx.is_arborescence(graph)
    assert [graph.nodes[node]["kind"] for node in (top, one, fit, frame)] == [
        "node", "node", "model", "artifact",
    ]  # fmt: skip
    run = graph.nodes[one]
    assert (run["type"], run["label"], run["graph_run_state"]) == ("graph_run", "one", "ok")
    assert isinstance(run["created_at"], datetime)
    assert run["created_at"] <= run["updated_at"]
    assert "model" not in run
    assert (graph.nodes[fit]["model"], graph.nodes[fit]["version"]) == ("StoredFit", 2)
    part = graph.nodes[frame]
    assert (part["content"], part["serializer"]) == ("frame", "artigraph-pandas")
    assert part["extent"] == "5,000 × 1"  # noqa: RUF001
    assert part["size"] > 100
    assert [graph.edges[edge]["label"] for edge in ((top, one), (one, fit), (fit, frame))] == [
        "one", "fit", "frame",
    ]  # fmt: skip


async def test_all_roots_and_filters(store: str, tmp_path: Path) -> None:
    """Without a node the whole forest; with a filter what it finds and what is below."""
    await write_experiment(tmp_path)
    lone = await write_node(new_node())
    forest = await to_networkx()
    assert len(forest) == 6
    assert lone.node_id in forest
    assert "label" not in forest.nodes[lone.node_id]
    assert len(list(networkx.weakly_connected_components(forest))) == 2
    models = await to_networkx(ModelFilter())
    assert [models.nodes[node]["kind"] for node in sorted(models)] == ["model", "artifact"]
    assert len(await to_networkx(ModelFilter(label="none"))) == 0


async def test_what_is_left_out_is_counted(store: str, tmp_path: Path) -> None:
    """Depth, children and size are bounded; a node says how many are left out, and where."""
    wine = await write_experiment(tmp_path)
    await write_nodes([new_node(node_parent_id=wine.node_id) for _ in range(2_000)])
    more = f"more below {wine.node_id}"
    for graph, left in (
        (await to_networkx(wine, max_depth=0), 2_002),
        (await to_networkx(wine, max_children=1), 2_001),
        (await to_networkx(wine, max_nodes=101), 1_902),
    ):
        assert graph.nodes[more] == {"kind": "more", "label": f"+{left:,} more", "more": left}
        assert list(graph.predecessors(more)) == [wine.node_id]
    await write_node(new_node())
    assert (await to_networkx(max_nodes=1)).nodes["more roots"]["more"] == 1


async def test_file_formats_take_it(store: str, tmp_path: Path) -> None:
    """No attribute is None, and once times are text, GraphML keeps them all."""
    graph = await to_networkx(await write_experiment(tmp_path))
    for _, attributes in graph.nodes(data=True):
        assert None not in attributes.values()
        for name in ("created_at", "updated_at"):
            attributes[name] = str(attributes[name])
    networkx.write_graphml(graph, tmp_path / "graph.xml")
    again = networkx.read_graphml(tmp_path / "graph.xml", node_type=int)
    assert dict(again.nodes(data=True)) == dict(graph.nodes(data=True))


async def test_bad_requests(store: str) -> None:
    """An unknown node, a limit that is none and an unknown column are named."""
    with pytest.raises(NodeNotFoundError, match="no node 987654321"):
        await to_networkx(987654321)
    with pytest.raises(FilterError, match="max_depth is a count"):
        await to_networkx(max_depth=-1)
    with pytest.raises(FilterError, match="No node has a column 'x'"):
        await to_networkx(columns=["x"])
