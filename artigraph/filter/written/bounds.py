"""How much a written filter may be, and what all of them share."""

from __future__ import annotations

from typing import Final

from artigraph.errors import FilterError

__all__ = ["FORMAT", "MOST_CHARACTERS", "MOST_LEVELS", "MOST_VALUES", "Budget"]

FORMAT: Final = 1
"""The version of the format. One that says more than this reads gets a higher one."""

MOST_CHARACTERS = 1_000_000
"""Of the whole text."""

MOST_VALUES = 100_000
"""Of all that is in it, however it is nested."""

MOST_LEVELS = 28
"""Of objects and lists in each other: MariaDB reads no more than 32."""


class Budget:
    """Counts what is written or read, so that no filter grows beyond the bounds."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def spend(self, at: str, level: int) -> None:
        """Count one value.

        Args:
            at: Where it is.
            level: How many objects and lists it is in.

        Raises:
            FilterError: It is one too many, or too deep.
        """
        self._left -= 1
        if self._left < 0:
            raise FilterError(
                f"A filter as JSON holds {MOST_VALUES:,} values at the most, and this one holds "
                "more. Say what the rows have in common instead of listing them, as with "
                "NodeRelationshipFilter(descendant_of=…)."
            )
        if level > MOST_LEVELS:
            raise FilterError(
                f"A filter as JSON is nested {MOST_LEVELS} levels deep at the most, and this one "
                f"is deeper, at {at[:100]}. Combine many filters side by side, as a & b & c does."
            )
