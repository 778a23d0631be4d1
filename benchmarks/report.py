"""Times and ratios, taken side by side and printed against their limits."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Awaitable, Callable

__all__ = ["Report", "seconds", "seconds_async"]


def seconds(function: Callable[[], object]) -> float:
    """How long a call takes."""
    gc.collect()
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


async def seconds_async(function: Callable[[], Awaitable[object]]) -> float:
    """How long a coroutine function takes."""
    gc.collect()
    start = time.perf_counter()
    await function()
    return time.perf_counter() - start


class Report:
    """Collects lines, and whether each limit was kept."""

    def __init__(self) -> None:
        self.failures = 0

    def ratio(
        self, name: str, ours: list[float], plain: list[float], limit: float | None = None
    ) -> None:
        """Compare the best of several rounds: noise only ever adds time."""
        ratio = min(ours) / min(plain)
        self._line(
            name,
            f"{min(ours) * 1e3:9.1f} ms / {min(plain) * 1e3:8.1f} ms = {ratio:5.2f}",
            ratio,
            limit,
            "times",
        )

    def median(self, name: str, times: list[float], limit: float) -> None:
        """Show the median of many single calls."""
        value = statistics.median(times) * 1e3
        self._line(name, f"{value:9.2f} ms", value, limit, "ms")

    def value(self, name: str, value: float, limit: float) -> None:
        """Show a number that has a limit."""
        self._line(name, f"{value:9.2f}", value, limit, "")

    def _line(self, name: str, shown: str, value: float, limit: float | None, unit: str) -> None:
        kept = limit is None or value <= limit
        self.failures += not kept
        limited = "" if limit is None else f"   limit {limit:g} {unit} {'ok' if kept else 'MISSED'}"
        print(f"{name:<44}{shown}{limited}", flush=True)
