"""What an address of SQLite means: a file, a URI of one, or a database in memory."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlalchemy.engine import URL

from artigraph.dialect.secret import hide_secrets
from artigraph.errors import EngineURLError

__all__ = [
    "is_memory",
    "is_missing",
    "location",
    "options_of",
    "path_of",
    "refuse_missing",
    "resolved",
    "share_memory",
]


def resolved(url: URL) -> URL:
    """An address that means the same file wherever the process changes to.

    Args:
        url: An address; a relative path in it means the folder of now.

    Raises:
        EngineURLError: It is a URI, and does not say so.
    """
    path = url.database or ""
    timeout = str(options_of(path, url.query).get("timeout", 0))
    if not re.fullmatch(r"\d+(\.\d*)?", timeout):
        raise EngineURLError(
            f"{hide_secrets(url)!r} says how long to wait for another writer, but not in seconds: "
            f"{timeout!r}. Write it as in ?timeout=60"
        )
    if is_memory(url):
        return url
    if not path.startswith("file:"):
        return url.set(database=os.path.abspath(path))
    name = path.removeprefix("file:")
    if str(url.query.get("uri")).lower() not in ("true", "1", "yes", "on"):
        raise EngineURLError(
            f"{hide_secrets(url)!r} begins with file:, as a URI does, but does not say so. Add "
            "?uri=true, or &uri=true after other options; or leave file: out."
        )
    if name.startswith("/") or _in_memory(url):
        return url
    return url.set(database="file:" + os.path.join(os.getcwd(), name))


def is_missing(url: URL) -> bool:
    """Whether connecting would make the file of an address, in a folder that is there."""
    path = _path_if_file(url)
    if path is None or "vfs" in options_of(str(url.database), url.query):
        return False
    return path.parent.is_dir() and not path.exists()


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


def refuse_missing(url: URL) -> None:
    """Refuse the address of a file that is not there, which connecting would make.

    Raises:
        EngineURLError: It is not.
    """
    path = _path_if_file(url)
    if path is not None and not path.exists():
        raise EngineURLError(
            f"The database {url.database} is not there, and read_only=True makes none. Correct "
            "the address, or leave read_only out and let create_tables=True make one."
        )


def _path_if_file(url: URL) -> Path | None:
    return None if _in_memory(url) else path_of(str(url.database))


def _in_memory(url: URL) -> bool:
    """Whether an address of SQLite means a memory database, one with a name included."""
    name = url.database or ""
    options = options_of(name, url.query)
    named = options.get("vfs") == "memdb" or options.get("mode") == "memory"
    return named or is_memory(url) or str(path_of(name)) == ":memory:"


def is_memory(url: URL) -> bool:
    """Whether an address means a memory database of each connection's own."""
    return url.database in (None, "", ":memory:")


def share_memory(url: URL) -> tuple[URL, sqlite3.Connection]:
    """A new memory database that many connections can share.

    SQLite's ``memdb`` file system shares one by its name, with the locks of a file; see
    https://www.sqlite.org/inmemorydb.html. It lives as long as one connection is open.

    Returns:
        Its address, and such a connection.
    """
    name = f"file:/artigraph-{secrets.token_hex(8)}"
    alive = sqlite3.connect(f"{name}?vfs=memdb", uri=True, check_same_thread=False)
    query = {"vfs": "memdb", "uri": "true"}
    return URL.create(url.drivername, database=name, query=query), alive


def location(url: URL) -> tuple[str, str, int | None]:
    """What two addresses of one database have in common."""
    name = url.database or ""
    path = str(path_of(name))
    if not _in_memory(url):
        return os.path.realpath(path), "", None
    # Without a name it is each connection's own, unless they are told to share it.
    shared = options_of(name, url.query).get("cache") == "shared"
    has_name = path not in (".", ":memory:") or (path == ":memory:" and shared)
    return path if has_name else secrets.token_hex(8), "", os.getpid()
