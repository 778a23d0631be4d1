"""A row together with its value, and how the two show themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeAlias, TypeVar, cast

from sqlalchemy import Row
from typing_extensions import override

from artigraph.db.store import Store
from artigraph.display.facts import Facts, Field
from artigraph.display.options import Limits
from artigraph.display.row import HasCells, RowFacts, describe_held, describe_model
from artigraph.display.shown import Shown, type_name
from artigraph.display.value import brief, describe_value, table_cell
from artigraph.node.object import detached
from artigraph.node.row import NewRow
from artigraph.orm.artifact import BaseArtifact, ModelArtifact
from artigraph.orm.node import PATH, TAGS, tell_row
from artigraph.storage.badge import storage_badges

__all__ = ["Places", "QualifiedArtifact"]

A = TypeVar("A", bound=BaseArtifact)
T = TypeVar("T")

Places: TypeAlias = Mapping[str, tuple[str | None, int | None]]
"""Of values in rows of their own, by their labels: the storage, unless they are in the
database, and the size."""


class QualifiedArtifact(Shown, Generic[A, T]):
    """A row together with its value.

    Args:
        artifact: The row.
        value: What it holds.
    """

    __slots__ = ("_artifact", "_places", "_unmade", "path", "value")

    value: T
    """The value itself."""
    path: tuple[str, ...] | None
    """The labels of all above it, the root's first, with ``#12`` for a node without one;
    ``None`` where it was not read alone."""

    def __init__(self, artifact: A, value: T) -> None:
        self._artifact: A | None = artifact
        self._unmade: tuple[type[A], Row[Any] | NewRow, Store | None] | None = None
        self._places: Places = {}
        self.value, self.path = value, None

    @classmethod
    def of_rows(
        cls,
        node_type: type[A],
        rows: Iterable[tuple[Row[Any] | NewRow, T, Places, tuple[str, ...] | None]],
        store: Store | None,
    ) -> list[QualifiedArtifact[A, T]]:
        """Those whose rows become objects when they are first looked at.

        Args:
            node_type: The rows' class.
            rows: Each row, read or written; what it holds; where the parts of a model are,
                and their sizes, for its repr; the labels of all above it, if they are known.
            store: The store that the rows are in.
        """
        made = []
        for row, value, places, path in rows:
            # An object for each of 100,000 rows costs more than all the rest.
            self = cls.__new__(cls)
            self._artifact, self._unmade = None, (node_type, row, store)
            self._places, self.value, self.path = places, value, path
            made.append(self)
        return made

    @property
    def artifact(self) -> A:
        """The row; its columns are all loaded."""
        if self._artifact is None:
            node_type, row, store = self._read_row()
            self._artifact = detached(node_type, row, store)
            if tags := row.get(TAGS):
                vars(self._artifact)[TAGS] = tags
        return self._artifact

    def _read_row(self) -> tuple[type[A], dict[str, Any], Store | None]:
        if self._unmade is None:
            raise RuntimeError("There is an object already.")
        node_type, row, store = self._unmade
        return node_type, row.all_columns() if isinstance(row, NewRow) else row._asdict(), store

    def _tell(self, limits: Limits) -> RowFacts:
        """What the row tells, without an object of it."""
        path = self.path
        if self._artifact is not None:
            path = path or vars(self._artifact).get(PATH, {}).get(self._artifact.node_parent_id)
            node_type, row = type(self._artifact), self._artifact._loaded()
            tags = vars(self._artifact).get(TAGS)
        else:
            node_type, row, _ = self._read_row()
            tags = row.get(TAGS)
        return tell_row(node_type, row, limits, path=path, tags=tags)

    def _cells(self, limits: Limits) -> dict[str, str]:
        told = self._tell(limits)
        cells = told.cells
        if told.row.get("model_artifact_type") is None:
            cells["type"] = type_name(self.value)
        value: object = self.value
        if not isinstance(value, HasCells):
            return cells | {"value": table_cell(value, limits)}
        # A field may have the name of a column.
        inside = value._cells(limits).items()
        return cells | {f".{name}" if name in cells else name: text for name, text in inside}

    def _noun(self) -> str:
        node_type = type(self._artifact) if self._unmade is None else self._unmade[0]
        return "models" if issubclass(node_type, ModelArtifact) else "artifacts"

    @override
    def _describe(self, limits: Limits) -> Facts:
        told = self._tell(limits)
        name, value = told.row.get("model_artifact_type"), cast(object, self.value)
        if name is not None and type(value) is dict:
            version = told.row.get("model_artifact_version")
            document = {field: stored for field, stored in value.items() if field != "$"}
            facts = describe_model(str(name), version, document, limits)
            one = Field("", facts.name, "", facts.badges, replace(facts, badges=()))
        else:
            one = describe_value("value", value, limits)
        badges = {label: storage_badges(*place) for label, place in self._places.items()}
        return describe_held(told, one, badges)

    @override
    def _brief(self, limits: Limits) -> str:
        row, value = self.artifact._brief_key(), brief(self.value, limits.deeper())
        return f"{type(self).__name__}(artifact={row}, value={value})"
