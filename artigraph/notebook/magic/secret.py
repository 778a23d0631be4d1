"""Addresses with passwords, kept out of what IPython and a database keep.

IPython quotes a cell's transformed source in every traceback near it, and so
an error of any line would show the address beside it. The transformed source
holds a name for it instead, which nobody can guess. What the user types is
the user's: it stays in the cell.
"""

from __future__ import annotations

import re
import secrets

__all__ = ["hide_address", "show_address"]

_ADDRESS = re.compile(
    r"""(?<=")[^"\s]*://[^"]*[@?][^"]*(?=")|(?<=')[^'\s]*://[^']*[@?][^']*(?=')"""
    r"""|[^\s'"]*://[^\s'"]*[@?][^\s'"]*"""
)
_HIDDEN = re.compile(r"<address ([0-9a-f]+)>")

_addresses: dict[str, str] = {}


def hide_address(line: str) -> str:
    """A line with a name in place of each address that may hold a password."""

    def hide(found: re.Match[str]) -> str:
        name = secrets.token_hex(8)
        _addresses[name] = found[0]
        return f"<address {name}>"

    return _ADDRESS.sub(hide, line)


def show_address(line: str) -> str:
    """A line with the addresses that :func:`hide_address` has taken out of it."""
    return _HIDDEN.sub(lambda found: _addresses.get(found[1], found[0]), line)
