"""A table put together chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
import pyarrow as pa

from artigraph.export.column import (
    MOST_COLUMNS,
    ROW_COLUMNS,
    BlobInside,
    Name,
    Piece,
    Pieces,
    TooManyColumnsError,
    column_name,
)
from artigraph.export.declared import DICT, PART, Declared, declared_columns
from artigraph.export.document import WHO_COLUMNS, ModelColumns, Nested
from artigraph.export.pyarrow.array import JSON, MOMENT, array_of, arrow_type
from artigraph.export.pyarrow.cell import fitting, integers, moments, texts
from artigraph.export.pyarrow.unify import unified, widened
from artigraph.export.selection import Selection
from artigraph.export.tag import TagCells, tag_document
from artigraph.garbage import collector_paused
from artigraph.model.base import BaseModel, models_by_name
from artigraph.model.unfit import row_name
from artigraph.outline.path_text import path_step

__all__ = [
    "IS_JSON",
    "Column",
    "TableBuilder",
    "is_prefix",
    "paths_of",
    "table_of",
]

IS_JSON = {b"artigraph": b"json"}
"""The metadata of a column that holds JSON, which ``codec.any.ANY`` reads."""

Column: TypeAlias = "tuple[list[pa.Array[Any]], Any]"
"""Its chunks, and their type."""

_ROW_TYPES: dict[str, pa.DataType] = dict(
    zip(
        ROW_COLUMNS,
        (
            pa.int64(),
            pa.string(),
            pa.int64(),
            MOMENT,
            MOMENT,
            pa.string(),
            pa.int64(),
            pa.string(),
        ),
        strict=True,
    )
)


class TableBuilder:
    """Takes chunks of rows, in any order, and makes one table of them.

    Args:
        selection: The columns that are wanted.
        as_written: Makes of a document's JSON that which was written, where it is another.
        most_of_one: How many columns the document of one model may make. The fields of one
            that makes more are missing.
    """

    def __init__(
        self,
        selection: Selection,
        as_written: Callable[[str], str] | None,
        most_of_one: int = MOST_COLUMNS,
    ) -> None:
        self._as_written, self._most_of_one = as_written, most_of_one
        self.paths: Mapping[int, str] = {}
        """The paths of those, once they are read."""
        self.parents: set[int] = set()
        """The ids of all nodes that a model hangs on."""
        self._selection = selection
        self._rows: list[list[pa.Array[Any]]] = []
        self._arrays: dict[Name, dict[int, pa.Array[Any]]] = {}
        self._tags: dict[Name, dict[int, pa.Array[Any]]] = {}
        self._blobs: dict[Name, None] = {}
        self._parts: dict[Name, None] = {}
        self._declared: dict[Name, Declared] = {}
        self._classes: set[str] = set()
        self._order: dict[Name, int] = {}
        self._fields: dict[str, None] = {}
        self.unreadable: list[tuple[str, str]] = []
        """Rows whose fields are missing, as they are named, and why."""

    def take(self, rows: Iterable[Any]) -> tuple[int, ModelColumns] | None:
        """Take the rows of some models, the next chunk.

        Args:
            rows: What ``select_models`` finds; at least one.

        Returns:
            What :meth:`add_chunk` wants once all nested models are known; ``None``
            if there is none in these.

        Raises:
            FilterError: As for :meth:`add_chunk`.
        """
        models = ModelColumns(*zip(*rows, strict=True))
        if (make := self._as_written) is not None:
            documents = [None if text is None else make(text) for text in models.document]
            models = models._replace(document=documents)
        self._rows.append(
            [
                pa.array(models.node_id, pa.int64()),
                fitting(texts, models.label),
                pa.array(models.parent_id, pa.int64()),
                fitting(moments, models.created_at),
                fitting(moments, models.updated_at),
                fitting(texts, models.name),
                fitting(integers, models.version),
            ]
        )
        if self._selection.wants_who:
            self._rows[-1] += [fitting(texts, w) for w in (models.created_by, models.updated_by)]
        self.parents.update(one for one in set(models.parent_id) if one is not None)
        chunk = len(self._rows) - 1
        if self._selection.wants_fields and any(models.parts):
            return chunk, models
        self.add_chunk(chunk, models, {})
        return None

    def add_chunk(self, chunk: int, models: ModelColumns, nested: Nested) -> None:
        """Take the documents of a chunk's models apart.

        Args:
            chunk: The chunk's number.
            models: Its columns.
            nested: The models below them.

        Raises:
            FilterError: There are too many columns.
        """
        if not self._selection.wants_fields:
            return
        for name in dict.fromkeys(models.name):
            if name not in self._classes:
                self._classes.add(name)
                self._declare(models_by_name.get(name))
        self._documents(chunk, models, nested)

    def _documents(self, chunk: int, models: ModelColumns, nested: Nested | None = None) -> None:
        nested = nested or {}
        with collector_paused():
            # All that it makes is gone again when the collector is back.
            if self._most_of_one < MOST_COLUMNS:
                models = self._without_unfit(models, nested)
            try:
                self._take_apart(chunk, models, nested)
            except (*_TOO_DEEP, TooManyColumnsError):
                self._take_apart(chunk, self._without_unfit(models, nested), nested)
        if len(self._arrays) > MOST_COLUMNS:
            raise TooManyColumnsError(self._arrays, MOST_COLUMNS)

    def _take_apart(self, chunk: int, models: ModelColumns, nested: Nested) -> None:
        pieces = Pieces(nested, self._selection.wants)
        made = _arrays_of(pieces, models)
        self._fields |= pieces.fields
        self._blobs |= pieces.blobs
        for name, array in made.items():
            self._place(name)
            arrays = self._arrays.setdefault(name, {})
            if array is None:
                self._blobs[name] = None
            else:
                arrays[chunk] = array
        if pieces.unreadable:
            places = {node_id: at for at, node_id in enumerate(models.node_id)}
            self.unreadable += [
                (_row_name(models, places.get(node_id), node_id), why)
                for node_id, why in pieces.unreadable.items()
            ]

    def add_tags(self, cells: TagCells, names: Iterable[str]) -> None:
        """Add columns of tags, behind all others.

        Args:
            cells: The tags of the models.
            names: Of tags whose columns are there though no model has them.

        Raises:
            FilterError: There are too many.
        """
        for chunk, row in enumerate(self._rows):
            ids: list[Any] = row[0].to_pylist()
            documents = [tag_document(cells, node_id) for node_id in ids]
            pieces = Pieces({}, lambda _: True)
            pieces.add_models(ids, documents)
            for name, some in pieces.columns.items():
                self._tags.setdefault(name, {})[chunk] = _spread(some, len(ids))
        for missing in names:
            self._tags.setdefault((f"tag:{missing}",), {})

    @property
    def has_rows(self) -> bool:
        """Whether anything was found."""
        return bool(self._rows)

    def ids(self) -> list[int]:
        """The ids of the rows."""
        return [int(one) for row in self._rows for one in row[0].to_pylist() if one is not None]

    def parents_by_row(self) -> list[int | None]:
        """What each row hangs on."""
        return [one for row in self._rows for one in row[2].to_pylist()]

    @property
    def has_fields(self) -> bool:
        """Whether any model's field was found."""
        return bool(self._arrays)

    def _without_unfit(self, models: ModelColumns, nested: Nested) -> ModelColumns:
        documents = list(models.document)
        for at, node_id in enumerate(models.node_id):
            one = models._replace(node_id=[node_id], document=[documents[at]])
            try:
                _arrays_of(Pieces(nested, self._selection.wants, self._most_of_one), one)
            except TooManyColumnsError:
                why = _WHY_TOO_WIDE.format(most=self._most_of_one)
            except _TOO_DEEP:
                why = _WHY_TOO_DEEP
            else:
                continue
            documents[at] = "{}"
            self.unreadable.append((_row_name(models, at, node_id), why))
        return models._replace(document=documents)

    def build(self, paths: Mapping[int, str], classes: Iterable[type[BaseModel]]) -> pa.Table:
        """Make the table.

        Args:
            paths: The paths of the parents.
            classes: The classes that the models would be of, if there is none.

        Raises:
            FilterError: A column is wanted that there is not, or is not read.
        """
        if not self._rows:
            for model in classes:
                self._declare(model)
        columns = self._row_columns(paths)
        typed: dict[Name, Column] = {}
        names = {*self._arrays, *self._declared} - self._blobs.keys()
        for name in sorted(names, key=self._rank):
            typed[name] = self._column(name)
        for name, (arrays, type_) in typed.items():
            # What is in a dict or a nested model has columns of its own, and what is in a
            # row of its own has none.
            elsewhere = name in self._parts or is_prefix(name, [*typed, *self._blobs])
            if not (pa.types.is_null(type_) and elsewhere):
                columns[column_name(name)] = (arrays, type_)
        chosen = self._selection.choose(
            list(columns),
            [column_name(name) for name in {**self._blobs, **self._parts}],
            [column_name((field,)) for field in self._fields],
            empty=not self._rows,
        )
        made = {name: columns.get(name) or self._nothing() for name in chosen}
        for name in sorted(self._tags):
            if self._tags[name] or not is_prefix(name, self._tags):
                made[column_name(name)] = self._filled(self._tags[name], pa.null())
        return table_of(made)

    def _declare(self, model: type[BaseModel] | None) -> None:
        for name, declared in ({} if model is None else declared_columns(model)).items():
            self._fields[name[0]] = None
            self._place(name)
            if declared == PART:
                self._parts[name] = None
            elif declared != DICT and self._selection.wants(name[0]):
                self._declared.setdefault(name, declared)

    def _place(self, name: Name) -> None:
        for length in range(1, len(name) + 1):
            self._order.setdefault(name[:length], len(self._order))

    def _rank(self, name: Name) -> list[int]:
        # What belongs to one field stands together, whenever it was found.
        return [self._order[name[:length]] for length in range(1, len(name) + 1)]

    def _type(self, name: Name) -> pa.DataType:
        return arrow_type(self._declared.get(name))

    def _column(self, name: Name) -> Column:
        return self._filled(self._arrays.get(name, {}), self._type(name))

    def _filled(self, found: Mapping[int, pa.Array[Any]], declared: pa.DataType) -> Column:
        """A column's chunks, null where one has none of its values."""
        arrays = widened(unified(list(found.values())), declared)
        type_: Any = arrays[0].type if arrays else declared
        by_chunk = dict(zip(found, arrays, strict=True))
        filled = [
            by_chunk[chunk] if chunk in by_chunk else pa.nulls(len(row[0]), type_)
            for chunk, row in enumerate(self._rows)
        ]
        return filled, type_

    def _row_columns(self, paths: Mapping[int, str]) -> dict[str, Column]:
        if self._selection.wants_path:
            for row in self._rows:
                row.append(paths_of(row, paths))
        names = [name for name in ROW_COLUMNS if name != "path"]
        names += WHO_COLUMNS if self._selection.wants_who else ()
        names += ["path"] if self._selection.wants_path else ()
        return {
            name: ([row[i] for row in self._rows], _ROW_TYPES.get(name, pa.string()))
            for i, name in enumerate(names)
        }

    def _nothing(self) -> Column:
        return [pa.nulls(len(row[0])) for row in self._rows], pa.null()


