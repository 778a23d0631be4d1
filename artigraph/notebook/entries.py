"""Entries of IPython's that are changed for as long as the extension is loaded."""

from __future__ import annotations

from typing import Any

__all__ = ["put_back"]


def put_back(entries: dict[Any, Any], key: object, ours: object, before: object) -> None:
    """Put back what stood under a key before ours did; what came later stays.

    Args:
        entries: Magics, or printers, by name or class.
        key: Under which.
        ours: What the extension has put there.
        before: What stood there, or ``None``.
    """
    if entries.get(key) is not ours:
        return
    if before is None:
        del entries[key]
    else:
        entries[key] = before
