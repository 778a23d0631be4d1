"""Runs begun and ended, where they hang, and in which database."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Mapped

from artigraph import (
    DatabaseBusyError,
    LabelExistsError,
    ModelGroup,
    Node,
    NodeFilter,
    NodeRelationshipFilter,
    NodeTypeError,
    ParentNotFoundError,
    RunBusyError,
    TrackedRun,
    current_model_group,
    engine_context,
    new_node,
    read_artifact,
    read_environment,
    read_model,
    read_node,
    read_nodes,
    read_runs,
    start_run,
    write_node,
)
from tests.conftest import Statements
from tests.run.looks import RunFit, learned, lose, run_of


class RunTraining(TrackedRun):
    __mapper_args__ = {"polymorphic_identity": "run_training"}  # noqa: RUF012  # as in the guide
    run_training_device: Mapped[str | None] = None  # type: ignore[assignment]  # its default


@pytest.mark.usefixtures("store")
class TestBlocks:
    """What a block leaves behind."""

    async def test_a_run_is_there_at_once_and_says_how_it_went(self) -> None:
        """Its row is written as the block begins, and knows times and parameters at its end."""
        async with start_run("fit", lr=0.1, layers=[1, 2], opts={"a": None}) as run:
            during = await run_of("fit")
            assert (during.tracked_run_status, during.tracked_run_ended_at) == ("running", None)
            assert during.tracked_run_beat_at is not None
            assert current_model_group() is run
            run.add_model("model", RunFit(0.5))
        after = await run_of("fit")
        assert after.tracked_run_status == "finished"
        assert after.tracked_run_beat_at is None
        assert after.tracked_run_params == {"lr": 0.1, "layers": [1, 2], "opts": {"a": None}}
        assert run.params == after.tracked_run_params
        assert after.tracked_run_started_at is not None
        assert after.tracked_run_ended_at is not None
        assert after.tracked_run_started_at <= after.tracked_run_ended_at
        assert (await read_model(NodeFilter(label="model"))).value == RunFit(0.5)

    async def test_it_keeps_what_it_has_when_the_block_raises(self) -> None:
        """The exception goes on as it is; the run says that it failed, with secrets blackened."""
        with pytest.raises(ZeroDivisionError) as told:  # noqa: PT012  # the block is what is tried
            async with start_run("fit") as run:
                run.keep(part=np.arange(3))
                run.add_model("model", RunFit(0.5))
                raise ZeroDivisionError("postgresql://me:hidden@host/db")
        assert not hasattr(told.value, "__notes__")
        node = await run_of("fit")
        assert node.tracked_run_status == "failed"
        assert node.tracked_run_error is not None
        assert node.tracked_run_error.startswith("ZeroDivisionError: postgresql://***@host")
        assert (await read_model(NodeFilter(label="model"))).value == RunFit(0.5)
        assert list((await read_artifact(NodeFilter(label="part"))).value) == [0, 1, 2]

    async def test_a_cancelled_block_is_interrupted(self) -> None:
        """A task that is told to stop leaves a run that says so."""
        begun = asyncio.Event()

        async def work() -> None:
            async with start_run("fit") as run:
                run.keep(n=1)
                begun.set()
                await asyncio.sleep(600)

        task = asyncio.create_task(work())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await run_of("fit")).tracked_run_status == "interrupted"
        assert (await read_artifact(NodeFilter(label="n"))).value == 1

    @pytest.mark.parametrize(
        ("code", "status"), [(0, "finished"), (None, "finished"), (3, "failed")]
    )
    async def test_leaving_the_program(self, code: int | None, status: str) -> None:
        """``sys.exit()`` in a block is a failure only if the program says so."""
        with pytest.raises(SystemExit):
            async with start_run("fit"):
                sys.exit(code)
        assert (await run_of("fit")).tracked_run_status == status

    async def test_what_cannot_be_written_fails_the_run(self) -> None:
        """The error is raised at the block's end, and the row says it as well."""
        with pytest.raises(LabelExistsError):  # noqa: PT012  # as above
            async with start_run("fit") as run:
                await write_node(new_node(node_label="x", node_parent_id=run.node.node_id))
                run.keep(x=1)
        node = await run_of("fit")
        assert node.tracked_run_status == "failed"
        assert node.tracked_run_error is not None
        assert "x" in node.tracked_run_error

    async def test_a_blocks_error_is_the_one_to_see(self) -> None:
        """What could not be written besides is a note on it."""
        with pytest.raises(ZeroDivisionError) as told:  # noqa: PT012  # the block is what is tried
            async with start_run("fit") as run:
                await write_node(new_node(node_label="x", node_parent_id=run.node.node_id))
                run.keep(x=1)
                1 / 0  # noqa: B018  # it raises
        assert "could not be written" in str(told.value.__notes__)
        node = await run_of("fit")
        assert node.tracked_run_error == "ZeroDivisionError: division by zero"

    @pytest.mark.parametrize("logs", [True, False])
    async def test_a_block_that_computes_is_stopped(self, logs: bool) -> None:
        """A point is where a loop without an await stops; else its end tells, and loses nothing."""
        begun, done = threading.Event(), []

        async def work() -> None:
            async with start_run("fit") as run:
                run.keep(first=1)
                for step in range(20):
                    if logs:
                        run.log(step, loss=1.0)
                    begun.set()
                    time.sleep(0.02)  # noqa: ASYNC251  # it computes
                    done.append(step)
                run.keep(second=2)

        task = asyncio.create_task(work())
        # As a signal's handler does: at once, while the loop's thread computes.
        stopper = threading.Thread(target=lambda: (begun.wait(), task.cancel()))
        stopper.start()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(stopper.join)
        (row,) = await read_runs(NodeFilter(label="fit"))
        assert row["status"] == "interrupted"
        assert row["first"] == 1
        assert row.get("second") == (None if logs else 2)
        assert (len(done) < 20) is logs

    async def test_a_run_that_could_not_say_its_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The process that left it goes on with it at once: nobody else runs it."""
        run = start_run("fit", resume=True)

        async def broken() -> None:
            raise DatabaseBusyError("busy")

        with pytest.raises(DatabaseBusyError):
            async with run:
                monkeypatch.setattr(run, "_save_end", broken)
        assert (await run_of("fit")).tracked_run_status == "running"
        async with start_run("fit", resume=True) as again:
            assert again.node.node_id == run.node.node_id

    async def test_one_that_was_left_and_taken_since(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who left it takes it no more once another process gives signs of life of it."""
        run = start_run("fit", resume=True)

        async def broken() -> None:
            raise DatabaseBusyError("busy")

        with pytest.raises(DatabaseBusyError):
            async with run:
                monkeypatch.setattr(run, "_save_end", broken)
        await lose("fit", timedelta(seconds=1))
        with pytest.raises(RunBusyError):
            async with start_run("fit", resume=True):
                pytest.fail("it must not begin")

    async def test_a_row_that_says_nothing(self) -> None:
        """A run that somebody wrote without a status is one that nobody runs."""
        node = await write_node(TrackedRun(node_label="fit"))
        async with start_run("fit", resume=True) as run:
            assert run.node.node_id == node.node_id
        assert (await run_of("fit")).tracked_run_status == "finished"

    async def test_a_block_is_two_transactions(self, statements: Statements) -> None:
        """One to begin and one to end, whatever is known of the environment."""
        async with start_run("first"):
            pass
        await learned("first")
        async with start_run("second"):
            pass
        async with start_run("third", lr=0.5):
            statements.clear()
        writes = [one for one in statements if one.startswith(("INSERT", "UPDATE"))]
        assert len(writes) == 1
        assert len(statements) <= 2


