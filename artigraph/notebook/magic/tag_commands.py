"""The sub-command about tags."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.error import UsageError

from artigraph.display.escape import counted, cut, visible
from artigraph.display.facts import Facts, Table
from artigraph.filter.node import NodeFilter
from artigraph.filter.unset import UNSET
from artigraph.notebook.magic.condition import literal
from artigraph.notebook.magic.node_argument import find_id
from artigraph.notebook.magic.parser import Call, Said, argument, command
from artigraph.notebook.magic.result import Report
from artigraph.notebook.magic.words import Word
from artigraph.tag.alias import aliases_beside
from artigraph.tag.read import list_tags, read_tags
from artigraph.tag.write import tag_nodes, untag_nodes

__all__: list[str] = []

_LONGEST = 200
"""Characters of a value that are shown."""
_EQUALS = re.compile("=")


@command(
    "tag",
    argument("node", nargs="?", metavar="NODE", help="an id, a label, or $variable"),
    argument(
        "tags",
        nargs="*",
        default=[],
        metavar="NAME[=VALUE]",
        help="best, stage=prod, score=0.93; null is no value",
    ),
    argument("--remove", nargs="+", default=[], metavar="NAME", complete="tag", help="take away"),
    argument("--unique-below", metavar="NODE", help="only one below this node has the tags"),
    stage="write",
)
async def tag(call: Call) -> object:
    """Tag a node, or take tags away; without any, tell which it has.

    Without a node, tell which tags there are. A value is a number, true, false, null, or
    else a text. With --unique-below another node that has the tag loses it.
    """
    args = call.args
    if args.node is None:
        return _report("Tags", await list_tags(), "nodes")
    tags = dict(_tag(word) for word in args.tags)
    names = [word.text.removeprefix("#") for word in args.remove]
    if args.unique_below is not None and not tags:
        raise UsageError(
            "--unique-below wants a tag: %artigraph tag NODE stage=prod --unique-below OTHER"
        )
    node_id = await find_id(args.node)
    here = NodeFilter(node_id=node_id)
    beside: dict[str, tuple[int, int]] = {}
    if tags:
        below = UNSET if args.unique_below is None else await find_id(args.unique_below)
        if not await tag_nodes(here, tags, unique_below=below):
            return Said(f"There is no node {node_id}. %artigraph tree shows them.")
        beside = {} if args.unique_below is not None else await aliases_beside(node_id, tags)
    removed = await untag_nodes(here, names) if names else None
    if removed == 0:
        shown = " or ".join(visible(name, 60) for name in names)
        return Said(f"Node {node_id} has no tag {shown}.")
    found = (await read_tags(here)).get(node_id, {})
    lines = tuple(
        f"Node {other} has #{name} as an alias below node {scope}, and keeps it: "
        f"--unique-below {scope} moves it."
        for name, (other, scope) in beside.items()
    )
    return _report(f"Node {node_id} has {counted(len(found), 'tag')}", found, "value", lines)


def _tag(word: Word) -> tuple[str, Any]:
    parts = word.cut(_EQUALS)
    name, _, rest = parts if parts is not None else (word.text, "", None)
    value = None if rest is None else rest.value if rest.is_object else literal(rest)
    return name.removeprefix("#"), value


def _report(title: str, found: dict[str, Any], column: str, lines: tuple[str, ...] = ()) -> Report:
    rows = tuple(
        (f"#{name}", "" if value is None else cut(str(value), _LONGEST))
        for name, value in found.items()
    )
    table = Table(("tag", column), rows) if rows else None
    return Report(Facts(title, lines=lines, table=table))
