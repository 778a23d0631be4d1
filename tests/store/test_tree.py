"""Trees read level by level: what hangs where, how much is left out, and at what price."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sqlalchemy import text
from sqlalchemy.orm import Mapped

from artigraph import (
    DataModel,
    Filter,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    Tree,
    TreeNode,
    engine_context,
    get_engine,
    new_artifact,
    new_node,
    read_tree,
    write_artifact,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.display.tree import text_tree
from artigraph.serializer.json import json_serializer
from artigraph.serializer.matplotlib import figure_serializer
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer
from tests.conftest import Statements


class TreeRun(Node):
    __mapper_args__ = {"polymorphic_identity": "tree_run"}  # noqa: RUF012  # as users write it
    tree_run_state: Mapped[str | None]
    tree_run_started_at: Mapped[datetime | None]
    tree_run_notes: Mapped[dict[str, Any] | None]


class TreeFit(DataModel, version=3):
    loss: float
    frame: Annotated[pd.DataFrame, dataframe_serializer]
    weights: Annotated[np.ndarray, array_serializer]


async def plant() -> Node:
    """An experiment with two runs, a model with parts, and an artifact; its root."""
    wine = await write_node(new_node(node_label="wine"))
    run, _ = await write_nodes(
        [
            new_node(TreeRun, node_parent_id=wine.node_id, node_label=label, tree_run_state=state)
            for label, state in (("one", "done"), (None, None))
        ]
    )
    fit = TreeFit(0.1, pd.DataFrame({"a": range(5000), "b": 1}), np.zeros((3, 13)))
    await write_model(parent_id=run.node_id, label="fit", model=fit)
    await write_artifact(new_artifact("raw", [1], json_serializer, parent_id=run.node_id))
    return wine


async def grow(counts: Sequence[int]) -> tuple[Node, list[list[Node]]]:
    """A root below which each node of a level has so many children; the levels."""
    levels = [[await write_node(new_node(node_label="top"))]]
    for count in counts:
        levels.append(
            await write_nodes(
                [
                    new_node(node_parent_id=above.node_id, node_label=str(n))
                    for above in levels[-1]
                    for n in range(count)
                ]
            )
        )
    return levels[0][0], levels[1:]


def drawn(tree: Tree) -> str:
    return "\n".join(text_tree(item, max_children=99, max_depth=99) for item in tree.to_items())


async def test_facts_of_each_row(store: str) -> None:
    """Ids, labels, classes, versions, times, sizes, and what a part is, without opening it."""
    before = datetime.now(UTC)
    wine = await plant()
    tree = await read_tree(wine)
    assert drawn(tree).split("\n") == [
        "(wine)",
        "├── (one)  tree_run",
        "│   ├── fit: [TreeFit]",
        "│   │   ├── frame: {frame}  5,000 × 2",  # noqa: RUF001
        "│   │   └── weights: {array}  3 × 13 float64",  # noqa: RUF001
        "│   └── raw: {artigraph-json}",
        f"└── (#{wine.node_id + 2})  tree_run",
    ]
    top, run, fit, frame, weights, raw, second = tree
    assert (len(tree), tree.roots, tree.more) == (7, (top,), 0)
    assert tree.children(top) == (run, second)
    assert tree.children(fit.node_id) == (frame, weights)
    assert tree.children(second) == tree.children(987654321) == ()
    assert [node.depth for node in tree] == [0, 1, 2, 3, 3, 2, 1]
    assert [node.kind for node in tree] == [
        "node", "node", "model", "artifact", "artifact", "artifact", "node",
    ]  # fmt: skip
    assert (top.parent_id, run.parent_id, run.node_type) == (None, top.node_id, "tree_run")
    assert (fit.label, fit.model_name, fit.model_version) == ("fit", "TreeFit", 3)
    assert (frame.content, frame.serializer) == ("frame", dataframe_serializer.name)
    assert frame.size is not None
    assert frame.size > 1000
    assert raw.size == 3
    assert all(before <= n.created_at <= n.updated_at <= datetime.now(UTC) for n in tree)
    assert [(n.child_count, n.more) for n in (top, run, fit, raw)] == [
        (2, 0), (2, 0), (2, 0), (0, 0),
    ]  # fmt: skip


async def test_no_value_document_or_large_column_is_selected(statements: Statements) -> None:
    """No statement names a column that holds bytes, a document, or what nobody asked for."""
    await plant()
    statements.clear()
    await read_tree(columns=["tree_run_state"])
    for statement in statements:
        for name in (
            "database_artifact_value",
            "model_artifact_data",
            "remote_artifact_location",
            "tree_run_notes",
            "tree_run_started_at",
        ):
            assert name not in statement


async def test_further_columns(store: str) -> None:
    """Columns of subclasses come by name when asked for; those with documents are refused."""
    wine = await plant()
    tree = await read_tree(wine, columns=["tree_run_state", "tree_run_started_at", "node_label"])
    top, run = list(tree)[:2]
    assert {"tree_run_state": None, "tree_run_started_at": None}.items() <= top.columns.items()
    assert {"tree_run_state": "done", "tree_run_started_at": None}.items() <= run.columns.items()
    assert "node_label" not in run.columns
    for name in ("tree_run_notes", "database_artifact_value", "model_artifact_data"):
        with pytest.raises(FilterError, match=f"{name}' holds values or documents"):
            await read_tree(wine, columns=[name])
    with pytest.raises(FilterError, match=r"'tree_run_stat'\. Did you mean 'tree_run_state'"):
        await read_tree(wine, columns=["tree_run_stat"])
    with pytest.raises(FilterError, match="a list of names"):
        await read_tree(wine, columns="tree_run_state")
    with pytest.raises(FilterError, match=r"columns takes a list of names"):
        await read_tree(wine, columns=3)  # type: ignore[arg-type]  # callers in notebooks are not type-checked
    with pytest.raises(FilterError, match=r"No node has a column 3"):
        await read_tree(wine, columns=[3])  # type: ignore[list-item]  # as above


async def test_statements_grow_with_depth_alone(statements: Statements) -> None:
    """One statement a level, with ten nodes or with thousands in it."""
    for counts in ([2, 2, 2], [10, 10, 20], [2_000, 1], [1] * 8):
        root, levels = await grow(counts)
        statements.clear()
        tree = await read_tree(root, max_children=None, max_nodes=None)
        assert len(tree) == 1 + sum(map(len, levels))
        # The last level's counts tell that nothing hangs on it.
        assert len(statements) == 1 + len(counts)


async def test_depth_is_bounded(statements: Statements) -> None:
    """Levels beyond max_depth are counted at what they hang on, and not read."""
    root, _ = await grow([3, 4, 1])
    for depth, size in ((0, 1), (1, 4), (2, 16), (3, 28), (None, 28)):
        statements.clear()
        tree = await read_tree(root, max_depth=depth)
        assert len(tree) == size
        assert len(statements) == (4 if depth is None else depth + 1)
        deepest = [node for node in tree if node.depth == depth]
        assert all(node.more == node.child_count for node in deepest)


async def test_a_broad_fan_is_cut(statements: Statements) -> None:
    """Of 5,000 children the first by id are read, and the others counted."""
    root, ((*children,), *_) = await grow([5_000])
    await write_node(new_node(node_parent_id=children[3].node_id))
    statements.clear()
    tree = await read_tree(root, max_children=7)
    assert len(statements) == 3
    assert [node.node_id for node in tree.children(root.node_id)] == [
        node.node_id for node in children[:7]
    ]
    assert (tree.roots[0].child_count, tree.roots[0].more) == (5_000, 4_993)
    assert drawn(tree).endswith("(6)\n└── … 4,993 more")
    assert len(await read_tree(root, max_children=5_000, max_nodes=None)) == 5_002


async def test_each_parent_has_its_own_page(store: str) -> None:
    """Children that others have in between do not count against a parent's page."""
    root, (first, _) = await grow([3, 0])
    # In turn, so that neighbouring ids have different parents.
    await write_nodes(
        [
            new_node(node_parent_id=first[n % 3].node_id, node_label=str(n))
            for n in range(30)
            if n % 3 != 2 or n < 6
        ]
    )
    tree = await read_tree(root, max_children=4)
    below = [[child.label for child in tree.children(node.node_id)] for node in first]
    assert below == [["0", "3", "6", "9"], ["1", "4", "7", "10"], ["2", "5"]]
    assert [node.more for node in tree.children(root.node_id)] == [6, 6, 0]


