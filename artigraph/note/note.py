"""A note on a node, and what it says of itself.

Its text is Markdown by convention, and is shown as it was written: escaped, with its lines
kept. So nothing that somebody writes can become a page's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from typing_extensions import override

from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown
from artigraph.display.value import format_time
from artigraph.errors import FilterError
from artigraph.orm.base import is_clean

__all__ = ["LONGEST_NOTE", "Note", "NoteList", "check_text"]

LONGEST_NOTE = 100_000
"""Characters."""

_BRIEF = 60


@dataclass(frozen=True, repr=False)
class Note(Shown):
    """What somebody has written about a node."""

    uid: UUID
    """Which note it is; they sort as they were written."""
    node_id: int
    """The node's id."""
    text: str
    """What was written: Markdown."""
    by: str | None
    """Who has written it."""
    at: datetime
    """When that was, in UTC."""

    @override
    def _describe(self, limits: Limits) -> Facts:
        shown = cut(self.text, min(LONGEST_NOTE, limits.max_bytes // 8))
        notes = (("node", str(self.node_id)), ("by", self.by or ""), ("at", format_time(self.at)))
        return Facts(
            type(self).__name__,
            notes=tuple(note for note in notes if note[1]),
            # Lines are kept, and blank ones between paragraphs are, too.
            code="\n".join(map(visible, shown.split("\n"))),
        )

    @override
    def _brief(self, limits: Limits) -> str:
        first = self.text.strip().partition("\n")[0]
        return f"<{type(self).__name__} on node {self.node_id}: {cut(first, _BRIEF)}>"

    def _cells(self, limits: Limits) -> dict[str, str]:
        return {
            "node": str(self.node_id),
            "at (UTC)": format_time(self.at),
            "by": self.by or "",
            "note": cut(" ".join(self.text.split()), limits.max_text),
        }

    def _noun(self) -> str:
        return "notes"


class NoteList(ResultList[Note]):
    """Some notes: a table of short ones, else each in full, with its lines."""

    __slots__ = ()

    @override
    def _describe(self, limits: Limits) -> Facts:
        facts = super()._describe(limits)
        shown = self[: limits.max_results]
        if all("\n" not in one.text.strip() and len(one.text) <= limits.max_text for one in shown):
            return facts
        left, parts = limits.max_bytes // 8, []
        for one in shown:
            heading = " · ".join(
                filter(None, (f"node {one.node_id}", format_time(one.at), one.by or ""))
            )
            text = cut(one.text.strip("\n"), max(left, 1))
            left -= len(text)
            # Moved in, so that no text passes for the next one's heading.
            lines = [f"    {visible(line)}".rstrip() for line in text.split("\n")]
            parts.append("\n".join([visible(heading), *lines]))
            if left <= 0:
                break
        if more := len(self) - len(parts):
            parts.append(f"… and {more:,} more")
        return Facts(facts.name, code="\n\n".join(parts))


def check_text(text: object) -> str:
    """A note's text.

    Raises:
        FilterError: It is no text, has nothing in it, or is too long.
    """
    if not isinstance(text, str):
        raise FilterError(f"A note is a text, not {text!r:.60}.")
    if not text.strip():
        raise FilterError("A note without a text says nothing. Nothing was written.")
    if len(text) > LONGEST_NOTE:
        raise FilterError(
            f"A note has {LONGEST_NOTE:,} characters at the most, and this one has {len(text):,}. "
            "Nothing was written. Write several, or keep a long text as an artifact."
        )
    if not is_clean(text):
        raise FilterError(
            "A note is a text without NULs and lone surrogates, which no database keeps. Nothing "
            "was written. text.encode(errors='replace').decode().replace('\\0', '') is one."
        )
    return text
