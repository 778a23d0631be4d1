"""Rows that are locked, or in the trash: what to say where something was to change them.

They are looked for once a write was refused, so that nothing is asked where all is well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, TextClause, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import cut
from artigraph.display.value import format_time
from artigraph.errors import (
    ArtigraphError,
    LockedError,
    NodeNotFoundError,
    ParentNotFoundError,
    typed_in_magics,
)
from artigraph.filter.relation import subtree, walk
from artigraph.orm.node import node_table

__all__ = [
    "closed_column",
    "closed_parent",
    "in_trash",
    "naming_locked",
    "raise_locked",
    "refuse_closed_parents",
    "refuse_locked",
    "restore_in_magics",
    "row_named",
    "trashed_top",
    "without_lines",
]

E = TypeVar("E", bound=ArtigraphError)

_columns = node_table.c


async def refuse_closed_parents(
    connection: AsyncConnection, parents: Iterable[int], so: str = "nothing is hung on it"
) -> None:
    """Refuse rows on which nothing may be hung, and keep the others from becoming such ones.

    Args:
        connection: One whose transaction is about to hang something on them.
        parents: Their ids.
        so: What follows from a lock, for the error.

    Raises:
        LockedError: One is locked.
        ParentNotFoundError: One is in the trash.
    """
    ids = set(parents)
    if ids:
        await connection.run_sync(_refuse_closed, ids, so)


def closed_column(connection: AsyncConnection, parents: Collection[int]) -> TextClause:
    """What :func:`refuse_closed_parents` asks, as a column ``closed`` of another question.

    Args:
        connection: As there.
        parents: The rows' ids.
    """
    database = dialect_of(connection)
    if not parents:
        return text("NULL AS closed")
    return database.with_parents(f"{database.closed_sql(node_table.name)} AS closed", parents)


def _refuse_closed(connection: Connection, ids: set[int], so: str) -> None:
    closed = dialect_of(connection).closed_among(connection, node_table.name, ids)
    if closed is not None:
        raise closed_parent(connection, closed, so)


def closed_parent(
    connection: Connection, node_id: int, so: str = "nothing is hung on it"
) -> ArtigraphError:
    """The error for a row that nothing may be hung on.

    Args:
        connection: The one that has found it.
        node_id: The row.
        so: What follows from a lock.
    """
    above = connection.execute(_way_up(node_id)).all()
    row = _of(above, node_id)
    if row.node_trashed_at is not None:
        top = _topmost(above, node_id, "node_trashed_at")
        return typed_in_magics(
            ParentNotFoundError(
                f"{row_named(row.node_id, row.node_label)} is in the trash, so nothing hangs on "
                f"it. Nothing was written. Take it out first: await restore_nodes({top.node_id})"
            ),
            restore_in_magics(top.node_id),
        )
    return _locked(above, node_id, so)


async def in_trash(connection: AsyncConnection, node_id: int) -> NodeNotFoundError | None:
    """The error for a row that was to be read or changed, and is in the trash; else ``None``.

    Args:
        connection: The one that has missed it.
        node_id: The row.
    """
    above = (await connection.execute(_way_up(node_id))).all()
    row = next((one for one in above if one.node_id == node_id), None)
    if row is None or row.node_trashed_at is None:
        return None
    top = _topmost(above, node_id, "node_trashed_at")
    return typed_in_magics(
        NodeNotFoundError(
            f"{row_named(row.node_id, row.node_label)} is in the trash since "
            f"{format_time(row.node_trashed_at)}, so it is neither read nor changed. Nothing was "
            f"written. Take it out first: await restore_nodes({top.node_id})"
        ),
        restore_in_magics(top.node_id),
    )


async def trashed_top(connection: AsyncConnection, node_id: int) -> Row[Any] | None:
    """The topmost row of the tree in the trash that a row is in; ``None`` if it is in none.

    Args:
        connection: Where to ask.
        node_id: The row.

    Returns:
        Its ``node_id`` and ``node_label``, among others.
    """
    above = (await connection.execute(_way_up(node_id))).all()
    if all(one.node_id != node_id or one.node_trashed_at is None for one in above):
        return None
    return _topmost(above, node_id, "node_trashed_at")


@asynccontextmanager
async def naming_locked(clause: ColumnElement[bool]) -> AsyncIterator[None]:
    """Name the first locked row where a transaction inside meets one.

    Args:
        clause: What finds the rows that were to be changed, with all below them.

    Raises:
        LockedError: There is one.
    """
    try:
        yield
    except LockedError as error:
        await raise_locked(error, _columns.node_id.in_(select(subtree(clause).c.node_id)))


async def raise_locked(error: LockedError, clause: ColumnElement[bool]) -> None:
    """Raise an error that says which row it was; the same again if that is not known.

    Args:
        error: What has come of the transaction, which has ended.
        clause: What finds the rows that it may have been.

    Raises:
        LockedError: In any case.
    """
    if not isinstance(error.__cause__, DBAPIError):
        raise without_lines(error) from None  # it names the row already
    query = (
        select(_columns.node_id)
        .where(clause, _columns.node_locked_at.is_not(None))
        .order_by(_columns.node_id)
        .limit(1)
    )
    async with read() as connection:
        found = (await connection.execute(query)).scalar()
        if found is None:  # somebody has unlocked it meanwhile
            raise error
        above = (await connection.execute(_way_up(found))).all()
    does = "it is neither changed, moved nor deleted, nor is anything below it"
    raise _locked(above, found, does) from None  # the driver says no more


def without_lines(error: E) -> E:
    """The same error anew: between here and where it came of are only SQLAlchemy's lines."""
    anew = type(error)(*error.args)
    vars(anew).update(vars(error))
    return anew


