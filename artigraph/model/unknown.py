"""What a stored model is read as that no class here can have."""

from __future__ import annotations

from dataclasses import replace
from keyword import iskeyword
from typing import Any

from typing_extensions import override

from artigraph.display.escape import cut
from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.row import describe_model, model_cells
from artigraph.display.shown import Shown
from artigraph.display.value import LONGEST_CELL, brief
from artigraph.errors import ArtigraphError, DeserializationError, UnknownModelError
from artigraph.model.equality import equal_values

__all__ = ["UnknownModel"]

_PLAIN = frozenset({bool, dict, float, int, list, str})
"""Types that need no import, and whose values any field of them takes."""


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text.isidentifier() and not iskeyword(text)


class UnknownModel(Shown):
    """A stored model without its class: that is not defined here, or the row does not fit it.

    It cannot be written, since it may hold less than its row.

    Args:
        name: What the class was called.
        version: Its version.
        data: Its fields by name, frames and nested models included; they are attributes,
            too. The member of an enumeration is its name.
        fault: Why no instance can be made, unless the class is not defined.
        kind: The class of the error that told so.
    """

    __slots__ = ("_kind", "data", "fault", "name", "version")

    name: str
    """What the class was called."""
    version: int
    """Its version."""
    data: dict[str, Any]
    """Its fields, sorted by name on every database, since no class tells another order. Of a
    row that does not fit its class, those that can be read; the others are as they are stored,
    and a handle stands for a value that cannot be read."""
    fault: str
    """Why no instance can be made; empty where no class of the name is defined."""

    def __init__(
        self,
        name: str,
        version: int,
        data: dict[str, Any],
        fault: str = "",
        kind: type[Exception] = DeserializationError,
    ) -> None:
        self.name, self.version, self.data = name, version, data
        self.fault, self._kind = fault, kind

    def __getattr__(self, name: str) -> Any:
        # A field is from the database, so it is never what something else asks for by "_…".
        if not name.startswith("_") and name not in self.__slots__ and name in self.data:
            return self.data[name]
        raise AttributeError(f"This {type(self).__name__} has no field {name!r}.")

    def error(self) -> ArtigraphError:
        """What to tell somebody who wanted an instance."""
        if self.fault:
            ours = issubclass(self._kind, ArtigraphError)
            return (self._kind if ours else DeserializationError)(self.fault)  # type: ignore[return-value]  # it is one of ours
        return UnknownModelError(
            f"A model {self.name!r} of version {self.version} is stored, but no class of that "
            "name is defined here. Import the module that defines it, or define it:\n"
            f"{self._code()}"
        )

    def _code(self) -> str:
        """A class that the row fits; of what the database says it has names and literals only."""
        types = {field: type(v) for field, v in self.data.items() if _is_name(field)}
        lines = [
            f"    {field}: {kind.__name__ if kind in _PLAIN else 'Any'}"
            for field, kind in types.items()
        ]
        name, given = self.name, ""
        if not _is_name(name):
            name, given = "Stored", f", name={name!a}"
        first = ["from typing import Any"] if set(types.values()) - _PLAIN else []
        head = f"class {name}(DataModel, version={self.version}{given}):"
        return "\n".join([*first, head, *(lines or ["    ..."]), ""])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UnknownModel):
            return NotImplemented
        return (self.name, self.version) == (other.name, other.version) and equal_values(
            self.data, other.data
        )

    @override
    def _describe(self, limits: Limits) -> Facts:
        facts = describe_model(self.name, self.version, self.data, limits)
        if not self.fault:
            return replace(facts, badges=(*facts.badges, Badge("class not defined here")))
        badge = Badge("cannot be made here")
        return replace(facts, badges=(*facts.badges, badge), warnings=(self.fault,))

    def _cells(self, limits: Limits) -> dict[str, str]:
        cells = model_cells(self.data, limits)
        return cells | {"fault": cut(self.fault, LONGEST_CELL)} if self.fault else cells

    def _noun(self) -> str:
        return "models"

    @override
    def _brief(self, limits: Limits) -> str:
        name, data = brief(self.name, limits), brief(self.data, limits.deeper())
        fault = f", fault={brief(self.fault, limits)}" if self.fault else ""
        return f"UnknownModel(name={name}, version={self.version}, data={data}{fault})"
