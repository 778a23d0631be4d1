"""A stored frame as somebody looks at it: some rows, in an order, as text.

An :class:`Arrangement` says which rows there are and in which order; windows
of it are read as they come into sight. Columns are known by their number, in
the order in which they are shown: index levels first.

* one view serves one event loop
* the value of a cell is text here; :meth:`FrameView.to_pandas` gives values
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from artigraph.concurrency import run_in_thread
from artigraph.errors import PartError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.pyarrow.chunks import ColumnChunks
from artigraph.frame.pyarrow.condition import can_sort, offered
from artigraph.frame.pyarrow.order import find_rows
from artigraph.frame.pyarrow.summary import Summary, summarize
from artigraph.frame.pyarrow.text import align, exact_texts, short_texts
from artigraph.frame.query import Condition, SortKey

__all__ = ["Arrangement", "Cells", "FrameView", "ViewColumn"]

Progress = Callable[[int, int], object]

MOST_CELLS = 200_000
"""Cells that are handed out as text at once, at most."""

MOST_BYTES = 20 * 10**6
"""Bytes of values that are handed out as text at once, at most."""


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """A column as it is shown."""

    label: str
    """Its label as text."""
    dtype: str
    """Its type as text."""
    is_index: bool
    """Whether it is a level of the row index."""
    align: str
    """``"left"`` or ``"right"``."""
    can_sort: bool
    """Whether rows can be sorted by it."""
    operators: list[str]
    """The names of the operators that its values can be compared by."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Which rows are shown, and in which order."""

    num_rows: int
    """How many there are."""
    sort: tuple[SortKey, ...] = ()
    """What they are sorted by."""
    conditions: tuple[Condition, ...] = ()
    """What they meet."""
    rows: Any = field(default=None, repr=False)
    """Their numbers in the frame, in order; ``None`` for all of them."""
    complete: bool = True
    """Whether these are all, not only the first of them."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as text, column by column."""

    texts: list[list[str]]
    """For each column the text of each row."""
    marks: list[str]
    """For each column one mark a row: see ``artigraph.frame.pyarrow.text``."""
    numbers: list[int]
    """The rows' numbers in the frame."""


