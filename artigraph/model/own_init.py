"""Classes whose own ``__init__`` does not take their fields by name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["made_without_init", "takes_fields"]

T = TypeVar("T")


def takes_fields(init: Callable[..., None], names: Iterable[str]) -> bool:
    """Whether fields can be given to an ``__init__`` by name."""
    try:
        inspect.signature(init).bind(None, **dict.fromkeys(names))
    except (TypeError, ValueError):
        return False
    return True


def made_without_init(cls: type[T], data: Mapping[str, Any]) -> T:
    """An instance with these fields, and the defaults of the others; no ``__init__`` runs.

    Args:
        cls: A dataclass.
        data: The fields by name.
    """
    made = object.__new__(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]  # it is one
        name = field.name
        if name in data:
            object.__setattr__(made, name, data[name])
        elif field.default_factory is not dataclasses.MISSING:
            object.__setattr__(made, name, field.default_factory())
        elif field.default is not dataclasses.MISSING:
            object.__setattr__(made, name, field.default)
    return made
