"""A cell that ends with a call whose ``await`` was forgotten says so.

Python shows ``<coroutine object …>`` there, and what was asked for has not happened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import AsyncGeneratorType, CoroutineType
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from artigraph.display.escape import visible
from artigraph.notebook.entries import put_back

__all__ = ["tell_of_forgotten_await"]

_TOLD = {
    CoroutineType: "This is a coroutine of {name}(…), which has not run: put await before it.",
    AsyncGeneratorType: "This is an asynchronous iterator of {name}(…): use it in async for.",
}


def tell_of_forgotten_await(shell: InteractiveShell) -> Callable[[], None]:
    """Have a shell say what to type where a cell's value is a coroutine.

    Args:
        shell: The shell.

    Returns:
        What undoes it.
    """
    undo = ExitStack()
    formatter: Any = shell.display_formatter
    if formatter is None:
        return undo.close
    known = formatter.formatters["text/plain"]
    for kind, sentence in _TOLD.items():
        printer = _printer(sentence)
        before = known.type_printers.get(kind)
        known.for_type(kind, printer)
        undo.callback(put_back, known.type_printers, kind, printer, before)
    return undo.close


def _printer(sentence: str) -> Callable[[Any, Any, bool], None]:
    def tell(value: Any, printer: Any, cycle: bool) -> None:
        name = str(value.__qualname__).rpartition("<locals>.")[2]
        printer.text(sentence.format(name=visible(name, 100)))

    return tell
