"""An annotation read once into a small tree; what a field holds is asked of the tree.

Codecs, the shapes that filters see, and the columns of frames are visitors of
it. Aliases, ``NewType`` and ``Final`` are gone from it.
"""

from __future__ import annotations

import collections.abc
import contextlib
import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from types import SimpleNamespace
from typing import Annotated, Any, Literal, NewType, get_args, get_origin

from artigraph.errors import ModelDefinitionError
from artigraph.home import caller_frame, newest
from artigraph.serializer.base import Serializer, serializers
from artigraph.storage.base import Storage, storages
from artigraph.types.record import Scalar, enumeration
from artigraph.types.scalar import SCALARS_BY_TYPE

__all__ = [
    "Anything",
    "Collection",
    "Dict",
    "Either",
    "Literals",
    "Model",
    "ModelValue",
    "Optional",
    "OwnRow",
    "Single",
    "Tree",
    "Tuple",
    "classes_in",
    "read_annotation",
    "resolve_early",
]


class ModelValue:
    """All that is known of models here: they are rows of their own, with fields."""

    __slots__ = ()

    @classmethod
    def _model_fields(cls) -> Mapping[str, Tree]:
        """What each annotated field holds."""
        raise NotImplementedError

    @classmethod
    def _model_field_names(cls) -> Sequence[str] | None:
        """The fields by name; ``None`` where any name may be one."""
        return None


@dataclass(frozen=True, slots=True)
class Tree:
    """What an annotation tells of a value."""

    name: str
    """How it reads: ``list[int]``."""


@dataclass(frozen=True, slots=True)
class Anything(Tree):
    """Nothing, or no more than a class that is known to serializers alone."""

    type_: type[Any] | None = None
    generic: bool = False
    """Whether something stands in brackets behind the class."""


@dataclass(frozen=True, slots=True)
class Single(Tree):
    """A value without inner values."""

    scalar: Scalar


@dataclass(frozen=True, slots=True)
class Literals(Tree):
    """One of a few values."""

    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Optional(Tree):
    """Something or ``None``."""

    inner: Tree


@dataclass(frozen=True, slots=True)
class Either(Tree):
    """One of several, ``None`` perhaps."""

    arms: Sequence[Tree]


@dataclass(frozen=True, slots=True)
class Collection(Tree):
    """Any number of items, in a collection of one of some types."""

    types: tuple[type[Any], ...]
    item: Tree


@dataclass(frozen=True, slots=True)
class Tuple(Tree):
    """A tuple whose items are annotated one by one."""

    items: Sequence[Tree]


@dataclass(frozen=True, slots=True)
class Dict(Tree):
    """A mapping."""

    key_type: type[str] | type[int] | None
    """``str`` or ``int``, if keys are that; ``str``, too, if they may be anything."""
    key: Tree
    value: Tree


@dataclass(frozen=True, slots=True)
class Model(Tree):
    """A nested model."""

    type_: type[ModelValue]


@dataclass(frozen=True, slots=True)
class OwnRow(Tree):
    """What is in a row of its own: a serializer or a storage is named."""

    inner: Tree
    serializer: Serializer[Any] | None
    storage: Storage | None
    type_: type[Any] | None


_COLLECTIONS: dict[Any, tuple[type[Any], ...]] = {
    list: (list,),
    set: (set,),
    frozenset: (frozenset,),
    tuple: (tuple,),
    collections.abc.MutableSequence: (list,),
    collections.abc.MutableSet: (set,),
    collections.abc.Sequence: (list, tuple),
    collections.abc.Collection: (list, tuple, set, frozenset),
    collections.abc.Iterable: (list, tuple, set, frozenset),
    collections.abc.Set: (set, frozenset),
}
"""Types, some abstract, and the concrete ones that are told apart for them."""
_DICTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_UNIONS = (typing.Union, types.UnionType)


