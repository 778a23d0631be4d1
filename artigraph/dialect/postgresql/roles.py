"""Rights in PostgreSQL. Who wrote a row is the triggers' affair: see ``guard``."""

from __future__ import annotations

from typing_extensions import override

from artigraph.dialect.postgresql.guard import FUNCTIONS
from artigraph.dialect.roles import Account, Roles, RoleStatements, refuse_name

__all__ = ["PostgreSQLRoles"]

_LONGEST = 63
"""Bytes of a name: of a longer one the rest is left off, so that it would mean another."""
_NOT_ROLES = frozenset({"public", "none"})
"""What means everybody, or nobody, even between quotes."""


class PostgreSQLRoles(RoleStatements):
    """How PostgreSQL gives rights."""

    has_schemas = True

    @override
    def role_statements(self, roles: Roles) -> list[str]:
        if roles.database is not None:
            database = _quoted(roles.database)
        schema = _quoted("public" if roles.schema is None else roles.schema)
        owner = None if roles.owner is None else _role(roles.owner)
        writers, readers = list(map(_role, roles.writers)), list(map(_role, roles.readers))
        users = [*writers, *readers]
        everybody = [*users] if owner is None else [owner, *users]
        made: list[str] = []
        if roles.database is not None and everybody:
            made.append(f"GRANT CONNECT ON DATABASE {database} TO {', '.join(everybody)}")
        if everybody:
            made.append(f"GRANT USAGE ON SCHEMA {schema} TO {', '.join(everybody)}")
        # Before version 15 everybody may make tables there.
        made.append(f"REVOKE CREATE ON SCHEMA {schema} FROM {', '.join(['PUBLIC', *users])}")
        if owner is not None:
            made.append(f"GRANT CREATE ON SCHEMA {schema} TO {owner}")
        for kind, names in (("TABLE", roles.tables), ("SEQUENCE", roles.sequences)):
            for name in names:
                one = f"{schema}.{_quoted(name)}"
                if owner is not None:
                    made.append(f"ALTER {kind} {one} OWNER TO {owner}")
                made.append(f"REVOKE ALL ON {kind} {one} FROM {', '.join(['PUBLIC', *users])}")
                if kind == "SEQUENCE":
                    made += [f"GRANT USAGE, SELECT ON {kind} {one} TO {w}" for w in writers]
                    continue
                rights = "SELECT" if name in roles.kept else "SELECT, INSERT, UPDATE, DELETE"
                made += [f"GRANT {rights} ON {kind} {one} TO {writer}" for writer in writers]
                made += [f"GRANT SELECT ON {kind} {one} TO {reader}" for reader in readers]
        if owner is not None:
            made += [f"ALTER FUNCTION {schema}.{one}() OWNER TO {owner}" for one in FUNCTIONS]
        return made


def _role(account: Account) -> str:
    if not isinstance(account, str):
        raise refuse_name(str(account), "one of PostgreSQL has no host. Give its name alone")
    if account in _NOT_ROLES:
        raise refuse_name(account, "to PostgreSQL it means everybody, or nobody")
    return _quoted(account)


def _quoted(name: str) -> str:
    if len(name.encode()) > _LONGEST:
        raise refuse_name(name, f"PostgreSQL's have at most {_LONGEST} bytes")
    return '"' + name.replace('"', '""') + '"'
