"""The current node: what a block's new nodes and models hang under."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import inspect

from artigraph.context import BlockVar
from artigraph.db.pending import OutcomeLock
from artigraph.db.retry import retried
from artigraph.db.session import outermost_session, outside_session
from artigraph.db.setting import current_store
from artigraph.db.store import Store, check_store
from artigraph.node.node import write_node
from artigraph.node.object import insert_nodes
from artigraph.node.row import NewRow, RowWriter, row_writer
from artigraph.orm.node import Node

__all__ = ["Current", "create_current", "entered", "hang", "innermost", "insert_unwritten"]

N = TypeVar("N", bound=Node)


@dataclass(eq=False, slots=True)
class Current:
    """A node that is current, and the one that was so before it."""

    node: Node
    above: Current | None
    task: asyncio.Task[Any] | None = None
    """The task whose block this is; others may run side by side inside it."""
    session: object = field(default_factory=outermost_session)
    """The session that its block stands in, if any."""
    # Of several tasks that need the node's row, one writes it and the others wait.
    writing: OutcomeLock = field(default_factory=OutcomeLock)


_current: BlockVar[Mapping[Store | None, Current]] = BlockVar(
    "artigraph_current", MappingProxyType({})
)
"""The innermost block of each store: nothing in one hangs on a node of another."""


def innermost() -> Current | None:
    """The node that new ones hang under here, which may not be written yet."""
    entries = _current.get()
    # One that was entered before any database was set is for the one that is set now.
    return entries.get(current_store()) or entries.get(None)


@contextmanager
def entered(node: Node) -> Iterator[Current]:
    """Make a node the current one for a block.

    Raises:
        OtherStoreError: It is of another store than the one in use.
    """
    store = current_store()
    check_store(node, store)
    current = Current(node, innermost(), asyncio.current_task())
    with _current.entered({**_current.get(), store: current}):
        yield current


async def hang(node: Node, above: Current | None) -> None:
    """Let a new node hang under the current one, even if that is not written yet.

    Raises:
        LabelExistsError: The current node had to be written, and its label is
            taken.
    """
    if above is None or inspect(node).has_identity or node.node_parent_id is not None:
        return
    beside_others = above.task is not asyncio.current_task()
    if beside_others and _is_unsettled(above):
        # Two sessions cannot both have the parent's object, to insert it with a
        # child; and which of them would come first nobody knows.
        async with outside_session(above.session):
            await _write(above)
    if above.node.node_id is not None:
        node.node_parent_id = above.node.node_id
    else:
        node._unwritten_parent = above.node


@retried
async def _write(current: Current) -> None:
    async with row_writer() as writer:
        await insert_unwritten(writer, current)


async def insert_unwritten(writer: RowWriter, current: Current) -> NewRow | int:
    """Insert a node that may not be written yet, and first those above it.

    Returns:
        The row, new or an id, for others to hang on.
    """
    node = current.node
    if _is_unsettled(current):
        await writer.transaction.hold(current.writing)
        if inspect(node).has_identity:
            writer.transaction.let_go(current.writing)  # it is settled by now
    if inspect(node).has_identity:
        return node.node_id
    row_above: NewRow | int | None = node.node_parent_id
    if current.above is not None and row_above in (None, current.above.node.node_id):
        row_above = await insert_unwritten(writer, current.above)
    rows = await insert_nodes(writer, [node], above=row_above)
    return rows[0] if rows else node.node_id


def _is_unsettled(current: Current) -> bool:
    """Whether a node's row is not there yet, or may vanish with another session."""
    written = inspect(current.node).has_identity
    return not written or current.writing.is_held_by_others(outermost_session())


@asynccontextmanager
async def create_current(node_or_type: N | type[N], **columns: Any) -> AsyncIterator[N]:
    """Write a node under the current one, and make it current for a block.

    Args:
        node_or_type: A node, or a class to make one of.
        **columns: Values of its columns by name.

    Yields:
        The written node.

    Raises:
        TypeError: A name that is no column of the class.
        LabelExistsError: Its label is taken under the current node.
    """
    node = node_or_type() if isinstance(node_or_type, type) else node_or_type
    for name, value in columns.items():
        if name not in type(node).__mapper__.attrs:
            type(node)(**{name: value})  # raises, and says which names there are
        setattr(node, name, value)
    with entered(node) as current:
        await hang(node, current.above)
        if inspect(node).has_identity:
            await write_node(node)
        else:
            await _write(current)
        yield node
