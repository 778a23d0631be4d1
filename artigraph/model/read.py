"""Rows become models: one query for them, and one for all that is below them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, and_, select, type_coerce

from artigraph.blob.read import WholeRead
from artigraph.codec.base import LoadedChild
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import FEW, all_of
from artigraph.db.session import read
from artigraph.db.setting import current_setting, store_in, using
from artigraph.errors import MultipleNodesFoundError
from artigraph.filter.base import Filter, clause_of
from artigraph.filter.model import ModelFilter
from artigraph.filter.order import BY_ID, OrderBy, Ordering, check_counts, ordering_of
from artigraph.filter.value import among
from artigraph.model import lineage  # noqa: F401  # it looks at each store that is opened
from artigraph.model.base import models_by_name
from artigraph.model.load import Loader, ReadModel
from artigraph.model.part import load_parts, select_parts
from artigraph.model.unfit import Unfit
from artigraph.model.unknown import UnknownModel
from artigraph.node.existing import existing
from artigraph.node.node import count_nodes, delete_nodes
from artigraph.orm.artifact import ModelArtifact
from artigraph.orm.node import column_names, node_table
from artigraph.outline.tag import shown_along

__all__ = [
    "count_models",
    "delete_models",
    "iter_models",
    "read_first_model",
    "read_model",
    "read_model_or_none",
    "read_models",
    "read_tolerantly",
]

_MODEL_COLUMNS: list[ColumnElement[Any]] = [
    # Names of rows become UUIDs when somebody looks at one: of 20,000 they take as long as
    # a tenth of all the rest.
    type_coerce(node_table.c[name], LargeBinary).label(name)
    if name == "node_uid"
    else node_table.c[name]
    for name in column_names(ModelArtifact)
    # Of what is found nothing is in the trash.
    if not name.startswith("artifact_") and name != "node_trashed_at"
]


async def read_models(
    filter: Filter,
    *,
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    lazy: bool = False,
    strict: bool = False,
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
            reads when it is asked to, and is not seen to be there before.
        strict: Raise what is wrong with the first model that cannot be made, naming its
            row, in place of a warning.

    Returns:
        The models: each with its row as ``.artifact`` and the
        instance as ``.value``. One whose class is not defined here is an
        ``UnknownModel``; so is, with its ``fault``, one that cannot be made: another version
        of the class wrote it, and the class cannot migrate it; it no longer fits the class;
        what is stored of it is damaged or missing, or wants a serializer or storage that is
        not here; or the class raises. One ``UnfitModelWarning`` tells of all of these.

    Raises:
        FilterError: An unknown field or column, or a negative count.
        StorageError: A storage failed.
        DeserializationError: A document refers to a part twice, as none of artigraph's does: it
            was made to take memory without end.
        ModelVersionError: With ``strict``: another version wrote one of them. What else is
            wrong with one has errors of its own.
    """
    models, unfit = await read_tolerantly(
        filter, order_by=order_by, limit=limit, offset=offset, lazy=lazy
    )
    if strict:
        unfit.raise_first()
    unfit.warn()
    return models


async def read_tolerantly(
    filter: Filter,
    *,
    order_by: OrderBy = None,
    limit: int | None = None,
    offset: int | None = None,
    lazy: bool = False,
) -> tuple[list[ReadModel], Unfit]:
    """Read models as :func:`read_models` does, without a warning.

    Returns:
        The models, and those among them that could not be made.
    """
    check_counts(limit=limit, offset=offset)
    ordering = ordering_of(order_by, filter, models_by_name)
    query = _Query(clause_of(_models_only(filter)), ordering, limit, offset)
    unfit = Unfit()
    return await _read(query, lazy, unfit), unfit


async def read_first_model(
    filter: Filter, *, order_by: OrderBy = None, lazy: bool = False, strict: bool = False
) -> ReadModel | None:
    """Read the first of the models that a filter finds.

    Args:
        filter: Any filter, or several combined.
        order_by: As for :func:`read_models`: ``"-accuracy"`` reads the best.
        lazy: As for :func:`read_models`.
        strict: As for :func:`read_models`.

    Returns:
        The model, or ``None`` if there is none.

    Raises:
        FilterError: An unknown field or column.
    """
    found = await read_models(filter, order_by=order_by, limit=1, lazy=lazy, strict=strict)
    return next(iter(found), None)


