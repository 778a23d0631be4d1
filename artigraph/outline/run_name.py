"""What runs call their parameters and metrics, for who has misspelt one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Text, cast, exists, func, select

from artigraph.db.fetch import all_of, ask
from artigraph.db.session import read
from artigraph.dialect.registry import dialect_of
from artigraph.display.escape import visible
from artigraph.filter.base import PRESENT
from artigraph.orm.node import node_table
from artigraph.orm.series import SeriesRecord
from artigraph.outline.name import names_in
from artigraph.registry import nearest

__all__ = ["metrics_among", "no_such_name"]

MOST_RUNS = 100
"""Runs whose parameters are looked at, the newest ones."""
MOST_NAMES = 1_000
LONGEST = 20_000
"""Characters of the parameters of a run; what has more is not looked at."""
DEEPEST = 4

_series: Any = SeriesRecord.__table__
_params = node_table.c.tracked_run_params


async def metrics_among(names: Collection[str]) -> set[str]:
    """Those of some names that any node has as a metric."""
    if not names:
        return set()
    ordered = sorted(names)
    each: list[Any] = [
        exists(select(_series.c.series_id).where(_series.c.series_name == name)).label(f"has_{at}")
        for at, name in enumerate(ordered)
    ]
    (row,) = await ask(select(*each))
    return {name for name, there in zip(ordered, row, strict=True) if there}


async def no_such_name(name: str) -> str:
    """Say that no run has a parameter or a metric of a name, and which name is the nearest."""
    known = {*await _metrics(), *await _parameters()} - {name}
    near = nearest(name, known)
    hint = f" Did you mean {visible(near[0], 60)}?" if near else ""
    return f"No run has a parameter or a metric {visible(name, 60)}.{hint}"


async def _metrics() -> list[str]:
    names = names_in(_series.c.series_name)
    query = select(names.c.name).where(names.c.name.is_not(None)).limit(MOST_NAMES)
    return [str(name) for (name,) in await ask(query)]


async def _parameters() -> list[str]:
    text = cast(_params, Text())
    query = (
        select(text)
        .where(PRESENT, _params.is_not(None), func.length(text) <= LONGEST)
        .order_by(node_table.c.node_id.desc())
        .limit(MOST_RUNS)
    )
    async with read(once=True) as connection:
        as_written = dialect_of(connection).document_json
        rows = await all_of(await connection.execute(query))
    found: set[str] = set()
    for (one,) in rows:
        try:
            params = orjson.loads(one if as_written is None else as_written(one))
        except (TypeError, ValueError, RecursionError):
            continue  # somebody else's
        for name in _names(params, 1):
            if len(found) >= MOST_NAMES:
                return [*found]
            found.add(name)
    return [*found]


def _names(given: object, level: int) -> Iterator[str]:
    if not isinstance(given, Mapping):
        return
    for key, value in given.items():
        yield str(key)
        if level < DEEPEST:
            yield from (f"{key}.{inner}" for inner in _names(value, level + 1))
