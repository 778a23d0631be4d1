"""AiiDA: a node ``Dict`` of five values, in a profile on SQLite.

A node is the least that it writes: a calculation has several, and links between them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers.flow import Parameters, Peer, run

PROFILE = (
    *("profile", "setup", "core.sqlite_dos", "--non-interactive", "--profile-name", "trials"),
    *("--email", "somebody@localhost", "--first-name", "Some", "--last-name", "Body"),
    *("--institution", "none", "--broker", "none", "--filepath"),
)


class AiiDA(Peer):
    def __init__(self, folder: Path) -> None:
        os.environ["AIIDA_PATH"] = str(folder)
        verdi = Path(sys.executable).with_name("verdi")
        command = [str(verdi), *PROFILE, str(folder / "store")]
        subprocess.run(command, check=True, stdout=sys.stderr)
        import aiida
        from aiida import orm

        self.orm, self.version = orm, aiida.__version__
        aiida.load_profile("trials")

    def write(self, parameters: Parameters, loss: float) -> Any:
        return self.orm.Dict({**parameters, "loss": loss}).store().pk

    def read(self, record: Any) -> tuple[Parameters, float]:
        values = self.orm.load_node(record).get_dict()
        return values, values.pop("loss")

    def best(self) -> float:
        query = self.orm.QueryBuilder()
        query.append(self.orm.Dict, project="*", tag="trial")
        query.order_by({"trial": [{"attributes.loss": {"order": "asc", "cast": "f"}}]})
        (best,) = query.limit(1).first()
        return float(best["loss"])


if __name__ == "__main__":
    run(AiiDA)
