"""Rows of curves, read before somebody goes on with them, and written: few statements for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from artigraph.db.outcome import conflict
from artigraph.dialect.registry import dialect_of
from artigraph.errors import DeserializationError
from artigraph.orm.series import SERIES_ID_SEQUENCE, SeriesBlockRecord, SeriesRecord
from artigraph.series.codec import LONGEST_BLOCK, unpack_points
from artigraph.series.curve import BLOCK_POINTS, Ahead, Curve
from artigraph.series.line import LONGEST_LINE, Line

__all__ = ["MOST_CURVES", "load_curves", "write_curves"]

MOST_CURVES = 10_000
"""How many curves one node may have."""

_series: Any = SeriesRecord.__table__
_block: Any = SeriesBlockRecord.__table__
_of, _in = _series.c, _block.c


def load_curves(connection: Connection, node_id: int) -> dict[str, Curve]:
    """The curves of a node by name, each with its last block, to go on with them.

    Args:
        connection: One whose transaction may write them.
        node_id: The node.
    """
    last = (
        select(func.max(_in.block_number))
        .where(_in.block_series_id == _of.series_id)
        .correlate(_series)
        .scalar_subquery()
    )
    is_last = and_(_in.block_series_id == _of.series_id, _in.block_number == last)
    length = func.length(_in.block_data)
    query = (
        select(
            _of.series_id,
            _of.series_name,
            _of.series_points,
            _of.series_last_step,
            _of.series_min,
            _of.series_max,
            func.substr(_of.series_line, 1, LONGEST_LINE + 1, type_=_of.series_line.type).label(
                "line"
            ),
            _in.block_number,
            _in.block_count,
            func.substr(_in.block_data, 1, LONGEST_BLOCK, type_=_in.block_data.type).label("data"),
            length.label("length"),
        )
        .select_from(_series.outerjoin(_block, is_last))
        .where(_of.series_node_id == node_id)
        .limit(MOST_CURVES)
    )
    rows = connection.execute(query).all()
    return {row.series_name: _curve(row) for row in rows if isinstance(row.series_name, str)}


def _curve(row: Any) -> Curve:
    nan = float("nan")
    curve = Curve(
        row.series_name,
        row.series_id,
        points=_count(row.series_points),
        last_step=_count(row.series_last_step),
        low=row.series_min if isinstance(row.series_min, float) else nan,
        high=row.series_max if isinstance(row.series_max, float) else nan,
    )
    curve.line = Line(row.line, curve.points)
    if isinstance(row.block_number, int):
        curve.number = row.block_number + 1
        if isinstance(row.block_count, int) and row.block_count < BLOCK_POINTS:
            try:
                curve.open = unpack_points(row.data, row.block_count)
                curve.number = row.block_number
            except DeserializationError:
                pass  # a new block follows it, and reading it says so
    return curve


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


_change_series = update(_series).where(_of.series_id == bindparam("id"))
_change_block = update(_block).where(
    _in.block_series_id == bindparam("id"), _in.block_number == bindparam("number")
)


def write_curves(connection: Connection, node_id: int, ahead: Sequence[Ahead]) -> list[int]:
    """Write what is new of some curves.

    Args:
        connection: One whose transaction holds the node's claim.
        node_id: The node.
        ahead: What to write of each.

    Returns:
        The keys of their rows.
    """
    fresh = [one for one in ahead if one.curve.series_id is None]
    ids = {id(one): one.curve.series_id for one in ahead if one.curve.series_id is not None}
    if fresh:
        reserved, _ = dialect_of(connection).reserve_ids(
            connection, _series.name, SERIES_ID_SEQUENCE, len(fresh), 0, ()
        )
        ids |= {id(one): number for one, number in zip(fresh, reserved, strict=True)}
    inserted = [
        {"series_id": ids[id(one)], "series_node_id": node_id, "series_name": one.curve.name}
        | one.row()
        for one in fresh
    ]
    changed = [
        {"id": ids[id(one)], **one.row()} for one in ahead if one.curve.series_id is not None
    ]
    rewritten, added = [], []
    for one in ahead:
        for place, (number, count, data) in enumerate(one.blocks):
            if place == 0 and one.is_changed:
                rewritten.append({"id": ids[id(one)], "number": number} | _columns(count, data))
            else:
                key = {"block_series_id": ids[id(one)], "block_number": number}
                added.append(key | _columns(count, data))
    try:
        for statement, rows in (
            (_change_series, changed),
            (insert(_series), inserted),
            (_change_block, rewritten),
            (insert(_block), added),
        ):
            if rows:
                connection.execute(statement, rows)
    except IntegrityError as error:
        # A node that was deleted meanwhile, or rows that are not as they were.
        raise conflict(error.orig or error) from error
    return [ids[id(one)] for one in ahead]


def _columns(count: int, data: bytes) -> dict[str, Any]:
    return {"block_count": count, "block_data": data}
