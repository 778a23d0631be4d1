"""Answers to what a page asks about one stored frame.

It knows neither widgets nor messages: whoever has a channel to a page hands
on the questions, each by the name of a method. All pages that ask share one
arrangement of rows, counted by a *revision*: a window of an earlier one is
answered with how things are now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from artigraph.display.escape import visible
from artigraph.display.value import format_size
from artigraph.errors import PartError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.query import Condition, SortKey, read_conditions, read_sort
from artigraph.frame.view import Arrangement, FrameView, ViewColumn
from artigraph.notebook.answering import Handlers, answers
from artigraph.notebook.viewer_jobs import Jobs

__all__ = ["FrameHandlers", "read_window"]

FIRST_ROWS = 40
"""Rows of the first page, about what a screen shows."""

FIRST_COLUMNS = 16
"""Columns of the first page."""

LONGEST_CELL = 100_000
"""Characters of one cell that a page is given."""


class FrameHandlers(Handlers):
    """What pages may ask about a stored frame, on one event loop.

    Args:
        frame: The frame.
        changed: Called without arguments when other rows or columns are shown.
    """

    def __init__(self, frame: StoredFrame, changed: Callable[[], object] = lambda: None) -> None:
        self.frame, self._changed = frame, changed
        self.arrangement: Arrangement | None = None
        """Which rows are shown; ``None`` before the footer is read."""
        self.revision = 0
        """How often the arrangement has changed."""
        self.hidden: set[int] = set()
        """Numbers of the columns that are not shown."""
        self.jobs = Jobs()
        self._view: FrameView | None = None
        self._whole: Arrangement | None = None
        self._settled = asyncio.Event()
        self._settled.set()

    @property
    def opened(self) -> FrameView | None:
        """The view, if the footer was read."""
        return self._view

    async def view(self) -> FrameView:
        """The view, whose footer is read at the first call."""
        if self._view is None:
            view = await FrameView.open(self.frame)
            # Of two that came at once, the first is kept.
            if self._view is None:
                self._view, self.arrangement = view, view.as_stored
                self._whole = view.as_stored
        return self._view

    async def first(self) -> dict[str, Any]:
        """Read the first page: the facts of :meth:`state`, and cells as they are stored.

        Raises:
            ArtigraphError: As for ``StoredFrame.page``.
        """
        view = await self.view()
        columns = range(min(FIRST_COLUMNS, len(view.columns)))
        cells = await view.cells(view.as_stored, 0, FIRST_ROWS, columns)
        return {**self.facts(view, FIRST_COLUMNS), "cells": asdict(cells)}

    def facts(self, view: FrameView, columns: int | None = None) -> dict[str, Any]:
        """What a page shows around the cells.

        Args:
            view: The view.
            columns: How many columns to describe; all by default.
        """
        return {
            "label": self.frame.label,
            "rows": view.as_stored.num_rows,
            "num_columns": sum(not column.is_index for column in view.columns),
            "size": format_size(self.frame.nbytes),
            "columns": [_shown_column(column) for column in view.columns[:columns]],
            "state": self.state(),
        }

    def state(self) -> dict[str, Any]:
        """What is shown now: rows, their order, and which columns."""
        arrangement = self.arrangement
        return {
            "revision": self.revision,
            "rows": self.frame.num_rows if arrangement is None else arrangement.num_rows,
            "complete": arrangement is None or arrangement.complete,
            "sort": [asdict(key) for key in arrangement.sort] if arrangement else [],
            "conditions": [asdict(c) for c in arrangement.conditions] if arrangement else [],
            "hidden": sorted(self.hidden),
        }

    def use(self, arrangement: Arrangement, *, more: bool = False) -> None:
        """Show other rows, or in another order.

        Args:
            arrangement: What to show.
            more: Whether it begins with the rows that are shown, so that what was read of them
                stays as it is.
        """
        self.arrangement, self.revision = arrangement, self.revision + (not more)
        if arrangement.complete:
            self._whole = arrangement
            self._settled.set()
        else:
            self._settled.clear()
        self._changed()

    def go_back(self) -> None:
        """Show what was shown before rows began to be looked for."""
        if self._whole is not None:
            self.use(self._whole)

    async def settled(self) -> Arrangement | None:
        """What is shown, once all of its rows are known."""
        await self._settled.wait()
        return self.arrangement

    def let_go(self) -> None:
        """Forget the order of rows, which may be large: no page asks any more."""
        self._view = self.arrangement = self._whole = None
        self._settled.set()

    # What follows answers questions.

    @answers("open")
    async def _open(self, _: dict[str, Any]) -> dict[str, Any]:
        return self.facts(await self.view())

    @answers("cells")
    async def _cells(self, params: dict[str, Any]) -> dict[str, Any]:
        view = await self.view()
        if params["revision"] != self.revision:
            return {"state": self.state()}
        return asdict(await view.cells(self._shown(view), *read_window(params)))

    @answers("values")
    async def _values(self, params: dict[str, Any]) -> dict[str, Any]:
        view = await self.view()
        if params["revision"] != self.revision:
            return {"state": self.state()}
        return {"values": await view.values(self._shown(view), *read_window(params))}

    @answers("cell")
    async def _cell(self, params: dict[str, Any]) -> dict[str, Any]:
        view = await self.view()
        if params["revision"] != self.revision:
            return {"state": self.state()}
        start, _, columns = read_window(
            {"start": params["row"], "stop": params["row"], "columns": [params["column"]]}
        )
        text = await view.cell(self._shown(view), start, columns[0])
        if text is None:
            return {"text": None, "shown": None, "length": 0}
        cut = text[:LONGEST_CELL]
        # What is copied is the value; what is shown hides nothing, and keeps its lines.
        shown = "\n".join(map(visible, cut.split("\n")))
        return {"text": cut, "shown": shown, "length": len(text)}

    @answers("arrange")
    async def _arrange(self, params: dict[str, Any]) -> dict[str, Any]:
        view = await self.view()
        sort = read_sort(params.get("sort", []), len(view.columns))
        conditions = read_conditions(params.get("conditions", []), len(view.columns))

        async def work(progress: Callable[[int, int], object]) -> dict[str, Any]:
            await _Arranging(self).arrange(view, sort, conditions, progress)
            return self.state()

        return await self.jobs.ask(params.get("job"), work)

    @answers("summary")
    async def _summary(self, params: dict[str, Any]) -> dict[str, Any]:
        view = await self.view()

        async def work(progress: Callable[[int, int], object]) -> dict[str, Any]:
            whole = params.get("whole") is True
            return asdict(await view.summary(params["column"], whole=whole, progress=progress))

        return await self.jobs.ask(params.get("job"), work)

    @answers("hide")
    async def _hide(self, params: dict[str, Any]) -> dict[str, Any]:
        hidden = set(_numbers(params["columns"], len((await self.view()).columns)))
        if hidden != self.hidden:
            self.hidden = hidden
            self._changed()
        return self.state()

    def _shown(self, view: FrameView) -> Arrangement:
        return self.arrangement or view.as_stored


class _Arranging:
    """Shows the first rows of an arrangement until all are known; if that fails, what was before.

    Whatever else is shown meanwhile stays.
    """

    def __init__(self, pages: FrameHandlers) -> None:
        self._pages = pages
        self._first: Arrangement | None = None

    async def arrange(
        self,
        view: FrameView,
        sort: Sequence[SortKey],
        conditions: Sequence[Condition],
        progress: Callable[[int, int], object],
    ) -> None:
        """Arrange rows, and show them."""
        try:
            found = await view.arrange(sort, conditions, progress, self._grow)
        except BaseException:
            if self._is_shown:
                self._pages.go_back()
            raise
        self._pages.use(found, more=self._is_shown)

    @property
    def _is_shown(self) -> bool:
        return self._first is not None and self._pages.arrangement is self._first

    def _grow(self, found: Arrangement) -> None:
        if self._first is None or self._is_shown:
            self._pages.use(found, more=self._first is not None)
            self._first = found


def _shown_column(column: ViewColumn) -> dict[str, Any]:
    names = {"label": visible(column.label, 200), "dtype": visible(column.dtype, 80)}
    return {**asdict(column), **names}


def read_window(params: Mapping[str, Any]) -> tuple[int, int, list[int]]:
    """Check a window that came as JSON: a first row, one before the last, and columns.

    Raises:
        PartError: It is no window.
        KeyError: Something is missing.
    """
    start, stop, columns = params["start"], params["stop"], params["columns"]
    if type(start) is not int or type(stop) is not int or not 0 <= start <= stop:
        raise PartError(f"There are no rows from {start!r} to {stop!r}.")
    if not isinstance(columns, list):
        raise PartError(f"Columns are asked for by a list of numbers, not {columns!r:.100}.")
    return start, stop, columns


def _numbers(columns: Sequence[Any], count: int) -> list[int]:
    wrong = [n for n in columns if type(n) is not int or not 0 <= n < count]
    if wrong:
        raise PartError(f"There is no column number {wrong[0]!r:.100}.")
    return list(columns)
