"""Runs that end badly: what can be written is, and what cannot is named."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from artigraph import (
    DataModel,
    File,
    LabelError,
    LabelExistsError,
    NodeFilter,
    RunBusyError,
    RunError,
    TagError,
    TrackedRun,
    lock_nodes,
    new_node,
    new_session,
    read_kept,
    read_node,
    read_notes,
    read_runs,
    read_series,
    read_tags,
    start_run,
    unlock_nodes,
    write_node,
)
from artigraph.db.session import write
from artigraph.errors import SeriesError
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.orm.run import ALIVE
from artigraph.redact import without_secrets

pytestmark = pytest.mark.usefixtures("store")


class EndingFit(DataModel, version=1):
    loss: float


async def status(label: str = "fit") -> str | None:
    """What a run's row says."""
    node = await read_node(NodeFilter(label=label))
    assert isinstance(node, TrackedRun)
    return node.tracked_run_status


async def test_one_bad_value_spoils_no_other(tmp_path: Path) -> None:
    """A file that is gone and a label that was taken are told; values, tags and notes are there."""
    (tmp_path / "gone.txt").write_text("x")
    with pytest.raises(Exception, match=r"gone|taken") as told:  # noqa: PT012  # the block
        async with start_run("fit") as run:
            run.keep(result=42, report=File(tmp_path / "gone.txt"), taken=1)
            run.add_model("model", EndingFit(0.5))
            run.tag("best")
            run.note("It held.")
            (tmp_path / "gone.txt").unlink()
            await write_node(new_node(node_label="taken", node_parent_id=run.node.node_id))
    text = f"{told.value} {told.value.__notes__}"
    assert "report" in text
    assert "taken" in text
    assert await status() == "failed"
    assert await read_kept(run.node, "result") == 42
    assert await read_kept(run.node, "model") == EndingFit(0.5)
    assert await read_tags(NodeFilter(label="fit")) == {run.node.node_id: {"best": None}}
    assert [note.text for note in await read_notes(run.node)] == ["It held."]


async def test_models_that_cannot_be_written() -> None:
    """The others are, and the row says what went wrong."""
    with pytest.raises(LabelExistsError, match="first"):  # noqa: PT012  # the block
        async with start_run("fit") as run:
            run.add_models({"first": EndingFit(1), "second": EndingFit(2)})
            await write_node(new_node(node_label="first", node_parent_id=run.node.node_id))
    assert await status() == "failed"
    assert await read_kept(run.node, "second") == EndingFit(2)


async def test_labels_and_tags_are_looked_at_at_once() -> None:
    """The call is refused, and the run goes on."""
    async with start_run("fit") as run:
        for label in ("", "x" * 300, "a\0b"):
            with pytest.raises(LabelError):
                run.keep(**{label: 1})
        with pytest.raises(TagError):
            run.tag("a b>c")
        run.keep(fine=1)
    assert await status() == "finished"
    assert await read_kept(run.node, "fine") == 1


async def test_cancelled_at_any_time_nothing_is_left_running() -> None:
    """However far its beginning or its end has come; and what was kept is there."""
    dice = random.Random(7)
    begun: set[str] = set()

    async def fit(label: str) -> None:
        async with start_run(label) as run:
            begun.add(label)
            run.keep(n=1)
            run.log(loss=0.5)

    for number in range(40):
        task = asyncio.create_task(fit(f"r{number}"))
        await asyncio.sleep(dice.uniform(0, 0.02))
        task.cancel()
        await asyncio.wait({task})
    table = await read_runs()
    assert set(table["status"]) <= {"finished", "interrupted"}
    for row in table:
        if row["path"] in begun:
            assert row.get("n") == 1


async def test_a_run_is_entered_once() -> None:
    """Once more would write over how it went."""
    run = start_run("fit")
    async with run:
        pass
    with pytest.raises(RunError, match="has ended"):
        async with run:
            pytest.fail("it must not begin")
    assert await status() == "finished"


async def test_who_slept_does_not_write_over_who_went_on() -> None:
    """A run that was taken for lost, and gone on with, is ended by the other one alone."""
    with pytest.raises(RunBusyError, match="taken for lost"):  # noqa: PT012  # the block
        async with start_run("fit") as sleeper:
            then = utc_now() - ALIVE * 2
            beating: Any = sleeper._beating
            beating.beat_at = then
            async with write() as transaction:
                await transaction.connection.execute(
                    update(node_table)
                    .where(node_table.c.node_id == sleeper.node.node_id)
                    .values(tracked_run_beat_at=utc_now())
                )
    assert await status() == "running"


