"""The names of types, or of tags, that there are in a tree, which are few beside its rows."""

from __future__ import annotations

from sqlalchemy import CTE, ColumnElement, func, select

from artigraph.orm.node import node_table

__all__ = ["names_in"]


def names_in(column: ColumnElement[str]) -> CTE:
    """The different values of an indexed column, and a NULL, in a column ``name``.

    From one value to the next in the index: as many steps as values, not as rows.
    """
    table = getattr(column, "table", node_table)
    other = table.alias().c[column.key or ""]
    names = select(func.min(other).label("name")).cte(recursive=True, nesting=True)
    following = select(func.min(other)).where(other > names.c.name).scalar_subquery()
    stepped: CTE = names.union_all(select(following).where(names.c.name.is_not(None)))
    return stepped
