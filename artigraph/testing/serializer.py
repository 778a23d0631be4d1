"""What every serializer must do, as tests to inherit.

Subclass :class:`SerializerTests` in your own test suite, give it fixtures
named ``serializer`` and ``values``, and pytest runs all of it against your
serializer. It needs pytest.

* whether further values survive is yours to test, best with hypothesis
"""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from artigraph.errors import DeserializationError, NameTakenError, SerializationError
from artigraph.serializer.base import Serializer, find_serializer, get_serializer, serializers

__all__ = ["SerializerTests"]

FLIPS = 64
"""Places at which a byte is changed, spread over all bytes."""


class SerializerTests:
    """The conformance suite of :class:`artigraph.serializer.base.Serializer`.

    Override the fixtures, and ``equal`` where ``==`` does not say whether two
    values are equal.
    """

    detects_truncation: ClassVar[bool] = True
    """Whether the first half of some bytes is never a value of its own. Of a
    number written as text it is."""

    @pytest.fixture
    def serializer(self) -> Serializer[Any]:
        """The serializer under test; override this."""
        raise NotImplementedError("Override the fixture 'serializer' in your subclass.")

    @pytest.fixture
    def values(self) -> list[Any]:
        """Values that come back equal; override this."""
        raise NotImplementedError("Override the fixture 'values' in your subclass.")

    @pytest.fixture
    def bad_values(self) -> list[Any]:
        """Values that it must refuse; add your own."""
        return [object()]

    def equal(self, old: object, new: object) -> bool:
        """Whether a value came back; the types are compared in any case."""
        return bool(old == new)

    def test_name_is_text(self, serializer: Serializer[Any]) -> None:
        """Its name is a str that is not empty and has no space around it."""
        assert isinstance(serializer.name, str)
        assert serializer.name.strip() == serializer.name != ""

    def test_value_comes_back(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """A value comes back equal and of the same type."""
        assert values, "The fixture 'values' is empty."
        for value in values:
            back = serializer.deserialize(serializer.serialize(value))
            assert type(back) is type(value)
            assert self.equal(value, back), f"{value!r} came back as {back!r}"

    def test_makes_bytes(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """It makes bytes, not text or a view."""
        for value in values:
            assert type(serializer.serialize(value)) is bytes

    def test_is_deterministic(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """A value and its copy make the same bytes, so that blobs are shared."""
        for value in values:
            assert serializer.serialize(value) == serializer.serialize(copy.deepcopy(value))

    def test_leaves_the_value_alone(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """Writing and summarizing do not change the value."""
        for value in values:
            before = copy.deepcopy(value)
            serializer.serialize(value)
            serializer.summarize(value)
            assert self.equal(before, value)

    def test_refuses_bad_values(self, serializer: Serializer[Any], bad_values: list[Any]) -> None:
        """What would not come back equal is refused, with more than a word."""
        for value in bad_values:
            with pytest.raises(SerializationError, match=r"\w+ .*\w+"):
                serializer.serialize(value)

    def test_refuses_foreign_bytes(self, serializer: Serializer[Any]) -> None:
        """No bytes, and bytes of another format, are an error of artigraph's."""
        for data in (b"", b"\x80\x04K\x01.", b"\xff" * 100, b"\x00" * 100):
            with pytest.raises(DeserializationError):
                serializer.deserialize(data)

    def test_refuses_truncated_bytes(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """Bytes that were cut off are an error of artigraph's."""
        if not self.detects_truncation:
            pytest.skip("a part of a value may be a value, too")
        for value in values:
            data = serializer.serialize(value)
            for size in (0, 1, len(data) // 2, len(data) - 1):
                with pytest.raises(DeserializationError):
                    serializer.deserialize(data[:size])

    def test_survives_damaged_bytes(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """A changed byte gives an error of artigraph's, or a value, but nothing else."""
        for value in values:
            data = serializer.serialize(value)
            for place in range(0, len(data), max(1, len(data) // FLIPS)):
                damaged = bytearray(data)
                damaged[place] ^= 0x55
                with suppress(DeserializationError):
                    serializer.deserialize(bytes(damaged))

    def test_summary_is_json(self, serializer: Serializer[Any], values: list[Any]) -> None:
        """A summary is a JSON object that comes back equal."""
        for value in values:
            summary = dict(serializer.summarize(value))
            assert json.loads(json.dumps(summary, allow_nan=False)) == summary

    def test_registering_twice_is_harmless(self, serializer: Serializer[Any]) -> None:
        """Registered once or twice, it is found by its name and its types."""
        assert serializer.register() is serializer
        assert serializer.register() is serializer
        assert get_serializer(serializer.name) == serializer
        for value_type in serializer.types:
            assert find_serializer(value_type) == serializer

    def test_name_belongs_to_it(self, serializer: Serializer[Any]) -> None:
        """A serializer of another class cannot take its name."""
        serializer.register()
        other = _Other()
        other.name = serializer.name
        with pytest.raises(NameTakenError, match=serializer.name):
            serializers.register(other)
        assert get_serializer(serializer.name) == serializer


class _Other(Serializer[Any]):
    def serialize(self, value: object, /) -> bytes:
        return b""

    def deserialize(self, data: bytes, /) -> Any:
        return None
