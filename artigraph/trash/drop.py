"""Values given up to save room: the bytes go, and all that their rows tell stays."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from typing_extensions import override

from artigraph.blob.write import remove_unnamed_blobs
from artigraph.db.retry import retried
from artigraph.db.session import read, write
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import counted
from artigraph.display.facts import Facts
from artigraph.display.options import Limits
from artigraph.display.shown import Shown
from artigraph.display.value import format_size
from artigraph.filter.base import Filter, clause_of, limited_clause_of
from artigraph.filter.relation import subtree
from artigraph.node.closed import naming_locked, refuse_locked
from artigraph.node.hold import hold_subtrees, mark
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table

__all__ = ["DropReport", "drop_values", "values_to_drop"]


@dataclass(frozen=True, repr=False)
class DropReport(Shown):
    """What :func:`drop_values` has done."""

    num_rows: int
    """How many values were given up."""
    nbytes: int
    """How many bytes they had, those counted twice that two values shared."""

    @override
    def _describe(self, limits: Limits) -> Facts:
        return Facts(type(self).__name__, lines=(self._counted(),))

    @override
    def _brief(self, limits: Limits) -> str:
        return f"<{type(self).__name__}: {self._counted()}>"

    def _counted(self) -> str:
        return f"{counted(self.num_rows, 'value')} dropped, {format_size(self.nbytes)}"


async def drop_values(filter: Filter, *, everything: bool = False) -> DropReport:
    """Give the bytes up of all values that a filter finds, or that hang below what it finds.

    Their rows stay, with digest, size and summary, so it is known what was there; models keep
    the fields that stand in their documents. Reading such a value raises
    ``ValueDroppedError``. Blobs that no other row names are removed once that is committed.

    Args:
        filter: Any filter, or several combined.
        everything: Let the filter be one that limits nothing, such as ``NodeFilter()``.

    Returns:
        How many values, and how many bytes. What was given up before is not counted again.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
        LockedError: One of them is locked.
        DatabaseBusyError: Others went on writing below them.
    """
    clause = limited_clause_of(filter, everything, "lose their values", "Nothing was dropped.")
    return await _drop(clause)


async def values_to_drop(filter: Filter) -> DropReport:
    """What :func:`drop_values` would give up, without doing so.

    Args:
        filter: What it takes.

    Raises:
        LockedError: One of the values is locked.
    """
    c = node_table.c
    inside = c.node_id.in_(select(subtree(clause_of(filter)).c.node_id)) & _HAS_VALUE
    size = func.coalesce(func.sum(c.artifact_size), 0)
    async with read() as connection:
        await refuse_locked(connection, inside)
        count, nbytes = (await connection.execute(select(func.count(), size).where(inside))).one()
    return DropReport(count, int(nbytes))


_HAS_VALUE = or_(
    node_table.c.database_artifact_value.is_not(None),
    node_table.c.remote_artifact_location.is_not(None),
)


@retried
async def _drop(clause: ColumnElement[bool]) -> DropReport:
    c = node_table.c
    async with naming_locked(clause), write() as transaction:
        connection = transaction.connection
        held = await hold_subtrees(transaction, clause)
        query = select(
            c.node_id, c.remote_artifact_storage, c.remote_artifact_location, c.artifact_size
        ).where(held.among(c.node_id), _HAS_VALUE)
        if dialect_of(connection).shows_first_read:
            query = query.with_for_update()
        rows = (await connection.execute(query)).all()
        await mark(
            connection,
            [row.node_id for row in rows],
            database_artifact_value=None,
            remote_artifact_location=None,
            artifact_dropped_at=utc_now(),
        )
        blobs = {
            (row.remote_artifact_storage, row.remote_artifact_location)
            for row in rows
            if row.remote_artifact_storage and row.remote_artifact_location
        }
        if blobs:
            transaction.after_commit.append(lambda: remove_unnamed_blobs(blobs))
        sizes = (row.artifact_size for row in rows)
        return DropReport(len(rows), sum(size for size in sizes if isinstance(size, int)))
