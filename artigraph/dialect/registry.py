"""Which dialect answers for an engine, a connection, a statement or an address.

A database is known by the name that SQLAlchemy has for it. Other packages add theirs
as entry points of the group ``artigraph.dialects`` or by :func:`register_dialect`.
"""

from __future__ import annotations

from inspect import isabstract
from typing import Any

from sqlalchemy.engine import URL

from artigraph.dialect.base import Dialect
from artigraph.errors import FilterError, UnknownNameError
from artigraph.registry import Registry

__all__ = ["dialect_of", "dialects", "find_dialect", "register_dialect"]

_BUILT_IN = {
    "sqlite": "artigraph.dialect.sqlite.dialect:SQLITE",
    "postgresql": "artigraph.dialect.postgresql.dialect:POSTGRESQL",
    "postgres": "artigraph.dialect.postgresql.dialect:POSTGRESQL",
    "mariadb": "artigraph.dialect.mariadb.dialect:MARIADB",
    "mysql": "artigraph.dialect.mariadb.dialect:MARIADB",
}
"""By all names that they have in addresses, and in SQLAlchemy."""

_registry: Registry[Dialect] = Registry(
    "database", "dialects", UnknownNameError, "See register_dialect().", _BUILT_IN
)


def dialect_of(source: Any) -> Dialect:
    """The dialect of a database.

    Args:
        source: An address; SQLAlchemy's dialect; or anything that has one: an engine, a
            connection, a compiler. What is compiled for no database is written as for SQLite.

    Raises:
        UnknownNameError: Nobody has registered such a database.
    """
    if isinstance(source, URL):
        name = source.get_backend_name()
    else:
        name = getattr(source, "dialect", source).name
    name = "sqlite" if name == "default" else name
    return _registry.loaded.get(name) or _registry.get(name)  # each question asks this


def find_dialect(name: object) -> Dialect:
    """The dialect of a name, such as ``"postgresql"``.

    Raises:
        FilterError: It is none.
    """
    known = [dialect.name for dialect in dialects()]
    if not isinstance(name, str) or name not in {*known, *_BUILT_IN}:
        raise FilterError(f"dialect=… takes one of {', '.join(known)}, not {name!r:.300}.")
    return _registry.get(name)


def dialects() -> list[Dialect]:
    """All that are known, the built-in ones first."""
    return list(dict.fromkeys(map(_registry.get, (*_BUILT_IN, *_registry.names()))))


def register_dialect(dialect: Dialect) -> Dialect:
    """Make a database known under its name.

    Raises:
        TypeError: It leaves something out that has no everyday answer.
        NameTakenError: Another one has the name.
    """
    facts = ("name", "title", "driver", "example", "extra", "json")
    missing = [fact for fact in facts if not getattr(dialect, fact, None)]
    if not missing and isabstract(dialect.json):
        missing = sorted(dialect.json.__abstractmethods__)
    if missing:
        raise TypeError(f"{type(dialect).__qualname__} does not say its {', '.join(missing)}.")
    return _registry.register(dialect)
