"""Runs gone on with."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from artigraph import (
    ArtifactFilter,
    NodeFilter,
    NodeRelationshipFilter,
    RunBusyError,
    RunError,
    read_artifact,
    read_nodes,
    start_run,
    trash_nodes,
)
from tests.run.looks import lose, run_of


@pytest.mark.usefixtures("store")
class TestResumed:
    """Runs gone on with."""

    async def test_a_sweep_is_resumed_by_one_if(self) -> None:
        """What is finished is left; what failed is done again, on the same node."""
        done: list[int] = []

        async def sweep(*, fails: bool) -> None:
            async with start_run("sweep", resume=True):
                for number in range(4):
                    async with start_run(f"r{number}", resume=True, n=number) as run:
                        if run.is_finished:
                            continue
                        done.append(number)
                        run.keep(square=number**2)
                        if fails and number == 2:
                            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await sweep(fails=True)
        before = await run_of("r2")
        await sweep(fails=False)
        assert done == [0, 1, 2, 2, 3]
        after = await run_of("r2")
        assert after.node_id == before.node_id
        assert (after.tracked_run_status, after.tracked_run_error) == ("finished", None)
        assert after.tracked_run_started_at == before.tracked_run_started_at
        here = NodeRelationshipFilter(child_of=after.node_id)
        assert (await read_artifact(ArtifactFilter(label="square", relationship=here))).value == 4
        assert len(await read_nodes(NodeFilter(label="sweep"))) == 1

    async def test_a_finished_run_takes_nothing(self) -> None:
        """Who did not ask is told."""
        async with start_run("fit", resume=True):
            pass
        async with start_run("fit", resume=True) as run:
            assert run.is_finished
            with pytest.raises(RunError, match="is_finished"):
                run.keep(a=1)
            with pytest.raises(RunError, match="is_finished"):
                run.log(loss=1)
        assert (await run_of("fit")).tracked_run_status == "finished"

    async def test_other_parameters(self) -> None:
        """They would make another run of it; the first that differs is named."""
        with pytest.raises(ZeroDivisionError):
            async with start_run("fit", resume=True, lr=0.1, depth=3):
                raise ZeroDivisionError
        with pytest.raises(RunError, match=r"lr was 0\.1, and is 0\.2"):
            async with start_run("fit", resume=True, lr=0.2, depth=3):
                pytest.fail("it must not begin")
        async with start_run("fit", resume=True, lr=0.1, depth=3):
            pass

    async def test_one_that_another_process_runs(self) -> None:
        """It is refused as long as that gives signs of life, then taken."""

        async def again() -> None:
            async with start_run("fit", resume=True):
                pytest.fail("it must not begin")

        async with start_run("fit", resume=True):
            with pytest.raises(RunBusyError, match="another process"):
                await asyncio.create_task(again(), context=contextvars.Context())
        await lose("fit")
        assert "lost" in (await run_of("fit"))._repr_html_()
        async with start_run("fit", resume=True) as run:
            assert not run.is_finished
        assert (await run_of("fit")).tracked_run_status == "finished"

    async def test_of_two_that_take_it_one_does(self) -> None:
        """The claim is one statement."""
        async with start_run("fit", resume=True):
            pass
        await lose("fit")

        async def take() -> bool:
            try:
                async with start_run("fit", resume=True):
                    await asyncio.sleep(0.2)
            except RunBusyError:
                return False
            return True

        assert sorted(await asyncio.gather(take(), take())) == [False, True]

    async def test_what_is_in_the_trash_is_not_gone_on_with(self) -> None:
        """A new run begins."""
        async with start_run("fit", resume=True) as first:
            pass
        await trash_nodes(NodeFilter(node_id=first.node.node_id))
        async with start_run("fit", resume=True) as second:
            assert not second.is_finished
        assert second.node.node_id != first.node.node_id

    async def test_without_a_label(self) -> None:
        """There is nothing to go by."""
        with pytest.raises(RunError, match="label"):
            start_run(resume=True)
