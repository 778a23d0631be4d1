"""Blobs beside rows: put before the rows are committed, removed after.

So a crash at any point leaves at worst a blob that no row names, never a
row without its bytes. Nothing is put before every value of a write is known
to be storable. A storage has a row too, which whoever names its blobs shares, and
whoever removes some locks.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Collection, Iterable, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.db.session import read, refuse_if_read_only, write
from artigraph.dialect.registry import dialect_of
from artigraph.errors import SerializationError, StorageError
from artigraph.filter.value import among
from artigraph.orm.artifact import DatabaseArtifact, RemoteArtifact
from artigraph.orm.node import Node, node_table
from artigraph.orm.storage import StorageRecord
from artigraph.serializer.base import Serializer
from artigraph.storage.base import Storage, StoredBlob, get_storage

__all__ = [
    "Blob",
    "add_storage",
    "aliases_of",
    "hold_blobs",
    "lock_storages",
    "put_blobs",
    "refuse_hidden_rows",
    "remove_unnamed_blobs",
    "sha256_of",
]

logger = logging.getLogger("artigraph")

_name: ColumnElement[str] = StorageRecord.__table__.c.storage_name
_url: ColumnElement[str] = StorageRecord.__table__.c.storage_url

IN_MEMORY = 16 * 2**20
"""Bytes of a value that waits in memory for the others; a longer one waits in a
temporary file."""


class Blob:
    """A value on its way to its bytes' place.

    Args:
        value: The value.
        serializer: How it becomes bytes.
        storage: Where they go; into the row itself, unless given.
        place: What an error calls the value.
    """

    def __init__(
        self, value: object, serializer: Serializer[Any], storage: Storage | None, place: str
    ) -> None:
        self.value, self.serializer, self.storage = value, serializer, storage
        self._place = place
        self._staged: IO[bytes] | None = None
        self._summary: dict[str, Any] = {}
        self._stored: StoredBlob | None = None

    def stage(self) -> None:
        """Turn the value into bytes that wait; it may take long, so call it in a thread.

        Raises:
            SerializationError: The value would not come back equal.
        """
        staged = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # drop() closes it
        self._staged = cast(IO[bytes], staged)
        self._dump(cast(BinaryIO, staged))

    async def put(self) -> None:
        """Put the bytes into the storage, if there is one.

        Raises:
            SerializationError: The value would not come back equal.
            StorageError: The storage failed.
        """
        if self.storage is not None:
            self._stored = await self.storage.create_from(self._write)

    async def put_again_if_gone(self) -> None:
        """See that nobody has removed the bytes before a row names them."""
        if self.storage is None or self._stored is None:
            return
        if await self.storage.exists(self._stored.location):
            return
        location = self._stored.location
        await self.put()
        if self._stored.location != location:
            # Its row would name what is no longer there.
            raise StorageError(
                f"{self._place} became other bytes when it was stored again, since the first "
                "were removed meanwhile. Nothing was written; write it once more."
            )

    def row(self) -> tuple[type[Node], dict[str, Any]]:
        """The class and the columns of the value's row, once it is put."""
        columns: dict[str, Any] = {
            "artifact_serializer": self.serializer.name,
            "artifact_summary": self._summary or None,
        }
        if self.storage is None:
            data = self._data()
            return DatabaseArtifact, {
                **columns,
                "artifact_size": len(data),
                "artifact_digest": sha256_of(data),
                "database_artifact_value": data,
            }
        if self._stored is None:
            raise RuntimeError("Nothing is put yet; call put() first.")
        return RemoteArtifact, {
            **columns,
            "artifact_size": self._stored.size,
            "artifact_digest": self._stored.digest,
            "remote_artifact_storage": self.storage.name,
            "remote_artifact_location": self._stored.location,
        }

    def drop(self) -> None:
        """Forget the waiting bytes."""
        if self._staged is not None:
            self._staged.close()

    def _data(self) -> bytes:
        if self._staged is None:
            raise RuntimeError("Nothing waits; call stage() first.")
        self._staged.seek(0)
        return self._staged.read()

    def _write(self, file: BinaryIO) -> None:
        if self._staged is None:
            self._dump(file)
            return
        self._staged.seek(0)
        shutil.copyfileobj(self._staged, file, 2**20)

    def _dump(self, file: BinaryIO) -> None:
        try:
            self._summary = dict(self.serializer.dump(self.value, file))
        except SerializationError as error:
            raise SerializationError(
                f"{self._place} cannot be stored with {self.serializer.name!r}: {error} "
                "Nothing was written."
            ) from error


def sha256_of(data: bytes) -> str:
    """The digest of bytes, as rows have it."""
    return hashlib.sha256(data).hexdigest()


async def put_blobs(blobs: Sequence[Blob]) -> list[tuple[type[Node], dict[str, Any]]]:
    """Put the values of one write into their places, several at a time.

    Args:
        blobs: The values; :func:`hold_blobs` must follow in the transaction
            that inserts their rows, and ``drop`` after it.

    Returns:
        The class and the columns of each one's row, in their order.

    Raises:
        SerializationError: A value would not come back equal; nothing is put.
        StorageError: A storage failed; no row names what was put by then.
        ReadOnlyError: The database is only read; nothing is put.
    """
    await refuse_if_read_only()
    try:
        if len(blobs) == 1 and blobs[0].storage is not None:
            # No other value can be refused, so it need not wait for any.
            await blobs[0].put()
            return [blobs[0].row()]
        await gather_bounded(lambda blob: run_in_thread(blob.stage), blobs, limit=4)
        await gather_bounded(Blob.put, blobs)
        return await gather_bounded(lambda blob: run_in_thread(blob.row), blobs)
    except BaseException:
        for blob in blobs:
            blob.drop()
        raise


