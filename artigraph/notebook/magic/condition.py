"""Conditions as they are typed: ``loss<0.1``, ``name~ad%``, ``ended=null``.

A value is read as what its field is annotated as, or its column: a date for a date, a text
for a text. Of nodes, a name that is no column's is a key of the document that is open for
it, or a metric. Nothing is evaluated, and a variable is taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from IPython.core.error import UsageError

from artigraph.display.escape import visible
from artigraph.errors import FilterError
from artigraph.filter.column import NodeShape
from artigraph.filter.condition import Condition, FieldComparison
from artigraph.filter.location import find_field, path_of
from artigraph.filter.operator import SIGNS, sign_pattern, usual_signs
from artigraph.filter.shape import AnyShape, Shape
from artigraph.filter.unset import UNSET, Unset
from artigraph.model.base import BaseModel
from artigraph.notebook.magic.words import Word
from artigraph.orm.node import Node, node_table
from artigraph.types.record import Scalar
from artigraph.types.scalar import parse_number

__all__ = ["joined", "literal", "parse_conditions"]

_EXAMPLE = "as in loss<0.1, name=adam, name~ad%, ended=null"


def parse_conditions(
    words: Sequence[Word],
    owner: str,
    asked: type[BaseModel] | type[Node] | None,
    metrics: Collection[str] | None = None,
) -> Condition | Unset:
    """Understand conditions, all of which must hold.

    Args:
        words: What was typed; blanks may stand around an operator.
        owner: The class's name, for errors.
        asked: The class of models or of nodes, if it is defined here.
        metrics: Which metrics a bare name may mean; any, unless given.

    Returns:
        The condition; ``UNSET`` if nothing was typed.

    Raises:
        UsageError: A word that is no condition, or a value that its field cannot
            have.
        FilterError: The class has no such field.
    """
    shape: Shape = AnyShape()
    if asked is not None:
        shape = NodeShape(asked) if issubclass(asked, Node) else asked._model_shape()
    found: Condition | Unset = UNSET
    for word in joined(words):
        one = _parse(word, owner, shape, metrics)
        found = one if found is UNSET else found & one
    return found


def joined(words: Sequence[Word]) -> list[Word]:
    """The words, with those together that an operator stands between."""
    found: list[Word] = []
    for word in words:
        begins = word.is_bare and sign_pattern().match(word.text)
        if found and (begins or _awaits_value(found[-1])):
            found[-1] = found[-1].followed_by(word)
        else:
            found.append(word)
    return found


def _awaits_value(word: Word) -> bool:
    cut = word.cut(sign_pattern())
    return cut is not None and cut[2].is_bare and not cut[2].text


def _parse(word: Word, owner: str, shape: Shape, metrics: Collection[str] | None) -> Condition:
    cut = word.cut(sign_pattern())
    if cut is None or not cut[0] or (cut[2].is_bare and not cut[2].text):
        raise UsageError(
            f"{visible(word.text, 60)!r} is no condition. It is a field, one of {usual_signs()}, "
            f"and a value, {_EXAMPLE}."
        )
    name, sign, rest = cut
    path, operator = path_of(name), SIGNS[sign]
    first, *others = shape.whole_paths(path) if isinstance(shape, NodeShape) else [path]
    scalars = find_field(owner, shape, first).shape.scalars
    is_read = not rest.is_object and operator.needs != "text"
    value = _value(rest, scalars, name) if is_read else rest.value
    found: Condition = _checked(FieldComparison(first, operator, value), owner, shape)
    for other in others:
        if metrics is not None and other[1] not in metrics:
            continue
        with suppress(FilterError):  # a text makes no sense for a metric
            one = _checked(FieldComparison(other, operator, value), owner, shape)
            # Missing is what is missing in every meaning.
            found = found & one if one.finds_missing else found | one
    return found


def _checked(asked: FieldComparison, owner: str, shape: Shape) -> FieldComparison:
    """A comparison, so that one without sense is told before anything is asked."""
    asked.clause(node_table, owner, shape)
    return asked


def _value(word: Word, scalars: Sequence[Scalar] | None, field: str) -> object:
    if word.is_bare and word.text.lower() in ("null", "none"):
        return None
    if scalars is None:
        return literal(word)
    for scalar in scalars:
        try:
            return scalar.parse(word.text)
        except (ValueError, ArithmeticError):
            continue
    if not scalars:
        return word.text  # whoever checks the comparison says why it makes no sense
    names = " or ".join(scalar.noun for scalar in scalars)
    raise UsageError(
        f"{visible(field, 60)} is {names}, and {visible(word.text, 60)!r} is none. "
        f"{scalars[0].hint}".strip()
    )


def literal(word: Word) -> Any:
    """What a word without a known type means.

    Args:
        word: A variable; or a number, ``true``, ``false`` or ``null`` without
            quotes; or any other text.

    Returns:
        The variable's value, an ``int``, ``float``, ``bool``, ``None`` or ``str``.
    """
    if not word.is_bare:
        return word.value
    if word.text.lower() in _WORDS:
        return _WORDS[word.text.lower()]
    try:
        return parse_number(word.text)
    except ValueError:
        return word.text


_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "none": None}
