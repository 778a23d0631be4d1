"""Whether two values are equal, for values whose ``==`` does not say so.

A frame's ``==`` compares cell by cell and has no truth value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["equal_values"]


def equal_values(one: Any, other: Any) -> bool:
    """Whether two values are equal as a whole.

    Args:
        one: A value.
        other: Another; NaNs in equal places of frames and arrays are equal.
    """
    if one is other:
        return True
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(equal_values, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal_values(one[k], other[k]) for k in one)
    equals = getattr(one, "equals", None)
    if callable(equals) and type(one) is type(other):
        return bool(equals(other))
    if hasattr(one, "shape") or hasattr(other, "shape"):
        return _equal_arrays(one, other)
    return bool(one == other)


def _equal_arrays(one: Any, other: Any) -> bool:
    if getattr(one, "shape", None) != getattr(other, "shape", None):
        return False
    try:
        # NaN is the one value that differs from itself.
        same = (one == other) | ((one != one) & (other != other))
    except TypeError:  # such as numbers and records
        return False
    return bool(same.all()) if hasattr(same, "all") else bool(same)
