"""What an explorer tells of one chosen node: its facts, its frames, and how to read it.

Nothing is loaded that is kept outside the row: frames and arrays are shown
from what their rows tell, until a preview is asked for.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from itertools import islice
from typing import Any

from sqlalchemy import select

from artigraph.blob.record import RECORD_COLUMNS, record_of
from artigraph.db.session import read
from artigraph.db.setting import current_setting
from artigraph.display.curve import Curve, curve_lines
from artigraph.display.escape import cut, visible
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import options
from artigraph.display.shown import Shown, within_budget
from artigraph.display.value import format_time
from artigraph.errors import ArtigraphError, NodeNotFoundError
from artigraph.filter.base import PRESENT
from artigraph.filter.node import NodeFilter
from artigraph.frame.base import StoredValue
from artigraph.frame.frame import StoredFrame
from artigraph.frame.handles import open_stored
from artigraph.model.read import read_tolerantly
from artigraph.model.unknown import UnknownModel
from artigraph.node.node import read_node_or_none
from artigraph.note import read_notes
from artigraph.notebook.curves import tell_curves
from artigraph.notebook.explorer_rows import LONGEST_LABEL, row_values
from artigraph.orm.node import node_table
from artigraph.orm.run import TrackedRun
from artigraph.outline.page import browse_node
from artigraph.outline.summary import NodeSummary
from artigraph.preview.read import can_preview, read_preview

__all__ = ["code_for", "gone", "node_details", "preview_of", "read_stored"]

MOST_PARTS = 50
"""Frames and previews of one model that are offered."""
NOTES = 20
"""Notes that are shown; the others are read by read_notes()."""
LONGEST_NOTE = 10_000
"""Characters of one that are shown."""


async def node_details(node_id: int) -> dict[str, Any]:
    """All that is shown of one node.

    Returns:
        ``row``, ``facts``, ``frames`` (the frames that may be looked into, by
        ``label`` and ``node``), ``previews`` (values that may be seen, alike), ``code``,
        ``notes``, and why nothing can be changed (``refusal``), as plain values.

    Raises:
        NodeNotFoundError: It is gone.
    """
    row = await browse_node(node_id)
    if row is None:
        raise gone(node_id)
    values = row_values(row)
    shown: Shown | None = None
    parts: list[StoredValue] = []
    warning = ""
    try:
        if values["kind"] == "model":
            # Several, since one that cannot be made is an error alone.
            found, _ = await read_tolerantly(NodeFilter(node_id=node_id), lazy=True)
            for model in found:
                shown = model
                value = model.value
                data = value.data if isinstance(value, UnknownModel) else value.model_data()
                parts = _stored_in(data.values())
        elif values["kind"] == "artifact":
            shown = stored = await read_stored(node_id)
            parts = [stored]
        else:
            shown = node = await read_node_or_none(NodeFilter(node_id=node_id))
            if isinstance(node, TrackedRun):
                await tell_curves(node)
    except ArtigraphError as error:
        # A class that changed, or a value that cannot be read: the row still stands.
        warning = str(error)
    facts = Facts(values["type"]) if shown is None else shown._describe(options.limits)
    # Whichever way it was read; the page has read them for its box.
    tags = tuple(Badge(text, "tag") for text in row.tags)
    others = tuple(badge for badge in facts.badges if badge.role != "tag")
    facts = replace(facts, badges=(*others, *tags))
    if warning:
        facts = replace(facts, warnings=(*facts.warnings, warning))
    return {
        "row": values,
        "facts": _as_json(facts),
        "frames": [_named(one) for one in parts if isinstance(one, StoredFrame)],
        "previews": [_named(one) for one in parts if can_preview(one)],
        "code": code_for(row, values["kind"]),
        "refusal": _refusal(),
        **await _notes(node_id),
    }


def _stored_in(values: Iterable[object]) -> list[StoredValue]:
    """The handles among a model's values, and in its lists and dictionaries; not too many."""
    found: list[StoredValue] = []
    for value in values:
        if isinstance(value, StoredValue):
            found.append(value)
        elif isinstance(value, list | tuple | dict):
            items = value.values() if isinstance(value, dict) else value
            found += [one for one in islice(items, MOST_PARTS) if isinstance(one, StoredValue)]
        if len(found) >= MOST_PARTS:
            break
    return found[:MOST_PARTS]


def _named(value: StoredValue) -> dict[str, Any]:
    return {"label": visible(value.label or "", LONGEST_LABEL), "node": value.node_id}


async def preview_of(node_id: int) -> dict[str, Any]:
    """What can be seen of a value that is kept outside of the row, within ``options.max_bytes``.

    Returns:
        Facts, as plain values.

    Raises:
        NodeNotFoundError: It is gone.
        ArtigraphError: It cannot be read.
    """
    preview = await read_preview(await read_stored(node_id))

    def drawn(facts: Facts) -> str:
        return json.dumps(_as_json(facts))

    facts: dict[str, Any] = json.loads(within_budget(preview._describe, drawn, preview))
    return facts


def _refusal() -> str | None:
    """Why nothing is written into this database; ``None`` if it may be."""
    setting = current_setting()
    why = None if setting is None else setting.refusal
    return None if why is None else "\n".join(map(visible, why.split("\n")))


async def _notes(node_id: int) -> dict[str, Any]:
    """The notes about a node, the newest of many."""
    # The newest first, for those are told of; shown as they were written.
    found = await read_notes(node_id, limit=NOTES + 1, newest=True)
    shown = [
        {
            "text": _as_json(cut(note.text, LONGEST_NOTE)),
            "by": visible(note.by or "", LONGEST_LABEL),
            "at": format_time(note.at),
        }
        for note in found[-NOTES:]
    ]
    return {"notes": shown, "more_notes": len(found) > NOTES}


async def read_stored(node_id: int) -> StoredValue:
    """A handle of the value in an artifact's row; the value itself is not read.

    Raises:
        NodeNotFoundError: It is gone.
    """
    query = select(*RECORD_COLUMNS).where(node_table.c.node_id == node_id, PRESENT)
    async with read() as connection:
        row = (await connection.execute(query)).first()
    if row is None:
        raise gone(node_id)
    return open_stored(record_of(row))


def code_for(row: NodeSummary, kind: str) -> str:
    """A line of code that reads a node.

    Args:
        row: The node.
        kind: ``node``, ``model`` or ``artifact``.
    """
    what = f"NodeFilter(node_id={row.node_id})"
    if kind == "node":
        return f"await read_node({what})"
    return f"(await read_{kind}({what})).value"


def gone(node_id: int) -> NodeNotFoundError:
    """What to say of a node that is not there any more.

    Args:
        node_id: The node.
    """
    return NodeNotFoundError(
        f"Node {node_id} is gone: it was deleted. Refresh to see what is left."
    )


def _as_json(value: object) -> object:
    """Facts as plain values; characters that would hide or reorder text are written out."""
    if is_dataclass(value):
        return {field.name: _as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Curve):
        return {"text": str(value), "lines": curve_lines(value.buckets)}
    if isinstance(value, str):
        return "\n".join(map(visible, value.split("\n")))
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_as_json(one) for one in value]
    return value
