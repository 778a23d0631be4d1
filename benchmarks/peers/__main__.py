"""The same flow in artigraph and in other tools, each in an environment of its own.

``python -m benchmarks.peers`` makes the environments with ``venv`` and ``pip``, which takes minutes
and some gigabytes; with ``--environments FOLDER`` they are kept there, and used again. What cannot
be installed or run is named with the reason, and left out.

The tools take turns, some rounds of them; each figure is the median of the rounds, and each ratio
the median of the ratios within one round. Nothing that a tool starts outlives its turn.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.flow import MEASURES

ROOT = Path(__file__).parents[2]
LONGEST = 3600
"""Seconds that a tool is waited for."""

OURS = "artigraph"


class LeftOutError(Exception):
    """A tool that could not be installed or run, and why."""


@dataclass
class Tool:
    """One that is measured; its module in this folder is called as its environment is."""

    module: str
    name: str
    requirement: str = ""
    version: str = ""
    rounds: list[dict[str, float]] = field(default_factory=list)

    def python(self, environments: Path) -> str:
        """The interpreter of its environment, which is made if it is not there."""
        if not self.requirement:
            return sys.executable
        home = environments / self.module
        python = home / "bin" / "python"
        if not python.exists():
            execute([sys.executable, "-m", "venv", str(home)])
            execute([str(python), "-m", "pip", "install", "--quiet", self.requirement])
        return str(python)

    def go(self, environments: Path, count: int) -> None:
        """One round, in a new folder."""
        with tempfile.TemporaryDirectory(prefix="peer-") as folder:
            command = [self.python(environments), "-m", f"benchmarks.peers.{self.module}", folder]
            shown = execute([*command, "--count", str(count)])
        found = json.loads(shown.splitlines()[-1])
        self.version = found.pop("version")
        self.rounds.append(found)


TOOLS = (
    Tool("mlflow", "MLflow", "mlflow"),
    Tool("aiida", "AiiDA", "aiida-core"),
    Tool("aim", "Aim", "aim"),
    Tool("lamindb", "LaminDB", "lamindb"),
)


def execute(command: list[str]) -> str:
    """Run a command in a group of its own, which ends with it; what it prints."""
    environment = {**os.environ, "DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": ""}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            shown, errors = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            raise LeftOutError(f"it took more than {LONGEST} s") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise LeftOutError((errors.strip().splitlines() or [f"status {process.returncode}"])[-1])
    return shown


def table(ours: Tool, others: list[Tool], count: int) -> str:
    """Times in milliseconds and ratios, as Markdown."""
    heads = [measure.format(count=count) for measure in MEASURES.values()]
    lines = [f"| | {' | '.join(heads)} |", "| --- " * (len(heads) + 1) + "|"]
    for tool in (ours, *others):
        cells = []
        for measure in MEASURES:
            shown = f"{_short(statistics.median(each[measure] for each in tool.rounds))} ms"
            if tool is not ours:
                pairs = zip(tool.rounds, ours.rounds, strict=True)
                ratio = statistics.median(one[measure] / own[measure] for one, own in pairs)
                shown += f", {_short(ratio)} times"
            cells.append(shown)
        lines.append(f"| {tool.name} {tool.version} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(number: float) -> str:
    """With as many digits as mean something."""
    return f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f}"


def main() -> int:
    names = [tool.module for tool in TOOLS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("tools", nargs="*", help=f"which of {', '.join(names)}; all if none")
    parser.add_argument("--environments", type=Path, help="where they are, or are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=1_000, help="records that are written")
    asked = parser.parse_args()
    if unknown := set(asked.tools) - set(names):
        parser.error(f"no such tools: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    ours = Tool(OURS, OURS)
    others = [tool for tool in TOOLS if not asked.tools or tool.module in asked.tools]
    with contextlib.ExitStack() as stack:
        kept = asked.environments
        environments = kept or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for number in range(asked.rounds):
            print(f"round {number + 1}: {ours.name}", file=sys.stderr, flush=True)
            ours.go(environments.absolute(), asked.count)
            for tool in list(others):
                print(f"round {number + 1}: {tool.name}", file=sys.stderr, flush=True)
                try:
                    tool.go(environments.absolute(), asked.count)
                except LeftOutError as reason:
                    print(f"{tool.name} is left out: {reason}", flush=True)
                    others.remove(tool)
            print(f"\nafter round {number + 1}:\n{table(ours, others, asked.count)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
