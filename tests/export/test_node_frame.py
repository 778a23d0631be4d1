"""Frames of nodes: runs with their parameters; and of models with the runs that made them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.orm import Mapped, mapped_column

from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    TrackedRun,
    ValueFilter,
    new_node,
    read_frame,
    read_table,
    tag_nodes,
    write_model,
    write_models,
    write_node,
    write_nodes,
)
from artigraph.orm.base import utc_now
from tests.conftest import Statements

START = datetime(2024, 1, 1, 12, tzinfo=UTC)


class FrameGear(Enum):
    LOW = 1


class FrameTrain(Node):
    __mapper_args__ = {"polymorphic_identity": "frame_train"}  # noqa: RUF012  # as users write it
    frame_train_gear: Mapped[FrameGear | None] = mapped_column(EnumColumn(FrameGear))
    frame_train_epochs: Mapped[int | None] = mapped_column()
    frame_train_took: Mapped[timedelta | None] = mapped_column()
    frame_train_path: Mapped[str | None] = mapped_column()
    frame_train_raw: Mapped[bytes | None] = mapped_column()


class FrameFit(DataModel, version=1):
    loss: float


async def runs() -> list[TrackedRun]:
    root = await write_node(new_node(node_label="sweep"))
    given: list[dict[str, Any]] = [
        {"lr": 0.5, "net": {"depth": 3}},
        {"lr": 1, "name": "adam"},
        {"lr": 0.1, "layers": [1, 2]},
    ]
    return await write_nodes(
        [
            TrackedRun(
                node_label=f"r{n}",
                node_parent_id=root.node_id,
                tracked_run_status="running" if n == 2 else "finished",
                tracked_run_beat_at=utc_now() - timedelta(hours=1) if n == 2 else None,
                tracked_run_started_at=START + timedelta(days=n),
                tracked_run_params=params,
            )
            for n, params in enumerate(given)
        ]
    )


async def test_a_row_a_run(store: str) -> None:
    """Path first, then columns and parameters by friendly names, ids and times last."""
    written = await runs()
    frame = await read_frame(NodeFilter(node_type=TrackedRun))
    assert list(frame) == [
        "path",
        "status",
        "started_at",
        "ended_at",
        "beat_at",
        "error",
        *[f"params.{name}" for name in ("lr", "net.depth", "name", "layers")],
        "source",
        "code",
        "environment",
        "commit",
        "label",
        "type",
        "id",
        "parent_id",
        "created_at",
        "updated_at",
    ]
    assert list(frame["path"]) == ["sweep/r0", "sweep/r1", "sweep/r2"]
    assert list(frame["status"]) == ["finished", "finished", "lost"]
    assert list(frame["params.lr"]) == [0.5, 1.0, 0.1]
    assert list(frame["params.net.depth"].fillna(0)) == [3, 0, 0]
    assert list(frame["params.layers"].dropna()) == [[1, 2]]
    assert frame["started_at"].iloc[1] == START + timedelta(days=1)
    assert list(frame["id"]) == [node.node_id for node in written]
    assert list(frame["type"]) == ["artigraph_run"] * 3


async def test_the_types_are_those_of_the_columns(database: str, store: str) -> None:
    """Also where all values are missing; bytes are left out, and names that clash have a dot."""
    await write_nodes(
        [
            FrameTrain(
                node_label="a",
                frame_train_gear=FrameGear.LOW,
                frame_train_epochs=3,
                frame_train_took=timedelta(seconds=1.5),
                frame_train_path="x",
                frame_train_raw=b"0",
            ),
            FrameTrain(node_label="b"),
        ]
    )
    table = await read_table(NodeFilter(node_type=FrameTrain))
    types = {field.name: field.type for field in table.schema}
    assert types["gear"] == pa.string()
    assert types["epochs"] == pa.int64()
    assert types["took"] == pa.duration("us")
    assert types["created_at"] == pa.timestamp("us", "UTC")
    assert "raw" not in types
    assert table.column("gear").to_pylist() == ["LOW", None]
    assert table.column(".path").to_pylist() == ["x", None]
    nothing = await read_table(FrameTrain.where({"epochs": 4}))
    assert nothing.num_rows == 0
    assert {f.name: f.type for f in nothing.schema} == types


async def test_order_limit_and_columns(store: str) -> None:
    """As for models: by a friendly name or a parameter, a few, and some columns in order."""
    await runs()
    asked = TrackedRun.where({"params.lr": ValueFilter(lt=2)})
    frame = await read_frame(asked, ["label", "params"], order_by="-params.lr", limit=2)
    assert list(frame) == ["label", "params.lr", "params.name", "params.net.depth"]
    assert list(frame["label"]) == ["r1", "r0"]
    frame = await read_frame(asked, ["params.lr", "uid", "created_by"], order_by="-started_at")
    assert list(frame["params.lr"]) == [0.1, 1, 0.5]
    assert frame["uid"].notna().all()
    with pytest.raises(FilterError, match="Did you mean 'status'"):
        await read_frame(asked, ["statsu"])


async def test_a_filter_of_any_nodes_gives_models_else_nodes(store: str) -> None:
    """Never an empty frame without a word: what is there is shown."""
    made = await runs()
    below = NodeRelationshipFilter(descendant_of=made[0].node_parent_id or 0)
    assert list((await read_frame(below))["label"]) == ["r0", "r1", "r2"]
    await write_model(label="m", model=FrameFit(0.5), parent_id=made[0].node_id)
    assert list((await read_frame(below))["node_label"]) == ["m"]
    assert (await read_frame(ModelFilter(label="no"))).empty
    assert (await read_frame(NodeFilter(label="no"))).empty


async def test_models_in_order_and_few(store: str) -> None:
    """Models take order_by and limit as well."""
    await write_models(models={n: FrameFit(loss) for n, loss in {"a": 3, "b": 1, "c": 2}.items()})
    frame = await read_frame(ModelFilter(model_type=FrameFit), order_by="loss", limit=2)
    assert list(frame["node_label"]) == ["b", "c"]
    with pytest.raises(FilterError, match="limit is a count"):
        await read_frame(ModelFilter(), limit=-1)


async def test_models_with_the_runs_above_them(store: str) -> None:
    """The nearest run's columns stand behind the model's own."""
    made = await runs()
    inner = await write_node(new_node(node_label="part", node_parent_id=made[1].node_id))
    await write_model(label="m", model=FrameFit(0.5), parent_id=made[0].node_id)
    await write_model(label="n", model=FrameFit(0.7), parent_id=inner.node_id)
    await write_models(models={"o": FrameFit(0.9)})
    asked = ModelFilter(model_type=FrameFit)
    frame = await read_frame(asked, above=TrackedRun, order_by="-loss")
    assert list(frame["node_label"]) == ["o", "n", "m"]
    assert list(frame["run.label"].fillna("")) == ["", "r1", "r0"]
    assert list(frame["run.params.lr"].fillna(0)) == [0, 1, 0.5]
    assert list(frame["run.path"].fillna("")) == ["", "sweep/r1", "sweep/r0"]
    some = await read_frame(asked, ["loss", "run.status", "run.params.lr"], above=TrackedRun)
    assert list(some) == ["loss", "run.status", "run.params.lr"]
    with pytest.raises(FilterError, match="asks for nodes"):
        await read_frame(NodeFilter(node_type=TrackedRun), above=TrackedRun)
    wrong: Any = FrameFit
    with pytest.raises(FilterError, match="takes a node class"):
        await read_frame(asked, above=wrong)


async def test_tags_of_nodes(store: str) -> None:
    """Tags are columns behind the others."""
    made = await runs()
    await tag_nodes(NodeFilter(node_id=made[1].node_id), {"stage": "prod"})
    frame = await read_frame(NodeFilter(node_type=TrackedRun), tags=True)
    assert list(frame["tag:stage"].fillna("")) == ["", "prod", ""]


async def test_few_statements(statements: Statements) -> None:
    """As many for three runs as for one: classes, rows, paths."""
    await runs()
    statements.clear()
    frame = await read_frame(NodeFilter(node_type=TrackedRun))
    assert isinstance(frame, pd.DataFrame)
    assert len(statements) == 3
