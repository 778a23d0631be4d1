"""Databases that are only read, because somebody said so or a newer artigraph made them.

Whatever writes is refused before it does anything, and the database refuses as well:
statements of anybody's go through the same connections.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine, ExceptionContext, event
from sqlalchemy.engine import URL

from artigraph.dialect.base import ONLY_READS, Dialect
from artigraph.dialect.registry import dialect_of
from artigraph.errors import EngineURLError, ReadOnlyError, typed_in_magics
from artigraph.redact import MASK

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["check_read_only", "read_only_error", "refuse_all_writes", "refuse_memory", "set_so"]


def check_read_only(read_only: object, create_tables: object) -> None:
    """Refuse what ``read_only`` cannot be.

    Raises:
        EngineURLError: It is neither true nor false.
        ReadOnlyError: Tables were to be made as well.
    """
    if not isinstance(read_only, bool):
        raise EngineURLError(
            f"read_only is True or False, not {read_only!r:.80}. No database was set."
        )
    if read_only and create_tables:
        raise ReadOnlyError(
            "create_tables=True makes tables, and read_only=True lets nothing be written: give one "
            "of the two. No database was set."
        )


def refuse_memory(url: URL, database: Dialect, *, is_given: bool) -> None:
    """Refuse a memory database that nobody else could write, or that everybody would.

    Args:
        url: As it was typed.
        database: Which it is of.
        is_given: Whether it is of somebody's engine.

    Raises:
        EngineURLError: It is one.
    """
    if not database.is_memory(url):
        return
    what = (
        "The memory database of an engine of create_async_engine() has one connection, which is "
        "that engine's as well: it cannot be one that only reads"
        if is_given
        else "A memory database is new and empty: with read_only=True nothing would ever be in it"
    )
    raise EngineURLError(
        f"{what}. No database was set. Use a file, as in "
        "set_engine('sqlite+aiosqlite:///example.db', read_only=True)."
    )


def set_so(shown: str, *, is_given: bool) -> str:
    """Why nothing is written into a database that was set with ``read_only=True``.

    Args:
        shown: Its address, as an error may show it.
        is_given: Whether somebody's engine was set, rather than an address.
    """
    typed = "engine" if is_given else "address" if MASK in shown else repr(shown)
    return (
        f"The database {shown} can only be read here: it was set with read_only=True. Nothing was "
        f"written. {_TO_WRITE}set_engine({typed})"
    )


_TO_WRITE = "To write, set it without that: "


def read_only_error(reason: str) -> ReadOnlyError:
    """The error for a write that is refused.

    Args:
        reason: Why; of :func:`set_so`, or any other.
    """
    _, found, call = reason.rpartition(_TO_WRITE)
    error = ReadOnlyError(reason)
    if not found:
        return error
    return typed_in_magics(error, {call: "%artigraph connect ADDRESS, without --read-only"})


def refuse_all_writes(engine: Engine, reason: str) -> None:
    """Have an engine's database refuse whatever writes, whoever sends it.

    Args:
        engine: One that has opened no connection yet.
        reason: What the refusal says.
    """

    def note(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[ONLY_READS] = reason

    event.listen(engine, "connect", note)
    # Somebody's engine and its siblings have one dialect, which is where errors are heard of.
    if not event.contains(engine, "handle_error", _say_why):
        event.listen(engine, "handle_error", _say_why)
    dialect_of(engine).refuse_writes(engine)


def _say_why(context: ExceptionContext) -> None:
    connection, error = context.connection, context.original_exception
    if connection is None or connection.closed or connection.invalidated:
        return
    database = dialect_of(context.dialect)
    if ONLY_READS in connection.info and database.code(error) in database.only_reads:
        raise read_only_error(connection.info[ONLY_READS]) from error
