"""What every callback does: numbers under plain names, added to a run's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["LogsNumbers", "log_numbers"]

_TAKEN = {"step": "step_", "self": "self_"}
"""Names that ``log()`` has for itself."""


class LogsNumbers(Protocol):
    """A run, or anything else with its ``log``."""

    def log(self, step: int | None = None, **values: float) -> None:
        """Add a point to each of some curves."""
        ...


def log_numbers(run: LogsNumbers, step: int | None, values: Mapping[str, Any]) -> None:
    """Log those of some values that are numbers.

    Args:
        run: A run under way.
        step: The step that they are of; the next one, unless given.
        values: Anything by name; a tensor or an array of one number counts as it.

    Raises:
        RunError: The run is not under way.
    """
    numbers = {_TAKEN.get(name, name): number(value) for name, value in values.items()}
    found = {name: one for name, one in numbers.items() if one is not None}
    if found:
        run.log(step, **found)


def number(value: Any) -> float | None:
    """A value as a number; ``None`` if it is none, or several."""
    if isinstance(value, str | bytes | bool) or value is None:
        return None
    item = getattr(value, "item", None)
    try:
        # Tensors and arrays; of several numbers there is no one.
        plain = value if item is None else item()
        return float(plain)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
