"""Aim: runs with a dict of parameters and a metric, in its local repository.

It tracks neither the machine nor the terminal here, so that only the record is written.
Finished runs are found by who reads after they have been indexed, which its server does while it
runs and its command does otherwise: that is not timed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.flow import Parameters, Peer, run


class Aim(Peer):
    def __init__(self, folder: Path) -> None:
        os.environ["DO_NOT_TRACK"] = "1"
        self.folder, self.version = str(folder), version("aim")
        self.command = str(Path(sys.executable).with_name("aim"))
        self._call("init", "--repo", self.folder, "--skip-if-exists")
        import aim
        from aim.sdk.types import QueryReportMode
        from aim.storage.context import Context

        self.aim, self.everywhere, self.silent = aim, Context({}), QueryReportMode.DISABLED

    def _call(self, *arguments: str) -> None:
        subprocess.run([self.command, *arguments], check=True, stdout=sys.stderr)

    def write(self, parameters: Parameters, loss: float) -> Any:
        one = self.aim.Run(
            repo=self.folder,
            experiment="trials",
            system_tracking_interval=None,
            log_system_params=False,
            capture_terminal_logs=False,
        )
        one["parameters"] = parameters
        one.track(loss, name="loss")
        one.close()
        return one.hash

    def settle(self) -> None:
        self._call("storage", "--repo", self.folder, "reindex", "--yes")
        self.repo = self.aim.Repo(self.folder)

    def read(self, record: Any) -> tuple[Parameters, float]:
        one = self.repo.get_run(record)
        _, loss = one.get_metric("loss", self.everywhere).values.last()
        return one["parameters"], loss

    def best(self) -> float:
        found = self.repo.query_metrics("metric.name == 'loss'", report_mode=self.silent)
        return float(min(one.values.last()[1] for each in found.iter_runs() for one in each))


if __name__ == "__main__":
    run(Aim)
