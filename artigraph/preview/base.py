"""Previews: how one is made, and who makes it.

A preview is made of a value's first bytes, or of all of a small one, in a worker thread. What
it tells are facts, which whoever draws them escapes; the bytes may be anybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from typing_extensions import override

from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.errors import NameTakenError

__all__ = ["ROWS", "Content", "MakePreview", "Preview", "makers", "previews", "text_room"]

ROWS, CHARACTERS = 4, 60
"""A preview has that many times ``max_rows`` rows, and ``max_text`` characters."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a preview is made of."""

    name: str
    """What the value is called."""
    size: int
    """Its bytes."""
    start: Callable[[int], bytes]
    """Reads so many of its first bytes; nothing is compared with a digest."""
    load: Callable[[], Any]
    """Reads the whole value: for one whose summary tells that it is small."""
    summary: Mapping[str, Any]
    """What its row tells; anybody may have written it."""


MakePreview: TypeAlias = Callable[[Content, Limits], Facts]
"""Makes a preview; it is called in a worker thread."""

makers: dict[str, MakePreview] = {}
"""Who makes previews, by media type or by the stored name of a serializer."""


def previews(*kinds: str) -> Callable[[MakePreview], MakePreview]:
    """Let a function make the previews of files of a media type, or of a serializer's values.

    Args:
        *kinds: Media types such as ``"text/csv"`` or ``"text/*"``, and stored names of
            serializers such as ``"artigraph-numpy"``.

    Raises:
        NameTakenError: Another function makes them.
    """

    def declare(make: MakePreview) -> MakePreview:
        for kind in kinds:
            known = makers.get(kind, make)
            if (known.__module__, known.__qualname__) != (make.__module__, make.__qualname__):
                raise NameTakenError(
                    f"Previews of {kind!r} are made by {known.__module__}.{known.__qualname__}."
                )
            makers[kind] = make
        return make

    return declare


def text_room(limits: Limits) -> int:
    """How many characters of a text a preview has."""
    return min(CHARACTERS * limits.max_text, limits.max_bytes // 4)


class Preview(Shown):
    """What can be seen of a value; it shows itself.

    Args:
        facts: What was made of its bytes.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    @override
    def _describe(self, limits: Limits) -> Facts:
        facts = self.facts
        room, rows = text_room(limits), ROWS * limits.max_rows
        if len(facts.code) > room:
            facts = replace(facts, code=f"{facts.code[:room]}…")
        if (table := facts.table) is not None and len(table.rows) > rows:
            more = table.more + len(table.rows) - rows
            table = replace(table, rows=table.rows[:rows], gap=rows, more=more)
            facts = replace(facts, table=table)
        if facts.picture is not None and limits.max_pictures < 1:
            facts = replace(facts, picture=None)
        return facts

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<Preview of {self.facts.label!r}, {' '.join(self.facts.lines)}>"
