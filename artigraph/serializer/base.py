"""How a value becomes bytes and comes back.

A serializer knows one kind of value. It knows nothing of storages, models
or the database; ``artigraph.node`` joins them. Its name is stored beside
every value it wrote, so a name never changes its meaning.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Generic, Self, TypeVar

from artigraph.errors import UnknownSerializerError
from artigraph.home import home, newest
from artigraph.registry import Registry

__all__ = ["Serializer", "build_in", "find_serializer", "get_serializer", "serializers"]

T = TypeVar("T")

_built_in_types: dict[tuple[str, str], str] = {}
"""The types that built-in serializers are chosen for, by library and name."""


class Serializer(ABC, Generic[T]):
    """Turns values of some types into bytes and back.

    Subclass it, give it a ``name`` that never changes and the ``types`` it
    is chosen for, and call :meth:`register` on an instance.

    Serializers are equal when they are of one class and have one name, so
    registering one again is harmless. Override ``__eq__`` if yours has
    further settings.
    """

    name: str
    """Stored beside every value; it never changes."""

    types: tuple[type[Any], ...] = ()
    """Values of these types use this serializer unless another is named."""

    takes_json: ClassVar[bool] = False
    """Whether it takes any JSON value, so that a model's field is first
    turned into JSON by its annotation."""

    reads_later: ClassVar[bool] = False
    """Whether every read gives a handle, whose own methods read: for values
    that nobody wants in memory because a listing holds them."""

    @abstractmethod
    def serialize(self, value: T, /) -> bytes:
        """Turn a value into bytes.

        Raises:
            SerializationError: The value would not come back equal.
        """

    @abstractmethod
    def deserialize(self, data: bytes, /) -> T:
        """Turn bytes back into a value, without ever unpickling.

        Raises:
            DeserializationError: The bytes are not what ``serialize`` makes.
        """

    def dump(self, value: T, file: BinaryIO, /) -> Mapping[str, Any]:
        """Write a value to a file, the same bytes that ``serialize`` makes.

        Override it if you can do so bit by bit. A file may be one that can
        only be written: neither read nor sought.

        Args:
            value: What to write; a stream is used up.
            file: A binary file that takes all bytes it is given. What was
                written to it when an error is raised is of no use.

        Returns:
            What ``summarize`` tells of the value; of a stream it is known
            only now.

        Raises:
            SerializationError: The value would not come back equal.
        """
        file.write(self.serialize(value))
        return self.summarize(value)

    def load(self, file: BinaryIO, /) -> T:
        """Read a value from a file that holds nothing else.

        Override it if you need not have all bytes in memory for it.

        Args:
            file: A binary file that can be read and sought.

        Raises:
            DeserializationError: The bytes are not what ``serialize`` makes.
        """
        return self.deserialize(file.read())

    def summarize(self, value: T, /) -> Mapping[str, Any]:
        """Facts worth knowing without the bytes, such as shape or columns.

        Returns:
            A small JSON object; it is stored in the database beside the
            value and shown by reprs. Empty by default.
        """
        return {}

    def register(self) -> Self:
        """Make this serializer known by its name and types; returns itself."""
        serializers.register(self)
        return self

    def __eq__(self, other: object) -> bool:
        # By the class's name: the cell that defines a class may run again.
        return isinstance(other, Serializer) and _identity(self) == _identity(other)

    def __hash__(self) -> int:
        return hash(_identity(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _identity(one: Serializer[Any]) -> tuple[str, str]:
    return home(type(one)), one.name


serializers: Registry[Serializer[Any]] = Registry(
    "serializer",
    "serializer",
    UnknownSerializerError,
    "Import the module that defines it, or call register() on an instance of it.",
)
"""Every serializer, by name."""


def get_serializer(name: str) -> Serializer[Any]:
    """Look a serializer up by its stored name.

    Raises:
        UnknownSerializerError: Nobody registered the name.
        MissingLibraryError: It needs a library that is not installed.
    """
    return serializers.get(name)


def build_in(table: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """Enter the serializers that come with artigraph.

    Args:
        table: By stored name: where each is found, and the types that it is chosen for, by
            library and name, so that a value finds it before either was imported.
    """
    serializers.build_in({name: target for name, (target, _) in table.items()})
    for name, (_, types) in table.items():
        for library, _, type_name in (one.partition(":") for one in types):
            _built_in_types[library, type_name] = name


def find_serializer(value_type: type[Any]) -> Serializer[Any] | None:
    """Find the serializer that names a type or the nearest base of it.

    A serializer that a user registered goes before a built-in one.

    Args:
        value_type: The class of a value, or of a field's annotation.

    Returns:
        The serializer, or ``None`` when none names the type.
    """
    registered = serializers.registered()
    for base in value_type.__mro__[:-1]:
        for serializer in registered:
            if base in serializer.types and not serializers.is_built_in(serializer.name):
                return serializer
        name = _built_in_types.get((base.__module__.partition(".")[0], base.__name__))
        if name is not None:
            return get_serializer(name)
        for serializer in registered:
            if base in serializer.types:
                return serializer
    # The cell of a class may have run again, and not that of its serializer.
    bases = {newest(base) for base in value_type.__mro__[:-1]}
    return next((s for s in registered if any(newest(one) in bases for one in s.types)), None)
