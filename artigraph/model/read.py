"""Rows become models: one query for them, and one for all that is below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, select

from artigraph.codec.base import LoadedPart
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.errors import MultipleNodesFoundError, NodeNotFoundError
from artigraph.filter.base import Filter
from artigraph.filter.model import ModelFilter
from artigraph.garbage import collector_paused
from artigraph.graph.artifact import QualifiedArtifact
from artigraph.graph.node import delete_nodes
from artigraph.model.document import decode_model
from artigraph.model.part import load_parts, select_parts
from artigraph.model.unknown import UnknownModel
from artigraph.model.write import MANY_MODELS
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import column_names, node_table

__all__ = ["delete_models", "read_model", "read_model_or_none", "read_models"]

ReadModel: TypeAlias = QualifiedArtifact[ModelArtifact, Any]

_MODEL_COLUMNS = [
    node_table.c[name] for name in column_names(ModelArtifact) if not name.startswith("artifact_")
]


async def read_models(filter: Filter, *, lazy: bool = False) -> list[ReadModel]:
    """Read the models that a filter finds, by id.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left
            out.
        lazy: Put a handle in place of each frame, array or other value in a row
            of its own: a ``StoredFrame``, ``StoredArray`` or ``StoredValue`` that
            reads when it is asked to. A value whose storage or serializer is not
            known here then spoils nothing else.

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
    return await _read(_models_only(filter), None, lazy)


async def read_model_or_none(filter: Filter, *, lazy: bool = False) -> ReadModel | None:
    """Read the one model that a filter finds, or ``None``.

    Args:
        filter: Any filter, or several combined.
        lazy: As for :func:`read_models`.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
        UnknownModelError: Its class is not defined here.
    """
    found = await _read(_models_only(filter), 2, lazy)
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


async def read_model(filter: Filter, *, lazy: bool = False) -> ReadModel:
    """Read the one model that a filter finds.

    Args:
        filter: Any filter, or several combined.
        lazy: As for :func:`read_models`.

    Raises:
        NodeNotFoundError: The filter finds none.
        MultipleNodesFoundError: The filter finds more than one.
        UnknownModelError: Its class is not defined here.
    """
    found = await read_model_or_none(filter, lazy=lazy)
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


async def _read(clause: ColumnElement[bool], limit: int | None, lazy: bool) -> list[ReadModel]:
    columns = node_table.c
    query = select(*_MODEL_COLUMNS).where(clause).order_by(columns.node_id).limit(limit)
    below: Sequence[Row[Any]] = ()
    async with read() as connection:
        rows = await all_of(await connection.execute(query), few=limit is not None)
        if any(row.model_artifact_parts for row in rows):
            if limit is not None:
                clause = columns.node_id.in_([row.node_id for row in rows])
            found = await connection.execute(select_parts(clause, lazy=lazy))
            below = await all_of(found, few=limit is not None)
    loader = _Loader(below, await load_parts(below, lazy=lazy))
    if len(rows) < MANY_MODELS:
        return loader.load_all(rows)
    return await run_in_thread(loader.load_all, rows)


class _Loader:
    """Makes models of rows that are all read by now."""

    def __init__(self, below: Sequence[Row[Any]], parts: Sequence[LoadedPart | None]) -> None:
        self._below: dict[int, list[tuple[Row[Any], LoadedPart | None]]] = {}
        for row, part in zip(below, parts, strict=True):
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