_TOO_DEEP = (RecursionError, orjson.JSONEncodeError)
_WHY_TOO_DEEP = (
    "It holds itself, or is nested deeper than a frame can show. Name the columns that you "
    "want: read_frame(filter, columns=[…])."
)

_WHY_TOO_WIDE = (
    "It makes more than {most:,} columns, which leaves no room for those of the others. Name the "
    "columns that you want: read_frame(filter, columns=[…])."
)


def _arrays_of(pieces: Pieces, models: ModelColumns) -> dict[Name, pa.Array[Any] | None]:
    """The columns of some models; ``None`` for one with a value in a row of its own."""
    pieces.add_models(models.node_id, models.document)
    made: dict[Name, pa.Array[Any] | None] = {}
    for name, some in pieces.columns.items():
        try:
            made[name] = _spread(some, len(models.node_id))
        except BlobInside:
            made[name] = None
    return made


def _row_name(models: ModelColumns, at: int | None, node_id: int) -> str:
    if at is None:  # one below another
        return f"Node {node_id}"
    return row_name(node_id, models.label[at], models.name[at], models.version[at])


def is_prefix(name: Name, names: Iterable[Name]) -> bool:
    """Whether a name leads to others."""
    return any(len(other) > len(name) and other[: len(name)] == name for other in names)