async def test_size_is_bounded_and_shared(store: str) -> None:
    """max_nodes keeps the upper levels whole first; one level's nodes share what is left."""
    root, _ = await grow([3, 10])
    for most in range(1, 36):
        tree = await read_tree(root, max_nodes=most)
        assert len(tree) == min(most if most < 4 else 4 + (most - 4) // 3 * 3, 34) or (
            most < 7 and len(tree) == most
        )
        assert sum(node.more + len(tree.children(node)) for node in tree) == sum(
            node.child_count for node in tree
        )
    shares = [len((await read_tree(root, max_nodes=13)).children(n)) for n in await ids_below(root)]
    assert shares == [3, 3, 3]


async def ids_below(root: Node) -> list[int]:
    return [node.node_id for node in (await read_tree(root, max_depth=1)).children(root.node_id)]


async def test_a_small_share_goes_to_those_that_want_more(store: str) -> None:
    """A node with one child leaves its share to a node with many."""
    root, ((few, many),) = await grow([2])
    await write_node(new_node(node_parent_id=few.node_id))
    await write_nodes([new_node(node_parent_id=many.node_id) for _ in range(50)])
    tree = await read_tree(root, max_nodes=13, max_children=None)
    assert len(tree) == 13
    assert [len(tree.children(node.node_id)) for node in (few, many)] == [1, 9]


