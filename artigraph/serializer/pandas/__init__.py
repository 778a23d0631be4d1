"""pandas frames as Parquet that gives back what went in.

Any reader of Parquet opens these files: values are ordinary columns, index
levels follow them. What Parquet has no words for (dtypes, labels, index,
``attrs``) is a JSON description under the key ``artigraph`` of the file's
metadata. The ``pandas`` metadata that others write is neither written nor
read: it loses object strings, integer categories, labels of dates, ``freq``
and columns of frames without any.

A frame is written one row group after another, and can be read in part.

A value's place in its column is looked at only in object columns; everywhere
else the dtype settles what comes back. Object columns of mixed values are
texts of JSON. Sparse columns, complex numbers and byte-swapped columns are
refused. NaN in a NumPy column is a null in the file.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa

from artigraph.errors import SerializationError
from artigraph.serializer.pandas.read import DataFrameReader, decode_table
from artigraph.serializer.pandas.write import dump_frame, rows_per_group
from artigraph.serializer.part import FrameReader, FrameSerializer, summarize_frame
from artigraph.serializer.pyarrow import (
    ParquetReader,
    load_parquet,
    make_dataset,
    read_parquet,
    to_pandas,
)

__all__ = ["DataFrameSerializer", "dataframe_serializer"]


class DataFrameSerializer(FrameSerializer[pd.DataFrame]):
    """pandas frames as Parquet.

    * keeps dtypes (categorical with all its categories, time zones, nullable
      and Arrow dtypes), any index with its names and ``freq``, column labels
      of one type or of plain mixed ones, duplicate labels, and ``attrs``
    * keeps object columns, and indexes, of plain values of Python, NumPy and
      pandas, mixed as they may be: lists, dicts, arrays, dates, missing ones
    * refuses the rest, naming the column: cells of other types, sparse and
      complex columns, subclasses of DataFrame
    """

    name = "artigraph-pandas"
    types = (pd.DataFrame,)

    def serialize(self, value: pd.DataFrame, /) -> bytes:
        """Write a frame.

        Raises:
            SerializationError: A column, its labels or its index would not
                come back equal.
        """
        # BytesIO hands its buffer out without a copy.
        file = io.BytesIO()
        self.dump(value, file)
        return file.getvalue()

    def deserialize(self, data: bytes, /) -> pd.DataFrame:
        """Read a frame.

        Raises:
            DeserializationError: The bytes are not a frame that this
                serializer wrote, or damaged.
        """
        return decode_table(read_parquet(data))

    def dump(self, value: pd.DataFrame, file: BinaryIO, /) -> Mapping[str, Any]:
        """Write a frame, one row group after another.

        Raises:
            SerializationError: A column, its labels or its index would not
                come back equal.
        """
        _check_class(value)
        dump_frame(value, file)
        return self.summarize(value)

    def load(self, file: BinaryIO, /) -> pd.DataFrame:
        """Read a frame.

        Raises:
            DeserializationError: The file is not a frame that this serializer
                wrote, or damaged.
        """
        return decode_table(load_parquet(file))

    def summarize(self, value: pd.DataFrame, /) -> Mapping[str, Any]:
        """Its rows, columns, dtypes and row groups."""
        dtypes = zip(value.columns, value.dtypes, strict=True)
        columns = [(str(label), str(dtype)) for label, dtype in dtypes]
        return summarize_frame(len(value), columns, -(-len(value) // rows_per_group(value)))

    def open_reader(self, file: BinaryIO, /) -> FrameReader[pd.DataFrame]:
        """Read the footer of a file.

        Raises:
            DeserializationError: The file is not a frame that this serializer
                wrote, or damaged.
        """
        return DataFrameReader(file)

    def load_arrow(self, file: BinaryIO, /) -> pa.Table:
        """Read the table that the frame was stored as.

        Index levels are columns after the others; a ``RangeIndex`` is not in it.

        Raises:
            DeserializationError: The file is not Parquet, or damaged.
        """
        return load_parquet(file).replace_schema_metadata(None)

    def from_arrow(self, table: pa.Table, /) -> pd.DataFrame:
        """Make a frame of a table, as pyarrow does it."""
        frame: pd.DataFrame = to_pandas(table)
        return frame

    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> Any:
        """Make a dataset of a file; index levels are columns after the others.

        Raises:
            DeserializationError: The file is not Parquet, or damaged.
        """
        with open_file() as file:
            schema = ParquetReader(file).schema
        return make_dataset(open_file, size, schema.remove_metadata())


def _check_class(value: object) -> None:
    if type(value) is pd.DataFrame:
        return
    fix = "Use pandas.DataFrame(value)."
    if isinstance(value, pd.Series):
        fix = "Use value.to_frame()."
    elif hasattr(value, "to_wkb"):
        fix = "Use value.to_wkb(), and geopandas.GeoSeries.from_wkb(column) once it was read."
    raise SerializationError(
        f"{DataFrameSerializer.name!r} takes a pandas.DataFrame, not a {type(value).__module__}."
        f"{type(value).__qualname__}, which would not come back as one. {fix}"
    )


dataframe_serializer = DataFrameSerializer()
"""pandas frames."""
