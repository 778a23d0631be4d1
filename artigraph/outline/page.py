"""The tree a page at a time, for whoever looks around in it.

Each function sends one statement, whose cost grows with the page and not with
the tree: children are paged by key, and what hangs below each is counted up
to a limit. A search sends some more where there is an index of labels, and
reads all rows if it finds little where there is none. Only light columns are
read, never a stored value or a model's document.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from artigraph.db.fetch import ask
from artigraph.db.session import read
from artigraph.filter.base import PRESENT
from artigraph.filter.relation import walk
from artigraph.filter.value import among
from artigraph.orm.node import node_table, tree_columns
from artigraph.outline.label_index import few_candidates
from artigraph.outline.name import names_in
from artigraph.outline.summary import NodeSummary, path_to, summary_columns, summary_facts

__all__ = [
    "COUNT_LIMIT",
    "Narrowing",
    "NodePage",
    "browse_children",
    "browse_labels",
    "browse_node",
    "browse_path",
    "browse_search",
    "browse_types",
    "count_matches",
]

COUNT_LIMIT = 1000
"""What hangs below a row of a page is counted no further."""

_columns = node_table.c


@dataclass(frozen=True, slots=True)
class NodePage:
    """Some rows in a row."""

    nodes: tuple[NodeSummary, ...]
    after: int | None
    """Ask for what comes after this key; ``None`` at the end."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which models to show. Other nodes stay: what is wanted may hang below them."""

    model_types: tuple[str, ...] = ()
    """Names of models; all of them, unless given."""
    created_after: datetime | None = None
    created_before: datetime | None = None

    def clause(self, columns: Any = _columns) -> ColumnElement[bool]:
        """Rows that are no models, or models that are wanted."""
        wanted = self.strictly(columns)
        return true() if wanted is None else or_(columns.model_artifact_type.is_(None), wanted)

    def strictly(self, columns: Any = _columns) -> ColumnElement[bool] | None:
        """Rows that are wanted; ``None`` if all are."""
        clauses: list[ColumnElement[bool]] = []
        if self.model_types:
            clauses.append(columns.model_artifact_type.in_(self.model_types))
        if self.created_after is not None:
            clauses.append(columns.node_created_at >= self.created_after)
        if self.created_before is not None:
            clauses.append(columns.node_created_at < self.created_before)
        return and_(*clauses) if clauses else None


async def browse_children(
    below: int | ColumnElement[bool] | None = None,
    *,
    after: int = 0,
    limit: int = 100,
    narrowing: Narrowing | None = None,
    label: str = "",
) -> NodePage:
    """A page of nodes in the order of their keys, with counts of what hangs below each.

    Args:
        below: The node whose children to read; ``None`` for all roots, or a clause
            that finds other nodes to begin with.
        after: The key before the first one.
        limit: How many at the most.
        narrowing: Which models to show.
        label: A part of their labels or types, in any case.

    Returns:
        The page; empty if there is no such node.
    """
    narrowing = narrowing or Narrowing()
    query = _select(narrowing).where(
        _hangs(below), _columns.node_id > after, narrowing.clause(), _named(label)
    )
    return _page(await ask(query.order_by(_columns.node_id).limit(limit + 1)), limit)


async def count_matches(
    below: int | ColumnElement[bool] | None = None,
    *,
    narrowing: Narrowing | None = None,
    most: int = 100_000,
) -> int:
    """How many nodes :func:`browse_children` would page through.

    Args:
        below: As there.
        narrowing: As there.
        most: Where to stop counting.

    Returns:
        The count; ``most`` stands for that or more.
    """
    found = select(literal(1)).where(_hangs(below), (narrowing or Narrowing()).clause())
    query = select(func.count()).select_from(found.limit(most).subquery())
    ((count,),) = await ask(query)
    return int(count)


