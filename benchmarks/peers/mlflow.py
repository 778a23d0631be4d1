"""MLflow: runs with four parameters and a metric, on its SQLite store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmarks.peers.flow import Parameters, Peer, run


class MLflow(Peer):
    def __init__(self, folder: Path) -> None:
        os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
        os.chdir(folder)  # it makes folders where it is
        import mlflow

        self.mlflow, self.version = mlflow, mlflow.__version__
        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        self.experiment = mlflow.set_experiment("trials").experiment_id

    def write(self, parameters: Parameters, loss: float) -> Any:
        with self.mlflow.start_run() as one:
            self.mlflow.log_params(parameters)
            self.mlflow.log_metric("loss", loss)
        return one.info.run_id

    def read(self, record: Any) -> tuple[Parameters, float]:
        data = self.mlflow.get_run(record).data
        return data.params, data.metrics["loss"]

    def best(self) -> float:
        (best,) = self.mlflow.search_runs(
            [self.experiment],
            order_by=["metrics.loss ASC"],
            max_results=1,
            output_format="list",
        )
        return float(best.data.metrics["loss"])


if __name__ == "__main__":
    run(MLflow)