def _spread(pieces: Sequence[Piece], size: int) -> pa.Array[Any]:
    """Pieces of a column as one array, null where none has a value."""
    arrays = unified([array_of(piece) for piece in pieces])
    if not arrays:
        return pa.nulls(size)
    if len(arrays) == 1 and len(arrays[0]) == size:
        return arrays[0]
    places: list[int | None] = [None] * size
    rows = (row for piece in pieces for row in piece.rows)
    for place, row in enumerate(rows):
        places[row] = place
    return pa.concat_arrays(arrays).take(pa.array(places, pa.int64()))


def paths_of(row: Sequence[pa.Array[Any]], paths: Mapping[int, str]) -> pa.Array[Any]:
    """The paths of rows, of whose columns ids, labels and parents come first."""
    ids, labels, parents = (array.to_pylist() for array in row[:3])
    made: list[str] = []
    rows: Iterable[Any] = zip(ids, labels, parents, strict=True)
    for node_id, label, parent in rows:
        step, above = path_step(node_id, label), paths.get(parent)
        made.append(step if above is None else f"{above}/{step}")
    return pa.array(made, pa.string())


def table_of(columns: Mapping[str, Column]) -> pa.Table:
    """A table of its columns."""
    fields: list[Any] = []
    chunked: list[Any] = []
    for name, (arrays, type_) in columns.items():
        is_json = type_ == JSON
        fields.append(
            pa.field(name, pa.string() if is_json else type_, metadata=IS_JSON if is_json else None)
        )
        column = pa.chunked_array(arrays or [pa.nulls(0, type_)], type_)
        chunked.append(column.cast(pa.string()) if is_json else column)
    return pa.Table.from_arrays(chunked, schema=pa.schema(fields))
