"""Questions about nodes: their own columns and their class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, or_, true
from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.errors import FilterError
from artigraph.filter.base import PRESENT, Filter, finds_all
from artigraph.filter.column import NodeShape, any_node, owners_of
from artigraph.filter.condition import Condition, conditions_of
from artigraph.filter.english import Phrase
from artigraph.filter.expected import expect, expect_uids
from artigraph.filter.field import to_condition
from artigraph.filter.known import Reader
from artigraph.filter.operator import ValueFilter, comparison, match, moment
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.filter.shape import Shape
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import among, check_value
from artigraph.orm.friendly import spoken_identity
from artigraph.orm.node import Node, node_table
from artigraph.orm.subclass import GENERATION

__all__ = ["NodeFilter", "NodeTypeFilter", "with_subclasses"]

NodeType: TypeAlias = type[Node] | str


_MADE = "_made"
"""Under which a filter has the clause of its ``where``."""


@dataclass(frozen=True, kw_only=True, repr=False)
class NodeFilter(Filter):
    """Nodes by their own columns; several keys must hold together.

    Without a key it finds all nodes. A key that is given as ``None`` is refused.

    Args:
        node_id: An id, several, or a ``ValueFilter``.
        node_type: A node class, several, or a ``NodeTypeFilter``.
        label: A label, several, or a ``ValueFilter``.
        relationship: A place in the tree.
        created_at: A moment, or a ``ValueFilter``.
        updated_at: A moment, or a ``ValueFilter``.
        created_by: Who first wrote them: a name, several, or a ``ValueFilter``.
        updated_by: Who last wrote them.
        node_uid: A uid, as a ``UUID`` or its text, or several.
        where: What columns of the class hold, documents in them, and metrics: a mapping from
            names to a value, several or a ``ValueFilter`` each, as in ``{"status": "failed",
            "params.lr": ValueFilter(lt=0.1), "metrics.loss": 0.5}``, or a condition, as
            ``TrackedRun.where()`` makes. A column goes by its own
            name, and by that without the class's in front. Without ``node_type`` all that
            is asked for must be columns of one class.

    Raises:
        FilterError: An unknown key, or a value of the wrong type.
    """

    node_id: int | Collection[int] | ValueFilter | Unset = UNSET
    node_type: NodeType | Collection[NodeType] | NodeTypeFilter | Unset = UNSET
    label: str | Collection[str] | ValueFilter | Unset = UNSET
    relationship: NodeRelationshipFilter | Unset = UNSET
    created_at: datetime | ValueFilter | Unset = UNSET
    updated_at: datetime | ValueFilter | Unset = UNSET
    created_by: str | Collection[str] | ValueFilter | Unset = UNSET
    updated_by: str | Collection[str] | ValueFilter | Unset = UNSET
    node_uid: UUID | str | Collection[UUID | str] | Unset = UNSET
    where: Condition | Mapping[Any, Any] | Unset = UNSET

    def __post_init__(self) -> None:
        expect(self, "node_id", int)
        expect(self, "label", str)
        expect(self, "created_at", datetime)
        expect(self, "updated_at", datetime)
        expect(self, "created_by", str)
        expect(self, "updated_by", str)
        expect_uids(self)
        if not isinstance(self.relationship, NodeRelationshipFilter | Unset):
            raise FilterError(
                f"{type(self).__name__}(relationship=…) takes a NodeRelationshipFilter, "
                f"not {self.relationship!r}."
            )
        if not isinstance(self.node_type, NodeTypeFilter | Unset):
            object.__setattr__(self, "node_type", NodeTypeFilter(type=self.node_type))
        if self.where is not UNSET:
            object.__setattr__(self, "where", conditions_of(self.where))
            # At once, so that a mistake shows where it was typed.
            self._columns_hold()

    @classmethod
    def _of_class(cls, node_type: type[Node], given: object) -> NodeFilter:
        """Nodes of a class, by a function of its columns or what ``where`` takes."""
        made = to_condition(node_type.__name__, NodeShape(node_type), given)
        return NodeFilter(node_type=node_type, where=made)

    _only: ClassVar[str | None] = None
    """The node type that a kind of filter is limited to."""

    def _is_limited(self) -> bool:
        """Whether other keys find nothing but nodes of that type already."""
        return False

    @override
    def clause(self) -> ColumnElement[bool]:
        return and_(true(), *self._type_clauses(), *self._clauses())

    @override
    def prepared(self) -> tuple[ColumnElement[bool], Mapping[str, object]]:
        given = [name for name, value in vars(self).items() if value is not UNSET]
        own = type(self).clause is NodeFilter.clause
        if not own or given != ["node_id"] or not isinstance(self.node_id, int):
            return super().prepared()
        kinds = None if self._only is None else frozenset(with_subclasses({self._only}))
        return _by_id(kinds), {_ASKED_ID: self.node_id}

    @override
    def limits_nothing(self) -> bool:
        return all(map(finds_all, self._clauses()))

    @override
    def phrase(self) -> Phrase:
        noun = "" if self._only is None else self._noun()
        said = Phrase(noun, tuple(self._tails()))
        for inner in (self.node_type, self.relationship):
            if isinstance(inner, Filter):
                said = said.joined(inner.phrase())
        return said

    def _clause_of_any_type(self) -> ColumnElement[bool]:
        """As :meth:`clause`, for nodes of other types than its kind of filter finds, too."""
        return and_(true(), *self._clauses())

    def _noun(self) -> str:
        return f"{self._only}s"

    def _tails(self) -> Iterable[str]:
        if self.where is not UNSET:
            yield f"with {self.where}"
        if self.node_id is not UNSET:
            yield f"with {comparison('id', self.node_id)}"
        if self.label is not UNSET:
            yield f"with {comparison('label', self.label)}"
        if self.created_at is not UNSET:
            yield moment("created", self.created_at)
        if self.updated_at is not UNSET:
            yield moment("updated", self.updated_at)
        if self.created_by is not UNSET:
            yield comparison("created by", self.created_by)
        if self.updated_by is not UNSET:
            yield comparison("updated by", self.updated_by)
        if self.node_uid is not UNSET:
            yield f"with {comparison('uid', self.node_uid)}"

    def _columns_hold(self) -> ColumnElement[bool] | None:
        """What columns must hold, of the classes that are asked for."""
        if not isinstance(self.where, Condition):
            raise TypeError("__post_init__() comes first")
        asked = _types_of(self.node_type)
        if not asked:
            clause, owners = self._of_any_type()
            identities = frozenset(map(_identity, owners))
            return clause if Node in owners else and_(_of_types(identities), clause)
        if len(asked) > 1:  # a new subclass of one is found, too
            return self._of_types(self.where, asked)
        # Making it costs as much as SQLite takes to answer, and only newer columns change it.
        generation = node_table.metadata.info.get(GENERATION, 0)
        made: tuple[int, ColumnElement[bool]] | None = vars(self).get(_MADE)
        if made is None or made[0] != generation:
            made = generation, self._of_types(self.where, asked)
            object.__setattr__(self, _MADE, made)
        return made[1]

    def _of_types(self, where: Condition, asked: Sequence[NodeType]) -> ColumnElement[bool]:
        held = [
            (self._of_type(one), where.clause(node_table, _named(one), NodeShape(_class_of(one))))
            for one in asked
        ]
        if len(held) == 1:
            return held[0][1]  # the type is asked for beside it
        return or_(*(and_(of_type, clause) for of_type, clause in held))

    def __getstate__(self) -> dict[str, Any]:
        # Clauses are not pickled; they are made anew where the filter arrives.
        return {name: value for name, value in vars(self).items() if name != _MADE}

    def owners(self) -> list[type[Node]]:
        """The classes that have the columns which are asked for, where it names no class."""
        return self._of_any_type()[1] if self.where is not UNSET else [Node]

    def _of_any_type(self) -> tuple[ColumnElement[bool], list[type[Node]]]:
        shape = any_node() if self._only is None else NodeShape(*_classes({self._only}))
        clause = cast(Condition, self.where).clause(node_table, "A node", shape)
        owners = owners_of(shape.used.values())
        if not owners:
            columns = " and ".join(sorted(shape.used))
            raise FilterError(f"No node class has all of the columns {columns}.")
        return clause, owners

    def _of_type(self, one: NodeType) -> ColumnElement[bool]:
        subclasses = not isinstance(self.node_type, NodeTypeFilter) or self.node_type.subclasses
        return NodeTypeFilter(type=one, subclasses=subclasses).clause()

    @override
    @classmethod
    def _from_json(cls, given: dict[str, Any], reader: Reader, at: str, level: int) -> Any:
        # The types first: they tell what is compared.
        where = given.pop("where", None)
        values = reader.values(cls, given, at, level)
        if where is not None:
            outer, reader.shapes = reader.shapes, cls._shapes_of(values)
            values["where"] = reader.read(where, f"{at}.where", level + 1)
            reader.shapes = outer
            if not isinstance(values["where"], Condition):
                raise FilterError(f"{at}.where is no condition, but {values['where']!r:.60}.")
        return reader.make(cls, values, at)

    @classmethod
    def _shapes_of(cls, values: Mapping[str, Any]) -> tuple[Shape, ...]:
        """The shapes of the classes that the values of its other keys name."""
        asked = _types_of(values.get("node_type", UNSET))
        known = [one for one in asked if not isinstance(one, str)]
        return tuple(NodeShape(one) for one in known) if asked else (any_node(),)

    def _type_clauses(self) -> Iterable[ColumnElement[bool]]:
        """What the kind of filter says by itself."""
        if self._only is not None and not self._is_limited():
            yield _of_types(frozenset(with_subclasses({self._only})))

    def _clauses(self) -> Iterable[ColumnElement[bool]]:
        """What the keys say."""
        columns = node_table.c
        if self.node_id is not UNSET:
            yield match(columns.node_id, self.node_id)
        if isinstance(self.node_type, NodeTypeFilter):
            yield self.node_type.clause()
        if self.label is not UNSET:
            yield match(columns.node_label, self.label)
        if self.relationship is not UNSET:
            yield self.relationship.clause()
        if self.created_at is not UNSET:
            yield match(columns.node_created_at, self.created_at)
        if self.updated_at is not UNSET:
            yield match(columns.node_updated_at, self.updated_at)
        if self.created_by is not UNSET:
            yield match(columns.node_created_by, self.created_by)
        if self.updated_by is not UNSET:
            yield match(columns.node_updated_by, self.updated_by)
        if self.node_uid is not UNSET:
            yield match(columns.node_uid, self.node_uid)
        if self.where is not UNSET and (held := self._columns_hold()) is not None:
            yield held


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

    type: NodeType | Collection[NodeType] | Unset = UNSET
    not_type: NodeType | Collection[NodeType] | Unset = UNSET
    subclasses: bool = True

    def __post_init__(self) -> None:
        for name in ("type", "not_type"):
            value = getattr(self, name)
            if isinstance(value, Collection) and not isinstance(value, str):
                object.__setattr__(self, name, tuple(value))
        for given in (*_several(self.type), *_several(self.not_type)):
            if not (
                isinstance(given, str) or (isinstance(given, type) and issubclass(given, Node))
            ):
                raise FilterError(f"NodeTypeFilter takes node classes, not {given!r}.")
            check_value(given)

    def types(self) -> Sequence[NodeType]:
        """The classes that it names; none for any."""
        return _several(self.type)

    @override
    def clause(self) -> ColumnElement[bool]:
        clauses = []
        if self.type is not UNSET:
            clauses.append(self._one_of(_several(self.type)))
        if self.not_type is not UNSET:
            clauses.append(~self._one_of(_several(self.not_type)))
        return and_(true(), *clauses)

    @override
    def phrase(self) -> Phrase:
        named = [spoken_identity(_identity(t)) for t in _several(self.type)]
        noun = f"{' or '.join(named)} nodes" if named else ""
        without = [spoken_identity(_identity(t)) for t in _several(self.not_type)]
        return Phrase(noun, (f"but no {' or '.join(without)} nodes",) if without else ())

    def _one_of(self, types: Sequence[NodeType]) -> ColumnElement[bool]:
        wanted = {_identity(t) for t in types}
        if self.subclasses:
            if Node.__mapper__.polymorphic_identity in wanted:
                # Rows of classes that are not defined here are nodes as well.
                return true()
            wanted |= with_subclasses(wanted)
        return _of_types(frozenset(wanted))


def _types_of(given: object) -> Sequence[NodeType]:
    """The node classes that a key asks for; none for any."""
    asked = given.type if isinstance(given, NodeTypeFilter) else given
    return () if asked is UNSET else _several(cast(Any, asked))


def _class_of(type_: NodeType) -> type[Node]:
    known = Node.__mapper__.polymorphic_map.get(type_) if isinstance(type_, str) else None
    if known is None and isinstance(type_, str):
        raise FilterError(
            f"No node class {cut(type_, 60)!r} is defined here, so it is not known which columns "
            "it has. Run the code that defines it."
        )
    return type_ if known is None else known.class_  # type: ignore[return-value]  # no text


def _named(type_: NodeType) -> str:
    return type_ if isinstance(type_, str) else type_.__name__


def _classes(identities: Collection[str]) -> list[type[Node]]:
    known = Node.__mapper__.polymorphic_map
    return [known[one].class_ for one in sorted(with_subclasses(identities))]


def _identity(type_: NodeType) -> str:
    return type_ if isinstance(type_, str) else str(type_.__mapper__.polymorphic_identity)


def with_subclasses(identities: Collection[str]) -> set[str]:
    """What rows of some classes are called, by their identities, and of all their subclasses."""
    # By identity rather than by class: the cell that defines a class may have
    # run again since its subclasses were defined.
    return {
        identity
        for identity, mapper in Node.__mapper__.polymorphic_map.items()
        if any(base.polymorphic_identity in identities for base in mapper.iterate_to_root())
    }


_ASKED_ID = "asked_id"


@lru_cache(maxsize=256)
def _by_id(identities: frozenset[str] | None) -> ColumnElement[bool]:
    here = node_table.c.node_id == bindparam(_ASKED_ID, type_=node_table.c.node_id.type)
    clause = and_(here, PRESENT)
    return clause if identities is None else and_(_of_types(identities), clause)


@lru_cache(maxsize=256)
def _of_types(identities: frozenset[str]) -> ColumnElement[bool]:
    # Almost every question asks for a type; making the clause costs as much as
    # SQLite takes to answer.
    return among(node_table.c.node_type, sorted(identities))


def _several(types: NodeType | Collection[NodeType] | Unset) -> Sequence[NodeType]:
    if types is UNSET:
        return ()
    if isinstance(types, Collection) and not isinstance(types, str):
        return tuple(types)
    return (types,)
