"""Ids of nodes, as callers give them."""

from __future__ import annotations

from operator import index
from typing import SupportsIndex

from artigraph.db.store import Store, check_store
from artigraph.errors import ParentNotFoundError
from artigraph.orm.node import Node, row_of

__all__ = ["as_id", "id_of_parent", "parent_not_found"]


def as_id(given: object) -> int | None:
    """An id, of any integer of 64 bits; ``None`` for what is none."""
    if type(given) is int:  # as almost always; SupportsIndex takes ten times as long to tell
        number = given
    elif isinstance(given, bool) or not isinstance(given, SupportsIndex):
        return None
    else:
        number = index(given)
    return number if -(2**63) <= number < 2**63 else None


def id_of_parent(given: object, label: str | None, here: Store | None) -> int:
    """The id of the row above.

    Args:
        given: The id, a node, or what holds a row beside its value.
        label: What hangs on it, for the error.
        here: The store that it is written to.

    Raises:
        ParentNotFoundError: It is no id, or a node that is not written.
        OtherStoreError: A node of another store.
    """
    row = given if type(given) is int else row_of(given)
    if isinstance(row, Node):
        check_store(row, here)
        row = row.node_id
    number = as_id(row)
    if number is None:
        raise parent_not_found(given, label)
    return number


def parent_not_found(parent: object, label: str | None) -> ParentNotFoundError:
    """What to raise where there is no such row above.

    Args:
        parent: What stands for it.
        label: What was to hang on it.
    """
    what = "A node" if label is None else repr(label)
    return ParentNotFoundError(
        f"{what} was to hang under node {parent!r}, which does not exist. "
        "Write the parent first, or leave parent_id out for a root."
    )
