"""XGBoost's training, logged to a run.

::

    xgboost.train(params, data, evals=[(valid, "valid")], callbacks=[run_callback(run)])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.callbacks.base import LogsNumbers, log_numbers

__all__ = ["run_callback"]


def run_callback(run: LogsNumbers) -> Any:
    """A callback that logs what XGBoost evaluates after each round, as ``valid/rmse``.

    It is for ``xgboost.train``, ``xgboost.cv`` (whose deviations are ``test/rmse_std``), and for
    estimators: ``XGBRegressor(callbacks=[run_callback(run)])``.

    Args:
        run: A run under way.

    Returns:
        An ``xgboost.callback.TrainingCallback``.
    """
    from xgboost.callback import TrainingCallback  # whoever trains with it has it

    class RunCallback(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
            values: dict[str, Any] = {}
            for data, metrics in evals_log.items():
                for metric, history in metrics.items():
                    last = history[-1]
                    if isinstance(last, tuple):
                        values[f"{data}/{metric}"], values[f"{data}/{metric}_std"] = last
                    else:
                        values[f"{data}/{metric}"] = last
            log_numbers(run, epoch, values)
            return False

        def __deepcopy__(self, _: object) -> RunCallback:
            return self  # estimators copy what they are given; the run stays one

    return RunCallback()
