"""Keys and arguments that were not given, as against those given as ``None``.

Left out, a key asks for nothing. ``None`` is what a variable holds that was
never filled, such as the ``node_id`` of a node that is not written yet; taken
for a key left out, it would find everything.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

__all__ = ["NOT_WRITTEN", "UNSET", "Unset"]


class Unset(Enum):
    """What a key or an argument is that was not given; copies and pickles are the same."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET

NOT_WRITTEN = "A node that is not written yet has node_id None: write it first."
"""Where ``None`` most often comes from; for errors of whatever takes ids."""
