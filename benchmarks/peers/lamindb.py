"""LaminDB: records of one type with five features, as an anonymous user, on SQLite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers.flow import Parameters, Peer, run

FEATURES = {
    **{"trial_depth": int, "trial_rate": float, "trial_name": str},
    **{"trial_converged": bool, "trial_loss": float},
}


def _values(parameters: Parameters, loss: float) -> dict[str, Any]:
    return {f"trial_{name}": value for name, value in (*parameters.items(), ("loss", loss))}


class LaminDB(Peer):
    def __init__(self, folder: Path) -> None:
        work = folder / "work"
        work.mkdir()
        os.chdir(work)  # an instance belongs to a folder, which may not be the home folder
        os.environ.update(HOME=str(folder), LAMIN_SETTINGS_DIR=str(folder / "settings"))
        lamin = str(Path(sys.executable).with_name("lamin"))
        command = [lamin, "init", "--storage", str(folder / "store")]
        subprocess.run(command, check=True, stdout=sys.stderr)
        import lamindb

        self.ln, self.version = lamindb, lamindb.__version__
        features = [lamindb.Feature(name=n, dtype=kind).save() for n, kind in FEATURES.items()]
        schema = lamindb.Schema(features, name="trial").save()
        self.type = lamindb.Record(name="Trial", is_type=True, schema=schema).save()

    def _record(self, parameters: Parameters, loss: float) -> Any:
        values = _values(parameters, loss)
        return self.ln.Record(name=parameters["name"], type=self.type, features=values)

    def write(self, parameters: Parameters, loss: float) -> Any:
        return self._record(parameters, loss).save().uid

    def write_all(self, records: list[tuple[Parameters, float]]) -> list[Any]:
        made = [self._record(*one) for one in records]
        self.ln.save(made)
        return [one.uid for one in made]

    def read(self, record: Any) -> tuple[Parameters, float]:
        found = self.ln.Record.get(record).features.get_values()
        values = {name.removeprefix("trial_"): value for name, value in found.items()}
        return values, values.pop("loss")

    def best(self) -> float:
        return float(self.type.to_dataframe()["trial_loss"].min())


if __name__ == "__main__":
    run(LaminDB)
