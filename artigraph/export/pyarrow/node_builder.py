"""Nodes as a table: one row a node, one column a column of theirs or an entry of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

import pyarrow as pa
from typing_extensions import override

from artigraph.export.column import Name, column_name
from artigraph.export.document import ModelColumns
from artigraph.export.node_rows import LAST, ON_REQUEST, NodeColumn
from artigraph.export.pyarrow.array import arrow_type
from artigraph.export.pyarrow.cell import fitting, moments
from artigraph.export.pyarrow.table import Column, TableBuilder, is_prefix, paths_of, table_of
from artigraph.export.selection import Selection
from artigraph.model.base import BaseModel

__all__ = ["NodeTableBuilder"]


class NodeTableBuilder(TableBuilder):
    """Takes chunks of rows of nodes, and makes one table of them.

    Args:
        selection: The columns that are wanted.
        as_written: As for :class:`TableBuilder`.
        columns: The columns of the nodes' classes.
        further: Further ones of every node that are read.
        known: The names of all columns of the classes, wanted or not.
    """

    def __init__(
        self,
        selection: Selection,
        as_written: Any,
        columns: Sequence[NodeColumn],
        further: Sequence[str],
        known: Sequence[str],
    ) -> None:
        super().__init__(selection, as_written)
        self._columns, self._further = columns, further
        self._basic: dict[str, list[pa.Array[Any]]] = {name: [] for name in (*LAST, *further)}
        self._fields = dict.fromkeys((*known, *ON_REQUEST))
        for one in columns:
            self._place((one.name,))
            if not one.is_document:
                self._declared[(one.name,)] = one.scalar

    @override
    def take(self, rows: Iterable[Any]) -> None:
        """Take the rows of some nodes, the next chunk.

        Args:
            rows: What ``select_nodes_of`` finds; at least one.
        """
        cells = list(zip(*rows, strict=True))
        basic = dict(zip((*LAST, *self._further), cells, strict=False))
        own = cells[len(basic) :]
        size = len(cells[0])
        for name, values in basic.items():
            self._basic[name].append(_array(name, values))
        self.parents.update(one for one in set(basic["parent_id"]) if one is not None)
        chunk = len(self._rows)
        by_name = self._basic
        self._rows.append([by_name["id"][-1], by_name["label"][-1], by_name["parent_id"][-1]])
        documents: dict[str, Sequence[Any]] = {}
        for one, values in zip(self._columns, own, strict=True):
            if one.is_document:
                documents[one.name] = values
            else:
                self._arrays.setdefault((one.name,), {})[chunk] = _values(one, values)
        if documents:
            nothing: list[Any] = [None] * size
            self._documents(
                chunk,
                ModelColumns(
                    node_id=basic["id"],
                    label=basic["label"],
                    parent_id=basic["parent_id"],
                    created_at=nothing,
                    updated_at=nothing,
                    name=basic["type"],
                    version=nothing,
                    parts=nothing,
                    document=self._joined(documents, size),
                    created_by=nothing,
                    updated_by=nothing,
                ),
            )

    def _joined(self, documents: Mapping[str, Sequence[Any]], size: int) -> list[str]:
        """Each row's documents as one, by the names of their columns."""
        make = self._as_written
        joined = []
        for row in range(size):
            texts = ((name, values[row]) for name, values in documents.items())
            parts = [
                f'"{name}":{text if make is None else make(text)}'
                for name, text in texts
                if text is not None
            ]
            joined.append(f"{{{','.join(parts)}}}")
        return joined

    @override
    def build(self, paths: Mapping[int, str], classes: Iterable[type[BaseModel]] = ()) -> pa.Table:
        """Make the table.

        Args:
            paths: The paths of the parents.
            classes: Nothing.

        Raises:
            FilterError: A column is wanted that there is not.
        """
        columns: dict[str, Column] = {}
        if self._selection.wants_path:
            made = [paths_of(row, paths) for row in self._rows]
            columns["path"] = made, pa.string()
        typed: dict[Name, Column] = {}
        for name in sorted({*self._arrays, *self._declared}, key=self._rank):
            typed[name] = self._column(name)
        for name, column in typed.items():
            if not (pa.types.is_null(column[1]) and is_prefix(name, typed)):
                columns[column_name(name)] = column
        for basic, arrays in self._basic.items():
            columns[basic] = arrays, _array(basic, []).type
        chosen = self._selection.choose(
            list(columns),
            (),
            [column_name((field,)) for field in self._fields],
            empty=False,
            noun="node",
        )
        found = {name: columns.get(name) or self._nothing() for name in chosen}
        for name in sorted(self._tags):
            if self._tags[name] or not is_prefix(name, self._tags):
                found[column_name(name)] = self._filled(self._tags[name], pa.null())
        return table_of(found)


def _array(name: str, values: Sequence[Any]) -> pa.Array[Any]:
    """The cells of a column that every node has."""
    if name in ("id", "parent_id"):
        return pa.array(values, pa.int64())
    if name.endswith("_at"):
        return fitting(moments, values)
    return fitting(_texts, values)


def _texts(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array([None if one is None else str(one) for one in values], pa.string())


def _values(column: NodeColumn, values: Sequence[Any]) -> pa.Array[Any]:
    """The cells of a column of a class, as texts where Arrow has no type for them."""
    if column.scalar is None:
        return fitting(_texts, values)
    if column.scalar.form == "moment":
        return fitting(moments, values)
    type_ = arrow_type(column.scalar)
    if pa.types.is_string(type_):
        plain = [one.name if isinstance(one, Enum) else one for one in values]
        return fitting(_texts, plain)
    if pa.types.is_decimal(type_):
        return fitting(pa.array, values)
    return fitting(lambda some: pa.array(some, type_), values)
