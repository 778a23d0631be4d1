"""The storages that rows name: recorded, locked, and explained when unknown."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.errors import UnknownStorageError
from artigraph.filter.value import among
from artigraph.orm.storage import StorageRecord
from artigraph.storage.base import Storage

__all__ = [
    "add_storage",
    "explain_unknown_storage",
    "lock_storages",
    "names_of_place",
    "record_storages",
]

_name: ColumnElement[str] = StorageRecord.__table__.c.storage_name
_url: ColumnElement[str] = StorageRecord.__table__.c.storage_url


async def record_storages(connection: AsyncConnection, storages: Collection[Storage]) -> None:
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

    Args:
        connection: A connection in a transaction of its own.
        storage: The storage.
    """
    known = await connection.execute(select(_name).where(_name == storage.name))
    if known.first() is None:
        await _insert(connection, storage.name, storage.url)


async def _insert(connection: AsyncConnection, name: str, url: str) -> bool:
    try:
        async with connection.begin_nested():
            await connection.execute(
                insert(StorageRecord).values(storage_name=name, storage_url=url)
            )
    except IntegrityError:
        return False
    return True


async def names_of_place(connection: AsyncConnection, storage: str) -> set[str]:
    """The names of all storages that are where a storage is, its own among them.

    A blob there may be named under any of them.

    Args:
        connection: A connection.
        storage: The storage's name.
    """
    place = select(_url).where(_name == storage).scalar_subquery()
    return {storage, *(await connection.execute(select(_name).where(_url == place))).scalars()}


async def lock_storages(connection: AsyncConnection, storages: Collection[str]) -> None:
    """Wait until nobody is about to name a blob of some storages, and keep it so.

    Args:
        connection: A connection in a transaction; the lock ends with it. It must
            not have read before: MariaDB would go on showing what was then.
        storages: Their names.
    """
    query = select(_name).where(among(_name, storages)).order_by(_name)
    await connection.execute(query.with_for_update())


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
