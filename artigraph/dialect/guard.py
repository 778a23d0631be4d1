"""What a database sees to by itself, whoever writes: ids, locked rows, and who wrote what.

Triggers, so that it holds for older libraries and for statements of anybody's as well.
What is said here are the everyday answers; each database has its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import BindParameter, Connection, Engine, bindparam, text
from sqlalchemy.engine import URL
from sqlalchemy.sql.elements import TextClause

__all__ = ["LOCKED", "UPGRADES", "Guards"]

LOCKED = "artigraph: a locked row is neither changed nor deleted"
"""What a database says when it refuses to change a locked row."""

UPGRADES = 0x6172_7469_6772_616A
"""The lock of who upgrades a store; see ``artigraph.dialect.base.SCHEMA``."""


class Guards(ABC):
    """What a database sees to by itself."""

    upgrades_by_itself = False
    """A store that may make its tables is upgraded at first use: nobody else administers it."""
    second_name_sql: ClassVar[str | None] = None
    """What follows name and type of a column that shows another one, ``{}``, and takes no room;
    ``None`` where there is none of that kind."""
    user_sql: ClassVar[str | None] = None
    """SQL for who a connection is, where the server fills in who wrote a row."""
    uid_sql: ClassVar[str]
    """SQL for the uid of a row that was written before rows had any, with ``{moment}`` and
    ``{id}`` for when that was and its id: they sort by both. As ``artigraph.orm.uid`` makes
    them, with the id's last 30 bits for its count."""
    parents_sql = "= ANY(CAST(:parents AS BIGINT[]))"
    """SQL that compares a row's id with some ids, bound as ``parents``."""
    parents_hold = ""
    """What keeps rows that are read as they are, so that nobody locks them meanwhile."""

    def bound_parents(self, ids: Collection[int]) -> BindParameter[Any]:
        """Some ids as ``parents_sql`` takes them."""
        return bindparam("parents", list(ids))

    def closed_sql(self, table: str) -> str:
        """SQL for the first of some rows on which nothing may be hung, locked or thrown away."""
        # Not as a condition: a planner would look at it first, and hold no row that is open now.
        return (
            "(SELECT MIN(CASE WHEN above.node_locked_at IS NOT NULL "
            "OR above.node_trashed_at IS NOT NULL THEN above.node_id END) "
            "FROM (SELECT node_id, node_locked_at, node_trashed_at "
            f"FROM {table} WHERE node_id {self.parents_sql}{self.parents_hold}) AS above)"
        )

    def with_parents(self, sql: str, ids: Collection[int]) -> TextClause:
        """A statement with :meth:`closed_sql` in it, about some rows."""
        return text(sql).bindparams(self.bound_parents(ids))

    def closed_among(self, connection: Connection, table: str, ids: Collection[int]) -> int | None:
        """The first of some rows on which nothing may be hung, if there is one.

        Args:
            connection: One whose transaction is about to hang something on them; none of
                them becomes such a row before it ends.
            table: The table of nodes.
            ids: The rows.
        """
        if not ids:
            return None
        asked = self.with_parents(f"SELECT {self.closed_sql(table)}", ids)
        found: int | None = connection.execute(asked).scalar()
        return found

    def reserve_ids(
        self,
        connection: Connection,
        table: str,
        sequence: str,
        count: int,
        chosen: int,
        parents: Collection[int],
    ) -> tuple[Iterable[int], int | None]:
        """Ids that nobody has or gets, above those that were chosen in this very write.

        Returns:
            The ids, and the first of the rows that they are to hang on, if one is there,
            that lets nothing be hung on it.
        """
        reserved, rows = self.next_id(sequence), f"FROM {self.series(count)}"
        if not parents:
            return connection.execute(text(f"SELECT {reserved} {rows}")).scalars().all(), None
        asked = self.with_parents(f"SELECT {reserved}, {self.closed_sql(table)} {rows}", parents)
        ids, closed = zip(*connection.execute(asked).all(), strict=True)
        return ids, closed[0]

    def next_id(self, sequence: str) -> str:
        """SQL for the next number of a sequence."""
        return f"nextval('{sequence}')"

    def series(self, count: int) -> str:
        """A table of so many rows that the database makes up on the spot."""
        return f"generate_series(1, {count})"

    @abstractmethod
    def count_past(self, connection: Connection, sequence: str, highest: int) -> None:
        """Never hand out an id that somebody chose."""

    def guards(self, table: str) -> Mapping[str, Sequence[str]]:
        """What makes each trigger of the table of nodes, by its name, unless it is there.

        Args:
            table: The table.
        """
        return {}

    def guard_names(self, connection: Connection, table: str) -> set[str]:
        """The triggers that a table has."""
        return set()

    def shows_guards(self, connection: Connection) -> bool:
        """Whether a connection is shown triggers at all; who is not could make none either."""
        return True

    def is_locked(self, error: BaseException) -> bool:
        """Whether an error of the driver's is a trigger's, which has refused a locked row."""
        return LOCKED in str(error)

    def prepare_fill(self, connection: Connection) -> None:  # most have all that they need
        """Let a connection know the functions that ``uid_sql`` calls."""

    def hold_upgrades(self, connection: Connection) -> None:  # one writer at a time
        """Wait until nobody else upgrades the store, and hold that across transactions.

        Args:
            connection: One that does nothing else meanwhile.
        """

    def release_upgrades(self, connection: Connection) -> None:  # with its transaction
        """Let others upgrade the store."""

    def let_all_read(self, connection: Connection, table: str) -> None:  # a file has no accounts
        """Let every account that reaches the database read a table of the connection's own."""

    def is_missing(self, url: URL) -> bool:
        """Whether connecting would make the database, so that nothing can be in it yet."""
        return False

    def copy_beside(self, engine: Engine, version: int) -> Path | None:
        """Copy the database beside itself, where it is a file; takes its time.

        Args:
            engine: Leads to it.
            version: The version that it has, which the copy's name says.

        Returns:
            The copy; ``None`` where whoever administers the server makes copies.

        Raises:
            OSError: It cannot be copied; nothing of the copy is left.
        """
        return None

    def sees_all_rows(self, connection: Connection, *tables: str) -> bool:
        """Whether a connection is shown every row of some tables, whoever they belong to."""
        return True
