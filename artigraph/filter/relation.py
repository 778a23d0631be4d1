"""Questions about a place in the tree: above, below or beside other nodes.

The other nodes are given, or are found by a filter of their own, which then
becomes part of the same statement, however deep filters are nested. The
database walks the tree, in recursive queries that end on cycles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    and_,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from typing_extensions import override

from artigraph.db.setting import current_store
from artigraph.db.store import Store, check_store, refuse_other_store, store_of
from artigraph.errors import FilterError
from artigraph.filter.base import PRESENT, Filter, clause_of, finds_none
from artigraph.filter.english import Phrase, short_repr, shown_nodes
from artigraph.filter.unset import NOT_WRITTEN, UNSET, Unset
from artigraph.filter.value import among, check_value
from artigraph.filter.way import HoldsNodes
from artigraph.orm.node import Node, NodeLike, node_table, row_of
from artigraph.types.scalar import without_numpy

__all__ = [
    "NodeRelationshipFilter",
    "Nodes",
    "check_nodes",
    "nodes_clause",
    "subtree",
    "walk",
]


Nodes: TypeAlias = NodeLike | Collection[NodeLike] | HoldsNodes | Filter
"""Nodes that are given, by id or as objects, or that a filter finds."""

_RELATIONS = ("child_of", "parent_of", "descendant_of", "ancestor_of", "sibling_of")


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeRelationshipFilter(Filter):
    """Nodes by their place in the tree; several keys must hold together.

    Each relation takes an id, a node, several of them, or a filter. Those
    that are given by id are themselves found only with ``include_self``;
    one that a filter finds is found as well where it has the relation to
    another that the filter finds, as a run inside a run.

    Args:
        child_of: Nodes that hang right on these.
        parent_of: Nodes that these hang on.
        descendant_of: Nodes below these, at any depth.
        ancestor_of: Nodes above these, up to the root.
        sibling_of: Nodes that hang on the same parent as these; a root has none.
        include_self: Whether these nodes are found as well.
        min_depth: How many steps below or above at the least, from 1 on.
        max_depth: How many steps below or above at the most.
        is_root: Whether the node hangs on no other.
        is_leaf: Whether nothing hangs on the node.

    Raises:
        FilterError: An unknown key, a node that was never written, or bounds
            that no node can keep.
    """

    child_of: Nodes | Unset = UNSET
    parent_of: Nodes | Unset = UNSET
    descendant_of: Nodes | Unset = UNSET
    ancestor_of: Nodes | Unset = UNSET
    sibling_of: Nodes | Unset = UNSET
    include_self: bool = False
    min_depth: int | None = None
    max_depth: int | None = None
    is_root: bool | Unset = UNSET
    is_leaf: bool | Unset = UNSET

    def __post_init__(self) -> None:
        for name in _RELATIONS:
            value = getattr(self, name)
            if value is not UNSET:
                object.__setattr__(self, name, check_nodes(f"{name}=…", value))
        for name in ("include_self", "is_root", "is_leaf"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (value is not UNSET or name == "include_self"):
                raise FilterError(f"{name} is True or False, not {value!r}.")
        self._check_depths()

    def _check_depths(self) -> None:
        for name in ("min_depth", "max_depth"):
            steps = without_numpy(getattr(self, name))
            if steps is not None and (
                not isinstance(steps, int) or isinstance(steps, bool) or steps < 1
            ):
                raise FilterError(f"{name} is a count of steps from 1 on, not {steps!r}.")
            object.__setattr__(self, name, steps)
        if self.min_depth is None:
            return
        if self.descendant_of is UNSET and self.ancestor_of is UNSET:
            raise FilterError(
                "min_depth counts steps below or above other nodes. Say which, as in "
                f"NodeRelationshipFilter(descendant_of=12, min_depth={self.min_depth})."
            )
        if self.max_depth is not None and self.max_depth < self.min_depth:
            raise FilterError(
                f"No node is at least {self.min_depth} and at most {self.max_depth} steps away. "
                "Let min_depth be the smaller of the two."
            )
        if self.min_depth > DEEPEST:
            raise FilterError(f"min_depth goes up to {DEEPEST:,}, not {self.min_depth:,}.")

    _instead_of_none: ClassVar[str] = "For nodes that hang on no other say is_root=True."

    @override
    def clause(self) -> ColumnElement[bool]:
        parent_id = node_table.c.node_parent_id
        clauses: list[ColumnElement[bool]] = []
        for name in _RELATIONS:
            nodes = getattr(self, name)
            if nodes is UNSET:
                continue
            given = _given(nodes)
            if given == ():
                return false()
            clauses.append(self._related(name, given))
        if self.is_root is not UNSET:
            clauses.append(parent_id.is_(None) if self.is_root else parent_id.is_not(None))
        if self.is_leaf is not UNSET:
            clauses.append(~_has_children() if self.is_leaf else _has_children())
        return and_(true(), *clauses)

    @override
    def limits_nothing(self) -> bool:
        if self.is_root is not UNSET or self.is_leaf is not UNSET:
            return False
        asked = [nodes for name in _RELATIONS if (nodes := getattr(self, name)) is not UNSET]
        # Whatever is related to all that there is, with that itself, is all.
        whole = all(isinstance(nodes, Filter) and nodes.limits_nothing() for nodes in asked)
        return whole and (self.include_self or not asked)

    @override
    def phrase(self) -> Phrase:
        words = {
            "child_of": "right below",
            "parent_of": "right above",
            "descendant_of": "below",
            "ancestor_of": "above",
            "sibling_of": "beside",
        }
        tails = [
            f"{words[name]} {shown_nodes(getattr(self, name))}"
            for name in _RELATIONS
            if getattr(self, name) is not UNSET
        ]
        if self.include_self:
            tails.append("or itself")
        if self.min_depth is not None:
            tails.append(f"at least {self.min_depth} steps away")
        if self.max_depth is not None:
            tails.append(f"at most {self.max_depth} steps away")
        if self.is_root is not UNSET:
            tails.append("that are roots" if self.is_root else "that are no roots")
        if self.is_leaf is not UNSET:
            tails.append("that are leaves" if self.is_leaf else "that are no leaves")
        return Phrase("", tuple(tails))

    def _related(self, name: str, given: _Given) -> ColumnElement[bool]:
        if name == "descendant_of":
            return self._walk("node_parent_id", "node_id", given)
        if name == "ancestor_of":
            return self._walk("node_id", "node_parent_id", given)
        if name == "child_of":
            clause = _is_among(node_table.c.node_parent_id, given)
        elif name == "parent_of":
            clause = node_table.c.node_id.in_(_parents_of(given))
        else:
            clause = _is_beside(given)
        return self._or_self(clause, given)

    def _or_self(self, clause: ColumnElement[bool], given: _Given) -> ColumnElement[bool]:
        return or_(clause, _is_among(node_table.c.node_id, given)) if self.include_self else clause

    def _walk(self, near: str, far: str, given: _Given) -> ColumnElement[bool]:
        """Everything reached by steps from a row's ``near`` to its ``far`` column."""
        node_id = node_table.c.node_id
        if self.include_self and self.min_depth is None:
            # From the nodes themselves, which are no step away.
            own = _steps_from(given, "node_id", "node_id")
            most = None if self.max_depth is None else self.max_depth + 1
            return node_id.in_(_ids_of(walk(own, near, far, most)))
        first = _steps_from(given, near, far)
        if self.min_depth is None:
            reached = walk(first, near, far, self.max_depth)
        else:
            reached = _walk_from(first, near, far, self.min_depth, self.max_depth)
        found = node_id.in_(_ids_of(reached))
        if self.include_self:
            return or_(found, _is_among(node_id, given))
        # On a cycle a node is its own descendant; nobody means that.
        return found if isinstance(given, CTE) else and_(found, ~_is_among(node_id, given))


