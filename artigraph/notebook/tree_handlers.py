"""Answers to what a page asks about the tree.

It knows neither widgets nor messages: whoever has a channel to a page hands
on the questions, each by the name of a method. What a page sends is checked,
since it may have been written by somebody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cachetools import LRUCache
from sqlalchemy import ColumnElement

from artigraph.concurrency import run_in_thread
from artigraph.db.setting import get_engine
from artigraph.display.escape import visible
from artigraph.errors import FilterError, NodeNotFoundError, PartError, UnknownNameError
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.location import path_of
from artigraph.filter.metric import metric_paths
from artigraph.filter.tag import TagFilter
from artigraph.filter.unset import NOT_WRITTEN, UNSET
from artigraph.frame.frame import StoredFrame
from artigraph.notebook.answering import answers
from artigraph.notebook.explorer_details import gone, node_details, preview_of, read_stored
from artigraph.notebook.explorer_rows import LONGEST_LABEL, page_values, row_values
from artigraph.notebook.frame_handlers import FrameHandlers
from artigraph.notebook.tree_changes import TreeChanges
from artigraph.orm.node import Node
from artigraph.outline.page import (
    Narrowing,
    NodePage,
    browse_children,
    browse_labels,
    browse_node,
    browse_path,
    browse_search,
    browse_types,
    count_matches,
)
from artigraph.outline.run_name import metrics_among, no_such_name
from artigraph.outline.search import (
    fields_asked_for,
    ids_asked_for,
    queries_asked_for,
    search_clause,
    tags_asked_for,
    taken_as_words,
    text_in,
    words_in,
)
from artigraph.outline.summary import NodeSummary
from artigraph.query.store import read_named

__all__ = ["SCOPE", "Scope", "TreeHandlers", "check_scope"]

Scope = int | Filter | None
"""Where an explorer begins: at a node, at what a filter finds, or at all roots."""

SCOPE = 0
"""What a page calls the box that stands for the whole database, or for a filter."""

PAGE_SIZE = 20
"""Rows of a page; the next one is a click away."""
LARGEST_PAGE = 500
COUNTED = 100_000
"""Where counting stops."""
VIEWER = Path(__file__).parent / "static" / "viewer.js"
OPEN_FRAMES = 4
"""Frames of the details whose footers are kept."""


class TreeHandlers(TreeChanges):
    """What pages may ask about a tree, on one event loop.

    Args:
        scope: Where to begin.
        refresh: Called when a page asks for everything anew.
    """

    def __init__(self, scope: Scope, refresh: Callable[[], Awaitable[None]]) -> None:
        self._scope, self._refresh = scope, refresh
        self._frames: LRUCache[int, FrameHandlers] = LRUCache(OPEN_FRAMES)

    async def first_page(self) -> dict[str, Any]:
        """Read where to begin, with the first page of what hangs there.

        Returns:
            ``root``, the ``rows`` below it, the key to go on ``after``, their
            ``total`` and the ``types`` of models, as plain values.

        Raises:
            NodeNotFoundError: The node to begin with does not exist.
        """
        below = self._below(SCOPE)
        page = await browse_children(below, limit=PAGE_SIZE)
        total = len(page.nodes)
        if page.after is not None:
            total = await count_matches(below, most=COUNTED)
        root = await self._root(total)
        return {
            "root": root,
            **page_values(page),
            "total": total,
            "capped": total >= COUNTED,
            "types": list(await browse_types()),
            "page_size": PAGE_SIZE,
            "read_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    async def _root(self, total: int) -> dict[str, Any]:
        if isinstance(self._scope, int):
            row = await browse_node(self._scope)
            if row is None:
                raise NodeNotFoundError(f"There is no node {self._scope} to explore.")
            return row_values(row)
        url = (await get_engine()).url
        name = (url.database or "").replace("\\", "/").rpartition("/")[2] or "database"
        if url.query.get("vfs") == "memdb":
            name = "memory"
        return {
            "node": SCOPE,
            "parent": None,
            "kind": "node",
            "label": visible(name if self._scope is None else str(self._scope), LONGEST_LABEL),
            "type": "database" if self._scope is None else "filter",
            "version": None,
            "created": "",
            "size": None,
            "count": total,
            "capped": total >= COUNTED,
        }

    def _below(self, node: int) -> int | ColumnElement[bool] | None:
        if node != SCOPE:
            return node
        return clause_of(self._scope) if isinstance(self._scope, Filter) else self._scope

    # What follows answers questions.

    @answers("children")
    async def _children(self, params: dict[str, Any]) -> dict[str, Any]:
        node = _integer(params, "node")
        label = params.get("label", "")
        if not isinstance(label, str):
            raise FilterError(f"A label is a text, not {label!r:.100}.")
        page = await browse_children(
            self._below(node),
            after=_integer(params, "after", 0),
            limit=min(max(_integer(params, "limit", PAGE_SIZE), 1), LARGEST_PAGE),
            narrowing=_narrowing(params),
            label=label,
        )
        if not page.nodes and node != SCOPE and await browse_node(node) is None:
            raise gone(node)
        return page_values(page)

    @answers("count")
    async def _count(self, params: dict[str, Any]) -> dict[str, Any]:
        below = self._below(_integer(params, "node"))
        total = await count_matches(below, narrowing=_narrowing(params), most=COUNTED)
        return {"total": total, "capped": total >= COUNTED}

    @answers("search")
    async def _search(self, params: dict[str, Any]) -> dict[str, Any]:
        text = params.get("text", "")
        if not isinstance(text, str):
            raise FilterError(f"A search is a text, not {text!r:.100}.")
        try:
            saved = await _saved_in(text)
        except UnknownNameError as error:  # while a name is typed, none is misspelt
            return {**page_values(NodePage((), None)), "hint": str(error)}
        clause, wanted = search_clause(text, saved), _narrowing(params).strictly()
        before = params.get("before")
        page = await browse_search(
            clause if wanted is None else clause & wanted,
            words=words_in(text),
            before=None if before is None else _integer(params, "before"),
        )
        found = page_values(page)
        if not page.nodes and before is None:
            found["hint"] = await _why_nothing(text)
        parents = {row.parent_id for row in page.nodes if row.parent_id is not None}
        labels = await browse_labels(parents) if parents else {}
        for row in found["rows"]:
            label = labels.get(row["parent"])
            row["below"] = "" if label is None else visible(label, LONGEST_LABEL)
        return found

    @answers("path")
    async def _path(self, params: dict[str, Any]) -> dict[str, Any]:
        node = _integer(params, "node")
        path: tuple[NodeSummary, ...] = await browse_path(node)
        if not path:
            raise gone(node)
        return {"rows": [row_values(row) for row in path]}

    @answers("details")
    async def _details(self, params: dict[str, Any]) -> dict[str, Any]:
        return await node_details(_integer(params, "node"))

    @answers("preview")
    async def _preview(self, params: dict[str, Any]) -> dict[str, Any]:
        return await preview_of(_integer(params, "node"))

    @answers("refresh")
    async def _refreshed(self, _: dict[str, Any]) -> None:
        await self._refresh()

    @answers("viewer")
    async def _viewer(self, params: dict[str, Any]) -> object:
        node = _integer(params, "node")
        pages = self._frames.get(node)
        if pages is None:
            frame = await read_stored(node)
            if not isinstance(frame, StoredFrame):
                raise PartError(f"Node {node} holds no frame to look into.")
            pages = self._frames.setdefault(node, FrameHandlers(frame))
        method, inner = str(params.get("method")), params.get("params")
        if method == "first":
            # The code that shows it comes along, since the explorer's own bundle, which is
            # saved with every notebook, has no room for both.
            return {"first": await pages.first(), "code": await run_in_thread(VIEWER.read_text)}
        if method not in pages.methods:
            raise PartError(f"A frame's pages ask nothing that is called {method!r:.100}.")
        return await pages.methods[method](inner if isinstance(inner, dict) else {})


def check_scope(given: object) -> Scope:
    """Where an explorer shall begin, from what somebody typed.

    Args:
        given: A node, its id, a filter, or nothing.

    Raises:
        FilterError: Something else, or a node that was never written.
    """
    if given is UNSET:
        return None
    if isinstance(given, Filter):
        return given
    found = given.node_id if isinstance(given, Node) else given
    if isinstance(given, Node) and found is None:
        raise FilterError(f"Write the node before exploring it: {given!r}")
    if not isinstance(found, int) or isinstance(found, bool):
        hint = f" {NOT_WRITTEN} For all roots leave it out." if given is None else ""
        raise FilterError(
            f"explore() takes a node, its id, a filter or nothing, not {given!r:.100}.{hint}"
        )
    return found


async def _saved_in(text: str) -> dict[str, Filter]:
    """The saved questions that a search names."""
    names = queries_asked_for(text)
    return {one.name: one.filter for one in (await read_named(names)).values()} if names else {}


async def _why_nothing(text: str) -> str:
    """What may be wrong with a search that found nothing; empty if nothing is."""
    if words := taken_as_words(text):
        return (
            f"Nothing found. {visible(words[0], LONGEST_LABEL)} was looked for as a word: fields "
            'are compared without spaces, as in loss<0.1 or note="two words".'
        )
    for given in ids_asked_for(text):
        shown = visible(given, LONGEST_LABEL)
        if await browse_node(int(given)) is None:
            return f"Nothing found. There is no node {shown}."
    for name in tags_asked_for(text):
        if not (await browse_search(TagFilter(name=name).clause(), limit=1)).nodes:
            return f"Nothing found. No node has a tag {visible(name, LONGEST_LABEL)}."
    for field, compared in fields_asked_for(text).items():
        shown = visible(field, LONGEST_LABEL)
        if not (await browse_search(search_clause(f"{field}=*"), limit=1)).nodes:
            if await metrics_among({path[1] for path in metric_paths(path_of(field))}):
                return f"Nothing found. No metric {shown} has a number as its last value."
            nor = await no_such_name(field)
            return f"Nothing found. No model has a value in a field {shown}. {nor}"
        if compared is not None and not (await browse_search(text_in(field), limit=1)).nodes:
            return (
                f"Nothing found. {visible(compared, LONGEST_LABEL)} is no number, and no model has "
                f"a text in {shown}. Compare it with a number, true or false, as in {shown}<0.1."
            )
    return ""


def _integer(params: dict[str, Any], name: str, default: int | None = None) -> int:
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise FilterError(f"{name} is a whole number from 0 on, not {value!r:.100}.")
    return value


def _narrowing(params: dict[str, Any]) -> Narrowing:
    types = params.get("types", [])
    if not isinstance(types, list) or not all(isinstance(name, str) for name in types):
        raise FilterError(f"types is a list of names, not {types!r:.100}.")
    return Narrowing(
        tuple(types), _moment(params, "created_after"), _moment(params, "created_before")
    )


def _moment(params: dict[str, Any], name: str) -> datetime | None:
    given = params.get(name)
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise FilterError(
            f"{name} is a moment such as 2024-01-31T12:00Z, not {given!r:.100}."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
