"""Questions about nodes: their own columns and their class."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, true
from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.errors import FilterError
from artigraph.filter.base import PRESENT, Filter, finds_all
from artigraph.filter.english import Phrase
from artigraph.filter.operator import OPERATORS, ValueFilter, comparison, match, moment
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.filter.unset import NOT_WRITTEN, UNSET, Unset
from artigraph.filter.value import among, check_moment, check_value
from artigraph.orm.node import Node, node_table
from artigraph.types.scalar import without_numpy

__all__ = ["NodeFilter", "NodeTypeFilter", "expect"]

NodeType: TypeAlias = type[Node] | str


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

    def __post_init__(self) -> None:
        expect(self, "node_id", int)
        expect(self, "label", str)
        expect(self, "created_at", datetime)
        expect(self, "updated_at", datetime)
        expect(self, "created_by", str)
        expect(self, "updated_by", str)
        _expect_uids(self)
        if not isinstance(self.relationship, NodeRelationshipFilter | Unset):
            raise FilterError(
                f"{type(self).__name__}(relationship=…) takes a NodeRelationshipFilter, "
                f"not {self.relationship!r}."
            )
        if not isinstance(self.node_type, NodeTypeFilter | Unset):
            object.__setattr__(self, "node_type", NodeTypeFilter(type=self.node_type))

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
        kinds = None if self._only is None else frozenset(_with_subclasses({self._only}))
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

    def _type_clauses(self) -> Iterable[ColumnElement[bool]]:
        """What the kind of filter says by itself."""
        if self._only is not None and not self._is_limited():
            yield _of_types(frozenset(_with_subclasses({self._only})))

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


def _expect_uids(owner: NodeFilter) -> None:
    """Make of a filter's uids what rows have, or refuse what is none."""
    given = owner.node_uid
    if given is UNSET:
        return
    several: tuple[Any, ...] | None = None
    if isinstance(given, Iterable) and not isinstance(given, str | bytes):
        several = tuple(given)
    found: list[UUID] = []
    for one in (given,) if several is None else several:
        try:
            found.append(one if isinstance(one, UUID) else UUID(one))
        except (ValueError, TypeError, AttributeError):
            hint = f" {NOT_WRITTEN}" if one is None else ""
            raise FilterError(
                f"{type(owner).__name__}(node_uid=…) takes a UUID, its text, or several of them, "
                f"not {cut(repr(one), 80)} ({type(one).__name__}).{hint}"
            ) from None
    object.__setattr__(owner, "node_uid", found[0] if several is None else tuple(found))


def expect(owner: Filter, name: str, kind: type[Any]) -> None:
    """Refuse a filter whose key holds neither ``kind``, several, nor a ``ValueFilter``."""
    value = getattr(owner, name)
    if value is UNSET:
        return
    if isinstance(value, ValueFilter):
        _expect_compared(owner, name, kind, value)
        return
    # In Python True is an int; as an id it is a mistake.
    several = isinstance(value, Iterable) and not isinstance(value, str | bytes)
    value = tuple(map(without_numpy, value)) if several else without_numpy(value)
    object.__setattr__(owner, name, value)
    for one in value if several else (value,):
        if not isinstance(one, kind) or isinstance(one, bool):
            hint = f" {NOT_WRITTEN}" if one is None and name == "node_id" else ""
            raise FilterError(
                f"{type(owner).__name__}({name}=…) takes {kind.__name__}, several of them, or a "
                f"ValueFilter, not {one!r} ({type(one).__name__}).{hint}"
            )
        check_value(one)
        if kind is datetime:
            check_moment(one)


def _expect_compared(owner: Filter, name: str, kind: type[Any], asked: ValueFilter) -> None:
    """Refuse comparisons that some database does not know, and others answer as they like."""
    for key, value in asked.given().items():
        if name == "node_id" and None in (value if isinstance(value, tuple) else (value,)):
            # Every row has an id, so all rows but that of None are all rows.
            raise FilterError(
                f"{type(owner).__name__}(node_id=ValueFilter({key}={value!r})) compares with None, "
                f"which no row has for its id. {NOT_WRITTEN}"
            )
        if OPERATORS[key].needs == "text" and kind is not str:
            raise FilterError(
                f"{type(owner).__name__}({name}=…) is no text, and only text is like a pattern: "
                f"{key}={value!r}."
            )
        for one in value if isinstance(value, tuple) else (value,):
            # A float compares with an id; a NaT says of itself that it is a datetime.
            fits = isinstance(one, int | float if kind is int else kind) and one == one
            if one is not None and (not fits or isinstance(one, bool) or OPERATORS[key].instead):
                raise FilterError(
                    f"{type(owner).__name__}({name}=…) compares with {kind.__name__}, not by "
                    f"{key}={one!r} ({type(one).__name__})."
                )
            if isinstance(one, datetime):
                check_moment(one)


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
        named = [_identity(t) for t in _several(self.type)]
        noun = f"{' or '.join(named)} nodes" if named else ""
        without = [_identity(t) for t in _several(self.not_type)]
        return Phrase(noun, (f"but no {' or '.join(without)} nodes",) if without else ())

    def _one_of(self, types: Sequence[NodeType]) -> ColumnElement[bool]:
        wanted = {_identity(t) for t in types}
        if self.subclasses:
            if Node.__mapper__.polymorphic_identity in wanted:
                # Rows of classes that are not defined here are nodes as well.
                return true()
            wanted |= _with_subclasses(wanted)
        return _of_types(frozenset(wanted))


def _identity(type_: NodeType) -> str:
    return type_ if isinstance(type_, str) else str(type_.__mapper__.polymorphic_identity)


def _with_subclasses(identities: Collection[str]) -> set[str]:
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
