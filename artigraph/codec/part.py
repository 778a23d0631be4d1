"""Fields whose annotation names a serializer or a storage: artifacts of their own."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from artigraph.codec.base import Codec, Parts, Place, is_tagged
from artigraph.serializer.base import Serializer, find_serializer, get_serializer
from artigraph.storage.base import Storage

__all__ = ["PartCodec"]


class PartCodec(Codec):
    """A value in a row of its own.

    Args:
        inner: What the value is; a serializer that takes any JSON is given
            what this makes of it.
        serializer: How it becomes bytes; by its type, or as JSON, unless given.
        storage: Where the bytes go, and those of other parts that are found in the
            value and name no storage; into the database, unless given.
        type_: The annotated class, where the inner codec does not know it.
    """

    kind = "part"
    deep = True

    def __init__(
        self,
        inner: Codec,
        serializer: Serializer[Any] | None,
        storage: Storage | None,
        type_: type[Any] | None = None,
    ) -> None:
        self._inner, self._serializer, self._storage = inner, serializer, storage
        types = () if serializer is None else serializer.types
        self._types = types if type_ is None else (type_,)
        self.schema = None if inner.schema is None else {"part": inner.schema}

    @override
    def accepts(self, value: object) -> bool:
        if self._types and self._inner.kind == "any":
            return isinstance(value, self._types)
        return self._inner.accepts(value)

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        serializer = self._serializer or find_serializer(type(value))
        if serializer is None:
            serializer = get_serializer("artigraph-json")
        if serializer.takes_json:
            value = self._inner.encode(value, place.stored_in(self._storage))
        return place.add_part(value, serializer, self._storage)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        part = parts.get(str(stored.get("v"))) if is_tagged(stored) else None
        if part is not None and part.takes_json:
            return self._inner.decode(part.value, parts)
        return self._inner.decode(stored, parts)
