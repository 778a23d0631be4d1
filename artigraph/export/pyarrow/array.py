"""Stored values as Arrow arrays, each of the one type that keeps them all.

Values of several types, or of none that Arrow has, become JSON that says itself
what it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.codec.base import Schema
from artigraph.export.column import Piece
from artigraph.export.declared import Declared
from artigraph.export.untag import REF, UNREADABLE, bare, content_of, resolve
from artigraph.types.record import Scalar
from artigraph.types.scalar import SCALARS_BY_NAME

__all__ = ["JSON", "MOMENT", "UNEVEN", "array_of", "arrow_type"]

JSON = pa.large_string()
"""Tells JSON from other text until the table is made."""

MOMENT = pa.timestamp("us", "UTC")

UNEVEN = (*UNREADABLE, pa.ArrowException)
"""What making an array ends in where values are not all of one type."""


def arrow_type(declared: Declared) -> pa.DataType:
    """The type of a column whose values are all missing."""
    if isinstance(declared, tuple):
        return pa.list_(arrow_type(declared[0]))
    return _type_of(declared) if isinstance(declared, Scalar) else pa.null()


def _type_of(scalar: Scalar) -> pa.DataType:
    make, *arguments = scalar.arrow
    made: pa.DataType = getattr(pa, make)(*arguments)
    return made


_NATIVE = {frozenset(s.types): _type_of(s) for s in SCALARS_BY_NAME.values() if s.native}
# Refused where an integer is none of a float's.
_NATIVE[frozenset({int, float})] = pa.float64()


def array_of(piece: Piece) -> pa.Array[Any]:
    """The values of a piece, as JSON if no other type keeps them.

    Raises:
        BlobInside: One of them is not in the document at all.
    """
    if not piece.whole:
        try:
            return _array(piece.values, piece.schema)
        except UNEVEN:
            pass
    return pa.array(piece.as_json(), JSON)


def _array(values: Sequence[Any], schema: Schema) -> pa.Array[Any]:
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if not kinds:
        return pa.nulls(len(values))
    if dict in kinds:
        values, schema = _without_tags(values, schema)
        kinds = set(map(type, values)) - {type(None)}
    if kinds == {list}:
        return _lists(values, schema)
    if isinstance(schema, str) and kinds <= {str, int}:
        return _read(SCALARS_BY_NAME[schema], values)
    # Whatever else a schema tells, a value of another kind is stored as itself.
    return pa.array(values, _NATIVE[frozenset(kinds)])


def _without_tags(values: Sequence[Any], schema: Schema) -> tuple[list[Any], Schema]:
    """The items of a list, some of which name their kind."""
    plain: list[Any] = []
    schemas: list[Schema] = []
    for value in values:
        how, one, whole = resolve(value, schema)
        if whole or how is REF or isinstance(one, dict):
            raise TypeError(value)
        plain.append(one)
        if one is not None:
            schemas.append(how)
    if any(how != schemas[0] for how in schemas):
        raise TypeError(schemas)
    return plain, schemas[0] if schemas else None


def _lists(values: Sequence[Any], schema: Schema) -> pa.Array[Any]:
    item = None
    for kind in ("list", "tuple", "set", "frozenset"):
        item = item or content_of(schema, kind)
    places = content_of(schema, "places")
    if places is not None:
        if any(place != places[0] for place in places):
            raise TypeError(places)
        item = places[0] if places else None
    offsets: list[int | None] = []
    flat: list[Any] = []
    for value in values:
        offsets.append(None if value is None else len(flat))
        flat += value or ()
    offsets.append(len(flat))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), _array(flat, bare(item)))


def _read(scalar: Scalar, values: Sequence[Any]) -> pa.Array[Any]:
    if scalar.name in _READERS:
        return _READERS[scalar.name](values)
    type_ = _type_of(scalar)
    # Unless it is a text there as well, one by one, as the codecs do.
    if type_ != pa.string():
        values = [None if value is None else scalar.read(value) for value in values]
    return pa.array(values, type_)


def _read_texts(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array(values, pa.string())


def _read_datetimes(values: Sequence[Any]) -> pa.Array[Any]:
    # 26 characters of a clock, then nothing but a fold, or Z and perhaps a zone.
    texts = _read_texts(values)
    clocks = pc.utf8_slice_codeunits(texts, 0, 26).cast(pa.timestamp("us"))
    zones = pc.unique(pc.utf8_slice_codeunits(texts, 26)).drop_null().to_pylist()
    aware = {str(zone).startswith("Z") for zone in zones}
    if aware == {True}:
        return clocks.cast(MOMENT)
    if True in aware:
        raise ValueError("some have a zone and some have none")
    return clocks


def _read_timedeltas(values: Sequence[Any]) -> pa.Array[Any]:
    return pa.array(values, pa.int64()).cast(pa.duration("us"))


def _read_decimals(values: Sequence[Any]) -> pa.Array[Any]:
    decimals = [None if value is None else Decimal(value) for value in values]
    if not all(one is None or one.is_finite() for one in decimals):
        raise ValueError("Arrow's decimals are finite")
    return pa.array(decimals)


def _read_bytes(values: Sequence[Any]) -> pa.Array[Any]:
    decode = base64.b64decode
    return pa.array([None if v is None else decode(v, validate=True) for v in values], pa.binary())


# All values at once; those of other types are read one by one.
_READERS: dict[str, Callable[[Sequence[Any]], pa.Array[Any]]] = {
    "datetime": _read_datetimes,
    "date": lambda values: _read_texts(values).cast(pa.date32()),
    "timedelta": _read_timedeltas,
    "decimal": _read_decimals,
    "bytes": _read_bytes,
}