class FrameView:
    """A stored frame whose footer was read; make one with :meth:`open`.

    Args:
        frame: The frame.
        chunks: Its column chunks.
    """

    def __init__(self, frame: StoredFrame, chunks: ColumnChunks) -> None:
        self.frame, self._chunks = frame, chunks
        facts = chunks.columns
        # The file has index levels last; who reads a row begins with them.
        self._places = sorted(range(len(facts)), key=lambda place: not facts[place].is_index)
        self.columns = [
            ViewColumn(
                facts[place].label,
                facts[place].dtype,
                facts[place].is_index,
                "left" if facts[place].show else align(chunks.types[place]),
                can_sort(chunks.types[place], facts[place]),
                offered(chunks.types[place], facts[place]),
            )
            for place in self._places
        ]
        self.as_stored = Arrangement(chunks.num_rows)
        """All rows, as they are stored."""

    @classmethod
    async def open(cls, frame: StoredFrame) -> FrameView:
        """Read a frame's footer, and look at it.

        Raises:
            DeserializationError: The frame cannot be read in parts.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        return cls(frame, await ColumnChunks.open(frame))

    async def arrange(
        self,
        sort: Sequence[SortKey] = (),
        conditions: Sequence[Condition] = (),
        progress: Progress = lambda done, total: None,
        early: Callable[[Arrangement], object] | None = None,
    ) -> Arrangement:
        """Find the rows that meet all conditions, and their order.

        Reads the columns in question and no others. Cancel it to end that.

        Args:
            sort: Columns to sort by, the weightiest first.
            conditions: All of which must hold.
            progress: Told how many row groups of how many are done.
            early: Told the first rows that meet the conditions, before the others are known, and
                more of them as they are found; never of rows that are sorted.

        Raises:
            PartError: A column cannot be sorted or compared so.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        if not sort and not conditions:
            return self.as_stored

        def arranged(rows: Any, complete: bool = False) -> Arrangement:
            return Arrangement(len(rows), tuple(sort), tuple(conditions), rows, complete)

        rows: Any = await find_rows(
            self._chunks,
            [SortKey(self._place(key.column), key.descending) for key in sort],
            [Condition(self._place(c.column), c.operator, c.value) for c in conditions],
            progress,
            early and (lambda rows: early(arranged(rows))),
        )
        return arranged(rows, complete=True)

    async def cells(
        self, arrangement: Arrangement, start: int, stop: int, columns: Sequence[int]
    ) -> Cells:
        """Read a window of short texts.

        Args:
            arrangement: Of which rows.
            start: The first row, from 0.
            stop: The one after the last; past the end there are none.
            columns: Numbers of the columns.

        Raises:
            PartError: There are no such columns, or they are too many cells.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        rows, places = self._window(arrangement, start, stop, columns)
        read = await self._chunks.rows(rows, places)

        def write() -> Cells:
            pairs = [
                short_texts(column, self._chunks.columns[place])
                for place, column in zip(places, read, strict=True)
            ]
            texts, marks = [texts for texts, _ in pairs], [marks for _, marks in pairs]
            return Cells(texts, marks, [int(row) for row in rows])

        return await run_in_thread(write)

    async def values(
        self, arrangement: Arrangement, start: int, stop: int, columns: Sequence[int]
    ) -> list[list[str | None]]:
        """Read a window of whole texts, as ``cells`` does: exact, and nothing written out.

        Returns:
            For each column the text of each row, ``None`` where one is missing.

        Raises:
            PartError: There are no such columns, or they are too many cells
                or too long ones.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        rows, places = self._window(arrangement, start, stop, columns)
        read = await self._chunks.rows(rows, places)
        size = sum(column.nbytes for column in read)
        if size > MOST_BYTES:
            raise PartError(
                f"These cells have {size:,} bytes, more than the {MOST_BYTES:,} that can be had "
                "as text. Use to_pandas()."
            )

        def write() -> list[list[str | None]]:
            facts = self._chunks.columns
            return [exact_texts(c, facts[p]) for p, c in zip(places, read, strict=True)]

        return await run_in_thread(write)

    async def cell(self, arrangement: Arrangement, row: int, column: int) -> str | None:
        """Read the whole text of one cell, however long it is.

        Returns:
            The text, ``None`` if the value is missing.

        Raises:
            PartError: There is no such row or column.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        rows, places = self._window(arrangement, row, row + 1, [column])
        if not len(rows):
            raise PartError(f"There is no row {row}; {arrangement.num_rows:,} are shown.")
        (read,) = await self._chunks.rows(rows, places)
        facts = self._chunks.columns[places[0]]
        return (await run_in_thread(exact_texts, read, facts))[0]

    async def summary(
        self,
        column: int,
        *,
        whole: bool = False,
        progress: Progress = lambda done, total: None,
    ) -> Summary:
        """Look into a column of the whole frame, whatever rows are shown.

        Args:
            column: Its number.
            whole: Whether all of it is read, not only some row groups.
            progress: Told how many row groups of how many are read.

        Raises:
            PartError: There is no such column.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        place = self._place(column)
        return await summarize(self._chunks, place, whole=whole, progress=progress)

    async def to_pandas(
        self,
        arrangement: Arrangement,
        columns: Sequence[int] | None = None,
        start: int = 0,
        stop: int | None = None,
    ) -> Any:
        """Read rows and columns as values.

        Args:
            arrangement: Of which rows.
            columns: Numbers of the columns, in the order wanted; all by
                default. The row index comes along in any case.
            start: The first row.
            stop: The one after the last; by default all.

        Returns:
            A ``pandas.DataFrame``: with the dtypes and the index that were
            stored, if pandas wrote it.

        Raises:
            PartError: There is no such column.
            ArtigraphError: As for ``StoredFrame.page``.
        """
        end = arrangement.num_rows if stop is None else min(stop, arrangement.num_rows)
        wanted = range(len(self.columns)) if columns is None else columns
        places = [self._place(n) for n in wanted if not self.columns[n].is_index]
        rows: Any = range(start, max(start, end))
        if arrangement.rows is not None:
            rows = arrangement.rows[rows.start : rows.stop]
        levels = [p for p, facts in enumerate(self._chunks.columns) if facts.is_index]
        read = await self._chunks.rows(rows, [*places, *levels], keep=False)
        # pandas indexes a range by a slice or an array, by no range.
        numbers = slice(rows.start, rows.stop) if isinstance(rows, range) else rows
        return await self.frame.read_part(lambda reader, _: reader.to_pandas(read, places, numbers))

    def _window(
        self, arrangement: Arrangement, start: int, stop: int, columns: Sequence[int]
    ) -> tuple[Any, list[int]]:
        places = [self._place(column) for column in columns]
        rows: Any = range(arrangement.num_rows)[start:stop]
        if len(rows) * len(places) > MOST_CELLS:
            raise PartError(
                f"{len(rows):,} rows of {len(places):,} columns are more than the {MOST_CELLS:,} "
                "cells that can be had as text. Use to_pandas()."
            )
        if arrangement.rows is not None:
            rows = arrangement.rows[rows.start : rows.stop]
        return rows, places

    def _place(self, column: int) -> int:
        if type(column) is not int or not 0 <= column < len(self._places):
            raise PartError(
                f"There is no column number {column!r}; there are {len(self._places)} columns."
            )
        return self._places[column]
