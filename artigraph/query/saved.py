"""A question under a name, and what it says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from typing_extensions import override

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.display.value import format_time
from artigraph.errors import FilterError
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.english import Phrase
from artigraph.filter.location import path_of, shown_path
from artigraph.filter.order import Order, OrderBy

__all__ = ["LONGEST_NAME", "SavedQuery", "Unreadable", "check_name"]

LONGEST_NAME = 100
"""Characters."""

_NAME = re.compile(r"[^\W\d][\w.-]*")
_WORDS = 2_000
"""Characters of a question that are shown."""


def check_name(name: object) -> str:
    """A question's name, which can be typed behind ``@``.

    Raises:
        FilterError: It cannot.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise FilterError(
            f"A question cannot be called {visible(f'{name!r:.60}')}: a name is a letter, and "
            f"behind it letters, digits, _, - or dots, {LONGEST_NAME} characters at the most."
        )
    return name


@dataclass(frozen=True, repr=False)
class SavedQuery(Shown):
    """A question under a name.

    Its filter and its order stand where such are asked for::

        good = await read_query("good")
        await read_models(good.filter, order_by=good.order_by)

    Args:
        name: What it is called, behind ``@`` in magics and in the explorer.
        filter: What it finds.
        order_by: In which order, as for :func:`artigraph.read_models`.
        by: Who saved it last.
        at: When that was, in UTC.

    Raises:
        FilterError: The name is none, or the filter.
    """

    name: str
    filter: Filter
    order_by: OrderBy = None
    by: str | None = None
    at: datetime | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.filter, Unreadable):
            clause_of(self.filter)  # refuses what is no filter, with what to say instead
        if self.order_by is not None:
            one = [self.order_by] if isinstance(self.order_by, str | Order) else self.order_by
            if not isinstance(one, list | tuple):
                raise FilterError(
                    f"order_by takes a name such as 'loss' or '-loss', or a list of them, not "
                    f"{one!r:.60}."
                )
            object.__setattr__(self, "order_by", tuple(one))

    @property
    def fault(self) -> str:
        """Why it cannot be asked here; empty if it can."""
        return self.filter.why if isinstance(self.filter, Unreadable) else ""

    def _order(self) -> str:
        several = self.order_by if isinstance(self.order_by, tuple) else ()
        return ", ".join(
            one if isinstance(one, str) else f"{'-' * one.descending}{shown_path(path_of(one.by))}"
            for one in several
        )

    @override
    def _describe(self, limits: Limits) -> Facts:
        order = self._order()
        notes = (("by", self.by or ""), ("saved", "" if self.at is None else format_time(self.at)))
        return Facts(
            type(self).__name__,
            label=f"@{self.name}",
            notes=tuple(note for note in notes if note[1]),
            lines=() if self.fault else (self._words(), *([f"order: {order}"] if order else [])),
            warnings=(cut(self.fault, _WORDS),) if self.fault else (),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{type(self).__name__} @{self.name}: {self._words()}>"

    def _words(self) -> str:
        return cut(self.fault or str(self.filter), _WORDS)

    def _cells(self, limits: Limits) -> dict[str, str]:
        return {
            "name": f"@{self.name}",
            "question": self._words(),
            "order": self._order(),
            "by": self.by or "",
            "saved (UTC)": "" if self.at is None else format_time(self.at),
        }

    def _noun(self) -> str:
        return "questions"


@dataclass(frozen=True, kw_only=True, repr=False)
class Unreadable(Filter):
    """What stands in place of a filter that cannot be read here; it finds nothing, and says why."""

    why: str

    @override
    def clause(self) -> ColumnElement[bool]:
        raise FilterError(self.why)

    @override
    def phrase(self) -> Phrase:
        return Phrase("", (self.why,))
