"""The statements that read a tree: one for its roots, and one for each level.

Only small columns are selected. What a summary tells is taken out of it by
the database, since a frame's lists its columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    func,
    literal,
    select,
)

from artigraph.errors import FilterError
from artigraph.filter.base import PRESENT, Filter
from artigraph.filter.relation import nodes_clause
from artigraph.filter.value import among
from artigraph.orm.check.affinity import affinity_of
from artigraph.orm.node import node_table, tree_columns
from artigraph.outline.summary import CHILD_COUNT, COLUMNS, summary_columns
from artigraph.registry import did_you_mean

__all__ = ["TOLD", "check_columns", "select_children", "select_roots"]

TOLD = ("kind", "rows", "num_columns", "shape", "size", "dtype")
"""What a tree shows of an artifact's summary, as columns that begin with ``told_``."""

_LAST = 2**63 - 1


def check_columns(names: Collection[str]) -> tuple[str, ...]:
    """The names of further columns, and of those that tell something in trees, each once.

    Those that are read anyway are left out.

    Raises:
        FilterError: There is no such column, or it holds values or documents.
    """
    small = {
        column.name
        for column in node_table.columns
        if affinity_of(column.type) not in ("bytes", "document")
    }
    if isinstance(names, str) or not isinstance(names, Collection):
        raise FilterError(f"columns takes a list of names, as in columns=[{str(names)!r}].")
    for name in names:
        if not isinstance(name, str) or name not in node_table.columns:
            raise FilterError(f"No node has a column {name!r}. {did_you_mean(str(name), small)}")
        if name not in small:
            raise FilterError(
                f"The column {name!r} holds values or documents, which a tree does not read. "
                "Read those of single nodes with read_models() or read_artifacts()."
            )
    further = dict.fromkeys((*names, *tree_columns()))
    return tuple(name for name in further if name not in COLUMNS.values())


# Made once: each alias copies all columns of the table.
_PARENT, _PAGE = node_table.alias(), node_table.alias()


def _facts(columns: Sequence[str]) -> list[ColumnElement[Any]]:
    """What is selected of each row."""
    summary = node_table.c.artifact_summary
    # As text, for the database would fail where it is something else.
    told = [summary[name].as_string().label(f"told_{name}") for name in TOLD]
    return [*summary_columns(CHILD_COUNT, columns), *told]


def select_roots(of: Filter | int | None, columns: Sequence[str], limit: int) -> Select[Any]:
    """The first rows that a tree begins with.

    Args:
        of: What finds them, the one's id, or ``None`` for those without a parent.
        columns: Further columns to select.
        limit: How many rows at the most.

    Returns:
        A query for the facts of those rows, by id, and with ``root_count``, how
        many there are in all.
    """
    if isinstance(of, Filter):
        found = _topmost(of)
    else:
        only = node_table.c.node_parent_id.is_(None) if of is None else node_table.c.node_id == of
        found = select(node_table.c.node_id).where(only, PRESENT)
    node_id = found.selected_columns.node_id
    first = (
        found.add_columns(func.count().over().label("root_count"))
        .order_by(node_id)
        .limit(limit)
        .subquery()
    )
    return (
        select(*_facts(columns), first.c.root_count)
        .join(first, first.c.node_id == node_table.c.node_id)
        .order_by(node_table.c.node_id)
    )


def _topmost(filter: Filter) -> Select[Any]:
    """The ids of what a filter finds, without those that are below another of them."""
    columns = node_table.c
    found = select(columns.node_id, columns.node_parent_id).where(nodes_clause(filter)).cte()
    # Up from each parent rather than from each node, which may have many siblings,
    # and no further than to the next that is found.
    start = select(
        found.c.node_parent_id.label("start_id"), found.c.node_parent_id.label("node_id")
    ).where(found.c.node_parent_id.is_not(None))
    up = start.cte(recursive=True)
    above = node_table.alias()
    up = up.union(
        select(up.c.start_id, above.c.node_parent_id)
        .join(above, above.c.node_id == up.c.node_id)
        .where(
            above.c.node_parent_id.is_not(None),
            up.c.node_id.not_in(select(found.c.node_id)),
        )
    )
    over = select(up).where(up.c.node_id.in_(select(found.c.node_id))).subquery()
    return (
        select(found.c.node_id)
        .outerjoin(
            over,
            and_(over.c.start_id == found.c.node_parent_id, over.c.node_id != found.c.node_id),
        )
        .where(over.c.start_id.is_(None))
    )


def select_children(
    parents: Collection[int], columns: Sequence[str], each: int | None, limit: int
) -> Select[Any]:
    """The first children of some nodes.

    Args:
        parents: The nodes' ids.
        columns: Further columns to select.
        each: How many children of one node at the most, unless all.
        limit: How many rows at the most.

    Returns:
        A query for their facts, by parent and id.
    """
    query = (
        select(*_facts(columns))
        .order_by(node_table.c.node_parent_id, node_table.c.node_id)
        .limit(limit)
    )
    if each is None:
        return query.where(among(node_table.c.node_parent_id, parents))
    # By the key of the last one: numbering the rows would look at all of them.
    last = (
        select(_PAGE.c.node_id)
        .where(_PAGE.c.node_parent_id == _PARENT.c.node_id)
        .order_by(_PAGE.c.node_id)
        .offset(each - 1)
        .limit(1)
        .correlate(_PARENT)
        .scalar_subquery()
    )
    return query.join(_PARENT, _PARENT.c.node_id == node_table.c.node_parent_id).where(
        among(_PARENT.c.node_id, parents),
        node_table.c.node_id <= func.coalesce(last, literal(_LAST, last.type)),
    )