# ------------------------------------------------------------- the given nodes


def check_nodes(
    name: str, nodes: Any, takes: str = "an id, a node, several of them or a filter"
) -> tuple[int, ...] | Filter:
    """What a caller gave as nodes: their ids, or the filter that finds them.

    Args:
        name: What the caller gave them as, for an error.
        nodes: An id, a node, several, or a filter.
        takes: What the caller takes, for an error.

    Raises:
        FilterError: It is none of these, or a node that was never written.
    """
    if isinstance(nodes, Filter | _Ids):
        return nodes
    if isinstance(nodes, HoldsNodes):
        nodes = nodes.node_ids
    several = isinstance(nodes, Iterable) and not isinstance(nodes, str | bytes)
    given = tuple(map(row_of, nodes)) if several else (row_of(nodes),)
    ids = _Ids(_id(name, node, takes) for node in given)
    here = current_store()
    for node in given:
        if isinstance(node, Node):
            check_store(node, ids.store or here)
            ids.store = ids.store or store_of(node)
    return ids


class _Ids(tuple[int, ...]):
    """Ids of nodes, and the store that they are ids in, if it is known."""

    store: Store | None = None


def _id(name: str, node: object, takes: str) -> int:
    given = node.node_id if isinstance(node, Node) else without_numpy(node)
    if isinstance(given, int) and not isinstance(given, bool):
        check_value(given)
        return given
    if isinstance(node, Node):
        raise FilterError(f"{name} takes nodes that are written; write this one first: {node!r}")
    hint = f" {NOT_WRITTEN}" if node is None else ""
    if isinstance(getattr(node, "node", None), Node):
        hint = " Give its node: .node."
    raise FilterError(f"{name} takes {takes}, not {short_repr(node)}.{hint}")


def nodes_clause(nodes: Nodes) -> ColumnElement[bool]:
    """The clause that finds what :func:`check_nodes` has let pass."""
    if isinstance(nodes, Filter):
        return clause_of(nodes)
    return and_(among(node_table.c.node_id, _ids(nodes)), PRESENT)


