"""Values read back from the rows and blobs that hold them, and seen to be what was written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from traceback import clear_frames
from typing import Any, BinaryIO

from sqlalchemy import select

from artigraph.blob.record import BlobRecord
from artigraph.blob.write import sha256_of
from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.db.fetch import ask
from artigraph.errors import (
    ArtigraphError,
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    MissingLibraryError,
    StorageError,
    UnknownNameError,
    UnknownStorageError,
    ValueDroppedError,
    raise_about,
)
from artigraph.filter.value import among
from artigraph.orm.base import is_clean
from artigraph.orm.storage import StorageRecord
from artigraph.serializer.base import Serializer, get_serializer
from artigraph.storage.base import get_storage

__all__ = [
    "Unread",
    "WholeRead",
    "explain_unknown_storage",
    "hash_of",
    "read_each",
    "read_values",
]

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
        if isinstance(error, _Again):
            return True
        if not isinstance(error, BlobNotFoundError) or str(error) in self._missing:
            return False
        self._missing.add(str(error))
        return True

    def look_again(self, missing: Iterable[BlobNotFoundError]) -> None:
        """End an attempt that has found blobs missing, unless they were missing before."""
        texts = set(map(str, missing))
        if not texts <= self._missing:
            self._missing |= texts
            raise _Again


class _Again(Exception):  # noqa: N818  # it says what to do
    """Rows and blobs are read once more."""


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands for a value that cannot be read; nothing that was read of it is kept."""

    error: Exception

    def __post_init__(self) -> None:
        # The frames of a thousand errors would hold a thousand blobs.
        error: BaseException | None = self.error
        while error is not None:
            clear_frames(error.__traceback__)
            error = error.__cause__


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
        ValueDroppedError: The bytes were given up.
        DeserializationError: The bytes cannot be turned into a value.
    """
    records = list(records)
    known = await _known_of(records)
    read_one = _read_one_of_many if len(records) > 1 else _read
    return await gather_bounded(partial(read_one, known), records)


async def read_each(records: Iterable[BlobRecord], whole: WholeRead) -> list[Any]:
    """Read values back as :func:`read_values` does, and say of each one that cannot be why.

    Args:
        records: What their rows tell.
        whole: The attempt that this is a part of.

    Returns:
        The values in their order, with an :class:`Unread` for each that is damaged, missing,
        or of a serializer, library or storage that is not here.

    Raises:
        StorageError: A storage failed; that says nothing of its blobs.
    """
    records = list(records)
    values = await gather_bounded(partial(_read_if_possible, await _known_of(records)), records)
    faults = (value.error for value in values if type(value) is Unread)
    whole.look_again(error for error in faults if isinstance(error, BlobNotFoundError))
    return values


_OF_THE_BLOB = (BlobNotFoundError, BlobLocationError, CorruptBlobError)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database tells of values that cannot be read."""

    urls: Mapping[str, str]
    """The addresses of storages that are unknown here."""
    dropped: Mapping[int, ValueDroppedError]
    """What to raise for what was given up, by node."""


async def _known_of(records: Sequence[BlobRecord]) -> _Known:
    urls = await _recorded_urls(records)
    if all(record.dropped_at is None for record in records):
        return _Known(urls, {})
    from artigraph.blob.dropped import dropped_errors  # seldom wanted

    return _Known(urls, await dropped_errors(records))


async def _read_if_possible(known: _Known, stored: BlobRecord) -> Any:
    try:
        return await _read_one_of_many(known, stored)
    except MemoryError:
        raise
    except StorageError as error:
        if not isinstance(error, _OF_THE_BLOB):
            raise
        return Unread(error)
    except Exception as error:
        return Unread(error)


async def _read_one_of_many(known: _Known, stored: BlobRecord) -> Any:
    try:
        return await _read(known, stored)
    except ValueDroppedError:
        raise  # it names the node
    except Exception as error:
        raise_about(f"Node {stored.node_id}", error)


async def _read(known: _Known, stored: BlobRecord) -> Any:
    if stored.node_id in known.dropped:
        raise known.dropped[stored.node_id]
    try:
        serializer = get_serializer(stored.serializer)
        data = stored.data
        if data is None:
            storage = get_storage(stored.storage or "")
            data = await storage.read(stored.location or "")
    except UnknownStorageError as error:
        told = _explained(error, stored.storage or "", known.urls)
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
    return _explained(error, storage, await _urls_of([storage]))


async def _recorded_urls(records: Iterable[BlobRecord]) -> Mapping[str, str]:
    """The addresses of those storages that are unknown here, in one query if there are any."""
    unknown = []
    wanted = (one for one in records if one.data is None and one.dropped_at is None)
    for name in {str(one.storage or "") for one in wanted}:
        try:
            get_storage(name)
        except ArtigraphError:
            if is_clean(name):
                unknown.append(name)
    return await _urls_of(unknown) if unknown else {}


async def _urls_of(names: Collection[str]) -> Mapping[str, str]:
    columns = StorageRecord.__table__.c
    query = select(columns.storage_name, columns.storage_url)
    found = await ask(query.where(among(columns.storage_name, sorted(names))))
    return {str(row.storage_name): str(row.storage_url) for row in found}


def _explained(
    error: UnknownStorageError, storage: str, urls: Mapping[str, str]
) -> UnknownStorageError:
    url = urls.get(storage)
    if url is None:
        return error
    return UnknownStorageError(
        f"The storage {storage!r} is not registered here. It was at {url!r} when it was written "
        "to. Import the model that uses it; or, if you trust that place, type: "
        "from artigraph.storage.fsspec import FsspecStorage; "
        f"FsspecStorage({url!r}, name={storage!r}).register()"
    )
