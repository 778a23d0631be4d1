"""A table of runs, that shows itself and becomes a frame."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, overload

from typing_extensions import override

from artigraph.display.curve import Curve
from artigraph.display.escape import counted, cut
from artigraph.display.facts import BadgeCell, Facts, Table
from artigraph.display.options import Limits
from artigraph.display.shown import Shown, as_text
from artigraph.display.value import LONGEST_CELL, format_duration, format_time, table_cell
from artigraph.errors import FilterError
from artigraph.orm.run import status_role
from artigraph.registry import did_you_mean
from artigraph.run.collect import Runs
from artigraph.series.summary import SeriesSummary

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["MOST_DRAWN", "MOST_OF_A_KIND", "RunTable", "make_table"]

MOST_OF_A_KIND = 1_000
"""Parameters of all runs together that have a column, and values, tags and metrics."""

MOST_DRAWN = 2_000
"""Curves of the runs that are shown."""

_FIRST = ("path", "status", "duration")
_LAST = ("type", "started", "by", "commit", "error", "node_id")
_ADDED = (".min", ".max", ".points")
_SPOKEN = {"params": "parameters"}


class RunTable(Shown):
    """Runs, one row each, as :func:`~artigraph.read_runs` reads them.

    ``table[0]`` is a row as a dict, ``table["params.lr"]`` a column as a list; ``len(table)``
    counts the runs.

    Args:
        columns: The values of each column by its name, one a run.
        node_ids: The runs' ids, in order.
        shown: The columns that the table shows of itself, in order; all, unless given.
        noted: What its reader should know.
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        *,
        node_ids: Sequence[int] = (),
        shown: Sequence[str] | None = None,
        noted: Sequence[str] = (),
    ) -> None:
        self._columns = {name: list(values) for name, values in columns.items()}
        self._node_ids = list(node_ids)
        self._curves: dict[tuple[int, str], Curve] = {}
        self._shown = list(columns if shown is None else shown)
        self._is_asked = shown is None
        self._noted = tuple(noted)

    @property
    def columns(self) -> list[str]:
        """The names of its columns, in order."""
        return list(self._columns)

    @property
    def node_ids(self) -> list[int]:
        """The ids of the runs, in order."""
        return list(self._node_ids)

    def draw(self, curves: Iterable[SeriesSummary]) -> None:
        """Have curves drawn beside their metrics, of those runs of which they are known.

        Args:
            curves: Some of them, of any of the runs.
        """
        self._curves = {(one.node_id, one.name): Curve(one.line) for one in curves}

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...

    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...

    def __getitem__(self, key: str | int) -> list[Any] | dict[str, Any]:
        if isinstance(key, str):
            if key not in self._columns:
                raise FilterError(
                    f"The table has no column {cut(repr(key), 80)}. "
                    f"{did_you_mean(key, self._columns)}"
                )
            return list(self._columns[key])
        return {name: values[key] for name, values in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))

    def to_pandas(self) -> pd.DataFrame:
        """The table as a pandas frame.

        Returns:
            One row a run. Integers and bools of which some are missing are ``Int64`` and
            ``boolean``, a missing float is NaN; durations are ``timedelta64``, moments
            ``datetime64[us, UTC]``. What is mixed is of ``object``.

        Raises:
            MissingLibraryError: pandas is not installed.
        """
        from artigraph.run.pandas import to_pandas

        return to_pandas(self._columns)

    def to_arrow(self) -> pa.Table:
        """The table as one of Arrow's.

        Returns:
            One row a run; columns of mixed values, and of lists and dicts, are JSON texts.

        Raises:
            MissingLibraryError: pyarrow is not installed.
        """
        from artigraph.run.pyarrow import to_arrow

        return to_arrow(self._columns)

    @override
    def __str__(self) -> str:
        return as_text(self)

    @override
    def _describe(self, limits: Limits) -> Facts:
        total = len(self)
        rows = range(min(total, limits.max_results))
        # Columns that tell nothing of these rows would push others out of sight.
        told = [name for name in self._shown if any(_says(self._columns[name][i]) for i in rows)]
        shown = told[: limits.max_columns]
        drawn = {name for _, name in self._curves}.intersection(shown)
        cells = [tuple(self._cells(shown, drawn, index, limits)) for index in rows]
        heads = [head for name in shown for head in ((name, "") if name in drawn else (name,))]
        numbers = {i for i, name in enumerate(heads) if name and _is_numeric(self._columns[name])}
        return Facts(
            counted(total, "run"),
            lines=self._noted,
            table=Table(
                tuple(cut(self._head(name), 60) for name in heads),
                tuple(cells),
                gap=len(cells),
                more=total - len(cells),
                more_columns=len(told) - len(shown),
                numbers=frozenset(numbers),
            )
            if total
            else None,
        )

    def _head(self, name: str) -> str:
        """What a column is called at its head: a parameter by its own name, if no other has it."""
        short = name.removeprefix("params.")
        return name if short in self._columns else short

    def _cells(
        self, shown: Sequence[str], drawn: Collection[str], index: int, limits: Limits
    ) -> Iterator[str]:
        for name in shown:
            yield self._cell(name, index, limits)
            if name in drawn:
                yield self._curves.get((self._node_ids[index], name), "")

    def _cell(self, name: str, index: int, limits: Limits) -> str:
        value = self._columns[name][index]
        if isinstance(value, timedelta):
            return format_duration(value)
        if value is None:
            return ""
        if isinstance(value, datetime):
            return format_time(value).removesuffix(" UTC")
        if isinstance(value, str):
            # Among others a long message would push all that follows out of sight.
            is_aside = name == "error" and not self._is_asked
            text = cut(value, min(limits.max_text, LONGEST_CELL) if is_aside else limits.max_text)
            return BadgeCell(text, status_role(text)) if name == "status" else text
        return f"{value:.6g}" if isinstance(value, float) else table_cell(value, limits)

    @override
    def _brief(self, limits: Limits) -> str:
        wide = counted(len(self._columns), "column")
        return f"<RunTable of {counted(len(self), 'run')} with {wide}>"


