"""What a database does to a transaction by itself, and what it refuses, in artigraph's words.

It loses the connection, lets another transaction win, or gives one up after an error
that somebody has caught. SQLAlchemy passes the last by: PostgreSQL answers a COMMIT then
with a ROLLBACK that no driver tells of, MariaDB and SQLite go on in another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOENT
from socket import gaierror
from traceback import walk_tb
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    PendingRollbackError,
    StatementError,
    TimeoutError as PoolTimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from artigraph.dialect.base import ON_LINE, Dialect
from artigraph.dialect.registry import dialect_of, dialects
from artigraph.errors import (
    ArtigraphError,
    ConnectionLostError,
    DatabaseBusyError,
    DatabaseRefusedError,
    EngineURLError,
    LockedError,
    ReadOnlyError,
    TransactionFailedError,
    typed_in_magics,
)

__all__ = [
    "NOTHING_READ",
    "NOTHING_WRITTEN",
    "UNKNOWN",
    "close",
    "conflict",
    "is_of_driver",
    "is_suspect",
    "prepare_outcome",
    "refuse_given_up",
    "told",
    "unreachable",
    "without_frames",
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


def _on_error(context: ExceptionContext) -> DBAPIError | None:
    error, connection = context.original_exception, context.connection
    if isinstance(error, ArtigraphError):  # it is told already
        return None
    database, made = dialect_of(context.dialect), None
    wrapped = context.sqlalchemy_exception
    if wrapped is None and _driver_of(error, [database]) is None:
        return None
    if _is_lost(context, database):
        context.is_disconnect = True
    if wrapped is None:
        # One that SQLAlchemy hands on as it is, such as of a stream that breaks off.
        wrapped = made = DBAPIError(
            context.statement, None, error, connection_invalidated=context.is_disconnect
        )
    setattr(wrapped, _TOLD_AS, _kind(context, database))
    if connection is None or connection.invalidated or context.is_disconnect:
        return made
    if connection.in_transaction() and database.may_give_up(connection, error):
        connection.info[_GIVEN_UP] = error
    return made


def _is_lost(context: ExceptionContext, database: Dialect) -> bool:
    error: Any = context.original_exception
    connection = context.connection
    if connection is None or connection.closed or connection.invalidated:
        return False
    driver: Any = connection.connection.dbapi_connection
    return database.is_lost(error) or context.dialect.is_disconnect(error, driver, None)


def is_of_driver(error: BaseException, database: Dialect) -> bool:
    """Whether an error is one of a database's driver, whatever SQLAlchemy has made of it."""
    return isinstance(error, DBAPIError) or _driver_of(error, [database]) is not None


def _driver_of(error: BaseException, among: Iterable[Dialect]) -> Dialect | None:
    """The database of the driver that an error comes of, if it comes of one or of its line."""
    libraries = {one.__module__.partition(".")[0] for one in type(error).__mro__}
    on_line = isinstance(error, ON_LINE)
    fitting = (one for one in among if on_line or libraries & {one.driver, one.raises})
    return next(fitting, None)


def _kind(context: ExceptionContext, database: Dialect) -> str | None:
    if context.connection is None and database.is_server:
        return "unopened"
    if database.is_locked(context.original_exception):
        return "locked"
    code = database.code(context.original_exception)
    kinds = {"conflict": database.conflicts, "wait": database.waits, "denial": database.denials}
    return next((kind for kind, codes in kinds.items() if code in codes), None)


def is_suspect(connection: AsyncConnection) -> bool:
    """Whether an error has come after which a transaction may be given up."""
    known = connection.sync_connection
    return known is not None and not known.invalidated and _GIVEN_UP in known.info


def refuse_given_up(connection: Connection, *, just_now: bool = False) -> None:
    """Refuse to go on with a transaction, or to commit it, that is there no more.

    Args:
        connection: The connection of a session, of which :func:`is_suspect` is true.
        just_now: The error has come in this very call, so that nobody has caught it.

    Raises:
        DatabaseBusyError: Another transaction has won just now.
        ConnectionLostError: The connection was lost since, so that nobody can tell.
        TransactionFailedError: The database has given it up.
    """
    cause = connection.info[_GIVEN_UP]
    with told(NOTHING_WRITTEN):
        database = dialect_of(connection)
        given_up = database.has_given_up(connection)
    if not given_up:
        connection.info.pop(_GIVEN_UP)
        return
    if just_now and database.code(cause) in database.conflicts:
        raise conflict(cause) from cause
    raise TransactionFailedError(
        f"Nothing of this session can be written: the database has given its transaction up after "
        f"an error that was caught, {str(cause).splitlines()[0]!r}. Run the session again, and put "
        "a statement of your own that may fail into a block of its own: "
        "async with session.begin_nested(): …"
    ) from cause


