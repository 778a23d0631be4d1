"""Runs as a table."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from artigraph import (
    DataModel,
    FilterError,
    NodeFilter,
    NodeNotFoundError,
    NodeRelationshipFilter,
    TrackedRun,
    new_node,
    options,
    read_kept,
    read_nodes,
    read_runs,
    read_series,
    start_run,
    trash_nodes,
    write_node,
)
from artigraph.display.row import ResultList
from artigraph.display.shown import as_text
from artigraph.display.value import format_duration
from artigraph.orm.base import utc_now
from tests.conftest import Statements

pytestmark = pytest.mark.usefixtures("store")


class TableFit(DataModel, version=1):
    accuracy: float
    at: datetime
    many: list[int]


AT = datetime(2026, 1, 2, tzinfo=UTC)


async def sweep(count: int = 3) -> int:
    """A sweep with some runs; the id of its node."""
    async with start_run("sweep", seed=1) as top:
        for number in range(count):
            async with start_run(f"r{number}", lr=number / 10, seed=1) as run:
                for step in range(5):
                    run.log(step, loss=float(10 - number - step))
                run.keep(fit=TableFit(number / 4, AT, [1]), score=number, text="a")
                if number == 1:
                    run.tag("best", stage="prod")
    return top.node.node_id


def below(node_id: int) -> NodeFilter:
    """What hangs right on a node."""
    return NodeFilter(relationship=NodeRelationshipFilter(child_of=node_id))


async def test_a_row_a_run() -> None:
    """Path, status and duration first; parameters, metrics, results, tags; bookkeeping last."""
    top = await sweep()
    table = await read_runs(below(top))
    assert len(table) == 3
    # A table stands for its runs, wherever nodes are asked for.
    curves = await read_series(table, "loss")
    assert curves.groupby("node_id").size().to_dict() == dict.fromkeys(table.node_ids, 5)
    assert table["path"] == ["sweep/r2", "sweep/r1", "sweep/r0"]
    assert table.columns[:5] == ["path", "status", "duration", "params.lr", "params.seed"]
    assert table.columns[-1] == "node_id"
    row = table[1]
    expected = {
        "status": "finished",
        "params.lr": 0.1,
        "params.seed": 1,
        "loss": 5.0,
        "loss.min": 5.0,
        "loss.max": 9.0,
        "loss.points": 5,
        "fit.accuracy": 0.25,
        "fit.at": "2026-01-02T00:00:00.000000Z",
        "score": 1,
        "text": "a",
        "tag:best": True,
        "tag:stage": "prod",
    }
    assert {name: row[name] for name in expected} == expected
    assert "fit.many" not in table.columns
    assert timedelta() < row["duration"] < timedelta(minutes=5)
    assert [one["path"] for one in table] == table["path"]


async def test_nothing_and_everything() -> None:
    """Without a filter it reads all runs; given nothing, it refuses."""
    assert len(await read_runs()) == 0
    top = await sweep()
    await write_node(new_node(node_label="no run"))
    assert sorted((await read_runs())["path"]) == ["sweep", "sweep/r0", "sweep/r1", "sweep/r2"]
    for nothing in (None, new_node(), "sweep", True):
        with pytest.raises(FilterError):
            await read_runs(nothing)  # type: ignore[arg-type]  # that is the point
    await trash_nodes(NodeFilter(node_id=top))
    assert len(await read_runs()) == 0


async def test_order_and_limit() -> None:
    """By any column, missing values last either way; the limit counts in that order."""
    top = await sweep()
    down = await read_runs(order_by="-loss", limit=2)
    assert down["path"] == ["sweep/r0", "sweep/r1"]
    assert (await read_runs(order_by=["loss"]))["path"][-1] == "sweep"
    assert (await read_runs(below(top), order_by=["params.seed", "-params.lr"]))["path"] == [
        "sweep/r2",
        "sweep/r1",
        "sweep/r0",
    ]
    assert (await read_runs(limit=1))["path"] == ["sweep/r2"]
    assert (await read_runs(top, order_by="-lr"))["path"] == ["sweep/r2", "sweep/r1", "sweep/r0"]
    assert (await read_runs(top, columns=["lr"])).columns == ["params.lr"]
    with pytest.raises(FilterError, match=r"los.*loss"):
        await read_runs(order_by="los")


async def test_columns_and_what_differs() -> None:
    """Chosen columns come in that order; what all share can be left out."""
    top = await sweep()
    table = await read_runs(below(top), columns=["loss", "params", "path"])
    assert table.columns == ["loss", "params.lr", "params.seed", "path"]
    different = await read_runs(below(top), only_different=True)
    assert "params.seed" not in different.columns
    assert "text" not in different.columns
    assert "params.lr" in different.columns
    for wrong in ("path", [], [1]):
        with pytest.raises(FilterError, match="columns"):
            await read_runs(columns=wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(FilterError, match="params"):
        await read_runs(columns=["prams"])


async def test_a_baseline() -> None:
    """It stands first, and metrics are told by how far they are from it."""
    top = await sweep()
    first = (await read_runs(below(top)))["node_id"][-1]
    table = await read_runs(below(top), baseline=first)
    assert table["path"][0] == "sweep/r0"
    assert table["loss.diff"] == [0.0, -2.0, -1.0]
    for wrong in (True, "r0", new_node(), 10**9):
        with pytest.raises(FilterError, match="baseline"):
            await read_runs(baseline=wrong)  # type: ignore[arg-type]  # that is the point


async def test_as_a_frame() -> None:
    """Numbers stay numbers where some are missing, in pandas and in Arrow."""
    await sweep()
    table = await read_runs()
    frame = table.to_pandas()
    assert list(frame["path"]) == table["path"]
    assert frame["params.seed"].dtype == "int64"
    assert frame["score"].dtype == "Int64"
    assert frame["loss"].dtype == "float64"
    assert frame["tag:best"].dtype == "boolean"
    assert isinstance(frame["started"].dtype, pd.DatetimeTZDtype)
    arrow = table.to_arrow()
    assert arrow.num_rows == 4
    assert arrow.schema.field("score").type == pa.int64()
    assert arrow.column("loss").to_pylist() == table["loss"]


async def test_values_of_many_kinds_in_one_column() -> None:
    """They are read as they are, sorted by kind, and become objects and JSON."""
    given: list[Any] = [2**60, "a", None, 0.5, [1], {"a": 1}, True]
    for number, value in enumerate(given):
        async with start_run(f"r{number}", value=value):
            pass
    table = await read_runs(order_by="path")
    assert table["params.value"] == given
    assert table.to_pandas()["params.value"].tolist() == given
    assert len(table.to_arrow()) == len(given)
    assert len(await read_runs(order_by="-params.value")) == len(given)


async def test_a_metric_and_a_kept_value_of_one_name() -> None:
    """Both are there."""
    async with start_run("fit", status="a") as run:
        run.log(loss=0.5)
        run.keep(loss=7)
    table = await read_runs()
    assert (table["loss"], table["kept.loss"]) == ([0.5], [7])
    assert (table["status"], table["params.status"]) == (["finished"], ["a"])


async def test_statements_do_not_grow(statements: Statements) -> None:
    """However many runs: types, rows, paths, curves, tags, what hangs below, and drawings."""
    await sweep(2)
    statements.clear()
    await read_runs()
    few = len(statements)
    await sweep(6)
    statements.clear()
    await read_runs()
    assert len(statements) == few <= 7


async def test_a_run_of_a_class_that_is_not_here() -> None:
    """It is a run all the same."""

    class TableTraining(TrackedRun):
        __mapper_args__ = {"polymorphic_identity": "table_training"}  # noqa: RUF012  # usual

    async with start_run("fit", node_type=TableTraining, lr=1):
        pass
    from artigraph.orm.node import Node

    hidden = Node.__mapper__.polymorphic_map.pop("table_training")
    try:
        table = await read_runs()
    finally:
        Node.__mapper__.polymorphic_map["table_training"] = hidden
    assert (table["path"], table["type"]) == (["fit"], ["table_training"])


async def test_how_it_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As text and as HTML, within the limits, with what is not shown counted."""
    await sweep(4)
    hostile: dict[str, Any] = {"<i>": "<script>"}
    async with start_run("<b>x</b>", **hostile):
        pass
    monkeypatch.setattr(options, "max_results", 3)
    table = await read_runs()
    text, html = as_text(table, 200), table._repr_html_()
    assert text.startswith("6 runs")
    assert "finished" in text
    assert "+3 more" in text or "3 more" in text
    assert "<script>" not in html
    assert "<b>x" not in html
    assert repr(table).startswith("<RunTable of 6 runs")


