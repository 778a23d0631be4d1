"""How a database counts ids: never one twice, and many at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, text

from artigraph.dialect.guard import Guards

__all__ = ["Ids"]


class Ids(Guards, ABC):
    """How a database counts ids."""

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
