"""One experiment for all exports, in a storage whose files are gone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
from sqlalchemy.orm import Mapped

from artigraph import DataModel, Node, new_node, write_model, write_node, write_nodes
from artigraph.model.data import model_field
from artigraph.serializer.pandas import dataframe_serializer
from artigraph.storage.file import FileSystemStorage

__all__ = ["GraphFit", "GraphRun", "write_experiment"]


class GraphRun(Node):
    """A run."""

    __mapper_args__ = {"polymorphic_identity": "graph_run"}  # noqa: RUF012  # as users write it
    graph_run_started_at: Mapped[datetime | None]
    graph_run_state: Mapped[str | None]


class GraphFit(DataModel, version=2):
    """A model with a frame."""

    loss: float
    frame: pd.DataFrame = model_field(serializer=dataframe_serializer)


async def write_experiment(folder: Path) -> Node:
    """Write two runs, one with a model whose frame's bytes are then removed; their root.

    ::

        wine ┬ one ── fit ── frame
             └ two
    """

    class StoredFit(GraphFit, version=2):
        """The same, its frame in files."""

        frame: pd.DataFrame = model_field(
            serializer=dataframe_serializer, storage=FileSystemStorage(folder, name="graph-files")
        )

    wine = await write_node(new_node(node_label="wine"))
    one, _ = await write_nodes(
        [
            new_node(GraphRun, node_parent_id=wine.node_id, node_label=label, graph_run_state="ok")
            for label in ("one", "two")
        ]
    )
    fit = StoredFit(0.1, pd.DataFrame({"a": range(5000)}))
    await write_model(parent_id=one.node_id, label="fit", model=fit)
    _remove_files(folder)
    return wine


def _remove_files(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.unlink()
