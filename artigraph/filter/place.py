"""Fields by the path that leads to them, and where they are stored.

A path leads through dicts in the document of a model's row, and through nested
models to the documents of rows below it. What a field may hold is told by its
annotation; ``artigraph.model.shape`` reads that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from artigraph.errors import FilterError
from artigraph.filter.kind import Kind
from artigraph.orm.base import is_clean
from artigraph.registry import did_you_mean

__all__ = ["AnyShape", "Path", "Place", "Shape", "find_place", "path_of", "shown_path"]

Path: TypeAlias = tuple[str, ...]


class Shape(Protocol):
    """What a field may hold, as its annotation tells."""

    @property
    def name(self) -> str:
        """How it reads: ``list[int]``."""
        ...

    @property
    def kinds(self) -> Sequence[Kind] | None:
        """What its values may be compared as; ``None`` for anything."""
        ...

    @property
    def tells_kind(self) -> bool:
        """Whether the annotation tells its kind, so that a value need not."""
        ...

    @property
    def names(self) -> Sequence[str] | None:
        """What is in it by name; ``None`` if that is not known."""
        ...

    @property
    def is_row(self) -> bool:
        """Whether it is a row of its own: a nested model."""
        ...

    @property
    def within(self) -> Path:
        """The keys under which the document has what is in it."""
        ...

    def step(self, key: str) -> Shape | None:
        """What is in it under a key; ``None`` if nothing can be."""
        ...


class AnyShape:
    """What is not annotated: anything, and anything in it."""

    name = "anything"
    kinds: Sequence[Kind] | None = None
    tells_kind = False
    names: Sequence[str] | None = None
    is_row = False
    within: Path = ()

    def step(self, key: str) -> Shape | None:
        """Anything."""
        return self


@dataclass(frozen=True)
class Place:
    """Where a field is stored."""

    labels: tuple[str, ...]
    """The rows below the model's own that lead to it, by label."""
    keys: Path
    """What leads to it in the document of the last row."""
    shape: Shape
    """What it may hold."""


def path_of(field: object) -> Path:
    """A field's path, of a text with dots or of a tuple.

    Raises:
        FilterError: It is neither, or empty.
    """
    path = tuple(field.split(".")) if isinstance(field, str) else field
    if not isinstance(path, tuple) or not path or not all(isinstance(key, str) for key in path):
        raise FilterError(
            f"A field is named by a text such as 'params.depth', or by a tuple of texts such as "
            f"('params', 'a.b'), not by {field!r}."
        )
    return path


def shown_path(path: Path) -> str:
    """A path as errors and filters show it: ``params.depth``, ``params['a.b']``."""
    return path[0] + "".join(f".{key}" if key.isidentifier() else f"[{key!r}]" for key in path[1:])


def find_place(owner: str, shape: Shape, path: Path) -> Place:
    """Where a field of a class is stored.

    Args:
        owner: The class's name.
        shape: The class's own shape.
        path: What leads to the field.

    Raises:
        FilterError: The class has no such field.
    """
    labels: list[str] = []
    keys: list[str] = []
    for at, key in enumerate(path):
        if not is_clean(key) or key == "$":
            raise FilterError(
                f"A filter cannot look for {key!r}: it looks for no key with a NUL or a lone "
                "surrogate, nor for '$'."
            )
        inner = shape.step(key)
        where = f"{owner}.{shown_path(path[:at])}" if at else owner
        if inner is None and shape.names is not None:
            raise FilterError(f"{where} has no field {key!r}. {did_you_mean(key, shape.names)}")
        if inner is None:
            raise FilterError(
                f"{where} is {shape.name}; a filter cannot look for {key!r} in that. It looks into "
                "dicts with text or integer keys and into nested models."
            )
        keys.append(key)
        shape = inner
        if shape.is_row and at < len(path) - 1:
            labels.append(".".join(keys))
            keys = []
        elif at < len(path) - 1:
            keys += shape.within
    return Place(tuple(labels), tuple(keys), shape)
