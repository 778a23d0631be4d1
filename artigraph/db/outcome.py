"""What a database does to a transaction by itself, and what it refuses, in artigraph's words.

It loses the connection, lets another transaction win, or gives one up after an error
that somebody has caught. SQLAlchemy passes the last by: PostgreSQL answers a COMMIT then
with a ROLLBACK that no driver tells of, MariaDB and SQLite go on in another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.exc import (
    DBAPIError,
    OperationalError,
    PendingRollbackError,
    TimeoutError as PoolTimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.dialect.registry import dialect_of
from artigraph.errors import (
    ArtigraphError,
    ConnectionLostError,
    DatabaseBusyError,
    DatabaseRefusedError,
    ReadOnlyError,
    TransactionFailedError,
)

__all__ = [
    "NOTHING_READ",
    "NOTHING_WRITTEN",
    "UNKNOWN",
    "conflict",
    "is_suspect",
    "prepare_outcome",
    "refuse_given_up",
    "told",
]

NOTHING_READ = "Run this again; it opens a new connection."
NOTHING_WRITTEN = "Nothing was written. Run this again; it opens a new connection."
UNKNOWN = (
    "It was lost while the transaction was being committed, so it is not known whether that was "
    "written. Look before you write it again, with nodes_exist() or count_models()."
)

_GIVEN_UP = "artigraph_given_up"
_TOLD_AS = "_artigraph_error"
"""The attribute of SQLAlchemy's error that says of which kind it is."""


def prepare_outcome(engine: Engine) -> None:
    """Take note of the errors after which a transaction of an engine's may be given up."""
    if not event.contains(engine, "handle_error", _on_error):
        event.listen(engine, "handle_error", _on_error)
        event.listen(engine, "begin", _on_begin)


def _on_begin(connection: Connection) -> None:
    connection.info.pop(_GIVEN_UP, None)


def _on_error(context: ExceptionContext) -> None:
    wrapped = context.sqlalchemy_exception
    if wrapped is not None:
        setattr(wrapped, _TOLD_AS, _kind(context.dialect, context.original_exception))
    connection = context.connection
    if connection is None or connection.invalidated or context.is_disconnect:
        return
    if wrapped is None or not connection.in_transaction():
        return
    error = context.original_exception
    if dialect_of(connection).may_give_up(connection, error):
        connection.info[_GIVEN_UP] = error


def _kind(dialect: Any, error: BaseException) -> str | None:
    database = dialect_of(dialect)
    code = database.code(error)
    kinds = {"conflict": database.conflicts, "wait": database.waits, "denial": database.denials}
    return next((kind for kind, codes in kinds.items() if code in codes), None)


def is_suspect(connection: AsyncConnection) -> bool:
    """Whether an error has come after which a transaction may be given up."""
    known = connection.sync_connection
    return known is not None and not known.invalidated and _GIVEN_UP in known.info


def refuse_given_up(connection: Connection) -> None:
    """Refuse to go on with a transaction, or to commit it, that is there no more.

    Args:
        connection: The connection of a session, of which :func:`is_suspect` is true.

    Raises:
        TransactionFailedError: The database has given it up.
    """
    cause = connection.info[_GIVEN_UP]
    if not dialect_of(connection).has_given_up(connection):
        connection.info.pop(_GIVEN_UP)
        return
    raise TransactionFailedError(
        f"Nothing of this session can be written: the database has given its transaction up after "
        f"an error that was caught, {str(cause).splitlines()[0]!r}. Run the session again, and put "
        "a statement of your own that may fail into a block of its own: "
        "async with session.begin_nested(): …"
    ) from cause


@contextmanager
def told(outcome: str, *, connecting: bool = False, own: bool = True) -> Iterator[None]:
    """Say what a driver raises in artigraph's words.

    Args:
        outcome: What the loss of a connection means for what was read or written.
        connecting: Whether a connection may have to be opened here.
        own: Whether all statements are artigraph's; of others' what is refused is theirs.

    Raises:
        ConnectionLostError: The connection was lost, or none can be opened.
        DatabaseBusyError: Another transaction was in the way, or the pool has none to spare.
        DatabaseRefusedError: The database does not take a statement.
        ReadOnlyError: It does not let this user write.
        TransactionFailedError: A session that goes on after its connection was lost.
    """
    try:
        yield
    except ArtigraphError:
        raise
    except PendingRollbackError as error:
        raise TransactionFailedError(
            "Nothing of this session can be written: a call in it was cancelled, or has lost the "
            "connection, and that was caught. Run the session again from its beginning."
        ) from error
    except PoolTimeoutError as error:
        raise DatabaseBusyError(
            f"All connections are in use, and none came back in time: {error.args[0]} Nothing was "
            "written. Let fewer tasks have a session at once, or set an engine with a larger "
            "pool: set_engine(create_async_engine(…, pool_size=20))."
        ) from error
    except DBAPIError as error:
        # One that says so before any statement could not be opened.
        unopened = connecting and error.statement is None
        if unopened or error.connection_invalidated:
            raise _lost(error.orig, outcome) from error
        kind = getattr(error, _TOLD_AS, None)
        # A COMMIT, which is no statement, is never others'.
        commits = error.statement is None and isinstance(error, OperationalError)
        if kind is None and not own and not commits:
            raise
        raise _in_words(kind, error) from error
    except OSError as error:
        if not connecting:
            raise
        raise _lost(error, outcome) from error


def _in_words(kind: str | None, error: DBAPIError) -> ArtigraphError:
    if kind == "conflict":
        return conflict(error.orig)
    answer = f"The database answered: {error.orig}."
    if kind == "wait":
        return DatabaseBusyError(
            f"Another transaction has kept this one waiting for too long. Nothing was written. Let "
            f"it end, and run this again. {answer}"
        )
    if kind == "denial":
        return ReadOnlyError(
            f"This user may not do that in the database. Nothing was written. {answer} Ask for the "
            "right, or set an address with a user who has it."
        )
    return DatabaseRefusedError(f"{answer} Nothing of this call was written.")


def conflict(cause: object) -> DatabaseBusyError:
    """What to raise if another transaction was at the same rows, so that this one gives way."""
    error = DatabaseBusyError(
        "Another transaction was at the same rows at the same time, and this one had to give way. "
        f"Nothing of it was written: run it again. What was in the way: {cause}."
    )
    error.is_conflict = True
    return error


def _lost(cause: BaseException | None, outcome: str) -> ConnectionLostError:
    return ConnectionLostError(
        f"The connection to the database is lost ({type(cause).__name__}: {cause}). {outcome}"
    )
