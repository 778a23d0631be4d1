"""Whether values of Arrow are equal, NaNs in equal places included.

Arrow's own ``equals`` takes no NaN for another. It is asked first, and values
are looked at only where it finds a difference and their type may hold NaNs.
Those of unions are left to it.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from artigraph.serializer.pyarrow.convert import types_in

__all__ = ["equal_values"]


def equal_values(one: Any, other: Any, _: object = None) -> bool:
    """Whether two values of Arrow are equal.

    Args:
        one: A table, a record batch, an array or a chunked array; of anything
            else, Arrow itself is asked.
        other: Another of its class.
    """
    if one.equals(other):
        return True
    if isinstance(one, pa.Table | pa.RecordBatch):
        return one.schema.equals(other.schema) and all(
            map(equal_values, one.columns, other.columns)
        )
    if not isinstance(one, pa.Array | pa.ChunkedArray) or not one.type.equals(other.type):
        return False
    return len(one) == len(other) and _equal(one, other)


def _equal(one: Any, other: Any) -> bool:
    kind = one.type
    if not _holds_floats(kind):
        return bool(one.equals(other))
    if isinstance(one, pa.ChunkedArray):
        return _equal(one.combine_chunks(), other.combine_chunks())
    if not one.is_valid().equals(other.is_valid()):
        return False
    if pa.types.is_floating(kind):
        old, new = (array.to_numpy(zero_copy_only=False) for array in (one, other))
        return bool(((old == new) | ((old != old) & (new != new))).all())
    if isinstance(kind, pa.BaseExtensionType):
        return _equal(one.storage, other.storage)
    if pa.types.is_dictionary(kind):
        return _equal(one.dictionary_decode(), other.dictionary_decode())
    if pa.types.is_run_end_encoded(kind):
        decode = pc.run_end_decode  # type: ignore[attr-defined]  # the stubs are of an older one
        return _equal(decode(one), decode(other))
    if pa.types.is_map(kind):
        pairs = pa.list_(pa.struct([kind.key_field, kind.item_field]))
        return _equal(one.cast(pairs), other.cast(pairs))
    if pa.types.is_struct(kind):
        fields = range(kind.num_fields)
        return all(_equal(pc.struct_field(one, [i]), pc.struct_field(other, [i])) for i in fields)
    if pa.types.is_union(kind):
        return bool(one.equals(other))
    lengths = pc.list_value_length(one).equals(pc.list_value_length(other))
    return lengths and _equal(pc.list_flatten(one), pc.list_flatten(other))


def _holds_floats(kind: Any) -> bool:
    return any(map(pa.types.is_floating, types_in(kind)))
