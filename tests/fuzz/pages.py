"""What the pages of the widgets ask, of trees and frames that hostile hands have changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from artigraph import ArtigraphError, NodeFilter, NodeRelationshipFilter, UnknownModel, read_models
from artigraph.frame.frame import StoredFrame
from artigraph.notebook.frame_handlers import FrameHandlers
from artigraph.notebook.tree_handlers import TreeHandlers
from artigraph.notebook.viewer_html import page_html
from tests.display.hostile import Page, check_text

__all__ = ["explorer_pages", "handles_of", "viewer_pages"]

_TAGS = {*["em", "p", "small", "strong", "table", "tbody", "td", "th", "thead", "tr"]}
"""What the page of a saved notebook is made of."""

_COLUMNS = 10
"""Columns of a frame that are asked about."""


async def explorer_pages(node: int) -> object:
    """The explorer's first page, and what it asks of a row."""

    async def refresh() -> None:
        pass

    handlers = TreeHandlers(None, refresh)
    _send(await handlers.first_page())
    for name, asked in (
        ("children", {"node": node}),
        ("count", {"node": node}),
        ("search", {"text": "a", "node": node}),
        ("search", {"text": "x > 0", "node": node}),
        ("path", {"node": node}),
        ("details", {"node": node}),
        ("viewer", {"node": node}),
        ("viewer", {"node": node, "method": "first"}),
    ):
        with suppress(ArtigraphError):
            _send(await handlers.methods[name](dict(asked)))
    return None


async def viewer_pages(node: int) -> object:
    """What the viewer asks of each frame in a row's model: pages, filters, sorts, summaries."""
    async for handle in handles_of(node):
        if isinstance(handle, StoredFrame):
            with suppress(ArtigraphError):
                await _view(FrameHandlers(handle))
    return None


async def handles_of(node: int) -> AsyncIterator[object]:
    """What the fields of a row's model hold, and of those above it, with handles for parts."""
    above = NodeFilter(relationship=NodeRelationshipFilter(ancestor_of=node, include_self=True))
    for found in await read_models(above, lazy=True):
        value: Any = found.value
        fields = value.data if isinstance(value, UnknownModel) else vars(value)
        for handle in list(fields.values()):
            yield handle


async def _view(handlers: FrameHandlers) -> None:
    first = await handlers.first()
    _send(first)
    page = Page(page_html(first))
    assert not page.unclosed
    assert {tag for tag, _ in page.tags} <= _TAGS
    check_text(page.text)
    view = await handlers.view()
    ask = handlers.methods
    columns = list(range(min(len(view.columns), _COLUMNS)))
    for column in columns:
        questions: list[dict[str, Any]] = [
            {"conditions": [{"column": column, "operator": operator, "value": value}]}
            for operator in view.columns[column].operators
            for value in ("1", "a%")
        ]
        sorts = [{"sort": [{"column": column, "descending": down}]} for down in (False, True)]
        for question in [*questions, *sorts]:
            with suppress(ArtigraphError):
                _send(await ask["arrange"](question))
                window = {"revision": handlers.revision, "start": 0, "stop": 50, "columns": columns}
                _send(await ask["cells"](window))
                _send(await ask["values"](window))
        with suppress(ArtigraphError):
            _send(await ask["summary"]({"column": column, "whole": True}))
        with suppress(ArtigraphError):
            asked = {"revision": handlers.revision, "row": 0, "column": column}
            _send(await ask["cell"](asked))
    _send(await ask["hide"]({"columns": columns[:1]}))


def _send(answer: object) -> None:
    """What a page is told is plain JSON."""
    json.dumps(answer, allow_nan=False).encode()