async def test_all_roots(statements: Statements) -> None:
    """Without a node, all roots are read; those beyond max_children are counted."""
    await write_nodes([new_node(node_label=str(n)) for n in range(30)])
    statements.clear()
    tree = await read_tree(max_children=4)
    assert len(statements) == 1
    assert [root.label for root in tree.roots] == ["0", "1", "2", "3"]
    assert tree.more == 26
    assert len(await read_tree(max_children=None)) == 30
    assert (await read_tree(max_nodes=5)).more == 25


async def test_no_rows_make_an_empty_tree(store: str) -> None:
    """A store without rows, and a filter that finds none, have a tree without roots."""
    for tree in (await read_tree(), await read_tree(NodeFilter(label="no such"))):
        assert (list(tree), tree.roots, tree.more, len(tree), tree.to_items()) == ([], (), 0, 0, [])


async def test_a_filters_nodes_are_roots(statements: Statements) -> None:
    """What a filter finds are roots, and what is below another of them hangs there, once."""
    wine = await plant()
    asked: list[tuple[Filter, list[str | None]]] = [
        (ModelFilter(), ["fit"]),
        (NodeFilter(node_type=TreeRun), ["one", None]),
        (NodeFilter(), ["wine"]),
        (NodeFilter(label=["wine", "weights"]), ["wine"]),
        (NodeFilter(label=["one", "fit", "raw"]), ["one"]),
        (NodeFilter(label=["frame", "raw"]), ["frame", "raw"]),
        (NodeRelationshipFilter(descendant_of=NodeFilter(label="one")), ["fit", "raw"]),
    ]
    for filter, roots in asked:
        statements.clear()
        tree = await read_tree(filter)
        assert [root.label for root in tree.roots] == roots, filter
        ids = [node.node_id for node in tree]
        assert len(ids) == len(set(ids))
        assert len(statements) <= 4
    assert (await read_tree(ModelFilter())).roots[0].parent_id == wine.node_id + 1


async def test_many_found_nodes_are_cut_and_counted(statements: Statements) -> None:
    """Of 3,000 models the first are drawn; those below others do not count as roots."""
    root, (runs,) = await grow([3])
    for run in runs:
        models = {str(n): TreeOnly(n) for n in range(1000)}
        await write_models(parent_id=run.node_id, models=models)
    statements.clear()
    tree = await read_tree(ModelFilter(), max_children=10)
    assert (len(tree.roots), tree.more) == (10, 2_990)
    assert len(statements) == 1
    tree = await read_tree(ModelFilter() | NodeFilter(node_id=runs[0].node_id), max_children=10)
    assert (tree.roots[0].node_id, tree.roots[0].more, tree.more) == (
        runs[0].node_id, 990, 2_001 - 10,
    )  # fmt: skip
    assert root.node_id not in [node.node_id for node in tree]


class TreeOnly(DataModel, version=1):
    n: int


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_cycles_end(store: str, length: int) -> None:
    """A cycle made in raw SQL is drawn once round, and what closes it is counted as left out."""
    root, levels = await grow([1] * (length - 1))
    chain = [root, *(level[0] for level in levels)]
    async with (await get_engine()).begin() as connection:
        await connection.execute(
            text("UPDATE artigraph_node SET node_parent_id = :p WHERE node_id = :c"),
            {"p": chain[-1].node_id, "c": chain[0].node_id},
        )
    async with asyncio.timeout(300):
        for of in (chain[-1], chain[-1].node_id, NodeFilter(node_id=chain[-1].node_id)):
            tree = await read_tree(of, max_depth=None)
            assert len(tree) == length
            assert [node.more for node in tree] == [0] * (length - 1) + [1]
        # A circle has no top.
        assert len(await read_tree()) == 0
        if length > 1:
            assert len(await read_tree(NodeFilter())) == 0


async def test_a_parent_that_is_gone(tmp_path: Path) -> None:
    """A row whose parent somebody removed behind the database's back is drawn as a root."""
    file = tmp_path / "broken.db"
    with engine_context(f"sqlite+aiosqlite:///{file}", create_tables=True):
        root, (children, _) = await grow([2, 2])
        with closing(sqlite3.connect(file)) as raw:  # which keeps no foreign keys
            raw.execute("DELETE FROM artigraph_node WHERE node_id = ?", [root.node_id])
            raw.commit()
        tree = await read_tree(children[0])
        assert [node.depth for node in tree] == [0, 1, 1]
        assert tree.roots[0].parent_id == root.node_id
        assert [node.node_id for node in (await read_tree(NodeFilter())).roots] == [
            node.node_id for node in children
        ]


