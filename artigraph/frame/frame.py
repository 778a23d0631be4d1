"""A stored frame, of which pages are read rather than the whole.

The footer is read at the first page and kept. Every page opens the blob anew
and reads the row groups and columns in question, so pages may be read at the
same time.

* the digest is that of the whole, so only ``load`` and the ``to_`` methods
  compare it; in pages, the checksums of the file's own pages are compared,
  except in frames of Polars, which writes none
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO, TypeVar

from typing_extensions import override

from artigraph.blob.record import BlobRecord
from artigraph.blob.source import BlobSource, DatabaseSource
from artigraph.display.escape import cut, visible
from artigraph.display.facts import Facts, Table
from artigraph.display.library import LONGEST_NAME, frame_line
from artigraph.display.options import Limits
from artigraph.errors import CorruptBlobError, DeserializationError, PartError
from artigraph.frame.base import StoredValue
from artigraph.registry import public_name
from artigraph.serializer.base import get_serializer
from artigraph.serializer.part import FrameReader, FrameSerializer, find_columns

__all__ = ["StoredFrame"]

T = TypeVar("T")


class StoredFrame(StoredValue):
    """A frame in a store, as its row describes it.

    Its summary has ``rows``, ``columns`` (of which a row keeps the first 200,
    each with its type) and ``num_columns``.
    """

    def __init__(self, record: BlobRecord, source: BlobSource) -> None:
        super().__init__(record, source)
        self._lock = threading.Lock()
        self._reader: FrameReader[Any] | None = None

    @property
    def num_rows(self) -> int:
        """How many rows it has."""
        rows: int = self._summary["rows"]
        return rows

    @property
    def num_columns(self) -> int:
        """How many columns it has."""
        columns: int = self._summary.get("num_columns", len(self._summary["columns"]))
        return columns

    @property
    def columns(self) -> list[str]:
        """The columns' labels as text, in their order.

        A row keeps those of the first 200 columns. If ``num_columns`` is more,
        ``await frame.read_schema()`` has all of them.
        """
        return [name for name, _ in self._summary["columns"]]

    @property
    def schema(self) -> dict[str, str]:
        """The columns' types as text, by their labels as text.

        Of columns that share a label, the last. Of the first 200 columns, as
        for ``columns``: ``await frame.read_schema()`` has all of them.
        """
        return dict(self._summary["columns"])

    async def read_schema(self) -> dict[str, str]:
        """Read the types of all columns from the footer, by their labels as text.

        Raises:
            ArtigraphError: As for ``page``.
        """

        def read(reader: FrameReader[Any], _: BinaryIO) -> dict[str, str]:
            return dict(zip(map(str, reader.labels), reader.dtypes(), strict=True))

        return await self.read_part(read)

    async def read_part(self, read: Callable[[FrameReader[Any], BinaryIO], T]) -> T:
        """Call a function with what the footer tells and the file itself.

        Args:
            read: Called in a worker thread. The file is closed afterwards; the
                reader may be kept.

        Raises:
            ArtigraphError: As for ``page``.
        """
        return await self._run(lambda: self._in_part(read))

    def view(self, **options: object) -> Any:
        """Show it in a notebook, to scroll, sort and filter without loading it.

        Args:
            **options: As for ``artigraph.FrameViewer``, such as ``height``.

        Returns:
            A ``FrameViewer``, the last line of a cell.
        """
        return public_name("FrameViewer")(self, **options)

    async def head(self, n: int = 5) -> Any:
        """Read the first rows.

        Args:
            n: How many, at most.

        Returns:
            A frame of the kind that was stored.

        Raises:
            ArtigraphError: As for ``page``.
        """
        return await self.page(0, n)

    async def page(self, offset: int, limit: int, columns: Sequence[Any] | None = None) -> Any:
        """Read some rows of some columns, and little else.

        Args:
            offset: Rows to leave out, from 0; past the end there are none.
            limit: Rows to read, at most.
            columns: Labels, or their text, each once; all columns by default.
                Where several columns share a label, all of them are read.

        Returns:
            A frame of the kind that was stored: for pandas with the index of
            these rows, and for Arrow a ``pyarrow.Table``.

        Raises:
            PartError: A number below 0, or a column that there is not.
            BlobNotFoundError: The bytes are gone.
            DeserializationError: The bytes are damaged.
            MissingLibraryError: The serializer's library is not installed.
            StorageError: The store failed.
            UnknownSerializerError: Nobody registered the serializer.
            UnknownStorageError: Nobody registered the storage.
        """
        first, count = _check_number("offset", offset), _check_number("limit", limit)

        def read(reader: FrameReader[Any], file: BinaryIO) -> Any:
            places = None if columns is None else find_columns(columns, reader.labels)
            return reader.read(file, first, count, places)

        return await self.read_part(read)

    async def to_pandas(self) -> Any:
        """Read all of it as a ``pandas.DataFrame``.

        Raises:
            ArtigraphError: As for ``load``.
        """
        return await self._convert("artigraph-pandas")

    async def to_arrow(self) -> Any:
        """Read all of it as a ``pyarrow.Table``.

        Of a pandas frame the index follows the columns, unless it is a
        ``RangeIndex``.

        Raises:
            ArtigraphError: As for ``load``.
        """
        return await self._run(lambda: self._verified(self._find_serializer().load_arrow))

    async def to_polars(self) -> Any:
        """Read all of it as a ``polars.DataFrame``.

        Raises:
            ArtigraphError: As for ``load``.
            DeserializationError: Polars lacks a type of it.
        """
        return await self._convert("artigraph-polars")

    async def scan(self) -> Any:
        """Make a ``pyarrow.dataset.Dataset`` for queries with push-down.

        Give it to ``polars.scan_pyarrow_dataset``, name it in a query of
        DuckDB, or use its own ``to_table(columns=..., filter=...)``: each reads
        only the columns and row groups that it needs. Such a query blocks the
        event loop unless it runs in a thread. A blob that is in the database
        itself is read whole, now.

        Raises:
            PartError: Two columns share a name, so that no query can tell
                them apart.
            ArtigraphError: As for ``page``.
        """
        source = self._source

        def make() -> object:
            serializer = self._find_serializer()
            if not isinstance(source, DatabaseSource):
                return serializer.scan(source.open, self.nbytes)
            # A query holds the event loop up, on which the database is asked.
            with source.open() as file:
                data = file.read()
            return serializer.scan(lambda: io.BytesIO(data), self.nbytes)

        return await self._run(make)

    @override
    def _facts(self) -> list[str]:
        return [frame_line(self.num_rows, self.num_columns)]

    @override
    def _describe(self, limits: Limits) -> Facts:
        known = self._summary["columns"]
        shown = known[: limits.max_columns]
        names, types = ([cut(one[at], LONGEST_NAME) for one in shown] for at in (0, 1))
        left_out = max(self.num_columns, len(known)) - len(shown)
        table = Table(tuple(names), (), tuple(types), more_columns=left_out)
        return replace(super()._describe(limits), table=table)

    @override
    def _find_serializer(self) -> FrameSerializer[Any]:
        serializer = super()._find_serializer()
        if not isinstance(serializer, FrameSerializer):
            raise DeserializationError(
                f"{serializer!r} reads no parts of a frame. Use load(), which reads all of it."
            )
        return serializer

    async def _convert(self, name: str) -> object:
        if name == self.serializer:
            return await self.load()

        def convert() -> object:
            target: Any = get_serializer(name)  # a frame's
            table = self._verified(self._find_serializer().load_arrow)
            try:
                return target.from_arrow(table)
            except Exception as error:  # each library has its own
                raise DeserializationError(
                    f"{target!r} cannot take what {self.serializer!r} wrote: "
                    f"{visible(str(error), 500)}. Use load()."
                ) from error

        return await self._run(convert)

    # What follows runs in worker threads.

    def _in_part(self, read: Callable[[FrameReader[Any], BinaryIO], T]) -> T:
        serializer = self._find_serializer()
        with self._source.open() as file:
            with self._lock:
                # Others that wait here would read the same footer.
                if self._reader is None:
                    reader = serializer.open_reader(file)
                    self._check_rows(reader.num_rows)
                    self._reader = reader
            return read(self._reader, file)

    def _check_rows(self, rows: int) -> None:
        if rows != self.num_rows:
            raise CorruptBlobError(
                f"It has {rows} rows where its row tells of {self.num_rows}, so it is not what was "
                "written. Restore it from a copy, or delete it."
            )


def _check_number(name: str, value: Any) -> int:
    try:
        number = value.__index__()  # that is the question
    except (AttributeError, TypeError):
        number = None
    if isinstance(value, bool) or not isinstance(number, int):
        raise PartError(f"{name} must be a whole number, not {value!r}.")
    if number < 0:
        raise PartError(
            f"{name} must not be negative, and is {number}. For the last rows use "
            "page(frame.num_rows - n, n)."
        )
    return number
