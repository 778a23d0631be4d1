"""Sub-commands that throw nodes away and give them back, lock them, and drop values."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from functools import reduce
from operator import or_
from shlex import quote
from typing import Any

from IPython.core.error import UsageError

from artigraph.display.escape import counted, visible
from artigraph.display.row import ResultList
from artigraph.display.value import format_size
from artigraph.errors import MultipleNodesFoundError, NodeNotFoundError
from artigraph.filter.base import Filter
from artigraph.filter.node import NodeFilter
from artigraph.node.node import delete_nodes
from artigraph.notebook.magic.node_argument import find_id, find_node, node_id_of
from artigraph.notebook.magic.parser import Call, Confirm, Said, argument, command
from artigraph.notebook.magic.words import Word
from artigraph.orm.base import utc_now
from artigraph.orm.node import Node
from artigraph.outline.relation import count_descendants
from artigraph.registry import nearest
from artigraph.trash.drop import DropReport, drop_values, values_to_drop
from artigraph.trash.entry import TrashEntry, read_trash
from artigraph.trash.lock import lock_nodes, unlock_nodes
from artigraph.trash.restore import restore_nodes
from artigraph.trash.trash import empty_trash, trash_nodes
from artigraph.types.scalar import parse_duration

__all__ = ["NODES", "age", "named_nodes"]

NODES = argument("nodes", nargs="+", metavar="NODE", help="an id, a label, or $variable")
_YES = argument("--yes", action="store_true", help="do not ask")


async def named_nodes(words: Sequence[Word]) -> tuple[list[Node], Filter]:
    """The nodes that words mean, and the filter that finds those and no others.

    Args:
        words: As they were typed. What was typed as a label is found as long as it has that.

    Raises:
        NodeNotFoundError: One is not there.
        MultipleNodesFoundError: A label is that of several.
    """
    nodes = [await find_node(word) for word in words]
    by_label = [
        NodeFilter(node_id=node.node_id)
        if node.node_label is None or node_id_of(word) is not None
        else NodeFilter(node_id=node.node_id, label=node.node_label)
        for node, word in zip(nodes, words, strict=True)
    ]
    chosen: Filter = reduce(or_, by_label)
    return nodes, chosen


def _named(nodes: Sequence[Node]) -> str:
    """What nodes are called on one line."""
    names = [
        f"node {node.node_id}" + (f" {visible(node.node_label, 60)!r}" if node.node_label else "")
        for node in nodes[:_NAMED]
    ]
    more = [f"{len(nodes) - _NAMED:,} more"] if len(nodes) > _NAMED else []
    return ", ".join([*names, *more])


_NAMED = 3


@command(
    "rm",
    NODES,
    argument("--final", action="store_true", help="delete them for good, and ask first"),
    _YES,
    stage="write",
)
async def rm(call: Call) -> object:
    """Move nodes to the trash, with all that hangs below them; --final deletes them.

    What is in the trash is found by nothing, and its labels are free. restore gives it
    back, trash lists it, and trash --empty deletes it.
    """
    nodes, chosen = await named_nodes(call.args.nodes)
    name, ids = _named(nodes), " ".join(str(node.node_id) for node in nodes)

    def gone(what: str) -> NodeNotFoundError:
        return NodeNotFoundError(
            f"There is no {name} any more: it was deleted or renamed meanwhile. Nothing was "
            f"{what}. %artigraph tree shows what there is."
        )

    if not call.args.final:
        if not (rows := await trash_nodes(chosen)):
            raise gone("thrown away")
        return Said(
            f"Moved {name} to the trash: {counted(rows, 'row')}.\n"
            f"%artigraph restore {ids} gives that back, %artigraph trash --empty deletes it."
        )
    given = [node.node_id for node in nodes]
    below = sum((await count_descendants(given)).values())
    rest = f" and the {below:,} below" if below else ""

    async def act() -> Said:
        if not (rows := await delete_nodes(chosen)):
            raise gone("deleted")
        return Said(f"Deleted {name}: {counted(rows, 'row')}.")

    if call.args.yes:
        return await act()
    return Confirm(f"Delete {name}{rest} for good?", f"%artigraph rm {ids} --final --yes", act)


@command(
    "restore",
    argument("nodes", nargs="+", metavar="NODE", help="an id, a label, or $variable, of the trash"),
    argument("--to", metavar="NODE", help="hang it there instead of where it was"),
    argument("--root", action="store_true", help="hang it on nothing"),
    argument("--label", metavar="LABEL", help="call it so from now on"),
    stage="write",
)
async def restore(call: Call) -> object:
    """Take nodes out of the trash, with all below them, and hang them where they were.

    All of them or none. trash lists what there is.
    """
    args = call.args
    if args.to is not None and args.root:
        raise UsageError("--to and --root say two things. Give one of them.")
    where: dict[str, Any] = {}
    if args.root:
        where["parent_id"] = None
    elif args.to is not None:
        where["parent_id"] = await find_id(args.to)
    if args.label is not None:
        where["label"] = args.label.text
    ids = await _trashed(args.nodes)
    what: Any = ids[0] if len(ids) == 1 else NodeFilter(node_id=ids)
    rows = await restore_nodes(what, **where)
    shown = ", ".join(map(str, ids))
    return Said(f"Restored {'node' if len(ids) == 1 else 'nodes'} {shown}: {counted(rows, 'row')}.")


async def _trashed(words: Sequence[Word]) -> list[int]:
    """The ids of what words mean in the trash."""
    entries: list[TrashEntry] | None = None
    ids = []
    for word in words:
        if word.is_object and isinstance(word.value, TrashEntry):
            ids.append(word.value.node_id)
            continue
        node_id = node_id_of(word)
        if node_id is None:
            entries = await read_trash() if entries is None else entries
            node_id = _called(word.text, entries)
        ids.append(node_id)
    return ids


def _called(label: str, entries: Sequence[TrashEntry]) -> int:
    found = [entry.node_id for entry in entries if entry.label == label]
    shown = visible(label, 60)
    if not found:
        near = next((e.label for e in entries if e.label and e.label.startswith(f"{label} ")), None)
        near = near or next(iter(nearest(label, [e.label for e in entries if e.label])), None)
        hint = "" if near is None else f"Did you mean {visible(quote(near), 60)}? "
        raise NodeNotFoundError(
            f"Nothing in the trash is called {shown!r}. {hint}%artigraph trash lists what is there."
        )
    if len(found) > 1:
        raise MultipleNodesFoundError(
            f"Several nodes in the trash are called {shown!r}: "
            f"{', '.join(map(str, found[:_NAMED]))}{', …' * (len(found) > _NAMED)}. Say which by "
            "its id."
        )
    return found[0]


@command(
    "trash",
    argument("--older-than", metavar="AGE", help="only what was thrown away by then: 12h or 30d"),
    argument("--empty", action="store_true", help="delete it for good, and ask first"),
    _YES,
    stage="write",
)
async def trash(call: Call) -> object:
    """List what is in the trash, the newest first; --empty deletes it for good."""
    args = call.args
    older_than = None if args.older_than is None else age(args.older_than)
    entries = await read_trash()
    if older_than is not None:
        before = utc_now() - older_than
        entries = ResultList(entry for entry in entries if entry.trashed_at <= before)
    if not entries:
        old = "" if older_than is None else " of that age"
        return Said(f"There is nothing{old} in the trash.")
    if not args.empty:
        return entries

    async def act() -> Said:
        return Said(f"Deleted {counted(await empty_trash(older_than=older_than), 'row')}.")

    if args.yes:
        return await act()
    rows = sum(entry.count for entry in entries)
    again = "" if args.older_than is None else f" --older-than {visible(args.older_than.text, 40)}"
    return Confirm(
        f"Delete {counted(len(entries), 'tree')} with {counted(rows, 'row')} for good?",
        f"%artigraph trash --empty{again} --yes",
        act,
    )


def age(word: Word) -> timedelta:
    """A time that has passed, typed or in a variable.

    Raises:
        UsageError: It is none.
    """
    if word.is_object and isinstance(word.value, timedelta):
        return word.value
    try:
        return parse_duration(word.text)
    except ValueError:
        raise UsageError(f"{visible(word.text, 40)!r} is no age. Type 30m, 12h or 2d.") from None


@command("lock", NODES, stage="write")
async def lock(call: Call) -> object:
    """Lock nodes with all below them: they are neither changed, moved nor deleted then.

    Nor is anything hung below them. The database itself refuses it, whoever asks.
    """
    return await _each(call, lock_nodes, "Locked", "was locked already")


@command("unlock", NODES, stage="write")
async def unlock(call: Call) -> object:
    """Unlock nodes with all below them."""
    return await _each(call, unlock_nodes, "Unlocked", "was not locked")


async def _each(
    call: Call, act: Callable[[Filter], Coroutine[Any, Any, int]], done: str, nothing: str
) -> Said:
    nodes, chosen = await named_nodes(call.args.nodes)
    rows = await act(chosen)
    name = _named(nodes)
    if not rows:
        return Said(f"{name[0].upper()}{name[1:]} {nothing}.")
    return Said(f"{done} {name}: {counted(rows, 'row')}.")


@command("drop", NODES, _YES, stage="write")
async def drop(call: Call) -> object:
    """Give the bytes up of values, and of all below them; asks first.

    Their rows stay, with size, digest and summary, and say which run has made them.
    """
    nodes, chosen = await named_nodes(call.args.nodes)
    name, ids = _named(nodes), " ".join(str(node.node_id) for node in nodes)

    async def act() -> DropReport:
        return await drop_values(chosen)

    if call.args.yes:
        return await act()
    there = await values_to_drop(chosen)
    if not there.num_rows:
        return Said(f"There is no value to drop of {name}, or below.")
    much = f"{counted(there.num_rows, 'value')}, {format_size(there.nbytes)}"
    question = f"Give up the bytes of {name}, and of all below ({much}), for good?"
    return Confirm(question, f"%artigraph drop {ids} --yes", act)
