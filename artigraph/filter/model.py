"""Questions about models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, ClassVar, Protocol, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, or_, true
from typing_extensions import override

from artigraph.db.setting import current_store
from artigraph.db.store import Store
from artigraph.errors import FilterError
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.base import Filter
from artigraph.filter.condition import Condition
from artigraph.filter.english import Phrase
from artigraph.filter.expected import expect
from artigraph.filter.operator import ValueFilter, comparison, match
from artigraph.filter.shape import AnyShape, Shape, is_model_class
from artigraph.filter.unset import UNSET, Unset
from artigraph.filter.value import among, check_value
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import node_table

__all__ = ["ModelClass", "ModelFilter", "ModelTypeFilter", "note_missed"]


class ModelClass(Protocol):
    """A model's class, as far as a filter needs to know it."""

    model_name: str
    model_version: int | None

    def _model_shape(self) -> Shape:
        """What its fields hold."""
        ...


ModelType: TypeAlias = "type[Any] | ModelTypeFilter | str"


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelTypeFilter(Filter):
    """Models by their class.

    Args:
        type: A model class, or the name of one that is not defined here.
        version: A version, several, or a ``ValueFilter``; any, unless given.
        subclasses: Whether models of its subclasses are found too.

    Raises:
        FilterError: An unknown key, or something that is no model class.
    """

    type: type[Any] | str
    version: int | Collection[int] | ValueFilter | Unset = UNSET
    subclasses: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.type, str) and not is_model_class(self.type):
            raise FilterError(f"A model type is a subclass of BaseModel, not {self.type!r}.")
        check_value(self.type)
        expect(self, "version", int)

    @override
    def clause(self) -> ColumnElement[bool]:
        columns, store = node_table.c, current_store()
        if store in _missed or not self.subclasses or isinstance(self.type, str):
            clauses = [among(columns.model_artifact_type, self._names_in(store))]
        else:
            # What is stored is known only once the store is opened.
            names: BindParameter[str] = bindparam(
                None, callable_=partial(self._names_in, store), expanding=True
            )
            clauses = [columns.model_artifact_type.in_(names)]
        if self.version is not UNSET:
            clauses.append(match(columns.model_artifact_version, self.version))
        return and_(*clauses)

    @override
    def phrase(self) -> Phrase:
        name = self.type if isinstance(self.type, str) else self.type.__name__
        version = () if self.version is UNSET else (f"of {comparison('version', self.version)}",)
        only = () if self.subclasses else ("without subclasses",)
        return Phrase(name, (*version, *only))

    def _names_in(self, store: Store | None) -> list[str]:
        names = self._names()
        if self.subclasses and store in _missed and not isinstance(self.type, str):
            names |= {*_missed[store].get(self.type.model_name, ())}
        return sorted(names)

    def _names(self) -> set[str]:
        if isinstance(self.type, str):
            return {self.type}
        name = self.type.model_name
        if not self.subclasses:
            return {name}
        # By name rather than by class: the cell that defines a class may have
        # run again since its subclasses were defined.
        root = [base for base in self.type.__mro__ if is_model_class(base)][-1]
        return {
            model.model_name
            for model in _descendants(root)
            if any(getattr(base, "model_name", None) == name for base in model.__mro__)
        }


_missed: dict[Store, Mapping[str, Collection[str]]] = {}


def note_missed(store: Store, missed: Mapping[str, Collection[str]]) -> None:
    """Know which stored models derive from a class, though their own is not defined here.

    Args:
        store: The store, as it was when it was opened.
        missed: By the name of a base, the names of its classes that were not defined here.
    """
    _missed[store] = missed


def _descendants(model: type[Any]) -> Iterator[type[Any]]:
    yield model
    for subclass in model.__subclasses__():
        yield from _descendants(subclass)


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelFilter(ArtifactFilter):
    """Models by their columns; other nodes are never found.

    Args:
        model_type: A model class, a ``ModelTypeFilter``, or several of them. A
            class stands for any of its versions and for its subclasses.
        where: What the fields hold: a mapping from fields to a value, several or
            a ``ValueFilter`` each, as in ``{"loss": ValueFilter(lt=0.1),
            "params.depth": 3}``, or a condition. A key with a dot in it is part
            of a tuple: ``("params", "a.b")``.

    Its other keys are those of ``ArtifactFilter``.

    Raises:
        FilterError: An unknown key, a value of the wrong type, a field that a
            model does not have, or a comparison that makes no sense for it.
    """

    _only: ClassVar[str | None] = ModelArtifact.__mapper__.polymorphic_identity

    model_type: ModelType | Collection[ModelType] | Unset = UNSET
    where: Condition | Mapping[Any, Any] | Unset = UNSET
    _held: ClassVar[tuple[ColumnElement[bool], ...]] = ()

    def __post_init__(self) -> None:
        self._check_types()
        super().__post_init__()
        if self.where is not UNSET:
            # At once, so that a mistake shows where it was typed.
            object.__setattr__(self, "_held", tuple(self._holds()))

    def __getstate__(self) -> dict[str, Any]:
        # Clauses are not pickled; they are made anew where the filter arrives.
        return {name: value for name, value in vars(self).items() if name != "_held"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self.where is not UNSET:
            object.__setattr__(self, "_held", tuple(self._holds()))

    @override
    @classmethod
    def _shapes_of(cls, values: Mapping[str, Any]) -> tuple[Shape, ...]:
        return _shapes_of(values.get("model_type"))

    def _check_types(self) -> None:
        given = self.model_type
        if given is UNSET:
            return
        several = given if isinstance(given, list | tuple | set | frozenset) else (given,)
        object.__setattr__(
            self,
            "model_type",
            tuple(
                one if isinstance(one, ModelTypeFilter) else ModelTypeFilter(type=one)
                for one in several
            ),
        )

    def _noun(self) -> str:
        if not isinstance(self.model_type, tuple):
            return "models"
        return " or ".join(str(one) for one in self.model_type) or "models of no type"

    @override
    def _columns_hold(self) -> None:
        """Nothing: its conditions are on the fields of models."""

    def _clauses(self) -> Iterable[ColumnElement[bool]]:
        yield from super()._clauses()
        if self.model_type is not UNSET or self.where is not UNSET:
            yield self._found()

    def _is_limited(self) -> bool:
        # Only models have a model's type, and an index leads with that.
        return self.model_type is not UNSET

    def _found(self) -> ColumnElement[bool]:
        """Models of one of the types, each with what its fields must hold."""
        held = self._held if self.where is not UNSET else repeat(true())
        if not isinstance(self.model_type, tuple):
            return next(iter(held))
        # Their names only now: a subclass may have been defined meanwhile.
        types = zip(self.model_type, held, strict=False)
        return or_(false(), *(and_(one.clause(), clause) for one, clause in types))

    def _holds(self) -> Iterator[ColumnElement[bool]]:
        """What the fields must hold, for each of the types."""
        if not isinstance(self.where, Condition):
            raise TypeError("__post_init__() comes first")
        if not isinstance(self.model_type, tuple):
            yield self.where.clause(node_table, "the model", AnyShape())
            return
        for one in self.model_type:
            owner, shape = "the model", AnyShape()
            if not isinstance(one.type, str):
                owner, shape = one.type.__name__, one.type._model_shape()
            yield self.where.clause(node_table, owner, shape)


def _shapes_of(types: object) -> tuple[Shape, ...]:
    several = types if isinstance(types, tuple) else (types,)
    named: list[Any] = [one.type if isinstance(one, ModelTypeFilter) else one for one in several]
    return tuple(one._model_shape() for one in named if is_model_class(one))