_Given: TypeAlias = "tuple[int, ...] | CTE"


def _given(nodes: Nodes) -> _Given:
    """The nodes as a part of a statement; the empty tuple if there can be none."""
    if isinstance(nodes, Filter):
        clause = nodes.clause()
        if finds_none(clause):
            return ()
        # In the statement's WITH, so that filters in filters stand side by side:
        # SQLite's parser goes no more than a few selects deep.
        own = (node_table.c.node_id, node_table.c.node_parent_id)
        return select(*own).where(clause, PRESENT).cte()
    return _ids(nodes)


def _ids(nodes: Nodes) -> tuple[int, ...]:
    if not isinstance(nodes, _Ids):
        raise TypeError("check_nodes() comes first")
    # A filter may be asked of another database than the one that it was made in.
    refuse_other_store(shown_nodes(nodes), nodes.store, current_store())
    return nodes


def _is_among(column: ColumnElement[Any], given: _Given) -> ColumnElement[bool]:
    if isinstance(given, CTE):
        return column.in_(select(given.c.node_id))
    return among(column, given)


def _steps_from(given: _Given, near: str, far: str) -> Select[tuple[int]]:
    start = node_table.alias()
    steps = select(start.c[far].label("node_id"))
    if isinstance(given, CTE):
        # Joined, for MariaDB would look at every row to see whether it is among them.
        return steps.join(given, start.c[near] == given.c.node_id)
    return steps.where(among(start.c[near], given))


def _parents_of(given: _Given) -> Select[tuple[int]]:
    if isinstance(given, CTE):
        return select(given.c.node_parent_id).where(given.c.node_parent_id.is_not(None))
    child = node_table.alias()
    return select(child.c.node_parent_id).where(
        among(child.c.node_id, given), child.c.node_parent_id.is_not(None)
    )


def _is_beside(given: _Given) -> ColumnElement[bool]:
    parent_id = node_table.c.node_parent_id
    parents = _parents_of(given)
    own = _is_among(node_table.c.node_id, given)
    if not isinstance(given, CTE):
        return and_(parent_id.in_(parents), ~own)
    shared = parents.group_by(*parents.selected_columns).having(func.count() > 1)
    return and_(parent_id.in_(parents), or_(~own, parent_id.in_(shared)))


def _has_children() -> ColumnElement[bool]:
    child = node_table.alias()
    below = exists().where(child.c.node_parent_id == node_table.c.node_id)
    return below.correlate(node_table)


# -------------------------------------------------------------- recursive walks

DEEPEST = 100_000
"""Steps beyond which ``max_depth`` is no limit: counted steps end on a cycle only
when the count does."""


def walk(
    first: Any, near: str, far: str, max_depth: int | None = None, *, nesting: bool = False
) -> CTE:
    """The ids that steps through the tree reach, as a recursive query.

    Args:
        first: A select of ids in a column ``node_id``: the first step.
        near: The column that a step starts from.
        far: The column that a step leads to.
        max_depth: How many steps at the most, the first one counted.
        nesting: Whether it stands where it is used, and not at the statement's beginning.

    Returns:
        A common table expression with the column ``node_id``, and with a
        column ``depth``, the step's number, if steps are counted.
    """
    next_ = node_table.alias()
    if max_depth is None or max_depth > DEEPEST:
        # UNION forgets what it has seen twice, and so ends on a cycle.
        reached = first.cte(recursive=True, nesting=nesting)
        step = select(next_.c[far]).join(reached, next_.c[near] == reached.c.node_id)
        endless: CTE = reached.union(step)
        return endless
    depth = literal_column("1", Integer).label("depth")
    reached = first.add_columns(depth).cte(recursive=True)
    step = (
        select(next_.c[far], reached.c.depth + 1)
        .join(reached, next_.c[near] == reached.c.node_id)
        .where(reached.c.depth < max_depth)
    )
    bounded: CTE = reached.union(step)
    return bounded


def _walk_from(first: object, near: str, far: str, min_depth: int, max_depth: int | None) -> CTE:
    """As :func:`walk`, without what is reached by fewer steps only."""
    counted = max_depth is not None and max_depth <= DEEPEST
    reached = walk(first, near, far, max_depth if counted else min_depth)
    far_enough = select(reached.c.node_id).where(reached.c.depth >= min_depth)
    # Without an upper bound steps are counted as far as is asked, and no further.
    return far_enough.cte() if counted else walk(far_enough, near, far)


def _ids_of(reached: CTE) -> Select[tuple[int]]:
    return select(reached.c.node_id).where(reached.c.node_id.is_not(None))


def subtree(clause: ColumnElement[bool], *, nesting: bool = False) -> CTE:
    """The ids of the rows that a clause finds and of all rows below them; as :func:`walk`."""
    found = select(node_table.c.node_id).where(clause)
    return walk(found, "node_parent_id", "node_id", nesting=nesting)
