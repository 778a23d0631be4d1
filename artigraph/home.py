"""Where a class is made, and whether a newer one is the same made again.

Cells run again, modules are loaded again, Streamlit runs a whole script again, and a
worker gets a copy of a notebook's class. The newer class then takes the older one's place.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from types import CodeType, FrameType
from typing import Any, TypeVar, cast
from weakref import ReferenceType, WeakKeyDictionary, ref

__all__ = [
    "caller_frame",
    "home",
    "home_of_each",
    "newest",
    "note_statement",
    "replaces",
    "warn_caller",
]

C = TypeVar("C", bound=type[Any])

_statements: WeakKeyDictionary[type[Any], tuple[ReferenceType[CodeType], int]]
_statements = WeakKeyDictionary()
"""The code and the line that have made each class."""


def home(made: object) -> str:
    """Where a class or a function is made: its module and its name there."""
    module = getattr(made, "__module__", "")
    # A spawned process calls so what the first one calls its main module.
    module = "__main__" if module == "__mp_main__" else module
    return f"{module}.{getattr(made, '__qualname__', repr(made))}"


def newest(cls: C) -> C:
    """A class as it was made last: what its module has under its name by now."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(name)
    if found is cls or not isinstance(found, type) or home(found) != home(cls):
        return cls
    # A base lists its subclasses as they were made: a function may make one later that
    # calls itself as the module's.
    siblings: list[type[Any]] = (cls.__base__ or object).__subclasses__()
    made = [one for one in siblings if one in (cls, found)]
    return cls if made == [found, cls] else cast(C, found)


def caller_frame() -> FrameType | None:
    """What calls artigraph just now, or runs the class statement that makes a class."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _makes_classes(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame


def warn_caller(text: str, category: type[Warning]) -> None:
    """Warn whoever called artigraph just now.

    Args:
        text: The warning.
        category: Its class.
    """
    frame = caller_frame()
    if frame is None:
        warnings.warn(text, category, stacklevel=2)
        return
    names = frame.f_globals
    warnings.warn_explicit(
        text,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        names.get("__name__"),
        names.setdefault("__warningregistry__", {}),
    )


def _makes_classes(module: str) -> bool:
    # ABCMeta and types.new_class() stand between us and the class statement.
    return module in ("abc", "types") or module.startswith("artigraph.")


def note_statement(cls: type[Any]) -> None:
    """Remember what makes a class just now, to tell a second one from one made again."""
    frame = caller_frame()
    if frame is not None:
        _statements[cls] = ref(frame.f_code), frame.f_lineno


def replaces(cls: type[Any], known: type[Any]) -> bool:
    """Whether a class takes the place of a known one of its stored name.

    It does if it has the same home, unless the two are different statements of one module,
    or calls that give them different fields. In IPython cells take each other's places.
    """
    if _is_of_cell(cls) and _is_of_cell(known):
        return True
    return home(cls) == home(known) and not _is_second(cls, known)


def _is_of_cell(cls: type[Any]) -> bool:
    # IPython is not imported to ask: where it runs, it has been.
    ipython = sys.modules.get("IPython")
    return (
        cls.__module__ == "__main__" and ipython is not None and ipython.get_ipython() is not None
    )


def _is_second(cls: type[Any], known: type[Any]) -> bool:
    (code, line), (known_code, known_line) = (
        _statements.get(one, (lambda: None, 0)) for one in (cls, known)
    )
    # What is compiled again is other code.
    if code() is None or code() is not known_code():
        return False
    return line != known_line or [*inspect.get_annotations(cls)] != [
        *inspect.get_annotations(known)
    ]


def home_of_each(cls: type[Any], known: type[Any]) -> tuple[str, str]:
    """How to tell two classes apart: by their homes, and by their lines in one home."""
    if home(cls) != home(known):
        return home(cls), home(known)
    told = [f"line {_statements[c][1]}'s " if c in _statements else "" for c in (cls, known)]
    return told[0] + home(cls), told[1] + home(known)
