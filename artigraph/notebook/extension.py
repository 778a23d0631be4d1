"""What ``%load_ext artigraph`` does, and what ``%unload_ext artigraph`` undoes.

Loading answers the command and nothing more: it adds no name to the
notebook and changes nothing of IPython. Magics are added here.
"""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load", "unload"]


def load(ipython: InteractiveShell) -> None:
    """Add artigraph to a running IPython.

    Args:
        ipython: The shell.

    Raises:
        TypeError: Something that is no shell of IPython.
    """
    if not isinstance(ipython, InteractiveShell):
        raise TypeError(f"%load_ext artigraph belongs in IPython, not in {ipython!r}.")


def unload(ipython: InteractiveShell) -> None:
    """Take away what :func:`load` has added; nothing, by now.

    Args:
        ipython: The shell.
    """
