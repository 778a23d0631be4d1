"""The portal: its results, its context, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import CancelledError
from contextvars import ContextVar
from functools import partial

import pytest

from artigraph.portal import run_in_portal, start_in_portal

which: ContextVar[str] = ContextVar("which", default="none")


async def echo(value: object) -> object:
    await asyncio.sleep(0)
    return value


def test_result_and_error_come_back() -> None:
    """What the coroutine returns or raises reaches the caller."""

    async def fail() -> None:
        raise LookupError("no")

    assert run_in_portal(echo(3)) == 3
    with pytest.raises(LookupError, match="no"):
        run_in_portal(fail())


async def test_it_works_inside_a_running_loop() -> None:
    """The caller's loop stands still meanwhile, and is another one."""

    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert run_in_portal(loop()) is not asyncio.get_running_loop()


def test_coroutine_sees_the_callers_context() -> None:
    """A context variable of the caller is there; one that is set inside stays inside."""

    async def look() -> str:
        seen = which.get()
        which.set("inside")
        return seen

    token = which.set("caller")
    assert run_in_portal(look()) == "caller"
    assert start_in_portal(look()).result() == "caller"
    assert which.get() == "caller"
    which.reset(token)


def test_interrupt_waits_for_the_end() -> None:
    """Stopping the caller cancels the coroutine, whose own clean-up is done by then."""
    steps = []
    main = threading.main_thread().ident or 0

    async def slow() -> None:
        try:
            steps.append("started")
            interrupt = partial(signal.pthread_kill, main, signal.SIGINT)
            threading.Timer(0.05, interrupt).start()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            steps.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        run_in_portal(slow())
    assert steps == ["started", "cleaned up"]
    assert run_in_portal(echo(1)) == 1


def test_cancelling_cancels_the_coroutine() -> None:
    """A future that is cancelled stops what it stands for, before it starts or after."""
    started, ended = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    future = start_in_portal(wait())
    assert started.wait(300)
    future.cancel()
    assert ended.wait(300)
    with pytest.raises(CancelledError):
        future.result()

    held = threading.Event()

    async def hold() -> None:
        held.wait(300)  # so that the next one cannot start yet

    blocking = start_in_portal(hold())
    never = start_in_portal(wait())
    never.cancel()
    held.set()
    blocking.result(300)
    assert run_in_portal(echo(2)) == 2


def test_coroutine_that_cancels_itself() -> None:
    """It is told as asyncio tells it."""

    async def cancel() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_in_portal(cancel())


def test_exit_inside_does_not_end_the_portal() -> None:
    """A coroutine that asks to exit does so for its caller, and for nobody else."""

    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_in_portal(leave())
    assert run_in_portal(echo(4)) == 4


def test_portal_does_not_wait_for_itself() -> None:
    """Called inside the portal it says so, rather than stand still for ever."""

    async def inner() -> object:
        return run_in_portal(echo(5))

    with pytest.raises(RuntimeError, match="await the coroutine"):
        run_in_portal(inner())


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_process_has_a_portal_of_its_own() -> None:
    """A fork copies the loop but not its thread; the child starts another one."""
    run_in_portal(echo(6))
    child = os.fork()
    if child == 0:
        os._exit(0 if run_in_portal(echo(7)) == 7 else 1)
    assert os.waitpid(child, 0)[1] == 0
