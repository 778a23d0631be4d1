"""What ``%load_ext artigraph`` does, and what ``%unload_ext artigraph`` undoes.

Loading adds the magic ``%artigraph``, what rewrites its lines, and what
completes them; a forgotten ``await`` is told of, and errors are drawn without
lines of libraries. It adds no name to the notebook. Unloading takes away what
loading has added and nothing else, and puts back a magic of the same name. It
also makes the files of SQLite whole, so that they can be copied.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from weakref import WeakKeyDictionary

from IPython.core.interactiveshell import InteractiveShell

from artigraph.dialect.sqlite.checkpoint import make_all_whole
from artigraph.notebook.entries import put_back
from artigraph.notebook.forgotten import tell_of_forgotten_await
from artigraph.notebook.magic.completion import Completion
from artigraph.notebook.magic.magic import Magic
from artigraph.notebook.magic.parser import NAMES, declare_late
from artigraph.notebook.magic.transform import Transformers
from artigraph.notebook.traceback import draw_shorter

__all__ = ["load", "unload"]


def _declare() -> None:
    """Import the modules that declare the sub-commands."""
    from artigraph.notebook.magic import (  # noqa: F401  # their import is all
        log_command,
        note_commands,
        read_commands,
        run_command,
        runs_command,
        store_commands,
        tag_commands,
        trash_commands,
        upgrade_command,
        write_commands,
    )


# Once a line or its completion asks for one: they know all of the store, which takes as long to
# import as SQLAlchemy.
declare_late(_declare)

_loaded: WeakKeyDictionary[InteractiveShell, ExitStack] = WeakKeyDictionary()


def load(ipython: InteractiveShell) -> None:
    """Add artigraph to a running IPython.

    Args:
        ipython: The shell.

    Raises:
        TypeError: Something that is no shell of IPython.
    """
    if not isinstance(ipython, InteractiveShell):
        raise TypeError(f"%load_ext artigraph belongs in IPython, not in {ipython!r}.")
    unload(ipython)
    undo = _loaded[ipython] = ExitStack()
    _add_magic(ipython, Magic(ipython), undo)
    transformers = Transformers(ipython)
    for added, to in (
        (transformers.first_line, ipython.input_transformers_cleanup),
        (transformers.lines, ipython.input_transformers_post),
        (transformers.blocks, ipython.ast_transformers),
    ):
        _append(added, to, undo)
    undo.callback(draw_shorter())
    undo.callback(tell_of_forgotten_await(ipython))
    completer = getattr(ipython, "Completer", None)
    if completer is not None:
        _append(Completion(ipython).match, completer.custom_matchers, undo)


def unload(ipython: InteractiveShell) -> None:
    """Take away what :func:`load` has added, and make every SQLite file whole."""
    undo = _loaded.pop(ipython, None)
    if undo is not None:
        undo.close()
        make_all_whole()


def _append(added: object, to: list[Any], undo: ExitStack) -> None:
    to.append(added)

    def remove() -> None:
        # Somebody else may have taken it away, or put a new list there.
        if added in to:
            to.remove(added)

    undo.callback(remove)


def _add_magic(ipython: InteractiveShell, magic: Magic, undo: ExitStack) -> None:
    registry = ipython.magics_manager.magics
    for kind in ("line", "cell"):
        for name in NAMES:
            before = registry[kind].get(name)
            registry[kind][name] = magic
            undo.callback(put_back, registry[kind], name, magic, before)
