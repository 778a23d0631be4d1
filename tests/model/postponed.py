"""Model classes whose annotations are text, some of names that only a function knows."""

from __future__ import annotations

import dataclasses
from dataclasses import InitVar, dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar

from artigraph import DataModel
from artigraph.storage.file import FileSystemStorage


class Later(DataModel, version=1, name="postponed.Later"):
    """A model that names one defined further down, and itself."""

    below: Below | None = None
    again: list[Later] = field(default_factory=list)


class Below(DataModel, version=1, name="postponed.Below"):
    """Defined after the model that names it."""

    day: date


def make_local(folder: Path) -> type[DataModel]:
    """A model class whose annotations name the variables of this function."""
    files = FileSystemStorage(folder, name="test-postponed")

    class Color(Enum):
        RED = 1

    @dataclass
    class Local(DataModel, version=1, name="postponed.Local"):
        count: ClassVar[int] = 5
        color: Color
        big: Annotated[list[int], files]
        seed: InitVar[int] = 0
        _: dataclasses.KW_ONLY
        below: Below | None = None
        red: Any = Color.RED.name

    return Local


def make_missing() -> type[DataModel]:
    """A model class with an annotation that nobody defines."""

    class Missing(DataModel, version=1, name="postponed.Missing"):
        x: NoSuchType  # type: ignore[name-defined]  # noqa: F821  # that is the point

    return Missing
