"""Sub-commands for notes: note, notes."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from artigraph.display.row import ResultList
from artigraph.note import Note, NoteList, read_notes, write_note
from artigraph.notebook.magic.node_argument import current_id, find_id, written_current_id
from artigraph.notebook.magic.parser import Call, argument, command, count
from artigraph.notebook.magic.result import NothingFound
from artigraph.notebook.magic.words import Word

__all__: list[str] = []


async def _id_of(word: Word) -> int:
    """The id of the node that a note is about; the current one is written first if need be."""
    found = await written_current_id() if word.is_bare and word.text == "." else None
    return await find_id(word) if found is None else found


@command(
    "note",
    argument("node", metavar="NODE", help="an id, a label, or $variable; . is the current one"),
    argument("text", nargs="*", default=[], metavar="TEXT", help="what to write: Markdown"),
    stage="write",
    takes_text=True,
)
async def note(call: Call) -> Note:
    """Write a note about a node; about a locked one, too.

    The text stands behind the node, or in the lines below %%artigraph note NODE, where it
    is taken as it is. On the line quotes keep blanks together, and $name stands for a variable.
    """
    text = " ".join(word.text for word in call.args.text)
    below = call.source.partition("\n")[2].strip("\n")
    if text and below.strip():
        raise UsageError(
            "The text of a note stands behind the node or in the lines below it, not in both."
        )
    return await write_note(await _id_of(call.args.node), text or below)


@command(
    "notes",
    argument("node", nargs="?", metavar="NODE", help="an id, a label, or $variable"),
    argument("--limit", type=count, metavar="N", default=100, help="how many; 100, unless given"),
    stage="look",
)
async def notes(call: Call) -> ResultList[Any]:
    """Show the notes about a node, the oldest first; about the current one, unless given."""
    word = call.args.node
    node_id = current_id() if word is None else await find_id(word, newest=True)
    if node_id is None:
        raise UsageError("No node is current here, or it is not written yet: notes NODE")
    found = await read_notes(node_id, limit=call.args.limit)
    return NoteList(found) if found else NothingFound(f"No note is written about node {node_id}.")
