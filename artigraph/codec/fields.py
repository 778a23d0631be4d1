"""The codecs of a model's fields, made ready once for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from artigraph.codec.any import ANY
from artigraph.codec.base import DEEPEST, TAG, Codec, EncodingContext, LoadedChildren, Schema
from artigraph.codec.misfit import Check
from artigraph.errors import ModelDefinitionError

__all__ = ["Codecs"]


class Codecs:
    """What each field of a class is stored as.

    Args:
        by_field: The codec of each annotated field; any other field is anything.
        bases: The names of the classes that the class derives from, which its documents say too.
        checks: What to see of values that are read.

    Raises:
        ModelDefinitionError: An annotation is nested too deep to be written down.
    """

    __slots__ = (
        "_by_field",
        "checks",
        "decoders",
        "deep",
        "encoders",
        "schemas",
        "told",
        "told_misfits",
    )

    def __init__(
        self,
        by_field: Mapping[str, Codec],
        bases: Sequence[str] = (),
        checks: Iterable[Check] = (),
    ) -> None:
        self._by_field = by_field
        # Bound methods: looking them up for each value is a tenth of a bulk write.
        self.encoders: dict[str, Callable[[Any, EncodingContext], Any]] = {
            name: codec.encode for name, codec in by_field.items()
        }
        self.decoders: dict[str, Callable[[Any, LoadedChildren], Any]] = {
            name: codec.decode for name, codec in by_field.items() if codec.decode is not ANY.decode
        }
        """Those of fields that JSON does not tell by itself."""
        self.schemas: dict[str, Schema] = {
            name: codec.schema for name, codec in by_field.items() if codec.schema is not None
        }
        """How the documents of the class have their fields, where that is more than
        JSON tells."""
        self.told: dict[str, Schema] = {**self.schemas, TAG: [*bases]} if bases else self.schemas
        """What the documents say of themselves: that, and the bases of the class."""
        for name, schema in self.schemas.items():
            if _levels(schema) > DEEPEST:
                raise ModelDefinitionError(
                    f"The annotation of the field {name!r} is nested deeper than the databases "
                    "read JSON. Annotate its inner part as Any, or make that a DataModel."
                )
        self.checks = list(checks)
        self.told_misfits: set[str] = set()
        """The fields of which was told by now that they hold what they are not annotated as."""
        self.deep = any(codec.deep for codec in by_field.values())
        """Whether a field may hold children."""

    def codec(self, field: str) -> Codec:
        """The codec of one field."""
        return self._by_field.get(field, ANY)


def _levels(schema: Schema) -> int:
    if isinstance(schema, dict):
        return 1 + max(map(_levels, schema.values()), default=0)
    return 1 + max(map(_levels, schema), default=0) if isinstance(schema, list) else 0