@pytest.mark.usefixtures("store")
class TestPlaces:
    """What hangs where."""

    async def test_runs_hang_in_runs_and_groups(self) -> None:
        """A sweep has its runs; tasks side by side have each their own."""
        async with ModelGroup(new_node(node_label="project")), start_run("sweep") as sweep:

            async def fit(number: int) -> None:
                async with start_run(f"r{number}", n=number) as run:
                    await asyncio.sleep(0)
                    run.add_model("model", RunFit(number))
                    async with start_run("inner"):
                        assert (group := current_model_group()) is not None
                        assert group.get_parent_group() is run

            await asyncio.gather(*(fit(number) for number in range(4)))
        below = NodeFilter(relationship=NodeRelationshipFilter(child_of=sweep.node.node_id))
        labels = {node.node_label for node in await read_nodes(below)}
        assert labels == {"r0", "r1", "r2", "r3"}
        project = await read_node(NodeFilter(label="project"))
        assert (await run_of("sweep")).node_parent_id == project.node_id

    async def test_a_parent_of_ones_own(self) -> None:
        """A node or its id; one that is not written is refused."""
        top = await write_node(new_node(node_label="top"))
        async with start_run("a", parent=top), start_run("b", parent=top.node_id):
            pass
        assert [(await run_of(one)).node_parent_id for one in "ab"] == [top.node_id] * 2
        with pytest.raises(ParentNotFoundError, match=r"await write_node\(node\)"):
            start_run("c", parent=new_node())
        with pytest.raises(ParentNotFoundError):
            start_run("c", parent=True)

    async def test_a_class_of_ones_own(self) -> None:
        """Columns of a subclass are set on its node."""
        async with start_run("fit", node_type=RunTraining) as run:
            run.node.run_training_device = "gpu"  # type: ignore[attr-defined]  # of RunTraining
        node = await run_of("fit")
        assert isinstance(node, RunTraining)
        assert node.run_training_device == "gpu"
        for wrong in (Node, "run", None):
            with pytest.raises(NodeTypeError, match="subclass of TrackedRun"):
                start_run("fit", node_type=wrong)  # type: ignore[arg-type]  # that is the point

    async def test_threads_with_a_loop_of_their_own(self) -> None:
        """Each has its own run; one that took no context along begins at a root."""

        async def fit(label: str) -> None:
            async with start_run(label):
                await asyncio.sleep(0)

        async with start_run("sweep") as sweep:
            await asyncio.to_thread(lambda: asyncio.run(fit("inside")))
            threads = [
                threading.Thread(target=lambda n=n: asyncio.run(fit(f"t{n}"))) for n in range(3)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)
        assert (await run_of("inside")).node_parent_id == sweep.node.node_id
        assert [(await run_of(f"t{n}")).node_parent_id for n in range(3)] == [None] * 3

    async def test_two_of_one_label_in_one_place(self) -> None:
        """The second one is refused, with what to type."""
        async with start_run("sweep"):
            async with start_run("fit"):
                pass
            with pytest.raises(LabelExistsError, match=r"start_run\('fit', resume=True\)"):
                async with start_run("fit"):
                    pytest.fail("it must not begin")

            async def both() -> None:
                async with start_run("both"):
                    await asyncio.sleep(0.1)

            outcome = await asyncio.gather(both(), both(), return_exceptions=True)
        assert sum(isinstance(one, LabelExistsError) for one in outcome) == 1


