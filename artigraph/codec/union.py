"""Values of one of several annotated types."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from artigraph.codec.base import TAG, Codec, Parts, Place, is_tagged

__all__ = ["OptionalCodec", "UnionCodec"]


class OptionalCodec(Codec):
    """A value or ``None``, which is JSON's null.

    Args:
        inner: What the value is.
    """

    def __init__(self, inner: Codec) -> None:
        self._inner = inner
        self.kind = inner.kind  # type: ignore[misc]  # null is told apart by itself
        self.deep = inner.deep
        self.schema = None if inner.schema is None else {"optional": inner.schema}

    @override
    def accepts(self, value: object) -> bool:
        return value is None or self._inner.accepts(value)

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        return None if value is None else self._inner.encode(value, place)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        return None if stored is None else self._inner.decode(stored, parts)


class UnionCodec(Codec):
    """A value of one of several types, which says of which.

    Args:
        arms: What it may be, without those that JSON tells by itself.
        other: What any other value is left to.
    """

    kind = "union"
    deep = True

    def __init__(self, arms: list[Codec], other: Codec) -> None:
        self._arms, self._other = arms, other
        self.schema = {"union": [[arm.kind, arm.schema] for arm in arms]}

    @override
    def accepts(self, value: object) -> bool:
        return True

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        for arm in self._arms:
            if arm.accepts(value):
                return {TAG: "of", "t": arm.kind, "v": arm.encode(value, place)}
        return self._other.encode(value, place)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if is_tagged(stored) and stored[TAG] == "of":
            for arm in self._arms:
                if arm.kind == stored.get("t"):
                    return arm.decode(stored["v"], parts)
        return self._other.decode(stored, parts)
