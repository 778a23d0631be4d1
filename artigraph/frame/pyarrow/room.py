"""What was read and may be looked at again: kept for all frames together.

A notebook keeps every viewer that it has ever shown, so each must not have
room of its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

__all__ = ["ROOM", "Room", "room"]

ROOM = 64 * 2**20
"""Bytes that are kept, at most."""


class Room:
    """Arrow columns by any key; the one that was not wanted for longest goes first.

    Args:
        size: Bytes that are kept, at most.
    """

    def __init__(self, size: int = ROOM) -> None:
        self.size = size
        self.used = 0
        """Bytes that are kept now."""
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """What is kept under a key, or ``None``."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, column: Any) -> None:
        """Keep a column, unless it alone is too large."""
        if column.nbytes > self.size:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._kept[key] = column
            self.used += column.nbytes - (0 if before is None else before.nbytes)
            while self.used > self.size:
                _, dropped = self._kept.popitem(last=False)
                self.used -= dropped.nbytes


room = Room()
"""The room of this process."""