async def close(opened: AsyncConnection | AsyncSession) -> None:
    """Close what was opened, and roll back what it has not committed."""
    # One that cannot roll back is thrown away, and its database does that by itself: what
    # has been read or committed holds, and an error on its way is the one to tell.
    with suppress(DBAPIError, OSError):
        await opened.close()


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
        kind = getattr(error, _TOLD_AS, None)
        if kind == "unopened" or error.connection_invalidated:
            raise _lost(error.orig, outcome) from error
        if kind is None and not own and not _bounds_transaction(error):
            raise
        raise _in_words(kind, error) from error
    except StatementError as error:
        if isinstance(error.orig, ArtigraphError):
            # Told already, of a statement that another one has sent first: for an id, say.
            raise error.orig from error.orig.__cause__
        raise
    except Exception as error:
        # One that came past SQLAlchemy, or before it had a connection.
        database = _driver_of(error, dialects())
        opening = connecting or _is_opening(error)
        on_line = isinstance(error, ON_LINE)
        if database is None or (on_line and not opening):
            raise
        if opening or database.is_lost(error):
            raise _lost(error, outcome) from error
        if not own:
            raise
        raise DatabaseRefusedError(_refused(error)) from error


def _is_opening(error: Exception) -> bool:
    """Whether an error has come out of a pool of SQLAlchemy's: of others' lines we know nothing."""
    frames = (frame for frame, _ in walk_tb(error.__traceback__))
    return any(frame.f_globals.get("__name__") == "sqlalchemy.pool.base" for frame in frames)


def _bounds_transaction(error: DBAPIError) -> bool:
    """Whether it is of a BEGIN or a COMMIT, which are never others' statements."""
    if error.statement is None:
        return not isinstance(error, IntegrityError)  # a deferred constraint is
    return error.statement.startswith("BEGIN")


def _in_words(kind: str | None, error: DBAPIError) -> ArtigraphError:
    if kind == "conflict":
        return conflict(error.orig)
    if kind == "locked":
        locked = LockedError(
            "Some of it is locked: a locked node is neither changed, moved nor deleted, nor is "
            "anything below it. Nothing was written. unlock_nodes() unlocks it."
        )
        return typed_in_magics(locked, {"unlock_nodes()": "%artigraph unlock NODE"})
    if kind == "wait":
        return DatabaseBusyError(
            f"Another transaction has kept this one waiting for too long. Nothing was written. Let "
            f"it end, and run this again. {_answer(error.orig)}"
        )
    if kind == "denial":
        return ReadOnlyError(
            f"This user may not do that in the database. Nothing was written. "
            f"{_answer(error.orig)} Ask for the right, or set an address with a user who has it."
        )
    return DatabaseRefusedError(_refused(error.orig))


def _answer(error: BaseException | None) -> str:
    return f"The database answered: {error}."


def _refused(error: BaseException | None) -> str:
    return f"{_answer(error)} Nothing of this call was written."


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


def unreachable(error: BaseException, database: Dialect, shown: str) -> ArtigraphError:
    """What to raise if a database could not be reached when it was first asked.

    Args:
        error: What came instead of a connection.
        database: The database that was looked for.
        shown: Its address as an error may show it.
    """
    causes = list(_causes(error.orig if isinstance(error, DBAPIError) else error))
    what = f"The database {shown} cannot be opened: {causes[0]}."
    if not database.is_server:
        return EngineURLError(f"{what} {database.advice(causes[0])}")
    numbers = {int(number) for one in causes for number in _ERRNO.findall(str(one))}
    numbers |= {one.errno for one in causes if isinstance(one, OSError) and one.errno}
    if any(isinstance(one, gaierror) for one in causes):
        return EngineURLError(f"{what} No computer has the name in it. Correct the name.")
    if numbers & {ECONNREFUSED, ENOENT}:
        return EngineURLError(
            f"{what} No server listens there. Start {database.title}, or correct host and port."
        )
    if numbers & {EHOSTUNREACH, ENETUNREACH} or any(isinstance(e, TimeoutError) for e in causes):
        return EngineURLError(
            f"{what} Nobody answers there. Correct the host, or see to what is in between: a "
            "firewall, or a VPN that is not on."
        )
    if any(map(database.is_lost, causes)):
        return ConnectionLostError(
            f"{what} Somebody answered there and hung up. {NOTHING_READ} If that goes on: it is no "
            f"{database.title} that listens at this port, or one that is about to stop, or wants "
            "another way to connect; its log says which."
        )
    return EngineURLError(f"{what} {database.advice(causes[0])}")


def without_frames(error: BaseException) -> BaseException:
    """The driver's error as a cause that a traceback tells in a line.

    All that it went through is the library's own: no line of a user's, or of ours.
    """
    first = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    one: BaseException | None = first
    while one is not None:
        # What it came amid may be an error of the user's own, who wants its lines.
        one.__traceback__, one.__suppress_context__ = None, True
        one = one.__cause__
    return first


_ERRNO = re.compile(r"\[Errno (\d+)\]")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that has led to it, the first one last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
