"""The light facts of a tree, to be drawn or walked.

Read level by level: one statement a level, however many nodes there are,
and of a node with very many children only the first are looked at. What
holds a value shows its size and what it is; the value itself, a model's
document and a blob are never read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.display.escape import counted
from artigraph.display.forest import Forest
from artigraph.display.shown import print_lines
from artigraph.display.tree import TreeItem
from artigraph.errors import FilterError, NodeNotFoundError
from artigraph.filter.base import Filter
from artigraph.filter.relation import check_nodes
from artigraph.filter.unset import NOT_WRITTEN, UNSET, Unset
from artigraph.garbage import collector_paused
from artigraph.orm.node import Node, NodeLike, tell_in_tree
from artigraph.orm.run import CellRun, TrackedRun
from artigraph.outline.summary import FACTS, NodeSummary, summary_facts
from artigraph.outline.tree_query import TOLD, check_columns, select_children, select_roots

__all__ = ["Tree", "TreeNode", "read_tree"]


@dataclass(frozen=True, slots=True)
class TreeNode(NodeSummary):
    """The facts of one row in a tree."""

    depth: int
    """How many steps it is below its root."""
    content: str
    """What an artifact is, such as ``"frame"``; else empty."""
    extent: str
    """How large that is: rows and columns, or a shape with its dtype; else empty."""
    more: int
    """How many of its children this tree leaves out."""


@dataclass(frozen=True, slots=True, repr=False)
class Tree:
    """Some nodes with what hangs below them, as far as was asked.

    Iterating gives each node once, a parent before its children, and ``len``
    counts them.
    """

    roots: tuple[TreeNode, ...]
    """Those that hang on no other of this tree, oldest id first."""
    more: int
    """How many further roots were left out."""
    _children: Mapping[int, tuple[TreeNode, ...]] = field(repr=False)

    def children(self, node: TreeNode | int) -> tuple[TreeNode, ...]:
        """The children that are in this tree, oldest id first.

        Args:
            node: A node of this tree, or its id.
        """
        node_id = node.node_id if isinstance(node, TreeNode) else node
        return self._children.get(node_id, ())

    def __iter__(self) -> Iterator[TreeNode]:
        ahead = list(reversed(self.roots))
        while ahead:
            node = ahead.pop()
            yield node
            if node.node_id in self._children:
                ahead += reversed(self._children[node.node_id])

    def __len__(self) -> int:
        return len(self.roots) + sum(map(len, self._children.values()))

    def __repr__(self) -> str:
        return f"<Tree of {counted(len(self), 'node')}>"

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        print_lines(printer, cycle, repr(self), self._forest().text)

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        return self._forest().bundle()

    def _repr_html_(self) -> str:
        return self._forest().html()

    def _repr_svg_(self) -> str:
        return self._forest().draw("svg")

    def _repr_markdown_(self) -> str:
        return self._forest().draw("markdown")

    def _forest(self) -> Forest:
        return Forest(self.to_items(), self.more)

    def to_items(self) -> list[TreeItem]:
        """What ``artigraph.display`` draws: one item for each root.

        A node's box holds its label, or ``#12`` without one; a model's its
        class; an artifact's what it is. The labels of the latter two stand on
        the line that leads to them.
        """
        items: dict[int, TreeItem] = {}
        told: dict[tuple[object, ...], tuple[str, bool]] = {}
        # Children first: a tree may be deeper than Python recurses.
        for node in reversed(list(self)):
            hanging = self._children.get(node.node_id, ())
            below = [items.pop(child.node_id) for child in hanging] if hanging else []
            # Many runs tell the same.
            key = (node.node_type, *node.columns.values())
            try:
                said = told[key]
            except (KeyError, TypeError):  # a value may have no hash
                said = tell_in_tree(node.node_type, node.columns)
                with suppress(TypeError):
                    told[key] = said
            items[node.node_id] = _item(node, below, said)
        return [items[root.node_id] for root in self.roots]


_SAY_NOTHING = {one.__mapper__.polymorphic_identity for one in (Node, CellRun, TrackedRun)}
"""Types that a drawing leaves out: a run shows how it went."""


def _item(node: TreeNode, children: Sequence[TreeItem], told: tuple[str, bool]) -> TreeItem:
    if node.tags:
        told = (" · ".join(filter(None, (told[0], *node.tags))), told[1] or told[0] == "failed")
    if node.kind == "node":
        label = f"#{node.node_id}" if node.label is None else node.label
        title = "" if node.node_type in _SAY_NOTHING else node.node_type
        return TreeItem(label, "node", title, "", children, node.more, *told)
    edge = node.label or ""
    if node.kind == "model":
        return TreeItem(node.model_name or "model", "model", "", edge, children, node.more, *told)
    label = node.content or node.serializer or node.node_type
    return TreeItem(label, "artifact", node.extent, edge, children, node.more, *told)


async def read_tree(
    of: NodeLike | Filter | Unset = UNSET,
    *,
    max_depth: int | None = 12,
    max_children: int | None = 20,
    max_nodes: int | None = 1_000,
    columns: Collection[str] = (),
) -> Tree:
    """Read what hangs below some nodes, with the facts that a drawing shows.

    Args:
        of: A node or its id; a filter, whose nodes are the roots, except for
            those that are below another of them; all roots, unless given.
        max_depth: How many levels below the roots; ``None`` for all of them.
        max_children: How many children of one node, and how many roots;
            ``None`` for all of them.
        max_nodes: How many nodes in all; ``None`` for all of them. Upper levels
            come first, and the children of one level share what is left.
        columns: Names of further columns to read, of subclasses of ``Node``.

    Returns:
        The tree. It says of each node how many children are left out. Nodes
        that hang in a circle have no root: such a one is read when it is
        asked for by itself.

    Raises:
        NodeNotFoundError: No node has the id.
        FilterError: A node that was never written, a limit that is no count, or
            a column that no node has or that holds values.
    """
    _check_limit("max_depth", max_depth, 0)
    _check_limit("max_children", max_children, 1)
    _check_limit("max_nodes", max_nodes, 1)
    names = check_columns(columns)
    each = _MANY if max_children is None else max_children
    left = _MANY if max_nodes is None else max_nodes
    start = _one_or_filter(of)
    below: dict[int, list[Row[Any]]] = {}
    async with read() as connection:
        query = select_roots(start, names, min(each, left))
        roots = level = await all_of(await connection.execute(query))
        seen = {row.node_id for row in roots}
        depth = 0
        while max_depth is None or depth < max_depth:
            left -= len(level)
            counts = {row.node_id: row.child_count for row in level if row.child_count}
            if not counts or left <= 0:
                break
            parents, most = _share(counts, each, left)
            paged = most if any(counts[parent] > most for parent in parents) else None
            query = select_children(parents, names, paged, min(left, _MANY))
            rows = await all_of(await connection.execute(query))
            # On a cycle a node would come again.
            level = [row for row in rows if row.node_id not in seen]
            seen.update(row.node_id for row in level)
            for row in level:
                below.setdefault(row.parent_id, []).append(row)
            depth += 1
    if isinstance(start, int) and not roots:
        raise NodeNotFoundError(f"There is no node {start}, so nothing hangs on it.")
    return await run_in_thread(_assemble, roots, below, names)


_MANY = 2**62
"""More rows than there are."""


def _check_limit(name: str, limit: object, least: int) -> None:
    if limit is not None and (
        not isinstance(limit, int) or isinstance(limit, bool) or limit < least
    ):
        raise FilterError(f"{name} is a count from {least} on, or None for all, not {limit!r}.")


def _one_or_filter(of: NodeLike | Filter | Unset) -> int | Filter | None:
    if of is UNSET:
        return None
    if isinstance(of, Filter):
        return of
    if of is None:
        raise FilterError(
            f"A tree of None asks for nothing. {NOT_WRITTEN} For all roots leave it out."
        )
    checked = check_nodes("A tree", of)
    if isinstance(of, Iterable) or not isinstance(checked, tuple):
        raise FilterError(f"A tree of several nodes is asked for as NodeFilter(node_id={of!r}).")
    return checked[0]


def _share(counts: Mapping[int, int], each: int, left: int) -> tuple[list[int], int]:
    """Whose children to read, and how many of each, so that all get about as many.

    Args:
        counts: How many children each node has.
        each: How many of one node are wanted at the most.
        left: How many may be read in all.
    """
    wanted = sorted(min(count, each) for count in counts.values())
    share = left
    for number, want in enumerate(wanted):
        others = len(wanted) - number
        if want * others > share:
            most = share // others
            return (list(counts), most) if most else (list(counts)[:left], 1)
        share -= want
    return list(counts), each


# ---------------------------------------------------------------- rows to facts


def _assemble(
    roots: Sequence[Row[Any]], below: Mapping[int, Sequence[Row[Any]]], names: Sequence[str]
) -> Tree:
    with collector_paused():
        level = [_facts(row, 0, below, names) for row in roots]
        tops, children = tuple(level), {}
        while level:
            ahead: list[TreeNode] = []
            for node in level:
                rows = below.get(node.node_id)
                if rows:
                    hanging = tuple(_facts(row, node.depth + 1, below, names) for row in rows)
                    children[node.node_id] = hanging
                    ahead += hanging
            level = ahead
    count = roots[0].root_count if roots else 0
    return Tree(tops, count - len(roots), children)


def _facts(
    row: Row[Any], depth: int, below: Mapping[int, Sequence[Row[Any]]], names: Sequence[str]
) -> TreeNode:
    selected = tuple(row)
    facts = summary_facts(selected, names)
    content = extent = ""
    if facts[_KIND] == "artifact":
        told = dict(zip(TOLD, selected[len(FACTS) + len(names) :], strict=False))
        shape = told["shape"] or told["size"]
        content = str(told["kind"] or "")
        extent = _extent(told["rows"], told["num_columns"], shape, told["dtype"])
    # Another process may have deleted some since they were counted.
    more = max(0, facts[_COUNT] - len(below.get(facts[_ID], ())))
    return TreeNode(*(*facts, depth, content, extent, more))


_KIND, _ID, _COUNT = -1, FACTS.index("node_id"), FACTS.index("child_count")


_TIMES = " \N{MULTIPLICATION SIGN} "


def _extent(rows: object, num_columns: object, shape: object, dtype: object) -> str:
    """A frame's rows and columns, or a shape with its dtype, as far as they are known."""
    if rows is not None and num_columns is not None:
        return _TIMES.join(_numbers(f"{rows} {num_columns}"))
    sizes = _TIMES.join(_numbers(str(shape or "")))
    return " ".join(str(part) for part in (sizes, dtype) if part)


def _numbers(text: str) -> list[str]:
    # A figure's inches are fractions, and say so only where they are.
    found = re.findall(r"([0-9]{1,18})([.][0-9]{1,6})?", text)
    return [f"{int(whole):,}{fraction.rstrip('.0')}" for whole, fraction in found]
