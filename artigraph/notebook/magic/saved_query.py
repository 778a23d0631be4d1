"""``@good`` where a type of models may stand: the question that is saved so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from IPython.core.error import UsageError
from IPython.display import display

from artigraph.display.row import ResultList
from artigraph.filter.asked import node_types_of
from artigraph.filter.base import Filter
from artigraph.filter.condition import Condition
from artigraph.filter.model import ModelFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.order import OrderBy, finds_models, types_of
from artigraph.filter.unset import UNSET, Unset
from artigraph.model.base import BaseModel, models_by_name
from artigraph.model.read import read_models
from artigraph.node.node import read_nodes
from artigraph.notebook.magic.condition import parse_conditions
from artigraph.notebook.magic.words import Word
from artigraph.orm.node import Node
from artigraph.query.saved import check_name
from artigraph.query.store import read_query, save_query

__all__ = [
    "Question",
    "is_saved",
    "nodes_asked_for",
    "of_nodes",
    "read_question",
    "refuse_more",
    "save_question",
    "saved_name",
]


@dataclass(frozen=True)
class Question:
    """What is asked, before it is narrowed to a place in the tree."""

    filter: Filter
    order_by: OrderBy = None

    async def read(self, limit: int | None) -> ResultList[Any]:
        """What it finds: models with their rows if it asks for models, else nodes."""
        if finds_models(self.filter):
            found: list[Any] = await read_models(
                self.filter, order_by=self.order_by, limit=limit, lazy=True
            )
        else:
            found = [*await read_nodes(self.filter, order_by=self.order_by, limit=limit)]
        return ResultList(found)


def is_saved(word: Word) -> bool:
    """Whether a word means a saved question, or all of them."""
    return word.is_bare and word.text.startswith("@")


def saved_name(word: Word) -> str:
    """The name that a question is to be saved under, with or without its ``@``.

    Raises:
        FilterError: It is none.
    """
    return check_name(word.text.removeprefix("@"))


async def read_question(word: Word, conditions: Sequence[Word]) -> Question:
    """A saved question, narrowed by what was typed behind its name.

    Args:
        word: Its name behind ``@``.
        conditions: Conditions on the fields of what it finds.

    Raises:
        UnknownNameError: There is none of that name.
        FilterError: It cannot be read here, or a class has no such field.
        UsageError: A word is no condition.
    """
    saved = await read_query(saved_name(word))
    if (node_type := nodes_asked_for(saved.filter)) is not None:
        where = parse_conditions(conditions, node_type.__name__, node_type)
        asked = saved.filter if where is UNSET else saved.filter & of_nodes(node_type, where)
        return Question(asked, saved.order_by)
    types = {one.type for one in types_of(saved.filter)}
    model = next(iter(types)) if len(types) == 1 else None
    known = _class_of(model)
    owner = model if isinstance(model, str) else getattr(model, "__name__", "the model")
    condition = parse_conditions(conditions, owner, known)
    if condition is UNSET:
        return Question(saved.filter, saved.order_by)
    kind: Mapping[str, Any] = {} if model is None else {"model_type": model}
    return Question(saved.filter & ModelFilter(where=condition, **kind), saved.order_by)


def nodes_asked_for(filter: Filter) -> type[Node] | None:
    """The node class whose rows a filter finds, if it is one, and not that of models."""
    found = [] if finds_models(filter) else node_types_of(filter)
    return found[0] if len(found) == 1 else None


def of_nodes(node_type: type[Node], condition: Condition | Unset) -> NodeFilter:
    """Nodes of a class, with what was typed behind its name."""
    return NodeFilter(node_type=node_type, where=condition)


def _class_of(model: object) -> type[BaseModel] | None:
    found = models_by_name.get(model) if isinstance(model, str) else model
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


async def save_question(name: str, question: Question, *, replace: bool) -> None:
    """Save what was asked, and show what was saved.

    Raises:
        NameTakenError: The name is taken.
    """
    saved = await save_query(name, question.filter, order_by=question.order_by, replace=replace)
    display(saved)  # beside the list that the line returns


def refuse_more(words: Sequence[Word]) -> None:
    """Refuse what stands behind a lone ``@``, which lists the questions.

    Raises:
        UsageError: Something does.
    """
    if words:
        raise UsageError("A lone @ lists the saved questions; the name of one comes behind it.")
