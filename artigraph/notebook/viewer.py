"""A stored frame in a notebook: to scroll, sort, filter and pick from.

Only what is in sight is read, by the portal, so the viewer answers while a
cell awaits. Its first page begins to be read when it is made, and stays in the
saved notebook.

* rows are sorted and filtered in memory by the columns in question, not by
  the whole
* a frame in memory is looked at as it was when the viewer was made
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from artigraph.errors import PartError
from artigraph.frame.frame import StoredFrame
from artigraph.frame.memory import store_in_memory
from artigraph.frame.query import read_conditions, read_sort
from artigraph.frame.view import FrameView
from artigraph.notebook.answering import Answering, in_words
from artigraph.notebook.frame_handlers import FrameHandlers, read_window
from artigraph.notebook.viewer_html import page_html
from artigraph.serializer.part import find_columns

__all__ = ["FrameViewer"]

WAIT = 1.0
"""Seconds that showing a viewer waits for the first page, so that the saved
notebook has it as plain HTML, too."""


class FrameViewer(anywidget.AnyWidget):
    """Shows a frame of any size in a notebook, reading only what is in sight.

    Make it the last line of a cell: ``frame.view()`` or ``FrameViewer(frame)``.

    Args:
        frame: A stored frame; or a frame of pandas or Polars, or a table of
            Arrow, which is looked at as it is now.
        height: How tall it is, in pixels.

    Raises:
        SerializationError: It is no frame, or one that could not be stored.
    """

    _esm = Path(__file__).parent / "static" / "viewer.js"

    first_page = traitlets.Dict(
        help="The first rows and columns as text, or an ``error``; empty until they are read."
    ).tag(sync=True)
    state = traitlets.Dict(
        help="How many rows are shown, in which order, and which columns are hidden."
    ).tag(sync=True)
    selection = traitlets.Dict(
        default_value=None,
        allow_none=True,
        read_only=True,
        help="What is selected: ``rows``, from a first to one before a last, counted as they are "
        "shown, and ``columns``, their labels. ``None`` if nothing is.",
    )
    chosen = traitlets.Dict(
        default_value=None,
        allow_none=True,
        help="What a page tells of its selection, by numbers.",
    ).tag(sync=True, echo_update=False)
    height = traitlets.Int(420, min=120, max=4000, help="How tall it is, in pixels.").tag(sync=True)

    def __init__(self, frame: object, **options: object) -> None:
        stored = frame if isinstance(frame, StoredFrame) else store_in_memory(frame)
        super().__init__(**options)
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._pages = FrameHandlers(stored, self._changed)
        self._answering = Answering(self, self._pages.methods, settable=["chosen"])
        self._first: Future[None] = self._answering.start(self._read_first())

    @property
    def frame(self) -> StoredFrame:
        """What is shown."""
        return self._pages.frame

    @property
    def num_rows(self) -> int:
        """How many rows are shown: those that meet all conditions."""
        rows: int = self._pages.state()["rows"]
        return rows

    async def arrange(
        self, sort: str | Sequence[Any] = (), where: Sequence[tuple[Any, ...]] = ()
    ) -> None:
        """Show other rows, or in another order, as a click in the page does.

        Args:
            sort: Labels of columns to sort by, the weightiest first; one with
                ``"-"`` before it has its largest values first. Missing values
                come last.
            where: Conditions that must all hold, such as
                ``("loss", "lt", 0.5)``, ``("name", "contains", "a")`` or
                ``("loss", "missing")``: a label, one of ``eq ne lt le gt ge
                contains missing present``, and a value.

        Raises:
            PartError: There is no such column or operator, or the column
                cannot be sorted or compared so.
            ArtigraphError: As for ``StoredFrame.page``.
        """

        async def arrange() -> None:
            view = await self._pages.view()
            keys = [sort] if isinstance(sort, str) else list(sort)
            columns = len(view.columns)
            found = await view.arrange(
                read_sort([_sort_key(key, view) for key in keys], columns),
                read_conditions([_condition(given, view) for given in where], columns),
            )
            self._pages.use(found)

        await asyncio.wrap_future(self._answering.start(arrange()))

    async def to_pandas(self, *, selected: bool = False, limit: int | None = None) -> Any:
        """Read what is shown as values: these rows, in this order, of the columns not hidden.

        Args:
            selected: Only what is selected.
            limit: Rows to read, at most.

        Returns:
            A ``pandas.DataFrame``, with the row index if the frame has one.

        Raises:
            PartError: Nothing is selected.
            ArtigraphError: As for ``StoredFrame.page``.
        """

        async def read() -> Any:
            view, pages = await self._pages.view(), self._pages
            # Of some rows selected nobody expects that more are looked for.
            arrangement = pages.arrangement if selected else await pages.settled()
            arrangement = arrangement or view.as_stored
            start, stop = 0, arrangement.num_rows
            columns = [n for n in range(len(view.columns)) if n not in pages.hidden]
            if selected:
                chosen = self._chosen()
                if chosen is None:
                    raise PartError("Nothing is selected. Click a cell in the viewer first.")
                start, stop, columns = chosen
            if limit is not None:
                stop = min(stop, start + limit)
            return await view.to_pandas(arrangement, columns, start, stop)

        return await asyncio.wrap_future(self._answering.start(read()))

    def __repr__(self) -> str:
        return f"<FrameViewer of {self._pages.frame!r}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:
            return None
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        # The portal reads it meanwhile, whatever this thread does.
        if not self.first_page:
            with suppress(TimeoutError, CancelledError):
                self._first.result(WAIT)
        if "cells" in self.first_page:
            data["text/html"] = page_html(self.first_page)
        return bundle

    @traitlets.observe("chosen")
    def _select(self, _: object) -> None:
        chosen, view = self._chosen(), self._pages.opened
        selection = None
        if chosen is not None and view is not None:
            start, stop, columns = chosen
            labels = [view.columns[n].label for n in columns]
            selection = {"rows": (start, stop), "columns": labels}
        self.set_trait("selection", selection)

    @traitlets.observe("comm")
    def _closed(self, change: traitlets.Bunch) -> None:
        # ipywidgets may keep the widget itself for as long as the process lives.
        if change["new"] is None:
            self._pages.let_go()

    def _chosen(self) -> tuple[int, int, list[int]] | None:
        """What is selected of the rows that are shown now, if it is there."""
        view, given = self._pages.opened, self.chosen or {}
        if view is None or given.get("revision") != self._pages.revision:
            return None
        try:
            start, stop, columns = read_window(given)
            for n in columns:
                view.columns[n]
        except (PartError, LookupError, TypeError):
            return None
        return (start, min(stop, self.num_rows), columns) if columns else None

    def _show_state(self) -> None:
        self.state = self._pages.state()
        self._select(None)

    # What follows runs in the portal.

    async def _read_first(self) -> None:
        try:
            page = await self._pages.first()
        except Exception as error:  # whatever it is, a page that hears nothing looks broken
            page = {"error": in_words(error)}
        self.first_page = page

    def _changed(self) -> None:
        # Whoever observes a trait expects to be called where cells run.
        if self._loop is None or self._loop.is_closed():
            self._show_state()
        else:
            self._loop.call_soon_threadsafe(self._show_state)


def _sort_key(key: Any, view: FrameView) -> dict[str, Any]:
    labels = [column.label for column in view.columns]
    descending = isinstance(key, str) and key.startswith("-") and key not in labels
    return {"column": _find(key[1:] if descending else key, labels), "descending": descending}


def _condition(given: tuple[Any, ...], view: FrameView) -> dict[str, Any]:
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise PartError(f"A condition is a tuple such as ('loss', 'lt', 0.5), not {given!r:.100}.")
    column, operator, *value = given
    return {
        "column": _find(column, [column.label for column in view.columns]),
        "operator": operator,
        "value": str(value[0]) if value else "",
    }


def _find(label: object, labels: list[str]) -> int:
    return find_columns([label], labels)[0]
