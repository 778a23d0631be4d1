"""Rows become models: one query for them, and one for all that is below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, and_, select

from artigraph.codec.base import LoadedPart
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.errors import MultipleNodesFoundError, NodeNotFoundError
from artigraph.filter.base import Filter
from artigraph.filter.model import ModelFilter
from artigraph.garbage import collector_paused
from artigraph.graph.artifact import QualifiedArtifact
from artigraph.graph.blob import StoredBytes, read_values
from artigraph.graph.node import delete_nodes
from artigraph.model.document import decode_model
from artigraph.model.unknown import UnknownModel
from artigraph.model.write import MANY_MODELS
from artigraph.orm.artifact import BaseArtifact, DatabaseArtifact, ModelArtifact, RemoteArtifact
from artigraph.orm.node import column_names, node_table
from artigraph.serializer.base import get_serializer

__all__ = ["delete_models", "read_model", "read_model_or_none", "read_models"]

ReadModel: TypeAlias = QualifiedArtifact[ModelArtifact, Any]

_MODEL = str(ModelArtifact.__mapper__.polymorphic_identity)
_MODEL_COLUMNS = [
    node_table.c[name] for name in column_names(ModelArtifact) if not name.startswith("artifact_")
]
_PART_TYPES: tuple[type[BaseArtifact], ...] = (ModelArtifact, DatabaseArtifact, RemoteArtifact)
_PART_COLUMNS = [
    node_table.c[name]
    for name in dict.fromkeys(name for node_type in _PART_TYPES for name in column_names(node_type))
    # Size and digest are wanted, but not what a listing shows.
    if name not in ("artifact_summary", "node_created_at", "node_updated_at")
]


async def read_models(filter: Filter) -> list[ReadModel]:
    """Read the models that a filter finds, by id.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left
            out.

    Returns:
        The models, oldest id first: each with its row as ``.artifact`` and the
        instance as ``.value``. One whose class is not defined here is an
        ``UnknownModel``.

    Raises:
        ModelVersionError: Another version of a class wrote one of them, and
            the class cannot migrate it.
        UnknownSerializerError: A serializer that nobody registered.
        UnknownStorageError: A storage that nobody registered.
        CorruptBlobError: The bytes of a part are not those that were written.
    """
    return await _read(_models_only(filter), None)


async def read_model_or_none(filter: Filter) -> ReadModel | None:
    """Read the one model that a filter finds, or ``None``.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
        UnknownModelError: Its class is not defined here.
    """
    found = await _read(_models_only(filter), 2)
    if len(found) > 1:
        raise MultipleNodesFoundError(
            f"{filter!r} finds more than one model, of which node {found[0].artifact.node_id} "
            f"({found[0].artifact.node_label!r}) is the first. Narrow the filter, or use "
            "read_models()."
        )
    if not found:
        return None
    if isinstance(found[0].value, UnknownModel):
        raise found[0].value.error()
    return found[0]


async def read_model(filter: Filter) -> ReadModel:
    """Read the one model that a filter finds.

    Raises:
        NodeNotFoundError: The filter finds none.
        MultipleNodesFoundError: The filter finds more than one.
        UnknownModelError: Its class is not defined here.
    """
    found = await read_model_or_none(filter)
    if found is None:
        raise NodeNotFoundError(
            f"No model is found by {filter!r}. Use read_model_or_none() where that may happen."
        )
    return found


async def delete_models(filter: Filter) -> int:
    """Delete the models that a filter finds, with their parts.

    Args:
        filter: Any filter, or several combined; other nodes it finds stay.

    Returns:
        How many rows were deleted, those of their parts included.
    """
    return await delete_nodes(filter & ModelFilter())


def _models_only(filter: Filter) -> ColumnElement[bool]:
    return (filter if isinstance(filter, ModelFilter) else filter & ModelFilter()).clause()


async def _read(clause: ColumnElement[bool], limit: int | None) -> list[ReadModel]:
    columns = node_table.c
    query = select(*_MODEL_COLUMNS).where(clause).order_by(columns.node_id).limit(limit)
    below: Sequence[Row[Any]] = ()
    async with read() as connection:
        rows = await all_of(await connection.execute(query), few=limit is not None)
        if any(row.model_artifact_parts for row in rows):
            if limit is not None:
                clause = columns.node_id.in_([row.node_id for row in rows])
            found = await connection.execute(_select_below(clause))
            below = await all_of(found, few=limit is not None)
    loader = _Loader(below, await read_values(_stored_bytes(below)))
    if len(rows) < MANY_MODELS:
        return loader.load_all(rows)
    return await run_in_thread(loader.load_all, rows)


def _select_below(clause: ColumnElement[bool]) -> Any:
    """All rows that the found models refer to, and those that these refer to."""
    columns = node_table.c
    first = select(columns.node_id).where(and_(clause, columns.model_artifact_parts > 0))
    holders = first.cte(recursive=True)
    inner = node_table.alias()
    step = (
        select(inner.c.node_id)
        .join(holders, inner.c.node_parent_id == holders.c.node_id)
        .where(inner.c.model_artifact_parts > 0)
    )
    return select(*_PART_COLUMNS).where(
        columns.node_parent_id.in_(select(holders.union(step).c.node_id)),
        columns.node_type.in_([str(t.__mapper__.polymorphic_identity) for t in _PART_TYPES]),
    )


def _stored_bytes(rows: Iterable[Row[Any]]) -> Iterable[StoredBytes]:
    for row in rows:
        if row.node_type != _MODEL:
            yield StoredBytes(
                row.node_label,
                row.artifact_serializer or "",
                row.artifact_size,
                row.artifact_digest,
                row.database_artifact_value,
                row.remote_artifact_storage,
                row.remote_artifact_location,
            )


class _Loader:
    """Makes models of rows that are all read by now."""

    def __init__(self, below: Sequence[Row[Any]], values: Iterable[Any]) -> None:
        remaining = iter(values)
        self._below: dict[int, list[tuple[Row[Any], LoadedPart | None]]] = {}
        for row in below:
            part = None
            if row.node_type != _MODEL:
                takes_json = get_serializer(row.artifact_serializer).takes_json
                part = LoadedPart(next(remaining), takes_json)
            self._below.setdefault(row.node_parent_id, []).append((row, part))

    def load_all(self, rows: Sequence[Row[Any]]) -> list[ReadModel]:
        with collector_paused():
            return [QualifiedArtifact.of_row(ModelArtifact, row, self._load(row)) for row in rows]

    def _load(self, row: Row[Any]) -> Any:
        parts: Mapping[str, LoadedPart] = {}
        if row.model_artifact_parts:
            parts = {
                child.node_label: part or LoadedPart(self._load(child))
                for child, part in self._below.get(row.node_id, ())
            }
        return decode_model(
            row.model_artifact_type, row.model_artifact_version, row.model_artifact_data, parts
        )
