"""``%artigraph find run status=failed lr<0.1``: nodes by their columns and documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from artigraph.display.escape import counted, visible
from artigraph.display.row import ResultList
from artigraph.filter.column import NodeShape, node_class_called
from artigraph.filter.location import path_of
from artigraph.filter.node import NodeFilter
from artigraph.filter.operator import sign_pattern
from artigraph.filter.order import Order
from artigraph.model.base import models_by_name
from artigraph.node.node import count_nodes
from artigraph.notebook.magic.condition import joined, parse_conditions
from artigraph.notebook.magic.result import NothingFound
from artigraph.notebook.magic.saved_query import Question, of_nodes
from artigraph.notebook.magic.words import Word
from artigraph.orm.friendly import spoken_names
from artigraph.orm.node import Node
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


def node_question(node_type: type[Node], where: Sequence[Word]) -> Question:
    """What is asked of nodes of a class.

    Raises:
        UsageError: A word is no condition.
        FilterError: The class has no such column.
    """
    return Question(of_nodes(node_type, parse_conditions(where, node_type.__name__, node_type)))


def node_order(node_type: type[Node], text: str) -> Order:
    """An order that was typed: by a column, by what is in a document of one, or by a tag."""
    by, descending = text.removeprefix("-"), text.startswith("-")
    if by.startswith("tag:"):
        return Order(by, descending)
    return Order(".".join(NodeShape(node_type).whole_path(path_of(by))), descending)


async def nothing_of(node_type: type[Node], asked: Question, where: Sequence[Word]) -> Any:
    """The answer of a search for nodes that has found nothing, which says what there is."""
    name = spoken_names(node_type)[-1]
    stored = await count_nodes(NodeFilter(node_type=node_type))
    found: ResultList[Any] = NothingFound(
        f"Nothing found: {asked.filter}. {counted(stored, 'node')} of {visible(name, 60)} in all."
        f"{_misspelt(node_type, where)}"
        if stored
        else f"No {visible(name, 60)} is stored in this database."
    )
    return found


def _misspelt(node_type: type[Node], where: Sequence[Word]) -> str:
    """What to say of a name that was taken for a document's key, and is near a column's."""
    shape = NodeShape(node_type)
    for word in joined(where):
        cut = word.cut(sign_pattern())
        name = "" if cut is None else cut[0].split(".")[0]
        if name and shape.step(name) is None and (near := nearest(name, shape.names)):
            whole = ".".join(shape.whole_path((name,)))
            return f" {visible(name, 60)} was taken for {visible(whole, 80)}; or {near[0]}?"
    return ""
