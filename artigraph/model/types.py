"""Model classes by name: what a stored name means here and now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import artigraph.model.log  # noqa: F401  # its class is defined wherever rows are read
from artigraph.model.base import BaseModel, models_by_name, overwrites

__all__ = ["allow_model_type_overwrites", "find_model", "model_names"]


def find_model(name: str) -> type[BaseModel] | None:
    """The class that a stored name means, if there is one here."""
    return models_by_name.get(name)


def model_names() -> list[str]:
    """The names of the model classes that are defined by now."""
    return list(models_by_name)


@contextmanager
def allow_model_type_overwrites() -> Iterator[None]:
    """Let a class that is defined in this block replace another of its name."""
    token = overwrites.set(True)
    try:
        yield
    finally:
        overwrites.reset(token)
