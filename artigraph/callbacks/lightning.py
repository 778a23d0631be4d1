"""PyTorch Lightning's training, logged to a run.

::

    Trainer(logger=run_logger(run)).fit(model)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.callbacks.base import LogsNumbers, log_numbers

__all__ = ["run_logger"]


def run_logger(run: LogsNumbers) -> Any:
    """A logger of what a module gives to its own ``self.log``, at Lightning's steps.

    Of several processes the first one logs. Hyperparameters are not taken from the module: give
    them to ``start_run``.

    Args:
        run: A run under way.

    Returns:
        A ``lightning.pytorch.loggers.Logger``.
    """
    from lightning.pytorch.loggers import Logger  # whoever trains with it has it
    from lightning.pytorch.utilities import rank_zero_only

    class RunLogger(Logger):
        # Lightning names its folder of checkpoints by these two.
        @property
        def name(self) -> str:
            return "artigraph"

        @property
        def version(self) -> str:
            node = getattr(run, "node", None)
            return str(getattr(node, "node_id", None) or "run")

        @rank_zero_only
        def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
            # It counts epochs beside them.
            log_numbers(run, step, {n: one for n, one in metrics.items() if n != "epoch"})

        def log_hyperparams(self, *_: Any, **__: Any) -> None:
            pass  # a run has its parameters from its beginning

    return RunLogger()
