"""Rows become models: one query for them, and one for all that is below them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.blob.read import WholeRead
from artigraph.codec.base import LoadedChild, LoadedChildren
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of
from artigraph.db.session import read
from artigraph.db.setting import current_setting, store_in, using
from artigraph.db.store import Store
from artigraph.display.escape import cut
from artigraph.display.row import ResultList
from artigraph.errors import DeserializationError, MultipleNodesFoundError, raise_about
from artigraph.filter.base import Filter
from artigraph.filter.model import ModelFilter
from artigraph.filter.order import BY_ID, OrderBy, Ordering, check_count, ordering_of
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.model import lineage  # noqa: F401  # it looks at each store that is opened
from artigraph.model.document import decoder_of
from artigraph.model.part import load_parts, select_parts
from artigraph.model.unknown import UnknownModel
from artigraph.model.write import MANY_MODELS
from artigraph.node.node import count_nodes, delete_nodes, existing
from artigraph.node.qualified import Places, QualifiedArtifact
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import column_names, node_table
from artigraph.outline.path import LABELS_ABOVE, labels_above

__all__ = [
    "count_models",
    "delete_models",
    "iter_models",
    "read_first_model",
    "read_model",
    "read_model_or_none",
    "read_models",
]

ReadModel: TypeAlias = QualifiedArtifact[ModelArtifact, Any]

_MODEL_COLUMNS = [
    node_table.c[name] for name in column_names(ModelArtifact) if not name.startswith("artifact_")
]


async def read_models(
    filter: Filter,
    *,
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    lazy: bool = False,
) -> list[ReadModel]:
    """Read the models that a filter finds.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left
            out.
        order_by: A field such as ``"loss"`` or ``"params.depth"``, or ``"-loss"`` for
            the largest first; or a column of the table, such as
            ``"-node_created_at"`` for the newest first. Several in a list. By id,
            unless given; models without a value come last.
        limit: How many to read at the most.
        offset: How many to leave out first. For page after page use
            :func:`iter_models`, which does not read again what it has passed.
        lazy: Put a handle in place of each frame, array or other value in a row
            of its own: a ``StoredFrame``, ``StoredArray`` or ``StoredValue`` that
            reads when it is asked to. A value whose storage or serializer is not
            known here then spoils nothing else.

    Returns:
        The models: each with its row as ``.artifact`` and the
        instance as ``.value``. One whose class is not defined here is an
        ``UnknownModel``.

    Raises:
        FilterError: An unknown field or column, or a negative count.
        ModelVersionError: Another version of a class wrote one of them, and
            the class cannot migrate it.
        UnknownSerializerError: A serializer that nobody registered.
        UnknownStorageError: A storage that nobody registered.
        CorruptBlobError: The bytes of a part are not those that were written.
    """
    check_count("limit", limit)
    check_count("offset", offset)
    query = _Query(_models_only(filter), ordering_of(order_by, filter), limit, offset)
    return await _read(query, lazy)


async def read_first_model(
    filter: Filter, *, order_by: OrderBy = None, lazy: bool = False
) -> ReadModel | None:
    """Read the first of the models that a filter finds.

    Args:
        filter: Any filter, or several combined.
        order_by: As for :func:`read_models`: ``"-accuracy"`` reads the best.
        lazy: As for :func:`read_models`.

    Returns:
        The model, or ``None`` if there is none.

    Raises:
        FilterError: An unknown field or column.
    """
    return next(iter(await read_models(filter, order_by=order_by, limit=1, lazy=lazy)), None)


async def iter_models(
    filter: Filter, *, order_by: OrderBy = None, page_size: int = 1000, lazy: bool = False
) -> AsyncIterator[ReadModel]:
    """Read the models that a filter finds, however many, page after page.

    Each page begins after the last row of the page before, so that memory
    holds one page and a late page costs no more than the first. Rows that
    others write meanwhile may be among those to come.

    Args:
        filter: Any filter, or several combined.
        order_by: As for :func:`read_models`.
        page_size: How many models to read at a time.
        lazy: As for :func:`read_models`.

    Yields:
        The models.

    Raises:
        FilterError: An unknown field or column, or a page without rows.
    """
    check_count("page_size", page_size, 1)
    query = _Query(_models_only(filter), ordering_of(order_by, filter), page_size, keyed=True)
    setting = current_setting()
    while True:
        with using(setting):
            models = await _read(query, lazy)
        for model in models:
            yield model
        if len(models) < page_size:
            return


async def count_models(filter: Filter) -> int:
    """How many models a filter finds, in one query.

    Args:
        filter: Any filter, or several combined; other nodes it finds are left out.
    """
    return await count_nodes(filter if isinstance(filter, ModelFilter) else filter & ModelFilter())


async def read_model_or_none(filter: Filter, *, lazy: bool = False) -> ReadModel | None:
    """Read the one model that a filter finds, or ``None``.

    Args:
        filter: Any filter, or several combined.
        lazy: As for :func:`read_models`.

    Raises:
        MultipleNodesFoundError: The filter finds more than one.
        UnknownModelError: Its class is not defined here.
    """
    found = await _read(_Query(_models_only(filter), limit=2), lazy)
    if len(found) > 1:
        raise MultipleNodesFoundError(
            f"There is more than one model: {filter}. Node {found[0].artifact.node_id} "
            f"({found[0].artifact.node_label!r}) is the first. Narrow the filter, use "
            "read_first_model() with order_by, or read_models()."
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
    return existing(await read_model_or_none(filter, lazy=lazy), "model", filter)


async def delete_models(filter: Filter, *, everything: bool = False) -> int:
    """Delete the models that a filter finds, with their parts.

    Args:
        filter: Any filter, or several combined; other nodes it finds stay.
        everything: Let the filter be one that limits nothing, such as
            ``ModelFilter()``.

    Returns:
        How many rows were deleted, those of their parts included.

    Raises:
        FilterError: The filter limits nothing, and ``everything`` is not said.
    """
    return await delete_nodes(filter & ModelFilter(), everything=everything)


def _models_only(filter: Filter) -> ColumnElement[bool]:
    return (filter if isinstance(filter, ModelFilter) else filter & ModelFilter()).clause()


ONE = 2
"""A limit that asks for one row, and whether there is another."""


@dataclass
class _Query:
    """Which rows to read; with keys, those of the next page each time."""

    found: ColumnElement[bool]
    ordering: Ordering = BY_ID
    limit: int | None = None
    offset: int | None = None
    keyed: bool = False
    after: ColumnElement[bool] | None = None

    def select(self, connection: AsyncConnection) -> Select[Any]:
        clause = self.found if self.after is None else and_(self.found, self.after)
        keys = self.ordering.columns if self.keyed else []
        # Of many rows a repr shows no paths.
        if self.limit is not None and self.limit <= ONE and not self.keyed:
            above = labels_above(connection)
            keys = [] if above is None else [above]
        query = select(*_MODEL_COLUMNS, *keys).where(clause).order_by(*self.ordering.clauses)
        return query.limit(self.limit).offset(self.offset)

    def pass_over(self, last: Row[Any]) -> None:
        """Begin the next page after a row."""
        self.after = self.ordering.after(last[len(_MODEL_COLUMNS) :])


async def _read(query: _Query, lazy: bool) -> list[ReadModel]:
    whole = WholeRead()
    while True:
        with whole:
            return await _read_once(query, lazy)


async def _read_once(query: _Query, lazy: bool) -> list[ReadModel]:
    below: Sequence[Row[Any]] = ()
    few = query.limit is not None and query.limit < MANY_MODELS
    setting = current_setting()
    async with read() as connection:
        found = await connection.execute(query.select(connection))
        rows = await all_of(found, few=few)
        if any(row.model_artifact_parts for row in rows):
            clause = query.found
            if query.limit is not None or query.offset is not None:
                clause = among(node_table.c.node_id, [row.node_id for row in rows])
            found = await connection.execute(select_parts(clause, lazy=lazy))
            below = await all_of(found, few=few)
    parts: list[LoadedChild | None] = []
    if below:
        with using(setting):
            parts = await load_parts(below, lazy=lazy)
    loader = _Loader(below, parts, store_in(setting))
    if query.keyed and rows:
        query.pass_over(rows[-1])
    if len(rows) < MANY_MODELS:
        return loader.load_all(rows)
    return await run_in_thread(loader.load_all, rows)


def _path(row: Row[Any]) -> tuple[str, ...]:
    return tuple(row._mapping[LABELS_ABOVE] or ())


class _Loader:
    """Makes models of rows that are all read by now."""

    def __init__(
        self,
        below: Sequence[Row[Any]],
        parts: Sequence[LoadedChild | None],
        store: Store | None,
    ) -> None:
        self._store = store
        self._decoder_of = cache(decoder_of)
        self._around: set[int] = set()
        self._below: dict[int, list[tuple[Row[Any], LoadedChild | None]]] = {}
        for row, part in zip(below, parts, strict=True):
            self._below.setdefault(row.node_parent_id, []).append((row, part))

    def load_all(self, rows: Sequence[Row[Any]]) -> list[ReadModel]:
        with collector_paused():
            has_path = bool(rows) and LABELS_ABOVE in rows[0]._fields
            made = [
                (row, self._load_whole(row), self._places(row), _path(row) if has_path else None)
                for row in rows
            ]
            return ResultList(QualifiedArtifact.of_rows(ModelArtifact, made, self._store))

    def _places(self, row: Row[Any]) -> Places:
        if not row.model_artifact_parts:
            return {}
        return {
            child.node_label: (child.remote_artifact_storage, child.artifact_size)
            for child, part in self._below.get(row.node_id, ())
            if part is not None
        }

    def _load_whole(self, row: Row[Any]) -> Any:
        try:
            return self._load(row)
        except RecursionError as error:
            raise DeserializationError(
                f"The model in node {row.node_id} cannot be read. Its parts lie too deep in each "
                "other: it was not written by artigraph, or was changed since."
            ) from error

    def _load(self, row: Row[Any]) -> Any:
        parts = LoadedChildren()
        if row.model_artifact_parts:
            if row.node_id in self._around:
                raise DeserializationError(
                    f"The model in node {row.node_id} cannot be read. It lies below itself: "
                    "the row was not written by artigraph, or was changed since."
                )
            self._around.add(row.node_id)
            for child, part in self._below.get(row.node_id, ()):
                parts[child.node_label] = part or LoadedChild(self._load(child))
            self._around.remove(row.node_id)
        try:
            decode = self._decoder_of(row.model_artifact_type, row.model_artifact_version)
            return decode(row.model_artifact_data, parts)
        except Exception as error:
            raise_about(f"Node {row.node_id} ({cut(repr(row.node_label), 80)})", error)
