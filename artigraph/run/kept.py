"""Values that a run keeps: what each becomes, and what a call that keeps some returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from artigraph.display.escape import cut, visible
from artigraph.errors import SerializationError
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.json import json_serializer
from artigraph.types.scalar import without_numpy

__all__ = ["Queued", "with_serializer"]


class Queued:
    """What is written with a run: at its block's end, or once it is awaited.

    Args:
        save: Writes it.
        what: What it is, for its repr.
    """

    __slots__ = ("_save", "_what")

    def __init__(self, save: Callable[[], Awaitable[None]], what: str) -> None:
        self._save, self._what = save, what

    def __repr__(self) -> str:
        return f"<{self._what}: written at the block's end, or now if it is awaited>"

    def __await__(self) -> Generator[Any, None, None]:
        return self._save().__await__()


def with_serializer(name: str, value: object) -> tuple[Any, Serializer[Any]]:
    """What is written of a value, and what writes it.

    Raises:
        SerializationError: No serializer knows it.
    """
    plain = without_numpy(value)
    found = find_serializer(type(value))
    if found is not None:
        return value, found
    if plain is None or isinstance(plain, bool | int | float | str | list | tuple | dict):
        return plain, json_serializer
    raise SerializationError(
        f"{visible(name, 60)} is a {cut(type(value).__name__, 80)}, which no serializer knows. "
        "Keep it as a File, as an array or a frame, or make a DataModel of what is to be kept. "
        "Nothing was kept."
    )
