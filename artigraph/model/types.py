"""Model classes by name: what a stored name means here and now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib import import_module
from typing import TYPE_CHECKING, Any

from artigraph.errors import ModelDefinitionError
from artigraph.serializer.base import serializers
from artigraph.storage.base import storages

if TYPE_CHECKING:
    from artigraph.model.base import BaseModel

__all__ = ["allow_model_type_overwrites", "find_model", "model_names", "register_model"]

_models: dict[str, type[BaseModel]] = {}
_BUILT_IN = {"artigraph.Log": "artigraph.model.log:Log"}
"""artigraph's own models, imported when a row of one is read."""
_overwrites: ContextVar[bool] = ContextVar("artigraph_model_overwrites", default=False)


def register_model(model: type[BaseModel]) -> None:
    """Let a class be what its name means from now on.

    In IPython a cell that defines a class is run again and again, so a newer
    class replaces an older one. In a module two classes of one name would
    read each other's rows.

    Raises:
        ModelDefinitionError: Another class has the name, outside of IPython and
            :func:`allow_model_type_overwrites`.
    """
    name = model.model_name
    known = _models.get(name)
    if known is not None and not _may_replace(known, model):
        raise ModelDefinitionError(
            f"The model name {name!r} belongs to {_home(known)}, so {_home(model)} needs another: "
            f"rename the class, or give it one with class {model.__name__}(…, name='…'). "
            "To replace it on purpose, define it inside: with allow_model_type_overwrites():"
        )
    _models[name] = model


def _may_replace(known: type[Any], model: type[Any]) -> bool:
    if _overwrites.get():
        return True
    # IPython is not imported to ask: where it runs, it has been.
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _home(model: type[Any]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _resolve_all() -> None:
    """Register the serializers and storages that the classes defined by now name.

    Annotations are resolved at first use, since they may name what is defined
    further down; a fresh kernel that only reads has not used any yet.
    """
    for model in list(_models.values()):
        # A class that cannot be resolved says so when it is used itself.
        with suppress(Exception):
            model._model_codecs()


serializers.add_source(_resolve_all)
storages.add_source(_resolve_all)


def find_model(name: str) -> type[BaseModel] | None:
    """The class that a stored name means, if there is one here."""
    found = _models.get(name)
    if found is None and name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        found = getattr(import_module(module), attribute)
    return found


def model_names() -> list[str]:
    """The names of the model classes that are defined by now."""
    return list(_models)


@contextmanager
def allow_model_type_overwrites() -> Iterator[None]:
    """Let a class that is defined in this block replace another of its name."""
    token = _overwrites.set(True)
    try:
        yield
    finally:
        _overwrites.reset(token)
