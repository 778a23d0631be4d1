"""Artifacts: values with a row of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import flag_modified

from artigraph.blob.read import Unread, WholeRead, read_each, read_values
from artigraph.blob.record import record_of
from artigraph.blob.write import Blob, hold_blobs, put_blobs, remove_unnamed_blobs
from artigraph.db.retry import retried
from artigraph.db.setting import current_store, get_engine, on_one_store
from artigraph.db.store import check_store
from artigraph.display.escape import counted, visible
from artigraph.display.row import ResultList
from artigraph.errors import MultipleNodesFoundError, UnfitArtifactWarning
from artigraph.filter.artifact import ArtifactFilter
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.order import BY_ID, OrderBy, Ordering, check_counts, ordering_of
from artigraph.frame.handles import open_later, open_stored
from artigraph.home import warn_caller
from artigraph.node.existing import existing
from artigraph.node.node import count_nodes, delete_nodes, select_nodes
from artigraph.node.object import write_objects
from artigraph.node.qualified import QualifiedArtifact
from artigraph.node.row import check_label, row_writer
from artigraph.orm.artifact import BaseArtifact, DatabaseArtifact, ModelArtifact, RemoteArtifact
from artigraph.serializer.base import Serializer, serializers
from artigraph.storage.base import Storage, get_storage, storages

__all__ = [
    "count_artifacts",
    "delete_artifacts",
    "new_artifact",
    "read_artifact",
    "read_artifact_or_none",
    "read_artifacts",
    "write_artifact",
    "write_artifacts",
]

A = TypeVar("A", bound=BaseArtifact)
T = TypeVar("T")

LONGEST_TOLD = 700
"""Characters of a fault in a warning: enough for what it says to type."""

MOST_KINDS = 5
"""Kinds of faults that one warning tells of."""


def new_artifact(
    label: str,
    value: T,
    serializer: Serializer[T],
    *,
    storage: Storage | None = None,
    parent_id: int | None = None,
) -> QualifiedArtifact[BaseArtifact, T]:
    """Make an artifact that is not yet written.

    Args:
        label: Its name under its parent.
        value: What it holds.
        serializer: How the value becomes bytes.
        storage: Where the bytes go; into the database, unless given.
        parent_id: The node that it hangs on; a root, unless given.

    Returns:
        The artifact; its value is serialized when it is written.

    Raises:
        LabelError: A label that no database could hold.
        NameTakenError: Another serializer or storage has the name of this one.
    """
    check_label(label)
    serializers.current(serializer)
    columns: dict[str, Any] = {
        "node_label": label,
        "node_parent_id": parent_id,
        "artifact_serializer": serializer.name,
    }
    if storage is None:
        return QualifiedArtifact(DatabaseArtifact(**columns), value)
    storages.current(storage)
    return QualifiedArtifact(RemoteArtifact(**columns, remote_artifact_storage=storage.name), value)


async def write_artifact(artifact: QualifiedArtifact[A, T]) -> QualifiedArtifact[A, T]:
    """Write an artifact.

    Args:
        artifact: One of :func:`new_artifact`.

    Returns:
        The same artifact, with its row filled in.

    Raises:
        SerializationError: The value would not come back equal.
        StorageError: The storage failed.
        LabelExistsError: The label is taken under its parent.
        ParentNotFoundError: Its parent does not exist.
    """
    return (await write_artifacts([artifact]))[0]


async def write_artifacts(
    artifacts: Iterable[QualifiedArtifact[A, T]],
) -> list[QualifiedArtifact[A, T]]:
    """Write artifacts in one transaction: all of them or none.

    Args:
        artifacts: Some of :func:`new_artifact`.

    Returns:
        The same artifacts, in their order, with their rows filled in.

    Raises:
        SerializationError: A value would not come back equal.
        StorageError: A storage failed.
        LabelExistsError: A label is taken under its parent, or given twice.
        ParentNotFoundError: A parent does not exist.
    """
    with on_one_store():
        written = ResultList(artifacts)
        # Which store it is must be known before anything is put anywhere.
        await get_engine()
        for one in written:
            check_label(one.artifact.node_label)
            check_store(one.artifact, current_store())
        blobs = [_blob(one) for one in written]
        try:
            columns = [columns for _, columns in await put_blobs(blobs)]
            rows = [one.artifact for one in written]
            replaced = {blob for blob in map(_blob_of, rows) if blob is not None}
            for row, changed in zip(rows, columns, strict=True):
                for name, value in changed.items():
                    setattr(row, name, value)
                    if inspect(row).has_identity:
                        # The row may have lost its equal bytes since it was read.
                        flag_modified(row, name)
                if inspect(row).has_identity:
                    row.artifact_dropped_at = None
                    flag_modified(row, "artifact_dropped_at")
            await _write_rows(rows, blobs, replaced)
        finally:
            for blob in blobs:
                blob.drop()
        return written


@retried
async def _write_rows(
    rows: Sequence[BaseArtifact], blobs: Sequence[Blob], replaced: set[tuple[str, str]]
) -> None:
    async with row_writer() as writer:
        await hold_blobs(writer.connection, blobs)
        await write_objects(writer, rows)
        if replaced:
            writer.transaction.after_commit.append(lambda: remove_unnamed_blobs(replaced))


def _blob_of(artifact: BaseArtifact) -> tuple[str, str] | None:
    """The storage and location of the bytes that a written row names."""
    if not isinstance(artifact, RemoteArtifact) or not artifact.remote_artifact_location:
        return None
    return artifact.remote_artifact_storage or "", artifact.remote_artifact_location


def _blob(qualified: QualifiedArtifact[Any, Any]) -> Blob:
    artifact = qualified.artifact
    name = artifact.remote_artifact_storage if isinstance(artifact, RemoteArtifact) else None
    return Blob(
        qualified.value,
        serializers.get(artifact.artifact_serializer or ""),
        None if name is None else get_storage(name),
        f"The artifact {artifact.node_label!r}",
    )


async def read_artifacts(
    filter: Filter,
    *,
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    strict: bool = False,
) -> list[QualifiedArtifact[BaseArtifact, Any]]:
    """Read the artifacts that a filter finds, with their values.

    A model is an artifact too; its value here is its stored document. Use
    ``read_models`` for instances.

    Args:
        filter: Any filter, or several combined.
        order_by: A column such as ``"node_label"``, or ``"-artifact_size"`` for the
            largest first; by id, unless given. Rows without a value come last.
        limit: How many to read at the most.
        offset: How many to leave out first.
        strict: Raise what is wrong with the first value that cannot be read, naming its row, in
            place of a warning.

    Returns:
        The artifacts. In place of a value that is damaged or gone, or wants a serializer, a
        storage or a library that is not here, is a handle: a ``StoredValue``, whose ``load()``
        raises why. One ``UnfitArtifactWarning`` tells of all of these.

    Raises:
        FilterError: An unknown column, or a negative count.
        StorageError: A storage failed.
        UnknownSerializerError: With ``strict``: a serializer that nobody registered.
        UnknownStorageError: With ``strict``: a storage that nobody registered.
        CorruptBlobError: With ``strict``: the bytes of a value are not those that were written.
            What else is wrong with one has errors of its own.
    """
    check_counts(limit=limit, offset=offset)
    ordering, whole = ordering_of(order_by, filter), WholeRead()
    while True:
        with whole:
            found = await _select(filter, limit, ordering, offset)
            return await _with_values(found, None if strict else whole)


async def read_artifact_or_none(filter: Filter) -> QualifiedArtifact[BaseArtifact, Any] | None:
    """Read the one artifact that a filter finds, with its value, or ``None``.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
    """
    whole = WholeRead()
    while True:
        with whole:
            found = await _select(filter, 2)
            if len(found) > 1:
                # Before their blobs are opened for nothing.
                raise MultipleNodesFoundError(
                    f"There is more than one artifact: {filter}. Node {found[0].node_id} is the "
                    "first. Narrow the filter, or use read_artifacts()."
                )
            return next(iter(await _with_values(found)), None)


async def read_artifact(filter: Filter) -> QualifiedArtifact[BaseArtifact, Any]:
    """Read the one artifact that a filter finds, with its value.

    Raises:
        NodeNotFoundError: The filter finds none.
        MultipleNodesFoundError: The filter finds more than one.
    """
    return await existing(await read_artifact_or_none(filter), "artifact", filter)


async def count_artifacts(filter: Filter) -> int:
    """How many artifacts, models among them, a filter finds, in one query.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left out.
    """
    return await count_nodes(filter & ArtifactFilter())


async def _select(
    filter: Filter, limit: int | None, ordering: Ordering = BY_ID, offset: int | None = None
) -> list[BaseArtifact]:
    clause = clause_of(filter & ArtifactFilter())
    nodes = await select_nodes(clause, limit, ordering=ordering, offset=offset)
    return [node for node in nodes if isinstance(node, BaseArtifact)]


async def _with_values(
    artifacts: list[BaseArtifact], tolerant: WholeRead | None = None
) -> list[QualifiedArtifact[BaseArtifact, Any]]:
    """Rows with their values; with the attempt that this is a part of, whatever these are."""
    with_bytes = [a for a in artifacts if isinstance(a, DatabaseArtifact | RemoteArtifact)]
    later = {id(a): handle for a in with_bytes if (handle := open_later(record_of(a)))}
    with_bytes = [artifact for artifact in with_bytes if id(artifact) not in later]
    records = [record_of(artifact) for artifact in with_bytes]
    read = await (read_values(records) if tolerant is None else read_each(records, tolerant))
    faults = [value.error for value in read if type(value) is Unread]
    values: dict[int, Any] = later | {
        id(artifact): open_stored(record) if type(value) is Unread else value
        for artifact, record, value in zip(with_bytes, records, read, strict=True)
    }
    if faults:
        _warn_of(faults)
    return ResultList(
        QualifiedArtifact(
            artifact,
            artifact.model_artifact_data
            if isinstance(artifact, ModelArtifact)
            else values.get(id(artifact)),
        )
        for artifact in artifacts
    )


def _warn_of(faults: Sequence[Exception]) -> None:
    first: dict[str, Exception] = {}
    kinds = Counter(type(fault).__name__ for fault in faults)
    for fault in faults:
        first.setdefault(type(fault).__name__, fault)
    lines = [
        f"{count:,} with a {kind}, the first: {visible(str(first[kind]), LONGEST_TOLD)}"
        for kind, count in kinds.most_common(MOST_KINDS)
    ]
    if (more := len(kinds) - MOST_KINDS) > 0:
        lines.append(f"… +{counted(more, 'other kind')}")
    warn_caller(
        f"{counted(len(faults), 'value')} could not be read, and a StoredValue stands in place of "
        "each; its load() raises why, and strict=True raises the first:\n- " + "\n- ".join(lines),
        UnfitArtifactWarning,
    )


async def delete_artifacts(filter: Filter, *, everything: bool = False) -> int:
    """Delete the artifacts that a filter finds, with all that hangs below them.

    Args:
        filter: Any filter, or several combined; other nodes it finds stay.
        everything: Let the filter be one that limits nothing, such as
            ``ArtifactFilter()``.

    Returns:
        How many rows were deleted.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
    """
    return await delete_nodes(filter & ArtifactFilter(), everything=everything)
