"""Polars frames as Parquet, written by Polars itself.

Any reader of Parquet opens them. What Polars' writer changes or lacks, such
as Object columns, is refused. Sorted flags are not kept.

Polars ends the whole process on some damaged pages. So a checksum of the
file is kept in the file's own metadata, and nothing is read unless it fits.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

import polars as pl

from artigraph.errors import DeserializationError, SerializationError
from artigraph.serializer.part import (
    FrameColumn,
    FrameReader,
    FrameSerializer,
    reading,
    summarize_frame,
)
from artigraph.serializer.pyarrow import ParquetReader, make_dataset, places_among

__all__ = ["DataFrameSerializer", "dataframe_serializer"]

ROWS_PER_GROUP = 20_000
"""Rows of a row group, at least; small, so that one page of a few columns
costs little."""

COLUMN_CHUNKS = 10_000
"""Column chunks of a file, about: each takes some hundred bytes of the footer."""

CHECKSUM_KEY = "artigraph"
CHECKSUM_TAG = b"artigraph-crc32:"
NO_CHECKSUM = b"00000000"
"""Stands where the checksum goes, while the checksum is taken."""

FAILURES = (Exception, pl.exceptions.PanicException)
"""Polars panics as well as it raises, and a panic is no ``Exception``."""


class DataFrameSerializer(FrameSerializer[pl.DataFrame]):
    """Polars frames as Parquet.

    * keeps names, types and values, nested and categorical ones too
    * refuses Object columns, lazy frames and subclasses
    """

    name = "artigraph-polars"
    types = (pl.DataFrame,)

    def serialize(self, value: pl.DataFrame, /) -> bytes:
        """Write a frame.

        Raises:
            SerializationError: It would not come back equal.
        """
        _check_class(value, self.name)
        for column, dtype in value.schema.items():
            _check_column(column, dtype)
        try:
            return _sign(_write(value))
        except FAILURES as error:
            raise SerializationError(
                f"This frame cannot be written as Parquet: {error}. Cast the column to a "
                "type that Parquet has."
            ) from error

    def deserialize(self, data: bytes, /) -> pl.DataFrame:
        """Read a frame.

        Raises:
            DeserializationError: The bytes are not Parquet, or damaged.
        """
        _verify(data, self.name)
        told = f"These {len(data)} bytes are not a frame that {self.name!r} wrote, or are damaged"
        with _asking_polars(told):
            return pl.read_parquet(io.BytesIO(data))

    def summarize(self, value: pl.DataFrame, /) -> Mapping[str, Any]:
        """Its rows, columns, types and row groups."""
        columns = [(name, str(dtype)) for name, dtype in value.schema.items()]
        return summarize_frame(value.height, columns, -(-value.height // _row_group_size(value)))

    def open_reader(self, file: BinaryIO, /) -> FrameReader[pl.DataFrame]:
        """Read the footer of a file.

        Raises:
            DeserializationError: The file is not a frame that this serializer
                wrote, or damaged.
        """
        return DataFrameReader(file)

    def load_arrow(self, file: BinaryIO, /) -> Any:
        """Read a frame as an Arrow table.

        Raises:
            DeserializationError: The file is not Parquet, is damaged, or has a
                type that Arrow lacks.
        """
        frame = self.load(file)
        with _asking_polars("Arrow lacks a type of this frame, which load() reads"):
            return frame.to_arrow()

    def from_arrow(self, table: Any, /) -> pl.DataFrame:
        """Make a frame of an Arrow table.

        Raises:
            DeserializationError: Polars lacks a type of it.
        """
        with _asking_polars("Polars lacks a type of this table"):
            frame = pl.DataFrame(table)
            # Polars gives an empty name another one.
            frame.columns = table.column_names
        return frame

    def scan(self, open_file: Callable[[], BinaryIO], size: int, /) -> Any:
        """Make a dataset of a file.

        Raises:
            DeserializationError: The file is not Parquet, is damaged, or has
                a type that Arrow lacks.
        """
        with open_file() as file:
            schema = ParquetReader(file).schema
        return make_dataset(open_file, size, schema.remove_metadata())


class DataFrameReader(FrameReader[pl.DataFrame]):
    """A Polars frame in a file whose footer was read.

    Parts are read by Arrow, which reports damage where Polars would end the
    process. Polars writes no checksums of pages, so damage that leaves a page
    readable is found only when the whole is read. A frame
    with a type that Arrow lacks, such as Int128, is read whole every time.

    Args:
        file: A file that the serializer wrote.

    Raises:
        DeserializationError: It is not, or it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._parquet: ParquetReader | None = None
        try:
            parquet = ParquetReader(file)
            self.schema = dict(_read_part(parquet, file, 0, 0, None).schema)
            self.num_rows = parquet.num_rows
            self._parquet = parquet
        except DeserializationError as error:
            if not _lacks_type(error):
                raise
            whole = _load(file)
            self.schema, self.num_rows = dict(whole.schema), whole.height
        self.labels = list(self.schema)

    def dtypes(self) -> list[str]:
        """The columns' types as text, in their order."""
        return [str(dtype) for dtype in self.schema.values()]

    def read(
        self, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None = None
    ) -> pl.DataFrame:
        """Read some rows of some columns.

        Raises:
            DeserializationError: The file is damaged.
        """
        if self._parquet is not None:
            return _read_part(self._parquet, file, offset, limit, columns)
        rows = _load(file).slice(offset, limit)
        return rows if columns is None else rows.select([self.labels[i] for i in columns])

    def as_arrow(self) -> FrameReader[Any] | None:
        """The same file, as tables of Arrow; ``None`` if Arrow lacks a type of it."""
        return self._parquet

    def arrow_columns(self) -> list[FrameColumn]:
        """What is to be known of the columns; those of an ``Enum`` have its order."""
        return [
            facts._replace(sort_key=partial(places_among, dtype.categories.to_arrow()))
            if isinstance(dtype, pl.Enum)
            else facts
            for facts, dtype in zip(super().arrow_columns(), self.schema.values(), strict=True)
        ]

    def to_pandas(self, columns: Sequence[Any], places: Sequence[int], rows: object) -> Any:
        """Make a frame of pandas of columns, as pyarrow does it."""
        if self._parquet is None:
            return super().to_pandas(columns, places, rows)
        return self._parquet.to_pandas(columns, places, rows)


