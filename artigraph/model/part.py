"""The rows below a model: their values, or handles in place of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, or_, select

from artigraph.blob.read import Unread, WholeRead, read_each
from artigraph.blob.record import record_of
from artigraph.codec.base import LoadedChild
from artigraph.errors import MissingLibraryError, UnknownNameError
from artigraph.filter.value import among
from artigraph.frame.handles import open_later, open_stored
from artigraph.orm.artifact import BaseArtifact, DatabaseArtifact, ModelArtifact, RemoteArtifact
from artigraph.orm.node import column_names, node_table
from artigraph.serializer.base import get_serializer, serializers
from artigraph.storage.base import get_storage

__all__ = ["is_model", "load_parts", "select_parts"]

_MODEL = str(ModelArtifact.__mapper__.polymorphic_identity)
_PART_TYPES: tuple[type[BaseArtifact], ...] = (ModelArtifact, DatabaseArtifact, RemoteArtifact)
_NAMES = dict.fromkeys(name for node_type in _PART_TYPES for name in column_names(node_type))
_UNUSED = ("node_created_at", "node_updated_at", "database_artifact_value")
_COLUMNS = [node_table.c[name] for name in _NAMES if name not in _UNUSED]


def is_model(row: Row[Any]) -> bool:
    """Whether a row below a model is a model itself."""
    return bool(row.node_type == _MODEL)


def select_parts(clause: ColumnElement[bool], *, lazy: bool, models: Collection[int] = ()) -> Any:
    """All rows that the found models refer to, and those that these refer to.

    Args:
        clause: What finds the models.
        lazy: Leave out the bytes of values that get handles.
        models: Ids of the found models, to have their rows of the same moment as well.
    """
    columns = node_table.c
    value: ColumnElement[Any] = columns.database_artifact_value
    if lazy:
        value = case((among(columns.artifact_serializer, _json_serializers()), value))
    first = select(columns.node_id).where(and_(clause, columns.model_artifact_parts > 0))
    holders = first.cte(recursive=True)
    inner = node_table.alias()
    step = (
        select(inner.c.node_id)
        .join(holders, inner.c.node_parent_id == holders.c.node_id)
        .where(inner.c.model_artifact_parts > 0)
    )
    found = and_(
        columns.node_parent_id.in_(select(holders.union(step).c.node_id)),
        columns.node_type.in_([str(t.__mapper__.polymorphic_identity) for t in _PART_TYPES]),
    )
    themselves = [among(columns.node_id, models)] if models else []
    return select(*_COLUMNS, value.label("database_artifact_value")).where(or_(found, *themselves))


def _json_serializers() -> list[str]:
    """What a codec has yet to decode, so that a handle would be of no use."""
    built_in = {"artigraph-json", "artigraph-json-sorted"}
    return sorted(built_in | {s.name for s in serializers.registered() if s.takes_json})


async def load_parts(
    rows: Sequence[Row[Any]], whole: WholeRead, *, lazy: bool
) -> list[LoadedChild | None]:
    """The values of rows of :func:`select_parts`; ``None`` for models.

    One that cannot be read is a handle, which says why when it is asked to read.

    Args:
        rows: The rows.
        whole: The attempt that this is a part of.
        lazy: Make handles, which read nothing, of all but JSON.

    Raises:
        StorageError: A storage failed.
    """
    read = [
        row
        for row in rows
        if not is_model(row)
        and not (lazy and _wants_handle(row))
        and open_later(record_of(row)) is None
    ]
    values = iter(await read_each(map(record_of, read), whole))
    read_ids = {row.node_id for row in read}
    parts: list[LoadedChild | None] = []
    for row in rows:
        if is_model(row):
            parts.append(None)
        elif row.node_id in read_ids:
            value = next(values)
            if type(value) is Unread:
                parts.append(LoadedChild(open_stored(record_of(row)), fault=value.error))
            else:
                takes_json = get_serializer(row.artifact_serializer).takes_json
                parts.append(LoadedChild(value, takes_json))
        else:
            parts.append(LoadedChild(open_stored(record_of(row))))
    return parts


def _wants_handle(row: Row[Any]) -> bool:
    try:
        if row.remote_artifact_storage is not None:
            get_storage(row.remote_artifact_storage)
        return not get_serializer(row.artifact_serializer or "").takes_json
    except (UnknownNameError, MissingLibraryError):
        # A handle says so once it is asked to read; the others are read now.
        return True
