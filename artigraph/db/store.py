"""Which database something is of.

An id means a row only in the database that it was read from. So nodes, groups,
handles and filters keep the database of theirs, and are refused by another.

* a database is known by its resolved address: one that is reached by two names,
  other than those of this machine, counts as two
* a file that is replaced by another one keeps its address
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import inspect
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.orm import object_session

from artigraph.dialect.registry import dialect_of
from artigraph.errors import OtherStoreError
from artigraph.orm.node import Node

__all__ = [
    "Store",
    "check_store",
    "name_store",
    "note_stores",
    "refuse_other_store",
    "store_behind",
    "store_of",
    "store_of_address",
]

_NOTED = "_artigraph_store"
"""The entry of a node's ``vars()``, or of a dialect's, that holds its store."""


class Store(NamedTuple):
    """A database; two are equal if their addresses lead to the same one."""

    database: str
    """The resolved path of a file, the name of a database on a server, or what tells one
    memory database from all others."""
    server: str = ""
    """Kind, host and port of a server; empty for SQLite."""
    process: int | None = None
    """The process that a memory database lives in."""

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
    if own is None or here is None or own == here:
        return
    raise OtherStoreError(
        f"{what} is of another database: it is of {own}, and the one in use here is {here}, "
        "where its id means another row, or none. Nothing was read or written. Use it with the "
        "database that it is of, by set_engine() or engine_context(), or read or make one here."
    )


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
