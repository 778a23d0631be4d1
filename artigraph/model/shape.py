"""What the fields of a model's class hold, as far as filters ask for it.

Read off the annotations, so that a filter can refuse a field that the class
does not have and a comparison that makes no sense for it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, MutableMapping, Sequence
from enum import Enum, Flag
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args, get_origin

from artigraph.codec.annotation import unwrap
from artigraph.codec.base import ModelValue
from artigraph.filter.kind import KINDS, PATH, Kind
from artigraph.filter.place import AnyShape, Path, Shape
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.storage.base import Storage

if TYPE_CHECKING:
    from artigraph.model.base import BaseModel

__all__ = ["ModelShape", "shape_of"]

ANY = AnyShape()
NOTHING: Sequence[Kind] = ()


class _Value:
    """What has no inner values."""

    tells_kind = True
    names: Sequence[str] | None = None
    is_row = False
    within: Path = ()

    def __init__(self, name: str, kinds: Sequence[Kind]) -> None:
        self.name, self.kinds = name, kinds

    def step(self, key: str) -> Shape | None:
        return None


class _Dict:
    """A dict with text or integer keys."""

    tells_kind = True
    names: Sequence[str] | None = None
    kinds = NOTHING
    is_row = False
    within: Path = ()

    def __init__(self, name: str, value: Any) -> None:
        self.name, self._value = name, value

    def step(self, key: str) -> Shape | None:
        return shape_of(self._value)


class _Union:
    """One of several."""

    tells_kind = False

    def __init__(self, name: str, arms: Sequence[Shape]) -> None:
        self.name = name
        kinds = [arm.kinds for arm in arms]
        self.kinds: Sequence[Kind] | None = (
            None if None in kinds else tuple({k.name: k for ks in kinds for k in ks or ()}.values())
        )
        # A model among others is a row of its own wherever one can step into it.
        self.is_row = any(arm.is_row for arm in arms)
        has_dict = any(isinstance(arm, _Dict) for arm in arms)
        # Where there are several a dict says of which type it is.
        self.within: Path = ("v",) if has_dict else ()
        # What is a model or a dict would have to be looked for in two places.
        self._arms = () if self.is_row and has_dict else arms
        names = [name for arm in self._arms for name in arm.names or ()]
        self.names = names or None

    def step(self, key: str) -> Shape | None:
        inner = [one for arm in self._arms if (one := arm.step(key)) is not None]
        if len(inner) < 2:
            return inner[0] if inner else None
        union = _Union(" | ".join(dict.fromkeys(one.name for one in inner)), inner)
        # Each of them is stored as its own annotation tells.
        union.tells_kind = all(one.tells_kind for one in inner)
        union.within = inner[0].within
        return union


class ModelShape:
    """A model: a row of its own, with the fields of its class.

    Args:
        model: The class.
    """

    kinds = NOTHING
    tells_kind = True
    is_row = True
    within: Path = ()

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self._steps: dict[str, Shape] = {}
        self.name = f"a {model.__name__}"

    @property
    def names(self) -> Sequence[str] | None:
        """The fields; ``None`` for a class that does not declare them."""
        return self._model._model_field_names()

    def step(self, key: str) -> Shape | None:
        """What a field holds."""
        if key not in self._steps:
            names = self.names
            if names is not None and key not in names:
                return None
            annotations = self._model.model_annotations()
            self._steps[key] = shape_of(annotations[key]) if key in annotations else ANY
        return self._steps[key]


def shape_of(annotation: Any) -> Shape:
    """What values of an annotation are.

    Args:
        annotation: A field's resolved annotation.
    """
    annotation = unwrap(annotation)
    name = getattr(annotation, "__name__", str(annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner, *metadata = arguments
        if any(isinstance(one, Serializer | Storage) for one in metadata):
            return _Value("a value in a row of its own", NOTHING)
        return shape_of(inner)
    if origin in (typing.Union, types.UnionType):
        arms = [shape_of(arm) for arm in arguments if arm is not type(None)]
        return arms[0] if len(arms) == 1 else _Union(str(annotation), arms)
    if origin is Literal:
        kinds = {type(one): KINDS[type(one)] for one in arguments if type(one) in KINDS}
        return _Value(str(annotation), tuple(kinds.values()))
    return _shape_of_type(annotation, origin, arguments, name)


def _shape_of_type(annotation: Any, origin: Any, arguments: tuple[Any, ...], name: str) -> Shape:
    type_ = origin or annotation
    if not isinstance(type_, type):
        return ANY
    if type_ in KINDS:
        return _Value(name, (KINDS[type_],))
    if issubclass(type_, Enum):
        return _Value(name, (_choice(type_),))
    if issubclass(type_, PurePath):
        return _Value(name, (PATH,))
    if issubclass(type_, ModelValue):
        return ModelShape(cast("type[BaseModel]", type_))  # there is no other kind
    if type_ in (dict, Mapping, MutableMapping):
        key, value = arguments or (Any, Any)
        shown = str(annotation) if arguments else name
        if unwrap(key) in (str, int, Any):
            return _Dict(shown, value)
        return _Value(shown, NOTHING)
    if find_serializer(type_) is not None:
        return _Value("a value in a row of its own", NOTHING)
    if type_ in (object, type(None)):
        return ANY
    if hasattr(type_, "__iter__"):
        return _Value(str(annotation) if arguments else name, NOTHING)
    return ANY


def _choice(type_: type[Enum]) -> Kind:
    """The kind of an enumeration's members, which are stored by name."""

    def store(value: Any) -> Any:
        if not isinstance(value, type_):
            try:
                by_name = isinstance(value, str) and value in names and value not in texts
                value = type_[value] if by_name else type_(value)
            except (ValueError, TypeError, KeyError):
                raise TypeError from None
        return value.value if isinstance(value, Flag) else value.name

    names = type_.__members__
    # A member that is a text equals its value in Python, not its name.
    texts = [one.value for one in type_] if issubclass(type_, str) else []
    example = next((f"{type_.__name__}.{name}" for name in names), "")
    form: Literal["integer", "name"] = "integer" if issubclass(type_, Flag) else "name"
    return Kind(
        f"a {type_.__name__}", form, store, f"enum:{type_.__qualname__}", False, False, example
    )