async def browse_search(
    matches: ColumnElement[bool],
    *,
    words: Collection[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> NodePage:
    """A page of what a clause finds in the whole tree, newest first.

    Args:
        matches: The clause.
        words: Texts that it looks for, each in labels and types: an index of labels may then
            tell which few rows there are to look at.
        before: The key of the last one of the page before.
        limit: How many at the most.

    Returns:
        The page; its ``after`` is the next one's ``before``.
    """
    matches = and_(matches, PRESENT)
    if before is not None:
        matches = and_(matches, _columns.node_id < before)
    found = await _few(matches, words, limit + 1) if words else None
    if found is not None:
        matches = and_(matches, among(_columns.node_id, found))
    query = _select(Narrowing()).where(matches).order_by(_columns.node_id.desc())
    return _page([] if found == [] else await ask(query.limit(limit + 1)), limit)


async def _few(
    matches: ColumnElement[bool], words: Collection[str], limit: int
) -> list[int] | None:
    """The ids that a search finds, if an index tells that they are among few rows."""
    async with read() as connection:
        candidates = [await few_candidates(connection, word) for word in words]
        known = [among(_columns.node_id, each) for each in candidates if each is not None]
        if not known or [] in candidates:
            return [] if known else None
        # What is told of a row is not asked of those that are left out.
        ids = select(_columns.node_id).where(matches, *known).order_by(_columns.node_id.desc())
        return list((await connection.execute(ids.limit(limit))).scalars())


async def browse_path(node_id: int) -> tuple[NodeSummary, ...]:
    """A node with all that stands above it, the root first.

    Returns:
        The nodes; none if there is no such node.
    """
    start = node_table.alias()
    first = select(start.c.node_id.label("node_id")).where(
        start.c.node_id == node_id, start.c.node_trashed_at.is_(None)
    )
    # From a node's id to its parent's: the step reads both from the node's row.
    above = walk(first, "node_id", "node_parent_id")
    query = _select(Narrowing()).where(
        or_(_columns.node_id == node_id, _columns.node_id.in_(select(above.c.node_id))), PRESENT
    )
    found = {one.node_id: one for one in _summaries(await ask(query))}
    return tuple(path_to(node_id, found))


async def browse_node(node_id: int) -> NodeSummary | None:
    """One node, or ``None`` if it is gone."""
    found = await ask(_select().where(_columns.node_id == node_id, PRESENT))
    return next(iter(_summaries(found)), None)


async def browse_labels(node_ids: Collection[int]) -> dict[int, str | None]:
    """Labels of some nodes by id; those that are gone are left out."""
    query = select(_columns.node_id, _columns.node_label)
    rows = await ask(query.where(among(_columns.node_id, node_ids), PRESENT))
    return {row.node_id: row.node_label for row in rows}


async def browse_types(*, limit: int = 200) -> tuple[str, ...]:
    """Names of all models in the tree, in alphabetical order."""
    names = names_in(_columns.model_artifact_type)
    model = node_table.alias()
    # Of those in the trash alone there is none to be found.
    there = exists().where(
        model.c.model_artifact_type == names.c.name, model.c.node_trashed_at.is_(None)
    )
    query = select(names.c.name).where(names.c.name.is_not(None), there).limit(limit)
    return tuple(name for (name,) in await ask(query))


def _hangs(below: int | ColumnElement[bool] | None) -> ColumnElement[bool]:
    if below is None:
        # What was thrown away hangs on nothing.
        return and_(_columns.node_parent_id.is_(None), PRESENT)
    if not isinstance(below, int):
        return and_(below, PRESENT)
    # All below what was thrown away was so as well: its row alone need be looked at.
    above = node_table.alias()
    closed = select(above.c.node_trashed_at).where(above.c.node_id == below).scalar_subquery()
    return and_(_columns.node_parent_id == below, closed.is_(None))


def _named(text: str) -> ColumnElement[bool]:
    if not text:
        return true()
    return or_(
        _columns.node_label.icontains(text, autoescape=True),
        _columns.model_artifact_type.icontains(text, autoescape=True),
    )


def _select(narrowing: Narrowing | None = None) -> Select[Any]:
    return select(*summary_columns(_child_count(narrowing or Narrowing()), tree_columns()))


def _child_count(narrowing: Narrowing) -> ScalarSelect[int]:
    """How many children a row has, counting no further than the limit.

    MariaDB lets no subquery in a FROM look outwards, which a LIMIT would need:
    the key of the first child beyond the limit bounds the count instead.
    """
    child, beyond = node_table.alias(), node_table.alias()
    bound = (
        select(beyond.c.node_id)
        .where(beyond.c.node_parent_id == _columns.node_id, narrowing.clause(beyond.c))
        .order_by(beyond.c.node_id)
        .limit(1)
        .offset(COUNT_LIMIT)
        .correlate(node_table)
        .scalar_subquery()
    )
    counted = select(func.count()).where(
        child.c.node_parent_id == _columns.node_id,
        child.c.node_id < func.coalesce(bound, 2**62),
        narrowing.clause(child.c),
    )
    return counted.correlate(node_table).scalar_subquery()


def _page(rows: Sequence[Row[Any]], limit: int) -> NodePage:
    nodes = _summaries(rows[:limit])
    return NodePage(nodes, nodes[-1].node_id if len(rows) > limit else None)


def _summaries(rows: Sequence[Row[Any]]) -> tuple[NodeSummary, ...]:
    further = tree_columns()
    return tuple(NodeSummary(*summary_facts(row, further)) for row in rows)
