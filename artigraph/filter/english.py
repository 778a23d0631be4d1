"""Filters in words, for errors, reprs and whoever reads them.

::

    Fit with loss < 0.1 below node 12
    nodes labelled 'a' or 'b', created after 2024-01-01 00:00:00+00:00
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

__all__ = ["Phrase", "listed", "short_repr", "shown_nodes", "shown_value"]

FEW = 5
"""Values of a longer list are counted, not listed."""
LONGEST = 60
"""Characters of a value that are shown."""


@dataclass(frozen=True)
class Phrase:
    """What a filter finds, in words.

    Args:
        noun: What is found; nothing for any node.
        tails: What is said of it, each in a clause of its own.
    """

    noun: str = ""
    tails: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([self.noun or "nodes", *self.tails])

    def joined(self, other: Phrase) -> Phrase:
        """What both find."""
        if not self.noun or not other.noun or self.noun == other.noun:
            return Phrase(self.noun or other.noun, (*self.tails, *other.tails))
        return Phrase(self.noun, (*self.tails, f"that are {other.noun}", *other.tails))


def shown_nodes(nodes: object) -> str:
    """Nodes that something is related to: ``node 12``, ``node 1, 2 or 3``, ``(run nodes)``."""
    if not isinstance(nodes, tuple):
        return f"({nodes})"
    if not 0 < len(nodes) <= FEW:
        return f"{len(nodes):,} nodes" if nodes else "no node"
    return f"node {_either([str(one) for one in nodes])}"


def _either(shown: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def listed(values: Collection[Any]) -> str:
    """Several values, of which one is wanted."""
    if not values:
        return "an empty list"
    shown = [shown_value(one) for _, one in zip(range(FEW), values, strict=False)]
    if len(values) > FEW:
        return f"{', '.join(shown)} … and {len(values) - FEW:,} more"
    return _either(shown)


def short_repr(value: object) -> str:
    """What somebody gave that is not taken, on one short line; a row's may have many."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def shown_value(value: object) -> str:
    """A value, cut where it is long."""
    if isinstance(value, datetime):
        text = value.isoformat(" ", "seconds" if not value.microsecond else "microseconds")
    elif isinstance(value, date | time | timedelta | Decimal | UUID):
        text = str(value)
    elif isinstance(value, Enum):
        text = f"{type(value).__name__}.{value.name}"
    else:
        text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
