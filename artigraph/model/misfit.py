"""Fields of models that are read with values of another type than annotated.

That is how a changed annotation without a new version of its class shows. The values are kept:
somebody may have written them so.
"""

from __future__ import annotations

from collections.abc import Callable

from artigraph.codec.misfit import Check, type_shown, value_shown
from artigraph.display.escape import counted, visible
from artigraph.model.base import BaseModel
from artigraph.types import annotation

__all__ = ["ReadMisfits"]

_CONVERTERS = ("float", "int", "str")
"""Types that are called to convert a value."""


class ReadMisfits:
    """What one listing has read of other types than annotated, counted by field."""

    __slots__ = ("_counts", "_first")

    def __init__(self) -> None:
        self._counts: dict[tuple[type[BaseModel], str], int] = {}
        self._first: dict[tuple[type[BaseModel], str], tuple[Check, str, object]] = {}

    def note(
        self, model: type[BaseModel], check: Check, value: object, row_name: Callable[[], str]
    ) -> None:
        """Count a value.

        Args:
            model: The class.
            check: What does not hold of one of its fields.
            value: What the field has.
            row_name: Says what the row is called.
        """
        key = model, check[0]
        self._counts[key] = self._counts.get(key, 0) + 1
        if key not in self._first:
            self._first[key] = check, row_name(), value

    def tell(self, warn: Callable[[str], None]) -> None:
        """Warn of each field; of what was told none tells again."""
        for (model, field), (check, row, value) in self._first.items():
            told = model._model_codecs().told_misfits
            if field not in told:
                warn(_text(model, check, self._counts[model, field], row, value))
                told.add(field)
        self._counts, self._first = {}, {}


def _text(model: type[BaseModel], check: Check, count: int, row: str, value: object) -> str:
    field, _, _, tree = check
    wanted = visible(tree.name, 80)
    hold = "holds" if count == 1 else "hold"
    named = isinstance(tree, annotation.Single) and tree.name in _CONVERTERS
    convert = f"{tree.name}(data[{field!r}])" if named else "…"
    return (
        f"{model.__name__}.{field} is annotated as {wanted}, and {counted(count, 'model')} of "
        f"those read {hold} something else, as it was written; the first: {row} has "
        f"{value_shown(value)}. If the annotation was changed, give the class a new version, and "
        "convert what is older:\n"
        f"class {model.__name__}({model.__bases__[0].__name__}, "
        f"version={(model.model_version or 0) + 1}):\n"
        "    …\n"
        "    @classmethod\n"
        "    def model_migrate(cls, version, data):\n"
        f"        return cls(**{{**data, {field!r}: {convert}}})\n"
        f"Else annotate what it holds: {wanted} | {type_shown(type(value))}. This is told once of "
        "each field of a class."
    )
