"""Rights in MariaDB, whose accounts are a name and a host that they connect from."""

from __future__ import annotations

import re

from typing_extensions import override

from artigraph.dialect.roles import Account, Roles, RoleStatements, refuse_name

__all__ = ["MariaDBRoles"]

_LONGEST = 128
"""Characters of an account's name."""
_LONGEST_OTHER = 64
"""The same of a database's, or of a table's."""

_WRITES = ["INSERT", "UPDATE", "DELETE"]
_RIGHTS = [
    *_WRITES,
    *["CREATE", "DROP", "GRANT OPTION", "REFERENCES", "INDEX", "ALTER"],
    *["CREATE VIEW", "SHOW VIEW", "TRIGGER", "DELETE HISTORY"],
]
"""All rights to a table but that to read it."""


class MariaDBRoles(RoleStatements):
    """How MariaDB gives rights."""

    @override
    def role_statements(self, roles: Roles) -> list[str]:
        database = roles.database
        if database is None:
            inside, everything = "", "*"
        else:
            inside = f"{_quoted(database, _LONGEST_OTHER)}."
            # In a right to a whole database these stand for any character, and for many.
            if "\\" in database:
                raise refuse_name(
                    database, "a backslash in it cannot be told from one before those"
                )
            pattern = re.sub("([_%])", r"\\\1", database)
            everything = f"{_quoted(pattern, 2 * _LONGEST_OTHER)}.*"
        made: list[str] = []
        if roles.owner is not None:
            made.append(f"GRANT ALL PRIVILEGES ON {everything} TO {_account(roles.owner)}")
        for account, writes in (
            *((_account(one), True) for one in roles.writers),
            *((_account(one), False) for one in roles.readers),
        ):
            for name in (*roles.tables, *roles.sequences):
                one = f"{inside}{_quoted(name, _LONGEST_OTHER)}"
                rights = ["SELECT"]
                if writes and name not in roles.kept:
                    rights += ["INSERT"] if name in roles.sequences else _WRITES
                others = [right for right in _RIGHTS if right not in rights]
                # First what is given: of who has no rights to a table none can be taken away.
                made.append(f"GRANT {', '.join(rights)} ON {one} TO {account}")
                made.append(f"REVOKE {', '.join(others)} ON {one} FROM {account}")
        return made


def _account(account: Account) -> str:
    name, host = (account, "%") if isinstance(account, str) else account
    return f"{_quoted(name, _LONGEST)}@{_quoted(host, 255)}"


def _quoted(name: str, longest: int) -> str:
    if len(name) > longest:
        raise refuse_name(name, f"MariaDB's have at most {longest} characters")
    return "`" + name.replace("`", "``") + "`"
