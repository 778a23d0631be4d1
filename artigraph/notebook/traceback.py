"""Errors of artigraph's in a cell: they end with the line that one wrote oneself.

A call that fails has dozens of lines inside artigraph and what it uses, which say nothing
to whoever wrote the cell. IPython asks an exception how it is drawn; with the extension
loaded, artigraph's answer with the lines of the cell and of one's own modules. The exception
keeps its traceback: ``%tb`` shows all of it, and ``%debug`` goes into it.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import format_exception
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

import artigraph
from artigraph.display.escape import counted, visible
from artigraph.errors import ArtigraphError

__all__ = ["draw_shorter"]

_ASKED = "_render_traceback_"
"""The method that IPython looks for."""
_DRAWN = "_artigraph_drawn"

# Not of one's own: this package, Python's library, and what is installed beside it.
_LIBRARIES = tuple(
    {
        str(Path(artigraph.__file__).parent),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
)


def draw_shorter() -> Callable[[], None]:
    """Let IPython draw errors of artigraph's without lines of libraries.

    Returns:
        What undoes it.
    """
    setattr(ArtigraphError, _ASKED, _draw)

    def undo() -> None:
        # Another shell may have undone it, or somebody drawn them in another way.
        if vars(ArtigraphError).get(_ASKED) is _draw:
            delattr(ArtigraphError, _ASKED)

    return undo


def _draw(error: ArtigraphError) -> list[str]:
    shell, traceback = get_ipython(), error.__traceback__
    if shell is None:
        return format_exception(error)
    draw: Any = shell.InteractiveTB.structured_traceback
    # What is asked for again is asked for by %tb.
    if not vars(error).get(_DRAWN):
        vars(error)[_DRAWN] = True
        try:
            own, hidden = _own(traceback)
            if own is not None and hidden:
                with _without_cause(error):
                    drawn = draw(type(error), error, own, tb_offset=0)
                left = counted(hidden, "call")
                return [
                    *drawn,
                    f"({left} inside libraries not shown; %tb shows the whole traceback.)",
                ]
        except Exception as fault:  # an error must be shown, whatever else fails
            return [f"{type(error).__name__}: {visible(str(error))}", f"({fault!r})"]
    whole: list[str] = draw(type(error), error, traceback)
    return whole


def _own(traceback: TracebackType | None) -> tuple[TracebackType | None, int]:
    """What of a traceback is not of libraries, and how many calls below that are left out."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    own: TracebackType | None = None
    hidden = 0
    for one in reversed(frames):
        if one.tb_frame.f_code.co_filename.startswith(_LIBRARIES):
            hidden += own is None
        else:
            own = TracebackType(own, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return own, hidden


@contextmanager
def _without_cause(error: BaseException) -> Iterator[None]:
    """Hide what an error was raised from: its lines are those of libraries, too."""
    cause, suppressed = error.__cause__, error.__suppress_context__
    context: Any = error.__context__
    error.__cause__, error.__context__ = None, None
    try:
        yield
    finally:
        error.__cause__, error.__context__ = cause, context
        error.__suppress_context__ = suppressed
