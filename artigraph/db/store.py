"""Which database something is of.

An id means a row only in the database that it was read from. So nodes, groups,
handles and filters keep the database of theirs, and are refused by another.

A store says itself which one it is, in its version row, so that a file that was moved or
copied is known again, and one that another has replaced is not taken for it. Until it was
asked, a store is known by its resolved address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.orm import object_session

from artigraph.dialect.registry import dialect_of
from artigraph.errors import OtherStoreError
from artigraph.orm.node import Node

__all__ = [
    "Store",
    "check_expected",
    "check_store",
    "know_store",
    "name_store",
    "note_stores",
    "refuse_other_store",
    "store_behind",
    "store_of",
    "store_of_address",
]

_NOTED = "_artigraph_store"
"""The entry of a node's ``vars()``, or of a dialect's, that holds its store."""


@dataclass(frozen=True, slots=True)
class Store:
    """A database; two are equal if their addresses lead to the same place."""

    database: str
    """The resolved path of a file, the name of a database on a server, or what tells one
    memory database from all others."""
    server: str = ""
    """Kind, host and port of a server; empty for SQLite."""
    process: int | None = None
    """The process that a memory database lives in."""
    uid: UUID | None = field(default=None, compare=False)
    """What the store says that it is; ``None`` until it was asked."""

    def is_same(self, other: Store) -> bool:
        """Whether they are the same store, at whichever addresses."""
        if self.uid is None or other.uid is None:
            return self == other
        return self.uid == other.uid

    def __str__(self) -> str:
        if self.process is not None:
            return "a memory database"
        return f"{self.server}/{self.database}" if self.server else self.database


def store_of_address(url: URL) -> Store:
    """The store that an address leads to.

    Args:
        url: An address; a path in it means the folder of now.

    Returns:
        The store; of ``:memory:`` one that is like no other.
    """
    return Store(*dialect_of(url).location(url))


def refuse_other_store(what: str, own: Store | None, here: Store | None) -> None:
    """Refuse something that is of another store than the one in use.

    Args:
        what: The thing, as an error names it.
        own: The store that it is of, if that is known.
        here: The store in use.

    Raises:
        OtherStoreError: They are two.
    """
    if own is None or here is None or own.is_same(here):
        return
    if here.uid is None and own.uid is not None and (task := _this_task()) is not None:
        # It may have been moved there: the first call that asks it knows.
        _expected.setdefault(here, []).append((task, what, own))
        return
    raise OtherStoreError(
        f"{what} is of another database: it is of {own}, and the one in use here is {here}, "
        "where its id means another row, or none. Nothing was read or written. Use it with the "
        "database that it is of, by set_engine() or engine_context(), or read or make one here."
    )


_expected: dict[Store, list[tuple[asyncio.Task[Any], str, Store]]] = {}
"""By the address in use what this task wants to use there, and the store that it is of."""


def _this_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def check_expected(here: Store) -> None:
    """Refuse what this task wants to use of another store, now that it is known which one it is.

    Raises:
        OtherStoreError: There is something.
    """
    if not _expected:
        return
    task, waiting = _this_task(), _expected.get(here, [])
    mine = [one for one in waiting if one[0] is task]
    left = [one for one in waiting if one[0] is not task and not one[0].done()]
    if left:
        _expected[here] = left
    else:
        _expected.pop(here, None)
    for _, what, own in mine:
        refuse_other_store(what, own, here)


def know_store(dialect: Dialect, store: Store) -> None:
    """Let connections of a dialect lead to a store that has said which one it is."""
    vars(dialect)[_NOTED] = store


def name_store(dialect: Dialect, store: Store) -> Store:
    """Let all connections of an engine's dialect lead to a store, unless they do already.

    Args:
        dialect: The dialect of an engine.
        store: The store that its address leads to.

    Returns:
        The store that they lead to.
    """
    known: Store = vars(dialect).setdefault(_NOTED, store)
    return known


def store_behind(dialect: Dialect) -> Store | None:
    """The store that an engine's connections lead to; ``None`` of an engine not set here."""
    store: Store | None = vars(dialect).get(_NOTED)
    return store


def note_stores(objects: Iterable[object], store: Store | None) -> None:
    """Let nodes, among other objects, know which store they were read from or written to."""
    for one in objects:
        if isinstance(one, Node):
            vars(one)[_NOTED] = store


def store_of(node: Node) -> Store | None:
    """The store that a node is of; ``None`` of one that is not written, or read elsewhere."""
    if not inspect(node).has_identity:
        return None
    session = object_session(node)
    if session is not None:
        return store_behind(session.get_bind().dialect)
    store: Store | None = vars(node).get(_NOTED)
    return store


def check_store(node: Node, here: Store | None) -> None:
    """Refuse a node of another store than the one in use.

    Args:
        node: The node.
        here: The store in use.

    Raises:
        OtherStoreError: It is of another.
    """
    refuse_other_store(node._brief_key(), store_of(node), here)
