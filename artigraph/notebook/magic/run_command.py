"""``%%artigraph run``: a cell inside a group, and what is kept of it.

The node is written before the cell's first line runs, so that a cell that
fails, or a kernel that dies, leaves it behind. What the cell adds to its
group is written at the end, in one transaction with how it went; of a cell
that fails none of that is, as with any group. What it saves with
``%artigraph save`` is there at once, and stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from IPython.core.error import UsageError
from typing_extensions import override

from artigraph.db.session import new_session
from artigraph.display.escape import visible
from artigraph.node.node import write_node
from artigraph.notebook.interrupt import interruptible
from artigraph.notebook.magic.condition import literal
from artigraph.notebook.magic.node_argument import find_node
from artigraph.notebook.magic.parser import Call, argument, command
from artigraph.notebook.magic.short_errors import short_errors
from artigraph.notebook.magic.words import Word
from artigraph.notebook.magic.write_commands import assignment
from artigraph.orm.node import Node
from artigraph.orm.run import CellRun
from artigraph.outline.tree import read_tree
from artigraph.redact import without_secret_values, without_secrets
from artigraph.run.facts import clean_text, digest_of
from artigraph.run.run import Run
from artigraph.types.scalar import without_numpy

__all__ = ["RunCell"]

MOST_SAVED = 1_000
"""Labels that are kept of what a cell has saved."""


@command(
    "run",
    argument("label", nargs="?", metavar="LABEL", help="what the run is called"),
    argument(
        "--node-type", metavar="T", complete="node_type", help="a subclass of CellRun, or its name"
    ),
    argument(
        "--param", action="append", metavar="K=V", help="kept on the node; give it repeatedly"
    ),
    argument("--to", metavar="NODE", help="hang it there; on the current node, unless given"),
    heads_cell=True,
    stage="run",
)
def run(call: Call) -> RunCell:
    """Run the cell inside a new group under the current one; the cell may await.

    The node of the run keeps when it began and ended, how it went, the exception's text,
    the cell's source and its SHA-256, the cell's number, the parameters, and what was
    saved. A cell that fails shows its own traceback, and keeps its node.
    """
    return RunCell(call)


class RunCell:
    """The block that the lines of a cell stand in.

    Args:
        call: The cell's first line, understood.

    Raises:
        UsageError: A wrong ``--node-type`` or ``--param``.
    """

    def __init__(self, call: Call) -> None:
        args = call.args
        self._to: Word | None = args.to
        source = clean_text(without_secrets(call.source))
        node = _node_class(args.node_type, call.variables)(
            node_label=args.label.text if args.label else None,
            tracked_run_source=source,
            tracked_run_code=digest_of(source),
            cell_run_count=call.number,
            tracked_run_params=_params(args.param or []),
        )
        self._run = _Cell(node)
        self._interruptible = interruptible(computes=True)

    async def __aenter__(self) -> Run:
        with short_errors(), interruptible(computes=False):
            run = await self._begin()
        self._interruptible.__enter__()
        return run

    async def _begin(self) -> Run:
        if self._to is not None:
            self._run.node.node_parent_id = (await find_node(self._to)).node_id
        return await self._run.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._interruptible.__exit__(None, None, None)
        # The cell may have set another database, which the run's own end knows.
        with interruptible(computes=False):
            # Raising nothing, it leaves the traceback of the cell as it is.
            if exc is not None:
                await self._run.__aexit__(exc_type, exc, traceback)
                return
            with short_errors():
                await self._run.__aexit__(None, None, None)


class _Cell(Run):
    """The run of a cell: what it adds to its group is written if the cell ends well."""

    def __init__(self, node: CellRun) -> None:
        super().__init__(node, keeps_on_error=False)

    @override
    async def _save_end(self) -> None:
        async with new_session():
            await super()._save_end()
            tree = await read_tree(self.node.node_id, max_depth=1, max_children=MOST_SAVED)
            children = tree.children(self.node.node_id)
            saved = {child.label: child.node_id for child in children if child.label is not None}
            self.node.cell_run_saved = saved  # type: ignore[attr-defined]  # __init__ took a CellRun
            await write_node(self.node)


def _node_class(word: Word | None, variables: Mapping[str, Any]) -> type[CellRun]:
    if word is None:
        return CellRun
    found = word.value if word.is_object else variables.get(word.text)
    if not isinstance(found, type) and word.text in Node.__mapper__.polymorphic_map:
        found = Node.__mapper__.polymorphic_map[word.text].class_
    if isinstance(found, type) and issubclass(found, CellRun):
        return found
    name = visible(word.text, 60)
    if isinstance(found, type) and issubclass(found, Node):
        raise UsageError(
            f"--node-type {name} has no columns for what is kept of a run. Derive it from CellRun: "
            f"class {found.__name__}(CellRun): …"
        )
    raise UsageError(f"--node-type takes a subclass of CellRun, which {name!r} is not.")


def _params(words: list[Word]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for word in words:
        name, given = assignment(word)
        if given is None:
            raise UsageError(
                f"--param takes a name and a value, as in --param {visible(name, 60)}=0.1."
            )
        if name in params:
            raise UsageError(f"--param {visible(name, 60)} is given twice.")
        value = without_numpy(literal(given))
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise UsageError(
                f"--param {visible(name, 60)} is a {type(value).__name__} that JSON cannot hold. "
                "Use a number, a text, a bool or null; %artigraph save keeps anything else."
            ) from None
        params[name] = without_secret_values(name, value)
    return params
