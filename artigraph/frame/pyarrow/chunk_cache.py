"""Column chunks that may be looked at again: kept for all frames together.

A notebook keeps every viewer that it has ever shown, so each must not have a
cache of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

from cachetools import LRUCache

__all__ = ["LARGEST", "ChunkCache", "chunk_cache"]

LARGEST = 64 * 2**20
"""Bytes that are kept, at most."""


class ChunkCache:
    """Arrow columns by any key; the one that was not wanted for longest goes first.

    Args:
        size: Bytes that are kept, at most.
    """

    def __init__(self, size: int = LARGEST) -> None:
        self._chunks: LRUCache[Hashable, Any] = LRUCache(size, getsizeof=lambda one: one.nbytes)
        # Frames are looked at from the portal's loop as from the kernel's.
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now."""
        return int(self._chunks.currsize)

    def get(self, key: Hashable) -> Any | None:
        """What is kept under a key, or ``None``."""
        with self._lock:
            return self._chunks.get(key)

    def put(self, key: Hashable, column: object) -> None:
        """Keep a column, unless it alone is too large."""
        with self._lock, suppress(ValueError):
            self._chunks[key] = column


chunk_cache = ChunkCache()
"""That of this process."""