async def test_what_went_wrong_stands_out() -> None:
    """A status is a badge, an error stands beside it where one is shown, and so in lists."""
    async with start_run("fine", lr=0.1):
        pass
    table = await read_runs()
    assert "error" not in str(table).splitlines()[1]
    with pytest.raises(ValueError, match="diverged"):
        async with start_run("bad", lr=0.2, seed=1):
            raise ValueError("diverged")
    table = await read_runs()
    text, html = str(table), table._repr_html_()
    assert text.splitlines()[1].split()[:4] == ["path", "status", "error", "duration"]
    assert "ValueError: diverged" in text
    assert text == as_text(table)
    assert repr(table) == f"<RunTable of 2 runs with {len(table.columns)} columns>"
    assert '<span class="ag-badge ag-failed">failed</span>' in html
    assert '<span class="ag-badge ag-state">finished</span>' in html
    # A frame keeps its order, and one says oneself what is shown.
    assert list(table.to_pandas().columns[:3]) == ["path", "status", "duration"]
    assert list(table.to_pandas().columns[-2:]) == ["error", "node_id"]
    assert "error" not in str(await read_runs(columns=["path", "status"]))
    with pytest.raises(ValueError, match="long"):
        async with start_run("worse"):
            raise ValueError("long" * 30)
    assert max(map(len, str(await read_runs()).splitlines())) <= 80
    assert "long" * 30 in str(await read_runs(columns=["path", "error"]))