def _says(value: object) -> bool:
    return value is not None and value != ""


def _is_numeric(values: Sequence[Any]) -> bool:
    found = {type(value) for value in values if value is not None}
    return bool(found) and found <= {int, float}


def make_table(
    runs: Runs,
    *,
    columns: Sequence[str] | None = None,
    order_by: Sequence[str] = (),
    limit: int | None = None,
    only_different: bool = False,
    baseline: int | None = None,
) -> RunTable:
    """The table of some runs.

    Args:
        runs: The runs, the newest first.
        columns: Which columns, in order; a name stands for all that begin with it and a dot.
        order_by: Columns to sort by, the most important first; ``-`` before a name for the
            largest first. Missing values come last.
        limit: How many rows at the most.
        only_different: Leave parameters, metrics, tags and values out that all runs share.
        baseline: The id of the run that stands first, and that others' metrics are compared with.

    Raises:
        FilterError: An unknown column, or a baseline that is not among the runs.
    """
    rows = runs.rows
    named = dict(_named(runs))
    noted: list[str] = []
    for kind in ("params", "values"):
        names = {name for row in rows for name in getattr(row, kind)}
        if (more := len(names) - MOST_OF_A_KIND) > 0:
            noted.append(f"{more:,} {_SPOKEN.get(kind, kind)} are left out.")
    order = list(range(len(rows)))
    for key in reversed(order_by):
        name = _full(key.removeprefix("-"), named)
        if name not in named:
            _refuse(name, "order_by", named)
        values = named[name]
        keys = [_sort_key(value) for value in values]
        order.sort(key=keys.__getitem__, reverse=key.startswith("-"))
        # Sorting again keeps that order, and puts missing ones last either way.
        order.sort(key=[_is_missing(value) for value in values].__getitem__)
    order = order[:limit]
    if baseline is not None:
        first = [index for index in range(len(rows)) if rows[index].node_id == baseline]
        if not first:
            raise FilterError(
                f"baseline={baseline} is none of the runs that were read. Take one that the "
                "filter finds."
            )
        order = first + [index for index in order if index not in first]
        named = _compared(runs, named, first[0])
    named = {name: [values[index] for index in order] for name, values in named.items()}
    if only_different and len(order) > 1:
        named = {n: v for n, v in named.items() if n in (*_FIRST, *_LAST) or not _same(v)}
    ids = [rows[index].node_id for index in order]
    if columns is not None:
        return RunTable(_chosen(named, columns), node_ids=ids, noted=noted)
    hidden = {n for n in named if n.endswith(_ADDED) and n[: n.rindex(".")] in named}
    hidden |= {name for name in ("type", "commit", "error", "by") if name in named}
    shown = [name for name in named if name not in hidden]
    # Why a run failed is what one looks for first; it is seen where one of those shown did.
    shown[2:2] = [name for name in ("error",) if name in named]
    return RunTable(named, node_ids=ids, shown=shown, noted=noted)