async def refuse_locked(connection: AsyncConnection, clause: ColumnElement[bool]) -> None:
    """Refuse rows of which one is locked, before anybody is asked whether to change them.

    Args:
        connection: Where to ask.
        clause: What finds them.

    Raises:
        LockedError: One is.
    """
    query = select(func.min(_columns.node_id)).where(clause, _columns.node_locked_at.is_not(None))
    found = (await connection.execute(query)).scalar()
    if found is not None:
        above = (await connection.execute(_way_up(found))).all()
        raise _locked(above, found, "it is not changed")


def _locked(above: Sequence[Row[Any]], node_id: int, does: str) -> LockedError:
    row, top = _of(above, node_id), _topmost(above, node_id, "node_locked_at")
    with_it = ""
    if top.node_id != node_id:
        with_it = f" with {row_named(top.node_id, top.node_label).replace('N', 'n', 1)}"
    unlock = f"await unlock_nodes(NodeFilter(node_id={top.node_id}))"
    error = LockedError(
        f"{row_named(row.node_id, row.node_label)} is locked{with_it} since "
        f"{format_time(row.node_locked_at)}, so {does}. Nothing was written. Unlock it first: "
        f"{unlock}"
    )
    return typed_in_magics(error, {unlock: f"%artigraph unlock {top.node_id}"})


def restore_in_magics(node_id: int) -> dict[str, str]:
    """What a magic's line says for the calls of ``restore_nodes()`` that errors advise.

    Args:
        node_id: What is to be restored.
    """
    call, line = f"await restore_nodes({node_id}", f"%artigraph restore {node_id}"
    return {
        f"{call})": line,
        f'{call}, label="…")': f"{line} --label …",
        f"{call}, parent_id=None), or with the id of a node": f"{line} --root, or --to a node",
        "hang it elsewhere with parent_id=…": "hang it elsewhere with --to NODE",
        "another one, or parent_id=None to hang it on nothing": "another one, or --root",
        "await read_trash() lists": "%artigraph trash lists",
    }


def row_named(node_id: int, label: object) -> str:
    """What a row is called at the beginning of an error.

    Args:
        node_id: Its id.
        label: Its label, if it has one.
    """
    return f"Node {node_id}" + ("" if label is None else f" ({cut(repr(label), 80)})")


def _way_up(node_id: int) -> Any:
    start = node_table.alias()
    first = select(start.c.node_id).where(start.c.node_id == node_id)
    above = walk(first, "node_id", "node_parent_id")
    return select(
        _columns.node_id,
        _columns.node_parent_id,
        _columns.node_label,
        _columns.node_locked_at,
        _columns.node_trashed_at,
    ).where(_columns.node_id.in_(select(above.c.node_id)))


def _of(rows: Sequence[Row[Any]], node_id: int) -> Row[Any]:
    return next(row for row in rows if row.node_id == node_id)


def _topmost(rows: Sequence[Row[Any]], node_id: int, name: str) -> Row[Any]:
    """The last row on the way up that has a value, as the first one has."""
    by_id = {row.node_id: row for row in rows}
    at, seen = by_id[node_id], {node_id}
    while (above := by_id.get(at.node_parent_id)) is not None and above.node_id not in seen:
        if getattr(above, name) is None:
            break
        seen.add(above.node_id)
        at = above
    return at
