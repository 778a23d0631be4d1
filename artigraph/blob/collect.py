"""Blobs that no row names, and rows whose blob is gone or damaged.

Writers put blobs before their rows, so a crash leaves blobs without rows;
they do no harm but take room. Nothing here holds more than a page of blobs
or rows in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.blob.read import hash_of
from artigraph.blob.report import EXAMPLES, DamagedRow, GarbageReport, StorageReport
from artigraph.blob.write import add_storage, aliases_of, lock_storages, refuse_hidden_rows
from artigraph.concurrency import gather_bounded, run_in_thread
from artigraph.db.fetch import ask
from artigraph.db.session import read, write
from artigraph.db.setting import current_setting, on_one_store, using
from artigraph.display.escape import cut
from artigraph.errors import (
    BlobLocationError,
    BlobNotFoundError,
    CorruptBlobError,
    FilterError,
    StorageError,
)
from artigraph.filter.value import among
from artigraph.orm.base import utc_now
from artigraph.orm.node import node_table
from artigraph.storage.base import BlobInfo, Storage

__all__ = [
    "DamagedRow",
    "GarbageReport",
    "StorageReport",
    "check_storage",
    "collect_garbage",
    "orphaned_blobs",
]

PAGE = 1_000
"""Blobs, or rows, that are looked at together."""

_columns = node_table.c


async def orphaned_blobs(
    storage: Storage, *, older_than: timedelta = timedelta(0)
) -> AsyncIterator[BlobInfo]:
    """The blobs of a storage that no row of the database names, one by one.

    Another database may name blobs of the same storage: give each database a
    storage, or a prefix, of its own.

    Args:
        storage: The storage.
        older_than: Leave out what was written, or used again, since.

    Yields:
        The blobs, and temporary files of writers that never ended.

    Raises:
        FilterError: What is no storage, no age, or a negative one.
        StorageError: The database hides rows from this account, or the store failed.
    """
    _check_storage(storage)
    _check_age(older_than)
    setting = current_setting()
    with using(setting):
        async with read() as connection:
            # Also of a storage that has no page yet: who may not ask is told so at once.
            await refuse_hidden_rows(connection)
    async for page in _old_pages(storage, older_than):
        with using(setting):
            async with read() as connection:
                names = await aliases_of(connection, storage.name)
                named = await _named(connection, names, page)
        for blob in page:
            if blob.location not in named:
                yield blob


async def collect_garbage(
    storage: Storage, *, older_than: timedelta = timedelta(days=1), dry_run: bool = True
) -> GarbageReport:
    """Find the blobs that no row names, and remove them unless it is a dry run.

    It may run beside writers: what they have just put, or put again, is
    younger than ``older_than``, and what they are about to name waits for
    the removal of a page to end.

    Args:
        storage: The storage.
        older_than: Leave alone what was written, or used again, since. Longer
            than the longest write takes, unless nobody writes.
        dry_run: Only find them. A first run should be one.

    Returns:
        How many blobs and bytes were found, and the first of them.

    Raises:
        FilterError: What is no storage, no age, a negative one, or neither a dry run nor none.
        StorageError: The store failed, or the database hides rows from this account; or a
            session is open: what it rolls back might name what was removed.
        ReadOnlyError: Blobs were to be removed and the database is only read.
    """
    _check_storage(storage)
    _check_age(older_than)
    if dry_run is None:
        raise FilterError("dry_run is True or False, not None; False removes what is found.")
    report = GarbageReport(storage.name, removed=not dry_run)
    if dry_run:
        async for blob in orphaned_blobs(storage, older_than=older_than):
            report.add(blob)
        return report
    with on_one_store():
        async with write() as transaction:
            if transaction.connection.in_nested_transaction():
                raise StorageError(
                    f"Garbage of {storage!r} cannot be removed inside new_session(): blobs do not "
                    "come back if it is rolled back. Do it after the block, or as a dry run."
                )
            await refuse_hidden_rows(transaction.connection)
            # Without a row to lock, the first writer of all would go unnoticed.
            await add_storage(transaction.connection, storage)
        newest = utc_now() - older_than
        async for page in _old_pages(storage, older_than):
            async with read() as connection:
                names = await aliases_of(connection, storage.name)
            async with write() as transaction:
                await lock_storages(transaction.connection, names)
                await refuse_hidden_rows(transaction.connection)
                named = await _named(transaction.connection, names, page)
                unnamed = [blob for blob in page if blob.location not in named]
                removed = await gather_bounded(lambda blob: _remove(storage, blob, newest), unnamed)
            for blob, gone in zip(unnamed, removed, strict=True):
                if gone:
                    report.add(blob)
        return report


async def check_storage(storage: Storage, *, verify: bool = True) -> StorageReport:
    """See whether every row that names a blob of a storage has its bytes.

    Args:
        storage: The storage.
        verify: Read every blob and compare its digest; otherwise only see
            whether it is there.

    Returns:
        What is missing, damaged and orphaned.

    Raises:
        FilterError: What is no storage.
        StorageError: The store failed, or the database hides rows from this account.
    """
    _check_storage(storage)
    report = StorageReport(storage.name)
    after = 0
    with on_one_store():
        while rows := await _page_of_rows(storage, after):
            after = rows[-1].node_id
            reasons = await gather_bounded(lambda row: _fault(storage, row, verify), rows)
            faulty = [row for row, fault in zip(rows, reasons, strict=True) if fault is not None]
            still = await _unchanged(faulty) if faulty else set()
            for row, fault in zip(rows, reasons, strict=True):
                report.num_rows += 1
                report.nbytes += row.size if isinstance(row.size, int) else 0
                if fault is None or row.node_id not in still:
                    continue
                missing = isinstance(fault, BlobNotFoundError)
                report.num_missing += missing
                report.num_damaged += not missing
                if len(report.rows) < EXAMPLES:
                    report.rows.append(DamagedRow(row.node_id, row.label, row.location, str(fault)))
        report.orphans = await collect_garbage(storage, older_than=timedelta(0))
        return report


def _check_storage(storage: object) -> None:
    if isinstance(storage, Storage):
        return
    name = storage if isinstance(storage, str) else "files"
    raise FilterError(
        f"{cut(repr(storage), 60)} is no storage. Give the storage itself, or look up one that is "
        f"known here by its name: get_storage({cut(name, 60)!r}), from artigraph.storage.base."
    )


def _check_age(older_than: object) -> None:
    if not isinstance(older_than, timedelta) or older_than < timedelta(0):
        raise FilterError(
            f"older_than is a time that has passed, not {older_than!r}. For blobs of any age say "
            "older_than=timedelta(0)."
        )


async def _old_pages(storage: Storage, older_than: timedelta) -> AsyncIterator[list[BlobInfo]]:
    newest = utc_now() - older_than
    page: list[BlobInfo] = []
    async for blob in storage.blobs():
        if blob.modified > newest:
            continue
        page.append(blob)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


async def _named(
    connection: AsyncConnection, storages: Collection[str], blobs: Sequence[BlobInfo]
) -> set[str]:
    """Locations of those blobs that a row names."""
    query = select(_columns.remote_artifact_location).where(
        among(_columns.remote_artifact_location, {blob.location for blob in blobs}),
        among(_columns.remote_artifact_storage, storages),
    )
    return set((await connection.execute(query)).scalars())


async def _remove(storage: Storage, blob: BlobInfo, newest: datetime) -> bool:
    if blob.temporary:
        await storage.remove_temporary(blob)
        return True
    # A writer may have used it again since its page was listed.
    now = await storage.info(blob.location)
    if now is None or now.modified > newest:
        return False
    await storage.delete(blob.location)
    return True


async def _page_of_rows(storage: Storage, after: int) -> Sequence[Row[Any]]:
    query = (
        select(
            _columns.node_id,
            _columns.node_label.label("label"),
            _columns.remote_artifact_location.label("location"),
            _columns.artifact_size.label("size"),
            _columns.artifact_digest.label("digest"),
        )
        .where(
            _columns.remote_artifact_storage == storage.name,
            _columns.node_id > after,
            _columns.artifact_dropped_at.is_(None),  # it names none any more
        )
        .order_by(_columns.node_id)
        .limit(PAGE)
    )
    return await ask(query)


async def _fault(storage: Storage, row: Row[Any], verify: bool) -> Exception | None:
    """Why the bytes that a row speaks of cannot be had, if so."""
    try:
        if not verify:
            if await storage.exists(row.location):
                return None
            return BlobNotFoundError(f"There is nothing at {row.location!r}.")
        if row.digest is None:
            await storage.read(row.location)
        elif await run_in_thread(_digest, storage, row.location, row.size) != row.digest:
            return CorruptBlobError(f"The bytes at {row.location!r} are not those of the row.")
    except (BlobNotFoundError, CorruptBlobError, BlobLocationError) as error:
        return error
    return None


def _digest(storage: Storage, location: str, size: int | None) -> str:
    with storage.open(location, size) as file:
        return hash_of(file)[1]


async def _unchanged(rows: Sequence[Row[Any]]) -> set[int]:
    """Ids of those rows that are there still: a writer may have deleted them meanwhile."""
    query = select(_columns.node_id, _columns.remote_artifact_location).where(
        among(_columns.node_id, {row.node_id for row in rows})
    )
    now = {tuple(row) for row in await ask(query)}
    return {row.node_id for row in rows if (row.node_id, row.location) in now}
