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
        names: What a value's tag calls each arm; their kinds, made unique, unless
            given.
    """

    kind = "union"
    deep = True

    def __init__(self, arms: list[Codec], other: Codec, names: list[str] | None = None) -> None:
        self._other = other
        self._arms: dict[str, Codec] = {}
        for arm, name in zip(arms, names or [arm.kind for arm in arms], strict=True):
            # tuple[int, int] | tuple[int, ...] are of one kind.
            self._arms[name if name not in self._arms else f"{name}~{len(self._arms)}"] = arm
        self.schema = {"union": [[name, arm.schema] for name, arm in self._arms.items()]}

    @override
    def accepts(self, value: object) -> bool:
        return any(arm.accepts(value) for arm in self._arms.values())

    @override
    def encode(self, value: Any, place: Place, /) -> Any:
        if value is None:
            return None
        for name, arm in self._arms.items():
            if arm.accepts(value):
                inner = place.deeper() if arm.deep else place
                return {TAG: "of", "t": name, "v": arm.encode(value, inner)}
        return self._other.encode(value, place)

    @override
    def decode(self, stored: Any, parts: Parts, /) -> Any:
        if is_tagged(stored) and stored[TAG] == "of":
            arm = self._arms.get(str(stored.get("t")))
            if arm is not None:
                return arm.decode(stored["v"], parts)
        return self._other.decode(stored, parts)
