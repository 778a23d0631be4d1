"""What somebody types into a search box, as a clause.

Words are looked for in labels and types, and ``failed`` among what runs have come to;
``loss<0.1`` compares a field of models, a column of nodes or what is in a document there, as
a run's parameters, or a metric, by any operator that has a sign, ``loss=*`` asks whether
there is one, ``#12`` is a node's id, ``@good`` is a saved question, ``#best`` and
``tag:stage=prod`` are tags. All of them must hold. Values are bound and patterns escaped; a
text that looks like nothing of this is taken as a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import ColumnElement, FromClause, and_, exists, or_, select, true

from artigraph.errors import FilterError
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.condition import FieldComparison
from artigraph.filter.location import nested_model, path_of
from artigraph.filter.operator import OPERATORS, SIGNS, Operator, sign_pattern
from artigraph.filter.shape import AnyShape, Path
from artigraph.filter.value import check_value
from artigraph.orm.node import node_table
from artigraph.outline.column_term import column_clauses, is_column_word, word_clauses
from artigraph.outline.name import names_in
from artigraph.outline.tag_term import is_tag, tag_condition, tag_name_in

__all__ = [
    "DEEPEST",
    "LONGEST_SEARCH",
    "fields_asked_for",
    "ids_asked_for",
    "queries_asked_for",
    "search_clause",
    "tags_asked_for",
    "taken_as_words",
    "text_in",
    "words_in",
]

LONGEST_SEARCH = 200
"""Characters; nobody types more."""

DEEPEST = 4
"""Keys of a path that may lead into nested models: each further one doubles the question."""

_TERM = re.compile(r'(?:[^\s"]|"[^"]*")+')
_PATH = re.compile(r"[^\W\d][\w/-]*(?:[.][\w/-]+)*")
_ID = re.compile(r"#[0-9]{1,18}")
_SAVED = re.compile(r"@([^\W\d][\w.-]*)")
_columns = node_table.c


def search_clause(text: str, saved: Mapping[str, Filter] | None = None) -> ColumnElement[bool]:
    """What a text asks for.

    Args:
        text: Words, comparisons of fields and ids, separated by spaces; double
            quotes keep spaces together.
        saved: The saved questions that :func:`queries_asked_for` tells of, by name.

    Returns:
        A clause on the columns of ``Node``.

    Raises:
        FilterError: The text is too long, or no database could hold it.
    """
    if len(text) > LONGEST_SEARCH:
        raise FilterError(f"A search has at most {LONGEST_SEARCH} characters, not {len(text)}.")
    check_value(text)
    return and_(true(), *(_clause(term, saved or {}) for term in _TERM.findall(text)))


def words_in(text: str) -> list[str]:
    """What a text looks for in labels and types alone."""
    terms = _TERM.findall(text)
    terms = [term for term in terms if not _SAVED.fullmatch(term) and not is_tag(term)]
    words = [term for term in terms if not _ID.fullmatch(_plain(term)) and not _comparison(term)]
    return [word for word in map(_plain, words) if not is_column_word(word)]


def fields_asked_for(text: str) -> dict[str, str | None]:
    """The fields that a text compares.

    Returns:
        By field, what it is compared with if a text alone compares with that; else ``None``.
    """
    found = [one for one in map(_comparison, _TERM.findall(text)) if one is not None]
    return {field: _only_text(SIGNS[sign], value) for field, sign, value in found}


def ids_asked_for(text: str) -> list[str]:
    """The ids in a text, without their ``#``."""
    return [term[1:] for term in _TERM.findall(text) if _ID.fullmatch(_plain(term))]


def tags_asked_for(text: str) -> list[str]:
    """The names of the tags that a text asks for."""
    return [tag_name_in(term) for term in _TERM.findall(text) if is_tag(term)]


def queries_asked_for(text: str) -> list[str]:
    """The names of saved questions in a text; what stands in quotes is a word."""
    return [found[1] for term in _TERM.findall(text) if (found := _SAVED.fullmatch(term))]


def text_in(field: str) -> ColumnElement[bool]:
    """A clause that finds what has any text in a field."""
    return _compare(path_of(field), OPERATORS["like"], "%")


def _only_text(operator: Operator, value: str) -> str | None:
    if operator.needs == "text" or value == "*":
        return None
    return value if list(_readings(operator, value)) == [value] else None


def taken_as_words(text: str) -> list[str]:
    """What in a text has an operator's sign, and compares no field all the same."""
    terms = [term for term in _TERM.findall(text) if '"' not in term and not is_tag(term)]
    return [term for term in terms if sign_pattern().search(term) and _comparison(term) is None]


def _comparison(term: str) -> tuple[str, str, str] | None:
    """A path, a sign and a value, if a term is that."""
    sign = sign_pattern().search(term)
    if sign and _PATH.fullmatch(term, 0, sign.start()) and (value := term[sign.end() :]):
        return term[: sign.start()], sign[0], value.replace('"', "")
    return None


def _plain(term: str) -> str:
    return term.replace('"', "")


def _clause(term: str, saved: Mapping[str, Filter]) -> ColumnElement[bool]:
    plain = _plain(term)
    if (named := _SAVED.fullmatch(term)) and named[1] in saved:
        return clause_of(saved[named[1]])
    if _ID.fullmatch(plain):
        return _columns.node_id == int(plain[1:])
    if is_tag(term):
        return tag_condition(term)
    if (asked := _comparison(term)) is not None:
        path, sign, value = asked
        return _compare(path_of(path), SIGNS[sign], value)
    return or_(
        _columns.node_label.icontains(plain, autoescape=True),
        _of_type(_columns.model_artifact_type, plain),
        # What a model's row calls itself is no type that anybody has given it.
        and_(_columns.model_artifact_type.is_(None), _of_type(_columns.node_type, plain)),
        *word_clauses(plain),
    )


def _of_type(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    # There are few types: match them once, not once for each row.
    names = names_in(column)
    return column.in_(select(names.c.name).where(names.c.name.icontains(text, autoescape=True)))


def _compare(path: Path, operator: Operator, value: str) -> ColumnElement[bool]:
    asked = [FieldComparison(path, operator, one) for one in _readings(operator, value)]
    if value == "*" and operator is OPERATORS["eq"]:
        asked = [FieldComparison(path, OPERATORS["ne"], None)]
    held = [_holds(node_table, one) for one in asked]
    # Unequal is what no reading of the text is equal to.
    found = and_(*held) if operator.negated else or_(*held)
    of_models = and_(_columns.model_artifact_type.is_not(None), found)
    return or_(of_models, *column_clauses(path, operator, value, _readings))


def _holds(row: FromClause, asked: FieldComparison) -> ColumnElement[bool]:
    """A comparison of a field in a model's own document, or in one of a nested model.

    Where nested models are is not known here: each beginning of the path may lead to one.
    """
    clauses = [asked.clause(row, "the model", AnyShape())]
    if len(asked.path) <= DEEPEST:
        for at in range(1, len(asked.path)):
            inner, label = node_table.alias(), ".".join(asked.path[:at])
            below = _holds(inner, replace(asked, path=asked.path[at:]))
            there = nested_model(inner, row, label)
            clauses.append(exists(select(inner.c.node_id).where(there, below)))
    return or_(*clauses)


def _readings(operator: Operator, value: str) -> Iterator[bool | float | str]:
    """What a text may stand for: what a field is annotated as is not known here."""
    if operator.needs is None and value.lower() in ("true", "false"):
        yield value.lower() == "true"
    if operator.needs != "text":
        with suppress(ValueError):
            number = float(value)
            if number == number:  # a NaN is neither less nor more than anything
                yield number
    yield value
