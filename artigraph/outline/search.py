"""What somebody types into a search box, as a clause.

Words are looked for in labels and types; ``loss<0.1`` compares a field of
models, ``loss=*`` asks whether there is one, ``#12`` is a node's id. All of
them must hold. Values are bound and patterns escaped; a text that looks like
nothing of this is taken as a word.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, true

from artigraph.errors import FilterError
from artigraph.filter.json import DocumentValue
from artigraph.filter.value import check_value
from artigraph.orm.node import node_table
from artigraph.outline.page import names_in

__all__ = ["LONGEST_SEARCH", "search_clause"]

LONGEST_SEARCH = 200
"""Characters; nobody types more."""

_TERM = re.compile(r'(?:[^\s"]|"[^"]*")+')
_FIELD = re.compile(
    r"(?P<path>[^\W\d][\w-]*(?:[.][\w-]+)*)(?P<sign><=|>=|!=|=|<|>)(?P<value>.+)", re.DOTALL
)
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_columns = node_table.c


def search_clause(text: str) -> ColumnElement[bool]:
    """What a text asks for.

    Args:
        text: Words, comparisons of fields and ids, separated by spaces; double
            quotes keep spaces together.

    Returns:
        A clause on the columns of ``Node``.

    Raises:
        FilterError: The text is too long, or no database could hold it.
    """
    if len(text) > LONGEST_SEARCH:
        raise FilterError(f"A search has at most {LONGEST_SEARCH} characters, not {len(text)}.")
    check_value(text)
    return and_(true(), *(_clause(term) for term in _TERM.findall(text)))


def _clause(term: str) -> ColumnElement[bool]:
    plain = term.replace('"', "")
    if re.fullmatch(r"#[0-9]{1,18}", plain):
        return _columns.node_id == int(plain[1:])
    if found := _FIELD.fullmatch(term):
        return _compare(found["path"], found["sign"], found["value"].replace('"', ""))
    return or_(
        _columns.node_label.icontains(plain, autoescape=True),
        _of_type(_columns.model_artifact_type, plain),
        # What a model's row calls itself is no type that anybody has given it.
        and_(_columns.model_artifact_type.is_(None), _of_type(_columns.node_type, plain)),
    )


def _of_type(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    # There are few types: match them once, not once for each row.
    names = names_in(column)
    return column.in_(select(names.c.name).where(names.c.name.icontains(text, autoescape=True)))


def _compare(path: str, sign: str, value: str) -> ColumnElement[bool]:
    document = _columns.model_artifact_data
    keys = path.split(".")

    def read(form: str) -> ColumnElement[Any]:
        return DocumentValue(document, keys, form)

    is_model = _columns.model_artifact_type.is_not(None)
    if value == "*" and sign == "=":
        return and_(is_model, read("present"))
    compare = _OPERATORS[sign]
    either = [compare(read(form), parsed) for form, parsed in _readings(value)]
    return and_(is_model, or_(*either))


def _readings(value: str) -> Iterator[tuple[str, Any]]:
    """What kinds of value a text may stand for: a field's own is not known here."""
    if value.lower() in ("true", "false"):
        yield "boolean", value.lower() == "true"
    try:
        number = float(value)
    except ValueError:
        yield "text", value
        return
    if number == number:  # a NaN is neither less nor more than anything
        yield "number", number
    yield "text", value
