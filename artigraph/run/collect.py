"""What a table of runs is made of, read in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Select, Text, and_, case, cast, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from artigraph.codec.any import ANY
from artigraph.codec.base import LoadedChildren
from artigraph.concurrency import run_in_thread
from artigraph.db.fetch import all_of, ask
from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.errors import ArtigraphError
from artigraph.export.tag import read_cells
from artigraph.filter.node import with_subclasses
from artigraph.filter.value import among
from artigraph.garbage import collector_paused
from artigraph.orm.artifact import DatabaseArtifact, ModelArtifact
from artigraph.orm.base import utc_now
from artigraph.orm.node import Node, node_table
from artigraph.orm.run import LOST, TrackedRun, duration_of, told_status
from artigraph.orm.series import SeriesRecord
from artigraph.outline.name import names_in
from artigraph.outline.path_text import read_path_texts
from artigraph.serializer.json import json_serializer

__all__ = ["Metric", "RunRow", "Runs", "collect", "runs_clause"]

MOST_KEPT = 200
"""Bytes of a plain value that stands in the table."""
MOST_TYPES = 1_000
"""Types of nodes that a store has, of which some may be runs."""
MOST_BELOW = 200_000
"""Models and values of all runs together that are looked at."""

_c: Any = node_table.c
_series: Any = SeriesRecord.__table__
_MODEL = ModelArtifact.__mapper__.polymorphic_identity
_DATABASE = DatabaseArtifact.__mapper__.polymorphic_identity


class Metric(NamedTuple):
    """What a table tells of a metric: a value for each run, ``None`` of those without it."""

    last: list[float | None]
    least: list[float | None]
    most: list[float | None]
    points: list[int | None]


class Runs(NamedTuple):
    """Runs with all that a table tells of them."""

    rows: list[RunRow]
    metrics: dict[str, Metric]
    """By name, in the order of the rows."""


@dataclass(slots=True)
class RunRow:
    """A run, as a table tells it."""

    node_id: int
    type: str
    label: str | None
    status: str
    started: datetime | None
    duration: timedelta | None
    params: dict[str, Any]
    commit: str | None
    by: str | None
    error: str | None
    path: str = ""
    tags: Mapping[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """Fields of models, and plain values, by name."""


async def runs_clause() -> ColumnElement[bool]:
    """The clause for rows that are runs, also of classes that are not defined here."""
    names = names_in(_c.node_type)
    types = await ask(select(names.c.name).where(names.c.name.is_not(None)).limit(MOST_TYPES))
    own = with_subclasses({str(TrackedRun.__mapper__.polymorphic_identity)})
    known = Node.__mapper__.polymorphic_map
    others = [one for (one,) in types if one not in known]
    # Of a class that is not defined here the columns tell.
    foreign = and_(among(_c.node_type, others), _c.tracked_run_status.is_not(None))
    return or_(among(_c.node_type, own), foreign) if others else among(_c.node_type, own)


async def collect(clause: ColumnElement[bool], *, limit: int | None, most_metrics: int) -> Runs:
    """Read runs with all that a table tells of them, the newest first.

    Args:
        clause: What finds them, and nothing but runs.
        limit: How many to read at the most.
        most_metrics: How many metrics at the most.
    """
    async with read() as connection:
        reader = _Reader(connection)
        rows = await run_in_thread(reader.made, await reader.runs(clause, limit))
        if not rows:
            return Runs([], {})
        by_id = {row.node_id: row for row in rows}
        paths = await read_path_texts(connection, by_id)
        points = await reader.curves(by_id)
        tags = await read_cells(connection, among(_c.node_id, by_id), True)
        below = await reader.below(by_id)
    for node_id, row in by_id.items():
        row.path, row.tags = paths.get(node_id, ""), tags.get(node_id, row.tags)
    metrics = await run_in_thread(_metrics, rows, points, most_metrics)
    await run_in_thread(reader.take_values, by_id, below)
    return Runs(rows, metrics)


def _metrics(rows: Sequence[RunRow], points: Iterable[Any], most_metrics: int) -> dict[str, Metric]:
    position = {row.node_id: index for index, row in enumerate(rows)}
    count, found, begun = len(rows), dict[str, Metric](), dict[str, int]()
    with collector_paused():
        for series_id, node_id, name, last, least, most, number in points:
            metric = found.get(name)
            if metric is None:
                if len(found) >= most_metrics:
                    continue
                metric = found[name] = Metric(
                    [None] * count, [None] * count, [None] * count, [None] * count
                )
                begun[name] = series_id
            elif series_id < begun[name]:
                begun[name] = series_id
            at = position[node_id]
            metric.last[at], metric.least[at] = last, least
            metric.most[at], metric.points[at] = most, number
    # As they were first logged; the database need not sort all of them for that.
    return {name: found[name] for name in sorted(found, key=begun.__getitem__)}


class _Reader:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._as_written: Callable[[str], str] | None = dialect_of(connection).document_json

    async def _ask(self, query: Select[Any]) -> Sequence[Any]:
        return await all_of(await self._connection.execute(query))

    def _parsed(self, text: object) -> Any:
        if not isinstance(text, str):
            return None
        try:
            return orjson.loads(text if self._as_written is None else self._as_written(text))
        except (ValueError, RecursionError):
            return None  # somebody else's

    async def runs(self, clause: ColumnElement[bool], limit: int | None) -> Sequence[Any]:
        columns = (
            _c.node_id,
            _c.node_type,
            _c.node_label,
            _c.tracked_run_status,
            _c.tracked_run_beat_at,
            _c.tracked_run_started_at,
            _c.tracked_run_ended_at,
            cast(_c.tracked_run_params, Text()).label("params"),
            _c.tracked_run_commit,
            _c.node_created_by,
            _c.tracked_run_error,
        )
        query = select(*columns).where(clause).order_by(_c.node_id.desc()).limit(limit)
        return await self._ask(query)

    def made(self, rows: Iterable[Any]) -> list[RunRow]:
        with collector_paused():
            return [self._run(row) for row in rows]

    def _run(self, row: Any) -> RunRow:
        status, beat_at = row.tracked_run_status, row.tracked_run_beat_at
        said = "" if status is None else told_status(status, beat_at)
        started, until = row.tracked_run_started_at, row.tracked_run_ended_at
        if not isinstance(until, datetime):
            until = beat_at if said == LOST else utc_now()
        params = self._parsed(row.params)
        return RunRow(
            node_id=row.node_id,
            type=row.node_type,
            label=row.node_label,
            status=said,
            started=started if isinstance(started, datetime) else None,
            duration=duration_of(started, until),
            params=params if isinstance(params, dict) else {},
            commit=row.tracked_run_commit,
            by=row.node_created_by,
            error=row.tracked_run_error,
        )

    async def curves(self, node_ids: Collection[int]) -> Sequence[Any]:
        c = _series.c
        told = (c.series_last, c.series_min, c.series_max, c.series_points)
        query = select(c.series_id, c.series_node_id, c.series_name, *told)
        return await self._ask(query.where(among(c.series_node_id, node_ids)))

    async def below(self, node_ids: Collection[int]) -> Sequence[Any]:
        small = and_(
            _c.node_type == _DATABASE,
            _c.artifact_serializer == json_serializer.name,
            _c.artifact_size <= MOST_KEPT,
        )
        query = (
            select(
                _c.node_parent_id,
                _c.node_label,
                _c.node_type,
                cast(_c.model_artifact_data, Text()),
                case((small, _c.database_artifact_value), else_=literal(None)).label("plain"),
            )
            .where(
                among(_c.node_parent_id, node_ids),
                or_(_c.node_type == _MODEL, small),
                _c.node_trashed_at.is_(None),
                _c.node_label.is_not(None),
            )
            .order_by(_c.node_id)
            .limit(MOST_BELOW)
        )
        return await self._ask(query)

    def take_values(self, runs: Mapping[int, RunRow], below: Iterable[Any]) -> None:
        for parent_id, label, node_type, document, plain in below:
            values = runs[parent_id].values
            if node_type == _MODEL:
                found = self._parsed(document)
                if isinstance(found, dict):
                    values |= {f"{label}.{name}": one for name, one in _scalars(found)}
            elif isinstance(plain, bytes) and (value := _plain(plain)) is not _NOTHING:
                values[str(label)] = value


_NOTHING = object()


def _plain(data: bytes) -> object:
    try:
        value = json_serializer.deserialize(data)
    except ArtigraphError:
        return _NOTHING
    is_scalar = value is None or isinstance(value, bool | int | float | str)
    return value if is_scalar else _NOTHING


def _scalars(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a document that a table tells in one cell."""
    for name, value in document.items():
        if name.startswith("$"):
            continue
        if value is None or isinstance(value, bool | int | float | str):
            yield name, value
        elif isinstance(value, dict) and "$" in value:
            try:
                decoded = ANY.decode(value, LoadedChildren())
            except (ArtigraphError, KeyError, ValueError, TypeError):
                continue  # a part, or somebody else's
            if not isinstance(decoded, Collection):
                yield name, decoded
