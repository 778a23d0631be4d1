"""Questions about nodes: their own columns, their class, their place in the tree."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    and_,
    false,
    literal_column,
    or_,
    select,
    true,
)
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.base import Filter
from artigraph.filter.value import ValueFilter, among, check_value, match, plain
from artigraph.orm.node import Node, node_table

__all__ = ["NodeFilter", "NodeRelationshipFilter", "NodeTypeFilter", "expect", "subtree", "walk"]

NodeType: TypeAlias = type[Node] | str
Nodes: TypeAlias = int | Node | Collection[int | Node]


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeFilter(Filter):
    """Nodes by their own columns; several keys must hold together.

    Args:
        node_id: An id, several, or a ``ValueFilter``.
        node_type: A node class, several, or a ``NodeTypeFilter``.
        label: A label, several, or a ``ValueFilter``.
        relationship: A place in the tree.
        created_at: A moment, or a ``ValueFilter``.
        updated_at: A moment, or a ``ValueFilter``.

    Raises:
        FilterError: An unknown key, or a value of the wrong type.
    """

    node_id: int | Collection[int] | ValueFilter | None = None
    node_type: NodeType | Collection[NodeType] | NodeTypeFilter | None = None
    label: str | Collection[str] | ValueFilter | None = None
    relationship: NodeRelationshipFilter | None = None
    created_at: datetime | ValueFilter | None = None
    updated_at: datetime | ValueFilter | None = None

    def __post_init__(self) -> None:
        expect(self, "node_id", int)
        expect(self, "label", str)
        expect(self, "created_at", datetime)
        expect(self, "updated_at", datetime)
        if not isinstance(self.relationship, NodeRelationshipFilter | None):
            raise FilterError(
                f"{type(self).__name__}(relationship=…) takes a NodeRelationshipFilter, "
                f"not {self.relationship!r}."
            )
        if self.node_type is not None and not isinstance(self.node_type, NodeTypeFilter):
            object.__setattr__(self, "node_type", NodeTypeFilter(type=self.node_type))

    _only: ClassVar[str | None] = None
    """The node type that a kind of filter is limited to."""

    @override
    def clause(self) -> ColumnElement[bool]:
        return and_(true(), *self._clauses())

    def _clauses(self) -> Iterable[ColumnElement[bool]]:
        columns = node_table.c
        if self._only is not None:
            yield _of_types(frozenset(_with_subclasses({self._only})))
        if self.node_id is not None:
            yield match(columns.node_id, self.node_id)
        if isinstance(self.node_type, NodeTypeFilter):
            yield self.node_type.clause()
        if self.label is not None:
            yield match(columns.node_label, self.label)
        if self.relationship is not None:
            yield self.relationship.clause()
        if self.created_at is not None:
            yield match(columns.node_created_at, self.created_at)
        if self.updated_at is not None:
            yield match(columns.node_updated_at, self.updated_at)


def expect(owner: Filter, name: str, kind: type[Any]) -> None:
    """Refuse a filter whose key holds neither ``kind``, several, nor a ``ValueFilter``."""
    value = getattr(owner, name)
    if value is None or isinstance(value, ValueFilter):
        return
    # In Python True is an int; as an id it is a mistake.
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    value = plain(tuple(value) if several else value)
    object.__setattr__(owner, name, value)
    for one in value if several else (value,):
        if not isinstance(one, kind) or isinstance(one, bool):
            raise FilterError(
                f"{type(owner).__name__}({name}=…) takes {kind.__name__}, several of them, or a "
                f"ValueFilter, not {one!r} ({type(one).__name__})."
            )
        check_value(one)


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeTypeFilter(Filter):
    """Nodes by their class.

    Args:
        type: A node class or its identity, or several; any, unless given.
        not_type: A node class or its identity, or several, to leave out.
        subclasses: Whether a class stands for its subclasses too.

    Raises:
        FilterError: An unknown key, or something that is no node class.
    """

    type: NodeType | Collection[NodeType] | None = None
    not_type: NodeType | Collection[NodeType] | None = None
    subclasses: bool = True

    def __post_init__(self) -> None:
        for given in (*_several(self.type), *_several(self.not_type)):
            if not (
                isinstance(given, str) or (isinstance(given, type) and issubclass(given, Node))
            ):
                raise FilterError(f"NodeTypeFilter takes node classes, not {given!r}.")

    @override
    def clause(self) -> ColumnElement[bool]:
        clauses = []
        if self.type is not None:
            clauses.append(self._one_of(_several(self.type)))
        if self.not_type is not None:
            clauses.append(~self._one_of(_several(self.not_type)))
        return and_(true(), *clauses)

    def _one_of(self, types: Sequence[NodeType]) -> ColumnElement[bool]:
        wanted = {
            t if isinstance(t, str) else str(t.__mapper__.polymorphic_identity) for t in types
        }
        if self.subclasses:
            if Node.__mapper__.polymorphic_identity in wanted:
                # Rows of classes that are not defined here are nodes as well.
                return true()
            wanted |= _with_subclasses(wanted)
        return _of_types(frozenset(wanted))


def _with_subclasses(identities: Collection[str]) -> set[str]:
    # By identity rather than by class: the cell that defines a class may have
    # run again since its subclasses were defined.
    return {
        identity
        for identity, mapper in Node.__mapper__.polymorphic_map.items()
        if any(base.polymorphic_identity in identities for base in mapper.iterate_to_root())
    }


@lru_cache(maxsize=256)
def _of_types(identities: frozenset[str]) -> ColumnElement[bool]:
    # Almost every question asks for a type; making the clause costs as much as
    # SQLite takes to answer.
    return among(node_table.c.node_type, sorted(identities))


def _several(types: NodeType | Collection[NodeType] | None) -> Sequence[NodeType]:
    if types is None:
        return ()
    if isinstance(types, Collection) and not isinstance(types, str):
        return tuple(types)
    return (types,)


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeRelationshipFilter(Filter):
    """Nodes by their place in the tree; several keys must hold together.

    The database walks the tree, in one recursive query that ends on cycles.

    Args:
        child_of: Nodes that hang right on these: an id, a node or several.
        parent_of: Nodes that these hang on.
        descendant_of: Nodes below these, at any depth.
        ancestor_of: Nodes above these, up to the root.
        include_self: Whether the given nodes are found as well.
        max_depth: How many steps away at the most.

    Raises:
        FilterError: An unknown key, a node that was never written, or a
            ``max_depth`` below 1.
    """

    child_of: Nodes | None = None
    parent_of: Nodes | None = None
    descendant_of: Nodes | None = None
    ancestor_of: Nodes | None = None
    include_self: bool = False
    max_depth: int | None = None

    def __post_init__(self) -> None:
        for name in ("child_of", "parent_of", "descendant_of", "ancestor_of"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _ids(name, value))
        if self.max_depth is not None and (
            not isinstance(self.max_depth, int) or self.max_depth < 1
        ):
            raise FilterError(f"max_depth is a count of steps from 1 on, not {self.max_depth!r}.")

    @override
    def clause(self) -> ColumnElement[bool]:
        columns = node_table.c
        clauses = []
        if self.child_of is not None:
            clauses.append(self._with_self(columns.node_parent_id, self.child_of))
        if self.parent_of is not None:
            other = node_table.alias()
            parents = select(other.c.node_parent_id).where(
                among(other.c.node_id, _tuple(self.parent_of)), other.c.node_parent_id.is_not(None)
            )
            clause = columns.node_id.in_(parents)
            clauses.append(self._or_self(clause, self.parent_of))
        if self.descendant_of is not None:
            clauses.append(self._walk("node_parent_id", "node_id", self.descendant_of))
        if self.ancestor_of is not None:
            clauses.append(self._walk("node_id", "node_parent_id", self.ancestor_of))
        return and_(true(), *clauses)

    def _with_self(self, column: ColumnElement[Any], nodes: Nodes) -> ColumnElement[bool]:
        return self._or_self(among(column, _tuple(nodes)), nodes)

    def _or_self(self, clause: ColumnElement[bool], nodes: Nodes) -> ColumnElement[bool]:
        own = among(node_table.c.node_id, _tuple(nodes))
        return or_(clause, own) if self.include_self else clause

    def _walk(self, near: str, far: str, nodes: Nodes) -> ColumnElement[bool]:
        """Everything reached by steps from a row's ``near`` to its ``far`` column."""
        start = node_table.alias()
        if not _tuple(nodes):
            return false()
        first = select(start.c[far].label("node_id")).where(among(start.c[near], _tuple(nodes)))
        reached = walk(first, near, far, self.max_depth)
        found = node_table.c.node_id.in_(
            select(reached.c.node_id).where(reached.c.node_id.is_not(None))
        )
        own = among(node_table.c.node_id, _tuple(nodes))
        # On a cycle a node is its own descendant; nobody means that.
        return or_(found, own) if self.include_self else and_(found, ~own)


