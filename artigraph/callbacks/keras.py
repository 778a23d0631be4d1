"""Keras's training, logged to a run.

::

    model.fit(x, y, validation_split=0.2, callbacks=[run_callback(run)])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from artigraph.callbacks.base import LogsNumbers, log_numbers

__all__ = ["run_callback"]


def run_callback(run: LogsNumbers) -> Any:
    """A callback that logs after each epoch what Keras tells: ``loss``, ``val_loss``, metrics.

    Args:
        run: A run under way.

    Returns:
        A ``keras.callbacks.Callback``.
    """
    from keras.callbacks import Callback  # whoever trains with it has it

    class RunCallback(Callback):
        def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
            log_numbers(run, epoch, logs or {})

    return RunCallback()
