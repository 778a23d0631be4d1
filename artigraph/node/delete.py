"""Rows deleted with all below them, as they were when they were looked at.

What is to go is looked for first. On a server others may move, rename or delete it before
the statement that deletes: it takes only what is as it was, or nothing.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Delete, Update, delete, select, update
from sqlalchemy.exc import IntegrityError

from artigraph.blob.write import remove_unnamed_blobs
from artigraph.db.outcome import conflict
from artigraph.db.transaction import Transaction
from artigraph.dialect.registry import dialect_of
from artigraph.errors import DatabaseRefusedError
from artigraph.filter.relation import subtree
from artigraph.filter.value import among, has_subquery
from artigraph.orm.node import node_table

__all__ = ["delete_in"]

_CHANGED = "some of the nodes were changed, moved or deleted meanwhile"


async def delete_in(transaction: Transaction, clause: ColumnElement[bool]) -> int:
    """Delete nodes in a running transaction, as :func:`delete_nodes` does in one of its own.

    Returns:
        How many rows were deleted.

    Raises:
        DatabaseBusyError: Others were writing below them, or moving them, at the same time.
        DatabaseRefusedError: Rows of another table refer to one of them.
    """
    columns = node_table.c
    query = select(
        columns.node_id,
        columns.node_parent_id,
        columns.remote_artifact_storage,
        columns.remote_artifact_location,
    ).where(columns.node_id.in_(select(subtree(clause).c.node_id)))
    connection, database = transaction.connection, dialect_of(transaction.connection)
    rows = (await connection.execute(query)).all()
    ids = {row.node_id for row in rows}
    whole = here = among(columns.node_id, ids, changing=True)
    if database.is_server:
        # What somebody has hung elsewhere since is not below them any more.
        tops = {row.node_id for row in rows if row.node_parent_id not in ids}
        # Nor is what somebody has changed since what was asked for, when it is renamed, say.
        top = among(columns.node_id, tops, changing=True)
        if has_subquery(clause):
            # Which a DELETE of its own table may not have, or would lock all that it reads.
            look = select(columns.node_id).where(top, clause).with_for_update()
            if len((await connection.execute(look)).all()) < len(tops):
                raise conflict(_CHANGED)
        else:
            top &= clause
        here &= among(columns.node_parent_id, ids, changing=True) | top
    statements: list[Update | Delete] = [delete(node_table).where(here)]
    if database.checks_row_by_row:
        apart = update(node_table).where(here).values(node_parent_id=None)
        statements = [apart, delete(node_table).where(whole)]
    try:
        for statement in statements:
            if (await connection.execute(statement)).rowcount < len(ids):
                raise conflict(_CHANGED)
    except IntegrityError as error:
        cause = error.orig or error
        if database.is_locked(cause):
            raise
        named = await connection.run_sync(database.refusing_tables, cause, node_table.name)
        if others := [name for name in named if name != node_table.name]:
            raise DatabaseRefusedError(
                f"Rows of the table {' or '.join(map(repr, others))} refer to nodes that were to "
                "be deleted. Nothing was deleted. Delete those first, or make the table's foreign "
                f"key anew with ON DELETE CASCADE. The database answered: {cause}."
            ) from error
        if not database.is_server:  # nobody else writes
            raise
        raise conflict(cause) from error
    blobs = {(storage, location) for *_, storage, location in rows if storage and location}
    if blobs:
        transaction.after_commit.append(lambda: remove_unnamed_blobs(blobs))
    return len(rows)
