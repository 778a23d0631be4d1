"""Tags as they are typed into a search: ``#best``, ``tag:stage=prod``, ``tag:score>0.9``."""

from __future__ import annotations

import re
from contextlib import suppress

from sqlalchemy import ColumnElement, and_, or_

from artigraph.filter.base import Filter
from artigraph.filter.operator import OPERATORS, SIGNS, ValueFilter, sign_pattern
from artigraph.filter.tag import TagFilter
from artigraph.types.scalar import parse_number

__all__ = ["TAG_PREFIX", "is_tag", "tag_condition", "tag_name_in"]

TAG_PREFIX = "tag:"
"""What a tag's name is behind where fields may stand as well."""

_ID = re.compile(r"#[0-9]{1,18}")


def is_tag(term: str) -> bool:
    """Whether a term asks for a tag; ``#12`` is a node's id."""
    if term.startswith("#") and len(term) > 1:
        return not _ID.fullmatch(term.replace('"', ""))
    return term.startswith(TAG_PREFIX) and bool(tag_name_in(term))


def tag_name_in(term: str) -> str:
    """The name of the tag that a term asks for."""
    return _parts(term)[0]


def tag_condition(term: str) -> ColumnElement[bool]:
    """What a term asks of a row.

    A text may stand for a number or a bool as well: it is compared as whatever it may be.

    Args:
        term: One that asks for a tag; double quotes may keep blanks together.

    Raises:
        FilterError: No database could hold it.
    """
    name, sign, value = _parts(term)
    if not sign:
        return TagFilter(name=name).clause()
    operator = SIGNS[sign]
    if value == "*" and operator is OPERATORS["eq"]:
        return TagFilter(name=name, value=ValueFilter(ne=None)).clause()
    asked: list[Filter] = []
    for reading in _readings(value):
        if operator.needs == "text" and not isinstance(reading, str):
            continue
        if operator.needs == "order" and isinstance(reading, bool | None):
            continue
        key = ValueFilter(**{operator.name: reading})  # type: ignore[arg-type]  # of an operator's name
        asked.append(TagFilter(name=name, value=key))
    clauses = [one.clause() for one in asked]
    # Unequal is what no reading of the text is equal to.
    return and_(*clauses) if operator.negated else or_(*clauses)


def _parts(term: str) -> tuple[str, str, str]:
    """Name, sign and value of a term; without a sign the last two are empty."""
    begin = 1 if term.startswith("#") else len(TAG_PREFIX)
    found = sign_pattern().search(term, begin)
    if found is None or found.end() == len(term):
        return _plain(term[begin : found.start() if found else None]), "", ""
    return _plain(term[begin : found.start()]), found[0], _plain(term[found.end() :])


def _plain(text: str) -> str:
    return text.replace('"', "")


def _readings(value: str) -> list[bool | float | str | None]:
    """What a text may stand for."""
    found: list[bool | float | str | None] = []
    if value.lower() in ("true", "false"):
        found.append(value.lower() == "true")
    if value.lower() in ("null", "none"):
        found.append(None)
    with suppress(ValueError):
        number = parse_number(value)
        if number == number:  # a NaN is neither less nor more than anything
            found.append(number)
    return [*found, value]
