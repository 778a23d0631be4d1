"""The rows of nodes for a frame: which columns there are, by friendly names, and their rows.

One query tells of which classes the nodes are, and one reads their columns. No stored value
is read, and a document is handed on as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Text, cast, select

from artigraph.db.fetch import all_of
from artigraph.filter.asked import node_types_of
from artigraph.filter.base import Filter
from artigraph.filter.column import ColumnShape
from artigraph.filter.order import Ordering, finds_models
from artigraph.filter.stored import InColumn
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.check.affinity import affinity_of
from artigraph.orm.friendly import friendly_names
from artigraph.orm.node import Node, node_table
from artigraph.types.record import Scalar

__all__ = [
    "FIRST",
    "LAST",
    "ON_REQUEST",
    "NodeColumn",
    "asks_for_nodes",
    "columns_of_classes",
    "is_of_models",
    "select_nodes_of",
    "stored_classes",
]

FIRST = ("path",)
"""What a frame of nodes begins with."""
LAST = ("label", "type", "id", "parent_id", "created_at", "updated_at")
"""What it ends with: the columns that every node has."""
ON_REQUEST = ("uid", "created_by", "updated_by", "locked_at")
"""Further ones of every node, which are read if they are named."""


@dataclass(frozen=True)
class NodeColumn:
    """A column of a frame, or a document whose entries are columns of it."""

    name: str
    """Its friendly name."""
    column: Column[Any]
    """As the table has it."""
    scalar: Scalar | None
    """What its values are; ``None`` for a document, or where that is not known."""

    @property
    def is_document(self) -> bool:
        """Whether it holds documents."""
        return affinity_of(self.column.type) == "document"


def is_of_models(node_type: type[Node]) -> bool:
    """Whether nodes of a class are models, or some may be."""
    return issubclass(node_type, ModelArtifact) or issubclass(ModelArtifact, node_type)


def asks_for_nodes(filter: Filter) -> bool:
    """Whether a filter says that it finds nodes which are no models."""
    named = node_types_of(filter)
    return bool(named) and not finds_models(filter) and not any(map(is_of_models, named))


async def stored_classes(connection: Any, clause: ColumnElement[bool]) -> list[type[Node]]:
    """The classes of the nodes that a clause finds; those that are not defined here are nodes."""
    query = select(node_table.c.node_type).where(clause).distinct()
    known = Node.__mapper__.polymorphic_map
    found = [str(identity) for (identity,) in await all_of(await connection.execute(query))]
    classes = {known[one].class_ if one in known else Node for one in found}
    return sorted(classes, key=lambda cls: (len(cls.__mro__), cls.__name__))


def columns_of_classes(classes: Sequence[type[Node]]) -> list[NodeColumn]:
    """The columns of some classes beside those of every node, in the order of the classes.

    Two columns of one short name have their own ones; bytes are left out.
    """
    own = {column.name for column in friendly_names(Node).values()}
    found: dict[str, tuple[str, Column[Any]]] = {}
    for cls in classes:
        for name, column in friendly_names(cls).items():
            if column.name not in own and affinity_of(column.type) != "bytes":
                found.setdefault(column.name, (name, column))
    names = [name for name, _ in found.values()]
    return [
        NodeColumn(
            name if names.count(name) == 1 else whole,
            column,
            next(iter(ColumnShape(column).scalars or ()), None),
        )
        for whole, (name, column) in found.items()
    ]


def select_nodes_of(
    clause: ColumnElement[bool],
    columns: Sequence[NodeColumn],
    further: Sequence[str],
    ordering: Ordering,
    limit: int | None,
) -> Select[Any]:
    """The rows of nodes: those columns that every node has, further ones, and their classes'.

    Args:
        clause: What finds them.
        columns: The columns of their classes.
        further: Names of :data:`ON_REQUEST`.
        ordering: In which order.
        limit: How many at the most.
    """
    every: Mapping[str, Column[Any]] = friendly_names(Node)
    basic = [every[name].label(f"basic_{name}") for name in (*LAST, *further)]
    asked: list[ColumnElement[Any]] = []
    for at, one in enumerate(columns):
        # Cast, since a driver would decode JSON itself.
        value = (
            cast(node_table.c[one.column.name], Text())
            if one.is_document
            else InColumn(node_table, node_table.c[one.column.name]).told
        )
        asked.append(value.label(f"column_{at}"))
    query = select(*basic, *asked).where(clause).order_by(*ordering.clauses)
    return query if limit is None else query.limit(limit)
