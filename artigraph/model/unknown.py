"""What a stored model is read as when its class is not defined here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from typing_extensions import override

from artigraph.display.facts import Badge, Facts
from artigraph.display.options import Limits
from artigraph.display.row import describe_model, model_cells
from artigraph.display.shown import Shown
from artigraph.display.value import brief
from artigraph.errors import UnknownModelError
from artigraph.model.equality import equal_values

__all__ = ["UnknownModel"]


class UnknownModel(Shown):
    """A stored model without its class.

    Args:
        name: What the class was called.
        version: Its version.
        data: Its fields by name, frames and nested models included; they are attributes,
            too. The member of an enumeration is its name.
    """

    __slots__ = ("data", "name", "version")

    name: str
    """What the class was called."""
    version: int
    """Its version."""
    data: dict[str, Any]
    """Its fields by name."""

    def __init__(self, name: str, version: int, data: dict[str, Any]) -> None:
        self.name, self.version, self.data = name, version, data

    def __getattr__(self, name: str) -> Any:
        # A field is from the database, so it is never what something else asks for by "_…".
        if not name.startswith("_") and name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"This {type(self).__name__} has no field {name!r}.")

    def error(self) -> UnknownModelError:
        """What to tell somebody who wanted an instance."""
        # The name and the fields are from the database, so they are only shown.
        fields = "".join(f"    {field}: {type(v).__name__}\n" for field, v in self.data.items())
        return UnknownModelError(
            f"A model {self.name!r} of version {self.version} is stored, but no class of that "
            "name is defined here. Import the module that defines it, or define it:\n"
            f"class {self.name}(DataModel, version={self.version}):\n{fields or '    ...'}"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UnknownModel):
            return NotImplemented
        return (self.name, self.version) == (other.name, other.version) and equal_values(
            self.data, other.data
        )

    @override
    def _describe(self, limits: Limits) -> Facts:
        facts = describe_model(self.name, self.version, self.data, limits)
        return replace(facts, badges=(*facts.badges, Badge("class not defined here")))

    def _cells(self, limits: Limits) -> dict[str, str]:
        return model_cells(self.data, limits)

    def _noun(self) -> str:
        return "models"

    @override
    def _brief(self, limits: Limits) -> str:
        name, data = brief(self.name, limits), brief(self.data, limits.deeper())
        return f"UnknownModel(name={name}, version={self.version}, data={data})"
