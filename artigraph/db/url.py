"""What a database's address may look like, and what to type when it is wrong.

An address may hold a password: no message here shows one.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from artigraph.errors import EngineURLError, MissingLibraryError

__all__ = [
    "in_memory",
    "is_memory",
    "named_memory_url",
    "options_of",
    "parse_url",
    "path_of",
    "resolved",
    "shown",
]

DRIVERS = {
    "sqlite": ("aiosqlite", "sqlite+aiosqlite:///example.db", "artigraph"),
    "postgresql": ("asyncpg", "postgresql+asyncpg://user@host/database", "artigraph[postgres]"),
    "postgres": ("asyncpg", "postgresql+asyncpg://user@host/database", "artigraph[postgres]"),
    "mysql": ("asyncmy", "mariadb+asyncmy://user@host/database", "artigraph[mysql]"),
    "mariadb": ("asyncmy", "mariadb+asyncmy://user@host/database", "artigraph[mysql]"),
}
"""Per database: the driver, an example of its address, what to install."""


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
    database = url.get_backend_name()
    if database not in DRIVERS:
        raise EngineURLError(
            f"{shown(url)!r} names the database {database!r}, which artigraph does not know. "
            + _examples()
        )
    driver, example, package = DRIVERS[database]
    try:
        dialect = url.get_dialect(_is_async=True)
        is_async = dialect.is_async and "+" in url.drivername
        if is_async:
            dialect.import_dbapi()
    except NoSuchModuleError:
        is_async = False
    except ModuleNotFoundError as error:
        raise MissingLibraryError(
            f"{shown(url)!r} needs {error.name}, which is not installed. "
            f"Install it with: pip install '{package if error.name == driver else error.name}'"
        ) from error
    if not is_async:
        raise EngineURLError(
            f"{shown(url)!r} names no asynchronous driver. Name {driver!r}, as in {example!r}."
        )
    if database == "sqlite":
        _refuse_host(url)
    return url


def _refuse_host(url: URL) -> None:
    # What stands after two slashes is a host, which a file has none of: SQLAlchemy would
    # make a memory database of the rest.
    if not (url.host or url.port or url.username or url.password):
        return
    path = "/".join(part for part in (url.host, url.database) if part) or "example.db"
    meant = URL.create(url.drivername, database=path, query=url.query)
    raise EngineURLError(
        f"{shown(url)!r} has two slashes, after which a server is named, and SQLite has none. "
        f"For a file type three, as in {shown(meant)!r}, or four before a path from the root."
    )


def resolved(url: URL) -> URL:
    """An address that means the same file wherever the process changes to.

    Args:
        url: An address; a relative path in it means the folder of now.

    Returns:
        The same address, with the whole path.
    """
    if url.get_backend_name() != "sqlite" or is_memory(url):
        return url
    path = url.database or ""
    if not path.startswith("file:"):
        return url.set(database=os.path.abspath(path))
    name = path.removeprefix("file:")
    if str(url.query.get("uri")).lower() not in ("true", "1", "yes", "on"):
        raise EngineURLError(
            f"{shown(url)!r} begins with file:, as a URI does, but does not say so. Add ?uri=true, "
            "or &uri=true after other options; or leave file: out."
        )
    if name.startswith("/") or in_memory(url):
        return url
    return url.set(database="file:" + os.path.join(os.getcwd(), name))


def options_of(address: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """How an address says that SQLite is to open its file.

    Args:
        address: A file's name, or ``file:…``.
        options: What follows the ``?``, if it was taken apart.
    """
    named = parse_qsl(urlsplit(address).query) if address.startswith("file:") else []
    return {**options, **dict(named)}


def path_of(address: str) -> Path:
    """Where a file is that SQLite opens.

    Args:
        address: Its name, or ``file:…``.
    """
    return Path(unquote(urlsplit(address).path) if address.startswith("file:") else address)


def in_memory(url: URL) -> bool:
    """Whether an address of SQLite means a memory database, one with a name included."""
    name = url.database or ""
    options = options_of(name, url.query)
    named = options.get("vfs") == "memdb" or options.get("mode") == "memory"
    return named or is_memory(url) or str(path_of(name)) == ":memory:"


def is_memory(url: URL) -> bool:
    """Whether an address means SQLite's memory database."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def named_memory_url() -> URL:
    """An address of a new memory database that many connections can share.

    ``:memory:`` is a database of each connection's own. SQLite's ``memdb``
    file system shares one by its name, with the locks of a file; see
    https://www.sqlite.org/inmemorydb.html.
    """
    name = f"file:/artigraph-{secrets.token_hex(8)}"
    return URL.create("sqlite+aiosqlite", database=name, query={"vfs": "memdb", "uri": "true"})


def shown(url: URL) -> str:
    """An address as people may see it: without a password, wherever it stands."""
    if "@" in (url.database or "") and url.get_backend_name() != "sqlite":
        url = url.set(database="...")  # an address with a slash too many
    secret = {name: "..." for name in url.query if _SECRET.search(name)}
    return url.update_query_dict(secret).render_as_string(hide_password=True)


_SECRET = re.compile(r"pass|pwd|secret|token|key|cred|connect", re.IGNORECASE)


def _without_password(text: str) -> str:
    text = text.partition("?")[0]
    without = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", text, flags=re.DOTALL)
    # Too broken to tell where a password begins.
    return without if without != text else re.sub(r"^.*@", "***@", text, flags=re.DOTALL)


def _examples() -> str:
    return (
        "Type, for instance, set_engine('sqlite+aiosqlite:///example.db'); "
        "PostgreSQL is 'postgresql+asyncpg://…', MariaDB 'mariadb+asyncmy://…'."
    )
