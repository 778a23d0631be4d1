"""A frame out of Parquet, whole or in part."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from artigraph.errors import DeserializationError
from artigraph.serializer.pandas.column import decode_column, decode_label
from artigraph.serializer.pandas.index import decode_index, unpack_index
from artigraph.serializer.pandas.plain import decode_plain
from artigraph.serializer.pandas.show import describe_column
from artigraph.serializer.pandas.write import METADATA_KEY, VERSION
from artigraph.serializer.part import FrameColumn, FrameReader, reading
from artigraph.serializer.pyarrow import ParquetReader, empty_table

__all__ = ["DataFrameReader", "decode_table"]

_UNREADABLE = "This holds a frame that 'artigraph-pandas' cannot read"


def decode_table(table: pa.Table) -> pd.DataFrame:
    """Turn a whole table, with its description, back into the frame.

    Raises:
        DeserializationError: It has no description, or one that does not fit.
    """
    with reading(_UNREADABLE):
        description = _describe(table.schema)
        width = len(description["columns"])
        frame = _decode(table, description, range(width), slice(None))
        frame.columns = unpack_index(description["labels"])
    return frame


def _describe(schema: pa.Schema) -> dict[str, Any]:
    text = (schema.metadata or {}).get(METADATA_KEY)
    if text is None:
        raise DeserializationError(
            "These bytes are Parquet, but 'artigraph-pandas' did not write them. Read them with "
            "artigraph.serializer.pyarrow.parquet_serializer."
        )
    description: dict[str, Any] = json.loads(text)
    if description["version"] > VERSION:
        raise ValueError("a newer artigraph wrote it: pip install --upgrade artigraph")
    return description


def _decode(
    table: pa.Table, description: dict[str, Any], places: Sequence[int], rows: Any
) -> pd.DataFrame:
    """Decode columns whose places are given, and the index levels after them.

    Which rows they are, a slice or an array tells; a range of pandas asks for it.
    """
    width = len(places)
    index = decode_index(description["index"], table.columns[width:], rows)
    specs = [description["columns"][i] for i in places]
    columns = {
        i: pd.Series(values, index=index, dtype=values.dtype, copy=False)
        for i, values in enumerate(map(decode_column, table.columns[:width], specs))
    }
    frame = pd.DataFrame(columns, index=index, copy=False)
    frame.attrs = _attrs(description)
    flags: Any = frame.flags
    flags.allows_duplicate_labels = description["duplicates"]
    return frame


def _attrs(description: dict[str, Any]) -> dict[Any, Any]:
    pairs = description.get("plain_attrs")
    if pairs is None:
        return copy.deepcopy(dict(description["attrs"]))
    return {decode_plain(key): decode_plain(value) for key, value in pairs}


class DataFrameReader(FrameReader[pd.DataFrame]):
    """A pandas frame in a Parquet file whose footer was read.

    Args:
        file: A file that the serializer wrote.

    Raises:
        DeserializationError: It is not, or it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._parquet = ParquetReader(file)
        with reading(_UNREADABLE):
            self._text = _describe(self._parquet.schema)
            self.labels: Any = unpack_index(self._text["labels"])
            self.num_rows = self._parquet.num_rows
            index = self._text["index"]
            fields = len(self._text["columns"]) + len(index["levels"])
            if fields != len(self._parquet.schema) or len(self.labels) != len(
                self._text["columns"]
            ):
                raise ValueError("its description tells of other columns than there are")
            if "range" in index:
                # Without columns, Parquet does not know how many rows there are.
                rows = len(range(*index["range"]))
                if len(self._parquet.schema) and rows != self.num_rows:
                    raise ValueError(f"its index has {rows} rows and its columns {self.num_rows}")
                self.num_rows = rows

    def dtypes(self) -> list[str]:
        """The columns' dtypes as text, in their order."""
        with reading(_UNREADABLE):
            empty = empty_table(self._parquet.schema)
            frame = _decode(empty, self._text, range(len(self.labels)), slice(0, 0))
        return [str(dtype) for dtype in frame.dtypes]

    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> pd.DataFrame:
        """Read some rows of some columns, with their part of the index.

        A ``freq`` is kept, since rows that follow each other keep it.

        Raises:
            DeserializationError: The file is damaged.
        """
        width = len(self.labels)
        places = list(range(width)) if columns is None else list(columns)
        levels = range(width, len(self._parquet.schema))
        wanted = None if columns is None else [*places, *levels]
        rows = slice(offset, offset + limit)
        if wanted or (wanted is None and len(self._parquet.schema)):
            table = self._parquet.read(file, offset, limit, wanted)
        else:
            table = empty_table(self._parquet.schema).select([])
        with reading(_UNREADABLE):
            frame = _decode(table, self._text, places, rows)
            labels: Any = self.labels
            frame.columns = labels.copy() if columns is None else labels.take(places)
        return frame

    def as_arrow(self) -> FrameReader[Any] | None:
        """The same file, as tables of Arrow: the columns, then the index levels."""
        return self._parquet

    def arrow_columns(self) -> list[FrameColumn]:
        """What is to be known of the columns and index levels, in their order."""
        index = self._text["index"]
        names = [decode_label(name) for name in index["names"]]
        labels = [*map(str, self.labels), *("" if name is None else str(name) for name in names)]
        specs = [*self._text["columns"], *index["levels"]]
        # A schema makes its list of types anew each time.
        width, kinds = len(self.labels), self._parquet.schema.types
        with reading(_UNREADABLE):
            return [
                describe_column(labels[i], spec, kinds[i], i >= width)
                for i, spec in enumerate(specs)
            ]

    def to_pandas(
        self, columns: Sequence[Any], places: Sequence[int], rows: object
    ) -> pd.DataFrame:
        """Make a frame of columns and index levels; the index keeps no ``freq``.

        Raises:
            DeserializationError: They do not fit the description.
        """
        # Rows in any order have no spacing.
        index = {k: None if k == "freq" else v for k, v in self._text["index"].items()}
        table = pa.table(list(columns), [str(i) for i in range(len(columns))])
        with reading(_UNREADABLE):
            frame = _decode(table, {**self._text, "index": index}, places, rows)
            frame.columns = self.labels.take(list(places))
        return frame
