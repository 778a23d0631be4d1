"""What a point may be: its step, its value, and the name of its curve."""

from __future__ import annotations

from operator import index
from typing import Any, SupportsIndex

from artigraph.display.escape import cut
from artigraph.errors import SeriesError
from artigraph.orm.base import is_clean

__all__ = ["LONGEST_NAME", "check_name", "check_step", "number"]

LONGEST_NAME = 255
"""Characters."""

_NOTHING = "Nothing of this call was logged."


def number(name: str, value: Any) -> float:
    """A value as a float.

    Args:
        name: What it is logged as, for an error.
        value: An int, a float, or an array or tensor of no dimension.

    Raises:
        SeriesError: It is no number.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        kind = str(getattr(value, "dtype", ""))
        is_number = hasattr(type(value), "__float__") and not isinstance(value, bool)
        if is_number and "bool" not in kind and "complex" not in kind:
            shape = getattr(value, "shape", ())
            if len(shape) == 0:
                return float(value)
            raise SeriesError(
                f"{name}={_shown(value)} has the shape {tuple(shape)}, and a curve takes one "
                f"number a step. {_NOTHING} Take one of it, as in {name}=float(value.mean()), "
                f"or keep all of it: run.keep({name}=value)."
            )
    except OverflowError:
        raise SeriesError(
            f"{name}={_shown(value)} is too large for a float of 64 bits. {_NOTHING} Scale it, as "
            f"with {name}=math.log(value)."
        ) from None
    except SeriesError:
        raise
    except Exception as error:  # somebody's own class may do anything
        raise SeriesError(
            f"{name}={_shown(value)} is {_kind(value)}, no number: {type(error).__name__}. "
            f"{_NOTHING} {_fix(name, value)}"
        ) from error
    raise SeriesError(
        f"{name}={_shown(value)} is {_kind(value)}, no number. {_NOTHING} {_fix(name, value)}"
    )


def _shown(value: object) -> str:
    try:
        return cut(repr(value), 60)
    except Exception:  # as above
        return "…"


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def _fix(name: str, value: object) -> str:
    if value is None:
        return f"Leave {name} out where there is none, or log float('nan')."
    if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
        return f"Log it as 0 or 1: {name}=int(value)."
    if isinstance(value, str):
        return (
            "A remark is run.note(text), what a run was given stands in its parameters, as in "
            f"start_run(…, {name}={_shown(value)}), and a result is kept by run.keep({name}=…)."
        )
    return f"Keep what is no number by run.keep({name}=…)."


def check_step(step: object) -> int:
    """A step as an int.

    Raises:
        SeriesError: It is no integer of 64 bits.
    """
    if isinstance(step, SupportsIndex) and not isinstance(step, bool):
        found = index(step)
        if -(2**63) <= found < 2**63:
            return found
    hint = "int(step)" if isinstance(step, float) else "an int, or leave it out for the next one"
    raise SeriesError(
        f"A step is an integer of 64 bits, not {_shown(step)} ({_kind(step)}). {_NOTHING} "
        f"Give {hint}."
    )


def check_name(name: object) -> str:
    """The name of a curve.

    Raises:
        SeriesError: It is no text, or none that every database keeps.
    """
    if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and is_clean(name):
        return name
    raise SeriesError(
        f"A curve's name is a text of 1 to {LONGEST_NAME} characters without NULs and lone "
        f"surrogates, not {_shown(name)}. {_NOTHING}"
    )
