"""Statements that say who may read a store, and who may write into it.

They are text, for whoever administers the server to look at and to run: nothing here
connects to anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import Sequence as IdSequence

from artigraph.db.setting import current_setting
from artigraph.db.step import steps
from artigraph.dialect.base import Dialect
from artigraph.dialect.registry import dialect_of, find_dialect
from artigraph.dialect.roles import Account, Roles
from artigraph.errors import FilterError
from artigraph.orm.base import Base, is_clean
from artigraph.orm.schema import SchemaRecord
from artigraph.orm.storage import StorageRecord

__all__ = ["roles_sql"]

_ = StorageRecord
_OURS = "artigraph_"


def roles_sql(
    *,
    dialect: str | None = None,
    owner: Account | None = None,
    writers: Iterable[Account] = (),
    readers: Iterable[Account] = (),
    database: str | None = None,
    schema: str | None = None,
) -> str:
    """Write the SQL that gives accounts their rights to a store.

    Readers may read. Writers may write, change and delete rows, but neither change tables nor
    say that somebody else has written a row. Both lose what other rights they had to these
    tables; rights to a whole database of MariaDB's stay as they are. The accounts and the
    tables must be there. The statements may be run again, as they should after an upgrade,
    which may bring tables.

    Args:
        dialect: ``"postgresql"`` or ``"mariadb"``; that of the database in use, unless given.
        owner: Who may change tables, and upgrades the store; nobody new, unless given.
        writers: Names of accounts. One of MariaDB may be a name and a host, as in
            ``("ada", "10.0.0.%")``; a name alone is for any host.
        readers: The same.
        database: Its name; the one that the statements are run in, unless given.
        schema: PostgreSQL's schema that the tables are in; ``public``, unless given.

    Returns:
        The statements, one a line, to be run by the owner of the tables or an administrator.

    Raises:
        FilterError: No database is set or said, it is one without accounts, an account is
            named twice, or something cannot be a name.
    """
    found = _in_use() if dialect is None else find_dialect(dialect)
    steps()  # which know of all tables
    if schema is not None and not found.has_schemas:
        raise FilterError(f"{found.title} has no schemas inside a database. Leave schema out.")
    tables = [table for table in Base.metadata.sorted_tables if table.name.startswith(_OURS)]
    counters = {
        column.default.name
        for table in tables
        for column in table.columns
        if isinstance(column.default, IdSequence)
    }
    asked = Roles(
        owner=None if owner is None else _account("owner", owner),
        writers=_accounts("writers", writers),
        readers=_accounts("readers", readers),
        database=None if database is None else _name("database", database),
        schema=None if schema is None else _name("schema", schema),
        tables=[table.name for table in tables],
        kept=[SchemaRecord.__tablename__],
        sequences=sorted(counters),
    )
    everybody = [*asked.writers, *asked.readers, *([asked.owner] if asked.owner else [])]
    if not everybody:
        raise FilterError(
            "roles_sql() wants accounts that are there, as in roles_sql(owner='lab', "
            "writers=['ada'], readers=['bob'])."
        )
    for one in everybody:
        if everybody.count(one) > 1:
            raise FilterError(
                f"The account {one!r:.300} is named twice. Name it once, where it has most rights."
            )
    return "".join(f"{statement};\n" for statement in found.role_statements(asked))


def _in_use() -> Dialect:
    setting = current_setting()
    if setting is None:
        raise FilterError(
            "No database is set, so say which one the accounts are of: "
            "roles_sql(dialect='postgresql', readers=['bob'])."
        )
    return dialect_of(setting.url)


def _accounts(what: str, given: object) -> list[Account]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise FilterError(f"{what}=… takes a list of accounts, as in [{given!r:.300}].")
    return [_account(what, one) for one in given]


def _account(what: str, given: object) -> Account:
    if isinstance(given, tuple) and len(given) == 2:  # a name and a host
        return _name(what, given[0]), _name(what, given[1])
    return _name(what, given)


def _name(what: str, given: object) -> str:
    # Each statement stands on a line of its own.
    if (
        not isinstance(given, str)
        or not given
        or not is_clean(given)
        or any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in given)
    ):
        raise FilterError(f"{what}=… takes names of one line of text, not {given!r:.300}.")
    return given
