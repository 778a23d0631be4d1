"""What a run keeps until it is written: values, tags and notes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from artigraph.db.session import new_session
from artigraph.display.escape import cut, visible
from artigraph.errors import LabelExistsError, SerializationError
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.node import NodeFilter
from artigraph.filter.relation import NodeRelationshipFilter
from artigraph.model.base import BaseModel
from artigraph.node.artifact import new_artifact, write_artifacts
from artigraph.node.node import delete_nodes
from artigraph.node.row import check_label
from artigraph.note import write_note
from artigraph.serializer.base import Serializer, find_serializer
from artigraph.serializer.json import json_serializer
from artigraph.storage.base import Storage
from artigraph.tag.write import tag_nodes
from artigraph.types.scalar import without_numpy

__all__ = ["Kept", "Queued", "with_serializer"]


@dataclass
class Kept:
    """Values, tags and notes of a run that are not written yet."""

    values: dict[str, tuple[Any, Serializer[Any], Storage | None]] = field(default_factory=dict)
    """By name: the value, what writes it, and where its bytes go."""
    tags: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.values or self.tags or self.notes)

    def checked(
        self, values: Mapping[str, Any], storage: Storage | None, known: Collection[str]
    ) -> dict[str, tuple[Any, Serializer[Any], Storage | None]]:
        """What is to be written of values, those left out that are models.

        Args:
            values: By name.
            storage: Where their bytes go.
            known: Names that are taken.

        Raises:
            LabelError: A name that no database could hold.
            LabelExistsError: A name is taken.
            SerializationError: No serializer knows a value.
        """
        found: dict[str, tuple[Any, Serializer[Any], Storage | None]] = {}
        for name, value in values.items():
            check_label(name)
            if name in known or name in self.values:
                raise LabelExistsError(
                    f"The run keeps {visible(name, 60)!r} already. Choose another name, or keep "
                    "it once, when it is done."
                )
            if not isinstance(value, BaseModel):
                found[name] = *with_serializer(name, value), storage
        return found

    def parts(self) -> Iterator[tuple[str, Kept]]:
        """One by one, with what each is called."""
        for name, value in self.values.items():
            yield name, Kept({name: value})
        for name, value in self.tags.items():
            yield f"the tag {name}", Kept(tags={name: value})
        for note in self.notes:
            yield "a note", Kept(notes=[note])

    async def write(self, node_id: int, replaced: Collection[str]) -> None:
        """Write all of it in one transaction.

        Args:
            node_id: The run.
            replaced: Labels below it that are to be free first.
        """
        async with new_session():
            if replaced:
                here = NodeRelationshipFilter(child_of=node_id)
                await delete_nodes(ArtifactFilter(label=list(replaced), relationship=here))
            if self.values:
                await write_artifacts(
                    new_artifact(name, value, serializer, storage=storage, parent_id=node_id)
                    for name, (value, serializer, storage) in self.values.items()
                )
            if self.tags:
                await tag_nodes(NodeFilter(node_id=node_id), self.tags)
            for text in self.notes:
                await write_note(node_id, text)


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
