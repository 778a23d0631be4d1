"""Model classes made at run time."""

from __future__ import annotations

import sys
import types
from typing import Any, TypeVar

from artigraph.errors import ModelDefinitionError
from artigraph.model.base import BaseModel
from artigraph.model.data import DataModel

__all__ = ["create_model"]

B = TypeVar("B", bound=BaseModel)


def create_model(
    name: str, *, version: int = 1, base: type[B] | None = None, **fields: Any
) -> type[B]:
    """Make a model class.

    Args:
        name: The class's name.
        version: Its version.
        base: What it derives from; ``DataModel``, unless given.
        **fields: Each field's type, or a pair of its type and its default,
            which may be a ``dataclasses.field`` or a ``model_field``::

                Point = create_model("Point", x=int, y=(int, 0))

    Returns:
        The class.

    Raises:
        ModelDefinitionError: The name is none, or another class has it.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ModelDefinitionError(f"A class cannot be called {name!r}; give it a Python name.")
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {"__annotations__": annotations}
    for field, given in fields.items():
        annotations[field], *default = given if isinstance(given, tuple) else (given,)
        if len(default) > 1:
            raise ModelDefinitionError(
                f"The field {field!r} of {name} is a type, or a pair of a type and a default, "
                f"not {given!r}."
            )
        if default:
            namespace[field] = default[0]
    # The class belongs to the module that asks for it, as collections.namedtuple() has it.
    namespace["__module__"] = sys._getframe(1).f_globals.get("__name__", "__main__")
    parent: type[Any] = DataModel if base is None else base
    made: type[B] = types.new_class(
        name, (parent,), {"version": version}, lambda body: body.update(namespace)
    )
    return made
