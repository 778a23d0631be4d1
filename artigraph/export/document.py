"""The rows of models with their documents as text, and what stands around them.

One query for the models, in chunks; one for all models nested in them; one
for the paths of all their parents. No document is decoded here, and no blob
is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Select, Text, cast, literal, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.db.fetch import all_of
from artigraph.dialect.registry import dialect_of
from artigraph.filter.base import AllOf, Filter, clause_of
from artigraph.filter.model import ModelFilter, ModelTypeFilter
from artigraph.model.base import BaseModel, models_by_name
from artigraph.model.part import select_parts
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import node_table

__all__ = [
    "WHO_COLUMNS",
    "ModelColumns",
    "Nested",
    "classes_asked_for",
    "models_clause",
    "read_nested",
    "select_models",
]

Nested: TypeAlias = Mapping[int, Mapping[str, tuple[int, str | None]]]
"""By a model's id and a label below it: the nested model's id and document."""

_MODEL = str(ModelArtifact.__mapper__.polymorphic_identity)


def _as_it_comes(name: str) -> ColumnElement[Any]:
    """A column as the driver hands it over.

    SQLAlchemy's types would make values one by one, on the event loop, of what a
    thread makes arrays of at leisure.
    """
    return type_coerce(node_table.c[name], Text()).label(name)


# Cast, since PostgreSQL's driver would decode JSON itself.
_DOCUMENT = cast(node_table.c.model_artifact_data, Text()).label("document")
_COLUMNS = [
    node_table.c.node_id,
    node_table.c.node_label,
    node_table.c.node_parent_id,
    _as_it_comes("node_created_at"),
    _as_it_comes("node_updated_at"),
    node_table.c.model_artifact_type,
    node_table.c.model_artifact_version,
    node_table.c.model_artifact_parts,
]


WHO_COLUMNS = ("node_created_by", "node_updated_by")
"""What a frame of models says if it is asked."""


class ModelColumns(NamedTuple):
    """The columns of :func:`select_models`, of some rows."""

    node_id: Sequence[int]
    label: Sequence[str | None]
    parent_id: Sequence[int | None]
    created_at: Sequence[Any]
    """Text or datetimes, naive or aware, in UTC."""
    updated_at: Sequence[Any]
    name: Sequence[str]
    version: Sequence[int]
    parts: Sequence[int | None]
    document: Sequence[str | None]
    created_by: Sequence[str | None]
    updated_by: Sequence[str | None]


def models_clause(filter: Filter) -> ColumnElement[bool]:
    """The clause of a filter, for models only."""
    return clause_of(filter if isinstance(filter, ModelFilter) else filter & ModelFilter())


def classes_asked_for(filter: Filter) -> list[type[BaseModel]]:
    """The classes that a filter names and all that it finds are of, where it says so."""
    if isinstance(filter, AllOf):
        return [model for one in filter.filters for model in classes_asked_for(one)]
    asked = filter.model_type if isinstance(filter, ModelFilter) else filter
    several = asked if isinstance(asked, tuple) else (asked,)
    names = [
        one.type if isinstance(one.type, str) else one.type.model_name
        for one in several
        if isinstance(one, ModelTypeFilter)
    ]
    return [model for name in names if (model := models_by_name.get(name)) is not None]


def select_models(
    clause: ColumnElement[bool], *, documents: bool, who: bool = False
) -> Select[Any]:
    """The rows of models, by id.

    Args:
        clause: What finds them.
        documents: Whether their documents are wanted, as text.
        who: Whether it is wanted who has written them.
    """
    document = _DOCUMENT if documents else literal(None, Text()).label("document")
    asked = [
        node_table.c[name] if who else literal(None, Text()).label(name) for name in WHO_COLUMNS
    ]
    return select(*_COLUMNS, document, *asked).where(clause).order_by(node_table.c.node_id)


async def read_nested(connection: AsyncConnection, clause: ColumnElement[bool]) -> Nested:
    """The models below the models that a clause finds, and those below these."""
    columns = node_table.c
    query = select_parts(clause, lazy=True).with_only_columns(
        columns.node_parent_id, columns.node_label, columns.node_id, _DOCUMENT
    )
    rows = await all_of(await connection.execute(query.where(columns.node_type == _MODEL)))
    as_written = dialect_of(connection).document_json
    nested: dict[int, dict[str, tuple[int, str | None]]] = {}
    for parent_id, label, node_id, document in rows:
        if as_written is not None and document is not None:
            document = as_written(document)
        nested.setdefault(parent_id, {})[label] = (node_id, document)
    return nested
