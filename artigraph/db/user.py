"""Who writes: the user of a server; with SQLite the account, or who somebody says it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from artigraph.display.escape import cut
from artigraph.errors import LabelError
from artigraph.orm.base import is_clean

__all__ = ["current_user", "set_user"]

LONGEST = 255
"""Characters of a name."""

_chosen: str | None = None


def set_user(name: str | None) -> Callable[[], None]:
    """Say who writes from now on, in the whole process, where no server knows.

    A server has its own users, and notes who has written a row by itself: what is said here
    counts for SQLite only, whose rows name the account of the operating system otherwise.

    Args:
        name: A name; ``None`` for the account's.

    Returns:
        A function that puts back what was there.

    Raises:
        LabelError: It is no name, or longer than 255 characters.
    """
    global _chosen
    if name is not None and (
        not isinstance(name, str) or not 0 < len(name) <= LONGEST or not is_clean(name)
    ):
        raise LabelError(
            f"A user is named by 1 to {LONGEST} characters of text, as in set_user('ada'), not "
            f"by {cut(repr(name), 80)}."
        )
    before, _chosen = _chosen, name

    def reset() -> None:
        global _chosen
        _chosen = before

    return reset


def current_user() -> str:
    """Who writes with SQLite."""
    return _chosen or _account()


@cache
def _account() -> str:
    import getpass  # with SQLite alone, and not at the start

    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        # Of a container that knows no account of that number.
        name = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return name[:LONGEST] if is_clean(name) else "unknown"
