"""Runs begun, or gone on with.

What a run needs is imported as one begins: a notebook that has none is not to wait for it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from artigraph.display.escape import cut
from artigraph.errors import NodeTypeError, ParentNotFoundError, RunError
from artigraph.node.row import check_label
from artigraph.orm.node import Node, NodeLike, row_of
from artigraph.orm.run import TrackedRun

if TYPE_CHECKING:
    from artigraph.run.run import Run

__all__ = ["start_run"]


def start_run(
    label: str | None = None,
    *,
    parent: NodeLike | None = None,
    node_type: type[TrackedRun] = TrackedRun,
    resume: bool = False,
    **params: Any,
) -> Run:
    """Begin a run: a block whose node is written at once, and tells how the block went.

    ::

        async with start_run("fit", lr=0.1) as run:
            for step in range(100):
                run.log(step, loss=...)
            run.keep(model=..., frame=...)

    The node knows when the block began and ended, its parameters, the cell or function that
    began it, the environment, and the commit of the working folder's repository. What was
    added, kept and logged is written also if the block raises. Runs inside of its block hang
    on it; each task and thread has its own.

    Args:
        label: What it is called, once below one parent.
        parent: What it hangs on, a node or its id; the current node, unless given.
        node_type: A subclass of ``TrackedRun`` with columns of your own.
        resume: Go on with an unfinished run of that label in that place, if there is one; a
            finished one says so by ``run.is_finished``. A run that is new otherwise.
        **params: Parameters by name: what JSON can hold.

    Returns:
        The run, for ``async with``.

    Raises:
        LabelError: A label that no database could hold, or none to go on with.
        NodeTypeError: A class that is no subclass of ``TrackedRun``.
        ParentNotFoundError: A parent that is not written.
        RunError: A parameter that JSON cannot hold. As the block begins, with ``resume``:
            other parameters than the run had.
        RunBusyError: As the block begins, with ``resume``: another process runs it.
        LabelExistsError: As the block begins: the label is taken in that place.
    """
    if not (isinstance(node_type, type) and issubclass(node_type, TrackedRun)):
        raise NodeTypeError(
            f"start_run(node_type=…) takes a subclass of TrackedRun, not "
            f"{cut(repr(node_type), 80)}: class Training(TrackedRun): …"
        )
    from artigraph.run.facts import digest_of, source_of
    from artigraph.run.params import as_params
    from artigraph.run.resume import ResumedRun
    from artigraph.run.run import Run

    check_label(label)
    if resume and label is None:
        raise RunError(
            "start_run(resume=True) goes on with the run of a label, and none was given. Type "
            "start_run('fit', resume=True)."
        )
    source = source_of(sys._getframe(1))
    node = node_type(
        node_label=label,
        node_parent_id=None if parent is None else _id_of(parent),
        tracked_run_params=as_params(params),
        tracked_run_source=source,
        tracked_run_code=None if source is None else digest_of(source),
    )
    return ResumedRun(node) if resume else Run(node)


def _id_of(parent: object) -> int:
    row = row_of(parent)
    node_id = vars(row).get("node_id") if isinstance(row, Node) else row
    if isinstance(node_id, bool) or not isinstance(node_id, int):
        raise ParentNotFoundError(
            f"start_run(parent=…) takes a written node or its id, not {cut(repr(parent), 80)}. "
            "Write it first, as in await write_node(node)."
        )
    return node_id