DEEPEST = 100_000
"""Steps beyond which ``max_depth`` is no limit: counted steps end on a cycle only
when the count does."""


def walk(first: Any, near: str, far: str, max_depth: int | None = None) -> CTE:
    """The ids that steps through the tree reach, as a recursive query.

    Args:
        first: A select of ids in a column ``node_id``: the first step.
        near: The column that a step starts from.
        far: The column that a step leads to.
        max_depth: How many steps at the most, the first one counted.

    Returns:
        A common table expression with the column ``node_id``.
    """
    next_ = node_table.alias()
    if max_depth is None or max_depth > DEEPEST:
        # UNION forgets what it has seen twice, and so ends on a cycle.
        reached = first.cte(recursive=True, nesting=True)
        step = select(next_.c[far]).join(reached, next_.c[near] == reached.c.node_id)
        endless: CTE = reached.union(step)
        return endless
    depth = literal_column("1", Integer).label("depth")
    reached = first.add_columns(depth).cte(recursive=True, nesting=True)
    step = (
        select(next_.c[far], reached.c.depth + 1)
        .join(reached, next_.c[near] == reached.c.node_id)
        .where(reached.c.depth < max_depth)
    )
    bounded: CTE = reached.union(step)
    return bounded


def subtree(clause: ColumnElement[bool]) -> CTE:
    """The ids of the rows that a clause finds and of all rows below them."""
    return walk(select(node_table.c.node_id).where(clause), "node_parent_id", "node_id")


def _ids(name: str, nodes: Nodes) -> tuple[int, ...]:
    each = nodes if isinstance(nodes, Iterable) and not isinstance(nodes, str) else (nodes,)
    return tuple(_id(name, node) for node in each)


def _id(name: str, node: Any) -> int:
    given = node.node_id if isinstance(node, Node) else plain(node)
    if isinstance(given, int) and not isinstance(given, bool):
        check_value(given)
        return given
    if isinstance(node, Node):
        raise FilterError(f"{name}=… takes nodes that are written; write this one first: {node!r}")
    raise FilterError(f"{name}=… takes an id, a node or several, not {node!r}.")


def _tuple(nodes: Nodes | None) -> tuple[int, ...]:
    assert isinstance(nodes, tuple)  # noqa: S101  # __post_init__ made it one
    return nodes
