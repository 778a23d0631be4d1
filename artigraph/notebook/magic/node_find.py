"""``%artigraph find run status=failed lr<0.1``: nodes by their columns and documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artigraph.display.escape import counted, visible
from artigraph.display.row import ResultList
from artigraph.errors import FilterError
from artigraph.filter.base import Filter
from artigraph.filter.column import NodeShape, node_class_called
from artigraph.filter.location import find_field, path_of
from artigraph.filter.node import NodeFilter
from artigraph.filter.operator import ValueFilter, sign_pattern
from artigraph.filter.order import Order
from artigraph.filter.shape import METRICS, Path
from artigraph.model.base import models_by_name
from artigraph.node.node import count_nodes, read_first_node
from artigraph.notebook.magic.condition import joined, parse_conditions
from artigraph.notebook.magic.result import NothingFound
from artigraph.notebook.magic.saved_query import Question, of_nodes
from artigraph.notebook.magic.words import Word
from artigraph.orm.friendly import spoken_names
from artigraph.orm.node import Node
from artigraph.outline.run_name import metrics_among, no_such_name
from artigraph.registry import nearest

__all__ = ["node_class_of", "node_order", "node_question", "nothing_of"]


def node_class_of(word: Word, variables: Mapping[str, Any]) -> type[Node] | None:
    """The node class that a word means; ``None`` if it means another thing.

    Args:
        word: A class's name, or what its rows are called, or a variable that holds one.
        variables: The variables of the notebook.
    """
    value = word.value if word.is_object else variables.get(word.text)
    if isinstance(value, type) and issubclass(value, Node):
        return value
    if word.is_object or isinstance(value, type) or word.text in models_by_name:
        return None
    return node_class_called(word.text)


async def node_question(
    node_type: type[Node], where: Sequence[Word], *, lasting: bool = False
) -> Question:
    """What is asked of nodes of a class.

    Args:
        node_type: The class.
        where: What was typed behind it.
        lasting: Whether it is asked again, when there may be other metrics.

    Raises:
        UsageError: A word is no condition.
        FilterError: The class has no such column.
    """
    metrics = None
    if not lasting:
        # What is a parameter alone is found by an index that somebody has made for it.
        shape, cuts = NodeShape(node_type), [word.cut(sign_pattern()) for word in joined(where)]
        typed = [path_of(cut[0]) for cut in cuts if cut is not None and cut[0]]
        metrics = await metrics_among(
            {other[1] for path in typed for other in shape.whole_paths(path)[1:]}
        )
    condition = parse_conditions(where, node_type.__name__, node_type, metrics)
    return Question(of_nodes(node_type, condition))


async def node_order(node_type: type[Node], text: str, asked: Filter) -> Order:
    """An order that was typed: by a column, a parameter, a metric or a tag.

    Args:
        node_type: The class of the nodes.
        text: What was typed; ``-`` in front for the largest first.
        asked: What finds the nodes: a name that may mean several things means what one of
            them has.

    Raises:
        FilterError: No node of that class has anything that is called so.
    """
    by, descending = text.removeprefix("-"), text.startswith("-")
    if by.startswith("tag:"):
        return Order(by, descending)
    paths = NodeShape(node_type).whole_paths(path_of(by))
    for among in (asked, NodeFilter(node_type=node_type)):
        for path in paths if _is_open(node_type, paths[0]) else ():
            if await _one_has(among, node_type, path):
                return _order(path, descending)
    if _is_open(node_type, paths[0]) and await count_nodes(NodeFilter(node_type=node_type)):
        raise FilterError(f"--order {visible(text, 60)}: {await no_such_name(_name(by))}")
    return _order(paths[0], descending)


def _order(path: Path, descending: bool) -> Order:
    dotted = ".".join(path)
    return Order(dotted if path_of(dotted) == path else path, descending)


def _is_open(node_type: type[Node], path: Path) -> bool:
    """Whether nothing but the rows themselves tells if there is such a thing."""
    shape = NodeShape(node_type)
    return len(path) > 1 and find_field(node_type.__name__, shape, path[:1]).shape.scalars == ()


def _name(typed: str) -> str:
    """A parameter or a metric as it is called, without what it stands behind."""
    return typed.removeprefix("params.").removeprefix(f"{METRICS}.")


async def _one_has(asked: Filter, node_type: type[Node], path: Path) -> bool:
    if path[0] == METRICS and len(path) > 1:  # also one whose last value is NaN
        path = (*path[:2], "points")
    having = NodeFilter(node_type=node_type, where={path: ValueFilter(ne=None)})
    return await read_first_node(asked & having) is not None


async def nothing_of(node_type: type[Node], asked: Question, where: Sequence[Word]) -> Any:
    """The answer of a search for nodes that has found nothing, which says what there is."""
    name = spoken_names(node_type)[-1]
    stored = await count_nodes(NodeFilter(node_type=node_type))
    found: ResultList[Any] = NothingFound(
        f"Nothing found: {asked.filter}. {counted(stored, 'node')} of {visible(name, 60)} in all."
        f"{await _misspelt(node_type, where)}"
        if stored
        else f"No {visible(name, 60)} is stored in this database."
    )
    return found


async def _misspelt(node_type: type[Node], where: Sequence[Word]) -> str:
    """What to say of a name that was taken for a parameter or a metric, and is none."""
    shape = NodeShape(node_type)
    for word in joined(where):
        cut = word.cut(sign_pattern())
        typed = "" if cut is None else cut[0]
        if not typed or not _is_open(node_type, (paths := shape.whole_paths(path_of(typed)))[0]):
            continue
        every = NodeFilter(node_type=node_type)
        if any([await _one_has(every, node_type, path) for path in paths]):
            continue
        name = typed.split(".")[0]
        if shape.step(name) is None and (near := nearest(name, shape.names)):
            return f" {visible(name, 60)} was taken for a parameter or a metric; or {near[0]}?"
        return f" {await no_such_name(_name(typed))}"
    return ""
