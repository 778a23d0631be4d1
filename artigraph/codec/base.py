"""What a codec is, and where in a model it is at work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from artigraph.codec.misfit import Misfits
from artigraph.errors import DeserializationError, SerializationError
from artigraph.orm.node import LABEL_LENGTH
from artigraph.serializer.base import Serializer
from artigraph.storage.base import Storage
from artigraph.types.record import Scalar

__all__ = [
    "NESTED",
    "TAG",
    "ChildValue",
    "Codec",
    "EncodingContext",
    "LoadedChild",
    "LoadedChildren",
    "Schema",
    "UnreadChildError",
    "is_tagged",
    "native_json",
]

TAG = "$"
"""The key of an object that says what it is. A user's own object with this key
is stored as a list of pairs, so that the two are never confused."""

NESTED = frozenset((dict, list))
"""What JSON may hold more in; all else is itself where no annotation tells."""

DEEPEST = 28
"""Levels of JSON in a document, a few for the outermost and innermost left out:
MariaDB reads no more than 32."""

Schema = Any
"""What a codec stores values as, itself as JSON, so that a document can be read
without its class: ``None`` for what JSON tells by itself."""


@dataclass(slots=True)
class ChildValue:
    """A value below a model's row: a nested model, or an artifact."""

    label: str
    value: Any
    serializer: Serializer[Any] | None = None
    """How it becomes bytes; ``None`` for a model."""
    storage: Storage | None = None
    """Where its bytes go, or those of a model's own children; ``None`` for the database."""


@dataclass(slots=True, frozen=True)
class LoadedChild:
    """A child that was read back."""

    value: object
    takes_json: bool = False
    """Whether the value is JSON that a codec has yet to decode."""
    fault: Exception | None = None
    """Why it could not be read; the value stands in its place then."""


class UnreadChildError(Exception):
    """A child that a document refers to could not be read.

    Args:
        fault: Why.
    """

    def __init__(self, fault: Exception) -> None:
        super().__init__(str(fault))
        self.fault = fault


class LoadedChildren(dict[str, LoadedChild]):
    """Children by label, each of which a document refers to once.

    Else a few rows that refer to each other ten times would be a billion values.
    """

    lacking: str | None = None
    """The label of the child that was asked for in vain, if one was."""

    def take(self, label: object) -> LoadedChild:
        """Give a child to the one place that refers to it.

        Raises:
            DeserializationError: There is none, or it was given away.
            UnreadChildError: It could not be read.
        """
        child = self.pop(str(label), None)
        if child is None:
            self.lacking = str(label)
            raise DeserializationError(
                f"The row {str(label)!r:.100} below the model is missing, or is referred to twice."
            )
        if child.fault is not None:
            raise UnreadChildError(child.fault)
        return child


@dataclass(slots=True)
class EncodingContext:
    """Where in a model a value is, and the children found in it by now."""

    owner: str
    """The model's name."""
    path: str
    """The field, with what leads into it: ``params.layers.0``."""
    children: dict[str, ChildValue] = field(default_factory=dict)
    depth: int = 0
    """Levels of JSON above it."""
    storage: Storage | None = None
    """Where the bytes of children go that name no storage themselves."""
    misfits: Misfits | None = None
    """Takes note of values of another type than annotated."""

    def at(self, key: object, levels: int = 1) -> EncodingContext:
        """The context one step further in.

        Args:
            key: An index or a key.
            levels: How many levels of JSON that step takes.

        Raises:
            SerializationError: It is deeper than a database reads JSON.
        """
        if self.depth + levels > DEEPEST:
            raise SerializationError(
                f"{self.owner}.{self.path[:80]}… cannot be stored: it is nested deeper than the "
                "databases read JSON. Does it hold itself? If not, make its inner parts "
                "DataModels. Nothing was written."
            )
        try:
            path = f"{self.path}.{key}"
        except ValueError:  # Python refuses to write integers of thousands of digits
            path = f"{self.path}.…"
        return self._moved(path, self.depth + levels, self.storage)

    def deeper(self) -> EncodingContext:
        """The same context, one level of JSON further in."""
        return self._moved(self.path, self.depth + 1, self.storage)

    def stored_in(self, storage: Storage | None) -> EncodingContext:
        """The same context, whose children go into a storage unless they name another."""
        if storage is None:
            return self
        return self._moved(self.path, self.depth, storage)

    def _moved(self, path: str, depth: int, storage: Storage | None) -> EncodingContext:
        return EncodingContext(self.owner, path, self.children, depth, storage, self.misfits)

    def note_misfit(self, value: object, scalar: Scalar) -> None:
        """Take note of a value that is perhaps none of the annotated type."""
        if self.misfits is not None:
            self.misfits.note(self.owner, self.path, scalar, value)

    def note_other(self, value: object, type_: type[Any]) -> None:
        """Take note of a value that is none of the annotated class."""
        if self.misfits is not None:
            self.misfits.note_other(self.owner, self.path, type_, value)

    def add_child(
        self,
        value: object,
        serializer: Serializer[Any] | None = None,
        storage: Storage | None = None,
    ) -> dict[str, str]:
        """Make a value a row of its own, and return what refers to it."""
        label = self.path[: LABEL_LENGTH - 10].replace("\x00", "")
        # A key may hold lone surrogates, and a label may not.
        label = stem = label.encode(errors="replace").decode()
        number = 1
        # Two paths may read alike: the keys 1 and "1", or very long ones.
        while label in self.children:
            number += 1
            label = f"{stem}~{number}"
        self.children[label] = ChildValue(label, value, serializer, storage or self.storage)
        return {TAG: "ref", "v": label}

    def refuse(self, value: object, why: str, fix: str) -> NoReturn:
        """Refuse a value.

        Raises:
            SerializationError: Always.
        """
        kind = type(value)
        error = SerializationError(
            f"{self.owner}.{self.path} cannot be stored: {why.rstrip('.')} "
            f"({kind.__module__}.{kind.__qualname__}). {fix} Nothing was written."
        )
        error.fix = fix
        raise error


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """Turns the values of one annotation into JSON and back."""

    kind: str
    """What its values are called in a tag."""
    encode: Callable[[Any, EncodingContext], Any]
    """Turns a value into JSON.

    Raises ``SerializationError`` for one that would not come back equal."""
    decode: Callable[[Any, LoadedChildren], Any]
    """Turns JSON back into a value."""
    accepts: Callable[[object], bool]
    """Whether a value is of the annotated type."""
    schema: Schema = None
    """How its values are stored."""
    deep: bool = False
    """Whether it wants a context of its own for each value, as those do that may
    find children or refuse something unforeseen."""


def is_tagged(stored: object) -> bool:
    """Whether stored JSON says by itself what it is."""
    return type(stored) is dict and TAG in stored


def native_json(scalar: Scalar, value: object) -> object:
    """A value of one of JSON's own types; as text where JSON does not keep it."""
    return value if scalar.fits(value) else {TAG: scalar.name, "v": scalar.write(value)}