async def test_a_chain_of_1100_is_drawn() -> None:
    """A tree deeper than Python recurses is read, walked, shown and made into items."""
    ids = range(1, 1101)
    with engine_context("sqlite+aiosqlite:///:memory:", create_tables=True):
        above = [None, *ids[:-1]]
        rows = zip(ids, above, strict=True)
        await write_nodes([new_node(node_id=n, node_parent_id=p) for n, p in rows])
        tree = await read_tree(1, max_depth=None, max_nodes=None)
    assert [node.depth for node in tree] == list(range(1100))
    assert len(repr(tree)) < 10_000
    item = tree.to_items()[0]
    depth = 0
    while item.children:
        (item,) = item.children
        depth += 1
    assert depth == 1099


async def test_a_class_that_is_not_defined_here(store: str) -> None:
    """Rows of unknown classes, and models of unknown kinds, are told by their columns."""
    wine = await plant()
    async with (await get_engine()).begin() as connection:
        for name in ("tree_run", "model_artifact", "database_artifact"):
            await connection.execute(
                text("UPDATE artigraph_node SET node_type = :new WHERE node_type = :old"),
                {"new": f"unknown_{name}", "old": name},
            )
    kinds = [node.kind for node in await read_tree(wine)]
    assert kinds == ["node", "node", "model", "artifact", "artifact", "artifact", "node"]


async def test_summaries_of_other_people(store: str) -> None:
    """A summary that says something else than expected spoils nothing."""
    wine = await plant()
    odd = [
        "[1, 2]",
        '"text"',
        '{"kind": [1], "rows": "many", "num_columns": null}',
        '{"shape": "<b>", "dtype": {"a": 1}}',
        '{"kind": "frame", "rows": -1, "num_columns": 1e99}',
    ]
    new = "CAST(:summary AS jsonb)" if store == "postgresql" else ":summary"
    for summary in odd:
        async with (await get_engine()).begin() as connection:
            await connection.execute(
                text(f"UPDATE artigraph_node SET artifact_summary = {new} WHERE artifact_size > 0"),
                {"summary": summary},
            )
        tree = await read_tree(wine)
        assert len(tree) == 7
        assert drawn(tree)


@pytest.mark.parametrize(
    "limits",
    [
        {"max_depth": -1}, {"max_depth": True}, {"max_depth": "all"}, {"max_children": 0},
        {"max_children": 1.5}, {"max_nodes": 0}, {"max_nodes": -3},
    ],
    ids=str,
)  # fmt: skip
async def test_limits_that_are_no_counts(store: str, limits: dict[str, Any]) -> None:
    """A limit is a count or None; the message says from where on it counts."""
    (name,) = limits
    with pytest.raises(FilterError, match=f"{name} is a count from [01] on, or None for all"):
        await read_tree(**limits)


async def test_what_a_tree_cannot_be_of(store: str) -> None:
    """An unknown id, an unwritten node, several nodes and other things are told apart."""
    with pytest.raises(NodeNotFoundError, match="There is no node 987654321"):
        await read_tree(987654321)
    with pytest.raises(FilterError, match="write this one first"):
        await read_tree(new_node())
    with pytest.raises(FilterError, match=r"asked for as NodeFilter\(node_id=\[1, 2\]\)"):
        await read_tree([1, 2])  # type: ignore[arg-type]
    for other in ("wine", True, TreeRun):
        with pytest.raises(FilterError, match="takes an id, a node"):
            await read_tree(other)  # type: ignore[arg-type]


async def test_a_tree_is_a_value(store: str) -> None:
    """Two readings of the same rows are equal, and none can be changed."""
    wine = await plant()
    one, other = await read_tree(wine), await read_tree(wine.node_id)
    assert one == other
    assert isinstance(one.roots[0], TreeNode)
    with pytest.raises(AttributeError):
        one.roots = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        one.roots[0].label = "other"  # type: ignore[misc]


async def test_a_figure_shows_its_inches(store: str) -> None:
    """Sizes that are fractions are drawn as such, and whole ones without a point."""
    for label, size in [("whole", (9, 5)), ("fraction", (6.05, 4.8))]:
        await write_artifact(new_artifact(label, Figure(size), figure_serializer))
    tree = await read_tree()
    assert [node.extent for node in tree.roots] == ["9 × 5", "6.05 × 4.8"]  # noqa: RUF001  # as sizes are written
