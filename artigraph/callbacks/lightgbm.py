"""LightGBM's training, logged to a run. It wants a callable, and no class of LightGBM's.

::

    lightgbm.train(params, data, valid_sets=[valid], callbacks=[run_callback(run)])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from artigraph.callbacks.base import LogsNumbers, log_numbers

__all__ = ["run_callback"]


def run_callback(run: LogsNumbers) -> Callable[[Any], None]:
    """A callback that logs what LightGBM evaluates after each iteration, as ``valid_0/l2``.

    It is for ``lightgbm.train``, ``lightgbm.cv`` (whose deviations are ``valid/l2_std``), and for
    ``fit(callbacks=)`` of its estimators.

    Args:
        run: A run under way.

    Returns:
        The callback.
    """

    def log(env: Any) -> None:
        values: dict[str, Any] = {}
        for data, metric, value, _, *deviation in env.evaluation_result_list or ():
            # lightgbm.cv of older releases writes both names into one.
            name = "/".join(metric.split(" ", 1)) if data == "cv_agg" else f"{data}/{metric}"
            values[name] = value
            if deviation:
                values[f"{name}_std"] = deviation[0]
        log_numbers(run, env.iteration, values)

    # Before the one that stops early, which ends an iteration.
    vars(log)["order"] = 5
    return log
