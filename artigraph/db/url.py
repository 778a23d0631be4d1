"""What a database's address may look like, and what to type when it is wrong.

An address may hold a password: no message here shows one.
"""

from __future__ import annotations

import re
from contextlib import suppress

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from artigraph.dialect.base import Dialect
from artigraph.dialect.registry import dialect_of, dialects
from artigraph.dialect.secret import hide_secrets
from artigraph.errors import EngineURLError, MissingLibraryError, UnknownNameError
from artigraph.redact import MASK

__all__ = ["parse_url", "shown", "supported"]


def parse_url(text: str | URL) -> URL:
    """Read an address, and see that an engine can be made for it.

    Args:
        text: Such as ``"sqlite+aiosqlite:///example.db"``.

    Raises:
        EngineURLError: It is no address, or names no asynchronous driver.
        MissingLibraryError: Its driver is not installed.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        # From None: SQLAlchemy's message repeats the text with its password.
        raise EngineURLError(
            f"{_without_password(str(text))!r} is not a database's address "
            f"({type(error).__name__}). {_examples()}"
        ) from None
    database = supported(url)
    try:
        dialect = url.get_dialect(_is_async=True)
        is_async = dialect.is_async and "+" in url.drivername
        if is_async:
            dialect.import_dbapi()
    except NoSuchModuleError:
        is_async = False
    except ModuleNotFoundError as error:
        library = database.extra if error.name == database.driver else error.name
        raise MissingLibraryError(
            f"{shown(url)!r} needs {error.name}, which is not installed. "
            f"Install it with: pip install '{library}'"
        ) from error
    if not is_async:
        raise EngineURLError(
            f"{shown(url)!r} names no asynchronous driver. Name {database.driver!r}, as in "
            f"{database.example!r}."
        )
    if database.is_server and "@" in f"{url.host}" + f"{url.database}".rpartition("/")[0]:
        raise EngineURLError(
            f"{shown(url)!r} has another '@' where the server ends. In a password, '@' is written "
            "%40, '/' is written %2F and ':' is written %3A."
        )
    if (
        database.names_database
        and not url.database
        and not {*database.names_database} & {*url.query}
    ):
        named = url.set(database="test")
        raise EngineURLError(
            f"{shown(url)!r} names no database, which {database.title} needs. Put one at its end, "
            f"as in {shown(named)!r}."
        )
    if not database.is_server and (url.host or url.port or url.username or url.password):
        # SQLAlchemy would take it for a host, and make a memory database of the rest.
        path = "/".join(part for part in (url.host, url.database) if part) or "example.db"
        meant = URL.create(url.drivername, database=path, query=url.query)
        raise EngineURLError(
            f"{shown(url)!r} has two slashes, after which a server is named, and {database.title} "
            f"has none. For a file type three, as in {shown(meant)!r}, or four before a path from "
            "the root."
        )
    return url


def supported(url: URL) -> Dialect:
    """The dialect of an address.

    Raises:
        EngineURLError: Of a database that nobody has registered.
    """
    try:
        return dialect_of(url)
    except UnknownNameError:
        raise EngineURLError(
            f"{shown(url)!r} names the database {url.get_backend_name()!r}, which artigraph does "
            f"not know. {_examples()}"
        ) from None


def shown(url: URL) -> str:
    """An address as people may see it: without a password, wherever it stands."""
    with suppress(UnknownNameError):
        if not dialect_of(url).is_server:
            return hide_secrets(url)
    if "@" in f"{url.host}{url.database}":
        # A password with a "@" in it, or an address with a slash too many.
        url = url.set(host="...", port=None, database="...")
    return hide_secrets(url)


def _without_password(text: str) -> str:
    text = text.partition("?")[0]
    without = re.sub(r"(://[^:/@]*):.*@", rf"\1:{MASK}@", text, flags=re.DOTALL)
    # Too broken to tell where a password begins.
    return without if without != text else re.sub(r"^.*@", f"{MASK}@", text, flags=re.DOTALL)


def _examples() -> str:
    first, *others = dialects()
    starts = [(one.title, f"{one.example.partition('://')[0]}://…") for one in others]
    also = ", ".join(f"{title} is {start!r}" for title, start in starts)
    return f"Type, for instance, set_engine({first.example!r}); {also}."
