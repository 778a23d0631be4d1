"""Hostile rows and blobs that were found once, read by every door."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_found_cases_do_no_harm() -> None:
    """Each gives values or errors of artigraph's, and runs, imports and fetches nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--replay", "tests/data/fuzz"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    cases = len(list((ROOT / "tests/data/fuzz").glob("*.json")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{cases} cases"), done.stdout