@pytest.mark.usefixtures("store")
class TestFacts:
    """What a run knows by itself."""

    async def test_source_environment_and_commit(self) -> None:
        """The function that began it, what is installed, and the commit it ran at."""
        async with start_run("fit"):
            pass
        node = await learned("fit")
        assert node.tracked_run_source is not None
        assert node.tracked_run_source.lstrip().startswith("async def test_source_environment")
        assert node.tracked_run_code is not None
        assert len(node.tracked_run_code) == 64
        (data,) = (await read_environment(node)).values()
        assert data["python"].endswith(sys.version.split()[0])
        assert "SQLAlchemy" in data["packages"]
        assert "environ" not in str(data)

    async def test_runs_share_their_environment(self) -> None:
        """One row, however many runs."""
        async with start_run("sweep"):
            for number in range(3):
                async with start_run(f"r{number}"):
                    pass
        nodes = [await learned(label) for label in ("sweep", "r0", "r1", "r2")]
        assert len({node.tracked_run_environment for node in nodes}) == 1

    async def test_a_secret_in_the_source(self) -> None:
        """It is blackened before it is kept."""
        async with start_run("fit"):
            api_key = "sk-abcdefghijklmnop1234"
        assert api_key not in str((await run_of("fit")).tracked_run_source)


async def test_a_memory_of_ones_own() -> None:
    """An engine that no other thread reaches has runs, which give no signs of life."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("sqlite+aiosqlite:///:memory:")
    with engine_context(engine, create_tables=True):
        async with start_run("fit", lr=0.1) as run:
            run.keep(a=1)
            assert run.node.tracked_run_beat_at is None
        assert (await run_of("fit")).tracked_run_status == "finished"
    await engine.dispose()


async def test_the_database_is_the_one_that_was_set(tmp_path: Path) -> None:
    """What is set inside of a block is for others: the run ends in its own."""
    one, two = (f"sqlite+aiosqlite:///{tmp_path / name}.db" for name in ("one", "two"))
    with engine_context(one, create_tables=True):
        async with start_run("fit") as run:
            with engine_context(two, create_tables=True):
                run.keep(a=1)
                assert not await read_nodes(NodeFilter())
        assert (await run_of("fit")).tracked_run_status == "finished"
        assert (await read_artifact(NodeFilter(label="a"))).value == 1