def _load(file: BinaryIO) -> pl.DataFrame:
    file.seek(0)
    return dataframe_serializer.load(file)


def _read_part(
    parquet: ParquetReader, file: BinaryIO, offset: int, limit: int, columns: Sequence[int] | None
) -> pl.DataFrame:
    table = parquet.read(file, offset, limit, columns)
    if not table.num_columns:
        return pl.DataFrame()
    with reading("This file is not a frame that 'artigraph-polars' wrote"):
        # A copy of the rows: Polars misreads slices of fixed-size lists, and the
        # rest of their row groups would stay in memory.
        rows = pl.int_range(table.num_rows, eager=True).to_arrow()
        return dataframe_serializer.from_arrow(table.take(rows))


@contextmanager
def _asking_polars(message: str) -> Iterator[None]:
    with reading(message):
        try:
            yield
        except pl.exceptions.PanicException as error:
            raise ValueError(str(error)) from error


def _lacks_type(error: DeserializationError) -> bool:
    return isinstance(error.__cause__, NotImplementedError)


def _row_group_size(frame: pl.DataFrame) -> int:
    return max(ROWS_PER_GROUP, -(-frame.height * frame.width // COLUMN_CHUNKS))


def _write(frame: pl.DataFrame) -> io.BytesIO:
    file = io.BytesIO()
    frame.write_parquet(
        file,
        compression="zstd",
        compression_level=1,
        row_group_size=_row_group_size(frame),
        metadata={CHECKSUM_KEY: (CHECKSUM_TAG + NO_CHECKSUM).decode()},
    )
    file.seek(0)
    return file


def _sign(file: io.BytesIO) -> bytes:
    # The footer stands at the end, so the last tag is the one in the metadata.
    start = file.getvalue().rfind(CHECKSUM_TAG) + len(CHECKSUM_TAG)
    with file.getbuffer() as buffer:
        checksum = b"%08x" % zlib.crc32(buffer)
        buffer[start : start + len(checksum)] = checksum
    return file.getvalue()


def _verify(data: bytes, name: str) -> None:
    start = data.rfind(CHECKSUM_TAG) + len(CHECKSUM_TAG)
    end = start + len(NO_CHECKSUM)
    view = memoryview(data)
    checksum = zlib.crc32(view[end:], zlib.crc32(NO_CHECKSUM, zlib.crc32(view[:start])))
    if data[start:end] != b"%08x" % checksum:
        raise DeserializationError(
            f"These {len(data)} bytes are not a frame that {name!r} wrote, or they are damaged: "
            "the checksum does not fit."
        )


def _check_class(value: object, name: str) -> None:
    if type(value) is pl.DataFrame:
        if value.width == 0 and value.height > 0:
            raise SerializationError(
                f"This frame has {value.height} rows and no columns, of which Parquet would keep "
                "nothing. Use frame.with_row_index()."
            )
        return
    fix = "Use polars.DataFrame(value)."
    if isinstance(value, pl.LazyFrame):
        fix = "Use value.collect()."
    elif isinstance(value, pl.Series):
        fix = "Use value.to_frame()."
    raise SerializationError(
        f"{name!r} takes a polars.DataFrame, not a {type(value).__module__}."
        f"{type(value).__qualname__}, which would not come back as one. {fix}"
    )


def _check_column(column: str, dtype: pl.DataType) -> None:
    # Nearly all columns have one of these, which need no trial.
    if dtype.is_numeric() and not dtype.is_decimal():
        return
    empty = pl.DataFrame(schema={column: dtype})
    try:
        back = pl.read_parquet(_write(empty)).schema[column]
    except FAILURES as error:
        raise SerializationError(
            f"Column {column!r} has the type {dtype}, which Parquet cannot hold: {error}. "
            f"Cast it, as with pl.col({column!r}).map_elements(str, return_dtype=pl.String)."
        ) from error
    if back != dtype:
        raise SerializationError(
            f"Column {column!r} of type {dtype} would come back as {back}. "
            f"Use pl.col({column!r}).cast(pl.{back})."
        )


dataframe_serializer = DataFrameSerializer()
"""Polars frames."""
