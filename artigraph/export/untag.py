"""Stored values without the objects that name their kind.

A document writes a value plainly where an annotation tells what it is, and as
``{"$": "datetime", "v": …}`` where none does; see ``artigraph.codec``. Here both
become the plain value and how it is stored. What has no plain form, such as a
dict whose keys are tuples, is left as it is.
"""

from __future__ import annotations

from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import TAG, LoadedChildren, Schema, is_tagged
from artigraph.orm.base import is_clean
from artigraph.types.scalar import SCALARS_BY_NAME, without_numpy

__all__ = ["REF", "UNREADABLE", "bare", "content_of", "resolve"]

REF = {"ref": None}
"""Stands for the schema of what is in a row of its own; no codec has it."""

UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
"""What reading a value that somebody changed in the database may end in."""

_COLLECTIONS: dict[str, Schema] = {kind: {kind: None} for kind in ("tuple", "set", "frozenset")}


def content_of(schema: Schema, kind: str, index: int | None = None) -> Schema:
    """What a schema of one kind holds, or one item of it; ``None`` for another schema."""
    content = schema.get(kind) if type(schema) is dict else None
    if index is None:
        return content
    return content[index] if type(content) is list and len(content) > index else None


def bare(schema: Schema) -> Schema:
    """A schema without what says that a value may be missing, or in a row of its own."""
    while type(schema) is dict and len(schema) == 1 and schema.keys() & {"optional", "part"}:
        (schema,) = schema.values()
    return schema


class Keys(dict[str, Any]):
    """An object whose keys are all somebody's own; one of them may be ``"$"``."""


def resolve(value: object, schema: Schema) -> tuple[Schema, Any, bool]:
    """A value without the object that names its kind.

    Args:
        value: A value as it is stored.
        schema: How its field is stored.

    Returns:
        How the value is stored, the value, and whether it has no plain form and
        is left as it is. Of a row below the model, ``REF`` and the row's label.
    """
    try:
        how, untagged = _resolve(value, schema)
    except UNREADABLE:
        return schema, value, True
    if is_tagged(untagged):
        return schema, value, True
    return how, untagged, False


def _resolve(value: Any, schema: Schema) -> tuple[Schema, Any]:
    while is_tagged(value):
        kind, content = value[TAG], value.get("v")
        if kind == "any":
            schema, value = None, content
        elif kind == "of":
            arms = content_of(schema, "union") or ()
            schema = bare(next((how for name, how in arms if name == value.get("t")), None))
            value = content
        elif kind == "ref":
            return REF, content
        elif kind in SCALARS_BY_NAME:
            scalar = SCALARS_BY_NAME[kind]
            return (None, scalar.read(content)) if scalar.native else (kind, content)
        elif kind in _COLLECTIONS:
            return _COLLECTIONS[kind], content
        elif kind == "numpy":
            return None, _numpy_scalar(value)
        elif kind == "dict":
            return None, _object(content, None)
        elif kind == "pairs":
            return schema, _object(content, content_of(schema, "dict", 1))
        else:
            break
    return schema, value


def _numpy_scalar(stored: dict[str, Any]) -> object:
    found = without_numpy(ANY.decode(stored, LoadedChildren()))
    if type(found) in (bool, int, float, str):
        return found
    raise ValueError(stored)


def _object(pairs: Any, key_schema: Schema) -> Keys:
    """Pairs as an object, if text or integers are their keys."""
    resolved = [_resolve(key, key_schema) for key, _ in pairs]
    keys = [key for how, key in resolved if how is not REF]  # a model is no name
    if len(keys) < len(resolved) or not all(
        type(key) is int or (type(key) is str and is_clean(key)) for key in keys
    ):
        raise ValueError(keys)
    made = Keys((str(key), value) for key, (_, value) in zip(keys, pairs, strict=True))
    if len(made) < len(keys):  # 1 and "1"
        raise ValueError(keys)
    return made
