"""Every way in which what is stored is read and shown."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from artigraph import (
    ArtifactFilter,
    ModelFilter,
    ModelGroup,
    NodeFilter,
    NodeRelationshipFilter,
    check_storage,
    collect_garbage,
    count_models,
    iter_models,
    nodes_exist,
    options,
    read_artifact,
    read_artifacts,
    read_frame,
    read_model,
    read_models,
    read_nodes,
    read_table,
    read_tree,
    to_graphviz,
    to_mermaid,
    to_networkx,
)
from artigraph.frame.array import StoredArray
from artigraph.frame.base import StoredValue
from artigraph.frame.file import StoredFile
from artigraph.frame.frame import StoredFrame
from artigraph.frame.query import Condition, SortKey
from artigraph.frame.view import FrameView
from artigraph.notebook.explorer_details import node_details
from tests.display.hostile import check_html, check_text
from tests.fuzz.pages import explorer_pages, handles_of, viewer_pages

__all__ = ["OF_ROWS", "Door", "commands", "doors", "show"]

OF_ROWS = {"read_model", "read_artifact", "a part of it", "its group", "the explorer"}
"""Doors that lead to the changed rows themselves."""

Door = tuple[str, Callable[[], Awaitable[object]]]


def show(value: object) -> None:
    """Draw something as text and as HTML that runs and hides nothing."""
    text = repr(value)
    home = type(value).__module__.partition(".")[0]
    if home in (
        "artigraph",
        "builtins",
        "fuzz_values",
    ):  # how a library shows its own is its affair
        check_text(text)
    draw = getattr(value, "_repr_html_", None)
    if draw is not None and home in ("artigraph", "fuzz_values"):
        check_html(draw())


def doors(classes: Any, nodes: Iterable[int]) -> Iterator[Door]:
    """The doors, by name.

    Args:
        classes: The module with the model classes and the storage.
        nodes: Ids of the rows that were changed, which are looked at one by one.
    """
    below = NodeRelationshipFilter(descendant_of=1, include_self=True)
    scalars, leaf = classes.Scalars, classes.Leaf
    yield "read_nodes", lambda: read_nodes(NodeFilter())
    yield "below", lambda: read_nodes(NodeFilter(relationship=below))
    yield "exists", lambda: nodes_exist(ArtifactFilter(artifact_label="frame"))
    yield "read_tree", read_tree
    yield "to_mermaid", to_mermaid
    yield "to_graphviz", to_graphviz
    yield "to_networkx", to_networkx
    yield "read_models", lambda: read_models(ModelFilter())
    yield "read_models lazily", lambda: read_models(ModelFilter(), lazy=True)
    yield "read_models strictly", lambda: read_models(ModelFilter(), strict=True)
    yield "iter_models", lambda: _all(iter_models(ModelFilter(), page_size=3))
    yield "read_artifacts", lambda: read_artifacts(NodeFilter())
    yield "read_artifacts strictly", lambda: read_artifacts(NodeFilter(), strict=True)
    yield "read_frame", lambda: read_frame(ModelFilter())
    yield "read_table", lambda: read_table(ModelFilter(), strict=True)
    yield "find real", lambda: read_models(scalars.where(lambda f: f.real > 0))
    yield "find number", lambda: read_models(scalars.where(lambda f: f.number >= 1))
    yield "find moment", lambda: read_models(scalars.where(lambda f: f.moment < classes.MOMENT))
    yield "find text", lambda: read_models(scalars.where(lambda f: f.text.ilike("p%")))
    yield "order", lambda: read_models(ModelFilter(model_type=leaf), order_by="x")
    yield "count", lambda: count_models(leaf.where(lambda f: f.x.in_([1, 2, 3])))
    yield "check_storage", lambda: check_storage(classes.files)
    yield "check_storage quickly", lambda: check_storage(classes.files, verify=False)
    yield "collect_garbage", lambda: collect_garbage(classes.files, older_than=timedelta(0))
    for node in nodes:
        one = NodeFilter(node_id=node)
        yield "read_model", partial(read_model, one)
        yield "read_artifact", partial(read_artifact, one)
        yield "a part of it", partial(_parts, node)
        yield "its group", partial(_group, node)
        yield "the explorer", partial(_explorer, node)
        yield "the explorer's pages", partial(explorer_pages, node)
        yield "the viewer's pages", partial(viewer_pages, node)


_STORE = ("%artigraph find v0_1.Leaf x>0", "%artigraph check", "%artigraph status", "%artigraph gc")


def commands(nodes: Iterable[int]) -> list[str]:
    """What is typed in a notebook."""
    shown = [f"%artigraph show {node}" for node in nodes]
    return [*shown, "%artigraph tree", "%artigraph ls 1", *_STORE]


async def _all(rows: AsyncIterator[object]) -> list[object]:
    return [row async for row in rows]


async def _group(node: int) -> object:
    """The models on a row, and on the one above it."""
    above = NodeFilter(relationship=NodeRelationshipFilter(ancestor_of=node, include_self=True))
    for one in await read_nodes(above):
        group = ModelGroup(int(one.node_id or 0))
        show(await group.get_models())
        show(group)
    return None


async def _explorer(node: int) -> object:
    """What the explorer's page is told of a row: its facts, and what the search box finds."""
    told = await node_details(node)
    for text in (json.dumps(told, allow_nan=False), told["code"]):
        text.encode()
    return None


async def _parts(node: int) -> object:
    """Open what a row's model or a row itself holds, and look at it in every way."""
    async for handle in handles_of(node):
        if isinstance(handle, StoredValue):
            preview = await handle.preview()
            show(preview)
            assert len(preview._repr_html_().encode()) <= options.max_bytes
        if isinstance(handle, StoredArray):
            show(handle)
            await handle.part(0)
            await handle.part(slice(0, 5))
        elif isinstance(handle, StoredFrame):
            show(handle)
            await _look(handle)
        elif isinstance(handle, StoredFile):
            show(handle)
            await handle.names()
            handle == await handle.load()  # noqa: B015  # it reads all of both
    return None


async def _look(handle: StoredFrame) -> None:
    for read in (handle.read_schema, handle.head, handle.to_pandas, handle.to_arrow):
        repr(await read())
    repr(await handle.to_polars())
    view = await FrameView.open(handle)
    columns = range(min(len(view.columns), 10))
    for column in columns:
        if view.columns[column].can_sort:
            arrangement = await view.arrange([SortKey(column, descending=True)])
            await view.cells(arrangement, 0, 20, list(columns))
        if view.columns[column].operators:
            await view.arrange(conditions=[Condition(column, "missing")])
        await view.summary(column, whole=True)
        await view.cell(view.as_stored, 0, column)
    await view.cells(view.as_stored, 0, 100, list(columns))
    await view.values(view.as_stored, 0, 100, list(columns))
