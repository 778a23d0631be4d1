"""Saved questions in the store: saved, read and deleted by their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Text, case, cast, delete, func, insert, null, select, update
from sqlalchemy.exc import IntegrityError

from artigraph.db.fetch import ask
from artigraph.db.outcome import conflict
from artigraph.db.retry import retried
from artigraph.db.session import write
from artigraph.db.setting import current_store
from artigraph.db.store import Store
from artigraph.display.escape import visible
from artigraph.display.row import ResultList
from artigraph.errors import (
    DatabaseRefusedError,
    FilterError,
    NameTakenError,
    UnknownNameError,
    typed_in_magics,
)
from artigraph.filter.base import Filter
from artigraph.filter.order import OrderBy, check_counts, ordering_of
from artigraph.filter.value import among
from artigraph.orm.base import utc_now
from artigraph.orm.query import QueryRecord
from artigraph.query.saved import LONGEST_NAME, SavedQuery, Unreadable, check_name
from artigraph.registry import did_you_mean

if TYPE_CHECKING:
    from cachetools import LRUCache

__all__ = [
    "delete_query",
    "known_queries",
    "read_named",
    "read_queries",
    "read_query",
    "save_query",
]

_table: Any = QueryRecord.__table__
_columns = _table.c
_SUGGESTED = 1_000
"""Names that a misspelt one is compared with."""


async def save_query(
    name: str, filter: Filter, *, order_by: OrderBy = None, replace: bool = False
) -> SavedQuery:
    """Keep a question under a name.

    Args:
        name: What to call it: a letter, and behind it letters, digits, ``_``, ``-`` or dots.
        filter: Any filter, or several combined, as :meth:`artigraph.Filter.to_json` writes them.
        order_by: The order to read in, as for :func:`artigraph.read_models`.
        replace: Let it take the place of another question of that name.

    Returns:
        The question, with who saved it and when.

    Raises:
        NameTakenError: There is one of that name, and ``replace`` is not said.
        FilterError: The name, the filter or the order is none, or JSON does not keep it.
    """
    from artigraph.filter.written.question import question_document

    made = SavedQuery(name, filter, order_by)
    ordering_of(made.order_by, filter)
    by, at = await _save(name, question_document(filter, made.order_by), replace is True)
    return _remember(SavedQuery(name, filter, order_by, by, at))


@retried
async def _save(name: str, question: Mapping[str, Any], replace: bool) -> tuple[str, datetime]:
    try:
        async with write() as transaction:
            connection, by, at = transaction.connection, transaction.user, utc_now()
            values = {"query_question": question, "query_by": by, "query_at": at}
            if replace:
                changed = update(_table).where(_columns.query_name == name).values(**values)
                if (await connection.execute(changed)).rowcount:
                    return by, at
            await connection.execute(insert(_table).values(query_name=name, **values))
    except DatabaseRefusedError as error:
        if not isinstance(error.__cause__, IntegrityError):
            raise
        if replace:  # somebody else was quicker
            raise conflict(error.__cause__.orig) from error
        call = f"save_query({name!r}, …, replace=True)"
        taken = NameTakenError(
            f"A question is saved as {name!r} already. Nothing was saved. Choose another name, "
            f"or let this one take its place: {call}."
        )
        raise typed_in_magics(taken, {call: "--replace"}) from None
    return by, at


async def read_query(name: str) -> SavedQuery:
    """Read the question of a name.

    Args:
        name: The name.

    Raises:
        UnknownNameError: No question is saved under it.
        FilterError: What is saved cannot be read here: it is damaged, or names a filter
            class that is not registered here.
    """
    return (await read_named([name]))[name]


async def read_named(names: Collection[str]) -> dict[str, SavedQuery]:
    """Read the questions of some names, in one statement.

    Args:
        names: The names.

    Raises:
        UnknownNameError: One is no question's.
        FilterError: One cannot be read here.
    """
    wanted = list(dict.fromkeys(map(check_name, names)))
    found = {one.name: one for one in await _read(_select().where(_named(wanted)))}
    for name in wanted:
        if name not in found:
            raise await _unknown(name)
        if found[name].fault:
            raise FilterError(found[name].fault)
    return found


async def read_queries(*, limit: int = 1_000) -> list[SavedQuery]:
    """Read all saved questions, by name.

    One that cannot be read here is among them: its ``fault`` says why, and its filter
    raises that where it is asked.

    Args:
        limit: How many to read at the most.

    Raises:
        FilterError: ``limit`` is no count.
    """
    check_counts(limit=limit)
    return ResultList(await _read(_select().order_by(_columns.query_name).limit(limit)))


async def delete_query(name: str) -> None:
    """Delete a saved question; what it finds stays.

    Args:
        name: Its name; that of one that cannot be read, too.

    Raises:
        UnknownNameError: No question is saved under it.
    """
    await _delete(check_name(name))
    _here().pop(name, None)


@retried
async def _delete(name: str) -> None:
    async with write() as transaction:
        gone = await transaction.connection.execute(delete(_table).where(_named([name])))
        if gone.rowcount:
            return
    raise await _unknown(name)


def known_queries() -> Mapping[str, SavedQuery]:
    """The questions that this process has saved and read in the store in use, by name."""
    return _here()


def _here() -> dict[str, SavedQuery]:
    return _known().setdefault(current_store(), {})


@cache
def _known() -> LRUCache[Store | None, dict[str, SavedQuery]]:
    """What this process has saved and read, for whoever completes names."""
    from cachetools import LRUCache  # by whoever saves questions, and not at the start

    return LRUCache(16)


def _remember(query: SavedQuery) -> SavedQuery:
    _here()[query.name] = query
    return query


def _named(names: Collection[str]) -> Any:
    return among(_columns.query_name, names, changing=True)


def _select() -> Select[Any]:
    from artigraph.filter.written.bounds import MOST_CHARACTERS

    question = _columns.query_question
    # Somebody else's may be of any length. Databases put blanks in.
    fits = func.length(cast(question, Text())) <= 2 * MOST_CHARACTERS
    kept = case((fits, question), else_=null()).label("question")
    return select(_columns.query_name, kept, _columns.query_by, _columns.query_at)


async def _read(query: Select[Any]) -> list[SavedQuery]:
    return [found for row in await ask(query) if (found := _made(row)) is not None]


def _made(row: Row[Any]) -> SavedQuery | None:
    from artigraph.filter.written.question import read_question

    name = row.query_name
    by = row.query_by if isinstance(row.query_by, str) else None
    at = row.query_at if isinstance(row.query_at, datetime) else None
    try:
        check_name(name)
    except FilterError:
        return None  # it could not be asked for: save_query() has not written it
    try:
        filter, order_by = read_question(row.question)
        return _remember(SavedQuery(name, filter, order_by, by, at))
    except FilterError as error:
        why = (
            f"The question @{name} cannot be read here. {error} delete_query({name!r}) deletes "
            f"it, and save_query({name!r}, …, replace=True) puts another in its place."
        )
    return SavedQuery(name, Unreadable(why=why), None, by, at)


async def _unknown(name: str) -> UnknownNameError:
    query = select(_columns.query_name).order_by(_columns.query_name).limit(_SUGGESTED)
    rows = await ask(query.where(func.length(_columns.query_name) <= LONGEST_NAME))
    names = [str(row.query_name) for row in rows]
    told = f"No question is saved as {name!r}."
    if not names:
        call = f"save_query({name!r}, filter)"
        error = UnknownNameError(f"{told} None is saved: {call} saves one.")
        return typed_in_magics(error, {call: "%artigraph find TYPE field<value --save NAME"})
    return UnknownNameError(f"{told} {visible(did_you_mean(name, names), 400)}")
