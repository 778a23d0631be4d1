"""Notes on nodes: what one says of itself, and notes written, read and deleted.

Its text is Markdown by convention, and is shown as it was written: escaped, with its lines
kept. So nothing that somebody writes can become a page's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, func, insert, select
from typing_extensions import override

from artigraph.db.fetch import ask
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.row import ResultList
from artigraph.display.shown import Shown
from artigraph.display.value import format_time
from artigraph.errors import FilterError, NodeNotFoundError
from artigraph.filter.base import PRESENT
from artigraph.filter.expected import one_id
from artigraph.filter.order import check_counts
from artigraph.filter.relation import Nodes, check_nodes, nodes_clause
from artigraph.orm.base import is_clean, utc_now
from artigraph.orm.node import NodeLike, node_table
from artigraph.orm.note import NoteRecord
from artigraph.orm.uid import uids_now

__all__ = [
    "LONGEST_NOTE",
    "Note",
    "NoteList",
    "check_note_text",
    "delete_note",
    "read_notes",
    "write_note",
]

LONGEST_NOTE = 100_000
"""Characters."""

_BRIEF = 60
_table: Any = NoteRecord.__table__
_columns = _table.c


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


def check_note_text(text: object) -> str:
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


async def write_note(node: NodeLike, text: str) -> Note:
    """Write a note about a node; about a locked one, too.

    Args:
        node: The node, what was read or written, or an id.
        text: What to write: Markdown, 100,000 characters at the most.

    Returns:
        The note, with who has written it and when.

    Raises:
        FilterError: The text is none or too long, or no single node is meant.
        NodeNotFoundError: There is no such node.
    """
    hint = " Write a note for each, inside of new_session()."
    return await _write(one_id("write_note()", node, hint), check_note_text(text))


@retried
async def _write(node_id: int, text: str) -> Note:
    async with write() as transaction:
        (uid,), at = uids_now(1), utc_now()
        note = Note(UUID(bytes=uid), node_id, text, transaction.user, at)
        given = {"note_uid": note.uid, "note_text": text, "note_by": note.by, "note_at": at}
        values = [
            bindparam(name, one, type_=_columns[name].type).label(name)
            for name, one in given.items()
        ]
        # One statement: what is not there, or was thrown away, has no row to write of.
        here = select(node_table.c.node_id, *values).where(node_table.c.node_id == node_id, PRESENT)
        written = await transaction.connection.execute(
            insert(_table).from_select(["note_node_id", *given], here)
        )
        if written.rowcount != 1:
            raise NodeNotFoundError(
                f"There is no node {node_id} to write a note about: it was deleted or thrown "
                "away, or is of another database. Nothing was written."
            )
    return note


async def read_notes(of: Nodes, *, limit: int = 1_000, newest: bool = False) -> list[Note]:
    """Read the notes about some nodes, the oldest first, in one statement.

    Args:
        of: A node, an id, several, or a filter: the notes about all that it finds.
        limit: How many to read at the most.
        newest: Read the last ones where there are more than ``limit``; else the first ones.

    Returns:
        The notes.

    Raises:
        FilterError: It is none of these, or ``limit`` is no count.
    """
    check_counts(limit=limit)
    about = nodes_clause(check_nodes("read_notes()", of))
    # Somebody else's may be of any length.
    text = func.substr(_columns.note_text, 1, LONGEST_NOTE).label("text")
    query = (
        select(_columns.note_uid, _columns.note_node_id, text, _columns.note_by, _columns.note_at)
        .join(node_table, node_table.c.node_id == _columns.note_node_id)
        .where(about)
        .order_by(_columns.note_uid.desc() if newest else _columns.note_uid)
        .limit(limit)
    )
    found = [note for row in await ask(query) if (note := _made(row)) is not None]
    return NoteList(found[::-1] if newest else found)


def _made(row: Row[Any]) -> Note | None:
    """A note of a row; ``None`` of one that nobody could have written."""
    uid, node_id, text, by, at = tuple(row)
    if not isinstance(uid, UUID) or not isinstance(text, str) or not isinstance(at, datetime):
        return None
    return Note(uid, node_id, text, by if isinstance(by, str) else None, at)


async def delete_note(note: Note | UUID) -> bool:
    """Delete a note.

    Args:
        note: The note, or its ``uid``.

    Returns:
        Whether it was there.

    Raises:
        FilterError: It is no note.
    """
    uid = note.uid if isinstance(note, Note) else note
    if not isinstance(uid, UUID):
        raise FilterError(f"delete_note() takes a note or its uid, not {note!r:.60}.")
    return await _delete(uid)


@retried
async def _delete(uid: UUID) -> bool:
    async with write() as transaction:
        gone = await transaction.connection.execute(delete(_table).where(_columns.note_uid == uid))
        return bool(gone.rowcount)
