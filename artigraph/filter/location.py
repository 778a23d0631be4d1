"""Fields by the path that leads to them, and where they are stored.

A path leads through dicts in the document of a model's row, and through nested
models to the documents of rows below it. What a field may hold is told by its
annotation; ``artigraph.filter.shape`` reads that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, and_

from artigraph.errors import FilterError
from artigraph.filter.shape import Path, Shape
from artigraph.filter.stored import InColumn, InDocument, StoredValue
from artigraph.orm.base import is_clean
from artigraph.registry import did_you_mean

__all__ = ["FieldLocation", "find_field", "nested_model", "path_of", "shown_path"]


@dataclass(frozen=True)
class FieldLocation:
    """Where a field is stored."""

    labels: tuple[str, ...]
    """The rows below the model's own that lead to it, by label."""
    keys: Path
    """What leads to it in the document of the last row."""
    shape: Shape
    """What it may hold."""
    column: Column[Any] | None = None
    """The column of the last row that has it, or the document that it is in; that of models,
    unless given."""

    def stored(self, row: FromClause) -> StoredValue:
        """The value that a row has there; the last of those that lead to it."""
        if (beside := self.shape.beside(row)) is not None:
            return beside
        if self.column is not None and not self.keys:
            return InColumn(row, self.column)
        name = "model_artifact_data" if self.column is None else self.column.name
        return InDocument(row.c[name], self.keys, self.shape.tells_type)


def path_of(field: object) -> Path:
    """A field's path, of a text with dots or of a tuple.

    Raises:
        FilterError: It is neither, or empty.
    """
    path = tuple(field.split(".")) if isinstance(field, str) else field
    if not isinstance(path, tuple) or not path or not all(isinstance(key, str) for key in path):
        raise FilterError(
            f"A field is named by a text such as 'params.depth', or by a tuple of texts such as "
            f"('params', 'a.b'), not by {field!r}."
        )
    return path


def shown_path(path: Path) -> str:
    """A path as errors and filters show it: ``params.depth``, ``params['a.b']``."""
    return path[0] + "".join(f".{key}" if key.isidentifier() else f"[{key!r}]" for key in path[1:])


def find_field(owner: str, shape: Shape, path: Path) -> FieldLocation:
    """Where a field of a class is stored.

    Raises:
        FilterError: The class has no such field.
    """
    labels: list[str] = []
    keys: list[str] = []
    column: Column[Any] | None = None
    for at, key in enumerate(path):
        if not is_clean(key) or key == "$":
            raise FilterError(
                f"A filter cannot look for {key!r}: it looks for no key with a NUL or a lone "
                "surrogate, nor for '$'."
            )
        inner = shape.step(key)
        where = f"{owner}.{shown_path(path[:at])}" if at else owner
        if inner is None and shape.names is not None:
            raise FilterError(f"{where} has no field {key!r}. {did_you_mean(key, shape.names)}")
        if inner is None:
            raise FilterError(
                f"{where} is {shape.name}; a filter cannot look for {key!r} in that. It looks into "
                "dicts with text or integer keys and into nested models."
            )
        shape = inner
        if shape.column is not None:
            column = shape.column
            continue
        keys.append(key)
        if shape.is_row and at < len(path) - 1:
            labels.append(".".join(keys))
            keys = []
        elif at < len(path) - 1:
            keys += shape.within
    return FieldLocation(tuple(labels), tuple(keys), shape, column)


def nested_model(inner: FromClause, row: FromClause, label: str) -> ColumnElement[bool]:
    """Whether a row is that of a model nested in another one.

    Args:
        inner: The nested model's row.
        row: The row of the model that it stands in.
        label: What leads to it there: a field, and keys of dicts behind it.
    """
    return and_(
        inner.c.node_parent_id == row.c.node_id,
        inner.c.node_label == label,
        inner.c.model_artifact_type.is_not(None),
    )
