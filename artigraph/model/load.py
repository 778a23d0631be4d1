"""The instances of rows that are read, or what stands in their place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, TypeAlias

from sqlalchemy import Row

from artigraph.codec.base import LoadedChild, LoadedChildren, UnreadChildError
from artigraph.codec.misfit import Check
from artigraph.db.store import Store
from artigraph.display.row import ResultList
from artigraph.errors import DeserializationError
from artigraph.garbage import collector_paused
from artigraph.model.base import BaseModel
from artigraph.model.document import decoder_of
from artigraph.model.unfit import Unfit, about_row, unfit_model
from artigraph.node.qualified import Places, QualifiedArtifact
from artigraph.orm.artifact import ModelArtifact
from artigraph.outline.path import LABELS_ABOVE, path_of

__all__ = ["Loader", "ReadModel"]

ReadModel: TypeAlias = QualifiedArtifact[ModelArtifact, Any]


class Loader:
    """Makes models of rows that are all read by now.

    Args:
        below: The rows of their parts.
        parts: The values of these; ``None`` for a model.
        store: The store that they are in.
        unfit: Takes what cannot be made.
    """

    def __init__(
        self,
        below: Sequence[Row[Any]],
        parts: Sequence[LoadedChild | None],
        store: Store | None,
        unfit: Unfit,
    ) -> None:
        self._store, self._unfit = store, unfit
        self._decoder_of = cache(partial(decoder_of, note_misfit=self._note_misfit))
        self._row: Row[Any] | None = None
        self._around: dict[int, None] = {}
        self._in_circle: set[int] = set()
        self._refused: Exception | None = None
        self._below: dict[int, list[tuple[Row[Any], LoadedChild | None]]] = {}
        for row, part in zip(below, parts, strict=True):
            self._below.setdefault(row.node_parent_id, []).append((row, part))

    def load_all(self, rows: Sequence[Row[Any]]) -> list[ReadModel]:
        """Make the models of some rows, in their order; one that cannot be made spoils no other.

        Raises:
            DeserializationError: One refers to a part twice. No damage does that: it was made
                so that a few rows become very many values.
        """
        with collector_paused():
            has_path = bool(rows) and LABELS_ABOVE in rows[0]._fields
            made = [
                (
                    row,
                    self._load_whole(row),
                    self._places(row),
                    path_of(row._mapping[LABELS_ABOVE]) if has_path else None,
                )
                for row in rows
            ]
            if self._refused is not None:
                raise self._refused
            return ResultList(QualifiedArtifact.of_rows(ModelArtifact, made, self._store))

    def _places(self, row: Row[Any]) -> Places:
        if not row.model_artifact_parts:
            return {}
        return {
            child.node_label: (child.remote_artifact_storage, child.artifact_size)
            for child, part in self._below.get(row.node_id, ())
            if part is not None
        }

    def _load_whole(self, row: Row[Any]) -> Any:
        try:
            value, error = self._load(row)
        except RecursionError:
            error = about_row(
                row,
                DeserializationError(
                    "Its parts lie too deep in each other: it was not written by artigraph, or "
                    "was changed since."
                ),
            )
            value = unfit_model(row, (), error)
            self._around.clear()
        if error is not None:
            self._unfit.note(value, error)
        return value

    def _load(self, row: Row[Any]) -> tuple[Any, Exception | None]:
        """A model; where it cannot be made, what stands in its place, and why."""
        below: list[tuple[str, LoadedChild]] = []
        children = LoadedChildren()
        try:
            if row.model_artifact_parts:
                below = self._load_below(row)
            decode = self._decoder_of(row.model_artifact_type, row.model_artifact_version)
            children.update(below)
            self._row = row
            return decode(row.model_artifact_data, children), None
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            told = about_row(row, error.fault if isinstance(error, UnreadChildError) else error)
            if any(label == children.lacking for label, _ in below):
                self._refused = self._refused or told
            return unfit_model(row, below, told), told

    def _note_misfit(self, model: type[BaseModel], check: Check, value: object) -> None:
        if self._row is not None:
            self._unfit.note_value(self._row, model, check, value)

    def _load_below(self, row: Row[Any]) -> list[tuple[str, LoadedChild]]:
        if row.node_id in self._around:
            way = list(self._around)
            self._in_circle.update(way[way.index(row.node_id) :])
        if row.node_id not in self._in_circle:
            self._around[row.node_id] = None
            below = [
                (child.node_label, part or self._part(child))
                for child, part in self._below.get(row.node_id, ())
            ]
            del self._around[row.node_id]
        if row.node_id in self._in_circle:
            raise DeserializationError(
                "It lies below itself: the row was not written by artigraph, or was changed since."
            )
        return below

    def _part(self, row: Row[Any]) -> LoadedChild:
        value, error = self._load(row)
        return LoadedChild(value, fault=error)
