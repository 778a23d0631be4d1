"""What the fields of a model's class hold, as far as filters ask for it.

Read off what the annotations tell, so that a filter can refuse a field that the
class does not have and a comparison that makes no sense for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Column, FromClause

from artigraph.serializer.base import find_serializer
from artigraph.types import annotation
from artigraph.types.annotation import ModelValue, Tree
from artigraph.types.record import Scalar
from artigraph.types.scalar import PATH, SCALARS_BY_TYPE

if TYPE_CHECKING:
    from artigraph.filter.stored import StoredValue

__all__ = ["METRICS", "AnyShape", "ModelShape", "Path", "Shape", "is_model_class", "shape_of"]

Path: TypeAlias = tuple[str, ...]

METRICS = "metrics"
"""The name behind which the metrics of a node are, where no column has it."""


class Shape:
    """What a field may hold, as its annotation tells.

    Args:
        name: How it reads: ``list[int]``.
        scalars: What its values may be compared as; ``None`` for anything.
    """

    tells_type = True
    """Whether the annotation tells its type, so that a value need not."""
    is_row = False
    """Whether it is a row of its own: a nested model."""
    column: Column[Any] | None = None
    """The column that it is, of a node class; else it stands in a model's document."""
    within: Path = ()
    """The keys under which the document has what is in it."""

    def __init__(self, name: str, scalars: Sequence[Scalar] | None = ()) -> None:
        self.name, self.scalars = name, scalars

    @property
    def names(self) -> Sequence[str] | None:
        """What is in it by name; ``None`` if that is not known."""
        return None

    def step(self, key: str) -> Shape | None:
        """What is in it under a key; ``None`` if nothing can be."""
        return None

    def beside(self, row: FromClause) -> StoredValue | None:
        """The value that a row has there, if it stands in another table; else ``None``."""
        return None


class AnyShape(Shape):
    """What is not annotated: anything, and anything in it."""

    tells_type = False

    def __init__(self) -> None:
        super().__init__("anything", None)

    def step(self, key: str) -> Shape | None:
        """Anything."""
        return self


class _Dict(Shape):
    """A dict with text or integer keys."""

    def __init__(self, name: str, value: Tree) -> None:
        super().__init__(name)
        self._value = value

    def step(self, key: str) -> Shape | None:
        return shape_of(self._value)


class _Union(Shape):
    """One of several."""

    tells_type = False

    def __init__(self, name: str, arms: Sequence[Shape]) -> None:
        scalars = [arm.scalars for arm in arms]
        every = {one.noun: one for some in scalars for one in some or ()}
        super().__init__(name, None if None in scalars else tuple(every.values()))
        # A model among others is a row of its own wherever one can step into it.
        self.is_row = any(arm.is_row for arm in arms)
        has_dict = any(isinstance(arm, _Dict) for arm in arms)
        # Where there are several a dict says of which type it is.
        self.within = ("v",) if has_dict else ()
        # What is a model or a dict would have to be looked for in two places.
        self._arms = () if self.is_row and has_dict else arms

    @property
    def names(self) -> Sequence[str] | None:
        return [name for arm in self._arms for name in arm.names or ()] or None

    def step(self, key: str) -> Shape | None:
        inner = [one for arm in self._arms if (one := arm.step(key)) is not None]
        if len(inner) < 2:
            return inner[0] if inner else None
        union = _Union(" | ".join(dict.fromkeys(one.name for one in inner)), inner)
        # Each of them is stored as its own annotation tells.
        union.tells_type = all(one.tells_type for one in inner)
        union.within = inner[0].within
        return union


class ModelShape(Shape):
    """A model: a row of its own, with the fields of its class.

    Args:
        model: The class.
    """

    is_row = True

    def __init__(self, model: type[ModelValue]) -> None:
        super().__init__(f"a {model.__name__}")
        self._model = model

    @property
    def names(self) -> Sequence[str] | None:
        """The fields; ``None`` for a class that does not declare them."""
        return self._model._model_field_names()

    def step(self, key: str) -> Shape | None:
        """What a field holds."""
        names, fields = self.names, self._model._model_fields()
        if names is not None and key not in names:
            return None
        return shape_of(fields[key]) if key in fields else AnyShape()


def shape_of(tree: Tree) -> Shape:
    """What values of an annotation are."""
    match tree:
        case annotation.OwnRow():
            return _OWN_ROW
        case annotation.Optional(inner=inner):
            return shape_of(inner)
        case annotation.Either(arms=arms):
            return _Union(tree.name, [shape_of(arm) for arm in arms])
        case annotation.Literals(values=values):
            scalars = dict.fromkeys(SCALARS_BY_TYPE.get(type(value)) for value in values)
            return Shape(tree.name, [scalar for scalar in scalars if scalar is not None])
        case annotation.Single(scalar=scalar):
            return Shape(tree.name, [PATH if issubclass(scalar.types[0], PurePath) else scalar])
        case annotation.Model(type_=type_):
            return ModelShape(type_)
        case annotation.Dict(key_type=key_type, value=value):
            return Shape(tree.name) if key_type is None else _Dict(tree.name, value)
        case annotation.Collection() | annotation.Tuple():
            return Shape(tree.name)
        case annotation.Anything(type_=type_) if type_ is not None:
            return _shape_of_class(tree.name, type_)
    return AnyShape()


_OWN_ROW = Shape("a value in a row of its own")


def _shape_of_class(name: str, type_: type[object]) -> Shape:
    if issubclass(type_, PurePath):
        return Shape(name, [PATH])
    if find_serializer(type_) is not None:
        return _OWN_ROW
    return Shape(name) if hasattr(type_, "__iter__") else AnyShape()


def is_model_class(given: object) -> bool:
    """Whether something is a model's class; quicker than to ask a protocol."""
    return hasattr(given, "model_name") and hasattr(given, "_model_shape")