async def test_lists_and_cards_of_runs() -> None:
    """What one looks for comes first: how it went, with what, and why it failed."""
    async with start_run("fine", lr=0.1):
        pass
    with pytest.raises(ValueError, match="diverged"):
        async with start_run("bad", lr=0.2):
            raise ValueError("diverged")
    found = await read_nodes(NodeFilter())
    assert isinstance(found, ResultList)
    run = found[1]
    assert isinstance(run, TrackedRun)
    run.tracked_run_code = "c0dec0de" * 8
    run.tracked_run_environment = "e0e0e0e0" * 8
    run.tracked_run_source = "x = 1"
    head = as_text(found, 400).splitlines()[1]
    order = ["id", "label", "type", "status", "error", "params", "created", "started", "ended"]
    assert [head.index(name) for name in order] == sorted(head.index(name) for name in order)
    for name in ("code", "environment", "source"):
        assert name not in head
    html = found._repr_html_()
    assert '<span class="ag-badge ag-failed">failed</span>' in html
    assert "c0dec0de" not in html
    card = as_text(run, 200)
    places = [card.index(one) for one in ("error ", "params ", "started at", "code ", "x = 1")]
    assert places == sorted(places)
    assert "'c0dec0de…'" in card
    assert "'e0e0e0e0…'" in card
    assert "c0dec0dec" not in card
    page = run._repr_html_()
    assert page.index(">params<") < page.index("x = 1")


def test_durations_in_words() -> None:
    """Two figures of what matters."""
    told = {0.0123: "0.012 s", 7.25: "7.2 s", 59: "59 s", 61: "1 min 1 s", 3_725: "1 h 2 min"}
    for seconds, text in told.items():
        assert format_duration(timedelta(seconds=seconds)) == text
    assert format_duration(timedelta(days=3, hours=4)) == "3 d 4 h"


async def test_runs_that_are_under_way() -> None:
    """Their duration goes on; of one that is lost it ended with its last sign of life."""
    async with start_run("fit"):
        await asyncio.sleep(0.05)
        (row,) = await read_runs()
        assert row["status"] == "running"
        assert row["duration"] >= timedelta(seconds=0.05)
    begun = utc_now() - timedelta(hours=3)
    node = TrackedRun(
        node_label="gone",
        tracked_run_status="running",
        tracked_run_started_at=begun,
        tracked_run_beat_at=begun + timedelta(hours=1),
    )
    await write_node(node)
    row = (await read_runs(NodeFilter(label="gone")))[0]
    assert (row["status"], row["duration"]) == ("lost", timedelta(hours=1))


async def test_what_a_run_has_kept() -> None:
    """By its name, whatever it is; what is not there is told with what is."""
    async with start_run("fit") as run:
        run.keep(model=TableFit(0.5, AT, [1]), frame=pd.DataFrame({"x": [1]}), n=3)
    assert await read_kept(run.node, "model") == TableFit(0.5, AT, [1])
    assert list((await read_kept(run.node.node_id, "frame"))["x"]) == [1]
    assert await read_kept(run.node, "n") == 3
    with pytest.raises(NodeNotFoundError, match=r"kept nothing as 'fram'.*frame"):
        await read_kept(run.node, "fram")
    wrong: list[tuple[Any, Any]] = [(None, "n"), (new_node(), "n"), (run.node, None), ([1, 2], "n")]
    for node, name in wrong:
        with pytest.raises(FilterError):
            await read_kept(node, name)
