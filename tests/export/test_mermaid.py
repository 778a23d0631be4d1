"""Mermaid of rows of a real store, shown as a diagram by notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter

from artigraph import (
    FilterError,
    ModelFilter,
    NodeNotFoundError,
    new_node,
    to_mermaid,
    write_node,
    write_nodes,
)
from artigraph.orm.base import is_clean
from tests.conftest import Statements
from tests.display.test_mermaid import HOSTILE, parse
from tests.export.experiment import write_experiment


async def test_the_guides_look(statements: Statements, tmp_path: Path) -> None:
    """Rounded nodes, square models, labelled edges; one statement a level and no blob."""
    wine = await write_experiment(tmp_path)
    statements.clear()
    source = await to_mermaid(wine)
    assert len(statements) == 4
    assert source == "\n".join(
        [
            "graph LR",
            '    n0(["wine"])',
            '    n1(["one · graph_run"])',
            '    n2(["two · graph_run"])',
            '    n3["StoredFit"]',
            '    n4[/"frame · 5,000 × 1"/]',  # noqa: RUF001
            "    n0 --> n1",
            "    n0 --> n2",
            '    n1 --> |"fit"| n3',
            '    n3 --> |"frame"| n4',
        ]
    )


async def test_notebooks_draw_it(store: str) -> None:
    """It is text/markdown with a fence for notebooks, and its own source for the rest."""
    source = await to_mermaid(await write_node(new_node(node_label="wine")))
    assert isinstance(source, str)
    bundle, _ = DisplayFormatter().format(source)
    assert bundle == {
        "text/plain": 'graph LR\n    n0(["wine"])',
        "text/markdown": '```mermaid\ngraph LR\n    n0(["wine"])\n```',
    }


async def test_what_is_left_out_is_counted(store: str, tmp_path: Path) -> None:
    """Depth, children and size are bounded; mermaid's own limits hold without any."""
    wine = await write_experiment(tmp_path)
    await write_nodes([new_node(node_parent_id=wine.node_id) for _ in range(2_000)])
    for source, left in (
        (await to_mermaid(wine, max_depth=0), 2_002),
        (await to_mermaid(wine, max_children=1), 2_001),
        (await to_mermaid(wine, max_children=None, max_nodes=101), 1_902),
    ):
        assert ("more", f"+{left:,} more") in parse(source).boxes.values()
    whole = parse(await to_mermaid(wine, max_depth=None, max_children=None, max_nodes=None))
    assert 480 < len(whole.boxes) <= 500
    await write_node(new_node())
    assert ("more", "+1 more") in parse(await to_mermaid(max_nodes=1)).boxes.values()
    assert len(parse(await to_mermaid(ModelFilter())).boxes) == 2


async def test_hostile_labels_stay_text(store: str) -> None:
    """Labels that would be directives, links or HTML are drawn as they are."""
    labels = {"".join(c for c in text[:200] if is_clean(c)) for text in HOSTILE} - {""}
    top = await write_node(new_node(node_label="top"))
    await write_nodes([new_node(node_parent_id=top.node_id, node_label=x) for x in labels])
    parsed = parse(await to_mermaid(top, max_children=None))
    assert len(parsed.boxes) == len(labels) + 1


async def test_bad_requests(store: str) -> None:
    """An unknown node is named, and a limit that is none."""
    with pytest.raises(NodeNotFoundError, match="no node 987654321"):
        await to_mermaid(987654321)
    with pytest.raises(FilterError, match="max_nodes is a count from 1 on"):
        await to_mermaid(max_nodes=0)
