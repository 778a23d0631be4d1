"""Questions about artifacts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement

from artigraph.filter.expected import expect
from artigraph.filter.node import NodeFilter
from artigraph.filter.operator import ValueFilter, comparison, match
from artigraph.filter.unset import UNSET, Unset
from artigraph.orm.artifact import BaseArtifact
from artigraph.orm.node import node_table

__all__ = ["ArtifactFilter"]


@dataclass(frozen=True, kw_only=True, repr=False)
class ArtifactFilter(NodeFilter):
    """Artifacts, models among them, by their columns; other nodes are never found.

    Args:
        artifact_label: A label, several, or a ``ValueFilter``.

    Its other keys are those of ``NodeFilter``.

    Raises:
        FilterError: An unknown key, or a value of the wrong type.
    """

    _only: ClassVar[str | None] = BaseArtifact.__mapper__.polymorphic_identity

    artifact_label: str | Collection[str] | ValueFilter | Unset = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        expect(self, "artifact_label", str)

    def _tails(self) -> Iterable[str]:
        yield from super()._tails()
        if self.artifact_label is not UNSET:
            yield f"with {comparison('label', self.artifact_label)}"

    def _clauses(self) -> Iterable[ColumnElement[bool]]:
        yield from super()._clauses()
        if self.artifact_label is not UNSET:
            yield match(node_table.c.node_label, self.artifact_label)
