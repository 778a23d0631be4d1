"""Awaiting something to its end, whoever cancels the task meanwhile."""

from __future__ import annotations

import asyncio
import gc

import pytest

from artigraph.concurrency import to_its_end


async def test_it_is_awaited_like_any_coroutine() -> None:
    """Its result and its error are the coroutine's own."""

    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        return a + b

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    assert await to_its_end(add(1, 2)) == 3
    with pytest.raises(ZeroDivisionError):
        await to_its_end(fail())


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancellation_waits_until_it_has_ended(times: int) -> None:
    """However often the task is cancelled, the coroutine ends first, and then the task."""
    going_on = asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        await going_on.wait()
        await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
        ended.append("work")

    async def call() -> None:
        await to_its_end(work())
        ended.append("never")

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["work"]
    assert task.cancelled()


async def test_a_time_limit_around_it_still_holds() -> None:
    """asyncio.timeout() sees its own cancellation come back as TimeoutError."""
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.05)
        ended = True

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await to_its_end(work())
    assert ended


async def test_a_failure_is_the_cause_of_the_cancellation() -> None:
    """A cancelled task stays cancelled, and tells what went wrong meanwhile."""

    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    async def call() -> None:
        await to_its_end(fail())

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    causes = []
    error: BaseException | None = caught.value
    while error is not None:
        causes.append(type(error))
        error = error.__cause__ or error.__context__
    assert ZeroDivisionError in causes


async def test_what_the_coroutine_awaits_may_be_awaited_by_others() -> None:
    """A future that it waits for is anybody's."""
    future = asyncio.get_running_loop().create_future()

    async def work() -> int:
        return int(await future)

    async def call() -> int:
        return await to_its_end(work())

    tasks = [asyncio.create_task(call()), asyncio.create_task(work())]
    await asyncio.sleep(0)
    future.set_result(7)
    assert await asyncio.gather(*tasks) == [7, 7]


def test_the_end_of_the_loop_does_not_stop_it() -> None:
    """asyncio.run() cancels all tasks at its end; what was begun is ended even then."""
    ended = False

    async def work() -> None:
        nonlocal ended
        await asyncio.sleep(0.02)
        ended = True

    async def call() -> None:
        await to_its_end(work())

    async def main() -> None:
        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        assert not task.done()

    asyncio.run(main())
    gc.collect()
    assert ended