def _full(name: str, known: Mapping[str, object]) -> str:
    """A column's whole name: a parameter may be called as at the head of the table."""
    return name if name in known or f"params.{name}" not in known else f"params.{name}"


def _refuse(name: str, what: str, known: Mapping[str, object]) -> None:
    raise FilterError(
        f"{what} names {cut(repr(name), 80)}, which no run that was found has. "
        f"{did_you_mean(name, known)}"
    )


def _first(names: Iterable[str]) -> list[str]:
    return list(islice(dict.fromkeys(names), MOST_OF_A_KIND))


def _named(runs: Runs) -> Iterator[tuple[str, list[Any]]]:
    """Each column, with its values: what was worked with first, bookkeeping last."""
    rows = runs.rows
    yield "path", [row.path for row in rows]
    yield "status", [row.status or None for row in rows]
    yield "duration", [row.duration for row in rows]
    # The newest runs say which there are first; what only old ones have follows.
    params = _first(name for row in rows for name in row.params)
    for name in params:
        yield f"params.{name}", [row.params.get(name) for row in rows]
    taken = {*_FIRST, *_LAST, *(f"params.{name}" for name in params)}
    heads: dict[str, str] = {}
    # The shorter one keeps its name: beside "loss" stands "loss.min", whatever is called so.
    for name in sorted(runs.metrics, key=len):
        # Of a metric that is called like another column, that it is one.
        column = name
        while not taken.isdisjoint({column, *(f"{column}{one}" for one in _ADDED)}):
            column = f"metrics.{column}"
        taken |= {column, *(f"{column}{one}" for one in _ADDED)}
        heads[name] = column
    for name, metric in runs.metrics.items():
        column = heads[name]
        yield column, metric.last
        yield f"{column}.min", metric.least
        yield f"{column}.max", metric.most
        yield f"{column}.points", metric.points
    values = _first(name for row in rows for name in row.values)
    for name in values:
        # Of a value that is called like a metric, that it was kept.
        column = f"kept.{name}" if name in taken else name
        yield column, [row.values.get(name) for row in rows]
    for name in _first(name for row in rows for name in row.tags):
        yield name, [row.tags.get(name) for row in rows]
    yield "type", [row.type for row in rows]
    yield "started", [row.started for row in rows]
    yield "by", [row.by for row in rows]
    yield "commit", [row.commit for row in rows]
    yield "error", [row.error for row in rows]
    yield "node_id", [row.node_id for row in rows]


def _compared(runs: Runs, named: Mapping[str, list[Any]], first: int) -> dict[str, list[Any]]:
    """With a column beside each metric: how far each run's last value is from the baseline's."""
    made: dict[str, list[Any]] = {}
    for name, values in named.items():
        made[name] = values
        base = values[first]
        if name in runs.metrics and base is not None:
            made[f"{name}.diff"] = [None if one is None else one - base for one in values]
    return made


def _chosen(named: Mapping[str, list[Any]], columns: Sequence[str]) -> dict[str, list[Any]]:
    chosen: dict[str, list[Any]] = {}
    for name in (_full(one, named) for one in columns):
        inside = {n: v for n, v in named.items() if n == name or n.startswith(f"{name}.")}
        if name in named and not name.startswith("params"):
            inside = {name: named[name]}
        if not inside:
            _refuse(name, "columns=…", named)
        chosen |= inside
    return chosen


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _sort_key(value: object) -> tuple[int, Any]:
    """Whatever stands in one column has an order: numbers, times, then texts."""
    if _is_missing(value):
        return 9, 0
    if isinstance(value, bool | int | float):
        return 0, value
    if isinstance(value, timedelta):
        return 1, value
    if isinstance(value, datetime):
        return 2, value
    return 3, str(value)


def _same(values: Sequence[Any]) -> bool:
    first = values[0]
    return all(type(one) is type(first) and one == first for one in values)
