"""The comparison with other tools, as far as it goes without them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.peers.__main__ import LeftOutError, execute
from benchmarks.peers.flow import MEASURES

ROOT = Path(__file__).parents[2]


def peers(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def alive(process: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def test_flow_prints_its_medians(tmp_path: Path) -> None:
    """A tool's module says in JSON, and in nothing else, what each step took."""
    done = peers("benchmarks.peers.artigraph", str(tmp_path), "--count", "12")
    found = json.loads(done.stdout)
    assert set(found) == {"version", *MEASURES}, done.stderr
    assert all(found[measure] > 0 for measure in MEASURES)


def test_tool_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    """What does not run is named with the reason, and has no line in the table."""
    python = tmp_path / "mlflow" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.executable).resolve())
    asked = ("mlflow", "--environments", str(tmp_path), "--rounds", "2", "--count", "12")
    done = peers("benchmarks.peers", *asked)
    assert done.returncode == 0, done.stderr
    reason, *_, head, _, ours = done.stdout.splitlines()
    assert reason == "MLflow is left out: ModuleNotFoundError: No module named 'mlflow'"
    assert head.split(" | ")[1:] == [
        *("write one", "read one by its id", "write 12", "the best of 12 |"),
    ]
    assert ours.startswith("| artigraph ")


def test_unknown_tool_is_refused() -> None:
    """A name that is none of the tools' is told with those that there are."""
    done = peers("benchmarks.peers", "mlfow")
    assert done.returncode == 2
    assert "no such tools: mlfow; there are mlflow, aiida, aim, lamindb" in done.stderr


def test_what_a_tool_starts_ends_with_it() -> None:
    """No process that a command left running outlives it."""
    source = (
        "import subprocess, sys; nothing = subprocess.DEVNULL;"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        " stdin=nothing, stdout=nothing, stderr=nothing); print(left.pid, flush=True);"
        "import os; os._exit(0)"
    )
    left = int(execute([sys.executable, "-c", source]))
    deadline = time.monotonic() + 30
    while alive(left):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_last_line_of_a_failure_is_its_reason() -> None:
    """Of a command that fails, what it said last is told."""
    with pytest.raises(LeftOutError, match=r"^ValueError: no account$"):
        execute([sys.executable, "-c", "raise ValueError('no account')"])
