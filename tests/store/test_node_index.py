"""Indexes on columns of nodes and on what documents in them hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from artigraph import (
    DataModel,
    FilterError,
    ModelFilter,
    Node,
    NodeFilter,
    TrackedRun,
    create_field_index,
    drop_field_index,
    like,
    read_models,
    read_nodes,
    write_models,
    write_nodes,
)
from tests.store.test_field_index import plan

START = datetime(2024, 1, 1, tzinfo=UTC)


class IndexNode(Node):
    __mapper_args__ = {"polymorphic_identity": "index_node"}  # noqa: RUF012  # as users write it
    index_node_note: Mapped[str | None] = mapped_column()


class IndexFit(DataModel, version=1):
    lr: float


@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("params.lr", lambda r: r.params["lr"] < 0.01),
        ("params.name", lambda r: r.params["name"] == "wanted"),
        ("status", lambda r: r.status == "failed"),
        ("error", lambda r: r.error == "e" * 5_000),
        ("started_at", lambda r: r.started_at > START + timedelta(days=1000)),
    ],
)
async def test_an_index_is_used_and_finds_the_same(
    store: str, field: str, ask: Callable[[Any], Any]
) -> None:
    """The database says that it uses the index; answers stay, also when it is dropped."""

    def run(label: str, wanted: bool, at: int = 0) -> TrackedRun:
        return TrackedRun(
            node_label=label,
            tracked_run_status="failed" if wanted else "finished",
            tracked_run_error=("e" if wanted else "f") * 5_000,
            tracked_run_started_at=START + timedelta(days=2000 if wanted else at),
            tracked_run_params={
                "lr": 0.001 if wanted else 0.5,
                "name": "wanted" if wanted else "n",
            },
        )

    await write_nodes([run(f"r{i}", False, i) for i in range(400)] + [run("wanted", True)])
    await write_nodes([Node(node_label=f"n{i}") for i in range(400)])
    filter = TrackedRun.where(ask)

    async def answer() -> list[Any]:
        return [node.node_label for node in await read_nodes(filter)]

    try:
        assert await answer() == ["wanted"]
        await create_field_index(TrackedRun, field)
        await create_field_index(TrackedRun, field)
        assert "artigraph_field_" in await plan(filter)
        assert await answer() == ["wanted"]
        await write_nodes([run("later", True)])
        assert await answer() == ["wanted", "later"]
    finally:
        await drop_field_index(TrackedRun, field)
        await drop_field_index(TrackedRun, field)
    assert "artigraph_field_" not in await plan(filter)
    assert await answer() == ["wanted", "later"]


async def test_an_index_of_models_is_none_of_nodes(store: str) -> None:
    """A key of parameters and a field of one name are two things, with an index on either."""
    await write_models(models={"m": IndexFit(0.5)})
    await write_nodes([TrackedRun(node_label="r", tracked_run_params={"lr": 0.25})])
    try:
        await create_field_index(IndexFit, "lr")
        await create_field_index(TrackedRun, "params.lr")
        found = await read_models(ModelFilter(where={"lr": 0.5}))
        assert [one.artifact.node_label for one in found] == ["m"]
        assert not await read_models(ModelFilter(where={"lr": 0.25}))
        runs = await read_nodes(TrackedRun.where({"params.lr": 0.25}))
        assert [node.node_label for node in runs] == ["r"]
        assert not await read_nodes(TrackedRun.where({"params.lr": 0.5}))
    finally:
        await drop_field_index(IndexFit, "lr")
        await drop_field_index(TrackedRun, "params.lr")


async def test_long_texts_are_kept_under_an_index(store: str) -> None:
    """An index takes no more of a text than the database lets it."""
    try:
        await create_field_index(IndexNode, "note")
        text = "".join(chr(0x4E00 + at % 20_000) for at in range(9_000))
        await write_nodes([IndexNode(index_node_note=text), IndexNode(index_node_note=text + "a")])
        assert len(await read_nodes(IndexNode.where({"note": text}))) == 1
        assert len(await read_nodes(IndexNode.where(lambda n: like(n.note, text + "%")))) == 2
    finally:
        await drop_field_index(IndexNode, "note")


async def test_the_newest_come_by_the_index(store: str) -> None:
    """An order by a moment needs no sort where the database has an index for all types."""
    await write_nodes([TrackedRun(tracked_run_started_at=START + timedelta(n)) for n in range(400)])
    runs = NodeFilter(node_type=TrackedRun)
    try:
        await create_field_index(TrackedRun, "started_at")
        told = await plan(runs, "-started_at")
        assert store != "postgresql" or "artigraph_field_" in told
    finally:
        await drop_field_index(TrackedRun, "started_at")


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("params", "of which no database knows how to sort it"),
        ("params.a'b", "cannot be indexed"),
        ("statsu", "Did you mean 'status'"),
    ],
)
async def test_what_has_no_index_is_refused(store: str, field: str, says: str) -> None:
    """A document itself, a key that is no plain one, and a column that there is not."""
    with pytest.raises(FilterError, match=says):
        await create_field_index(TrackedRun, field)
