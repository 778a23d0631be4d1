"""What an outline tells of a row: selected, and read, without the row's value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, ScalarSelect, func, select

from artigraph.display.tag import tag_texts
from artigraph.display.tree import NodeKind
from artigraph.orm.artifact import BaseArtifact, ModelArtifact
from artigraph.orm.node import Node, node_table, tell_in_tree
from artigraph.outline.tag import tags_column

__all__ = [
    "COLUMNS",
    "FACTS",
    "NodeSummary",
    "node_kind",
    "path_to",
    "summary_columns",
    "summary_facts",
]

T = TypeVar("T", bound="NodeSummary | Node")


@dataclass(frozen=True, slots=True)
class NodeSummary:
    """The facts of one row."""

    node_id: int
    """Its id."""
    parent_id: int | None
    """The row that it hangs on, which a root of an outline may have outside of it."""
    node_type: str
    """Its class's ``polymorphic_identity``."""
    label: str | None
    """Its name under its parent."""
    created_at: datetime
    """When it was first written, in UTC."""
    updated_at: datetime
    """When it was last written, in UTC."""
    model_name: str | None
    """A model's class."""
    model_version: int | None
    """The version of the class that wrote the model."""
    serializer: str | None
    """What made an artifact's bytes."""
    size: int | None
    """How many bytes a value has."""
    child_count: int
    """How many children it has, in the outline or not."""
    tags: tuple[str, ...]
    """Its tags as they are shown, such as ``"#best"`` and ``"#stage=prod"``; the first ones."""
    columns: Mapping[str, Any]
    """The further columns that were asked for, and those of which outlines tell, by name."""
    kind: NodeKind
    """``"node"``, ``"model"`` or ``"artifact"``."""

    @property
    def status(self) -> str | None:
        """What its columns tell, such as how a cell's run went: ``"finished"``."""
        return tell_in_tree(self.node_type, self.columns)[0] or None

    @property
    def failed(self) -> bool:
        """Whether its status is that it went wrong, as trees mark it."""
        return tell_in_tree(self.node_type, self.columns)[1]


def node_kind(node_type: str, model_name: str | None, serializer: str | None) -> NodeKind:
    """Whether a row is a node, a model or an artifact, as three of its facts tell."""
    mapper = Node.__mapper__.polymorphic_map.get(node_type)
    node_class = Node if mapper is None else mapper.class_
    # Its class may not be defined here: then its columns tell.
    if model_name is not None or issubclass(node_class, ModelArtifact):
        return "model"
    if serializer is not None or issubclass(node_class, BaseArtifact):
        return "artifact"
    return "node"


COLUMNS = {
    "node_id": "node_id",
    "parent_id": "node_parent_id",
    "node_type": "node_type",
    "label": "node_label",
    "created_at": "node_created_at",
    "updated_at": "node_updated_at",
    "model_name": "model_artifact_type",
    "model_version": "model_artifact_version",
    "serializer": "artifact_serializer",
    "size": "artifact_size",
}
"""The columns that facts of a summary are read from."""

_child = node_table.alias()
CHILD_COUNT: ScalarSelect[int] = (
    select(func.count())
    .select_from(_child)
    .where(_child.c.node_parent_id == node_table.c.node_id)
    .correlate(node_table)
    .scalar_subquery()
)
"""How many children a row has. Made once: an alias copies all columns of the table."""

FACTS = (*COLUMNS, "child_count", "tags")
"""What :func:`summary_columns` selects first, in the order of :class:`NodeSummary`."""


def summary_columns(
    child_count: ColumnElement[int], further: Sequence[str]
) -> list[ColumnElement[Any]]:
    """What to select for summaries.

    Args:
        child_count: Counts a row's children.
        further: Names of further columns.
    """
    own = [node_table.c[column].label(fact) for fact, column in COLUMNS.items()]
    counted = child_count.label("child_count")
    return [*own, counted, tags_column(), *(node_table.c[name] for name in further)]


def summary_facts(row: Sequence[Any], further: Sequence[str]) -> tuple[Any, ...]:
    """The facts of a row that :func:`summary_columns` selected, as :class:`NodeSummary` takes them.

    Args:
        row: What was selected; a row's own look-ups by name cost more than all the rest.
        further: As it was given there.
    """
    # What was selected besides follows, and is left.
    columns = dict(zip(further, row[len(FACTS) :], strict=False))
    tags = row[_TAGS]
    kind = node_kind(row[_TYPE], row[_MODEL], row[_SERIALIZER])
    return (*row[:_TAGS], () if tags is None else tag_texts(tags), columns, kind)


_TAGS = len(FACTS) - 1
_TYPE, _MODEL, _SERIALIZER = map(FACTS.index, ("node_type", "model_name", "serializer"))


def path_to(node_id: int, known: Mapping[int, T]) -> list[T]:
    """The way from a root to a row.

    It begins at a root, below a parent that is not known, or where a cycle closes.

    Args:
        node_id: The row.
        known: Rows by id: it, and those above it.

    Returns:
        The rows, that one last; none if it is not known.
    """
    path: dict[int, T] = {}
    at: int | None = node_id
    while at is not None and at in known and at not in path:
        row = path[at] = known[at]
        at = row.parent_id if isinstance(row, NodeSummary) else row.node_parent_id
    return list(reversed(path.values()))