async def iter_models(
    filter: Filter,
    *,
    order_by: OrderBy = None,
    page_size: int = 1000,
    lazy: bool = False,
    strict: bool = False,
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
        strict: As for :func:`read_models`; the warning comes at the end otherwise.

    Yields:
        The models.

    Raises:
        FilterError: An unknown field or column, or a page without rows.
    """
    check_counts(page_size=page_size, least=1)
    ordering = ordering_of(order_by, filter, models_by_name)
    found = clause_of(_models_only(filter))
    query = _Query(found, ordering, page_size, keyed=True)
    setting, unfit = current_setting(), Unfit()
    try:
        while True:
            with using(setting):
                models = await _read(query, lazy, unfit)
            if strict:
                unfit.raise_first()
            for model in models:
                yield model
            if len(models) < page_size:
                return
    finally:
        if not strict:
            unfit.warn()


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
        ModelVersionError: Another version of the class wrote it, and the class cannot
            migrate it; or a field is missing that has no default. What else is wrong with a
            row has errors of its own, and what the class raises goes through.
    """
    unfit = Unfit()
    clause, parameters = _models_only(filter).prepared()
    found = await _read(_Query(clause, limit=ONE, parameters=parameters), lazy, unfit)
    if len(found) > 1:
        raise MultipleNodesFoundError(
            f"There is more than one model: {filter}. Node {found[0].artifact.node_id} "
            f"({found[0].artifact.node_label!r}) is the first. Narrow the filter, use "
            "read_first_model() with order_by, or read_models()."
        )
    if not found:
        return None
    unfit.raise_first()
    if isinstance(found[0].value, UnknownModel):
        raise found[0].value.error()
    unfit.warn()
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
        ModelVersionError: As for :func:`read_model_or_none`.
    """
    return await existing(await read_model_or_none(filter, lazy=lazy), "model", filter)


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


def _models_only(filter: Filter) -> Filter:
    return filter if isinstance(filter, ModelFilter) else filter & ModelFilter()


ONE = 2
"""A limit that asks for one row, and whether there is another."""


@lru_cache(maxsize=16)
def _rows(ordering: Ordering, along: tuple[ColumnElement[Any], ...], keyed: bool) -> Select[Any]:
    # Without what is asked, which is all that differs from call to call: making it takes
    # longer than SQLite takes to answer.
    keys = ordering.columns if keyed else []
    return select(*_MODEL_COLUMNS, *along, *keys).order_by(*ordering.clauses)


@lru_cache(maxsize=64)
def _prepared(found: ColumnElement[bool], along: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    return _rows(BY_ID, along, False).where(found).limit(ONE)


@dataclass
class _Query:
    """Which rows to read; with keys, those of the next page each time."""

    found: ColumnElement[bool]
    ordering: Ordering = BY_ID
    limit: int | None = None
    offset: int | None = None
    keyed: bool = False
    after: ColumnElement[bool] | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    """What those of a prepared clause stand for, which finds one row."""

    def select(self) -> Select[Any]:
        clause = self.found if self.after is None else and_(self.found, self.after)
        # Of many rows a repr shows neither paths nor tags.
        alone = self.limit is not None and self.limit <= ONE and not self.keyed
        along = shown_along() if alone else ()
        if self.parameters:
            return _prepared(clause, along)
        query = _rows(self.ordering, along, self.keyed).where(clause)
        if self.limit is not None:
            query = query.limit(self.limit)
        return query if self.offset is None else query.offset(self.offset)

    def pass_over(self, last: Row[Any]) -> None:
        """Begin the next page after a row."""
        self.after = self.ordering.after(last[len(_MODEL_COLUMNS) :])


async def _read(query: _Query, lazy: bool, unfit: Unfit) -> list[ReadModel]:
    whole = WholeRead()
    while True:
        with whole:
            return await _read_whole(query, lazy, whole, unfit)


async def _read_whole(query: _Query, lazy: bool, whole: WholeRead, unfit: Unfit) -> list[ReadModel]:
    setting = current_setting()
    one = query.limit is not None and query.limit <= ONE
    rows, below = await _read_rows(query, lazy, once=one)
    if one and below is not None and not _are_of_one_moment(rows, below):
        rows, below = await _read_rows(query, lazy, once=False)
    parts: list[LoadedChild | None] = []
    if below:
        with using(setting):
            parts = await load_parts(below, whole, lazy=lazy)
    loader = Loader(below or (), parts, store_in(setting), unfit)
    if query.keyed and rows:
        query.pass_over(rows[-1])
    if len(rows) + len(below or ()) < FEW:
        return loader.load_all(rows)
    return await run_in_thread(loader.load_all, rows)


async def _read_rows(
    query: _Query, lazy: bool, *, once: bool
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]] | None]:
    """The rows of models, and of all that is below them, if there is anything.

    Args:
        query: Which models.
        lazy: As for :func:`read_models`.
        once: Read those of one model, and then what is below it together with its row: it
            has only to be seen whether that row is still the same. Else all is of one moment.
    """
    async with read(once=once) as connection:
        asked = query.select()
        rows = await all_of(await connection.execute(asked, query.parameters))
        if not any(row.model_artifact_parts for row in rows):
            return rows, None
        clause, ids = query.found, [row.node_id for row in rows]
        if query.limit is not None or query.offset is not None:
            clause = among(node_table.c.node_id, ids)
        parts = select_parts(clause, lazy=lazy, models=ids if once else ())
        return rows, await all_of(await connection.execute(parts))


_AS_READ = ("model_artifact_type", "model_artifact_version", "model_artifact_data")


def _are_of_one_moment(rows: Sequence[Row[Any]], again: Sequence[Row[Any]]) -> bool:
    """Whether models are what they were when their rows were read again with their parts."""
    found = {row.node_id: row for row in again}
    return all(
        row.node_id in found
        and all(getattr(row, name) == getattr(found[row.node_id], name) for name in _AS_READ)
        for row in rows
    )
