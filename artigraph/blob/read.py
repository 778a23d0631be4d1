"""Values read back from the rows and blobs that hold them, and seen to be what was written."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, BinaryIO

from sqlalchemy import select

from artigraph.blob.record import BlobRecord
from artigraph.blob.write import sha256_of
from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.db.session import read
from artigraph.errors import (
    ArtigraphError,
    BlobNotFoundError,
    CorruptBlobError,
    MissingLibraryError,
    StorageError,
    UnknownNameError,
    UnknownStorageError,
    raise_about,
)
from artigraph.orm.storage import StorageRecord
from artigraph.serializer.base import Serializer, get_serializer
from artigraph.storage.base import get_storage

__all__ = ["WholeRead", "explain_unknown_storage", "hash_of", "read_values"]

BLOCK = 8 * 2**20
"""Bytes that are hashed at once; of a remote blob each block is a request."""


class WholeRead:
    """Around an attempt to read rows and their blobs, ``while True``.

    Lets it be made once more if somebody deletes both in between.

    Raises:
        BlobNotFoundError: A row names a blob, and still does, that is not there.
    """

    def __init__(self) -> None:
        self._missing: set[str] = set()

    def __enter__(self) -> None:
        """Begin an attempt."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        """End it; another one follows unless it returned."""
        if not isinstance(error, BlobNotFoundError) or str(error) in self._missing:
            return False
        self._missing.add(str(error))
        return True


async def read_values(records: Iterable[BlobRecord]) -> list[Any]:
    """Read values back, several at a time, and see that they are what was written.

    Args:
        records: What their rows tell, with the bytes where the rows have them.

    Returns:
        The values, in their order.

    Raises:
        UnknownSerializerError: A serializer that nobody registered.
        UnknownStorageError: A storage that nobody registered.
        MissingLibraryError: A serializer's library is not installed.
        CorruptBlobError: The bytes are not those that were written.
        DeserializationError: The bytes cannot be turned into a value.
    """
    records = list(records)
    return await gather_bounded(_read_one_of_many if len(records) > 1 else _read, records)


async def _read_one_of_many(stored: BlobRecord) -> Any:
    try:
        return await _read(stored)
    except Exception as error:
        raise_about(f"Node {stored.node_id}", error)


async def _read(stored: BlobRecord) -> Any:
    try:
        serializer = get_serializer(stored.serializer)
        data = stored.data
        if data is None:
            storage = get_storage(stored.storage or "")
            data = await storage.read(stored.location or "")
    except UnknownStorageError as error:
        told = await explain_unknown_storage(error, stored.storage or "")
        raise UnknownStorageError(
            f"The artifact {stored.label!r} cannot be read. {told}"
        ) from error
    except (UnknownNameError, MissingLibraryError, StorageError) as error:
        raise type(error)(f"The artifact {stored.label!r} cannot be read. {error}") from error
    return await run_in_thread(_check_and_deserialize, stored, serializer, data)


def _check_and_deserialize(stored: BlobRecord, serializer: Serializer[Any], data: bytes) -> Any:
    if stored.digest is not None and sha256_of(data) != stored.digest:
        raise CorruptBlobError(
            f"The artifact {stored.label!r} is damaged: its {len(data)} bytes are not the "
            f"{stored.size} that were written. Restore them from a copy, or delete it."
        )
    try:
        return serializer.deserialize(data)
    except ArtigraphError as error:
        raise type(error)(f"The artifact {stored.label!r} cannot be read. {error}") from error


def hash_of(file: BinaryIO) -> tuple[int, str]:
    """How many bytes a file has from here on, and their sha256 in hex, block by block."""
    size, digest = 0, sha256()
    while block := file.read(BLOCK):
        size += len(block)
        digest.update(block)
    return size, digest.hexdigest()


async def explain_unknown_storage(error: UnknownStorageError, storage: str) -> UnknownStorageError:
    """Say where an unknown storage was when it was last written to.

    Args:
        error: What the look-up by name has raised.
        storage: The storage's name.

    Returns:
        An error that shows the recorded address, and the line to type. Nothing
        is opened because a database says so: it may be somebody else's.
    """
    async with read() as connection:
        columns = StorageRecord.__table__.c
        query = select(columns.storage_url).where(columns.storage_name == storage)
        url = (await connection.execute(query)).scalar()
    if url is None:
        return error
    return UnknownStorageError(
        f"The storage {storage!r} is not registered here. It was at {url!r} when it was written "
        "to. Import the model that uses it; or, if you trust that place, type: "
        "from artigraph.storage.fsspec import FsspecStorage; "
        f"FsspecStorage({url!r}, name={storage!r}).register()"
    )
