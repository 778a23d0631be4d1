"""Which node a word means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from shlex import quote

from sqlalchemy import ColumnElement, inspect, select

from artigraph.db.session import read
from artigraph.db.setting import current_store
from artigraph.db.store import check_store
from artigraph.display.escape import visible
from artigraph.errors import FilterError, MultipleNodesFoundError, NodeNotFoundError
from artigraph.filter.base import PRESENT, clause_of
from artigraph.filter.node import NodeFilter
from artigraph.filter.order import ordering_of
from artigraph.filter.unset import NOT_WRITTEN
from artigraph.model.group import ModelGroup
from artigraph.node.closed import in_trash, trashed_top
from artigraph.node.current import innermost, insert_unwritten
from artigraph.node.node import read_node_or_none, select_nodes
from artigraph.node.qualified import QualifiedArtifact
from artigraph.node.row import row_writer
from artigraph.notebook.magic.words import Word
from artigraph.orm.node import Node, node_table
from artigraph.outline.tree import TreeNode
from artigraph.types.scalar import without_numpy

__all__ = [
    "current_id",
    "find_id",
    "find_node",
    "node_id_of",
    "quotes_hint",
    "written_current_id",
]

_ID = re.compile(r"#?([0-9]{1,19})")
_NUMBERED = re.compile(r"#([0-9]{1,18})")
"""What stands in a path for a node without a label."""
_DEEPEST = 30
"""Labels in a path at the most: each is a table in its statement."""
_EXAMPLES = 3
"""How many of several nodes with one label an error names."""


def current_id() -> int | None:
    """The id of the current node; ``None`` without one, or if it is not written yet."""
    current = innermost()
    return None if current is None else current.node.node_id


async def written_current_id() -> int | None:
    """The id of the current node, which is written first if need be.

    Returns:
        The id; ``None`` if no node is current.
    """
    current = innermost()
    if current is not None and not inspect(current.node).has_identity:
        async with row_writer() as writer:
            await insert_unwritten(writer, current)
    return current_id()


def node_id_of(word: Word) -> int | None:
    """The id that a word gives without a look into the database.

    Args:
        word: ``12``, ``#12``, ``.`` for the current node, or a variable that
            holds a node, a model that was read or written, a group or an id.

    Returns:
        The id; ``None`` if the word is a label.

    Raises:
        FilterError: The variable holds something else, or a node that is not
            written.
        NodeNotFoundError: No node is current.
    """
    if word.is_object:
        return _id_of_object(word.value)
    if word.text == "." and word.is_bare:
        node_id = current_id()
        if node_id is None:
            raise NodeNotFoundError("No node is current here, or it is not written yet.")
        return node_id
    # In quotes, or out of a variable, a text is a label even if it is all digits.
    number = _ID.fullmatch(word.text) if word.is_bare else None
    return int(number[1]) if number else None


def _id_of_object(value: object) -> int:
    if isinstance(value, ModelGroup):
        value = value.node
    elif isinstance(value, QualifiedArtifact):
        value = value.artifact
    if isinstance(value, Node):
        check_store(value, current_store())
    found = without_numpy(value.node_id if isinstance(value, Node | TreeNode) else value)
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    if isinstance(value, Node):
        raise FilterError(f"This node is not written yet, so it has no id: {value!r}")
    given = f"None. {NOT_WRITTEN}" if value is None else f"a {type(value).__name__}."
    raise FilterError(
        f"A node is meant by its id, its label or path, or a variable that holds a node, not by "
        f"{given}"
    )


async def find_node(word: Word, *, newest: bool = False) -> Node:
    """The node that a word means.

    Args:
        word: What :func:`node_id_of` takes, a label, or a path of labels from a root down, as in
            ``sweep/r3``. Of several nodes with the label, one that hangs on the current node is
            meant; a label with a slash in it goes before a path.
        newest: Where it is roots that have one label, take the newest and say so: for what
            only reads.

    Returns:
        The node, with all of its columns.

    Raises:
        NodeNotFoundError: There is none.
        MultipleNodesFoundError: There are several.
        FilterError: It can be none.
    """
    node_id = node_id_of(word)
    if node_id is not None:
        node = await read_node_or_none(NodeFilter(node_id=node_id))
        if node is None:
            async with read() as connection:
                thrown_away = await in_trash(connection, node_id)
            raise thrown_away or NodeNotFoundError(
                f"There is no node {node_id}. %artigraph tree shows them."
            )
        return node
    labelled, above = clause_of(NodeFilter(label=word.text)), current_id()
    found = await select_nodes(labelled & (Node.node_parent_id == above), 1) if above else []
    found = found or await select_nodes(labelled, _EXAMPLES + 1)
    is_path = not found and "/" in word.text
    if is_path:
        found = await _by_path(word.text.strip("/").split("/"))
    if len(found) == 1:
        return found[0]
    shown = visible(word.text, 60)
    if not found:
        hint = await _trash_hint(word.text) or await quotes_hint(word.text)
        raise NodeNotFoundError(f"No node is called {shown!r}. {hint}%artigraph tree shows them.")
    if newest:
        # A path leads to one node below each root, the newest root's first.
        chosen = found[0] if is_path else await _newest_root(labelled)
        if chosen is not None:
            first = visible(word.text.strip("/").split("/")[0] if is_path else word.text, 60)
            said = f"Several roots are called {first!r}; of the newest is node {chosen.node_id}."
            print(said)  # noqa: T201  # what the line returns is the node
            return chosen
    ids = ", ".join(str(node.node_id) for node in found[:_EXAMPLES])
    more = ", …" if len(found) > _EXAMPLES else ""
    raise MultipleNodesFoundError(
        f"Several nodes are called {shown!r}: {ids}{more}. Say which by its id."
    )


async def _by_path(labels: Sequence[str]) -> list[Node]:
    """The nodes that a path leads to, that below the newest root first, and at most a few."""
    if not 1 < len(labels) <= _DEEPEST or not all(labels):
        return []
    way = [node_table.alias() for _ in labels]
    query = select(way[-1].c.node_id).select_from(way[0])
    for above, below in pairwise(way):
        query = query.join(below, below.c.node_parent_id == above.c.node_id)
    for label, step in zip(labels, way, strict=True):
        number = _NUMBERED.fullmatch(label)
        meant = step.c.node_label == label
        if number:
            meant |= step.c.node_label.is_(None) & (step.c.node_id == int(number[1]))
        query = query.where(meant)
    here = way[0].c.node_parent_id.is_(None), way[-1].c.node_trashed_at.is_(None)
    newest_first = query.where(*here).order_by(way[0].c.node_id.desc()).limit(_EXAMPLES + 1)
    async with read() as connection:
        ids = (await connection.execute(newest_first)).scalars().all()
    nodes = {node.node_id: node for node in await select_nodes(Node.node_id.in_(ids), None)}
    return [nodes[node_id] for node_id in ids if node_id in nodes]


async def _newest_root(labelled: ColumnElement[bool]) -> Node | None:
    """The newest root of some; ``None`` if there are others than roots among them."""
    is_root = Node.node_parent_id.is_(None)
    if await select_nodes(labelled & ~is_root, 1):
        return None
    newest_first = ordering_of("-node_id", NodeFilter())
    return next(iter(await select_nodes(labelled & is_root, 1, ordering=newest_first)), None)


async def _trash_hint(label: str) -> str:
    """What to say of a label that something in the trash has: nothing, or a sentence."""
    thrown_away = (Node.node_label == label) & Node.node_trashed_at.is_not(None)
    found = await select_nodes(thrown_away, 1)
    if not found:
        return ""
    async with read() as connection:
        top = await trashed_top(connection, found[0].node_id)
    node_id = found[0].node_id if top is None else top.node_id
    return f"One is in the trash: %artigraph restore {node_id} gives it back. "


async def quotes_hint(text: str) -> str:
    """What to say of a label that may have been typed without its quotes: nothing, or a sentence.

    Args:
        text: The first word of it.
    """
    begins = Node.node_label.startswith(f"{text} ", autoescape=True)
    found = await select_nodes(begins & PRESENT, 1)
    if not found:
        return ""
    whole = visible(quote(str(found[0].node_label)), 60)
    return f"Did you mean {whole}? A label with a blank stands in quotes. "


async def find_id(word: Word, *, newest: bool = False) -> int:
    """The id of the node that a word means, as :func:`find_node`; only a label is looked up."""
    node_id = node_id_of(word)
    return (await find_node(word, newest=newest)).node_id if node_id is None else node_id
