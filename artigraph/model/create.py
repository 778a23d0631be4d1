"""Model classes made at run time."""

from __future__ import annotations

import sys
import types
from keyword import iskeyword
from typing import Any, TypeVar, overload

from artigraph.errors import ModelDefinitionError
from artigraph.model.base import BaseModel
from artigraph.model.data import DataModel

__all__ = ["create_model"]

B = TypeVar("B", bound=BaseModel)


@overload
def create_model(
    name: str = "", /, *, version: int = 1, base: None = None, **fields: Any
) -> type[DataModel]: ...


@overload
def create_model(
    name: str = "", /, *, version: int = 1, base: type[B], **fields: Any
) -> type[B]: ...


def create_model(
    name: str = "", /, *, version: int = 1, base: type[Any] | None = None, **fields: Any
) -> type[Any]:
    """Make a model class.

    Args:
        name: The class's name; one by keyword is a field once there is one without.
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
    name = name or fields.pop("name", name)
    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise ModelDefinitionError(f"A class cannot be called {name!r}; give it a Python name.")
    annotations: dict[str, Any] = {}
    namespace: dict[str, Any] = {"__annotations__": annotations}
    for field, given in fields.items():
        if not field.isidentifier() or iskeyword(field):
            raise ModelDefinitionError(
                f"A field of {name} cannot be called {field!r}; give it a Python name."
            )
        if isinstance(given, tuple) and len(given) != 2:
            raise ModelDefinitionError(
                f"The field {field!r} of {name} is a type, or a pair of a type and a default, "
                f"not {given!r}."
            )
        if isinstance(given, tuple):
            annotations[field], namespace[field] = given
        else:
            annotations[field] = given
    # The class belongs to the module that asks for it, as collections.namedtuple() has it.
    namespace["__module__"] = sys._getframe(1).f_globals.get("__name__", "__main__")
    parent: type[Any] = DataModel if base is None else base
    made: type[Any] = types.new_class(
        name, (parent,), {"version": version}, lambda body: body.update(namespace)
    )
    return made
