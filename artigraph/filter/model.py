"""Questions about models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from sqlalchemy import ColumnElement, and_, false, or_
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.base import Filter
from artigraph.filter.value import ValueFilter, among, match
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import node_table

__all__ = ["ModelClass", "ModelFilter", "ModelTypeFilter"]


@runtime_checkable
class ModelClass(Protocol):
    """A model's class, as far as a filter needs to know it."""

    model_name: str
    model_version: int | None


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
    version: int | Collection[int] | ValueFilter | None = None
    subclasses: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.type, str | ModelClass):
            raise FilterError(f"A model type is a subclass of BaseModel, not {self.type!r}.")

    @override
    def clause(self) -> ColumnElement[bool]:
        columns = node_table.c
        clauses = [among(columns.model_artifact_type, sorted(self._names()))]
        if self.version is not None:
            clauses.append(match(columns.model_artifact_version, self.version))
        return and_(*clauses)

    def __repr__(self) -> str:
        name = self.type if isinstance(self.type, str) else self.type.__name__
        version = "" if self.version is None else f", version={self.version!r}"
        return f"ModelTypeFilter(type={name}{version})"

    def _names(self) -> set[str]:
        if isinstance(self.type, str):
            return {self.type}
        name = self.type.model_name
        if not self.subclasses:
            return {name}
        # By name rather than by class: the cell that defines a class may have
        # run again since its subclasses were defined.
        root = [base for base in self.type.__mro__ if isinstance(base, ModelClass)][-1]
        return {
            model.model_name
            for model in _descendants(root)
            if any(getattr(base, "model_name", None) == name for base in model.__mro__)
        }


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

    Its other keys are those of ``ArtifactFilter``.

    Raises:
        FilterError: An unknown key, or a value of the wrong type.
    """

    _only: ClassVar[str | None] = ModelArtifact.__mapper__.polymorphic_identity

    model_type: ModelType | Collection[ModelType] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.model_type
        if given is None:
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

    def _clauses(self) -> Iterable[ColumnElement[bool]]:
        yield from super()._clauses()
        if isinstance(self.model_type, tuple):
            yield or_(false(), *(one.clause() for one in self.model_type))
