"""Blobs beside rows: put before the rows are committed, removed after.

So a crash at any point leaves at worst a blob that no row names, never a
row without its bytes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.db.session import read
from artigraph.errors import (
    ArtigraphError,
    CorruptBlobError,
    MissingLibraryError,
    StorageError,
    UnknownNameError,
)
from artigraph.filter.value import among
from artigraph.orm.artifact import DatabaseArtifact, RemoteArtifact
from artigraph.orm.node import Node, node_table
from artigraph.serializer.base import Serializer, get_serializer
from artigraph.storage.base import Storage, get_storage

__all__ = ["Blob", "StoredBytes", "put_blobs", "read_values", "remove_unnamed_blobs"]

logger = logging.getLogger("artigraph")


@dataclass(frozen=True, slots=True)
class Blob:
    """A value as bytes, with what its row will tell of it."""

    data: bytes
    serializer: Serializer[Any]
    storage: Storage | None
    summary: dict[str, Any]

    @classmethod
    def of(cls, value: object, serializer: Serializer[Any], storage: Storage | None) -> Blob:
        """Serialize a value; this may take a while, so call it in a thread.

        Raises:
            SerializationError: The value would not come back equal.
        """
        data = serializer.serialize(value)
        return cls(data, serializer, storage, dict(serializer.summarize(value)))


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """What a row tells of the bytes of its value."""

    label: str | None
    serializer: str
    size: int | None
    digest: str | None
    value: bytes | None
    storage: str | None
    location: str | None


async def put_blobs(blobs: Iterable[Blob]) -> list[tuple[type[Node], dict[str, Any]]]:
    """Put blobs into their storages, several at a time.

    Returns:
        The class and the columns of each blob's row, in their order.

    Raises:
        StorageError: A storage failed; no row names what was put by then.
    """
    return await gather_bounded(_put, blobs)


async def _put(blob: Blob) -> tuple[type[Node], dict[str, Any]]:
    columns: dict[str, Any] = {
        "artifact_serializer": blob.serializer.name,
        "artifact_size": len(blob.data),
        "artifact_digest": (await run_in_thread(hashlib.sha256, blob.data)).hexdigest(),
        "artifact_summary": blob.summary or None,
    }
    if blob.storage is None:
        return DatabaseArtifact, {**columns, "database_artifact_value": blob.data}
    location = await blob.storage.create(blob.data)
    return RemoteArtifact, {
        **columns,
        "remote_artifact_storage": blob.storage.name,
        "remote_artifact_location": location,
    }


async def read_values(stored: Iterable[StoredBytes]) -> list[Any]:
    """Read values back, several at a time, and see that they are what was written.

    Returns:
        The values, in their order.

    Raises:
        UnknownSerializerError: A serializer that nobody registered.
        UnknownStorageError: A storage that nobody registered.
        MissingLibraryError: A serializer's library is not installed.
        CorruptBlobError: The bytes are not those that were written.
        DeserializationError: The bytes cannot be turned into a value.
    """
    return await gather_bounded(_read, stored)


async def _read(stored: StoredBytes) -> Any:
    try:
        serializer = get_serializer(stored.serializer)
        data = stored.value
        if data is None:
            storage = get_storage(stored.storage or "")
            data = await storage.read(stored.location or "")
    except (UnknownNameError, MissingLibraryError) as error:
        raise type(error)(f"The artifact {stored.label!r} cannot be read. {error}") from error
    return await run_in_thread(_check_and_deserialize, stored, serializer, data)


def _check_and_deserialize(stored: StoredBytes, serializer: Serializer[Any], data: bytes) -> Any:
    if stored.digest is not None and hashlib.sha256(data).hexdigest() != stored.digest:
        raise CorruptBlobError(
            f"The artifact {stored.label!r} is damaged: its {len(data)} bytes are not the "
            f"{stored.size} that were written. Restore them from a copy, or delete it."
        )
    try:
        return serializer.deserialize(data)
    except ArtigraphError as error:
        raise type(error)(f"The artifact {stored.label!r} cannot be read. {error}") from error


async def remove_unnamed_blobs(blobs: Collection[tuple[str, str]]) -> None:
    """Remove those blobs that no row names any more.

    Args:
        blobs: Names of storages, and locations in them.
    """
    columns = node_table.c
    query = select(columns.remote_artifact_storage, columns.remote_artifact_location).where(
        among(columns.remote_artifact_location, {location for _, location in blobs})
    )
    async with read() as connection:
        named = {(row[0], row[1]) for row in await connection.execute(query)}
    await gather_bounded(_remove, set(blobs) - named)


async def _remove(blob: tuple[str, str]) -> None:
    storage, location = blob
    try:
        await get_storage(storage).delete(location)
    except (StorageError, UnknownNameError) as error:
        # The rows are gone for good: an error now would say that they are not.
        logger.warning("The blob %r in %r is left over: %s", location, storage, error)
