"""Column chunks of a stored frame: each read once, and kept in a cache.

A chunk is one column in one row group, the least that can be read. What is
looked at twice, as when somebody scrolls up and down, costs no second request.

* one frame is read by one event loop
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from artigraph.concurrency import gather_bounded
from artigraph.errors import DeserializationError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.pyarrow.chunk_cache import chunk_cache
from artigraph.frame.pyarrow.column import Column, make_column, type_without_views, without_views
from artigraph.serializer.part import FrameColumn, FrameReader

__all__ = ["AT_ONCE", "ColumnChunks"]

AT_ONCE = 6
"""Row groups that are read at once: as many as a browser asks one server for."""


class ColumnChunks:
    """The chunks of a frame whose footer was read; make one with :meth:`open`.

    Args:
        frame: The frame.
        reader: Its file, as Arrow reads it.
        columns: What is to be known of each column.
    """

    def __init__(self, frame: StoredFrame, reader: Any, columns: list[FrameColumn]) -> None:
        self._frame, self._reader = frame, reader
        self.columns = columns
        self.types: list[pa.DataType] = [type_without_views(t) for t in reader.schema.types]
        self.group_rows: list[int] = reader.group_rows()
        self.starts = np.concatenate([[0], np.cumsum(self.group_rows, dtype=np.int64)])
        self.num_rows = frame.num_rows
        self._locks: dict[int, asyncio.Lock] = {}

    @classmethod
    async def open(cls, frame: StoredFrame) -> ColumnChunks:
        """Read the footer.

        Raises:
            DeserializationError: Arrow lacks a type of the frame.
            ArtigraphError: As for ``StoredFrame.page``.
        """

        def look(reader: FrameReader[Any], _: BinaryIO) -> tuple[Any, list[FrameColumn]]:
            return reader.as_arrow(), reader.arrow_columns()

        reader, columns = await frame.read_part(look)
        if reader is None:
            raise DeserializationError(
                f"The artifact {frame.label!r} of node {frame.node_id} has a type that Arrow "
                "lacks, so it cannot be looked at in parts. Use load()."
            )
        return cls(frame, reader, columns)

    def facts(self, group: int, place: int) -> Any | None:
        """What the footer tells of a chunk, if it does: its statistics and its size."""
        return self._reader.chunk(group, place)

    async def read(self, group: int, places: Sequence[int], keep: bool = True) -> list[Any]:
        """Read the chunks of some columns in one row group, in one go.

        Args:
            group: The row group.
            places: The columns, each once.
            keep: Whether they are likely to be wanted again.

        Returns:
            A ``pyarrow.ChunkedArray`` a column.

        Raises:
            ArtigraphError: As for ``StoredFrame.page``.
        """
        # Two windows that lie in one row group should not both fetch it.
        async with self._locks.setdefault(group, asyncio.Lock()):
            found = {place: chunk_cache.get((self, group, place)) for place in places}
            missing = [place for place in places if found[place] is None]
            if missing:
                first, rows = int(self.starts[group]), self.group_rows[group]

                def fetch(_: FrameReader[Any], file: BinaryIO) -> Any:
                    return self._reader.read(file, first, rows, missing)

                table = await self._frame.read_part(fetch)
                found |= dict(zip(missing, map(without_views, table.columns), strict=True))
                if keep:
                    for place in missing:
                        chunk_cache.put((self, group, place), found[place])
            return [found[place] for place in places]

    async def rows(self, rows: range | Any, places: Sequence[int], keep: bool = True) -> list[Any]:
        """Read some rows of some columns.

        Args:
            rows: A range without gaps, or an array of row numbers.
            places: The columns, each once.
            keep: Whether their neighbours are likely to be wanted next.

        Returns:
            A ``pyarrow.ChunkedArray`` a column, in the order of the rows.

        Raises:
            ArtigraphError: As for ``StoredFrame.page``.
        """
        if not len(rows) or not places:
            return [make_column([], self.types[place]) for place in places]
        if isinstance(rows, range):
            first, last = self.group_of(rows[0]), self.group_of(rows[-1])
            groups: Any = range(first, last + 1)

            def read(group: int) -> Any:
                return self.read(group, places, keep)

            parts = await gather_bounded(read, groups, limit=AT_ONCE)
            offset = rows[0] - int(self.starts[first])
            return [_join(column).slice(offset, len(rows)) for column in zip(*parts, strict=True)]
        of = np.searchsorted(self.starts, rows, side="right") - 1
        groups, local = np.unique(of), rows - self.starts[of]

        async def take(group: int) -> list[Any]:
            wanted = pa.array(local[of == group])
            return [chunk.take(wanted) for chunk in await self.read(int(group), places, keep)]

        parts = await gather_bounded(take, groups, limit=AT_ONCE)
        # The parts have the rows group by group; this says where each row is now.
        back = np.argsort(np.argsort(of, kind="stable"))
        return [_join(column).take(back) for column in zip(*parts, strict=True)]

    def group_of(self, row: int) -> int:
        """The row group that holds a row."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1


def _join(parts: Sequence[Any]) -> Column:
    column = make_column([chunk for part in parts for chunk in part.chunks], parts[0].type)
    # Every row group may have a dictionary of its own, which take() refuses.
    return column.unify_dictionaries()
