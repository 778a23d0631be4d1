"""What ``make measure`` counts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from artigraph.concurrency import gather_bounded
from benchmarks.measure import Figure, Ways, circles

ROOT = Path(__file__).parents[2]


def test_measures_name_their_targets() -> None:
    """Every measure is printed beside its target, with whether it holds."""
    command = [sys.executable, "-m", "benchmarks.measure"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == any("MISSED" in line for line in lines), done.stderr
    assert len(lines) >= 16
    assert all(" <= " in line and ("ok" in line or "MISSED" in line) for line in lines)


def test_figure_holds_at_its_limit() -> None:
    """A target is the most that a figure may be."""
    assert Figure("lines", 400, 400).holds
    assert not Figure("lines", 401, 400).holds


def test_circles_are_groups_that_lead_back() -> None:
    """What leads to itself over others is one circle; a chain is none."""
    edges = {("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "f"), ("f", "e")}
    assert circles(edges) == [["a", "b", "c"], ["e", "f"]]
    assert circles({("a", "b"), ("b", "c")}) == []


async def test_ways_count_modules_and_moves_between_them() -> None:
    """A call from elsewhere enters a module; only one of ours that calls another moves."""

    async def nothing(_: int) -> None:
        await asyncio.sleep(0)

    with Ways() as ways:
        await gather_bounded(nothing, [1])
    assert ways.modules == {"artigraph.concurrency"}
    assert ways.moves == 0
