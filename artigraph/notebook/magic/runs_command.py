"""The sub-command that shows runs as a table."""

from __future__ import annotations

from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.filter.unset import UNSET, Unset
from artigraph.notebook.magic.node_argument import find_id
from artigraph.notebook.magic.parser import Call, argument, command, count
from artigraph.notebook.magic.result import NothingFound
from artigraph.run import read_runs
from artigraph.run.table import RunTable

__all__: list[str] = []


@command(
    "runs",
    argument("node", nargs="?", metavar="NODE", help="only runs below this node"),
    argument("--order", metavar="COLUMN", help="order by it; -COLUMN for the largest first"),
    argument("--limit", type=count, metavar="N", default=50, help="how many; 50, unless given"),
    argument("--columns", metavar="A,B", help="these columns, in order, with commas between"),
    argument(
        "--different", action="store_true", help="leave out what all these runs have in common"
    ),
    stage="look",
)
async def runs(call: Call) -> RunTable | NothingFound:
    """Show runs as a table: how they went, parameters, metrics, results and tags.

    The newest come first. The result is a RunTable: .to_pandas() makes a frame of it.
    """
    args = call.args
    below: NodeFilter | Unset = UNSET
    if args.node is not None:
        node_id = await find_id(args.node)
        below = NodeFilter(relationship=NodeRelationshipFilter(descendant_of=node_id))
    columns = args.columns
    found = await read_runs(
        below,
        order_by=None if args.order is None else args.order.text,
        limit=args.limit,
        columns=None if columns is None else [one.strip() for one in columns.text.split(",")],
        only_different=args.different,
    )
    if len(found):
        return found
    where = "" if args.node is None else " below that node"
    return NothingFound(
        f"There is no run{where}. async with start_run('fit', lr=0.1) as run: makes one, and so "
        "does %%artigraph run LABEL."
    )