async def hold_blobs(connection: AsyncConnection, blobs: Sequence[Blob]) -> None:
    """Keep blobs that were put from being removed until the transaction ends.

    Somebody may have deleted the last row that named equal bytes meanwhile,
    and the bytes with it: those are put again.

    Args:
        connection: The transaction that inserts the rows.
        blobs: The values.
    """
    storages = {blob.storage.name: blob.storage for blob in blobs if blob.storage is not None}
    if storages:
        await _record_storages(connection, list(storages.values()))
        await gather_bounded(Blob.put_again_if_gone, blobs)


async def refuse_hidden_rows(connection: AsyncConnection) -> None:
    """Refuse to tell which blobs no row names, to whom some rows are not shown.

    Raises:
        StorageError: The database keeps rows from whoever asks.
    """
    tables = node_table.name, StorageRecord.__tablename__
    if not await connection.run_sync(dialect_of(connection).sees_all_rows, *tables):
        raise StorageError(
            "The database's row-level security hides rows from this account, and a blob that only "
            "a hidden row names would be taken for one that nobody needs. No blob was removed. "
            "Run collect_garbage() as the owner of the tables, or as a role that is exempt: "
            "ALTER ROLE your_collector BYPASSRLS"
        )


async def remove_unnamed_blobs(blobs: Collection[tuple[str, str]]) -> None:
    """Remove those blobs that no row names any more; log what cannot be removed.

    Args:
        blobs: Names of storages, and locations in them.
    """
    columns = node_table.c
    for storage in sorted({storage for storage, _ in blobs}):
        locations = {location for name, location in blobs if name == storage}
        try:
            async with read() as connection:
                names = await aliases_of(connection, storage)
            query = select(columns.remote_artifact_location).where(
                among(columns.remote_artifact_location, locations),
                among(columns.remote_artifact_storage, names),
            )
            async with write() as transaction:
                # Whoever is about to name one of them waits, or is waited for.
                await lock_storages(transaction.connection, names)
                await refuse_hidden_rows(transaction.connection)
                named = set((await transaction.connection.execute(query)).scalars())
                await _remove(get_storage(storage), locations - named)
        except Exception as error:
            # The rows are gone for good: an error now would say that they are not.
            logger.warning("Blobs in %r are left over: %s", storage, error)


async def _remove(storage: Storage, locations: Iterable[str]) -> None:
    async def remove(location: str) -> Exception | None:
        try:
            await storage.delete(location)
        except Exception as error:
            return error
        return None

    # All of them come to an end while the lock is held, whatever one of them does.
    for error in await gather_bounded(remove, locations):
        if error is not None:
            raise error


async def _record_storages(connection: AsyncConnection, storages: Collection[Storage]) -> None:
    """Record where storages are, and keep their blobs from being removed meanwhile.

    Until the transaction ends, nobody else has a lock of :func:`lock_storages`
    on any of them. (SQLite has one writer at a time in any case.)

    Args:
        connection: A connection in the transaction that will name their blobs.
        storages: The storages.
    """
    wanted = {storage.name: storage.url for storage in storages}
    known: dict[str, str] = {}
    # In one order, so that two writers never wait for each other.
    for name in sorted(wanted):
        known |= await _share(connection, name, wanted[name])
    for name in sorted(known):
        if known[name] != wanted[name]:
            # Two writers that share the row would wait for each other for ever: then a
            # later one records it.
            alone = select(_name).where(_name == name).with_for_update(skip_locked=True)
            if (await connection.execute(alone)).first() is not None:
                moved = update(StorageRecord).where(_name == name).values(storage_url=wanted[name])
                await connection.execute(moved)


async def _share(connection: AsyncConnection, name: str, url: str) -> dict[str, str]:
    """Share the row of one storage, made if there is none; return its address by name."""
    query = select(_url).where(_name == name)
    locking = query.with_for_update(read=True)
    look_first = dialect_of(connection).locks_gaps
    found = (await connection.execute(query if look_first else locking)).scalar()
    if found is None and await _insert(connection, name, url):
        return {}
    if found is None or look_first:
        # It is there by now, or another writer was first: wait for it, and share.
        found = (await connection.execute(locking)).scalar()
    return {} if found is None else {name: found}


async def add_storage(connection: AsyncConnection, storage: Storage) -> None:
    """Record where a storage is unless it is recorded, so that it can be locked.

    Who may only read the database is refused: MariaDB lets them lock rows.

    Args:
        connection: A connection in a transaction of its own.
        storage: The storage.
    """
    known = await connection.execute(select(_name).where(_name == storage.name))
    if known.first() is None:
        await _insert(connection, storage.name, storage.url)
    else:
        same = update(StorageRecord).where(_name == storage.name).values(storage_name=_name)
        await connection.execute(same)


async def _insert(connection: AsyncConnection, name: str, url: str) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(
                insert(StorageRecord).values(storage_name=name, storage_url=url)
            )
    except IntegrityError:
        return False
    return True


async def aliases_of(connection: AsyncConnection, storage: str) -> set[str]:
    """The names of all storages that are where a storage is, its own among them.

    A blob there may be named under any of them.
    """
    address = select(_url).where(_name == storage).scalar_subquery()
    return {storage, *(await connection.execute(select(_name).where(_url == address))).scalars()}


async def lock_storages(connection: AsyncConnection, storages: Collection[str]) -> None:
    """Wait until nobody is about to name a blob of some storages, and keep it so.

    Args:
        connection: A connection in a transaction; the lock ends with it. It must
            not have read before: MariaDB would go on showing what was then.
        storages: Their names.
    """
    query = select(_name).where(among(_name, storages)).order_by(_name)
    await connection.execute(query.with_for_update())
