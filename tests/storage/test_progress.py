"""Progress bars, by a clock that the test turns."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from functools import cache
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import tqdm.auto

from artigraph.storage import remote, transfer as module
from artigraph.storage.fsspec import FsspecStorage
from artigraph.storage.transfer import progress


class Terminal(io.StringIO):
    """Keeps what is shown."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still until it is turned."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    # pytest puts its own stream in place of sys.stderr when the test begins.
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=terminal))
    return terminal


@pytest.mark.parametrize(
    ("total", "moved", "seconds", "shown"),
    [
        (1000, 999, 1.9, False),  # too early
        (1000, 900, 2.5, False),  # as good as done
        (1000, 500, 2.5, True),
        (1000, 0, 2.5, True),
        (None, 500, 2.5, False),
        (None, 500, 3.5, True),
    ],
)
def test_a_bar_appears_when_it_is_worth_it(
    clock: Clock, terminal: Terminal, total: int | None, moved: int, seconds: float, shown: bool
) -> None:
    """A bar needs two seconds behind it and three in all; else nothing is printed."""
    with progress(total, "Sending") as advance:
        advance(0)
        clock.now = seconds
        advance(moved)
        assert ("Sending" in terminal.getvalue()) is shown
    if not shown:
        assert terminal.getvalue() == ""


def test_a_bar_counts_what_was_moved_before_it(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bytes are counted, from whichever thread, and the bar is taken away at the end."""
    bars: list[Any] = []

    class Kept(tqdm.auto.tqdm):  # type: ignore[misc]  # tqdm ships no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            bars.append(self)

    monkeypatch.setattr(module, "_bar_class", lambda: Kept)
    with progress(100_000, "Sending") as advance:
        advance(1000)
        clock.now = 2.5

        def work() -> None:
            for _ in range(1000):
                advance(10)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=300)
        assert len(bars) == 1
        assert bars[0].n == 81_000
    assert bars[0].disable
    assert terminal.getvalue().endswith("\r")


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_without_a_terminal_nothing_is_printed(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    """A log file gets no bar, and a process without any output does not fail."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    with progress(1000, "Sending") as advance:
        clock.now = 2.5
        advance(10)
        advance(10)
    assert stream is None or stream.getvalue() == ""


def test_a_bar_that_fails_is_the_last(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that breaks costs the bars, not the transfers, nor other people's bars."""
    broken = Terminal()
    monkeypatch.setattr(module, "_failed", threading.Event())
    monkeypatch.setattr(module, "_bar_class", cache(module._bar_class.__wrapped__))
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=broken))
    monkeypatch.setattr(broken, "write", _fail)
    for _ in range(2):
        with progress(1000, "Sending") as advance:
            clock.now += 2.5
            advance(10)
            # tqdm leaves its lock taken, so another thread would wait for ever.
            thread = threading.Thread(target=advance, args=(10,))
            thread.start()
            thread.join(timeout=300)
            assert not thread.is_alive()
    with tqdm.auto.tqdm.get_lock():
        assert broken.getvalue() == ""


def _fail(*_: object) -> int:
    raise RuntimeError("broken")


def test_an_error_goes_through(clock: Clock, terminal: Terminal) -> None:
    """A transfer that fails takes its bar with it."""

    def transfer() -> None:
        with progress(1000, "Sending") as advance:
            clock.now = 2.5
            advance(10)
            raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        transfer()
    assert terminal.getvalue().endswith("\r")


async def test_streams_and_large_reads_show_it(
    clock: Clock, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long says what it does and to whom."""
    monkeypatch.setattr(remote, "CHUNK", 100)
    storage = FsspecStorage(f"memory://{uuid4().hex}", name="far-away")

    def write(file: Any) -> None:
        file.write(bytes(500))
        clock.now += 3.5
        file.write(bytes(500))

    blob = await storage.create_from(write)
    assert "Writing to far-away" in terminal.getvalue()

    original = remote._chunks

    def slow(*arguments: Any) -> Any:
        for chunk in original(*arguments):
            clock.now += 2.5
            yield chunk

    monkeypatch.setattr(remote, "_chunks", slow)
    assert await asyncio.wait_for(storage.read(blob.location), 30) == bytes(1000)
    assert "Reading from far-away" in terminal.getvalue()
