"""Who may do what in a store: what is asked for, and what each database answers it with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from artigraph.errors import FilterError

__all__ = ["Account", "RoleStatements", "Roles", "refuse_name"]

Account = str | tuple[str, str]
"""A name; with the host that it connects from, where accounts have one."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Accounts, and the tables that they are to have rights to."""

    owner: Account | None
    writers: Sequence[Account]
    readers: Sequence[Account]
    database: str | None
    schema: str | None
    tables: Sequence[str]
    """All tables, in the order in which they refer to each other."""
    kept: Sequence[str]
    """Those of them that only the owner writes into."""
    sequences: Sequence[str]
    """What counts ids."""


class RoleStatements:
    """How a database gives rights."""

    title: ClassVar[str]
    has_schemas = False
    """Its databases have schemas, which hold tables."""

    def role_statements(self, roles: Roles) -> list[str]:
        """The statements, each on one line and without its semicolon; they may run again.

        Args:
            roles: Who is to have which rights; all names are texts of one line.

        Raises:
            FilterError: The database has no accounts, or one cannot be called that.
        """
        raise FilterError(
            f"{self.title} has no accounts to give rights to. Have the operating system say who "
            "may write to the file, or set it with: set_engine(…, read_only=True)"
        )


def refuse_name(name: str, why: str) -> FilterError:
    """The error for a name that a database cannot have."""
    return FilterError(f"{name!r:.300} is no name of an account here: {why}.")
