"""What is told of a node's curves, as far as filters ask for it: ``metrics.accuracy``.

A metric is compared by its last value, or by its smallest, its largest or the number of its
points. They stand in the row of the curve, so that no point is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, select
from typing_extensions import override

from artigraph.errors import FilterError
from artigraph.filter.shape import METRICS, Path, Shape
from artigraph.filter.stored import Compares, InColumn, StoredValue
from artigraph.orm.series import SeriesRecord
from artigraph.registry import did_you_mean
from artigraph.types.record import Scalar
from artigraph.types.scalar import SCALARS_BY_NAME

__all__ = ["InMetric", "MetricShape", "MetricsShape", "metric_paths"]

_series: Any = SeriesRecord.__table__
_PARTS: Mapping[str, tuple[Column[Any], Scalar]] = {
    "last": (_series.c.series_last, SCALARS_BY_NAME["float"]),
    "min": (_series.c.series_min, SCALARS_BY_NAME["float"]),
    "max": (_series.c.series_max, SCALARS_BY_NAME["float"]),
    "points": (_series.c.series_points, SCALARS_BY_NAME["int"]),
}


def metric_paths(path: Path) -> list[Path]:
    """What a path that was typed with dots may mean: ``("loss", "min")``.

    Returns:
        Paths of a node: to the metric that is called so, and to what is told of one.
    """
    found: list[Path] = [(METRICS, ".".join(path))]
    if len(path) > 1 and path[-1] in _PARTS:
        found.insert(0, (METRICS, ".".join(path[:-1]), path[-1]))
    return found


class MetricsShape(Shape):
    """The metrics of a node, whatever they are called."""

    def __init__(self) -> None:
        super().__init__("the metrics of a run")

    @override
    def step(self, key: str) -> Shape:
        return MetricShape(key)

    @override
    def beside(self, row: FromClause) -> StoredValue:
        return InMetric(row, None, _series.c.series_points)


class MetricShape(Shape):
    """A metric, or something that is told of it.

    Args:
        metric: Its name.
        part: What is told of it; its last value, unless given.
    """

    def __init__(self, metric: str, part: str | None = None) -> None:
        self._column, scalar = _PARTS[part or "last"]
        super().__init__("a metric" if part is None else scalar.noun, (scalar,))
        self._metric, self._part = metric, part

    @property
    @override
    def names(self) -> Sequence[str] | None:
        return list(_PARTS) if self._part is None else None

    @override
    def step(self, key: str) -> Shape | None:
        if self._part is not None:
            return None
        if key not in _PARTS:
            raise FilterError(
                f"Of a metric there is no {key!r}. {did_you_mean(key, _PARTS)} A name with a dot "
                f"in it is one key: {(METRICS, f'{self._metric}.{key}')!r}."
            )
        return MetricShape(self._metric, key)

    @override
    def beside(self, row: FromClause) -> StoredValue:
        return InMetric(row, self._metric, self._column)


class InMetric(StoredValue):
    """What is told of a metric of a row; missing where the row has no such metric.

    Args:
        row: The table of nodes, or an alias of it.
        metric: The name; any, unless given.
        column: What is told, a column of the table of curves.
    """

    def __init__(self, row: FromClause, metric: str | None, column: Column[Any]) -> None:
        self._row, self._metric, self._column = row, metric, column
        self._told = InColumn(_series, column)

    def _where(self, held: ColumnElement[bool]) -> ColumnElement[bool]:
        # By name and value, as the index of curves has them, and not node by node.
        having = select(_series.c.series_node_id).where(*self._named(), held)
        return self._row.c.node_id.in_(having)

    def _named(self) -> Sequence[ColumnElement[bool]]:
        return () if self._metric is None else (_series.c.series_name == self._metric,)

    @override
    def present(self) -> ColumnElement[bool]:
        return self._where(self._told.present())

    @override
    def nan(self) -> ColumnElement[bool]:
        return self._where(self._told.nan())

    @override
    def compared(self, operator: Compares, scalar: Scalar, stored: Any) -> ColumnElement[bool]:
        return self._where(self._told.compared(operator, scalar, stored))

    @override
    def sortable(self, scalar: Scalar) -> ColumnElement[Any]:
        here = _series.c.series_node_id == self._row.c.node_id
        one = select(self._column).where(here, *self._named()).correlate(self._row)
        return one.scalar_subquery()
