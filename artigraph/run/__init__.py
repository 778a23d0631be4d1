"""Runs: a block of work with its parameters, curves and results; and tables of them.

What does the work is imported by the first call: a notebook without runs is not to wait for it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from artigraph.display.escape import cut
from artigraph.display.options import options
from artigraph.errors import (
    FilterError,
    NodeNotFoundError,
    NodeTypeError,
    ParentNotFoundError,
    RunError,
)
from artigraph.filter.base import PRESENT, Filter, clause_of
from artigraph.filter.expected import one_id
from artigraph.filter.relation import Nodes, check_nodes, nodes_clause
from artigraph.filter.unset import UNSET, Unset
from artigraph.node.row import check_label
from artigraph.orm.node import Node, NodeLike, row_of
from artigraph.orm.run import TrackedRun
from artigraph.registry import did_you_mean

if TYPE_CHECKING:
    from artigraph.run.run import Run
    from artigraph.run.table import RunTable

__all__ = ["read_environment", "read_kept", "read_runs", "start_run"]


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


async def read_runs(
    filter: Filter | NodeLike | Unset = UNSET,
    *,
    columns: Sequence[str] | None = None,
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
    only_different: bool = False,
    baseline: NodeLike | None = None,
) -> RunTable:
    """Read runs as a table, with all that was kept of each in one row.

    ::

        table = await read_runs(TrackedRun.where(lambda r: r.status == "finished"))
        table = await read_runs(order_by="-accuracy", limit=20)
        frame = table.to_pandas()

    Args:
        filter: Any filter, or several combined; other nodes that it finds are left out. A node
            or its id, such as a sweep, stands for the runs below it. All runs, unless given.
        columns: The columns, in order; ``"params"`` stands for all parameters, and ``"lr"`` for
            ``"params.lr"`` where no other column is called so. All, unless given.
        order_by: A column or several to sort by; ``-`` before a name for the largest first.
            The newest run comes first, unless given.
        limit: How many runs at the most: the first ones in that order.
        only_different: Leave out what all these runs have in common.
        baseline: A run that comes first; a column ``loss.diff`` beside each metric says how
            far the others are from it.

    Returns:
        One row a run, with ``path``, ``status``, ``duration``; parameters as ``params.lr``;
        of each metric the last finite value under its name, and ``loss.min``, ``loss.max`` and
        ``loss.points``; fields of models right below as ``label.field``, and small plain values
        that were kept; tags as ``tag:name``; then ``type``, ``started``, ``by``, ``commit``,
        ``error`` and ``node_id``.

    Raises:
        FilterError: Something that is no filter, or a column that no run has.
    """
    from artigraph.filter.order import check_counts
    from artigraph.run.collect import collect, runs_clause
    from artigraph.run.table import MOST_DRAWN, MOST_OF_A_KIND, make_table
    from artigraph.series.read import list_series

    check_counts(limit=limit)
    names = _several("columns", columns)
    order = _several("order_by", [order_by] if isinstance(order_by, str) else order_by) or []
    first = None if baseline is None else one_id("read_runs(baseline=…)", baseline)
    clause = await runs_clause()
    if not isinstance(filter, Unset):
        clause = clause_of(_of_node(filter)) & clause
    else:
        clause = PRESENT & clause
    # What is sorted by a column must be known whole.
    cut_early = None if order or first is not None else limit
    found = await collect(clause, limit=cut_early, most_metrics=MOST_OF_A_KIND)
    table = make_table(
        found,
        columns=names,
        order_by=order,
        limit=limit,
        only_different=only_different,
        baseline=first,
    )
    if found.metrics:
        # Only for rows that it shows: a repr may ask nothing.
        shown = table.node_ids[: options.limits.max_results]
        table.draw(await list_series(shown, limit=MOST_DRAWN))
    return table


async def read_kept(of: NodeLike, name: str) -> Any:
    """Read a value that a run has kept, or any model or artifact right below a node.

    ::

        best = (await read_runs(order_by="loss", limit=1))[0]
        frame = await read_kept(best["node_id"], "predictions")

    Args:
        of: The run, what was read or written, or its id.
        name: What it was kept as.

    Returns:
        The value: a model, a frame, an array, a plain value.

    Raises:
        NodeNotFoundError: Nothing of that name hangs there.
        FilterError: It is no single node, or the name is no text.
    """
    from artigraph.filter.artifact import ArtifactFilter
    from artigraph.filter.node import NodeFilter
    from artigraph.filter.relation import NodeRelationshipFilter
    from artigraph.model.read import read_model
    from artigraph.node.artifact import read_artifact
    from artigraph.node.node import read_nodes
    from artigraph.orm.artifact import ModelArtifact

    node_id = one_id("read_kept()", of)
    if not isinstance(name, str):
        raise FilterError(f"read_kept() takes what it was kept as, not {cut(repr(name), 60)}.")
    there = await read_nodes(ArtifactFilter(relationship=NodeRelationshipFilter(child_of=node_id)))
    found = {str(node.node_label): node for node in there}
    if name not in found:
        raise NodeNotFoundError(
            f"Node {node_id} has kept nothing as {cut(repr(name), 60)}. {did_you_mean(name, found)}"
        )
    one = NodeFilter(node_id=found[name].node_id)
    if isinstance(found[name], ModelArtifact):
        return (await read_model(one)).value
    return (await read_artifact(one)).value


async def read_environment(of: Nodes) -> dict[int, dict[str, Any]]:
    """Read what runs ran in, in one statement.

    Args:
        of: A run, its id, several, or a filter.

    Returns:
        By the id of each run of which it is known: ``python``, ``platform``, and the versions
        of installed ``packages`` by name. Runs that ran in the same share one object.

    Raises:
        FilterError: It is none of these.
    """
    from artigraph.run.learn import environments_of

    chosen = nodes_clause(check_nodes("read_environment()", of))
    return await environments_of(chosen)


def _of_node(given: Any) -> Filter:
    """The filter that is given, or of a node the one for what hangs below it."""
    from artigraph.filter.node import NodeFilter
    from artigraph.filter.relation import NodeRelationshipFilter

    if isinstance(given, Filter):
        return given
    row = row_of(given)
    if isinstance(row, Node) or (isinstance(row, int) and not isinstance(row, bool)):
        return NodeFilter(relationship=NodeRelationshipFilter(descendant_of=row))
    raise FilterError(
        f"read_runs() takes a filter, or a node or its id for the runs below it, not "
        f"{cut(repr(given), 80)}. By a label it is NodeFilter(label='sweep')."
    )


def _several(what: str, given: Any) -> list[str] | None:
    if given is None:
        return None
    several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    if not (several and given and all(isinstance(name, str) for name in given)):
        raise FilterError(
            f"{what}=… takes names of columns in a list, as in {what}=['path', 'params.lr'], not "
            f"{cut(repr(given), 80)}."
        )
    names: list[str] = list(given)
    return names