def read_annotation(annotation: object) -> Tree:
    """What a field holds.

    Args:
        annotation: The field's resolved annotation. ``Annotated`` may name a
            serializer and a storage, in any order and nesting.

    Raises:
        ModelDefinitionError: Two serializers or two storages are named.
    """
    annotation = _unwrap(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    name = str(annotation) if arguments else getattr(annotation, "__name__", str(annotation))
    if origin is Annotated:
        return _read_annotated(annotation)
    if origin in _UNIONS:
        arms = [read_annotation(arm) for arm in arguments if arm is not type(None)]
        return Optional(name, arms[0]) if len(arms) == 1 else Either(name, arms)
    if origin is Literal:
        return Literals(name, arguments)
    type_ = origin or annotation
    if not isinstance(type_, type):
        return Anything(name)
    if type_ in SCALARS_BY_TYPE:
        return Single(name, SCALARS_BY_TYPE[type_])
    if issubclass(type_, Enum):
        return Single(name, enumeration(newest(type_)))
    if issubclass(type_, ModelValue):
        return Model(name, newest(type_))
    if type_ in _DICTS:
        key, value = arguments or (Any, Any)
        key = _unwrap(key)
        key_type = key if key in (str, int) else str if key is Any else None
        return Dict(name, key_type, read_annotation(key), read_annotation(value))
    if type_ is tuple and arguments and arguments[1:] != (Ellipsis,):
        return Tuple(name, [read_annotation(item) for item in arguments])
    if type_ in _COLLECTIONS:
        item = read_annotation(arguments[0] if arguments else Any)
        return Collection(name, _COLLECTIONS[type_], item)
    return Anything(name, type_, bool(arguments))


def _unwrap(annotation: object) -> Any:
    """What an alias, a ``NewType`` or a ``Final`` stands for."""
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # the "type" statement of Python 3.12
            annotation = annotation.__value__
        elif get_origin(annotation) is typing.Final:
            (annotation,) = get_args(annotation)
        else:
            return annotation


def _read_annotated(annotation: object) -> Tree:
    inner, *metadata = get_args(annotation)
    inner = _unwrap(inner)
    if get_origin(inner) is Annotated:  # an alias of one
        return _read_annotated(Annotated[(inner, *metadata)])
    # Annotated[X | None, …] is an X in a row of its own, or null.
    if get_origin(inner) in _UNIONS and type(None) in get_args(inner):
        arms = tuple(arm for arm in get_args(inner) if arm is not type(None))
        some: Any = typing.Union.__getitem__(arms)
        return Optional(str(inner), _read_annotated(Annotated[(some, *metadata)]))
    serializer = _only("serializer", [m for m in metadata if isinstance(m, Serializer)])
    storage = _only("storage", [m for m in metadata if isinstance(m, Storage)])
    if serializer is not None:
        serializers.current(serializer)
    if storage is not None:
        storages.current(storage)
    tree = read_annotation(inner)
    if serializer is None and storage is None:
        return tree
    named = get_origin(inner) or inner
    type_ = named if isinstance(named, type) else None
    return OwnRow(tree.name, tree, serializer, storage, type_)


def _only(what: str, named: list[Any]) -> Any:
    if any(one != named[0] for one in named):
        raise ModelDefinitionError(
            f"One field names several {what}s: {', '.join(repr(one) for one in named)}. "
            "Leave one of them."
        )
    return named[0] if named else None


def classes_in(tree: Tree) -> Iterator[type[Any]]:
    """The enumerations and models that an annotation names: they may be made again."""
    if isinstance(tree, Model):
        yield tree.type_
    elif isinstance(tree, Single) and issubclass(tree.scalar.types[0], Enum):
        yield tree.scalar.types[0]
    for field in fields(tree):
        value = getattr(tree, field.name)
        for inner in value if isinstance(value, list | tuple) else (value,):
            if isinstance(inner, Tree):
                yield from classes_in(inner)


def resolve_early(cls: type[Any]) -> None:
    """Resolve annotations that name what only the defining function knows.

    Under ``from __future__ import annotations`` they are text, and a function's
    variables are gone once it returns.
    """
    if not any(isinstance(a, str) for a in inspect.get_annotations(cls).values()):
        return
    frame = caller_frame()
    if frame is None or frame.f_locals is frame.f_globals:
        return
    resolved = dict(inspect.get_annotations(cls))
    for name, annotation in resolved.items():
        if not isinstance(annotation, str):
            continue
        one = SimpleNamespace(__annotations__={name: annotation})
        # What is defined further down is resolved at first use, and so is what
        # only a class's body may hold, as ClassVar.
        with contextlib.suppress(NameError, TypeError):
            resolved |= typing.get_type_hints(
                one, frame.f_globals, {**frame.f_locals}, include_extras=True
            )
    cls.__annotations__ = resolved
