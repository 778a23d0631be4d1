"""An index that finds labels by a part of them, for searches that find little.

A search reads rows, newest first, until it has a page of them, so one that finds little
reads all. With the index, the rows that may be meant are found first; where they are few, no
others are read. Conditions stay what they are, so the answers do, too.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.session import write
from artigraph.dialect.registry import dialect_of
from artigraph.filter.value import among
from artigraph.orm.node import node_table
from artigraph.outline.name import names_in

__all__ = ["create_label_index", "few_candidates"]

FEW = 1000
"""Rows that are looked up by their ids; of more a page is soon full."""

_columns = node_table.c


async def create_label_index() -> None:
    """Let the database find nodes by a part of their label without reading them all.

    The explorer's search uses it for words of three characters or more, and answers what it
    does without. It costs at every write; there is nothing to do later. An index that
    is there already stays.

    Raises:
        FilterError: The database has no such index: MariaDB, or PostgreSQL where the extension
            ``pg_trgm`` is not there and you may not create it.
        ReadOnlyError: The database does not let you write.
    """
    async with write() as transaction:
        connection = transaction.connection
        await dialect_of(connection).create_label_index(connection, node_table.name)


async def few_candidates(connection: AsyncConnection, word: str) -> list[int] | None:
    """The rows whose label or type may have a word in it, in any case.

    Args:
        connection: Where to ask.
        word: The word.

    Returns:
        Their ids, and perhaps those of others; or ``None`` if no index tells, or they are many.
    """
    dialect = dialect_of(connection)
    by_label = await dialect.label_candidates(connection, node_table.name, word, FEW)
    if by_label is None:
        return None
    names = names_in(_columns.model_artifact_type), names_in(_columns.node_type)
    asked = [
        select(literal(at).label("at"), one.c.name).where(
            one.c.name.icontains(word, autoescape=True)
        )
        for at, one in enumerate(names)
    ]
    known = (await connection.execute(union_all(*asked))).all()
    models, types = ([row.name for row in known if row.at == at] for at in range(len(names)))
    if not models and not types:
        return by_label
    # Beside a side that nothing meets, SQLite would take no index for the other.
    sides: list[ColumnElement[bool]] = []
    if models:
        sides.append(among(_columns.model_artifact_type, models))
    if types:
        of_no_model = _columns.model_artifact_type.is_(None)
        sides.append(and_(of_no_model, among(_columns.node_type, types)))
    query = select(_columns.node_id).where(or_(*sides)).limit(FEW + 1)
    by_type = (await connection.execute(query)).scalars().all()
    return None if len(by_type) > FEW else [*by_label, *by_type]
