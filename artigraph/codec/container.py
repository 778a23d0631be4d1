"""Lists, tuples, sets and dicts whose content is annotated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from typing_extensions import override

from artigraph.codec.base import TAG, Codec, Parts, Place, is_tagged
from artigraph.codec.scalar import INTEGER_LIMIT
from artigraph.errors import DeserializationError
from artigraph.orm.base import is_clean

__all__ = ["CollectionCodec", "DictCodec", "TupleCodec"]


def _encode_items(item: Codec, values: Iterable[Any], place: Place) -> list[Any]:
    if item.deep:
        return [item.encode(value, place.at(i)) for i, value in enumerate(values)]
    return [item.encode(value, place) for value in values]


class CollectionCodec(Codec):
    """A list, set, frozenset, or a tuple of any length.

    Args:
        type_: The kind of collection.
        item: What its items are.
        other: What any other value is left to.
    """

    def __init__(self, type_: Callable[[Iterable[Any]], Any], item: Codec, other: Codec) -> None:
        self._type, self._item, self._other = type_, item, other
        self.kind = getattr(type_, "__name__", "list")  # type: ignore[misc]  # one class for all
        self.deep = True
        self.schema = (
            None if self.kind == "list" and item.schema is None else {self.kind: item.schema}
        )

    @override
    def accepts(self, value: object) -> bool:
        return type(value) is self._type

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if self.accepts(value):
            return _encode_items(self._item, value, place)
        described = self._other.encode(value, place)
        return {TAG: "any", "v": described} if isinstance(described, list) else described

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if type(stored) is not list:
            return self._other.decode(stored, parts)
        decode = self._item.decode
        items = [decode(item, parts) for item in stored]
        return items if self._type is list else self._type(items)


class TupleCodec(Codec):
    """A tuple whose places are annotated one by one.

    Args:
        items: What is in each place.
        other: What any other value is left to, a tuple of another length too.
    """

    kind = "tuple"
    deep = True

    def __init__(self, items: list[Codec], other: Codec) -> None:
        self._items, self._other = items, other
        self.schema = {"places": [item.schema for item in items]}

    @override
    def accepts(self, value: object) -> bool:
        return type(value) is tuple and len(value) == len(self._items)

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if self.accepts(value):
            pairs = zip(self._items, value, strict=True)
            return [item.encode(v, place.at(i)) for i, (item, v) in enumerate(pairs)]
        described = self._other.encode(value, place)
        return {TAG: "any", "v": described} if isinstance(described, list) else described

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if type(stored) is not list:
            return self._other.decode(stored, parts)
        if len(stored) != len(self._items):
            raise DeserializationError(
                f"A tuple of {len(self._items)} values was stored with {len(stored)}."
            )
        return tuple(item.decode(v, parts) for item, v in zip(self._items, stored, strict=True))


class DictCodec(Codec):
    """A dict whose keys and values are annotated.

    Text and integer keys are an object's keys; all others make it a list of
    pairs.

    Args:
        key_type: The annotated type of the keys, if it is ``str`` or ``int``.
        key: What the keys are.
        value: What the values are.
        other: What any other value is left to.
    """

    kind = "dict"
    deep = True

    def __init__(
        self, key_type: type[str] | type[int] | None, key: Codec, value: Codec, other: Codec
    ) -> None:
        self._key_type, self._key, self._value, self._other = key_type, key, value, other
        if key_type is str and value.schema is None:
            self.schema = None
        else:
            name = "pairs" if key_type is None else key_type.__name__
            self.schema = {"dict": [name, key.schema, value.schema]}

    @override
    def accepts(self, value: object) -> bool:
        return type(value) is dict

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if not self.accepts(value):
            # An object of the other codec is always tagged.
            return self._other.encode(value, place)
        if self._key_type is int and all(
            type(key) is int and -INTEGER_LIMIT <= key < INTEGER_LIMIT for key in value
        ):
            return {str(k): self._value.encode(v, place.at(k)) for k, v in value.items()}
        if self._key_type is str and all(
            type(key) is str and key != TAG and is_clean(key) for key in value
        ):
            return {k: self._value.encode(v, place.at(k)) for k, v in value.items()}
        return {
            TAG: "pairs",
            "v": [
                [self._key.encode(k, place.at(k, 3)), self._value.encode(v, place.at(k, 3))]
                for k, v in value.items()
            ],
        }

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if type(stored) is not dict:
            return self._other.decode(stored, parts)
        if not is_tagged(stored):
            key = int if self._key_type is int else str
            return {key(k): self._value.decode(v, parts) for k, v in stored.items()}
        if stored[TAG] != "pairs":
            return self._other.decode(stored, parts)
        return {self._key.decode(k, parts): self._value.decode(v, parts) for k, v in stored["v"]}
