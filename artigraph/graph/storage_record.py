"""The storages that rows name: recorded, locked, and explained when unknown."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.session import read
from artigraph.errors import UnknownStorageError
from artigraph.filter.value import among
from artigraph.orm.storage import StorageRecord
from artigraph.storage.base import Storage

__all__ = ["explain_unknown_storage", "lock_storage", "record_storages"]

_name: ColumnElement[str] = StorageRecord.__table__.c.storage_name
_url: ColumnElement[str] = StorageRecord.__table__.c.storage_url


async def record_storages(connection: AsyncConnection, storages: Collection[Storage]) -> None:
    """Record where storages are, and keep their blobs from being removed meanwhile.

    Until the transaction ends, nobody else has a lock of :func:`lock_storage`
    on any of them. (SQLite has one writer at a time in any case.)

    Args:
        connection: A connection in the transaction that will name their blobs.
        storages: The storages.
    """
    wanted = {storage.name: storage.url for storage in storages}
    # In one order, so that two writers never wait for each other.
    query = select(_name, _url).where(among(_name, wanted)).order_by(_name)
    known = {
        row.storage_name: row.storage_url
        for row in await connection.execute(query.with_for_update(read=True))
    }
    for name in sorted(wanted.keys() - known.keys()):
        try:
            async with connection.begin_nested():
                await connection.execute(
                    insert(StorageRecord).values(storage_name=name, storage_url=wanted[name])
                )
        except IntegrityError:
            # Another writer was first; wait for it and share the row.
            await connection.execute(query.with_for_update(read=True))
    for name in sorted(known):
        if known[name] != wanted[name]:
            moved = update(StorageRecord).where(_name == name).values(storage_url=wanted[name])
            await connection.execute(moved)


async def lock_storage(connection: AsyncConnection, storage: str) -> None:
    """Wait until nobody is about to name a blob of a storage, and keep it so.

    Args:
        connection: A connection in a transaction; the lock ends with it.
        storage: The storage's name.
    """
    await connection.execute(select(_name).where(_name == storage).with_for_update())


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
        url = (await connection.execute(select(_url).where(_name == storage))).scalar()
    if url is None:
        return error
    return UnknownStorageError(
        f"The storage {storage!r} is not registered here. It was at {url!r} when it was written "
        "to. Import the model that uses it; or, if you trust that place, type: "
        "from artigraph.storage.fsspec import FsspecStorage; "
        f"FsspecStorage({url!r}, name={storage!r}).register()"
    )