async def test_threads_that_log_first_at_once() -> None:
    """There is one writer, so the curve's points stay in order."""
    async with start_run("fit") as run:
        barrier = threading.Barrier(8)

        def log() -> None:
            barrier.wait()
            for step in range(100):
                run.log(step, loss=1.0)

        threads = [threading.Thread(target=log) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    (row,) = await read_runs()
    assert row["loss.points"] == 800


async def test_first_logged_in_a_session() -> None:
    """Once that has ended, points are written each second again."""
    async with start_run("fit") as run:
        async with new_session():
            run.log(0, loss=1.0)
        run.log(1, loss=2.0)
        for _ in range(200):
            await asyncio.sleep(0.05)
            if len(points := await read_series(run.node, "loss")) == 2:
                break
        assert list(points["value"]) == [1.0, 2.0]


async def test_metrics_called_like_other_columns() -> None:
    """They are there under a longer name, and so is what they are called like."""
    async with start_run("fit", loss=1) as run:
        run.log(0, duration=5.0, path=3.0, error=0.3, **{"params.loss": 9.0, "loss.min": 7.0})
        run.log(1, loss=4.0)
    (row,) = await read_runs()
    assert (row["path"], row["params.loss"], row["error"]) == ("fit", 1, None)
    assert (row["loss"], row["loss.min"]) == (4.0, 4.0)
    names = ("duration", "path", "error", "params.loss", "loss.min")
    told = [row[f"metrics.{name}"] for name in names]
    assert told == [5.0, 3.0, 0.3, 9.0, 7.0]


async def test_a_run_of_thousands_of_parameters_hides_no_metric() -> None:
    """Some of its parameters are left out, which the table says."""
    many: dict[str, Any] = {f"p{i}": i for i in range(3_000)}
    async with start_run("fit", **many) as run:
        run.log(loss=1.0)
    table = await read_runs(columns=["loss", "node_id"])
    assert table["loss"] == [1.0]
    assert "2,000 parameters are left out" in (await read_runs())._repr_html_()


async def test_parameters_that_are_somebody_elses() -> None:
    """A row whose parameters are no mapping is gone on with like one without."""
    node = await write_node(TrackedRun(node_label="fit", tracked_run_status="failed"))
    async with write() as transaction:
        await transaction.connection.execute(
            update(node_table)
            .where(node_table.c.node_id == node.node_id)
            .values(tracked_run_params=[1])
        )
    async with start_run("fit", resume=True) as run:
        assert run.node.node_id == node.node_id


async def test_locked_while_it_logs() -> None:
    """The error says so, and not that somebody else writes."""
    with pytest.raises(Exception, match="locked"):  # noqa: PT012  # the block
        async with start_run("fit") as run:
            run.log(loss=1.0)
            await run.save()
            await lock_nodes(NodeFilter(node_id=run.node.node_id))
            run.log(loss=2.0)
    await unlock_nodes(NodeFilter(node_id=run.node.node_id))


async def test_what_is_no_number_in_its_own_way() -> None:
    """It is refused like any other, and costs no point of another call."""

    class Odd:
        shape = None

        def __float__(self) -> float:
            raise KeyError("odd")

        def __repr__(self) -> str:
            raise KeyError("odd")

    async with start_run("fit") as run:
        run.log(0, loss=1.0)
        with pytest.raises(SeriesError):
            run.log(1, loss=Odd())  # type: ignore[arg-type]  # that is the point
        run.log(1, **{"self": 2.0})
    (row,) = await read_runs()
    assert (row["loss"], row["self"]) == (1.0, 2.0)


async def test_a_node_has_so_many_curves_at_the_most() -> None:
    """One more is refused at the call, and the others are kept."""
    async with start_run("fit") as run:
        run.log(loss=1.0)
        many: dict[str, Any] = {f"m{i}": 1.0 for i in range(10_001)}
        with pytest.raises(SeriesError, match="10,000 curves"):
            run.log(**many)
    (row,) = await read_runs()
    assert row["loss.points"] == 1


def test_secrets_are_looked_for_in_no_more_than_a_moment() -> None:
    """Long words, and many addresses, cost what their length does."""
    began = time.process_time()
    for text in ("0123456789abcdef" * 2_500, "_" * 40_000, "http://" * 1_000, "x" * 200_000):
        assert without_secrets(text) == text
    assert time.process_time() - began < 20
