"""Draws ``tree.svg``, the README's picture, from rows of a real database.

Run it again when the drawing changes: ``python docs/images/make_tree.py``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from sqlalchemy.orm import Mapped

from artigraph import (
    BaseArtifact,
    DataModel,
    ModelArtifact,
    ModelGroup,
    Node,
    NodeRelationshipFilter,
    new_node,
    read_nodes,
    set_engine,
)
from artigraph.display.tree import NodeKind, TreeItem, svg_tree
from artigraph.serializer.numpy import array_serializer
from artigraph.serializer.pandas import dataframe_serializer

__all__ = ["draw"]


class Run(Node):
    """One training."""

    __mapper_args__ = {"polymorphic_identity": "run"}  # noqa: RUF012  # as SQLAlchemy has it
    run_estimator: Mapped[str]


class Dataset(DataModel, version=1):
    """What is learnt from."""

    source: str
    rows: int


class Fit(DataModel, version=1):
    """What was learnt."""

    loss: float
    predictions: Annotated[pd.DataFrame, dataframe_serializer]
    weights: Annotated[np.ndarray, array_serializer]


async def draw() -> str:
    """Write an experiment, read its rows, and draw them."""
    set_engine("sqlite+aiosqlite:///:memory:", create_tables=True)
    frame = pd.DataFrame({"truth": [0, 1, 1], "predicted": [0, 1, 0]})
    async with ModelGroup(new_node(node_label="wine")) as experiment:
        experiment.add_model("data", Dataset("sklearn", rows=178))
        for number, (estimator, loss) in enumerate({"forest": 0.21, "logistic": 0.12}.items(), 1):
            node = new_node(Run, node_label=f"run {number}", run_estimator=estimator)
            async with ModelGroup(node) as run:
                run.add_model("fit", Fit(loss, frame, np.zeros((3, 13))))
    inside = NodeRelationshipFilter(descendant_of=experiment.node, include_self=True)
    return svg_tree(tree_of(await read_nodes(inside)))


def tree_of(nodes: list[Node]) -> TreeItem:
    """The facts of rows, the first of which is the root."""

    def item(node: Node) -> TreeItem:
        children = [item(child) for child in nodes if child.node_parent_id == node.node_id]
        kind, label, title, edge = facts(node)
        return TreeItem(label, kind, title, edge, children)

    return item(nodes[0])


def facts(node: Node) -> tuple[NodeKind, str, str, str]:
    """A row's kind, label, title, and what stands on the line to it."""
    label = str(node.node_label)
    if isinstance(node, ModelArtifact):
        fields = (node.model_artifact_data or {}).items()
        plain = [f"{name}={value}" for name, value in fields if not isinstance(value, dict)]
        return "model", str(node.model_artifact_type), ", ".join(plain), label
    if isinstance(node, BaseArtifact):
        # Written with the value, so that drawing opens no value.
        match node.artifact_summary:
            case {"kind": "frame", "rows": rows, "num_columns": columns}:
                return "artifact", "frame", f"{rows} rows, {columns} columns", label
            case {"kind": "array", "shape": shape, "dtype": dtype}:
                return "artifact", "array", f"{' × '.join(map(str, shape))} {dtype}", label  # noqa: RUF001
        return "artifact", str(node.artifact_serializer), "", label
    return "node", label, node.run_estimator if isinstance(node, Run) else "", ""


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("tree.svg"))
    target.write_text(asyncio.run(draw()), encoding="utf-8")
