"""Whether two values are equal, for values whose ``==`` does not say so.

A frame's ``==`` compares cell by cell and has no truth value.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["equal_values"]

_WITH_NAN = ("pandas", "pyarrow")
"""Libraries whose ``equals`` takes some NaNs for unequal."""


def equal_values(one: Any, other: Any) -> bool:
    """Whether two values are equal as a whole.

    Args:
        one: A value.
        other: Another; NaNs in equal places are equal.
    """
    if one is other:
        return True
    if isinstance(one, list | tuple) and type(one) is type(other):
        return len(one) == len(other) and all(map(equal_values, one, other))
    if hasattr(one, "tocoo") and hasattr(other, "tocoo"):  # some are mappings, too
        return one.shape == other.shape and equal_values(_sparse(one), _sparse(other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal_values(one[k], other[k]) for k in one)
    equals = getattr(one, "equals", None)
    if callable(equals) and type(one) is type(other):
        library = type(one).__module__.partition(".")[0]
        if library in _WITH_NAN:
            module = import_module(f"artigraph.serializer.{library}.equality")
            return bool(module.equal_values(one, other, equal_values))
        return bool(equals(other))
    if hasattr(one, "shape") or hasattr(other, "shape"):
        return _equal_arrays(one, other)
    try:
        # NaN is the one value that differs from itself.
        return bool(one == other) or bool(one != one and other != other)
    except TypeError:  # such as pandas.NA and a number
        return False


def _equal_arrays(one: Any, other: Any) -> bool:
    if getattr(one, "shape", None) != getattr(other, "shape", None):
        return False
    dtype, others = getattr(one, "dtype", None), getattr(other, "dtype", None)
    names = getattr(dtype, "names", None)
    if names:
        alike = names == getattr(others, "names", None)
        return alike and all(_equal_arrays(one[n], other[n]) for n in names)
    if getattr(dtype, "kind", None) == "O" and hasattr(other, "flat"):
        return all(map(equal_values, one.flat, other.flat))
    try:
        same = (one == other) | ((one != one) & (other != other))
    except (TypeError, ValueError):  # such as numbers and records, or a frame and records
        return False
    return bool(same.all()) if hasattr(same, "all") else bool(same)


def _sparse(matrix: Any) -> list[Any]:
    """Where a sparse matrix has values, and which, in one order."""
    found = matrix.tocoo(copy=True)
    found.sum_duplicates()
    found.eliminate_zeros()
    return [*found.coords, found.data]
