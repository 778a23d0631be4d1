"""The tree in a notebook: to walk, search and pick from.

Only what is opened is read, a page at a time, by the portal, so the explorer
answers while a cell awaits. Its first page stays in the saved notebook.

* it shows the tree as it was read; :meth:`Explorer.refresh` reads it anew
* it keeps the database that was set when it was made
* what a session has not committed yet is not seen
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from artigraph.display.forest import Forest
from artigraph.errors import NodeNotFoundError
from artigraph.filter.base import Filter
from artigraph.filter.node import NodeFilter
from artigraph.filter.unset import UNSET, Unset
from artigraph.model.read import read_model
from artigraph.node.node import read_node
from artigraph.notebook.answering import Answering
from artigraph.notebook.explorer_rows import tree_item
from artigraph.notebook.tree_handlers import TreeHandlers, check_scope
from artigraph.orm.node import Node

__all__ = ["Explorer"]

OnSelect = Callable[[int | None], Awaitable[None] | None]


class Explorer(anywidget.AnyWidget):
    """Shows the tree in a notebook, reading only what is opened.

    Make it the last line of a cell: ``await explore()``.

    Args:
        node_or_filter: A node or its id to begin with, a filter to begin with
            all that it finds; all roots, unless given.
        height: How tall it is, in pixels.

    Raises:
        FilterError: Something else, or a node that was never written.
    """

    _esm = Path(__file__).parent / "static" / "explorer.js"

    first_page = traitlets.Dict(
        read_only=True,
        help="Where it begins and the first page of what hangs there; empty until it is read.",
    ).tag(sync=True)
    selected = traitlets.Int(
        None, allow_none=True, help="The id of the chosen node; ``None`` if none is."
    ).tag(sync=True, echo_update=False)
    height = traitlets.Int(520, min=200, max=4000, help="How tall it is, in pixels.").tag(sync=True)

    def __init__(
        self, node_or_filter: Node | Filter | int | Unset = UNSET, **options: object
    ) -> None:
        scope = check_scope(node_or_filter)
        super().__init__(**options)
        self._pages = TreeHandlers(scope, self._read_first)
        self._answering = Answering(self, self._pages.methods, settable=["selected"])

    async def refresh(self) -> None:
        """Read what is shown anew; what others have written meanwhile is seen then.

        Raises:
            NodeNotFoundError: The node that it begins with does not exist.
            NoEngineError: No engine was set.
        """
        await self._run(self._read_first())

    async def selected_node(self) -> Node:
        """Read the chosen node.

        Returns:
            Its row.

        Raises:
            NodeNotFoundError: Nothing is chosen, or it was deleted.
        """
        found: Node = await self._run(read_node(self._chosen()))
        return found

    async def selected_model(self) -> Any:
        """Read the chosen model.

        Returns:
            The model itself, with its frames and arrays.

        Raises:
            NodeNotFoundError: Nothing is chosen, it was deleted, or it is no model.
        """
        return (await self._run(read_model(self._chosen()))).value

    def on_select(self, callback: OnSelect) -> Callable[[], None]:
        """Call a function whenever another node is chosen.

        Args:
            callback: Takes the node's id, ``None`` when nothing is chosen any
                more. It may be a coroutine function; that one runs beside the
                cells, on a loop of its own.

        Returns:
            A function that ends this.
        """

        def changed(change: traitlets.Bunch) -> None:
            outcome = callback(change["new"])
            if inspect.iscoroutine(outcome):
                self._answering.start(outcome)

        self.observe(changed, names="selected")
        return lambda: self.unobserve(changed, names="selected")

    def __repr__(self) -> str:
        root = self.first_page.get("root")
        return "<Explorer>" if root is None else f"<Explorer of {tree_item(root).label!r}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None or not self.first_page:
            return bundle
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        # For whoever opens the notebook without a kernel, or without trusting it.
        data["text/html"] = self._forest().html()
        data["text/plain"] = self._forest().text()
        return bundle

    def _forest(self) -> Forest:
        page = self.first_page
        rows = [tree_item(row) for row in page["rows"]]
        more = max(page["total"] - len(rows), 0)
        root = tree_item(page["root"])
        return Forest([type(root)(root.label, root.kind, root.title, children=rows, more=more)])

    def _chosen(self) -> Filter:
        if self.selected is None:
            raise NodeNotFoundError("Nothing is selected. Click a node in the explorer first.")
        return NodeFilter(node_id=self.selected)

    async def _run(self, coroutine: Any) -> Any:
        return await asyncio.wrap_future(self._answering.start(coroutine))

    async def _read_first(self) -> None:
        page = await self._pages.first_page()
        self.set_trait("first_page", page)
