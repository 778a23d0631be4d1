"""A small store of all kinds, every way to read it, and every way to write into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from artigraph import (
    CellRun,
    DataModel,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    collect_garbage,
    create_current,
    create_field_index,
    create_label_index,
    delete_artifacts,
    delete_models,
    delete_nodes,
    drop_field_index,
    new_artifact,
    new_node,
    orphaned_blobs,
    read_node,
    read_path,
    schema_status,
    upgrade_schema,
    write_artifact,
    write_artifacts,
    write_model,
    write_models,
    write_node,
    write_nodes,
    write_parent_child_relationships,
)
from artigraph.model.group import current_model_group
from artigraph.serializer.json import json_serializer
from artigraph.storage.file import FileSystemStorage, TempFileStorage
from tests.fuzz.doors import doors, show

__all__ = ["Broad", "fill", "read_all", "writes"]

MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)

AWAY = TempFileStorage("broad-away")
"""Where fields of models go that are not kept in rows."""


class BroadLeaf(DataModel, version=1):
    x: float


class BroadScalars(DataModel, version=1):
    real: float
    number: int
    text: str
    moment: datetime


class BroadAway(DataModel, version=1):
    values: Annotated[list[int], json_serializer, AWAY]


class BroadFrames(DataModel, version=1):
    leaf: BroadLeaf
    table: pd.DataFrame
    array: np.ndarray


@dataclass
class Broad:
    """What was written."""

    files: FileSystemStorage
    root: int
    ids: list[int]

    def blobs(self) -> list[Path]:
        """What lies in its storage."""
        folders = self.files.directory, AWAY.directory
        return sorted(one for folder in folders for one in folder.rglob("*") if one.is_file())


async def fill(folder: Path, name: str) -> Broad:
    """Write a store of all kinds.

    Args:
        folder: Where its blobs go.
        name: Its storage's, unique in the whole suite.
    """
    files = FileSystemStorage(folder, name)
    root = await write_node(new_node(node_label="root"))
    async with ModelGroup(
        new_node(CellRun, node_label="run", node_parent_id=root.node_id)
    ) as group:
        group.add_model("scalars", BroadScalars(1.5, 2, "plain", MOMENT))
    frame = pd.DataFrame({"a": range(30), "b": [f"text {i}" for i in range(30)]})
    parts = BroadFrames(BroadLeaf(2.0), frame, np.arange(12).reshape(3, 4))
    given: dict[str, DataModel] = {"leaf": BroadLeaf(3.0), "frames": parts}
    models = await write_models(parent_id=root.node_id, models=given)
    loose = new_artifact("loose", [1, 2, 3], json_serializer, storage=files, parent_id=root.node_id)
    small = new_artifact("small", {"a": 1}, json_serializer, parent_id=root.node_id)
    written = await write_artifacts([loose, small])
    artifacts = [one.artifact for one in models.values()] + [one.artifact for one in written]
    return Broad(files, root.node_id, [root.node_id, *(one.node_id for one in artifacts)])


async def read_all(broad: Broad) -> None:
    """Read and show all of it, in every way that there is."""
    classes = SimpleNamespace(
        Scalars=BroadScalars, Leaf=BroadLeaf, MOMENT=MOMENT, files=broad.files
    )
    # Of what is no model one door or the other says that it leads nowhere.
    # Of what is no model one door or the other says that it leads nowhere; two ask strangely.
    apart = {"read_model", "read_artifact", "find text", "count"}
    for name, read in doors(classes, broad.ids):
        if name not in apart:
            show(await read())
    show(await read_node(NodeFilter(node_id=broad.root)))
    show(await read_path(broad.ids[-1]))
    assert (await schema_status()).can_read
    await upgrade_schema(dry_run=True)
    assert [blob async for blob in orphaned_blobs(broad.files)] == []


Write = Callable[[], Awaitable[object]]


def writes(broad: Broad) -> dict[str, Write]:
    """Every way to write, by name; each is awaited once."""
    root, files = broad.root, broad.files
    away = BroadAway([7, *broad.ids])

    async def renamed() -> object:
        node = await read_node(NodeFilter(node_id=root))
        node.node_label = "renamed"
        return await write_node(node)

    async def current() -> None:
        async with create_current(new_node(node_label="current")):
            raise AssertionError

    async def group() -> None:
        async with ModelGroup(root):
            current = current_model_group()
            assert current is not None
            current.add_model("more", away)

    async def removed() -> None:
        await ModelGroup(root).remove_models(["leaf"])

    def value(storage: bool) -> Any:
        place = files if storage else None
        return new_artifact("new", [9], json_serializer, storage=place, parent_id=root)

    return {
        "write_node": lambda: write_node(new_node(node_label="new")),
        "write_nodes": lambda: write_nodes([new_node(), new_node(node_parent_id=root)]),
        "rename": renamed,
        "write_artifact": lambda: write_artifact(value(False)),
        "write_artifact beside": lambda: write_artifact(value(True)),
        "write_artifacts": lambda: write_artifacts([value(True)]),
        "write_model": lambda: write_model(label="new", model=BroadLeaf(1.0)),
        "write_model with parts": lambda: write_model(
            label="new", model=BroadAway([1, len(broad.ids)])
        ),
        "write_models": lambda: write_models(models={"new": BroadLeaf(1.0)}),
        "move": lambda: write_parent_child_relationships([(None, broad.ids[1])]),
        "delete_nodes": lambda: delete_nodes(NodeFilter(node_id=root)),
        "delete_models": lambda: delete_models(ModelFilter(), everything=True),
        "delete_artifacts": lambda: delete_artifacts(NodeFilter(), everything=True),
        "create_current": current,
        "group": group,
        "removed": removed,
        "create_field_index": lambda: create_field_index(BroadLeaf, "x"),
        "drop_field_index": lambda: drop_field_index(BroadLeaf, "x"),
        "create_label_index": create_label_index,
        "collect_garbage": lambda: collect_garbage(files, dry_run=False, older_than=timedelta(0)),
    }
